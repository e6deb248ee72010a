/**
 * Reading buffers back through staging buffers that are reused, each read with a deadline.
 *
 * @module
 */
import type { Buffer } from "./buffer.ts";
import { DeviceLostError, ReadbackTimeoutError } from "./errors.ts";

/** What readback needs of its device. */
export interface ReadbackHost {
  /** The WebGPU device. */
  readonly device: GPUDevice;
  /** A counted allocation. */
  buffer(label: string, bytes: number, usage: number): Buffer;
  /** Throws what went wrong on the device since the last look. */
  check(): void;
  /** Waits for work; rejects as soon as the device is lost or an uncaptured error arrives. */
  orFailure<T>(work: Promise<T>): Promise<T>;
  /** The largest buffer it can allocate, in bytes. */
  readonly limits: { readonly maxBufferSize: number };
}

/** A range of a buffer, in bytes. */
export interface Range {
  /** The buffer to read; it needs `COPY_SRC`. */
  readonly buffer: Buffer;
  /** First byte, a multiple of 4; 0 when left out. */
  readonly offset?: number;
  /** Length in bytes, a multiple of 4; to the end when left out. */
  readonly bytes?: number;
}

/** Staging buffers of one device. A readback costs milliseconds whatever its size, so ranges are read together. */
export class Readback {
  readonly #host: ReadbackHost;
  readonly #free: Buffer[] = [];
  readonly #deadlineMs: number;

  /** Readback with a deadline in milliseconds for every read. */
  constructor(host: ReadbackHost, deadlineMs: number) {
    this.#host = host;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * Copies ranges to the CPU with one wait.
   *
   * @returns one `ArrayBuffer` per range
   * @throws {ReadbackTimeoutError} when the data is not there within the deadline
   * @throws {DeviceLostError} when the device is lost meanwhile
   */
  async read(ranges: readonly Range[]): Promise<ArrayBuffer[]> {
    this.#host.check();
    const plan = ranges.map(({ buffer, offset = 0, bytes = buffer.bytes - offset }) => ({ buffer, offset, bytes }));
    const total = plan.reduce((sum, { bytes }) => sum + bytes, 0);
    const staging = this.#take(total);
    const encoder = this.#host.device.createCommandEncoder({ label: "readback" });
    let at = 0;
    for (const { buffer, offset, bytes } of plan) {
      encoder.copyBufferToBuffer(buffer.raw, offset, staging.raw, at, bytes);
      at += bytes;
    }
    this.#host.device.queue.submit([encoder.finish()]);
    try {
      await this.#mapped(staging, total);
    } catch (error) {
      staging.destroy();
      if (!(error instanceof DOMException)) throw error;
      // A map that fails is the first that is heard of a lost device; its own account, where there is one, comes a turn later.
      await new Promise((resolve) => setTimeout(resolve));
      this.#host.check();
      throw new DeviceLostError(
        `The GPU was lost: ${total} bytes could not be read back (${error.message}). Run again with --resume to go on from ` +
          "what is finished.",
        { cause: error },
      );
    }
    const copy = staging.raw.getMappedRange(0, total).slice(0);
    staging.raw.unmap();
    this.#free.push(staging);
    this.#host.check();
    let from = 0;
    return plan.map(({ bytes }) => copy.slice(from, from += bytes));
  }

  async #mapped(staging: Buffer, bytes: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new ReadbackTimeoutError(
            `Could not read ${bytes} bytes back within ${
              this.#deadlineMs / 1000
            } s: the driver hangs, or steps take far ` +
              "longer than planned. Run `deno task doctor`, or lower --batch-size, --width or --replicates.",
          ),
        );
      }, this.#deadlineMs);
    });
    try {
      await this.#host.orFailure(Promise.race([staging.raw.mapAsync(GPUMapMode.READ, 0, bytes), late]));
    } finally {
      clearTimeout(timer);
    }
  }

  /** The smallest free staging buffer that is large enough, or a new one of the next power of two. */
  #take(bytes: number): Buffer {
    let best = -1;
    this.#free.forEach((buffer, index) => {
      const current = this.#free[best];
      if (buffer.bytes >= bytes && (!current || buffer.bytes < current.bytes)) best = index;
    });
    const [found] = best >= 0 ? this.#free.splice(best, 1) : [];
    if (found) return found;
    // Rounding up must not exceed a limit that the range itself meets.
    const rounded = Math.min(2 ** Math.ceil(Math.log2(bytes)), this.#host.limits.maxBufferSize);
    const size = Math.max(256, bytes, rounded);
    return this.#host.buffer("readback staging", size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  /** Releases the staging buffers. */
  destroy(): void {
    for (const buffer of this.#free.splice(0)) buffer.destroy();
  }
}
