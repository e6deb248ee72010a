/**
 * A run at a glance: what it has come to, without the tensors of its checkpoint. A checkpoint's masks and arenas are most of its
 * bytes, and are read and summed up only when they are needed (`readRun()`); so damage in them is not seen here.
 *
 * @module
 */
import { join } from "node:path";
import { workOf } from "../analysis/progress.ts";
import { summarize, type Summary } from "../analysis/summary.ts";
import { legible } from "../data/quoted.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import { type CheckpointState, isLevelRecord, isLevelTiming, readCheckpointState } from "./checkpoint.ts";
import type { Manifest } from "./manifest.ts";
import { readJson, readSettings } from "./run_files.ts";

/** A run without its tensors. */
export interface RunGlance extends CheckpointState {
  /** The run's id: the name of its folder. */
  readonly id: string;
  /** Its folder. */
  readonly folder: string;
  /** As far as can be seen without the tensors. */
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
  /** Why it cannot be gone on with, in sentences; empty unless it is damaged. */
  readonly problems: readonly string[];
  /** What is wrong with it and does not keep it from going on. */
  readonly warnings: readonly string[];
}

const nothing: CheckpointState = { records: [], timings: [], partial: [] };

/**
 * Looks at a run. What it has come to is from its newest checkpoint whose header can be read or, without one, from
 * `summary.json`. Whatever is wrong with its files is told and never thrown.
 */
export async function glanceAtRun(runs: string, id: string): Promise<RunGlance> {
  const folder = join(runs, id);
  const { config, manifest, problems } = await readSettings(folder, id);
  const warnings: string[] = [];
  const { state, isRecovered } = await newestState(folder, id, warnings);
  if (state && isRecovered) problems.push("None of its checkpoints can be read; what is shown is from summary.json.");
  else if (!state && warnings.length > 0) problems.push("None of its checkpoints can be read.");
  const { records, timings, partial } = state ?? nothing;
  const { done, wanted } = config ? workOf(config, records) : { done: 0, wanted: 0 };
  return {
    id,
    folder,
    state: problems.length > 0 ? "damaged" : done === wanted ? "finished" : "unfinished",
    done,
    wanted,
    config,
    manifest,
    summary: config && manifest && state ? summarize({ id, config, adapter: manifest.adapter }, state) : undefined,
    records,
    timings,
    partial,
    problems,
    warnings,
  };
}

async function newestState(
  folder: string,
  id: string,
  warnings: string[],
): Promise<{ readonly state: CheckpointState | undefined; readonly isRecovered: boolean }> {
  for (const name of ["checkpoint.safetensors", "checkpoint.previous.safetensors"]) {
    try {
      const state = await readCheckpointState(join(folder, name), id);
      if (state) return { state, isRecovered: false };
    } catch (error) {
      warnings.push(legible(`${name}: ${error instanceof Error ? error.message : String(error)}`, 300));
    }
  }
  const state = await summarizedState(folder);
  return { state, isRecovered: state !== undefined };
}

/** What `summary.json` says, in the form of a checkpoint; undefined when it is missing or says nothing of use. */
export async function summarizedState(folder: string): Promise<CheckpointState | undefined> {
  try {
    const summary = await readJson(join(folder, "summary.json"));
    const arms = listIn(summary, "arms");
    const levels = arms.flatMap((arm) =>
      listIn(arm, "levels").map((level) => ({ arm: propertyOf(arm, "name"), level }))
    );
    const records = levels.flatMap(({ arm, level }) =>
      listIn(level, "replicates").map((replicate) => ({
        ...(typeof replicate === "object" ? replicate : {}),
        arm,
        level: propertyOf(level, "level"),
        remaining: propertyOf(level, "remaining"),
        layers: propertyOf(level, "layers"),
      }))
    ).filter(isLevelRecord);
    const seconds = listIn(propertyOf(summary, "timing"), "secondsByLevel");
    const timings = listIn(arms[0], "levels").map((level, index) => ({
      level: propertyOf(level, "level"),
      seconds: seconds[index],
      stepMs: propertyOf(level, "stepMs"),
      plan: propertyOf(level, "plan"),
    })).filter(isLevelTiming);
    return records.length > 0 ? { records, timings, partial: [] } : undefined;
  } catch {
    return undefined;
  }
}

function propertyOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function listIn(value: unknown, key: string): readonly unknown[] {
  const list = propertyOf(value, key);
  return Array.isArray(list) ? list : [];
}
