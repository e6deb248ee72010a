/**
 * How far weights move in training: of the dense network, those that end up in the ticket beside those that do not (Frankle &
 * Carbin 2019, Figures 19 and 20).
 *
 * @module
 */
import { evenBins, type Histogram, histogramOf, selected } from "./histogram.ts";

/** `moved`: in either direction, |θfinal − θ0|. `away-from-zero`: |θfinal| − |θ0|, below zero for a weight that shrank. */
export type DistanceMeasure = "moved" | "away-from-zero";

/** A layer before and after training, `[inputs][outputs]`, and the mask of a ticket that was pruned from it. */
export interface MovedLayer {
  /** `conv1`, …, `dense1`, … */
  readonly name: string;
  /** θ0 of the dense network. */
  readonly initial: Float32Array;
  /** θfinal of the dense network. */
  readonly final: Float32Array;
  /** 1 where a weight is in the ticket: a later level's mask. */
  readonly mask: Uint8Array;
}

/** The distances of a layer, in bins that both histograms share. */
export interface LayerDistances {
  /** The layer. */
  readonly layer: string;
  /** Bins divide [0, limit], or [−limit, limit] for distances away from zero, evenly: the largest distance. */
  readonly limit: number;
  /** Of the weights in the ticket. */
  readonly inTicket: Histogram;
  /** Of the weights outside it. */
  readonly outside: Histogram;
  /** Weights whose final value is not finite, and in neither. */
  readonly notFinite: number;
}

/**
 * How far weights moved, per layer, over all replicates together.
 *
 * @param networks the layers of each replicate's network, all in the same order
 * @throws {RangeError} when a network lacks a layer that the first has, or arrays of a layer are not of one length
 */
export function distancesMoved(
  networks: readonly (readonly MovedLayer[])[],
  options: { readonly measure?: DistanceMeasure; readonly bins?: number } = {},
): LayerDistances[] {
  const { measure = "moved", bins = evenBins } = options;
  const [first = []] = networks;
  return first.map(({ name }, index) => {
    const layers = networks.map((network) => {
      const layer = network[index];
      if (layer?.name !== name) {
        throw new RangeError(
          `Cannot measure distances: layer ${index + 1} is ${
            layer?.name ?? "missing"
          } where ${name} is wanted. Give replicates of one network.`,
        );
      }
      return { distances: distancesOf(layer, measure), mask: layer.mask };
    });
    let limit = 0;
    let notFinite = 0;
    for (const { distances } of layers) {
      for (const distance of distances) {
        if (Number.isFinite(distance)) limit = Math.max(limit, Math.abs(distance));
        else notFinite++;
      }
    }
    const histogram = (inTicket: boolean): Histogram =>
      histogramOf(
        layers.values().flatMap(({ distances, mask }) => selected(distances, mask, inTicket).filter(Number.isFinite)),
        { from: measure === "moved" ? 0 : -limit, to: limit, bins },
      );
    return { layer: name, limit, inTicket: histogram(true), outside: histogram(false), notFinite };
  });
}

function distancesOf({ name, initial, final, mask }: MovedLayer, measure: DistanceMeasure): Float64Array {
  if (initial.length !== mask.length || final.length !== mask.length) {
    throw new RangeError(
      `Cannot measure distances of ${name}: it has ${initial.length} initial values, ${final.length} final ones and a mask ` +
        `of ${mask.length}. Give arrays of one length.`,
    );
  }
  const distances = new Float64Array(mask.length);
  for (let index = 0; index < distances.length; index++) {
    const [before, after] = [initial[index] ?? NaN, final[index] ?? NaN];
    distances[index] = measure === "moved" ? Math.abs(after - before) : Math.abs(after) - Math.abs(before);
  }
  return distances;
}
