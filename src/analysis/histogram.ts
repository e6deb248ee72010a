/**
 * Histograms of numbers: how many fall into each of bins of equal width.
 *
 * @module
 */

/** Bins of a histogram of weights, around zero: an even number, so that zero is an edge and no bin mixes signs. */
export const evenBins = 64;

/** A histogram. */
export interface Histogram {
  /** Where the first bin begins. */
  readonly from: number;
  /** Where the last bin ends; it holds that value too. */
  readonly to: number;
  /** Values per bin, in order. */
  readonly counts: readonly number[];
  /** Values in all. */
  readonly count: number;
  /** Their mean, of the values themselves; null when there are none. */
  readonly mean: number | null;
}

/**
 * Counts values in bins that divide a range evenly. Where it has no width all stand in the bin of its middle.
 *
 * @throws {RangeError} when a value is outside the range, or not a number
 * @example
 * ```ts
 * import { histogramOf } from "./histogram.ts";
 *
 * console.assert(histogramOf([0, 0.1, 1], { from: 0, to: 1, bins: 2 }).counts.join() === "2,1");
 * ```
 */
export function histogramOf(
  values: Iterable<number>,
  { from, to, bins }: { readonly from: number; readonly to: number; readonly bins: number },
): Histogram {
  const counts = new Array<number>(bins).fill(0);
  // From the middle, so that an even number of bins over a range around zero has an edge there, and no bin mixes signs.
  const middle = (from + to) / 2;
  const half = (to - from) / 2;
  let count = 0;
  let sum = 0;
  for (const value of values) {
    if (!(value >= from && value <= to)) {
      throw new RangeError(`Cannot count ${value} in bins from ${from} to ${to}: give a range that holds every value.`);
    }
    const bin = half === 0 ? Math.floor(bins / 2) : Math.floor(((value - middle) / half + 1) / 2 * bins);
    const within = Math.min(bins - 1, bin);
    counts[within] = (counts[within] ?? 0) + 1;
    count++;
    sum += value;
  }
  return { from, to, counts, count, mean: count === 0 ? null : sum / count };
}

/** The density in each bin: the share of the values per unit of width, so that the bins' areas add up to 1. Zeros when there are none. */
export function densitiesOf({ from, to, counts, count }: Histogram): number[] {
  const area = count * (to - from) / counts.length;
  return counts.map((own) => area > 0 ? own / area : 0);
}

/** Where the mask is 1, the values; or with `survives` false where it is 0. */
export function* selected(values: ArrayLike<number>, mask: Uint8Array, survives = true): Generator<number> {
  for (let index = 0; index < mask.length; index++) {
    if ((mask[index] === 1) === survives) yield values[index] ?? NaN;
  }
}
