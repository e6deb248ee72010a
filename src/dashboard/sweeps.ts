/**
 * Sweeps as their pages show them: how many runs are in which state, and each run with what it came to.
 *
 * A sweep of a thousand runs is read once, and after that only the runs of it that have changed. The scheduler is never asked: the
 * dashboard may not run its programs. What waits there is what the submissions say, as far as no attempt has begun.
 *
 * @module
 */
import { join } from "node:path";
import { legible } from "../data/quoted.ts";
import { isHeld } from "../store/index.ts";
import {
  engineLock,
  isSweepKey,
  listSubmissions,
  readSweep,
  readSweepStatus,
  submissionNames,
  sweepFolder,
  sweepsFolder,
} from "../store/sweeps.ts";
import { countStates, type SweepRunState, type SweepRunStatus, type SweepStatus } from "../sweeps/status.ts";
import type { SweepRecord } from "../sweeps/sweep.ts";
import { Lru } from "./lru.ts";
import { liesIn } from "./ours.ts";
import type { RunRow } from "./types.ts";

/** A sweep as its page shows it. */
export interface SweepView extends SweepStatus {
  /** How many runs are in each state. */
  readonly counts: Readonly<Record<SweepRunState, number>>;
  /** How much of all runs is trained, each of them counting the same, from 0 to 1. */
  readonly fraction: number;
  /** The runs that have a page. */
  readonly shown: ReadonlySet<string>;
  /** When something last happened to it, in UTC. */
  readonly changed: string;
}

/** What is kept of sweeps: some thirty of a thousand runs. */
const mostBytes = 64 << 20;

/** About what a run of a sweep takes, with its settings. */
const runBytes = 2_000;

/** A file or folder that changed this shortly ago may change once more without its time telling so. */
const settledMs = 2_000;

/** For so long a run counts as beginning, or as gone, without any file saying so. */
const staleMs = 5_000;

/** The record of a sweep, and what its runs' states were made from. */
interface Kept {
  readonly stamp: string;
  readonly record: SweepRecord;
  readonly runs: ReadonlyMap<string, KeptRun>;
  readonly tasks: KeptTasks;
}

interface KeptRun {
  readonly stamp: string;
  readonly at: number;
  readonly status: SweepRunStatus;
}

/** The newest task of each run that a scheduler has been given. */
interface KeptTasks {
  readonly stamp: string;
  readonly byId: ReadonlyMap<string, { readonly submission: string; readonly job: string }>;
}

const noTasks: KeptTasks = { stamp: "", byId: new Map() };

/** Views of sweeps, of which only what has changed is read again. */
export class SweepViews {
  readonly #runs: string;
  readonly #kept = new Lru<Kept>(mostBytes);
  readonly #reading = new Map<string, Promise<SweepView | undefined>>();

  constructor(runs: string) {
    this.#runs = runs;
  }

  /** The keys of all sweeps, in order. What has not the form of one is passed over. */
  async keys(): Promise<string[]> {
    const keys: string[] = [];
    try {
      for await (const { name, isDirectory } of Deno.readDir(join(this.#runs, sweepsFolder))) {
        if (isDirectory && isSweepKey(name)) keys.push(name);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    }
    return keys.sort();
  }

  /**
   * A sweep; undefined for what is no sweep's key.
   *
   * @param rows the runs as the dashboard lists them, by id
   */
  read(key: string, rows: ReadonlyMap<string, RunRow>): Promise<SweepView | undefined> {
    if (!isSweepKey(key)) return Promise.resolve(undefined);
    const reading = this.#reading.get(key) ?? this.#read(key, rows).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  /** Forgets all. */
  clear(): void {
    this.#kept.clear();
  }

  async #read(key: string, rows: ReadonlyMap<string, RunRow>): Promise<SweepView | undefined> {
    const folder = sweepFolder(this.#runs, key);
    const path = join(folder, "sweep.json");
    if (!await liesIn(this.#runs, path)) return undefined;
    const before = this.#kept.get(key);
    const stamp = stampOf(path);
    const record = before && stamp !== "" && before.stamp === stamp ? before.record : await readSweep(this.#runs, key);
    if (!record) return undefined;
    const isWhole = await this.#hasNoLinks(folder);
    const tasks = isWhole ? await this.#tasks(key, folder, before?.tasks) : noTasks;
    const held = isWhole ? await this.#heldSubmissions(key) : "";
    const now = Date.now();
    const runs = new Map<string, KeptRun>();
    const due: { readonly run: SweepRecord["runs"][number]; readonly stamp: string }[] = [];
    for (const run of record.runs) {
      const own = isWhole ? this.#stampOfRun(folder, run.id, rows.get(run.id), held) : undefined;
      const known = before?.record === record ? before.runs.get(run.id) : undefined;
      if (own === undefined) {
        runs.set(run.id, { stamp: "", at: now, status: unseen(run) });
      } else if (known && own !== "" && known.stamp === own && !isStale(known, now)) runs.set(run.id, known);
      else due.push({ run, stamp: own });
    }
    if (due.length > 0) {
      const read = await readSweepStatus(this.#runs, { ...record, runs: due.map(({ run }) => run) });
      read.runs.forEach((status, index) => {
        runs.set(status.run.id, { stamp: due[index]?.stamp ?? "", at: now, status });
      });
    }
    this.#kept.set(key, { stamp, record, runs, tasks }, runBytes * (10 + record.runs.length));
    return viewOf(record, runs, tasks, rows);
  }

  /**
   * Changes when a run's state may have; empty where it may without a sign. Undefined for what is not looked at, because a link is
   * in its place.
   */
  #stampOfRun(folder: string, id: string, row: RunRow | undefined, held: string): string | undefined {
    const own = infoOf(join(this.#runs, id));
    const attempts = infoOf(join(folder, "attempts", id));
    if (own?.isSymlink || attempts?.isSymlink) return undefined;
    // A run without a row is none yet, or is one of links.
    if (own?.isDirectory && !row && hasLink(join(this.#runs, id))) return undefined;
    if (attempts && hasLink(join(folder, "attempts", id))) return undefined;
    const settled = Date.now() - settledMs;
    if ((attempts?.mtime?.getTime() ?? 0) > settled || !row && (own?.mtime?.getTime() ?? 0) > settled) return "";
    const isDone = row?.state === "finished";
    return [
      row ? `${row.state} ${row.updated} ${row.done} ${row.bytes}` : stampFrom(own),
      stampFrom(attempts),
      isDone ? "" : held,
    ].join("\n");
  }

  /** The submissions that the engine `local` carries out, by name. */
  async #heldSubmissions(key: string): Promise<string> {
    const names = await submissionNames(this.#runs, key);
    return names.filter((name) => isHeld(engineLock(this.#runs, key, name))).join();
  }

  /** The newest task of each run, of submissions that a scheduler has. */
  async #tasks(key: string, folder: string, before: KeptTasks | undefined): Promise<KeptTasks> {
    const info = infoOf(join(folder, "submissions"));
    const isSettled = Date.now() - (info?.mtime?.getTime() ?? 0) > settledMs;
    const stamp = isSettled ? stampFrom(info) : "";
    if (before && stamp !== "" && before.stamp === stamp) return before;
    const byId = new Map<string, { readonly submission: string; readonly job: string }>();
    for (const { name, engine, job, tasks } of info ? await listSubmissions(this.#runs, key) : []) {
      tasks.forEach(({ id }, index) => {
        // What the engine `local` was given later is not the scheduler's any more.
        if (engine === "slurm" && job !== undefined) byId.set(id, { submission: name, job: `${job}_${index}` });
        else byId.delete(id);
      });
    }
    return { stamp, byId };
  }

  /** Whether the folders of a sweep are its own, with no link among them or among the submissions. */
  async #hasNoLinks(folder: string): Promise<boolean> {
    const submissions = join(folder, "submissions");
    for (const path of [submissions, join(folder, "attempts")]) {
      if (infoOf(path) && (infoOf(path)?.isSymlink || !await liesIn(this.#runs, path))) return false;
    }
    return !hasLink(submissions);
  }
}

/** Without a scheduler's word, what the submissions say of runs that nobody has begun since. */
function withTask(status: SweepRunStatus, tasks: KeptTasks): SweepRunStatus {
  const task = tasks.byId.get(status.run.id);
  const { state, attempt } = status;
  if (!task || state === "finished" || state === "running" || state === "waiting") return status;
  // Names of submissions sort as their times do.
  if (attempt && attempt.submission >= task.submission) return status;
  return { ...status, state: "waiting", detail: "handed to the scheduler", job: legible(task.job) };
}

function viewOf(
  record: SweepRecord,
  kept: ReadonlyMap<string, KeptRun>,
  tasks: KeptTasks,
  rows: ReadonlyMap<string, RunRow>,
): SweepView {
  const shown = new Set<string>();
  let changed = record.updated;
  const later = (time: string | null | undefined): void => {
    if (time !== null && time !== undefined && Date.parse(time) > Date.parse(changed)) changed = time;
  };
  const runs = record.runs.flatMap((run): SweepRunStatus[] => {
    const found = kept.get(run.id);
    if (!found) return [];
    const status = withTask(found.status, tasks);
    const row = rows.get(run.id);
    if (row) shown.add(run.id);
    later(row?.updated);
    later(status.attempt?.ended ?? status.attempt?.started);
    // Of a run in training its evaluations say more than its checkpoint.
    return row?.state === "running" && status.state === "running"
      ? [{ ...status, fraction: Math.max(status.fraction, row.progress.fraction) }]
      : [status];
  });
  const fraction = runs.length === 0 ? 0 : runs.reduce((sum, own) => sum + own.fraction, 0) / runs.length;
  return { record, runs, counts: countStates(runs), fraction, shown, changed };
}

/** A run in whose place a link is. */
function unseen(run: SweepRecord["runs"][number]): SweepRunStatus {
  const nothing = { job: null, attempt: undefined, attempts: 0, result: undefined };
  return { run, state: "absent", fraction: 0, detail: "not looked at: a link is in its place", ...nothing };
}

/** Whether a state changes by time alone: a process that has just begun, or was killed. */
function isStale({ at, status: { attempt } }: KeptRun, now: number): boolean {
  return attempt?.ended === null && now - at > staleMs;
}

/** Synchronous, like the registry's looks: as many small waits would take longer than the work. */
function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

function stampFrom(info: Deno.FileInfo | undefined): string {
  return info ? `${info.size} ${info.mtime?.getTime()} ${info.ino}` : "";
}

/** Empty for what may have changed since without its time telling so. */
function stampOf(path: string): string {
  const info = infoOf(path);
  return Date.now() - (info?.mtime?.getTime() ?? 0) > settledMs ? stampFrom(info) : "";
}

/** Whether one of the entries of a folder is a link. */
function hasLink(folder: string): boolean {
  try {
    for (const { isSymlink } of Deno.readDirSync(folder)) if (isSymlink) return true;
  } catch {
    // There is none, and so no link.
  }
  return false;
}
