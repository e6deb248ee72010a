/**
 * Reference of the scalars that a training step reads from its level's table.
 *
 * @module
 */

/** What Adam needs beside its constants at one step. */
export interface AdamScalars {
  /** lr / (1 − β1ᵗ). */
  readonly stepSize: number;
  /** 1 / √(1 − β2ᵗ). */
  readonly rootCorrection: number;
}

/**
 * Adam's step size and bias correction (Kingma & Ba 2015, in PyTorch's form).
 *
 * @param step t, counted from 1
 * @throws {RangeError} when the step is below 1
 */
export function adamScalars(
  { lr, beta1 = 0.9, beta2 = 0.999 }: { readonly lr: number; readonly beta1?: number; readonly beta2?: number },
  step: number,
): AdamScalars {
  if (!(step >= 1)) throw new RangeError(`Cannot correct Adam's bias at step ${step}: steps count from 1.`);
  return { stepSize: lr / (1 - Math.pow(beta1, step)), rootCorrection: 1 / Math.sqrt(1 - Math.pow(beta2, step)) };
}
