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
  /** The WebGPU object. */
  readonly raw: GPUBuffer;
  /** What it holds, for errors and the memory listing. */
  readonly label: string;
  /** Size in bytes. */
  readonly bytes: number;
  readonly #ledger: Ledger;
  #alive = true;

  /** Wraps an allocation; use `Gpu.buffer()`. */
  constructor(raw: GPUBuffer, label: string, bytes: number, ledger: Ledger) {
    this.raw = raw;
    this.label = label;
    this.bytes = bytes;
    this.#ledger = ledger;
  }

  /** Releases the memory now. A second call does nothing. */
  destroy(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.raw.destroy();
    this.#ledger.released(this);
  }

  /** Same as {@linkcode Buffer.destroy}, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}
