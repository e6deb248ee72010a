/**
 * A GPU buffer that is counted while it lives.
 *
 * @module
 */

/** Where a buffer reports that it was released. */
export interface Ledger {
  /** Called once, by {@linkcode Buffer.destroy}. */
  released(buffer: Buffer): void;
}

/** One allocation on the GPU. Released by `using`, or by {@linkcode Buffer.destroy}: never left to garbage collection. */
export class Buffer implements Disposable {
  /** What it holds, for errors and the memory listing. */
  readonly label: string;
  /** Size in bytes. */
  readonly bytes: number;
  readonly #raw: GPUBuffer | undefined;
  readonly #ledger: Ledger | undefined;
  #alive = true;

  /** Wraps an allocation; use `Gpu.buffer()`. Without one it is only planned: launches can be counted with it, not recorded. */
  constructor(raw: GPUBuffer | undefined, label: string, bytes: number, ledger?: Ledger) {
    this.#raw = raw;
    this.label = label;
    this.bytes = bytes;
    this.#ledger = ledger;
  }

  /**
   * The WebGPU object.
   *
   * @throws {TypeError} when the buffer is only planned
   */
  get raw(): GPUBuffer {
    if (this.#raw) return this.#raw;
    throw new TypeError(`Cannot use "${this.label}" on a GPU: it is planned, and not allocated. Use \`Gpu.buffer()\`.`);
  }

  /** Releases the memory now. A second call does nothing. */
  destroy(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#raw?.destroy();
    this.#ledger?.released(this);
  }

  /** Same as {@linkcode Buffer.destroy}, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}
