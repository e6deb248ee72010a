/**
 * Reference of `kernels/batch_norm_*.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/** Added to the variance under the root. */
const epsilon = 1e-5;

/** How far the running statistics move towards the batch's. */
const momentum = 0.1;

/** A batch norm at work. */
export interface BatchNormShape {
  /** Networks side by side. */
  readonly replicates: number;
  /** Channels. */
  readonly channels: number;
  /** Rows times columns. */
  readonly plane: number;
  /** Images. */
  readonly batch: number;
}

/** Mean and variance of each channel, `[R][C]` each. */
export interface NormStatistics {
  /** Over images, rows and columns. */
  readonly mean: Float64Array;
  /** Mean squared distance from the mean. */
  readonly variance: Float64Array;
}

/** Parameters of a batch norm, or their gradients, `[R][C]` each. */
export interface NormParameters {
  /** γ. */
  readonly scale: Float64Array;
  /** β. */
  readonly shift: Float64Array;
}

/**
 * Mean and variance of each channel.
 *
 * @param input `[R][C][P][N]`
 * @throws {RangeError} when the tensor does not fit the shape
 */
export function batchNormStatistics(shape: BatchNormShape, input: Float64Array): NormStatistics {
  const mean = channelMeans(shape, "input", input);
  return { mean, variance: channelMeans(shape, "input", input.map((x, i) => (x - ofChannel(shape, mean, i)) ** 2)) };
}

/**
 * The running statistics after a batch: 0.9 · running + 0.1 · batch, where the batch's variance is taken as n / (n − 1) of what
 * it is normalised by. With n = 1, which PyTorch refuses, as it is.
 */
export function runningStatistics(
  { plane, batch }: BatchNormShape,
  running: NormStatistics,
  ofBatch: NormStatistics,
): NormStatistics {
  const n = plane * batch;
  const moved = (from: Float64Array, to: Float64Array, factor: number): Float64Array =>
    from.map((value, index) => (1 - momentum) * value + momentum * at(to, index) * factor);
  return {
    mean: moved(running.mean, ofBatch.mean, 1),
    variance: moved(running.variance, ofBatch.variance, n / Math.max(1, n - 1)),
  };
}

/**
 * Batch norm, forward: output = activation((input − mean) / √(variance + 1e-5) · scale + shift). ReLU keeps NaN.
 *
 * @param input `[R][C][P][N]`
 * @returns `[R][C][P][N]`
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function batchNorm(
  shape: BatchNormShape,
  { scale, shift }: NormParameters,
  { mean, variance }: NormStatistics,
  input: Float64Array,
  relu = false,
): Float64Array {
  const { replicates, channels, plane, batch } = shape;
  for (const [name, values] of Object.entries({ scale, shift, mean, variance })) {
    requireShape(name, values, replicates, channels);
  }
  requireShape("input", input, replicates, channels, plane, batch);
  return input.map((x, i) => {
    const normalized = (x - ofChannel(shape, mean, i)) / Math.sqrt(ofChannel(shape, variance, i) + epsilon);
    const value = normalized * ofChannel(shape, scale, i) + ofChannel(shape, shift, i);
    return relu && value < 0 ? 0 : value;
  });
}

/**
 * Gradients of batch norm with the batch's statistics, which depend on the input too (Ioffe & Szegedy 2015, gathered): with
 * x̂ = (input − mean) / √(variance + 1e-5), scale = Σ outputGradient · x̂, shift = Σ outputGradient and
 * input = γ / √(variance + 1e-5) · (outputGradient − mean of outputGradient − x̂ · mean of outputGradient · x̂).
 *
 * @param scale γ, `[R][C]`
 * @param input `[R][C][P][N]`
 * @param outputGradient `[R][C][P][N]`, with respect to what comes out before a ReLU
 * @param gate whether the input is the output of a ReLU: its gradient is zero where it is not positive, and passes where it is
 * NaN
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function batchNormGradient(
  shape: BatchNormShape,
  scale: Float64Array,
  input: Float64Array,
  outputGradient: Float64Array,
  gate = false,
): NormParameters & { readonly input: Float64Array } {
  const { mean, variance } = batchNormStatistics(shape, input);
  const deviation = variance.map((value) => Math.sqrt(value + epsilon));
  const normalized = input.map((x, i) => (x - ofChannel(shape, mean, i)) / ofChannel(shape, deviation, i));
  const products = outputGradient.map((value, i) => value * at(normalized, i));
  const meanGradient = channelMeans(shape, "outputGradient", outputGradient);
  const meanProduct = channelMeans(shape, "outputGradient", products);
  const n = shape.plane * shape.batch;
  return {
    scale: meanProduct.map((value) => value * n),
    shift: meanGradient.map((value) => value * n),
    input: outputGradient.map((value, i) => {
      if (gate && at(input, i) <= 0) return 0;
      const along = ofChannel(shape, meanGradient, i) + at(normalized, i) * ofChannel(shape, meanProduct, i);
      return ofChannel(shape, scale, i) / ofChannel(shape, deviation, i) * (value - along);
    }),
  };
}

/** The mean of each channel, `[R][C]`. */
function channelMeans(
  { replicates, channels, plane, batch }: BatchNormShape,
  name: string,
  values: Float64Array,
): Float64Array {
  requireShape(name, values, replicates, channels, plane, batch);
  const size = plane * batch;
  return Float64Array.from({ length: replicates * channels }, (_, channel) => {
    return values.subarray(channel * size, (channel + 1) * size).reduce((sum, value) => sum + value, 0) / size;
  });
}

/** The value of the channel that element `index` of an activation belongs to. */
function ofChannel({ plane, batch }: BatchNormShape, values: Float64Array, index: number): number {
  return at(values, Math.floor(index / (plane * batch)));
}
