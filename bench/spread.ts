/**
 * Several measurements of one thing, and how those of two things compare.
 *
 * @module
 */

/** Several measurements of one thing, in milliseconds. */
export interface Spread {
  /** Middle one. */
  readonly median: number;
  /** Smallest. */
  readonly minimum: number;
  /** Largest. */
  readonly maximum: number;
}

/** Median, minimum and maximum. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return {
    median: ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2,
    minimum: sorted[0] ?? NaN,
    maximum: sorted.at(-1) ?? NaN,
  };
}

/** The median of how two things compare, round by round, in which both were disturbed alike. */
export function medianRatio(times: readonly number[], others: readonly number[]): number {
  return spread(times.map((ms, round) => ms / (others[round] ?? NaN))).median;
}
