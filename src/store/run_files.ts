/**
 * Run folders seen from outside: which there are, and what a run has come to. Nothing here writes.
 *
 * @module
 */
import { join } from "node:path";
import type { Summary } from "../analysis/summary.ts";
import { legible } from "../data/quoted.ts";
import { isArmName } from "../lottery/arms/names.ts";
import { controlId, type LotteryConfig, parseConfig } from "../lottery/config.ts";
import type { ArmName, Evaluation, LevelTiming, Snapshot } from "../lottery/types.ts";
import { CorruptRunError } from "./errors.ts";
import { explain, readOptional, readUpTo } from "./files.ts";
import { isManifest, type Manifest } from "./manifest.ts";
import { RunStore } from "./run_store.ts";

/** A run as its files tell it. */
export interface RecordedRun {
  /** The run's id: the name of its folder. */
  readonly id: string;
  /** Its folder. */
  readonly folder: string;
  /** `damaged` when it cannot be gone on with, or only by training everything again. */
  readonly state: "unfinished" | "finished" | "damaged";
  /** Networks that are wanted and trained. */
  readonly done: number;
  /** Networks that are wanted. */
  readonly wanted: number;
  /** Its configuration; undefined when it cannot be read. */
  readonly config: LotteryConfig | undefined;
  /** What it was made with; undefined when it cannot be read. */
  readonly manifest: Manifest | undefined;
  /** What it has come to; undefined when nothing is trained. */
  readonly summary: Summary | undefined;
  /** What the newest whole checkpoint holds. */
  readonly snapshot: Snapshot | undefined;
  /** Why it cannot be gone on with, in sentences; empty unless it is damaged. */
  readonly problems: readonly string[];
  /** What is wrong with it and does not keep it from going on, such as a damaged checkpoint with a whole one before it. */
  readonly warnings: readonly string[];
}

/** An arm's folder. */
export interface ArmFolder {
  /** The arm. */
  readonly name: ArmName;
  /** Its path. */
  readonly folder: string;
}

/** What a run was told and made with, as far as it can be read. */
export interface RunSettings {
  /** Its configuration; undefined when it cannot be read. */
  readonly config: LotteryConfig | undefined;
  /** What it was made with; undefined when it cannot be read. */
  readonly manifest: Manifest | undefined;
  /** Why one of them cannot be read, in sentences. */
  readonly problems: string[];
}

/** Reads a run's `config.json` and `manifest.json`. */
export async function readSettings(folder: string, id: string): Promise<RunSettings> {
  const problems: string[] = [];
  const read = async <Value>(name: string, check: (value: unknown) => Value): Promise<Value | undefined> => {
    try {
      return check(await readJson(join(folder, name)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push(`${name}: ${legible(reason, 300)}`);
      return undefined;
    }
  };
  const config = await read("config.json", parseConfig);
  const manifest = await read("manifest.json", (value) => {
    if (!isManifest(value)) throw new SyntaxError("It is not a manifest of this version.");
    if (value.id !== id) throw new SyntaxError(`It belongs to ${value.id}.`);
    return value;
  });
  return { config, manifest, problems };
}

/** What has come to be of a run. */
export async function readRun(runs: string, id: string): Promise<RecordedRun> {
  const folder = join(runs, id);
  const warnings: string[] = [];
  const { config, manifest, problems } = await readSettings(folder, id);
  const nothing = { done: 0, wanted: 0, summary: undefined, snapshot: undefined };
  if (!config || !manifest) {
    return { id, folder, state: "damaged", config, manifest, problems, warnings, ...nothing };
  }
  try {
    const { data, planHash } = manifest;
    const run = { id, config, dataset: data, planHash };
    await using store = await RunStore.open(runs, run, { warn: (message) => warnings.push(message) });
    const { progress: { done, wanted, state }, snapshot } = store;
    // A checkpoint that is there and cannot be read is told by a warning.
    if (snapshot === undefined && warnings.length > 0) problems.push("None of its checkpoints can be read.");
    return {
      id,
      folder,
      state: problems.length > 0 ? "damaged" : state === "finished" ? "finished" : "unfinished",
      done,
      wanted,
      config,
      manifest,
      summary: store.summary(),
      snapshot,
      problems,
      warnings,
    };
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return { id, folder, state: "damaged", config, manifest, problems, warnings, ...nothing };
  }
}

/** The folders of a run's arms, tickets first. Controls that were never begun have none. */
export function armFolders(folder: string, config: Pick<LotteryConfig, "controls">): Promise<ArmFolder[]> {
  return Promise.all([
    Promise.resolve({ name: "ticket" as const, folder }),
    ...config.controls.map(async (name) => ({ name, folder: join(folder, "arms", await controlId(name)) })),
  ]);
}

/**
 * An arm's evaluations in the order of their recording. A last line that was torn by a kill is left out.
 *
 * @throws {CorruptRunError} naming the first line that is no evaluation
 */
export function readMetrics(arm: ArmFolder): Promise<Evaluation[]> {
  return readLines(join(arm.folder, "metrics.jsonl"), isEvaluation);
}

/** An arm's evaluations like {@linkcode readMetrics}, a thousand or so at a time. */
export function readMetricsInParts(arm: ArmFolder): AsyncGenerator<Evaluation[]> {
  return linesOf(join(arm.folder, "metrics.jsonl"), isEvaluation);
}

/** A run's timings; `timings.jsonl` is written whole with each checkpoint. */
export function readTimings(folder: string): Promise<LevelTiming[]> {
  return readLines(join(folder, "timings.jsonl"), isTiming);
}

/** Where an arm keeps a network's ticket or trained values. */
export function networkFile(
  arm: ArmFolder,
  kind: "tickets" | "finals",
  { level, replicate, draw }: { readonly level: number; readonly replicate: number; readonly draw: number },
): string {
  const name = `${arm.name}-level-${String(level).padStart(2, "0")}-replicate-${replicate}`;
  return join(arm.folder, kind, `${arm.name === "ticket" ? name : `${name}-draw-${draw}`}.safetensors`);
}

/** The JSON of a file. @throws when there is none or it cannot be parsed */
export async function readJson(path: string): Promise<unknown> {
  const bytes = await readOptional(path);
  if (!bytes) throw new SyntaxError("It is missing.");
  return JSON.parse(new TextDecoder().decode(bytes));
}

async function readLines<Value>(path: string, check: (value: unknown) => value is Value): Promise<Value[]> {
  const all: Value[] = [];
  for await (const part of linesOf(path, check)) all.push(...part);
  return all;
}

/** Bytes that are read of a log at once: some thousand lines of metrics, parsed in about 5 ms (2026-11-25, one core). */
const partBytes = 1 << 18;

/** The lines of a log, in parts. A last line without its end is left out. */
async function* linesOf<Value>(path: string, check: (value: unknown) => value is Value): AsyncGenerator<Value[]> {
  let index = 0;
  for await (const { lines } of readWholeLines(path, 0)) {
    yield lines.map((line) => {
      index++;
      const value = parsed(line);
      if (check(value)) return value;
      throw new CorruptRunError(
        `Cannot read ${path}: line ${index} is damaged. Restore the file, or remove the run and start again.`,
      );
    });
  }
}

/** No log has longer lines; a file without line ends is not gathered in memory whole. */
const longestLine = 1 << 24;

/** Lines of a log, and where in the file what follows them begins. */
export interface WholeLines {
  /** The lines, without their ends. */
  readonly lines: readonly string[];
  /** The byte after the last of them. */
  readonly end: number;
}

/**
 * The lines of a log from a byte on, in parts of a thousand or so, with the event loop free in between. A last line without its
 * end, which is being written or was torn by a kill, is left out; nothing comes of a file that is not there.
 *
 * @throws {StorageError} when the file cannot be read
 */
export async function* readWholeLines(path: string, begin: number): AsyncGenerator<WholeLines> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw explain(cause, "read", path);
  }
  using _closing = file;
  try {
    await file.seek(begin, Deno.SeekMode.Start);
    const decoder = new TextDecoder();
    let rest = new Uint8Array(0);
    let end = begin;
    for (;;) {
      const part = await readUpTo(file, partBytes);
      if (part.length === partBytes) await pause();
      if (part.length === 0) return;
      const bytes = rest.length === 0 ? part : joined(rest, part);
      const whole = bytes.lastIndexOf(0x0a) + 1;
      rest = bytes.slice(whole);
      if (rest.length > longestLine) {
        throw new CorruptRunError(`Cannot read ${path}: a line is longer than ${longestLine} bytes. Restore the file.`);
      }
      if (whole === 0) continue;
      end += whole;
      yield { lines: decoder.decode(bytes.subarray(0, whole - 1)).split("\n"), end };
    }
  } catch (cause) {
    throw cause instanceof CorruptRunError ? cause : explain(cause, "read", path);
  }
}

/** A file that the system has in memory is read without giving anything else a turn. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function joined(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Whether a value is an evaluation; what `JSON.parse` gives is not trusted. */
export function isEvaluation(value: unknown): value is Evaluation {
  return isObject(value) && isArmName(value["arm"]) &&
    ["level", "replicate", "draw", "iteration", "validationAccuracy", "testAccuracy"]
      .every((key) => typeof value[key] === "number") &&
    ["trainLoss", "validationLoss", "testLoss"].every((key) => value[key] === null || typeof value[key] === "number");
}

function isTiming(value: unknown): value is LevelTiming {
  return isObject(value) && ["level", "seconds", "stepMs"].every((key) => typeof value[key] === "number") &&
    isObject(value["plan"]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
