/**
 * A WebGPU device with what training needs around it: counted buffers, cached pipelines, recorded programs, readback
 * with deadlines, and errors that are never silent. Knows no network, and no `Deno`: it runs in a page as well.
 *
 * @module
 */
import { Buffer } from "./buffer.ts";
import { AdapterError, DeviceLostError, GpuError, OutOfMemoryError } from "./errors.ts";
import { type Limits, requireLimits } from "./limits.ts";
import { PipelineCache } from "./pipelines.ts";
import { type Launch, Program } from "./program.ts";
import { type Range, Readback } from "./readback.ts";

/** Who computes. */
export interface AdapterInfo {
  /** The adapter as its driver names it. */
  readonly name: string;
  /** The driver's own description, where it gives one. */
  readonly driver: string;
  /** `software` for a CPU implementation such as lavapipe or SwiftShader: another kernel plan suits it. */
  readonly kind: "software" | "gpu";
}

/** How to open a device. */
export interface OpenOptions {
  /** What the job needs beyond WebGPU's default limits. */
  readonly limits?: Limits;
  /** What the job would like: granted as far as the adapter has it; see {@linkcode Gpu.limits} for what came of it. */
  readonly wishes?: Limits;
  /** The WebGPU entry point; `navigator.gpu` when left out. A test injects a fake here. */
  readonly entry?: Pick<GPU, "requestAdapter"> | undefined;
  /** Longest wait for one readback, in seconds; 120 when left out. */
  readonly deadlineSeconds?: number;
}

/**
 * An open device. Everything created through it is counted, and released with it.
 *
 * @example Squaring numbers
 * ```ts
 * import { Gpu } from "./gpu.ts";
 *
 * await using gpu = await Gpu.open();
 * console.log(gpu.adapter.name, gpu.allocatedBytes);
 * ```
 */
export class Gpu implements AsyncDisposable {
  /** Who computes. */
  readonly adapter: AdapterInfo;
  /** The limits that the device was opened with. */
  readonly limits: Required<Limits>;
  /** Whether kernels can be timed on the GPU itself. */
  readonly hasTimestamps: boolean;
  /** The WebGPU device. */
  readonly device: GPUDevice;
  /** Compiled kernels. */
  readonly pipelines: PipelineCache;
  readonly #buffers = new Set<Buffer>();
  readonly #readback: Readback;
  readonly #waiting = new Set<(error: Error) => void>();
  #allocatedBytes = 0;
  #peakBytes = 0;
  #error: Error | undefined;
  #closed = false;
  readonly #pending = new Set<Promise<void>>();

  private constructor(device: GPUDevice, adapter: AdapterInfo, limits: Required<Limits>, deadlineSeconds: number) {
    this.device = device;
    this.adapter = adapter;
    this.limits = limits;
    this.hasTimestamps = device.features.has("timestamp-query");
    this.pipelines = new PipelineCache(device);
    device.addEventListener("uncapturederror", (event) => {
      const message = "error" in event && event.error instanceof Object && "message" in event.error
        ? String(event.error.message)
        : "no message";
      this.#fail(new GpuError(`The GPU reported an error: ${message}`));
    });
    // Some versions of Deno have no `lost`; a failed map then tells.
    const lost: Promise<GPUDeviceLostInfo> | undefined = device.lost;
    lost?.then((info) => {
      if (this.#closed) return;
      this.#fail(
        new DeviceLostError(
          `The GPU was lost (${
            info.reason || "unknown"
          }: ${info.message}). Run again with --resume to go on from what is finished.`,
        ),
      );
    });
    this.#readback = new Readback(this, deadlineSeconds * 1000);
  }

  /**
   * Opens the first adapter.
   *
   * @throws {AdapterError} when there is none, or it has less than the job needs; the message says what to do
   */
  static async open(options: OpenOptions = {}): Promise<Gpu> {
    const entry: Pick<GPU, "requestAdapter"> | undefined = "entry" in options
      ? options.entry
      : globalThis.navigator?.gpu;
    const adapter = await entry?.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) {
      throw new AdapterError(
        "No WebGPU adapter answers, so nothing can be trained. On Linux install a Vulkan driver for your GPU, or the " +
          "software one (Debian: apt-get install mesa-vulkan-drivers; `./denow` does that by itself where it may). " +
          "In a browser, use one with WebGPU turned on.",
      );
    }
    const requiredLimits = requireLimits(adapter.limits, options.limits ?? {}, options.wishes ?? {});
    const requiredFeatures: GPUFeatureName[] = adapter.features.has("timestamp-query") ? ["timestamp-query"] : [];
    const device = await adapter.requestDevice({ label: "winnow", requiredLimits, requiredFeatures });
    const { description, device: name, vendor, architecture } = adapter.info;
    const title = description || name || [vendor, architecture].filter(Boolean).join(" ") || "unnamed adapter";
    const software = Boolean("isFallbackAdapter" in adapter.info && adapter.info.isFallbackAdapter) ||
      /llvmpipe|lavapipe|swiftshader|basic render|software/i.test(title);
    return new Gpu(
      device,
      { name: title, driver: [vendor, architecture].filter(Boolean).join(" "), kind: software ? "software" : "gpu" },
      {
        maxStorageBufferBindingSize: device.limits.maxStorageBufferBindingSize,
        maxBufferSize: device.limits.maxBufferSize,
        maxStorageBuffersPerShaderStage: device.limits.maxStorageBuffersPerShaderStage,
        maxComputeInvocationsPerWorkgroup: device.limits.maxComputeInvocationsPerWorkgroup,
      },
      options.deadlineSeconds ?? 120,
    );
  }

  /** Bytes allocated now, with the staging buffers that reads keep (see {@linkcode Gpu.trim}). */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** The most bytes that were allocated at once. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** What is allocated now, largest first: label and bytes. */
  allocations(): { label: string; bytes: number }[] {
    return [...this.#buffers].map(({ label, bytes }) => ({ label, bytes })).sort((a, b) => b.bytes - a.bytes);
  }

  /**
   * Allocates a buffer, filled with zeros. A failure is reported by the next {@linkcode Gpu.settled}, read or check.
   *
   * @param label what it holds
   * @param bytes size, rounded up to a multiple of 16
   * @param usage WebGPU's usage flags; storage that can be copied from and to when left out
   * @throws {RangeError} when it is larger than the device's limit
   */
  buffer(label: string, bytes: number, usage: number = storageUsage): Buffer {
    this.check();
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const limit = usage & GPUBufferUsage.STORAGE ? this.limits.maxStorageBufferBindingSize : this.limits.maxBufferSize;
    if (size > limit) {
      throw new RangeError(
        `Cannot allocate "${label}": ${size.toLocaleString("en")} bytes, where the device was opened for at most ` +
          `${
            limit.toLocaleString("en")
          }. Train fewer replicates at once (--replicates) or a smaller network (--width).`,
      );
    }
    this.device.pushErrorScope("out-of-memory");
    this.device.pushErrorScope("validation");
    const raw = this.device.createBuffer({ label, size, usage });
    this.#await(
      this.device.popErrorScope().then((error) => {
        if (error) this.#fail(new GpuError(`Could not create "${label}": ${error.message}`));
      }),
    );
    const before = this.#allocatedBytes;
    this.#await(
      this.device.popErrorScope().then((error) => {
        if (!error) return;
        this.#fail(
          new OutOfMemoryError(
            `The GPU has no memory for "${label}" (${size.toLocaleString("en")} bytes, with ${
              before.toLocaleString("en")
            } ` +
              `already allocated): ${error.message}. Lower --replicates, --batch-size or --width.`,
          ),
        );
      }),
    );
    const buffer = new Buffer(raw, label, size, this);
    this.#buffers.add(buffer);
    this.#allocatedBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#allocatedBytes);
    return buffer;
  }

  /** A buffer with these contents. */
  upload(label: string, data: ArrayBufferView<ArrayBuffer>, usage: number = storageUsage): Buffer {
    const buffer = this.buffer(label, data.byteLength, usage);
    this.write(buffer, data);
    return buffer;
  }

  /** Writes bytes into a buffer, in order with what is submitted. The length must be a multiple of 4. */
  write(buffer: Buffer, data: ArrayBufferView<ArrayBuffer>, offset = 0): void {
    // Deno 2.9.6 panics on a write of nothing.
    if (data.byteLength > 0) this.device.queue.writeBuffer(buffer.raw, offset, data);
  }

  /** Fills buffers with zeros, in order with what is submitted. */
  clear(...buffers: readonly Buffer[]): void {
    const encoder = this.device.createCommandEncoder();
    for (const buffer of buffers) encoder.clearBuffer(buffer.raw);
    this.device.queue.submit([encoder.finish()]);
  }

  /** Records a program: compiles its kernels in parallel and creates all its bindings. */
  record(label: string, launches: readonly Launch[]): Promise<Program> {
    return Program.record(this, label, launches);
  }

  /** Submits programs, each as often as it says, in one go. */
  submit(...programs: readonly (Program | readonly [Program, number])[]): void {
    this.check();
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const entry of programs) {
      if (entry instanceof Program) entry.encode(pass);
      else entry[0].encode(pass, entry[1]);
    }
    pass.end();
    this.device.queue.submit([encoder.finish()]);
  }

  /** Waits until everything that was submitted is done. */
  async done(): Promise<void> {
    await this.orFailure(this.device.queue.onSubmittedWorkDone());
    this.check();
  }

  /** Waits until every allocation was accepted or refused; throws what was refused. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
    this.check();
  }

  /** Reads ranges of buffers with one wait. */
  read(ranges: readonly Range[]): Promise<ArrayBuffer[]> {
    return this.#readback.read(ranges);
  }

  /** Reads one buffer as 32-bit floats. */
  async readFloats(buffer: Buffer): Promise<Float32Array<ArrayBuffer>> {
    const [bytes] = await this.read([{ buffer }]);
    return new Float32Array(bytes ?? new ArrayBuffer(0));
  }

  /** Reads one buffer as 32-bit unsigned integers. */
  async readUint32(buffer: Buffer): Promise<Uint32Array<ArrayBuffer>> {
    const [bytes] = await this.read([{ buffer }]);
    return new Uint32Array(bytes ?? new ArrayBuffer(0));
  }

  /**
   * Runs a program once and times each dispatch on the GPU.
   *
   * @returns milliseconds per dispatch, in order; `undefined` where the adapter has no timestamps
   */
  async time(program: Program): Promise<number[] | undefined> {
    if (!this.hasTimestamps) return undefined;
    const count = program.dispatches.length * 2;
    const querySet = this.device.createQuerySet({ type: "timestamp", count });
    using resolved = this.buffer("timestamps", count * 8, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
    const encoder = this.device.createCommandEncoder();
    program.dispatches.forEach(({ pipeline, bindGroup, workgroups }, index) => {
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex: index * 2, endOfPassWriteIndex: index * 2 + 1 },
      });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...workgroups);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved.raw, 0);
    this.device.queue.submit([encoder.finish()]);
    const [bytes] = await this.read([{ buffer: resolved, bytes: count * 8 }]);
    querySet.destroy();
    const ticks = new BigUint64Array(bytes ?? new ArrayBuffer(0));
    return program.dispatches.map((_, index) => Number((ticks[index * 2 + 1] ?? 0n) - (ticks[index * 2] ?? 0n)) / 1e6);
  }

  /**
   * Waits for work, but not beyond the moment when the device is lost or reports an error that nobody caught.
   *
   * @throws that error
   */
  async orFailure<T>(work: Promise<T>): Promise<T> {
    // Not one promise of failure for all to race with: it would keep a reaction of every race until the device closes.
    const { promise, reject } = Promise.withResolvers<never>();
    if (this.#error) reject(this.#error);
    this.#waiting.add(reject);
    try {
      return await Promise.race([work, promise]);
    } finally {
      this.#waiting.delete(reject);
    }
  }

  /** Releases the staging buffers that reads keep for the next read: what is allocated then is what somebody holds. */
  trim(): void {
    this.#readback.destroy();
  }

  /** Throws the first thing that went wrong on the device, every time from then on. */
  check(): void {
    if (this.#error) throw this.#error;
  }

  /** For buffers only: takes one off the books. */
  released(buffer: Buffer): void {
    if (this.#buffers.delete(buffer)) this.#allocatedBytes -= buffer.bytes;
  }

  /** Releases everything that is still allocated, and the device. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#pending);
    this.#readback.destroy();
    for (const buffer of this.#buffers) buffer.destroy();
    this.device.destroy();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    for (const reject of this.#waiting) reject(this.#error);
  }

  #await(check: Promise<void>): void {
    // A lost device rejects its open scopes; `lost` reports it.
    const settled = check.catch(() => {}).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }
}

const storageUsage = 0x80 | 0x04 | 0x08; // GPUBufferUsage.STORAGE | COPY_SRC | COPY_DST, absent where there is no WebGPU
