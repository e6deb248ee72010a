/**
 * Reference of `kernels/advance_step.wgsl`.
 *
 * @module
 */
import { compensatedSum } from "./evaluation_sums.ts";

/** What one replicate counts while it trains. */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  /** The first step, counted from 1, whose loss was not finite; 0 = none. */
  readonly divergedAt: number;
  /** Sum over steps of the batch's mean loss, in nats. */
  readonly trainLoss: number;
  /** Correct predictions in those batches. */
  readonly trainCorrect: number;
}

/**
 * Ends a training step of one replicate.
 *
 * @param losses `[N]`
 * @param correct `[N]` of 0 and 1
 */
export function advanceStep(
  state: TrainingState,
  losses: ArrayLike<number>,
  correct: ArrayLike<number>,
): TrainingState {
  const loss = compensatedSum(Array.from(losses)) / losses.length;
  const step = state.step + 1;
  return {
    step,
    divergedAt: state.divergedAt === 0 && !Number.isFinite(loss) ? step : state.divergedAt,
    trainLoss: state.trainLoss + loss,
    trainCorrect: state.trainCorrect + Array.from(correct).reduce((sum, value) => sum + value, 0),
  };
}
