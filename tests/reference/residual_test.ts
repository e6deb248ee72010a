import assert from "node:assert/strict";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import { addRelu, addReluGradient } from "../../src/reference/residual.ts";
import { normals } from "./tensors.ts";

Deno.test("addRelu() adds, clears what is negative and keeps NaN", () => {
  const sums = addRelu(Float64Array.of(1, 1, NaN, Infinity), Float64Array.of(2, -2, 0, 1));
  assert.deepEqual([...sums], [3, 0, NaN, Infinity]);
  assert.throws(() => addRelu(new Float64Array(2), new Float64Array(3)), /shortcut: it has 3 elements/);
});

Deno.test("the gradient of addRelu() agrees with finite differences in both inputs", () => {
  const input = normals(1, 20);
  const shortcut = normals(2, 20);
  const weighting = normals(3, 20);
  const dot = (a: Float64Array): number => a.reduce((sum, value, index) => sum + value * (weighting[index] ?? NaN), 0);
  const gradient = addReluGradient(addRelu(input, shortcut), weighting);
  assert.ok(relativeError(gradient, finiteDifference((x) => dot(addRelu(x, shortcut)), input)) < 1e-7);
  assert.ok(relativeError(gradient, finiteDifference((x) => dot(addRelu(input, x)), shortcut)) < 1e-7);
});
