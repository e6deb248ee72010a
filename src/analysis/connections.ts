/**
 * Surviving connections per unit: whether pruning thins all units of a layer alike, or keeps some and empties others (Frankle &
 * Carbin 2019, Figures 21 to 24).
 *
 * @module
 */
import { type Histogram, histogramOf } from "./histogram.ts";
import { type Spread, spread } from "./statistics.ts";

/** `incoming`: of each unit that a layer gives; `outgoing`: of each unit, pixel or channel that it takes. */
export type Direction = "incoming" | "outgoing";

/** A layer's mask: a `TrainedLayer` is one. */
export interface MaskedLayer {
  /** Rows: fan-in. */
  readonly inputs: number;
  /** Columns: units or output channels. */
  readonly outputs: number;
  /** `[inputs][outputs]`, a convolution's rows being `[C][ky][kx]`; 1 where a weight survives. */
  readonly mask: Uint8Array;
  /** Rows and columns of a convolution's kernel; 1, as of a dense layer, when left out. */
  readonly size?: number;
}

/** The connections of a layer's units. */
export interface UnitConnections {
  /** Surviving connections of each unit, in order. */
  readonly counts: readonly number[];
  /** Connections of a unit before any pruning. */
  readonly whole: number;
  /** Over units, the fraction of its connections that a unit keeps; null when there is no unit. */
  readonly fraction: Spread | null;
  /** The fraction of units that keep none. */
  readonly without: number;
}

/**
 * Counts surviving connections per unit.
 *
 * @throws {RangeError} when the mask does not fit, or the rows are not whole kernels
 * @example
 * ```ts
 * import { connectionsOf } from "./connections.ts";
 *
 * const layer = { inputs: 2, outputs: 3, mask: Uint8Array.of(1, 0, 1, 1, 0, 0) };
 * console.assert(connectionsOf(layer, "incoming").counts.join() === "2,0,1");
 * console.assert(connectionsOf(layer, "outgoing").counts.join() === "2,1");
 * ```
 */
export function connectionsOf({ inputs, outputs, mask, size = 1 }: MaskedLayer, direction: Direction): UnitConnections {
  const area = size * size;
  if (mask.length !== inputs * outputs || inputs % area !== 0) {
    throw new RangeError(
      `Cannot count connections: a mask of ${mask.length} for ${inputs} × ${outputs} with kernels of ${size} × ${size}. ` +
        "Give one entry per weight, and rows that are whole kernels.",
    );
  }
  const counts = new Array<number>(direction === "incoming" ? outputs : inputs / area).fill(0);
  mask.forEach((survives, at) => {
    if (survives !== 1) return;
    const unit = direction === "incoming" ? at % outputs : Math.floor(at / outputs / area);
    counts[unit] = (counts[unit] ?? 0) + 1;
  });
  const whole = direction === "incoming" ? inputs : outputs * area;
  return {
    counts,
    whole,
    fraction: spread(counts.map((count) => count / whole)),
    without: counts.length === 0 ? 0 : counts.filter((count) => count === 0).length / counts.length,
  };
}

/** How many units keep which fraction of their connections, from 0 to 1. Several replicates' units are counted together. */
export function connectionHistogram(units: readonly UnitConnections[], bins: number = defaultBins): Histogram {
  const fractions = units.flatMap(({ counts, whole }) => counts.map((count) => count / whole));
  return histogramOf(fractions, { from: 0, to: 1, bins });
}

/** Bins of a histogram: steps of 2 %. */
const defaultBins = 50;
