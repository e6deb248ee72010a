/**
 * Statistics over replicates, as in the paper: means, with minimum and maximum as error bars.
 *
 * @module
 */

/** Mean, minimum and maximum of what was measured. */
export interface Spread {
  /** Mean. */
  readonly mean: number;
  /** Smallest value. */
  readonly minimum: number;
  /** Largest value. */
  readonly maximum: number;
  /** How many values. */
  readonly count: number;
}

/** Mean, minimum and maximum over the values that are there; null when none is. */
export function spread(values: readonly (number | null)[]): Spread | null {
  const present = values.filter((value) => value !== null);
  if (present.length === 0) return null;
  return {
    mean: present.reduce((sum, value) => sum + value, 0) / present.length,
    minimum: Math.min(...present),
    maximum: Math.max(...present),
    count: present.length,
  };
}
