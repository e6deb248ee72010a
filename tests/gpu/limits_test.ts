import assert from "node:assert/strict";
import { AdapterError } from "../../src/gpu/errors.ts";
import { baseLimits, requireLimits } from "../../src/gpu/limits.ts";

Deno.test("requireLimits() asks for the base when a job needs nothing more", () => {
  assert.deepEqual(requireLimits(baseLimits, {}), baseLimits);
  assert.deepEqual(requireLimits(baseLimits, { maxBufferSize: 1 }), baseLimits);
});

Deno.test("requireLimits() asks for exactly what a job needs, not for all that the adapter has", () => {
  const available = { ...baseLimits, maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 };
  const needs = { maxBufferSize: 300_000_000, maxStorageBufferBindingSize: 300_000_000 };
  assert.deepEqual(requireLimits(available, needs), { ...baseLimits, ...needs });
});

Deno.test("requireLimits() grants a wish as far as the adapter has it", () => {
  const available = { ...baseLimits, maxBufferSize: 2 ** 30 };
  const wishes = { maxBufferSize: 2 ** 29, maxStorageBufferBindingSize: 2 ** 29 };
  assert.deepEqual(requireLimits(available, {}, wishes), { ...baseLimits, maxBufferSize: 2 ** 29 });
  assert.deepEqual(requireLimits(available, {}, { maxBufferSize: 2 ** 31 }), { ...baseLimits, maxBufferSize: 2 ** 30 });
  assert.deepEqual(requireLimits(available, {}, { maxBufferSize: 1 }), baseLimits);
});

Deno.test("requireLimits() names the limit, the need, what there is and the remedy", () => {
  assert.throws(
    () => requireLimits(baseLimits, { maxStorageBufferBindingSize: 134_217_729 }),
    (error) => {
      assert.ok(error instanceof AdapterError);
      assert.match(error.message, /needs maxStorageBufferBindingSize of 134,217,729/);
      assert.match(error.message, /has 134,217,728/);
      assert.match(error.message, /--replicates.*--width/);
      return true;
    },
  );
  assert.throws(() => requireLimits({ ...baseLimits, maxBufferSize: 1000 }, {}), /maxBufferSize of 268,435,456.*1,000/);
});

Deno.test("requireLimits() refuses an adapter below WebGPU's guaranteed limits, whatever the job", () => {
  for (const name of ["maxStorageBuffersPerShaderStage", "maxComputeInvocationsPerWorkgroup"] as const) {
    const below = { ...baseLimits, [name]: baseLimits[name] - 1 };
    assert.throws(() => requireLimits(below, {}), (error) => {
      assert.ok(error instanceof AdapterError);
      assert.match(error.message, new RegExp(`${name}.*deno task doctor`));
      return true;
    });
  }
});
