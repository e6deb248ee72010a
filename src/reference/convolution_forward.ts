/**
 * Reference of `kernels/convolution_forward.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/** Shape of a convolution with "same" padding at work. */
export interface ConvolutionShape {
  /** Networks side by side. */
  readonly replicates: number;
  /** Channels in. */
  readonly channels: number;
  /** Channels out. */
  readonly outputs: number;
  /** Rows of the input. */
  readonly height: number;
  /** Columns of the input. */
  readonly width: number;
  /** Rows and columns of the kernel, an odd number. */
  readonly size: number;
  /** Step in both directions. */
  readonly stride: number;
  /** Images. */
  readonly batch: number;
}

/** Rows or columns that come out of so many. */
export function outputSize(rows: number, stride: number): number {
  return Math.ceil(rows / stride);
}

/**
 * Convolution, forward: output[k][y][x][n] =
 * activation(bias[k] + Σ_c Σ_ky Σ_kx weight[c][ky][kx][k] · input[c][y · stride + ky − pad][x · stride + kx − pad][n]) with
 * pad = (size − 1) / 2, where the input is zero outside the image. ReLU keeps NaN, as PyTorch's does.
 *
 * @param weight `[R][C][ky][kx][K]`
 * @param bias `[R][K]`
 * @param input `[R][C][H][W][N]`
 * @param relu whether a ReLU follows the sum
 * @returns `[R][K][⌈H / stride⌉][⌈W / stride⌉][N]`
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function convolutionForward(
  { replicates, channels, outputs, height, width, size, stride, batch }: ConvolutionShape,
  weight: Float64Array,
  bias: Float64Array,
  input: Float64Array,
  relu = false,
): Float64Array {
  requireShape("weight", weight, replicates, channels, size, size, outputs);
  requireShape("bias", bias, replicates, outputs);
  requireShape("input", input, replicates, channels, height, width, batch);
  const rows = outputSize(height, stride);
  const columns = outputSize(width, stride);
  const pad = (size - 1) / 2;
  const output = new Float64Array(replicates * outputs * rows * columns * batch);
  let index = 0;
  for (let r = 0; r < replicates; r++) {
    for (let k = 0; k < outputs; k++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          for (let n = 0; n < batch; n++) {
            let sum = at(bias, r * outputs + k);
            for (let c = 0; c < channels; c++) {
              for (let ky = 0; ky < size; ky++) {
                for (let kx = 0; kx < size; kx++) {
                  const i = y * stride + ky - pad;
                  const j = x * stride + kx - pad;
                  if (i < 0 || i >= height || j < 0 || j >= width) continue;
                  sum += at(weight, (((r * channels + c) * size + ky) * size + kx) * outputs + k) *
                    at(input, (((r * channels + c) * height + i) * width + j) * batch + n);
                }
              }
            }
            output[index++] = relu && sum < 0 ? 0 : sum;
          }
        }
      }
    }
  }
  return output;
}
