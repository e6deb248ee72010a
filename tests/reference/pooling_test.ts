import assert from "node:assert/strict";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import { globalAveragePool, globalAveragePoolGradient, maxPool, maxPoolGradient } from "../../src/reference/pooling.ts";
import { normals } from "./tensors.ts";

/** Central differences with h = 1e-5 are good to about 1e-10 in float64; a wrong formula is off by far more than this. */
const tolerance = 1e-7;

const shape = { replicates: 2, channels: 2, height: 5, width: 4, batch: 3 };
const input = normals(1, 2 * 2 * 20 * 3);

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
}

function rectify(x: Float64Array): Float64Array {
  return x.map((value) => Math.max(0, value));
}

Deno.test("maxPool() takes the largest of four and leaves an odd last row and column out", () => {
  const odd = { replicates: 1, channels: 1, height: 3, width: 5, batch: 1 };
  const values = Float64Array.of(1, 2, 3, 4, 99, 5, -6, 7, 0, 99, 99, 99, 99, 99, 99);
  assert.deepEqual([...maxPool(odd, values)], [5, 7]);
  assert.throws(() => maxPool(odd, values.slice(1)), /input: it has 14 elements/);
});

Deno.test("maxPoolGradient() gives to the first of equal values, and to the last NaN, as PyTorch does", () => {
  const square = { replicates: 1, channels: 1, height: 2, width: 2, batch: 1 };
  const of = (...values: number[]): number[] => [
    ...maxPoolGradient(square, Float64Array.from(values), Float64Array.of(9)),
  ];
  assert.deepEqual(of(0, 0, 0, 0), [9, 0, 0, 0]);
  assert.deepEqual(of(1, 2, 2, 0), [0, 9, 0, 0]);
  assert.deepEqual(of(NaN, 2, 3, 4), [9, 0, 0, 0]);
  assert.deepEqual(of(1, NaN, NaN, 4), [0, 0, 9, 0]);
  assert.deepEqual([...maxPool(square, Float64Array.of(1, NaN, 3, 4))], [NaN]);
  assert.deepEqual([...maxPoolGradient(square, new Float64Array(4), Float64Array.of(9), true)], [0, 0, 0, 0]);
});

Deno.test("the gradient of max pooling agrees with finite differences, also through a ReLU", () => {
  const weighting = normals(2, 2 * 2 * 4 * 3);
  const wanted = finiteDifference((x) => dot(maxPool(shape, x), weighting), input);
  assert.ok(relativeError(maxPoolGradient(shape, input, weighting), wanted) < tolerance);
  const wantedGated = finiteDifference((x) => dot(maxPool(shape, rectify(x)), weighting), input);
  assert.ok(relativeError(maxPoolGradient(shape, rectify(input), weighting, true), wantedGated) < tolerance);
});

Deno.test("globalAveragePool() takes the mean over rows and columns of each channel and image", () => {
  const small = { replicates: 1, channels: 2, height: 1, width: 2, batch: 2 };
  assert.deepEqual([...globalAveragePool(small, Float64Array.of(1, 10, 3, 30, 5, 50, 7, 70))], [2, 20, 6, 60]);
});

Deno.test("the gradient of global average pooling agrees with finite differences, also through a ReLU", () => {
  const weighting = normals(3, 2 * 2 * 3);
  const wanted = finiteDifference((x) => dot(globalAveragePool(shape, x), weighting), input);
  assert.ok(relativeError(globalAveragePoolGradient(shape, weighting), wanted) < tolerance);
  const wantedGated = finiteDifference((x) => dot(globalAveragePool(shape, rectify(x)), weighting), input);
  const gated = globalAveragePoolGradient(shape, weighting, rectify(input));
  assert.ok(relativeError(gated, wantedGated) < tolerance);
  assert.ok(relativeError(gated, wanted) > tolerance);
});
