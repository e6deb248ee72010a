import assert from "node:assert/strict";
import { AdapterError, DeviceLostError, GpuError } from "../../src/gpu/errors.ts";
import { Gpu } from "../../src/gpu/gpu.ts";
import { counter } from "./kernels.ts";

Deno.test("without an adapter, open() says what to do", async () => {
  const none = { requestAdapter: () => Promise.resolve(null) };
  for (const entry of [none, undefined]) {
    await assert.rejects(Gpu.open({ entry }), (error) => {
      assert.ok(error instanceof AdapterError);
      assert.match(error.message, /No WebGPU adapter.*mesa-vulkan-drivers.*denow/);
      return true;
    });
  }
});

Deno.test("open() refuses an adapter that has less than the job needs, before a device exists", async () => {
  const limits = { maxBufferSize: 2 ** 52 };
  await assert.rejects(Gpu.open({ limits }), (error) => {
    assert.ok(error instanceof AdapterError);
    assert.match(error.message, /maxBufferSize of 4,503,599,627,370,496.*--train-size/);
    return true;
  });
});

Deno.test("open() names the adapter and gets the limits that it asked for", async () => {
  await using gpu = await Gpu.open({ limits: { maxBufferSize: 300 * 2 ** 20 } });
  assert.ok(gpu.adapter.name.length > 0);
  assert.ok(gpu.adapter.kind === "software" || gpu.adapter.kind === "gpu");
  assert.equal(gpu.limits.maxBufferSize, 300 * 2 ** 20);
  assert.equal(gpu.limits.maxStorageBuffersPerShaderStage, 8);
});

Deno.test("a buffer larger than the device's limit is a RangeError that names it, its size and a remedy", async () => {
  await using gpu = await Gpu.open();
  const { maxStorageBufferBindingSize, maxBufferSize } = gpu.limits;
  assert.throws(() => gpu.buffer("activations", maxStorageBufferBindingSize + 1), {
    name: "RangeError",
    message: /"activations": 134,217,744 bytes.*at most 134,217,728.*--replicates.*--width/,
  });
  // What is not bound as storage may be as large as a buffer can be.
  assert.throws(() => gpu.buffer("staging", maxBufferSize + 1, GPUBufferUsage.COPY_DST), { name: "RangeError" });
  assert.equal(gpu.allocatedBytes, 0);
  gpu.check();
});

Deno.test("a new buffer is zero, is counted while it lives, and is released once", async () => {
  await using gpu = await Gpu.open();
  const a = gpu.buffer("a", 100);
  const b = gpu.buffer("b", 1);
  assert.deepEqual([a.bytes, b.bytes], [112, 16], "rounded up to whole vec4");
  assert.equal(gpu.allocatedBytes, 128);
  assert.deepEqual(gpu.allocations(), [{ label: "a", bytes: 112 }, { label: "b", bytes: 16 }]);
  assert.deepEqual(await gpu.readUint32(a), new Uint32Array(28));
  gpu.trim();
  a.destroy();
  a.destroy();
  assert.equal(gpu.allocatedBytes, 16);
  b[Symbol.dispose]();
  assert.equal(gpu.allocatedBytes, 0);
  assert.deepEqual(gpu.allocations(), []);
  assert.ok(gpu.peakBytes >= 128);
});

Deno.test("programs, timings and reads release all that they allocate", async () => {
  await using gpu = await Gpu.open();
  {
    using count = gpu.upload("count", new Uint32Array(64));
    using program = await gpu.record("count", [{
      kernel: counter,
      dims: [1],
      buffers: [count],
      workgroups: [1, 1, 1],
    }]);
    gpu.submit(program);
    await gpu.time(program);
    await Promise.all([gpu.readUint32(count), gpu.readFloats(count)]);
    const labels = gpu.allocations().map(({ label }) => label);
    assert.ok(labels.includes("count") && labels.includes("count uniforms"), labels.join());
  }
  // Staging is kept for the next read, and shown.
  assert.ok(gpu.allocatedBytes > 0);
  assert.ok(gpu.allocations().every(({ label }) => label === "readback staging"));
  gpu.trim();
  assert.equal(gpu.allocatedBytes, 0);
});

Deno.test("closing a device releases what is left, staging included", async () => {
  const gpu = await Gpu.open();
  const buffer = gpu.upload("left behind", new Uint32Array(64));
  await gpu.readUint32(buffer);
  await gpu[Symbol.asyncDispose]();
  assert.equal(gpu.allocatedBytes, 0);
  assert.deepEqual(gpu.allocations(), []);
});

Deno.test("an error that the GPU reports is thrown at the next read or check, and at every one after it", async () => {
  await using gpu = await Gpu.open();
  using good = gpu.upload("good", new Uint32Array(4));
  const destroyed = gpu.buffer("destroyed", 16);
  using program = await gpu.record("count", [{
    kernel: counter,
    dims: [1],
    buffers: [destroyed],
    workgroups: [1, 1, 1],
  }]);
  destroyed.destroy();
  gpu.submit(program);
  const isReported = (error: unknown): boolean => {
    assert.ok(error instanceof GpuError);
    assert.match(error.message, /The GPU reported an error: .*destroyed/s);
    return true;
  };
  await assert.rejects(gpu.read([{ buffer: good }]), isReported);
  await assert.rejects(gpu.read([{ buffer: good }]), isReported);
  assert.throws(() => gpu.check(), isReported);
  assert.throws(() => gpu.submit(program), isReported);
  assert.throws(() => gpu.buffer("more", 16), isReported);
  await assert.rejects(gpu.done(), isReported);
  await assert.rejects(gpu.settled(), isReported);
});

Deno.test("bindings that do not fit their kernel are reported too", async () => {
  await using gpu = await Gpu.open();
  using program = await gpu.record("nothing bound", [{
    kernel: counter,
    dims: [1],
    buffers: [],
    workgroups: [1, 1, 1],
  }]);
  assert.equal(program.dispatches.length, 1);
  await assert.rejects(gpu.done(), GpuError);
  assert.throws(() => gpu.check(), GpuError);
});

Deno.test("settled() throws what was refused when a buffer was created", async () => {
  await using gpu = await Gpu.open();
  await gpu.settled();
  // MAP_READ goes with COPY_DST alone.
  using _refused = gpu.buffer("refused", 16, GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE);
  await assert.rejects(gpu.settled(), { name: "GpuError", message: /Could not create "refused"/ });
});

Deno.test("orFailure() ends with the work, its error, or the device's", async () => {
  await using gpu = await Gpu.open();
  assert.equal(await gpu.orFailure(Promise.resolve(7)), 7);
  await assert.rejects(gpu.orFailure(Promise.reject(new TypeError("own"))), /own/);
  const never = new Promise<never>(() => {});
  const waiting = [gpu.orFailure(never), gpu.orFailure(never)];
  // Deno has no way to make a device report something on demand but a real fault.
  gpu.device.queue.submit([gpu.device.createCommandEncoder().finish()]);
  gpu.device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.MAP_WRITE });
  for (const wait of waiting) await assert.rejects(wait, GpuError);
  await assert.rejects(gpu.orFailure(never), GpuError);
});

/** Some versions of Deno do not tell of a lost device. */
const ignore = !("lost" in GPUDevice.prototype);

Deno.test(
  "a destroyed device is a DeviceLostError at the next call, and at every one after it",
  { ignore },
  async () => {
    await using gpu = await Gpu.open();
    const buffer = gpu.upload("words", new Uint32Array(4));
    gpu.device.destroy();
    await gpu.device.lost;
    await assert.rejects(gpu.read([{ buffer }]), DeviceLostError);
    await assert.rejects(gpu.done(), DeviceLostError);
    assert.throws(() => gpu.check(), { name: "DeviceLostError", message: /destroyed.*--resume/ });
  },
);

Deno.test("closing a device is not losing it", { ignore }, async () => {
  const gpu = await Gpu.open();
  await gpu[Symbol.asyncDispose]();
  await gpu.device.lost;
  gpu.check();
});
