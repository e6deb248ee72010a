/**
 * The index over all runs: `index.sqlite` in the folder of runs, so that a thousand of them are listed at once and other
 * programs can query them; on a file system that several machines share, a file of each reader's own. It is never the only copy of anything: it is made from the runs' folders, a run whose files have
 * changed is read again, and without it (missing, damaged, a folder that cannot be written) listing only takes longer.
 *
 * @module
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { NetworkInTraining } from "../analysis/progress.ts";
import { RunInUseError } from "./errors.ts";
import { sharedFileSystem } from "./file_system.ts";
import type { RunGlance } from "./glance.ts";
import { IndexFile } from "./index_file.ts";
import { machineName, RunLock } from "./lock.ts";

/** A run, as the index knows it. */
export interface IndexedRun {
  /** The run's id: the name of its folder. */
  readonly id: string;
  /** `running` while a process holds its lock; `damaged` when it cannot be gone on with. */
  readonly state: RunState;
  /** The preset that its settings started from; null when its configuration cannot be read. */
  readonly preset: string | null;
  /** The data set. */
  readonly dataset: string | null;
  /** The network's name. */
  readonly network: string | null;
  /** Networks that are wanted and trained. */
  readonly done: number;
  /** Networks that are wanted. */
  readonly wanted: number;
  /** Pruning rounds after the dense level. */
  readonly levels: number | null;
  /** Independent repetitions. */
  readonly replicates: number | null;
  /** Tickets and the controls beside them. */
  readonly arms: readonly string[];
  /** Surviving fraction of the level whose tickets have the lowest validation loss; null before there is one. */
  readonly bestRemaining: number | null;
  /** Mean test accuracy of those tickets at early stop. */
  readonly bestAccuracy: number | null;
  /** Mean test accuracy of the dense network at early stop; null before it is trained. */
  readonly denseAccuracy: number | null;
  /** Of the controls trained at the best tickets' level, the highest mean test accuracy at early stop. */
  readonly controlAccuracy: number | null;
  /** Optimizer steps done of those wanted, over all networks, as far as the checkpoint tells: from 0 to 1. */
  readonly fraction: number;
  /** The level in training or the last one trained, as far as the checkpoint tells. */
  readonly level: number | null;
  /** Its last iteration there. */
  readonly iteration: number | null;
  /** Who computed. */
  readonly adapter: string | null;
  /** When training began, in UTC. */
  readonly created: string | null;
  /** When its files last changed, in UTC. */
  readonly updated: string;
  /** Size of its folder. */
  readonly bytes: number;
  /** What is wrong with it; null when nothing is known to be. */
  readonly problem: string | null;
}

/** How a run stands. */
export type RunState = (typeof runStates)[number];

/** The states that a run can be in. */
export const runStates = ["running", "unfinished", "finished", "damaged"] as const;

/** The name of the index in the folder of runs. */
export const indexName = "index.sqlite";

/** How to list runs. */
export interface ListOptions {
  /** Told when the index cannot be used, and why. */
  readonly warn?: (message: string) => void;
  /** Whether other machines may write to the folder, so that no database can be there; what its file system says when left out. */
  readonly isShared?: boolean;
}

/** Whether a text has the form of a run's id; nothing else is ever looked for as a run. */
export function isRunId(text: string): boolean {
  return text.length <= 200 && idPattern.test(text);
}

/** A preset or another word, a hash of ten digits, and the number of a run made with `--fresh`. */
const idPattern = /^[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{10}(?:-[1-9]\d*)?$/;

/** What a run's row is made from; each of them is only ever replaced whole, by a rename. */
export const sources: readonly string[] = [
  "config.json",
  "manifest.json",
  "summary.json",
  "checkpoint.safetensors",
  "checkpoint.previous.safetensors",
];

/**
 * A file that was written this shortly before it was read may be written once more with the same size and time: times are
 * told in milliseconds, and on some file systems in seconds.
 */
const settledMs = 2_000;

/** Changes whenever rows get other columns or another meaning; an index of another version is made anew. */
const version = 2;

const columns = [
  "id TEXT PRIMARY KEY",
  "signature TEXT NOT NULL",
  "state TEXT NOT NULL",
  "preset TEXT",
  "dataset TEXT",
  "network TEXT",
  "done INTEGER NOT NULL",
  "wanted INTEGER NOT NULL",
  "levels INTEGER",
  "replicates INTEGER",
  "arms TEXT NOT NULL",
  "bestRemaining REAL",
  "bestAccuracy REAL",
  "denseAccuracy REAL",
  "controlAccuracy REAL",
  "fraction REAL NOT NULL",
  "level INTEGER",
  "iteration INTEGER",
  "adapter TEXT",
  "created TEXT",
  "updated TEXT NOT NULL",
  "bytes INTEGER NOT NULL",
  "problem TEXT",
];

const columnNames = columns.map((column) => column.split(" ")[0] ?? "");

/**
 * All runs of a folder, by id. Runs that the index knows and whose files have not changed are not opened.
 *
 * Several processes may list at once. What cannot be written to the index is still in what is returned.
 */
export async function listRuns(runs: string, options: ListOptions = {}): Promise<IndexedRun[]> {
  const { warn = () => {}, isShared = sharedFileSystem(runs) !== undefined } = options;
  const found = new Map<string, Found>();
  for (const [id, run] of scanned(runs)) {
    found.set(id, run);
    // Whoever else has something to do in this process does not wait for a thousand folders.
    if (found.size % scanBatch === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  if (found.size === 0 && (isShared || !exists(join(runs, indexName)))) return [];
  using index = isShared ? indexFile(runs) : await openIndex(runs, warn);
  const known = index?.read() ?? new Map<string, Row>();
  const rows = new Map<string, Row>();
  const fresh: Row[] = [];
  for (const [id, { signature, updated }] of found) {
    const row = known.get(id);
    if (row?.signature === signature) rows.set(id, row);
    else {
      const made = { ...await describeRun(runs, id, updated), signature: isSettled(updated) ? signature : "" };
      rows.set(id, made);
      fresh.push(made);
    }
  }
  const gone = [...known.keys()].filter((id) => !found.has(id));
  if (fresh.length > 0 || gone.length > 0) await index?.write(fresh, gone, warn);
  return [...rows.values()].map(({ signature: _, ...run }) => ({
    ...run,
    state: found.get(run.id)?.isRunning ? "running" as const : run.state,
  })).sort((a, b) => a.id < b.id ? -1 : 1);
}

/**
 * The ids of the runs in a folder. A run has the name of one and holds a configuration or a manifest; folders of anything else
 * and links to folders elsewhere are no runs.
 */
export function runIds(runs: string): string[] {
  return [...scanned(runs)].map(([id]) => id).sort();
}

interface Row extends IndexedRun {
  readonly signature: string;
}

interface Found {
  /** Sizes and times of what its row is made from. */
  readonly signature: string;
  /** Milliseconds since 1970. */
  readonly updated: number;
  /** Whether a process holds its lock. */
  readonly isRunning: boolean;
}

/** Folders that are looked at without a pause: some 5 ms (2026-11-25, one core). */
const scanBatch = 50;

/** The runs of a folder, without opening any. Synchronous: thousands of small waits would take longer than the work. */
function* scanned(runs: string): Generator<[id: string, run: Found]> {
  for (const entry of entriesOf(runs)) {
    if (!entry.isDirectory || !idPattern.test(entry.name)) continue;
    const folder = join(runs, entry.name);
    const names = entriesOf(folder).filter(({ isFile }) => isFile).map(({ name }) => name);
    if (!names.includes("config.json") && !names.includes("manifest.json")) continue;
    let updated = 0;
    const signature = sources.filter((name) => names.includes(name)).map((name) => {
      const info = statOf(join(folder, name));
      const time = info?.mtime?.getTime() ?? 0;
      updated = Math.max(updated, time);
      return `${name} ${info?.size} ${time} ${info?.ctime?.getTime()} ${info?.ino}`;
    }).join("\n");
    const isRunning = names.includes("lock") && isHeld(join(folder, "lock"));
    yield [entry.name, { signature, updated, isRunning }];
  }
}

/** Whether a process holds a lock; false where nobody can say. */
export function isHeld(path: string): boolean {
  try {
    return RunLock.isHeld(path);
  } catch {
    // Somebody else's file, which cannot even be opened: nobody can say.
    return false;
  }
}

/** Files that change while this looks, or a folder that goes, are as if they had changed or gone before. */
function entriesOf(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

function exists(path: string): boolean {
  return statOf(path) !== undefined;
}

function isSettled(updated: number): boolean {
  return Date.now() - updated > settledMs;
}

/** Reads a run. What that takes (the configuration's schema, the loop) is loaded only when a run has changed. */
async function describeRun(runs: string, id: string, updated: number): Promise<IndexedRun> {
  const { readRun } = await import("./run_files.ts");
  const { snapshot, ...run } = await readRun(runs, id);
  return await rowOfRun({ ...run, records: snapshot?.records ?? [], partial: snapshot?.partial ?? [] }, updated);
}

/** What of a run its row is made from; {@linkcode RunGlance} has it, and so has a run that was read whole. */
export type DescribedRun =
  & Pick<
    RunGlance,
    "id" | "folder" | "done" | "wanted" | "config" | "manifest" | "summary" | "records" | "problems" | "warnings"
  >
  & {
    /** How it stands, as its files tell it. */
    readonly state: RunState;
    /** Networks within their level. */
    readonly partial: readonly NetworkInTraining[];
  };

/**
 * A run's row.
 *
 * @param updated when its files last changed, in milliseconds since 1970
 */
export async function rowOfRun(run: DescribedRun, updated: number): Promise<IndexedRun> {
  const [{ bestLevel, figuresOf }, { workOf }] = await Promise.all([
    import("../analysis/outcome.ts"),
    import("../analysis/progress.ts"),
  ]);
  const { id, state, config, manifest, done, wanted, summary, folder, records, partial } = run;
  const figures = summary ? figuresOf(summary) : [];
  const best = bestLevel(figures);
  const dense = figures.find(({ level }) => level === 0);
  const controls = best?.controls.flatMap(({ accuracyAtEarlyStop }) => accuracyAtEarlyStop?.mean ?? []) ?? [];
  const work = config ? workOf(config, records, partial) : { fraction: 0, level: null, iteration: null };
  const network = config?.network;
  const problems = [...run.problems, ...run.warnings];
  return {
    id,
    state,
    preset: config?.preset ?? null,
    dataset: config?.dataset ?? null,
    network: typeof network === "object" ? network.name : network ?? null,
    done,
    wanted,
    levels: config?.levels ?? null,
    replicates: config?.replicates ?? null,
    arms: config ? ["ticket", ...config.controls] : [],
    bestRemaining: best?.remaining ?? null,
    bestAccuracy: best?.ticket.accuracyAtEarlyStop?.mean ?? null,
    denseAccuracy: dense?.ticket.accuracyAtEarlyStop?.mean ?? null,
    controlAccuracy: controls.length > 0 ? Math.max(...controls) : null,
    fraction: work.fraction,
    level: work.level,
    iteration: work.iteration,
    adapter: manifest?.adapter.name ?? null,
    created: manifest?.sessions[0]?.started ?? null,
    updated: new Date(updated).toISOString(),
    bytes: bytesBelow(folder),
    problem: problems.length > 0 ? problems.join(" ") : null,
  };
}

/** Bytes of all files below a folder; links are counted as what they are and not followed. */
function bytesBelow(folder: string): number {
  let bytes = 0;
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory ? bytesBelow(path) : statOf(path)?.size ?? 0;
  }
  return bytes;
}

/** The database, and its few statements. */
class Index implements Disposable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  read(): Map<string, Row> {
    const rows = this.#database.prepare("SELECT * FROM runs").all().map(rowOf);
    return new Map(rows.flatMap((row) => row ? [[row.id, row]] : []));
  }

  write(fresh: readonly Row[], gone: readonly string[], warn: (message: string) => void): void {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const values = columnNames.map((name) => `:${name}`).join(", ");
      const put = this.#database.prepare(
        `INSERT OR REPLACE INTO runs (${columnNames.join(", ")}) VALUES (${values})`,
      );
      for (const row of fresh) put.run(columnsOf(row));
      const remove = this.#database.prepare("DELETE FROM runs WHERE id = ?");
      for (const id of gone) remove.run(id);
      this.#database.exec("COMMIT");
    } catch (error) {
      warn(`The index of runs was not brought up to date: ${messageOf(error)}. The list is complete all the same.`);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** The index of this machine's readers. */
function indexFile(runs: string): IndexFile<Row> {
  return new IndexFile(runs, { host: machineName(), version, parse: rowOf, format: columnsOf });
}

/** The index, ready to be read; undefined when it cannot be used, and the runs have to do. */
async function openIndex(runs: string, warn: (message: string) => void): Promise<Index | undefined> {
  const path = join(runs, indexName);
  let damage: string;
  try {
    return new Index(connect(path));
  } catch (error) {
    if (!isDamage(error)) {
      warn(`Cannot use ${path}: ${messageOf(error)}. Reading all runs instead, which takes longer.`);
      return undefined;
    }
    damage = messageOf(error);
  }
  try {
    await using _repair = await RunLock.acquire(join(runs, `${indexName}.lock`));
    // Another process may have made it anew between the look at it and the lock.
    try {
      return new Index(connect(path));
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    warn(`${path} is damaged (${damage}): moved aside to ${indexName}.damaged, and made anew from the runs.`);
    Deno.renameSync(path, `${path}.damaged`);
    for (const rest of [`${path}-wal`, `${path}-shm`]) if (exists(rest)) Deno.removeSync(rest);
    return new Index(connect(path));
  } catch (error) {
    const why = error instanceof RunInUseError ? "another process is making it anew" : messageOf(error);
    warn(`Cannot use ${path}: ${why}. Reading all runs instead, which takes longer.`);
    return undefined;
  }
}

/** Opens the database, creating it where there is none. @throws when it is damaged or cannot be written */
function connect(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    useWriteAheadLog(database);
    const [check] = database.prepare("PRAGMA quick_check(1)").all();
    if (check?.["quick_check"] !== "ok") throw new SyntaxError(`its pages are malformed: ${check?.["quick_check"]}`);
    if (versionOf(database) !== version) {
      database.exec("BEGIN IMMEDIATE");
      // Once more, now that nobody else can be at it.
      if (versionOf(database) !== version) {
        database.exec(
          `DROP TABLE IF EXISTS runs; CREATE TABLE runs (${columns.join(", ")}); PRAGMA user_version = ${version}`,
        );
      }
      database.exec("COMMIT");
    }
    // Fails where somebody has put another table there.
    database.prepare(`SELECT ${columnNames.join(", ")} FROM runs LIMIT 1`).all();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The change to a write-ahead log takes the whole database for itself, and does not wait for others as everything else does. */
function useWriteAheadLog(database: DatabaseSync): void {
  for (let attempt = 1;; attempt++) {
    try {
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      return;
    } catch (error) {
      if (!/locked|busy/i.test(messageOf(error)) || attempt === 100) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function versionOf(database: DatabaseSync): unknown {
  return database.prepare("PRAGMA user_version").get()?.["user_version"];
}

/** Whether an error says that the file is no good, rather than that it cannot be had. */
function isDamage(error: unknown): boolean {
  return /not a database|malformed|corrupt|no such (?:table|column)|unsupported file format|has no column/i
    .test(messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
}

/** A row as the index has it. */
function columnsOf({ arms, ...row }: Row): Omit<Row, "arms"> & { readonly arms: string } {
  return { ...row, arms: arms.join(",") };
}

/** A row, checked: what does not have the form of one is read from its run again. */
function rowOf(row: Readonly<Record<string, unknown>>): Row | undefined {
  const text = (key: string): string | null => typeof row[key] === "string" ? row[key] : null;
  const number = (key: string): number | null => typeof row[key] === "number" ? row[key] : null;
  const [id, signature, updated, arms] = ["id", "signature", "updated", "arms"].map(text);
  const [done, wanted, bytes, fraction] = ["done", "wanted", "bytes", "fraction"].map(number);
  const state = runStates.find((known) => known === row["state"]);
  if (typeof id !== "string" || typeof signature !== "string" || typeof updated !== "string" || !state) {
    return undefined;
  }
  if (typeof done !== "number" || typeof wanted !== "number") return undefined;
  if (typeof bytes !== "number" || typeof fraction !== "number") return undefined;
  return {
    id,
    signature,
    state,
    preset: text("preset"),
    dataset: text("dataset"),
    network: text("network"),
    done,
    wanted,
    levels: number("levels"),
    replicates: number("replicates"),
    arms: arms ? arms.split(",") : [],
    bestRemaining: number("bestRemaining"),
    bestAccuracy: number("bestAccuracy"),
    denseAccuracy: number("denseAccuracy"),
    controlAccuracy: number("controlAccuracy"),
    fraction,
    level: number("level"),
    iteration: number("iteration"),
    adapter: text("adapter"),
    created: text("created"),
    updated,
    bytes,
    problem: text("problem"),
  };
}
