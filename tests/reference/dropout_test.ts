import assert from "node:assert/strict";
import { philox } from "../../src/data/random.ts";
import { dropout, dropoutMask } from "../../src/reference/dropout.ts";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import { normals } from "./tensors.ts";

const shape = { replicates: 2, rows: 3, batch: 5, rate: 0.4, index: 7 };
const keys = Uint32Array.of(1, 2, 3, 4);

Deno.test("dropoutMask() compares Philox words of (place, step, dropout, 0) with the rate", () => {
  const mask = dropoutMask(shape, keys, [10, 20]);
  const words = new Uint32Array(4);
  // Image 4 of row 2 of replicate 1: a row of five images has two places, so this is place 2 · 2 + 1, lane 0.
  philox(5, 20, 7, 0, 3, 4, words);
  assert.equal(mask[(1 * 3 + 2) * 5 + 4], Number((words[0] ?? NaN) / 2 ** 32 >= 0.4));
  // Image 3 of row 0 of replicate 0: place 0, lane 3.
  philox(0, 10, 7, 0, 1, 2, words);
  assert.equal(mask[3], Number((words[3] ?? NaN) / 2 ** 32 >= 0.4));
});

Deno.test("dropoutMask() keeps a fraction 1 − rate, and all at rate 0", () => {
  const large = { ...shape, rows: 100, batch: 64 };
  const kept = dropoutMask(large, keys, [0, 0]).reduce((sum, value) => sum + value, 0) / 12_800;
  assert.ok(Math.abs(kept - 0.6) < 4 * Math.sqrt(0.24 / 12_800));
  assert.ok(dropoutMask({ ...large, rate: 0 }, keys, [0, 0]).every((value) => value === 1));
});

Deno.test("dropout() scales what it keeps so that the mean stays, and what it drops is zero even where it was NaN", () => {
  const values = Float64Array.of(1, 2, NaN, NaN);
  assert.deepEqual([...dropout(0.75, Uint8Array.of(1, 0, 0, 1), values)], [4, 0, 0, NaN]);
});

Deno.test("the gradient of dropout() agrees with finite differences, also through a ReLU", () => {
  const input = normals(1, 30);
  const weighting = normals(2, 30);
  const mask = dropoutMask(shape, keys, [0, 1]);
  assert.ok(mask.includes(0) && mask.includes(1));
  const dot = (a: Float64Array): number => a.reduce((sum, value, index) => sum + value * (weighting[index] ?? NaN), 0);
  const rectify = (x: Float64Array): Float64Array => x.map((value) => Math.max(0, value));
  const wanted = finiteDifference((x) => dot(dropout(0.4, mask, x)), input);
  assert.ok(relativeError(dropout(0.4, mask, weighting), wanted) < 1e-7);
  const wantedGated = finiteDifference((x) => dot(dropout(0.4, mask, rectify(x))), input);
  assert.ok(relativeError(dropout(0.4, mask, weighting, rectify(input)), wantedGated) < 1e-7);
});
