/**
 * One look at all runs every half second, for as long as somebody wants to know.
 *
 * @module
 */
import type { Change, RunRegistry } from "./registry.ts";

/** Milliseconds between looks: what a process writes is told within a second. */
export const pollMs = 500;

/** Tells of what happens to runs, whoever makes it happen. */
export class Watcher implements Disposable {
  readonly #registry: RunRegistry;
  readonly #pollMs: number;
  readonly #listeners = new Set<(change: Change) => void>();
  #stopListening: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(registry: RunRegistry, pause = pollMs) {
    this.#registry = registry;
    this.#pollMs = pause;
  }

  /** Whether it looks now. */
  get isLooking(): boolean {
    return this.#stopListening !== undefined;
  }

  /** Tells of changes from now on; returns how to end that. The last one to leave stops the looking. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    if (!this.isLooking) {
      this.#stopListening = this.#registry.listen((change) => {
        for (const own of [...this.#listeners]) own(change);
      });
      this.#next(0);
    }
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this[Symbol.dispose]();
    };
  }

  /** Stops looking. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#listeners.clear();
  }

  #next(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // A folder that cannot be read now may be there again later; pages say what is wrong when they are asked for.
      this.#registry.refresh().catch(() => {}).finally(() => {
        if (this.isLooking) this.#next(this.#pollMs);
      });
    }, ms);
  }
}
