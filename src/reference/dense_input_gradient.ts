/**
 * Reference of `kernels/dense_input_gradient.wgsl`.
 *
 * @module
 */
import { at, type DenseShape, requireShape } from "./tensor.ts";

/**
 * Dense layer, input gradient: gradient[i][n] = Σ_o weight[i][o] · outputGradient[o][n].
 *
 * @param weight `[R][I][O]`
 * @param outputGradient `[R][O][N]`, with respect to the layer's sums
 * @param gate the layer's input `[R][I][N]` where that is the output of a ReLU: the gradient is zero where it is not positive.
 * It passes where the input is NaN, as in PyTorch's threshold_backward
 * @returns `[R][I][N]`
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function denseInputGradient(
  { replicates, inputs, outputs, batch }: DenseShape,
  weight: Float64Array,
  outputGradient: Float64Array,
  gate?: Float64Array,
): Float64Array {
  requireShape("weight", weight, replicates, inputs, outputs);
  requireShape("outputGradient", outputGradient, replicates, outputs, batch);
  if (gate) requireShape("gate", gate, replicates, inputs, batch);
  const gradient = new Float64Array(replicates * inputs * batch);
  for (let r = 0; r < replicates; r++) {
    for (let i = 0; i < inputs; i++) {
      for (let n = 0; n < batch; n++) {
        let sum = 0;
        for (let o = 0; o < outputs; o++) {
          sum += at(weight, (r * inputs + i) * outputs + o) * at(outputGradient, (r * outputs + o) * batch + n);
        }
        const index = (r * inputs + i) * batch + n;
        gradient[index] = gate && at(gate, index) <= 0 ? 0 : sum;
      }
    }
  }
  return gradient;
}
