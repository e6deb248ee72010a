/**
 * Reference of `kernels/sgd.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/** Parameters and momentum, `[R][P]` each. */
export interface SgdState {
  /** The weights and biases. */
  readonly parameters: Float64Array;
  /** The velocity. */
  readonly momentum: Float64Array;
}

/**
 * One step of stochastic gradient descent in PyTorch's form, fused with the mask:
 * g = gradient + weightDecay · p, m ← momentum · m + g, p ← p − lr · m.
 * Where the mask is 0, p and m are exactly zero afterwards, whatever the gradient is.
 *
 * @param state `[R][P]`, left as it is
 * @param gradient `[R][P]`
 * @param mask `[R][P]` of 0 and 1
 * @throws {RangeError} when the tensors differ in size
 */
export function sgd(
  state: SgdState,
  gradient: Float64Array,
  mask: Uint8Array,
  { lr, momentum = 0, weightDecay = 0 }: {
    readonly lr: number;
    readonly momentum?: number;
    readonly weightDecay?: number;
  },
): SgdState {
  const size = state.parameters.length;
  for (const [name, values] of Object.entries({ ...state, gradient, mask })) requireShape(name, values, size);
  const next: SgdState = { parameters: new Float64Array(size), momentum: new Float64Array(size) };
  for (let index = 0; index < size; index++) {
    if (at(mask, index) === 0) continue;
    const p = at(state.parameters, index);
    const m = momentum * at(state.momentum, index) + at(gradient, index) + weightDecay * p;
    next.momentum[index] = m;
    next.parameters[index] = p - lr * m;
  }
  return next;
}
