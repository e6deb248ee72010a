/**
 * Reference of `kernels/dense_weight_gradient.wgsl`.
 *
 * @module
 */
import { at, type DenseShape, requireShape } from "./tensor.ts";

/** Gradients of a dense layer's parameters. */
export interface DenseGradient {
  /** `[R][I][O]`. */
  readonly weight: Float64Array;
  /** `[R][O]`. */
  readonly bias: Float64Array;
}

/**
 * Dense layer, parameter gradients: weight[i][o] = Σ_n input[i][n] · outputGradient[o][n], bias[o] = Σ_n outputGradient[o][n].
 * These are sums: the mean's 1 / N is already in the gradient that the loss gives.
 *
 * @param input `[R][I][N]`
 * @param outputGradient `[R][O][N]`, with respect to the layer's sums
 * @param mask `[R][I][O]` of 0 and 1; where it is 0 the gradient is exactly zero, even where the sum is NaN
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function denseWeightGradient(
  { replicates, inputs, outputs, batch }: DenseShape,
  input: Float64Array,
  outputGradient: Float64Array,
  mask?: Uint8Array,
): DenseGradient {
  requireShape("input", input, replicates, inputs, batch);
  requireShape("outputGradient", outputGradient, replicates, outputs, batch);
  if (mask) requireShape("mask", mask, replicates, inputs, outputs);
  const weight = new Float64Array(replicates * inputs * outputs);
  const bias = new Float64Array(replicates * outputs);
  for (let r = 0; r < replicates; r++) {
    for (let o = 0; o < outputs; o++) {
      for (let n = 0; n < batch; n++) {
        const index = r * outputs + o;
        bias[index] = at(bias, index) + at(outputGradient, index * batch + n);
      }
      for (let i = 0; i < inputs; i++) {
        const index = (r * inputs + i) * outputs + o;
        if (mask && at(mask, index) === 0) continue;
        let sum = 0;
        for (let n = 0; n < batch; n++) {
          sum += at(input, (r * inputs + i) * batch + n) * at(outputGradient, (r * outputs + o) * batch + n);
        }
        weight[index] = sum;
      }
    }
  }
  return { weight, bias };
}
