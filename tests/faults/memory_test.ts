/** A GPU without memory: the error names what was wanted, its size, what was there before, and what to lower. */
import assert from "node:assert/strict";
import { OutOfMemoryError } from "../../src/gpu/errors.ts";
import { Gpu } from "../../src/gpu/gpu.ts";

Deno.test("an allocation that the device refuses is an OutOfMemoryError at the next look, with sizes and what to lower", async () => {
  await using gpu = await Gpu.open();
  using _before = gpu.buffer("weights", 1024);
  await gpu.settled();
  // Filling a machine's memory is no test. The device is asked as ever, and its answer to one buffer is replaced.
  const { device } = gpu;
  const real = device.popErrorScope.bind(device);
  let scopes = 0;
  Object.defineProperty(device, "popErrorScope", {
    configurable: true,
    value: async () => {
      const isMemory = ++scopes === 2; // the outer of the two scopes around an allocation
      const found = await real();
      return isMemory ? new GPUOutOfMemoryError("Not enough memory left") : found;
    },
  });
  using _refused = gpu.buffer("activations 1", 4096);
  const isRefusal = (error: unknown): boolean => {
    assert.ok(error instanceof OutOfMemoryError);
    assert.match(
      error.message,
      /^The GPU has no memory for "activations 1" \(4,096 bytes, with 1,024 already allocated\): Not enough memory left\. Lower --replicates, --batch-size or --width\.$/,
    );
    return true;
  };
  await assert.rejects(gpu.settled(), isRefusal);
  assert.throws(() => gpu.check(), isRefusal);
  assert.throws(() => gpu.buffer("more", 16), isRefusal);
});

Deno.test("an allocation beyond the device's limit is a RangeError before the driver is asked", async () => {
  await using gpu = await Gpu.open();
  const size = gpu.limits.maxBufferSize + 16;
  assert.throws(() => gpu.buffer("everything", size), {
    name: "RangeError",
    message: new RegExp(
      `^Cannot allocate "everything": ${size.toLocaleString("en")} bytes, .* at most .*--replicates.*--width`,
    ),
  });
  await gpu.settled();
});
