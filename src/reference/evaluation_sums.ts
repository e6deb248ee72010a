/**
 * Reference of `kernels/evaluation_sums.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/** Sums over one evaluation. */
export interface EvaluationSums {
  /** Sum of the losses in nats. */
  readonly loss: number;
  /** Correct predictions. */
  readonly correct: number;
}

/** The smallest validation loss so far. */
export interface BestEvaluation {
  /** Sum of the losses in nats; +∞ before the first evaluation. */
  readonly loss: number;
  /** Steps done when it was seen. */
  readonly iteration: number;
}

/** Sum with Neumaier's compensation: exact to the last digit for the sums of an evaluation. */
export function compensatedSum(values: Iterable<number>): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  // After an infinity the compensation is NaN, though the sum is not.
  return Number.isFinite(sum) ? sum + lost : sum;
}

/**
 * Sums an evaluation.
 *
 * @param losses `[R][L]`
 * @param correct `[R][L]` of 0 and 1
 * @returns one entry per replicate
 * @throws {RangeError} when the tensors differ in size
 */
export function evaluationSums(replicates: number, losses: Float64Array, correct: Uint32Array): EvaluationSums[] {
  requireShape("correct", correct, losses.length);
  const size = losses.length / replicates;
  return Array.from({ length: replicates }, (_, r) => {
    let count = 0;
    for (let index = r * size; index < (r + 1) * size; index++) count += at(correct, index);
    return { loss: compensatedSum(losses.subarray(r * size, (r + 1) * size)), correct: count };
  });
}

/** The better of two: strictly smaller wins, so the earliest minimum stays, and NaN never does. */
export function better(best: BestEvaluation, current: BestEvaluation): BestEvaluation {
  return current.loss < best.loss ? current : best;
}
