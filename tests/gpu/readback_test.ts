import assert from "node:assert/strict";
import type { Buffer } from "../../src/gpu/buffer.ts";
import { ReadbackTimeoutError } from "../../src/gpu/errors.ts";
import { Gpu } from "../../src/gpu/gpu.ts";
import { Readback, type ReadbackHost } from "../../src/gpu/readback.ts";

/** A device whose staging buffers are noted, and never become readable when `stuck`. */
class Host implements ReadbackHost {
  readonly staging: Buffer[] = [];
  readonly device: GPUDevice;
  readonly limits: { readonly maxBufferSize: number };
  readonly #gpu: Gpu;
  readonly #stuck: boolean;

  constructor(gpu: Gpu, options: { readonly stuck?: boolean; readonly maxBufferSize?: number } = {}) {
    this.#gpu = gpu;
    this.#stuck = options.stuck ?? false;
    this.device = gpu.device;
    this.limits = { maxBufferSize: options.maxBufferSize ?? gpu.limits.maxBufferSize };
  }

  buffer(label: string, bytes: number, usage: number): Buffer {
    const buffer = this.#gpu.buffer(label, bytes, usage);
    if (this.#stuck) buffer.raw.mapAsync = () => new Promise(() => {});
    this.staging.push(buffer);
    return buffer;
  }

  check(): void {
    this.#gpu.check();
  }

  orFailure<T>(work: Promise<T>): Promise<T> {
    return this.#gpu.orFailure(work);
  }
}

function counting(length: number, first = 0): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length }, (_, index) => first + index);
}

Deno.test("read() brings back ranges of several buffers, in the order asked for", async () => {
  await using gpu = await Gpu.open();
  using a = gpu.upload("a", counting(16));
  using b = gpu.upload("b", counting(8, 100));
  const ranges = [{ buffer: b, offset: 8, bytes: 12 }, { buffer: a }, { buffer: a, offset: 56 }, {
    buffer: b,
    bytes: 4,
  }];
  const read = (await gpu.read(ranges)).map((bytes) => [...new Uint32Array(bytes)]);
  assert.deepEqual(read, [[102, 103, 104], [...counting(16)], [14, 15], [100]]);
});

Deno.test("read() sees everything that was submitted before it, and what it returned does not change afterwards", async () => {
  await using gpu = await Gpu.open();
  using buffer = gpu.upload("words", counting(64));
  const before = await gpu.readUint32(buffer);
  gpu.write(buffer, counting(64, 7));
  const after = await gpu.readUint32(buffer);
  gpu.clear(buffer);
  assert.deepEqual(await gpu.readUint32(buffer), new Uint32Array(64));
  assert.deepEqual(after, counting(64, 7));
  assert.deepEqual(before, counting(64));
});

Deno.test("reads one after the other share one staging buffer; reads at once have one each", async () => {
  await using gpu = await Gpu.open();
  const host = new Host(gpu);
  const readback = new Readback(host, 60_000);
  using buffer = gpu.upload("words", counting(256));
  for (const bytes of [1024, 4, 512, 1024]) {
    const [read] = await readback.read([{ buffer, bytes }]);
    assert.deepEqual(new Uint32Array(read ?? new ArrayBuffer(0)), counting(bytes / 4));
  }
  assert.equal(host.staging.length, 1);
  const both = await Promise.all([readback.read([{ buffer }]), readback.read([{ buffer, offset: 512 }])]);
  assert.deepEqual(both.map(([bytes]) => new Uint32Array(bytes ?? new ArrayBuffer(0))[0]), [0, 128]);
  assert.equal(host.staging.length, 2);
  readback.destroy();
  assert.equal(gpu.allocatedBytes, buffer.bytes);
});

Deno.test("a read takes the smallest staging buffer that is large enough", async () => {
  await using gpu = await Gpu.open();
  const host = new Host(gpu);
  const readback = new Readback(host, 60_000);
  using large = gpu.buffer("large", 65_536);
  using small = gpu.buffer("small", 256);
  await readback.read([{ buffer: large }]);
  await Promise.all([readback.read([{ buffer: large }]), readback.read([{ buffer: small }])]);
  assert.deepEqual(host.staging.map(({ bytes }) => bytes), [65_536, 256]);
  // Were the small read to take the large buffer, the large read would need a third.
  await Promise.all([readback.read([{ buffer: small }]), readback.read([{ buffer: large }])]);
  assert.equal(host.staging.length, 2);
  readback.destroy();
});

Deno.test("staging is never rounded up beyond the device's largest buffer", async () => {
  await using gpu = await Gpu.open();
  const host = new Host(gpu, { maxBufferSize: 1536 });
  const readback = new Readback(host, 60_000);
  using buffer = gpu.upload("words", counting(300));
  const [bytes] = await readback.read([{ buffer }]);
  assert.deepEqual(new Uint32Array(bytes ?? new ArrayBuffer(0)), counting(300));
  assert.deepEqual(host.staging.map((staging) => staging.bytes), [1536]);
  readback.destroy();
});

Deno.test("a read that does not come within its deadline is a ReadbackTimeoutError, and gives its staging buffer back", async () => {
  await using gpu = await Gpu.open();
  const readback = new Readback(new Host(gpu, { stuck: true }), 50);
  using buffer = gpu.upload("words", counting(256));
  const started = performance.now();
  await assert.rejects(readback.read([{ buffer }]), (error) => {
    assert.ok(error instanceof ReadbackTimeoutError);
    assert.match(error.message, /1024 bytes.*0\.05 s.*--batch-size/);
    return true;
  });
  assert.ok(performance.now() - started < 5000);
  assert.equal(gpu.allocatedBytes, buffer.bytes);
  // The device itself is not blamed.
  assert.deepEqual(await gpu.readUint32(buffer), counting(256));
});

Deno.test("a map that fails is a lost device, whether or not the device says so itself", async () => {
  await using gpu = await Gpu.open();
  const host = new Host(gpu);
  const readback = new Readback(host, 60_000);
  using buffer = gpu.upload("words", counting(4));
  const allocate = host.buffer.bind(host);
  host.buffer = (label, bytes, usage) => {
    const staging = allocate(label, bytes, usage);
    staging.raw.mapAsync = () => Promise.reject(new DOMException("validation error occurred", "OperationError"));
    return staging;
  };
  await assert.rejects(readback.read([{ buffer }]), {
    name: "DeviceLostError",
    message: /16 bytes could not be read back \(validation error occurred\).*--resume/,
  });
  assert.equal(gpu.allocatedBytes, buffer.bytes);
});

/** Some versions of Deno do not tell of a lost device. */
const ignore = !("lost" in GPUDevice.prototype);

Deno.test("a read that waits ends as soon as the device is lost", { ignore }, async () => {
  await using gpu = await Gpu.open();
  const readback = new Readback(new Host(gpu, { stuck: true }), 60_000);
  using buffer = gpu.upload("words", counting(4));
  const waiting = readback.read([{ buffer }]);
  gpu.device.destroy();
  await assert.rejects(waiting, { name: "DeviceLostError" });
});
