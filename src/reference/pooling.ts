/**
 * Reference of `kernels/max_pool.wgsl`, `kernels/global_average_pool.wgsl` and their gradients.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/** What is pooled. */
export interface PoolShape {
  /** Networks side by side. */
  readonly replicates: number;
  /** Channels. */
  readonly channels: number;
  /** Rows that come in. */
  readonly height: number;
  /** Columns that come in. */
  readonly width: number;
  /** Images. */
  readonly batch: number;
}

/**
 * 2 × 2 max pooling with stride 2: output[c][y][x][n] = max over i, j in {0, 1} of input[c][2y + i][2x + j][n]. An odd last row
 * or column is left out. A NaN in the window is its largest value, as in PyTorch.
 *
 * @param input `[R][C][H][W][N]`
 * @returns `[R][C][⌊H/2⌋][⌊W/2⌋][N]`
 * @throws {RangeError} when the tensor does not fit the shape
 */
export function maxPool(shape: PoolShape, input: Float64Array): Float64Array {
  return Float64Array.from(largestPlaces(shape, input), (place) => at(input, place));
}

/**
 * Gradient of {@linkcode maxPool}: each output's goes to the first of the largest inputs in row-major order; of a window with
 * NaNs to the last of those, as in PyTorch.
 *
 * @param input `[R][C][H][W][N]`
 * @param outputGradient `[R][C][⌊H/2⌋][⌊W/2⌋][N]`
 * @param gate whether the input is the output of a ReLU: the gradient is zero where it is not positive, and passes where it is
 * NaN
 * @returns `[R][C][H][W][N]`
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function maxPoolGradient(
  shape: PoolShape,
  input: Float64Array,
  outputGradient: Float64Array,
  gate = false,
): Float64Array {
  const places = largestPlaces(shape, input);
  requireShape("outputGradient", outputGradient, places.length);
  const gradient = new Float64Array(input.length);
  places.forEach((place, index) => {
    if (!(gate && at(input, place) <= 0)) gradient[place] = at(outputGradient, index);
  });
  return gradient;
}

/** Where the largest value of each window stands, in the order of the outputs. */
function largestPlaces({ replicates, channels, height, width, batch }: PoolShape, input: Float64Array): number[] {
  requireShape("input", input, replicates, channels, height, width, batch);
  const places: number[] = [];
  for (let plane = 0; plane < replicates * channels; plane++) {
    for (let y = 0; y + 1 < height; y += 2) {
      for (let x = 0; x + 1 < width; x += 2) {
        for (let n = 0; n < batch; n++) {
          const window = [[y, x], [y, x + 1], [y + 1, x], [y + 1, x + 1]]
            .map(([row = 0, column = 0]) => ((plane * height + row) * width + column) * batch + n);
          places.push(window.reduce((largest, place) => {
            const value = at(input, place);
            return value > at(input, largest) || Number.isNaN(value) ? place : largest;
          }));
        }
      }
    }
  }
  return places;
}

/**
 * Global average pooling: output[c][n] = Σ_p input[c][p][n] / (H · W).
 *
 * @param input `[R][C][H][W][N]`
 * @returns `[R][C][N]`
 * @throws {RangeError} when the tensor does not fit the shape
 */
export function globalAveragePool(
  { replicates, channels, height, width, batch }: PoolShape,
  input: Float64Array,
): Float64Array {
  requireShape("input", input, replicates, channels, height, width, batch);
  const output = new Float64Array(replicates * channels * batch);
  input.forEach((value, index) => {
    const to = Math.floor(index / (height * width * batch)) * batch + index % batch;
    output[to] = at(output, to) + value;
  });
  return output.map((sum) => sum / (height * width));
}

/**
 * Gradient of {@linkcode globalAveragePool}: gradient[c][p][n] = outputGradient[c][n] / (H · W).
 *
 * @param outputGradient `[R][C][N]`
 * @param gate the input `[R][C][H][W][N]` where that is the output of a ReLU: the gradient is zero where it is not positive
 * @returns `[R][C][H][W][N]`
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function globalAveragePoolGradient(
  { replicates, channels, height, width, batch }: PoolShape,
  outputGradient: Float64Array,
  gate?: Float64Array,
): Float64Array {
  requireShape("outputGradient", outputGradient, replicates, channels, batch);
  if (gate) requireShape("gate", gate, replicates, channels, height, width, batch);
  return Float64Array.from({ length: replicates * channels * height * width * batch }, (_, index) => {
    if (gate && at(gate, index) <= 0) return 0;
    const from = Math.floor(index / (height * width * batch)) * batch + index % batch;
    return at(outputGradient, from) / (height * width);
  });
}
