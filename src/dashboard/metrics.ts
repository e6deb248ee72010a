/**
 * A run's evaluations in columns: `metrics.jsonl` of all arms, parsed once and then only what was appended.
 *
 * @module
 */
import { join } from "node:path";
import type { LotteryConfig } from "../lottery/config.ts";
import type { Evaluation, NetworkKey } from "../lottery/types.ts";
import { CorruptRunError } from "../store/errors.ts";
import { armFolders, isEvaluation, readWholeLines } from "../store/run_files.ts";
import { nameOf } from "../store/run_store.ts";
import { type Metric, metrics } from "./types.ts";

/** A network's evaluations, in columns that are longer than what they hold. */
export interface Series extends NetworkKey {
  /** How many evaluations there are. */
  readonly length: number;
  /** Iterations, ascending. */
  readonly iterations: Float64Array<ArrayBuffer>;
  /** Each metric at those; `NaN` where it is null. */
  readonly columns: Readonly<Record<Metric, Float64Array<ArrayBuffer>>>;
  /** The iteration of minimum validation loss, the earliest if several; null when there is none. */
  readonly earlyStop: number | null;
  /** The first evaluation since which a training loss was not finite; null when there is none. */
  readonly divergedAt: number | null;
}

/** A series that grows. */
class GrowingSeries implements Series {
  readonly arm: NetworkKey["arm"];
  readonly level: number;
  readonly replicate: number;
  readonly draw: number;
  length = 0;
  iterations: Float64Array<ArrayBuffer>;
  columns: Record<Metric, Float64Array<ArrayBuffer>>;
  earlyStop: number | null = null;
  divergedAt: number | null = null;
  #lowest = Infinity;

  constructor({ arm, level, replicate, draw }: NetworkKey, capacity: number) {
    this.arm = arm;
    this.level = level;
    this.replicate = replicate;
    this.draw = draw;
    this.iterations = new Float64Array(capacity);
    this.columns = columnsOf(() => new Float64Array(capacity));
  }

  get bytes(): number {
    return this.iterations.byteLength * (1 + metrics.length);
  }

  /** An iteration that is there already, or comes too late, is passed over: no run writes one. */
  append(evaluation: Evaluation): void {
    const { iteration, trainLoss, validationLoss } = evaluation;
    if (this.length > 0 && !(iteration > (this.iterations[this.length - 1] ?? Infinity))) return;
    if (this.length === this.iterations.length) this.#grow();
    this.iterations[this.length] = iteration;
    for (const metric of metrics) this.columns[metric][this.length] = evaluation[metric] ?? NaN;
    if (validationLoss !== null && validationLoss < this.#lowest) {
      this.#lowest = validationLoss;
      this.earlyStop = iteration;
    }
    if (trainLoss === null && this.length > 0) this.divergedAt ??= iteration;
    this.length++;
  }

  #grow(): void {
    const grown = (values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(Math.max(16, values.length * 2));
      larger.set(values);
      return larger;
    };
    this.iterations = grown(this.iterations);
    this.columns = columnsOf((metric) => grown(this.columns[metric]));
  }
}

/** One arm's file, as far as it is read. */
interface FollowedFile {
  readonly path: string;
  end: number;
  inode: number | null;
  size: number;
  changedAt: number;
  readonly series: Map<string, GrowingSeries>;
}

/** All evaluations of a run. */
export class RunMetrics {
  readonly #files = new Map<string, FollowedFile>();
  #reading: Promise<void> | undefined;

  /** What all columns take. */
  get bytes(): number {
    let bytes = 0;
    for (const { bytes: own } of this.#all()) bytes += own;
    return bytes;
  }

  /** Every network's series, in no order. */
  series(): readonly Series[] {
    return [...this.#all()];
  }

  /** Reads what is new. Reads that are asked for at once are one. */
  update(folder: string, config: LotteryConfig): Promise<void> {
    return this.#reading ??= this.#update(folder, config).finally(() => this.#reading = undefined);
  }

  async #update(folder: string, config: LotteryConfig): Promise<void> {
    const expected = Math.min(1_024, Math.floor(config.iterations / config.evalEvery) + 2);
    for (const arm of await armFolders(folder, config)) {
      const path = join(arm.folder, "metrics.jsonl");
      const info = await statOptional(path);
      let file = this.#files.get(path);
      // What is only ever appended to has not become shorter, nor another file.
      if (!info || file && (file.inode !== info.ino || info.size < file.end)) {
        this.#files.delete(path);
        file = undefined;
      }
      if (!info) continue;
      const changedAt = info.mtime?.getTime() ?? 0;
      if (file?.size === info.size && file.changedAt === changedAt) continue;
      file ??= { path, end: 0, inode: info.ino, size: 0, changedAt: 0, series: new Map() };
      this.#files.set(path, file);
      try {
        for await (const { lines, end } of readWholeLines(path, file.end)) {
          for (const line of lines) take(file, line, expected);
          file.end = end;
        }
      } catch (error) {
        // What can be read of a damaged file is shown.
        if (!(error instanceof CorruptRunError)) throw error;
      }
      file.size = info.size;
      file.changedAt = changedAt;
    }
  }

  *#all(): Generator<GrowingSeries> {
    for (const { series } of this.#files.values()) yield* series.values();
  }
}

/** A line that is no evaluation is passed over: `runs verify` tells of it. */
function take({ series }: FollowedFile, line: string, expected: number): void {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return;
  }
  if (!isEvaluation(value)) return;
  const name = nameOf(value);
  let own = series.get(name);
  if (!own) {
    own = new GrowingSeries(value, expected);
    series.set(name, own);
  }
  own.append(value);
}

function columnsOf(make: (metric: Metric) => Float64Array<ArrayBuffer>): Record<Metric, Float64Array<ArrayBuffer>> {
  return {
    testAccuracy: make("testAccuracy"),
    validationAccuracy: make("validationAccuracy"),
    testLoss: make("testLoss"),
    validationLoss: make("validationLoss"),
    trainLoss: make("trainLoss"),
  };
}

async function statOptional(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    const info = await Deno.lstat(path);
    return info.isFile ? info : undefined; // a link leads out of the folder of runs
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
