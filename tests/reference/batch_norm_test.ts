import assert from "node:assert/strict";
import {
  batchNorm,
  batchNormGradient,
  type BatchNormShape,
  batchNormStatistics,
  runningStatistics,
} from "../../src/reference/batch_norm.ts";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import { normals } from "./tensors.ts";

/** Central differences with h = 1e-5 are good to about 1e-10 in float64; a wrong formula is off by far more than this. */
const tolerance = 1e-7;

const shape: BatchNormShape = { replicates: 2, channels: 3, plane: 4, batch: 5 };
const input = normals(1, 2 * 3 * 4 * 5, 2);
const scale = normals(2, 2 * 3);
const shift = normals(3, 2 * 3);
const weighting = normals(4, 2 * 3 * 4 * 5);

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
}

function trained(x: Float64Array, gamma = scale, beta = shift): Float64Array {
  return batchNorm(shape, { scale: gamma, shift: beta }, batchNormStatistics(shape, x), x);
}

Deno.test("batchNorm() gives each channel the mean β and the variance γ², up to epsilon", () => {
  const { mean, variance } = batchNormStatistics(shape, trained(input));
  assert.ok(relativeError(mean, shift) < 1e-12);
  const squares = scale.map((value) => value * value);
  assert.ok(relativeError(variance, squares) < 1e-4);
  assert.ok(relativeError(variance, squares) > 1e-9);
});

Deno.test("batchNorm() with given statistics is (x − mean) / √(variance + 1e-5) · γ + β, and its ReLU keeps NaN", () => {
  const one = { replicates: 1, channels: 1, plane: 2, batch: 2 };
  const of = (value: number): Float64Array => Float64Array.of(value);
  const parameters = { scale: of(3), shift: of(-1) };
  const statistics = { mean: of(2), variance: of(4 - 1e-5) };
  const x = Float64Array.of(2, 4, 0, NaN);
  assert.deepEqual([...batchNorm(one, parameters, statistics, x)], [-1, 2, -4, NaN]);
  assert.deepEqual([...batchNorm(one, parameters, statistics, x, true)], [0, 2, 0, NaN]);
});

Deno.test("runningStatistics() takes a tenth of the batch, its variance over n − 1, as PyTorch does", () => {
  const one = { replicates: 1, channels: 1, plane: 1, batch: 2 };
  const ofBatch = batchNormStatistics(one, Float64Array.of(1, 5));
  assert.deepEqual([ofBatch.mean[0], ofBatch.variance[0]], [3, 4]);
  const running = { mean: Float64Array.of(10), variance: Float64Array.of(20) };
  const { mean, variance } = runningStatistics(one, running, ofBatch);
  assert.ok(Math.abs((mean[0] ?? NaN) - 9.3) < 1e-14);
  assert.ok(Math.abs((variance[0] ?? NaN) - 18.8) < 1e-14);
  const single = runningStatistics({ ...one, batch: 1 }, running, {
    mean: Float64Array.of(0),
    variance: Float64Array.of(0),
  });
  assert.ok(Math.abs((single.variance[0] ?? NaN) - 18) < 1e-14);
});

Deno.test("the gradients of batch norm agree with finite differences in scale, shift and input", () => {
  const gradient = batchNormGradient(shape, scale, input, weighting);
  const byScale = finiteDifference((gamma) => dot(trained(input, gamma), weighting), scale);
  const byShift = finiteDifference((beta) => dot(trained(input, scale, beta), weighting), shift);
  const byInput = finiteDifference((x) => dot(trained(x), weighting), input);
  assert.ok(relativeError(gradient.scale, byScale) < tolerance);
  assert.ok(relativeError(gradient.shift, byShift) < tolerance);
  assert.ok(relativeError(gradient.input, byInput) < tolerance);
});

Deno.test("the gate of batch norm's input gradient agrees with finite differences through a ReLU", () => {
  const rectify = (x: Float64Array): Float64Array => x.map((value) => Math.max(0, value));
  const gated = batchNormGradient(shape, scale, rectify(input), weighting, true).input;
  const wanted = finiteDifference((x) => dot(trained(rectify(x)), weighting), input);
  assert.ok(relativeError(gated, wanted) < tolerance);
  assert.ok(relativeError(batchNormGradient(shape, scale, rectify(input), weighting).input, wanted) > tolerance);
});

Deno.test("the gradient check fails for a batch norm that takes its statistics as constants", () => {
  const { variance } = batchNormStatistics(shape, input);
  const constant = weighting.map((value, index) => {
    const channel = Math.floor(index / 20);
    return value * (scale[channel] ?? NaN) / Math.sqrt((variance[channel] ?? NaN) + 1e-5);
  });
  const wanted = finiteDifference((x) => dot(trained(x), weighting), input);
  assert.ok(relativeError(constant, wanted) > 0.01);
});

Deno.test("the input gradient of batch norm sums to zero over each channel", () => {
  const gradient = batchNormGradient(shape, scale, input, weighting).input;
  for (let channel = 0; channel < 6; channel++) {
    const sum = gradient.subarray(channel * 20, (channel + 1) * 20).reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sum) < 1e-13);
  }
});
