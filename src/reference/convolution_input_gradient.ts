/**
 * Reference of `kernels/convolution_input_gradient.wgsl`.
 *
 * @module
 */
import { type ConvolutionShape, outputSize } from "./convolution_forward.ts";
import { at, requireShape } from "./tensor.ts";

/** What happens to an input gradient after its sum. */
export interface InputGradientOptions {
  /** A gradient `[R][C][H][W][N]` from elsewhere, added to the sum before the gate. */
  readonly old?: Float64Array | undefined;
  /**
   * The layer's input `[R][C][H][W][N]` where that is the output of a ReLU: the gradient is zero where it is not positive. It
   * passes where the input is NaN, as in PyTorch's threshold_backward.
   */
  readonly gate?: Float64Array | undefined;
}

/**
 * Convolution, input gradient: what the forward pass multiplies, with the gradient of each output value going back to every
 * input value that it came from.
 *
 * @param weight `[R][C][ky][kx][K]`
 * @param outputGradient `[R][K][⌈H / stride⌉][⌈W / stride⌉][N]`, with respect to the layer's sums
 * @returns `[R][C][H][W][N]`
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function convolutionInputGradient(
  { replicates, channels, outputs, height, width, size, stride, batch }: ConvolutionShape,
  weight: Float64Array,
  outputGradient: Float64Array,
  { old, gate }: InputGradientOptions = {},
): Float64Array {
  const rows = outputSize(height, stride);
  const columns = outputSize(width, stride);
  const pad = (size - 1) / 2;
  requireShape("weight", weight, replicates, channels, size, size, outputs);
  requireShape("outputGradient", outputGradient, replicates, outputs, rows, columns, batch);
  if (old) requireShape("old", old, replicates, channels, height, width, batch);
  if (gate) requireShape("gate", gate, replicates, channels, height, width, batch);
  const gradient = old ? Float64Array.from(old) : new Float64Array(replicates * channels * height * width * batch);
  for (let r = 0; r < replicates; r++) {
    for (let k = 0; k < outputs; k++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          for (let c = 0; c < channels; c++) {
            for (let ky = 0; ky < size; ky++) {
              for (let kx = 0; kx < size; kx++) {
                const i = y * stride + ky - pad;
                const j = x * stride + kx - pad;
                if (i < 0 || i >= height || j < 0 || j >= width) continue;
                const w = at(weight, (((r * channels + c) * size + ky) * size + kx) * outputs + k);
                for (let n = 0; n < batch; n++) {
                  const index = (((r * channels + c) * height + i) * width + j) * batch + n;
                  const d = at(outputGradient, (((r * outputs + k) * rows + y) * columns + x) * batch + n);
                  gradient[index] = at(gradient, index) + w * d;
                }
              }
            }
          }
        }
      }
    }
  }
  return gate ? gradient.map((value, index) => at(gate, index) <= 0 ? 0 : value) : gradient;
}
