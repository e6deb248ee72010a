/**
 * A disk that fails, at the narrowest place: Deno's own calls, so that everything of ours that is above them runs as it is. What
 * is written goes to the real disk up to the fault, half a write included.
 *
 * @module
 */

/** What fails. */
export interface Fault {
  /** The error of every failing call; none fails when left out. */
  readonly error?: () => Error;
  /** How many bytes the disk takes; when it is full, the write that fills it takes a part, and the next ones none. */
  readonly capacity?: number;
  /** The call that fails, counted from 0, of those that change something; it alone. */
  readonly call?: number;
}

/** Stands in for the disk until its scope ends. */
export class FaultyDisk implements Disposable {
  /** The calls that would have changed something, in order: what and, where it is known, of which file. */
  readonly calls: string[] = [];
  /** How many bytes were written. */
  bytes = 0;
  readonly #fault: Fault;
  readonly #restore = new DisposableStack();

  constructor(fault: Fault = {}) {
    this.#fault = fault;
    const { open, mkdir, rename } = Deno;
    const { write, truncate } = Deno.FsFile.prototype;
    const call = (what: string): void => this.#call(what);
    const take = (bytes: number): number => this.#take(bytes);
    this.#replace(Deno, "open", async (path: string | URL, options?: Deno.OpenOptions) => {
      if (options?.write) call(`open ${path}`);
      return await open(path, options);
    });
    this.#replace(Deno, "mkdir", async (path: string | URL, options?: Deno.MkdirOptions) => {
      call(`mkdir ${path}`);
      await mkdir(path, options);
    });
    this.#replace(Deno, "rename", async (from: string | URL, to: string | URL) => {
      call(`rename ${from}`);
      await rename(from, to);
    });
    this.#replace(Deno.FsFile.prototype, "write", async function (this: Deno.FsFile, bytes: Uint8Array) {
      call("write");
      return await write.call(this, bytes.subarray(0, take(bytes.length)));
    });
    // Without a power loss there is nothing to see of it, and it takes most of a run's time.
    this.#replace(Deno.FsFile.prototype, "sync", async function (this: Deno.FsFile) {
      call("sync");
      await Promise.resolve();
    });
    this.#replace(Deno.FsFile.prototype, "truncate", async function (this: Deno.FsFile, length?: number) {
      call("truncate");
      await truncate.call(this, length);
    });
  }

  /** Gives the disk back. */
  [Symbol.dispose](): void {
    this.#restore.dispose();
  }

  #call(what: string): void {
    this.calls.push(what);
    if (this.calls.length - 1 === this.#fault.call) throw this.#error();
  }

  #error(): Error {
    return this.#fault.error?.() ?? new Error("a fault without an error");
  }

  #take(bytes: number): number {
    const { capacity = Infinity } = this.#fault;
    const taken = Math.min(bytes, capacity - this.bytes);
    if (bytes > 0 && taken === 0) throw this.#error();
    this.bytes += taken;
    return taken;
  }

  #replace(target: object, key: string, own: unknown): void {
    const before = Object.getOwnPropertyDescriptor(target, key);
    if (!before) throw new Error(`there is no ${key} to replace`);
    Object.defineProperty(target, key, { ...before, value: own });
    this.#restore.defer(() => void Object.defineProperty(target, key, before));
  }
}
