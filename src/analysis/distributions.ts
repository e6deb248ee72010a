/**
 * Which initial values survive: histograms per layer and level (Frankle & Carbin 2019, Figures 15 and 16). Magnitude pruning
 * after training empties the middle of the Gaussian that a layer was drawn from, more with every level.
 *
 * @module
 */
import { evenBins, type Histogram, histogramOf, selected } from "./histogram.ts";

/** A layer of a ticket, `[inputs][outputs]`: a `TrainedLayer` is one. */
export interface TicketLayer {
  /** `conv1`, …, `dense1`, … */
  readonly name: string;
  /** 1 where a weight survives. */
  readonly mask: Uint8Array;
  /** What it was initialised with. */
  readonly initial: Float32Array;
}

/** The tickets of one level. */
export interface LevelTickets {
  /** Surviving fraction of the network. */
  readonly remaining: number;
  /** The layers of each replicate's ticket, all in the same order. */
  readonly tickets: readonly (readonly TicketLayer[])[];
}

/** A layer's surviving initial weights, level by level, in bins that all levels share. */
export interface LayerDistribution {
  /** The layer. */
  readonly layer: string;
  /** Bins divide [−limit, limit] evenly: the largest magnitude that survives in any of the levels. */
  readonly limit: number;
  /** One histogram per level, over all its replicates. */
  readonly levels: readonly { readonly remaining: number; readonly histogram: Histogram }[];
}

/**
 * Histograms of the surviving initial weights, per layer.
 *
 * @param bins how many, an even number
 * @throws {RangeError} when a ticket lacks a layer that the first has
 */
export function survivingInitials(levels: readonly LevelTickets[], bins: number = evenBins): LayerDistribution[] {
  const [first = []] = levels.flatMap(({ tickets }) => tickets);
  return first.map(({ name }, index) => {
    const ofLevels = levels.map(({ remaining, tickets }) => ({
      remaining,
      layers: tickets.map((ticket) => {
        const layer = ticket[index];
        if (layer?.name === name) return layer;
        throw new RangeError(
          `Cannot compare tickets of ${remaining}: layer ${index + 1} is ${
            layer?.name ?? "missing"
          } where ${name} is wanted. Give tickets of one network.`,
        );
      }),
    }));
    let limit = 0;
    for (const { layers } of ofLevels) for (const value of survivors(layers)) limit = Math.max(limit, Math.abs(value));
    return {
      layer: name,
      limit,
      levels: ofLevels.map(({ remaining, layers }) => ({
        remaining,
        histogram: histogramOf(survivors(layers), { from: -limit, to: limit, bins }),
      })),
    };
  });
}

function survivors(layers: readonly TicketLayer[]): Iterable<number> {
  return layers.values().flatMap(({ initial, mask }) => selected(initial, mask));
}
