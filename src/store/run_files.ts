/**
 * Run folders seen from outside: which there are, and what a run has come to. Nothing here writes.
 *
 * @module
 */
import { join } from "node:path";
import type { Summary } from "../analysis/summary.ts";
import { legible } from "../data/quoted.ts";
import { controlId, type LotteryConfig, parseConfig } from "../lottery/config.ts";
import type { ArmName, Evaluation, LevelTiming, Snapshot } from "../lottery/types.ts";
import { CorruptRunError } from "./errors.ts";
import { readOptional } from "./files.ts";
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

/** What has come to be of a run. */
export async function readRun(runs: string, id: string): Promise<RecordedRun> {
  const folder = join(runs, id);
  const problems: string[] = [];
  const warnings: string[] = [];
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
  const text = new TextDecoder().decode(await readOptional(path));
  return text.split("\n").slice(0, -1).map((line, index) => {
    try {
      const value: unknown = JSON.parse(line);
      if (check(value)) return value;
    } catch {
      // Told below, with its number.
    }
    throw new CorruptRunError(
      `Cannot read ${path}: line ${index + 1} is damaged. Restore the file, or remove the run and start again.`,
    );
  });
}

function isEvaluation(value: unknown): value is Evaluation {
  return isObject(value) && (value["arm"] === "ticket" || value["arm"] === "reinit") &&
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
