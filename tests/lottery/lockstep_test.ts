import assert from "node:assert/strict";
import { largestBuffer, largestLockstep, limitsFor } from "../../src/lottery/lockstep.ts";

/** So many networks take 100 bytes each in one buffer, beside a smaller one. */
const memory = (replicates: number) => [
  { name: "small", bytes: 8 * replicates },
  { name: "large", bytes: 100 * replicates },
];
const limits = (bytes: number) => ({ maxStorageBufferBindingSize: bytes, maxBufferSize: 2 * bytes });

Deno.test("the largest lockstep is all networks, or the largest equal part of them whose buffers fit", () => {
  // Buffers are whole vec4 of 16 bytes: 10 networks take 1,008, 5 take 512, 4 take 400, 3 take 304, 1 takes 112.
  for (const [bytes, wanted] of [[1008, 10], [1007, 5], [512, 5], [511, 4], [400, 4], [303, 2], [112, 1]] as const) {
    assert.equal(largestLockstep(10, memory, limits(bytes)), wanted, `${bytes} bytes`);
  }
  assert.equal(largestLockstep(7, memory, limits(600)), 4, "7 networks are two turns of 4, not of 5");
  assert.equal(largestLockstep(10, memory, limits(111)), undefined);
});

Deno.test("the smaller of both limits decides, and what a plan needs is just enough for it", () => {
  assert.equal(largestBuffer({ maxStorageBufferBindingSize: 64, maxBufferSize: 32 }), 32);
  assert.deepEqual(limitsFor(memory(10)), { maxStorageBufferBindingSize: 1008, maxBufferSize: 1008 });
  assert.equal(largestLockstep(10, memory, limitsFor(memory(10))), 10);
});
