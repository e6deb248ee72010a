/**
 * Reference of `kernels/adam.wgsl`.
 *
 * @module
 */
import type { AdamScalars } from "./step_scalars.ts";
import { at, requireShape } from "./tensor.ts";

/** Parameters and both moments, `[R][P]` each. */
export interface AdamState {
  /** The weights and biases. */
  readonly parameters: Float64Array;
  /** Running mean of the gradient. */
  readonly firstMoment: Float64Array;
  /** Running mean of the squared gradient. */
  readonly secondMoment: Float64Array;
}

/** Adam's constants. */
export interface AdamConstants {
  /** Decay of the first moment; 0.9 when left out. */
  readonly beta1?: number;
  /** Decay of the second moment; 0.999 when left out. */
  readonly beta2?: number;
  /** Added to the corrected root; 1e-8 when left out. */
  readonly epsilon?: number;
  /** L2 penalty, added to the gradient; 0 when left out. */
  readonly weightDecay?: number;
}

/**
 * One step of Adam (Kingma & Ba 2015, in PyTorch 1.13's single-tensor form), fused with the mask:
 * g = gradient + weightDecay · p, m ← β1 m + (1 − β1) g, v ← β2 v + (1 − β2) g², p ← p − stepSize · m / (√v · rootCorrection + ε).
 * Where the mask is 0, p, m and v are exactly zero afterwards, whatever the gradient is.
 *
 * @param state `[R][P]`, left as it is
 * @param gradient `[R][P]`
 * @param mask `[R][P]` of 0 and 1
 * @throws {RangeError} when the tensors differ in size
 */
export function adam(
  state: AdamState,
  gradient: Float64Array,
  mask: Uint8Array,
  { stepSize, rootCorrection }: AdamScalars,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 }: AdamConstants = {},
): AdamState {
  const size = state.parameters.length;
  for (const [name, values] of Object.entries({ ...state, gradient, mask })) requireShape(name, values, size);
  const parameters = new Float64Array(size);
  const firstMoment = new Float64Array(size);
  const secondMoment = new Float64Array(size);
  for (let index = 0; index < size; index++) {
    if (at(mask, index) === 0) continue;
    const p = at(state.parameters, index);
    const g = at(gradient, index) + weightDecay * p;
    const m = beta1 * at(state.firstMoment, index) + (1 - beta1) * g;
    const v = beta2 * at(state.secondMoment, index) + (1 - beta2) * g * g;
    firstMoment[index] = m;
    secondMoment[index] = v;
    parameters[index] = p - stepSize * m / (Math.sqrt(v) * rootCorrection + epsilon);
  }
  return { parameters, firstMoment, secondMoment };
}
