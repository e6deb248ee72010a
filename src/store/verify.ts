/**
 * Whether a run's files are what they say: checksums, counts of survivors, complete metrics, nothing that does not belong.
 *
 * @module
 */
import { join } from "node:path";
import { earlyStop } from "../analysis/early_stop.ts";
import type { Summary } from "../analysis/summary.ts";
import { legible } from "../data/quoted.ts";
import { sha256 } from "../data/sha256.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import { prunerOf } from "../lottery/arms/registry.ts";
import { ratesOf } from "../lottery/schedule.ts";
import { firstIterationOf } from "../lottery/wanted.ts";
import { plannedWeights } from "../lottery/schedule.ts";
import { loadModel, loadTicket, type Ticket } from "../lottery/ticket.ts";
import type { Evaluation, LevelRecord, PartialNetwork, Snapshot } from "../lottery/types.ts";
import { unpackMask } from "../nn/mask.ts";
import { type LayerValues, layOut, type NormValues } from "../nn/network.ts";
import { parseCheckpoint } from "./checkpoint.ts";
import { CorruptRunError } from "./errors.ts";
import { readOptional } from "./files.ts";
import { type Manifest, planOfManifest } from "./manifest.ts";
import { type ArmFolder, armFolders, networkFile, readJson, readMetrics, readRun, readTimings } from "./run_files.ts";
import { nameOf } from "./run_store.ts";
import { linesName } from "./lines.ts";
import { tagsName } from "./tags.ts";

/** What an examination found. */
export interface Verification {
  /** The run's id. */
  readonly id: string;
  /** What is wrong, in sentences; empty when nothing is. */
  readonly problems: readonly string[];
  /** What is unusual and harmless, such as leftovers of a kill. */
  readonly notes: readonly string[];
  /** Files that were read and checked. */
  readonly files: number;
}

/** Examines a run that nobody writes to. */
export async function verifyRun(runs: string, id: string): Promise<Verification> {
  const run = await readRun(runs, id);
  const examination = new Examination(run.folder);
  for (const problem of run.problems) examination.problem(problem);
  const { config, manifest, snapshot } = run;
  if (manifest) await examination.plan(manifest);
  if (!config) return examination.result(id);
  await examination.checkpoints(id);
  const arms = await armFolders(run.folder, config);
  for (const arm of arms) {
    const records = snapshot?.records.filter((record) => record.arm === arm.name) ?? [];
    await examination.metrics(arm, records, snapshot?.partial?.filter((own) => own.arm === arm.name) ?? [], config);
    for (const record of records) await examination.network(arm, record, { id, config, snapshot });
  }
  if (snapshot) await examination.timings(snapshot);
  if (run.state === "finished") await examination.summary(run.summary);
  await examination.unexpected(arms);
  return examination.result(id);
}

class Examination {
  readonly #folder: string;
  readonly #problems: string[] = [];
  readonly #notes: string[] = [];
  readonly #known = new Set(["config.json", "manifest.json", "summary.json", tagsName, linesName]);
  readonly #starts = new Map<string, { readonly name: string; readonly digest: string }>();
  #files = 2;

  constructor(folder: string) {
    this.#folder = folder;
  }

  result(id: string): Verification {
    return { id, problems: this.#problems, notes: this.#notes, files: this.#files };
  }

  problem(sentence: string): void {
    // Names and values come from files that nobody trusts.
    const text = legible(sentence, 1000);
    if (!this.#problems.includes(text)) this.#problems.push(text);
  }

  /** The plan table is the one that the run began with. */
  async plan(manifest: Manifest): Promise<void> {
    try {
      await planOfManifest(manifest);
    } catch (error) {
      // That a table was never recorded is no damage.
      if (error instanceof CorruptRunError) this.problem(error.message);
    }
  }

  /** Both are read, with their checksums; opening a run reads the second only when the first is damaged. */
  async checkpoints(id: string): Promise<void> {
    for (const name of ["checkpoint.safetensors", "checkpoint.previous.safetensors"]) {
      const path = join(this.#folder, name);
      const bytes = await readOptional(path);
      this.#known.add(name);
      if (!bytes) continue;
      this.#files++;
      await this.#attempt("", () => parseCheckpoint(bytes, id, name).then(() => {}));
    }
  }

  /** The summary follows from the checkpoint. */
  async summary(wanted: Summary | undefined): Promise<void> {
    this.#files++;
    await this.#attempt("summary.json: ", async () => {
      const found = await readJson(join(this.#folder, "summary.json"));
      if (JSON.stringify(found) === JSON.stringify(wanted)) return;
      throw new RangeError("It does not say what the checkpoint does. Remove it and run the same `lottery` command.");
    });
  }

  async timings({ timings }: Snapshot): Promise<void> {
    this.#files++;
    this.#known.add("timings.jsonl");
    await this.#attempt("timings.jsonl: ", async () => {
      const found = await readTimings(this.#folder);
      if (JSON.stringify(found) === JSON.stringify(timings)) return;
      if (JSON.stringify(found) !== JSON.stringify(timings.slice(0, found.length))) {
        throw new RangeError("It does not say what the checkpoint does.");
      }
      // It is written after the checkpoint, and whole with the next one.
      this.#notes.push("timings.jsonl lacks its last lines, which are in the checkpoint.");
    });
  }

  /** Every evaluation of every network that is done is there once, and its record follows from them. */
  async metrics(
    arm: ArmFolder,
    records: readonly LevelRecord[],
    partial: readonly PartialNetwork[],
    config: LotteryConfig,
  ): Promise<void> {
    const name = this.#knows(join(arm.folder, "metrics.jsonl"));
    this.#files++;
    await this.#attempt("", async () => {
      const byNetwork = Map.groupBy(await readMetrics(arm), nameOf);
      for (const network of partial) {
        // A run may have got further than its checkpoint; what comes again must be the same.
        const wanted = network.evaluations.map(({ iteration }) => iteration);
        const found = (byNetwork.get(nameOf(network)) ?? []).map(({ iteration }) => iteration);
        this.#compare(
          `${name}: ${nameOf(network)} has evaluations up to its checkpoint at`,
          found.slice(0, wanted.length),
          wanted,
        );
      }
      for (const record of records) {
        const own = byNetwork.get(nameOf(record)) ?? [];
        this.#compare(`${name}: ${nameOf(record)} has evaluations at`, own.map(({ iteration }) => iteration), [
          ...evaluatedIterations(config, record.level),
        ]);
        const best = earlyStop(own);
        this.#compare(
          `${name}: the minimum of ${nameOf(record)} is`,
          [best?.iteration ?? null, best?.validationLoss ?? null, best?.testAccuracy ?? null, atEnd(own)],
          [
            record.earlyStopIteration,
            record.validationLossAtEarlyStop,
            record.testAccuracyAtEarlyStop,
            record.testAccuracyAtEnd,
          ],
        );
      }
    });
  }

  /** The files of a network that is done: its ticket, and its trained values where they were kept. */
  async network(
    arm: ArmFolder,
    record: LevelRecord,
    { id, config, snapshot }: {
      readonly id: string;
      readonly config: LotteryConfig;
      readonly snapshot: Snapshot | undefined;
    },
  ): Promise<void> {
    const path = networkFile(arm, "tickets", record);
    const name = this.#knows(path);
    let ticket: Ticket | undefined;
    await this.#attempt(`${name}: `, async () => {
      const bytes = await readOptional(path);
      if (!bytes) throw new SyntaxError("It is missing.");
      this.#files++;
      ticket = loadTicket(bytes, name);
    });
    if (!ticket) return;
    const layout = layOut(ticket.network);
    const kept = ticket.masks.map((mask) => mask.reduce((sum, bit) => sum + bit, 0));
    const about = ["run", "arm", "level", "replicate", "draw"].map((key) => ticket?.metadata[key] ?? "");
    this.#compare(`${name}: it says of itself`, about, [
      id,
      record.arm,
      ...[record.level, record.replicate, record.draw].map(String),
    ]);
    this.#compare(`${name}: survivors per layer are`, kept, record.layers.map((layer) => layer.kept));
    const planned = plannedWeights(layout, record.level, ratesOf(config)).at(-1);
    this.#compare(`${name}: survivors in all are`, [kept.reduce((sum, count) => sum + count, 0)], [planned ?? 0]);
    this.#compare(`${name}: training starts at`, [ticket.firstIteration ?? 0], [
      firstIterationOf(config, record.level),
    ]);
    const pruner = prunerOf(record.arm, record.level);
    const mask = snapshot?.masks.find(({ arm, level, replicate }) =>
      arm === pruner && level === record.level && replicate === record.replicate
    );
    if (mask) {
      const wanted = unpackMask(layout, mask.words);
      const differs = ticket.masks.some((own, index) => own.some((bit, at) => bit !== wanted[index]?.[at]));
      if (differs) this.problem(`${name}: its mask is not the checkpoint's.`);
    }
    if (record.arm === "ticket") {
      const { initial, rewind } = ticket;
      await this.#sameStart(name, `initial values of replicate ${record.replicate}`, initial.flatMap(valuesOf));
      if (rewind) {
        const values = [...rewind.layers.flatMap(valuesOf), ...rewind.norms.flatMap(normValuesOf)];
        await this.#sameStart(name, `rewind values of replicate ${record.replicate}`, values);
      }
    }
    await this.#final(arm, record, ticket);
  }

  /** What a replicate's tickets start from is the same at every level, pruned weights included, bit for bit. */
  async #sameStart(name: string, what: string, values: readonly Float32Array<ArrayBuffer>[]): Promise<void> {
    const digests = await Promise.all(
      values.map(({ buffer, byteOffset, byteLength }) => sha256(new Uint8Array(buffer, byteOffset, byteLength))),
    );
    const digest = digests.join();
    const first = this.#starts.get(what) ?? { name, digest };
    this.#starts.set(what, first);
    if (first.digest !== digest) this.problem(`${name}: the ${what} are not those of ${first.name}.`);
  }

  /** Which trained values there should be depends on what `--save-finals` was each time, so that none can be missing. */
  async #final(arm: ArmFolder, record: LevelRecord, ticket: Ticket): Promise<void> {
    const path = networkFile(arm, "finals", record);
    const bytes = await readOptional(path);
    if (!bytes) return;
    const name = this.#knows(path);
    this.#files++;
    await this.#attempt(`${name}: `, () => {
      const model = loadModel(bytes, name);
      const alive = model.layers.some(({ weight }, index) =>
        weight.some((value, at) => value !== 0 && ticket.masks[index]?.[at] === 0)
      );
      if (alive) throw new RangeError("A weight that the ticket prunes is not zero.");
    });
  }

  /** Files that no part of Winnow puts there. */
  async unexpected(arms: readonly ArmFolder[]): Promise<void> {
    for (const { folder, name } of arms) {
      this.#knows(join(folder, "histograms.jsonl"));
      if (name !== "ticket") this.#knows(join(folder, "config.json"));
    }
    for await (const path of filesBelow(this.#folder)) {
      if (this.#known.has(path)) continue;
      if (harmless.test(path)) this.#notes.push(`${legible(path)} was left behind, and is not used.`);
      else if (unrecorded.test(path)) {
        this.#notes.push(`${path} is of a level that the checkpoint does not have yet; it comes again.`);
      } else this.problem(`${path} is no file of this run. Move it elsewhere.`);
    }
  }

  /** A file's name in the run's folder, which is from now on expected there. */
  #knows(path: string): string {
    const name = path.slice(this.#folder.length + 1).replaceAll("\\", "/");
    this.#known.add(name);
    return name;
  }

  #compare(what: string, found: readonly unknown[], wanted: readonly unknown[]): void {
    if (found.length === wanted.length && found.every((value, index) => value === wanted[index])) return;
    this.problem(`${what} ${list(found)}, and ${list(wanted)} is wanted.`);
  }

  async #attempt(prefix: string, check: () => Promise<void> | void): Promise<void> {
    try {
      await check();
    } catch (error) {
      this.problem(prefix + (error instanceof Error ? error.message : String(error)));
    }
  }
}

function valuesOf({ weight, bias }: LayerValues): Float32Array<ArrayBuffer>[] {
  return [weight, bias];
}

function normValuesOf({ scale, shift, mean, variance }: NormValues): Float32Array<ArrayBuffer>[] {
  return [scale, shift, mean, variance];
}

/**
 * Temporary files of writes that were cut, what NFS and FUSE call files that were removed while they were open, the lock of a
 * process that was killed, a request to stop.
 */
const harmless =
  /(?:^|\/)\.(?:[^/]+\.new|nfs[0-9a-f]+|fuse_hidden[0-9a-f]+)$|^checkpoint\.new\.safetensors$|^lock(?:\.[^/]+\.takeover)?$|^stop$/;

/** What a level leaves before its checkpoint is written. */
const unrecorded = /(?:^|\/)(?:tickets|finals)\/[a-z]+-level-\d{2,}-replicate-\d+(?:-draw-\d+)?\.safetensors$/;

/** Iterations at which a level is evaluated: where it begins, each multiple of the interval, and its end. */
function* evaluatedIterations(config: LotteryConfig, level: number): Generator<number> {
  const first = firstIterationOf(config, level);
  const { evalEvery, iterations } = config;
  yield first;
  for (let at = Math.floor(first / evalEvery + 1) * evalEvery; at < iterations; at += evalEvery) yield at;
  yield iterations;
}

function atEnd(evaluations: readonly Evaluation[]): number | null {
  return evaluations.at(-1)?.testAccuracy ?? null;
}

/** Long lists are cut: a sentence is to be read. */
function list(values: readonly unknown[]): string {
  const shown = values.slice(0, 12).map((value) => legible(String(value))).join(", ");
  return values.length > 12 ? `${shown}, … (${values.length} in all)` : shown || "nothing";
}

async function* filesBelow(folder: string, prefix = ""): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) yield* filesBelow(join(folder, entry.name), `${prefix}${entry.name}/`);
    else yield prefix + entry.name;
  }
}
