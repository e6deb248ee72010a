/**
 * Reference of `kernels/dense_forward.wgsl`.
 *
 * @module
 */
import { at, type DenseShape, requireShape } from "./tensor.ts";

/**
 * Dense layer, forward: output[o][n] = activation(bias[o] + Σ_i weight[i][o] · input[i][n]). ReLU keeps NaN, as PyTorch's does.
 *
 * @param weight `[R][I][O]`
 * @param bias `[R][O]`
 * @param input `[R][I][N]`
 * @param relu whether a ReLU follows the sum
 * @returns `[R][O][N]`
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function denseForward(
  { replicates, inputs, outputs, batch }: DenseShape,
  weight: Float64Array,
  bias: Float64Array,
  input: Float64Array,
  relu = false,
): Float64Array {
  requireShape("weight", weight, replicates, inputs, outputs);
  requireShape("bias", bias, replicates, outputs);
  requireShape("input", input, replicates, inputs, batch);
  const output = new Float64Array(replicates * outputs * batch);
  for (let r = 0; r < replicates; r++) {
    for (let o = 0; o < outputs; o++) {
      for (let n = 0; n < batch; n++) {
        let sum = at(bias, r * outputs + o);
        for (let i = 0; i < inputs; i++) {
          sum += at(weight, (r * inputs + i) * outputs + o) * at(input, (r * inputs + i) * batch + n);
        }
        output[(r * outputs + o) * batch + n] = relu && sum < 0 ? 0 : sum;
      }
    }
  }
  return output;
}
