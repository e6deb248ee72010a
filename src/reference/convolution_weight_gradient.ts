/**
 * Reference of `kernels/convolution_weight_gradient.wgsl` and of `kernels/sum_partials.wgsl` behind it.
 *
 * @module
 */
import { type ConvolutionShape, outputSize } from "./convolution_forward.ts";
import { at, requireShape } from "./tensor.ts";

/** Gradients of a convolution's parameters. */
export interface ConvolutionGradient {
  /** `[R][C][ky][kx][K]`. */
  readonly weight: Float64Array;
  /** `[R][K]`. */
  readonly bias: Float64Array;
}

/**
 * Convolution, parameter gradients: weight[c][ky][kx][k] =
 * Σ_y Σ_x Σ_n input[c][y · stride + ky − pad][x · stride + kx − pad][n] · outputGradient[k][y][x][n], over the positions inside the
 * image, and bias[k] = Σ_y Σ_x Σ_n outputGradient[k][y][x][n]. These are sums: the mean's 1 / N is already in the gradient that the
 * loss gives.
 *
 * @param input `[R][C][H][W][N]`
 * @param outputGradient `[R][K][⌈H / stride⌉][⌈W / stride⌉][N]`, with respect to the layer's sums
 * @param mask `[R][C][ky][kx][K]` of 0 and 1; where it is 0 the gradient is exactly zero, even where the sum is NaN
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function convolutionWeightGradient(
  { replicates, channels, outputs, height, width, size, stride, batch }: ConvolutionShape,
  input: Float64Array,
  outputGradient: Float64Array,
  mask?: Uint8Array,
): ConvolutionGradient {
  const rows = outputSize(height, stride);
  const columns = outputSize(width, stride);
  const pad = (size - 1) / 2;
  requireShape("input", input, replicates, channels, height, width, batch);
  requireShape("outputGradient", outputGradient, replicates, outputs, rows, columns, batch);
  if (mask) requireShape("mask", mask, replicates, channels, size, size, outputs);
  const weight = new Float64Array(replicates * channels * size * size * outputs);
  const bias = new Float64Array(replicates * outputs);
  for (let r = 0; r < replicates; r++) {
    for (let k = 0; k < outputs; k++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          for (let n = 0; n < batch; n++) {
            const d = at(outputGradient, (((r * outputs + k) * rows + y) * columns + x) * batch + n);
            bias[r * outputs + k] = at(bias, r * outputs + k) + d;
            for (let c = 0; c < channels; c++) {
              for (let ky = 0; ky < size; ky++) {
                for (let kx = 0; kx < size; kx++) {
                  const i = y * stride + ky - pad;
                  const j = x * stride + kx - pad;
                  if (i < 0 || i >= height || j < 0 || j >= width) continue;
                  const index = (((r * channels + c) * size + ky) * size + kx) * outputs + k;
                  weight[index] = at(weight, index) +
                    d * at(input, (((r * channels + c) * height + i) * width + j) * batch + n);
                }
              }
            }
          }
        }
      }
    }
  }
  if (mask) weight.forEach((_, index) => at(mask, index) === 0 && (weight[index] = 0));
  return { weight, bias };
}
