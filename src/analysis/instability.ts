/**
 * Linear mode connectivity: whether two copies of a network that were trained with different data order lie in one valley
 * (Frankle, Dziugaite, Roy & Carbin 2020, arXiv 1912.05671, section 2).
 *
 * @module
 */

/** Instability below this, a fraction of 1, counts as stable: 2 %, as in 1912.05671, section 2. */
export const stableBelow = 0.02;

/** What the errors along the line come to. */
export interface Instability {
  /** The highest error on the line less the mean of the errors of its ends. */
  readonly instability: number;
  /** Whether that is below {@linkcode stableBelow}. */
  readonly isStable: boolean;
  /** The highest error. */
  readonly highest: number;
  /** The point that has it, from 0; the first if several. */
  readonly at: number;
  /** Mean error of the ends. */
  readonly ends: number;
}

/**
 * The instability of a network by errors along the line between two copies.
 *
 * @param errors fractions of 1 at evenly spaced points, both ends included
 * @throws {RangeError} when there are fewer than two points, or an error is not a number
 * @example
 * ```ts
 * import { instabilityOf } from "./instability.ts";
 *
 * console.assert(instabilityOf([0.25, 0.75, 0.25]).instability === 0.5);
 * ```
 */
export function instabilityOf(errors: readonly number[]): Instability {
  const [first] = errors;
  const last = errors.at(-1);
  if (first === undefined || last === undefined || errors.length < 2 || errors.some(Number.isNaN)) {
    throw new RangeError(
      `Cannot measure instability by errors ${
        errors.join(", ") || "at no point"
      }: give numbers for both ends at least.`,
    );
  }
  const highest = Math.max(...errors);
  const ends = (first + last) / 2;
  const instability = highest - ends;
  return { instability, isStable: instability < stableBelow, highest, at: errors.indexOf(highest), ends };
}
