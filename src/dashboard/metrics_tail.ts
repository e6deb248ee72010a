/**
 * The end of a `metrics.jsonl` that another process is writing.
 *
 * @module
 */
import type { NetworkInTraining } from "../analysis/progress.ts";
import { isEvaluation, readWholeLines } from "../store/run_files.ts";
import { nameOf } from "../store/run_store.ts";

/** More than a line takes. */
const lineBytes = 400;

/** The last evaluation of each network, read on as the file grows. */
export class MetricsTail {
  /** The file. */
  readonly path: string;
  readonly #latest = new Map<string, NetworkInTraining>();
  readonly #networks: number;
  #end: number | undefined;
  #size = -1;
  #inode: number | null = null;
  #changedAt = 0;

  /** @param networks how many may be in training at once; that many last lines are looked at, and at least a few hundred */
  constructor(path: string, networks: number) {
    this.path = path;
    this.#networks = networks;
  }

  /** The last evaluation of each network that is known of, by the network's name. */
  get latest(): ReadonlyMap<string, NetworkInTraining> {
    return this.#latest;
  }

  /** When the file last changed, in milliseconds since 1970; 0 when it is not there. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /**
   * Reads what is new, and says how many evaluations that is; the first time 0, for nobody has counted those before. A line that
   * is no evaluation, or not whole yet, is passed over.
   */
  async read(): Promise<number> {
    const info = this.#stat();
    if (!info || info.size === this.#size && info.ino === this.#inode) return 0;
    const isOther = info.ino !== this.#inode || info.size < (this.#end ?? 0);
    const isFirst = this.#end === undefined;
    if (isOther) this.#latest.clear();
    const begin = isOther || isFirst
      ? Math.max(0, info.size - lineBytes * Math.max(300, 2 * this.#networks))
      : this.#end ?? 0;
    this.#size = info.size;
    this.#inode = info.ino;
    this.#changedAt = info.mtime?.getTime() ?? 0;
    this.#end = begin;
    let count = 0;
    let isWithinLine = begin > 0 && (isOther || isFirst);
    try {
      for await (const { lines, end } of readWholeLines(this.path, begin)) {
        for (const line of isWithinLine ? lines.slice(1) : lines) if (this.#take(line)) count++;
        isWithinLine = false;
        this.#end = end;
      }
    } catch {
      // It is gone or cannot be read: nothing new.
    }
    return isFirst && begin > 0 ? 0 : count;
  }

  #take(line: string): boolean {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return false;
    }
    if (!isEvaluation(value)) return false;
    const { arm, level, replicate, draw, iteration } = value;
    const name = nameOf(value);
    if (iteration >= (this.#latest.get(name)?.iteration ?? 0)) {
      this.#latest.set(name, { arm, level, replicate, draw, iteration });
    }
    return true;
  }

  #stat(): Deno.FileInfo | undefined {
    try {
      return Deno.statSync(this.path);
    } catch {
      return undefined;
    }
  }
}
