/**
 * Sweeps on disk: what a sweep's runs are, what of them was handed to whom, and who worked on them. The runs themselves lie beside
 * them, as always, and what they have come to is read from them alone.
 *
 * ```
 * <runs>/sweeps/fig26-scale-0.1/sweep.json                       where it comes from, and its runs with their ids
 *               submissions/2026-11-26T04-05-06-789Z.json        what was handed to an engine at once
 *               submissions/2026-11-26T04-05-06-789Z.lock        held while the engine `local` carries it out
 *               submissions/2026-11-26T04-05-06-789Z.stop        made by anybody who wants that engine to stop; it removes it
 *               attempts/<run id>/2026-…Z-<host>-<pid>.json      one process that worked on a run
 *               logs/2026-11-26T04-05-06-789Z-7.log              what task 7 of a submission said
 * ```
 *
 * Every file has one writer and is replaced whole by a rename, so that all this can lie on a file system over the network.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { workOf } from "../analysis/progress.ts";
import { legible, quoted } from "../data/quoted.ts";
import { parseConfig } from "../lottery/config.ts";
import { isWanted } from "../lottery/wanted.ts";
import { resultOf } from "../sweeps/result.ts";
import type { QueuedTask, SweepRunResult, SweepRunStatus, SweepStatus } from "../sweeps/status.ts";
import type { Attempt, EngineName, Submission, SweepRecord, SweepRun, SweepSource } from "../sweeps/sweep.ts";
import { isOptions, keyPattern } from "./experiments.ts";
import { explain, makeFolder, readOptional, writeJson } from "./files.ts";
import { glanceAtRun, summarizedState } from "./glance.ts";
import { isHeld, isRunId } from "./index.ts";
import { readJson } from "./run_files.ts";

/** The folder of sweeps beside the runs. It has not the form of a run's id, so nothing takes it for one. */
export const sweepsFolder = "sweeps";

/**
 * A sweep's folder.
 *
 * @throws {RangeError} for what is no sweep's key
 */
export function sweepFolder(runs: string, key: string): string {
  if (!isSweepKey(key)) {
    throw new RangeError(
      `Cannot look for the sweep ${
        quoted(key)
      }: a sweep's key has lower-case letters, digits, dots and hyphens, and at most 200 ` +
        "of them. `sweep list` names those that are there.",
    );
  }
  return join(runs, sweepsFolder, key);
}

/** Whether a text has the form of a sweep's key; nothing else is ever looked for as a sweep. */
export function isSweepKey(text: string): boolean {
  return keyPattern.test(text);
}

/**
 * Writes down which runs a sweep has. When it was first made stays.
 *
 * @throws {StorageError} when the disk or a permission does not allow it
 */
export async function writeSweep(
  runs: string,
  sweep: Pick<SweepRecord, "key" | "title" | "source" | "runs">,
): Promise<SweepRecord> {
  const folder = sweepFolder(runs, sweep.key);
  await makeFolder(folder);
  const { key, title, source } = sweep;
  const updated = new Date().toISOString();
  const created = (await readSweep(runs, key))?.created ?? updated;
  const record: SweepRecord = { schema: 1, key, title, source, runs: sweep.runs, created, updated };
  await writeJson(join(folder, "sweep.json"), record);
  return record;
}

/**
 * A sweep's record.
 *
 * @returns undefined when there is none, or none that can be read
 */
export async function readSweep(runs: string, key: string): Promise<SweepRecord | undefined> {
  if (!isSweepKey(key)) return undefined;
  try {
    const record = sweepOf(await readJson(join(sweepFolder(runs, key), "sweep.json")));
    return record.key === key ? record : undefined;
  } catch {
    return undefined;
  }
}

/** All sweeps of a folder of runs, by key. Folders without a record that can be read are passed over. */
export async function listSweeps(runs: string): Promise<SweepRecord[]> {
  const keys = await namesIn(join(runs, sweepsFolder));
  const records = await inTurns(keys, (key) => readSweep(runs, key));
  return records.flatMap((record) => record ?? []);
}

/**
 * Writes what is handed to an engine.
 *
 * @returns the file's path
 * @throws {StorageError} when the disk or a permission does not allow it
 */
export async function writeSubmission(runs: string, submission: Submission): Promise<string> {
  const path = submissionPath(runs, submission.sweep, submission.name);
  await makeFolder(dirname(path));
  await writeJson(path, submission);
  return path;
}

/** A name for a submission that is made now: `2026-11-26T04-05-06-789Z`. Names sort as their times do. */
export function submissionName(now: Date): string {
  return now.toISOString().replaceAll(/[:.]/g, "-");
}

/**
 * A submission's file.
 *
 * @throws {RangeError} for what is no sweep's key, or no submission's name
 */
export function submissionPath(runs: string, key: string, name: string): string {
  if (!namePattern.test(name)) {
    throw new RangeError(`Cannot look for the submission ${quoted(name)}: it is no name of one.`);
  }
  return join(sweepFolder(runs, key), "submissions", `${name}.json`);
}

/**
 * Reads a submission.
 *
 * @throws {SyntaxError} when the file is none
 * @throws {StorageError} when it cannot be read
 */
export async function readSubmission(path: string): Promise<Submission> {
  try {
    return submissionOf(await parsedFile(path), (tasks) => tasks.map(runOf));
  } catch (cause) {
    throw asUnreadable(cause, path, "submission");
  }
}

/** A task of a submission. */
export interface SubmittedTask {
  /** What it is of, without the tasks. */
  readonly submission: Omit<Submission, "tasks">;
  /** The run to train. */
  readonly run: SweepRun;
}

/**
 * Reads one task of a submission: the others of what may be thousands are not looked at.
 *
 * @throws {SyntaxError} when the file is no submission
 * @throws {RangeError} when it has no such task
 * @throws {StorageError} when it cannot be read
 */
export async function readTask(path: string, index: number): Promise<SubmittedTask> {
  let found: unknown;
  let count = 0;
  try {
    const submission = submissionOf(await parsedFile(path), (tasks) => {
      found = tasks[index];
      count = tasks.length;
      return [];
    });
    if (found !== undefined) return { submission, run: runOf(found) };
  } catch (cause) {
    throw asUnreadable(cause, path, "submission");
  }
  throw new RangeError(`Cannot carry out task ${index} of ${path}: it has ${count} tasks, from 0 to ${count - 1}.`);
}

/** The folder of runs that a submission's file lies in. */
export function runsOfSubmission(path: string): string {
  return dirname(dirname(dirname(dirname(path))));
}

/** All submissions of a sweep, oldest first. Files that are none are passed over. */
export async function listSubmissions(runs: string, key: string): Promise<Submission[]> {
  const names = await submissionNames(runs, key);
  const found = await inTurns(names, async (name) => {
    try {
      const submission = await readSubmission(submissionPath(runs, key, name));
      return submission.sweep === key && submission.name === name ? submission : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  });
  return found.flatMap((submission) => submission ?? []);
}

/** The names of a sweep's submissions, oldest first. */
export async function submissionNames(runs: string, key: string): Promise<string[]> {
  const names = await namesIn(join(sweepFolder(runs, key), "submissions"));
  return names.flatMap((name) => name.endsWith(".json") ? [name.slice(0, -".json".length)] : [])
    .filter((name) => namePattern.test(name));
}

/** What is held while the engine `local` carries out a submission. */
export function engineLock(runs: string, key: string, name: string): string {
  return submissionPath(runs, key, name).replace(/json$/, "lock");
}

/** What anybody makes who wants the engine `local` to stop. */
export function engineStop(runs: string, key: string, name: string): string {
  return submissionPath(runs, key, name).replace(/json$/, "stop");
}

/**
 * Where a task's words go.
 *
 * @param task its number, or what stands for it until the scheduler knows it, such as `%a`
 */
export function logFile(
  runs: string,
  { sweep, name }: Pick<Submission, "sweep" | "name">,
  task: number | string,
): string {
  return join(sweepFolder(runs, sweep), "logs", `${name}-${task}.log`);
}

/**
 * Writes down how an attempt stands: a file of its own, by its beginning, machine and process, which only that process replaces.
 *
 * @returns the file's path
 * @throws {StorageError} when the disk or a permission does not allow it
 */
export async function writeAttempt(runs: string, key: string, attempt: Attempt): Promise<string> {
  const folder = attemptsFolder(runs, key, attempt.id);
  await makeFolder(folder);
  const host = attempt.host.toLowerCase().replaceAll(/[^a-z0-9.-]/g, "-").slice(0, 60);
  const path = join(folder, `${submissionName(new Date(attempt.started))}-${host}-${attempt.pid}.json`);
  await writeJson(path, attempt);
  return path;
}

/**
 * The attempts of a sweep, or of one of its runs, oldest first. Files that are none are passed over.
 *
 * @throws {RangeError} for what is no sweep's key, or no run's id
 */
export async function listAttempts(runs: string, key: string, id?: string): Promise<Attempt[]> {
  const ids = id === undefined ? await namesIn(join(sweepFolder(runs, key), "attempts")) : [id];
  const all = await inTurns(ids.filter((own) => id !== undefined || isRunId(own)), async (own) => {
    const folder = attemptsFolder(runs, key, own);
    return await Promise.all((await namesIn(folder)).map((name) => attemptAt(join(folder, name), own)));
  });
  return all.flat().flatMap((attempt) => attempt ?? []).sort((a, b) => a.started < b.started ? -1 : 1);
}

/**
 * How a sweep stands.
 *
 * @param queue what a scheduler says of its tasks, where there is one
 * @throws {StorageError} when a file is there and cannot be read
 */
export async function readSweepStatus(
  runs: string,
  record: SweepRecord,
  queue: readonly QueuedTask[] = [],
): Promise<SweepStatus> {
  const begun = new Set(await namesIn(runs));
  const attempted = new Set(await namesIn(join(sweepFolder(runs, record.key), "attempts")));
  const queued = new Map<string, QueuedTask>();
  // A run that is queued twice is at work where it is at work.
  for (const task of queue) if (queued.get(task.id)?.state !== "running") queued.set(task.id, task);
  const handed = await handedOut(runs, record.key);
  const all = await inTurns(record.runs, async (run): Promise<SweepRunStatus> => {
    const { attempts, newest } = attempted.has(run.id)
      ? await newestAttempt(runs, record.key, run.id)
      : { attempts: 0, newest: undefined };
    const come = begun.has(run.id) ? await comeTo(runs, run) : nothing;
    const task = queued.get(run.id);
    return {
      run,
      fraction: come.fraction,
      ...stateOf(come, {
        task,
        attempt: newest,
        isHeld: !come.isFinished && begun.has(run.id) && isHeld(join(runs, run.id, "lock")),
        isHanded: (submission) => handed.get(submission ?? run.id) === true,
      }),
      job: task?.job ?? newest?.job ?? null,
      attempt: newest,
      attempts,
      result: come.result,
    };
  });
  return { record, runs: all };
}

/** What a run has come to, of what is wanted of it. */
interface ComeTo {
  readonly isFinished: boolean;
  readonly fraction: number;
  readonly result: SweepRunResult | undefined;
}

const nothing: ComeTo = { isFinished: false, fraction: 0, result: undefined };

async function comeTo(runs: string, { id, config }: SweepRun): Promise<ComeTo> {
  const summarized = await summarizedState(join(runs, id));
  if (summarized) {
    const { done, wanted } = workOf(config, summarized.records);
    if (done === wanted) return { isFinished: true, fraction: 1, result: resultOf(config, summarized.records) };
  }
  const { records, partial } = await glanceAtRun(runs, id);
  // What is trained is wanted of the run, and of this sweep perhaps less.
  const { fraction } = workOf(config, records, partial.filter((network) => isWanted(config, network)));
  return { isFinished: false, fraction, result: resultOf(config, records) };
}

/** A process that began this shortly ago may still be loading its data, before it takes the run's lock. */
const startingMs = 60_000;

/** The state of a run, and what there is to say of it. */
function stateOf(
  { isFinished, fraction }: ComeTo,
  { task, attempt, isHeld, isHanded }: {
    readonly task: QueuedTask | undefined;
    readonly attempt: Attempt | undefined;
    /** Whether a process holds the run's lock. */
    readonly isHeld: boolean;
    /** Whether the engine `local` carries out a submission, by its name; without one, whether any that has the run. */
    readonly isHanded: (submission?: string) => boolean;
  },
): Pick<SweepRunStatus, "state" | "detail"> {
  if (isFinished) return { state: "finished", detail: null };
  const place = attempt && attempt.ended === null ? legible(attempt.host) : null;
  if (isHeld) return { state: "running", detail: task ? legible(task.detail) : place };
  if (task) return { state: task.state, detail: legible(task.detail) };
  if (attempt?.ended === null) {
    const isStarting = Date.now() - Date.parse(attempt.started) < startingMs && attempt.trained === null;
    if (attempt.engine === "local" ? isHanded(attempt.submission) : isStarting) {
      return { state: "running", detail: place };
    }
    if (isHanded()) return { state: "waiting", detail: null };
    return { state: "failed", detail: `killed: process ${attempt.pid} on ${place} is gone` };
  }
  // What an engine has tried it tries again only when somebody else was in its way.
  if (isHanded() && !(attempt && attempt.outcome !== "in-use" && isHanded(attempt.submission))) {
    return { state: "waiting", detail: attempt?.outcome === "in-use" ? "in use elsewhere" : null };
  }
  if (attempt?.outcome === "failed") return { state: "failed", detail: legible(attempt.error ?? "", 200) };
  if (attempt?.outcome === "in-use") return { state: "stopped", detail: "was in use elsewhere" };
  return { state: attempt || fraction > 0 ? "stopped" : "absent", detail: null };
}

/**
 * What the engine `local` carries out just now: names of submissions, and the ids of all runs in them. Submissions that nobody
 * carries out are not opened.
 */
async function handedOut(runs: string, key: string): Promise<ReadonlyMap<string, boolean>> {
  const handed = new Map<string, boolean>();
  for (const name of await submissionNames(runs, key)) {
    if (!isHeld(engineLock(runs, key, name))) continue;
    handed.set(name, true);
    const { tasks } = await readSubmission(submissionPath(runs, key, name));
    for (const { id } of tasks) handed.set(id, true);
  }
  return handed;
}

/** The newest attempt, and how many there are: names sort as their times do, and the others are not opened. */
async function newestAttempt(
  runs: string,
  key: string,
  id: string,
): Promise<{ readonly attempts: number; readonly newest: Attempt | undefined }> {
  const folder = attemptsFolder(runs, key, id);
  const names = await namesIn(folder);
  for (const name of names.toReversed()) {
    const newest = await attemptAt(join(folder, name), id);
    if (newest) return { attempts: names.length, newest };
  }
  return { attempts: 0, newest: undefined };
}

function attemptsFolder(runs: string, key: string, id: string): string {
  if (!isRunId(id)) throw new RangeError(`Cannot look for attempts at ${quoted(id)}: it is no run's id.`);
  return join(sweepFolder(runs, key), "attempts", id);
}

async function attemptAt(path: string, id: string): Promise<Attempt | undefined> {
  try {
    const value = await parsedFile(path);
    return isAttempt(value) && value.id === id ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** So many files are read at once: over a network most of the time is waiting. */
const atOnce = 16;

/** Does something for each, some at once; results in order. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  make: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  // One iterator for all: each takes the next that nobody has taken.
  const rest = items.entries();
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    for (const [index, item] of rest) results[index] = await make(item);
  }));
  return results;
}

/** What a folder holds, by name, without files that are being written; nothing where there is none. */
async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (!name.startsWith(".")) names.push(name);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound) && !(cause instanceof Deno.errors.NotADirectory)) {
      throw explain(cause, "read", folder);
    }
  }
  return names.sort();
}

/** @throws {SyntaxError} when it is no JSON, or not there */
async function parsedFile(path: string): Promise<unknown> {
  const bytes = await readOptional(path);
  if (!bytes) throw new SyntaxError("It is missing.");
  return JSON.parse(new TextDecoder().decode(bytes));
}

function asUnreadable(cause: unknown, path: string, what: string): Error {
  if (!(cause instanceof SyntaxError || cause instanceof RangeError)) {
    return cause instanceof Error ? cause : new Error(String(cause));
  }
  return new SyntaxError(
    `Cannot read ${path} as a ${what} of a sweep: ${
      legible(cause.message, 300)
    } Start the sweep once more; nothing of its runs is lost.`,
    { cause },
  );
}

/** What names a submission's files. */
const namePattern = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;

const engines: readonly EngineName[] = ["local", "slurm"];

/** @throws {SyntaxError} when a value is no sweep's record; {RangeError} when a configuration is none */
function sweepOf(value: unknown): SweepRecord {
  if (!isObject(value) || value["schema"] !== 1) throw new SyntaxError("It is no sweep of this version.");
  const { key, title, source, runs, created, updated } = value;
  if (
    typeof key !== "string" || typeof title !== "string" || !isSource(source) || !Array.isArray(runs) ||
    typeof created !== "string" || typeof updated !== "string"
  ) {
    throw new SyntaxError("It is no sweep.");
  }
  return { schema: 1, key, title, source, runs: runs.map(runOf), created, updated };
}

function isSource(value: unknown): value is SweepSource {
  if (!isObject(value)) return false;
  return value["type"] === "file"
    ? isObject(value["definition"])
    : value["type"] === "experiment" && typeof value["name"] === "string" && isOptions(value["options"]);
}

function submissionOf(value: unknown, tasksOf: (tasks: readonly unknown[]) => SweepRun[]): Submission {
  if (!isObject(value) || value["schema"] !== 1) throw new SyntaxError("It is none of this version.");
  const { sweep, name, engine: own, tasks, dataDirs, digests, plan, checkpointSeconds, job } = value;
  const engine = engines.find((known) => known === own);
  if (
    typeof sweep !== "string" || !isSweepKey(sweep) || typeof name !== "string" || !namePattern.test(name) || !engine ||
    !Array.isArray(tasks)
  ) {
    throw new SyntaxError("It has no sweep, name, engine or tasks.");
  }
  for (const [key, text] of Object.entries({ plan, job })) {
    if (text !== undefined && typeof text !== "string") throw new SyntaxError(`Its ${key} is ${quoted(text)}.`);
  }
  if (checkpointSeconds !== undefined && !(typeof checkpointSeconds === "number" && checkpointSeconds >= 0)) {
    throw new SyntaxError(`Its checkpointSeconds are ${quoted(checkpointSeconds)}.`);
  }
  if (dataDirs !== undefined && !isTexts(dataDirs)) throw new SyntaxError(`Its dataDirs are ${quoted(dataDirs)}.`);
  return {
    schema: 1,
    sweep,
    name,
    engine,
    tasks: tasksOf(tasks),
    ...(dataDirs === undefined ? {} : { dataDirs }),
    ...(isTexts(digests) ? { digests } : {}),
    ...(typeof plan === "string" ? { plan } : {}),
    ...(typeof checkpointSeconds === "number" ? { checkpointSeconds } : {}),
    ...(typeof job === "string" ? { job } : {}),
  };
}

function runOf(value: unknown): SweepRun {
  if (
    !isObject(value) || typeof value["name"] !== "string" || typeof value["id"] !== "string" || !isRunId(value["id"])
  ) {
    throw new SyntaxError("One of its runs has no name or id.");
  }
  return { name: value["name"], config: parseConfig(value["config"]), id: value["id"] };
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((own) => typeof own === "string");
}

const outcomes = ["finished", "stopped", "failed", "in-use", null];

function isAttempt(value: unknown): value is Attempt {
  const isText = (own: unknown): boolean => typeof own === "string";
  const isTextOrNull = (own: unknown): boolean => own === null || typeof own === "string";
  return isObject(value) && value["schema"] === 1 && engines.some((engine) => engine === value["engine"]) &&
    ["id", "submission", "host", "started"].every((key) => isText(value[key])) &&
    ["job", "trained", "ended", "error"].every((key) => isTextOrNull(value[key])) &&
    typeof value["restarts"] === "number" && typeof value["pid"] === "number" &&
    outcomes.some((outcome) => outcome === value["outcome"]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
