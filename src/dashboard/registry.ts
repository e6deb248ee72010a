/**
 * All runs as rows in memory, brought up to date by looking at their folders: one stat per folder, and more only where something
 * may have changed.
 *
 * What a row is made from is only ever replaced by a rename (see src/store), which changes the folder's time; a log that grows
 * does not, but grows only while a process holds the run's lock. So an idle run costs one stat; a run in use costs its files'.
 * Against files that were edited in place, every run is looked at whole once in {@linkcode wholeLooks} rounds.
 *
 * @module
 */
import { join } from "node:path";
import { secondsPerStep, workOf } from "../analysis/progress.ts";
import { glanceAtRun, type RunGlance } from "../store/glance.ts";
import { type IndexedRun, isHeld, isRunId, listRuns, rowOfRun, sources } from "../store/index.ts";
import { armFolders } from "../store/run_files.ts";
import { readTags, tagsName } from "../store/tags.ts";
import { MetricsTail } from "./metrics_tail.ts";
import type { Progress, RunRow } from "./types.ts";

/** Something that happened to a run. */
export type Change =
  | { readonly type: "run"; readonly row: RunRow }
  | { readonly type: "gone"; readonly id: string }
  | { readonly type: "moved"; readonly id: string; readonly evaluations: number; readonly networks: number };

/** A run's row, and what of its files that was made from. */
export interface KnownRun {
  /** Its row. */
  readonly row: RunRow;
  /** Changes when what its settings, records or state are made from does. */
  readonly stamp: string;
  /** Its last evaluations, while a process is at work in it. */
  readonly latest: ReadonlyMap<string, { readonly iteration: number }>;
}

/** A run's folder, or one that may become one. */
interface Entry {
  readonly id: string;
  readonly folder: string;
  /** The folder's size, time and inode when it was looked at; something else when it has to be looked at again. */
  folderStamp: string;
  /** Sizes and times of {@linkcode sources}. */
  stamp: string;
  tagsStamp: string;
  tags: readonly string[];
  /** What its files say; undefined while there is no run in the folder. */
  base: IndexedRun | undefined;
  isRunning: boolean;
  /** While a process is at work in it: what progress is computed from. */
  glance: RunGlance | undefined;
  tails: readonly MetricsTail[];
  row: RunRow | undefined;
  /** The row without what time alone changes, as JSON. */
  shown: string;
  looking: Promise<void> | undefined;
}

/** What one look at a run's files finds. */
interface Look {
  readonly stamp: string;
  readonly tagsStamp: string;
  readonly updated: number;
  readonly isRunning: boolean;
  readonly hasConfig: boolean;
  readonly isRun: boolean;
}

/** Rounds within which every run is looked at whole: 20 seconds of a watcher that looks twice a second. */
const wholeLooks = 40;

/** Folders that are looked at without a pause: some 2 ms (2026-11-25, one core). */
const folderBatch = 200;

/** A folder that changed this shortly ago may change once more without its time telling so. */
const settledMs = 2_000;

/** The runs of a folder. */
export class RunRegistry {
  readonly #runs: string;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #epoch = crypto.randomUUID().slice(0, 8);
  #changes = 0;
  #runsStamp = "";
  #round = 0;
  #loading: Promise<void> | undefined;
  #refreshing: Promise<void> | undefined;
  #refreshedAt = -Infinity;

  constructor(runs: string, now: () => number) {
    this.#runs = runs;
    this.#now = now;
  }

  /** Changes with every change. */
  get version(): string {
    return `${this.#epoch}-${this.#changes}`;
  }

  /** When all folders were last looked at, by `performance.now()`. */
  get refreshedAt(): number {
    return this.#refreshedAt;
  }

  /** All runs as they were last seen, by id. */
  rows(): RunRow[] {
    return [...this.#entries.values()].flatMap((entry) => entry.row ? [this.#inTime(entry, entry.row)] : [])
      .sort((a, b) => a.id < b.id ? -1 : 1);
  }

  /** Tells of changes from now on; returns how to end that. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends when all runs that there were at first are known. */
  load(): Promise<void> {
    // A folder that cannot be read is tried again.
    return this.#loading ??= this.#load().catch((error) => {
      this.#loading = undefined;
      throw error;
    });
  }

  /** Looks at all folders. Looks that are asked for at once are one. */
  refresh(): Promise<void> {
    return this.#refreshing ??= this.#refresh().finally(() => this.#refreshing = undefined);
  }

  /**
   * A run as it is now; undefined when there is none of that id. Looks at its own folder alone.
   *
   * @param isFresh whether a look that is under way will not do, because something was changed since it began
   */
  async run(id: string, isFresh = false): Promise<KnownRun | undefined> {
    if (!isRunId(id)) return undefined;
    const known = this.#entries.get(id);
    const entry = known ?? newEntry(this.#runs, id);
    if (isFresh) await entry.looking;
    if (!isFolder(entry.folder)) {
      if (known) this.#forget(known);
      return undefined;
    }
    await this.#look(entry);
    const { row } = entry;
    if (!row) return undefined;
    // A name that is no run's is not kept.
    if (!this.#entries.has(id)) this.#entries.set(id, entry);
    const latest = new Map(entry.tails.flatMap((tail) => [...tail.latest]));
    return { row: this.#inTime(entry, row), stamp: entry.stamp, latest };
  }

  async #refresh(): Promise<void> {
    await this.load();
    this.#round++;
    const info = statOf(this.#runs);
    const runsStamp = stampOf(info);
    if (runsStamp !== this.#runsStamp || !this.#isSettled(info)) {
      this.#runsStamp = runsStamp;
      const names = new Set(namesIn(this.#runs));
      for (const entry of [...this.#entries.values()]) if (!names.has(entry.id)) this.#forget(entry);
      for (const id of names) if (!this.#entries.has(id)) this.#entries.set(id, newEntry(this.#runs, id));
    }
    const due: Entry[] = [];
    let index = 0;
    for (const entry of [...this.#entries.values()]) {
      if (++index % folderBatch === 0) await pause();
      const isDue = entry.isRunning || index % wholeLooks === this.#round % wholeLooks;
      if (isDue || stampOf(statOf(entry.folder)) !== entry.folderStamp) due.push(entry);
    }
    let started = performance.now();
    for (const entry of due) {
      await this.#look(entry);
      // What is found unchanged needs no wait, and many of those would hold everything else up.
      if (performance.now() - started < 5) continue;
      await pause();
      started = performance.now();
    }
    this.#refreshedAt = performance.now();
  }

  /** The first time, the index over runs knows most of them. */
  async #load(): Promise<void> {
    const found = namesIn(this.#runs).filter((id) => !this.#entries.has(id)).map((id) => newEntry(this.#runs, id));
    const looks = new Map<Entry, { readonly look: Look; readonly folderStamp: string }>();
    for (const [index, entry] of found.entries()) {
      if (index % 50 === 49) await pause();
      const info = statOf(entry.folder);
      looks.set(entry, { look: lookAt(entry.folder), folderStamp: this.#isSettled(info) ? stampOf(info) : "" });
    }
    const indexed = new Map((await listRuns(this.#runs)).map((run) => [run.id, run]));
    for (const [entry, { look, folderStamp }] of looks) {
      // Whoever asked for a run meanwhile has looked at it.
      if (this.#entries.has(entry.id)) continue;
      this.#entries.set(entry.id, entry);
      const run = indexed.get(entry.id);
      // A run in use is looked at more closely than the index does.
      if (!run || !look.isRun || look.isRunning || run.state === "running") continue;
      if (look.tagsStamp !== "") entry.tags = await readTags(entry.folder);
      Object.assign(entry, { base: run, folderStamp, stamp: look.stamp, tagsStamp: look.tagsStamp });
      this.#show(entry, false);
    }
    for (const entry of looks.keys()) if (!entry.row) await this.#look(entry, false);
  }

  #look(entry: Entry, isTold = true): Promise<void> {
    return entry.looking ??= this.#lookNow(entry, isTold).finally(() => entry.looking = undefined);
  }

  async #lookNow(entry: Entry, isTold: boolean): Promise<void> {
    const info = statOf(entry.folder);
    const look = lookAt(entry.folder);
    entry.folderStamp = this.#isSettled(info) ? stampOf(info) : "";
    // A run that is just beginning has its lock and its manifest before its configuration.
    if (!look.isRun || look.isRunning && !look.hasConfig && !this.#isSettled(info)) {
      if (entry.row) this.#clear(entry);
      return;
    }
    const isAnew = look.stamp !== entry.stamp || !entry.base;
    const isStarted = look.isRunning && !entry.isRunning;
    let hasNewTags = look.tagsStamp !== entry.tagsStamp;
    if (hasNewTags) {
      const tags = await readTags(entry.folder);
      hasNewTags = tags.join("\n") !== entry.tags.join("\n");
      entry.tags = tags;
    }
    const before = entry.base;
    if (isAnew || isStarted) {
      const glance = await glanceAtRun(this.#runs, entry.id);
      if (!isFolder(entry.folder)) return this.#forget(entry); // it went while it was read
      entry.base = await rowOfRun(glance, look.updated);
      entry.glance = look.isRunning ? glance : undefined;
      if (look.isRunning) entry.tails = await this.#tails(entry, glance);
    }
    let evaluations = 0;
    for (const tail of entry.tails) evaluations += await tail.read();
    // Its last lines are counted, though its process has ended meanwhile.
    if (!look.isRunning) Object.assign(entry, { glance: undefined, tails: [] });
    entry.stamp = look.stamp;
    entry.tagsStamp = look.tagsStamp;
    entry.isRunning = look.isRunning;
    this.#show(entry, isTold);
    if (!isTold || !entry.base) return;
    const isMoved = evaluations > 0 || before && isAnew && entry.base.done !== before.done;
    if (isMoved) this.#tell({ type: "moved", id: entry.id, evaluations, networks: entry.base.done });
  }

  /** One per arm; those that are followed already go on where they are. */
  async #tails({ folder, tails }: Entry, { config }: RunGlance): Promise<readonly MetricsTail[]> {
    if (!config) return [];
    const most = config.replicates * Math.max(1, config.reinitDraws);
    return (await armFolders(folder, config)).map((arm) => {
      const path = join(arm.folder, "metrics.jsonl");
      return tails.find((own) => own.path === path) ?? new MetricsTail(path, most);
    });
  }

  #show(entry: Entry, isTold: boolean): void {
    const { base, tags } = entry;
    if (!base) return;
    const state = entry.isRunning ? "running" as const : base.state === "running" ? "unfinished" as const : base.state;
    const row: RunRow = { ...base, state, tags, progress: this.#progress(entry, base) };
    const { progress: { secondsLeft: _, ...progress }, ...rest } = row;
    const shown = JSON.stringify({ ...rest, progress });
    entry.row = row;
    if (shown === entry.shown) return;
    entry.shown = shown;
    if (isTold) this.#tell({ type: "run", row });
  }

  /**
   * How far a run is. Of a run that nobody works on, what its checkpoint says.
   *
   * `secondsLeft` is the steps that are left times the seconds per step that the newest level took (its timings, and what its
   * checkpoint says of networks within it), counted from the last evaluation or the session's start. In a run's first session, before the first
   * checkpoint, it is what passed from the session's start to the last evaluation that counts.
   */
  #progress({ glance, tails }: Entry, base: IndexedRun): Progress {
    const { fraction, level, iteration } = base;
    if (!glance?.config) return { fraction, secondsLeft: null, level, iteration };
    const { config, records, timings, partial, manifest } = glance;
    const latest = tails.flatMap((tail) => [...tail.latest.values()]);
    const work = workOf(config, records, [...latest, ...partial]);
    const evaluatedAt = Math.max(0, ...tails.map((tail) => tail.changedAt));
    const [first, another] = manifest?.sessions ?? [];
    const elapsed = first && !another ? (evaluatedAt - Date.parse(first.started)) / 1000 : NaN;
    const rate = secondsPerStep(config, { trained: records, timings, partial }) ??
      (elapsed > 0 && work.steps > 0 ? elapsed / work.steps : undefined);
    // A run that goes on after a pause has done nothing meanwhile.
    const began = Date.parse(manifest?.sessions.at(-1)?.started ?? "") || 0;
    const since = evaluatedAt > 0 ? Math.max(0, this.#now() - Math.max(evaluatedAt, began)) / 1000 : 0;
    return {
      fraction: work.fraction,
      secondsLeft: rate === undefined ? null : Math.max(0, work.stepsLeft * rate - since),
      level: work.level,
      iteration: work.iteration,
    };
  }

  /** A row as it is now: the time that is left goes by without any file changing. */
  #inTime(entry: Entry, row: RunRow): RunRow {
    return entry.glance && entry.base ? { ...row, progress: this.#progress(entry, entry.base) } : row;
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.id);
    if (entry.row) this.#clear(entry);
  }

  /** There is no run in the folder any more; there may be one again. */
  #clear(entry: Entry): void {
    Object.assign(entry, newEntry(this.#runs, entry.id), { folderStamp: entry.folderStamp, looking: entry.looking });
    this.#tell({ type: "gone", id: entry.id });
  }

  #tell(change: Change): void {
    this.#changes++;
    for (const listener of [...this.#listeners]) listener(change);
  }

  #isSettled(info: Deno.FileInfo | undefined): boolean {
    return Date.now() - (info?.mtime?.getTime() ?? 0) > settledMs;
  }
}

function newEntry(runs: string, id: string): Entry {
  return {
    id,
    folder: join(runs, id),
    folderStamp: "",
    stamp: "",
    tagsStamp: "",
    tags: [],
    base: undefined,
    isRunning: false,
    glance: undefined,
    tails: [],
    row: undefined,
    shown: "",
    looking: undefined,
  };
}

/** Synchronous, like the index's scan: as many small waits would take longer than the work. */
function lookAt(folder: string): Look {
  let updated = 0;
  let hasLink = false;
  const has = new Set<string>();
  const stamp = sources.map((name) => {
    const info = statOf(join(folder, name));
    if (!info) return "";
    hasLink ||= !info.isFile;
    has.add(name);
    updated = Math.max(updated, info.mtime?.getTime() ?? 0);
    return stampOf(info);
  }).join("\n");
  return {
    stamp,
    tagsStamp: stampOf(statOf(join(folder, tagsName))),
    updated,
    isRunning: isHeld(join(folder, "lock")),
    hasConfig: has.has("config.json"),
    // What a link leads to is no part of the folder of runs, and is not shown.
    isRun: !hasLink && (has.has("config.json") || has.has("manifest.json")),
  };
}

function namesIn(runs: string): string[] {
  try {
    return [...Deno.readDirSync(runs)].filter(({ name, isDirectory }) => isDirectory && isRunId(name))
      .map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}

/** A link to a folder elsewhere is none. */
function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory ?? false;
}

/** What cannot be looked at is as if it were not there. */
function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

function stampOf(info: Deno.FileInfo | undefined): string {
  return info ? `${info.size} ${info.mtime?.getTime()} ${info.ctime?.getTime()} ${info.ino}` : "";
}

/** Lets everything else have its turn. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
