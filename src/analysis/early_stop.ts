/**
 * Early stop, found after training: the iteration of minimum validation loss (Frankle & Carbin 2019, section 2).
 *
 * @module
 */

/** What {@linkcode earlyStop} needs of an evaluation. */
export interface ValidationPoint {
  /** Steps done. */
  readonly iteration: number;
  /** Mean loss on the validation split; null when it was not finite. */
  readonly validationLoss: number | null;
}

/**
 * The evaluation of minimum validation loss, the earliest if several; undefined when no loss was finite.
 *
 * @example
 * ```ts
 * import { earlyStop } from "./early_stop.ts";
 *
 * const best = earlyStop([{ iteration: 0, validationLoss: 2.3 }, { iteration: 50, validationLoss: 0.4 }]);
 * console.assert(best?.iteration === 50);
 * ```
 */
export function earlyStop<Point extends ValidationPoint>(evaluations: readonly Point[]): Point | undefined {
  let best: Point | undefined;
  let lowest = Infinity;
  for (const evaluation of evaluations) {
    const { validationLoss } = evaluation;
    if (validationLoss !== null && validationLoss < lowest) {
      best = evaluation;
      lowest = validationLoss;
    }
  }
  return best;
}

/**
 * Whether an early stop fell on the last evaluation: the loss may have been falling still, so the true minimum is there or
 * later, and a comparison of early stops says little.
 */
export function isCensored(earlyStopIteration: number | null, iterations: number): boolean {
  return earlyStopIteration !== null && earlyStopIteration >= iterations;
}
