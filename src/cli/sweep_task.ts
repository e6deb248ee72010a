/**
 * `sweep task`: one run of a sweep in a process of its own, for the engines. It trains what is missing, as `lottery --resume` does,
 * and writes down that it tried.
 *
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { legible } from "../data/quoted.ts";
import { workOf } from "../analysis/progress.ts";
import { type LotteryConfig, runId } from "../lottery/config.ts";
import type { LotteryEvent } from "../lottery/types.ts";
import { RunInUseError } from "../store/errors.ts";
import { planOfManifest } from "../store/manifest.ts";
import { readSettings } from "../store/run_files.ts";
import { RunStore } from "../store/run_store.ts";
import { readTask, runsOfSubmission, type SubmittedTask, writeAttempt } from "../store/sweeps.ts";
import { type Attempt, taskExitCodes } from "../sweeps/sweep.ts";
import { type Flag, parseArguments, UsageError, userPath } from "./arguments.ts";
import { datasetOptions } from "./dataset_folder.ts";
import { type HashedPlan, planForSettings, readPlan } from "./lottery_plan.ts";
import { refuseUnfit, type TrainingTools, trainRun } from "./training.ts";

/** How far a task is: a line of JSON on standard output, for whoever started it with `--attached`. */
export interface TaskProgress {
  /** Steps done of those wanted, over all networks of the run: from 0 to 1. */
  readonly fraction: number;
  /** The level in training. */
  readonly level: number;
  /** Its iteration. */
  readonly iteration: number;
}

/** What the task works with; tests put their own here. */
export interface SweepTaskTools extends TrainingTools {
  /** Takes a line of progress; standard output when left out. */
  readonly report?: (line: string) => void;
  /** Ends when whoever started the task has gone; standard input's end when left out. */
  readonly parentGone?: () => Promise<void>;
  /** Waits before a run that another process is at work in is tried again. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const flags: readonly Flag[] = [
  {
    flag: "--attached",
    description:
      "for who starts it: progress as JSON lines on standard output, and the end of standard input stops it as a signal does",
  },
];

/**
 * For so long a run is tried again that another process is at work in: as long as one that is told to stop may take for its
 * checkpoint. Whoever is attached tries for itself, when other runs are done.
 */
const patienceMs = 90_000;
const pauseMs = 3_000;

/**
 * Runs the command: `FILE I`.
 *
 * @returns the exit code, one of {@linkcode taskExitCodes}
 * @throws {UsageError} for wrong arguments
 */
export async function sweepTaskCommand(args: readonly string[], tools: SweepTaskTools): Promise<number> {
  const { console } = tools;
  const { positionals: [file, number], values } = parseArguments(args, flags, 2);
  const index = number !== undefined && /^\d{1,9}$/.test(number) ? Number(number) : undefined;
  if (file === undefined || index === undefined) {
    throw new UsageError(
      "Cannot carry out a task of a sweep: give the submission's file and the task's number, as engines do: sweep task FILE 0.",
    );
  }
  const path = userPath(file);
  const runs = runsOfSubmission(path);
  const task = await readTask(path, index);
  const parent = new AbortController();
  if (values.has("--attached")) {
    (tools.parentGone ?? standardInputEnds)().then(() => {
      parent.abort(new DOMException("Stopped: who started the task is gone", "AbortError"));
    });
  }
  const signal = AbortSignal.any([tools.signal, parent.signal]);
  const report = values.has("--attached") ? tools.report ?? standardOutput : undefined;
  const account = new Account(runs, task);
  await account.begin();
  try {
    const code = await carryOut(runs, task, { ...tools, signal }, account, report);
    await account.end(code === 0 ? "finished" : "stopped");
    return code === 0 ? taskExitCodes.finished : taskExitCodes.stopped;
  } catch (error) {
    if (signal.aborted && error === signal.reason) {
      console.err("Stopped before training began.");
      await account.end("stopped");
      return taskExitCodes.stopped;
    }
    const message = error instanceof Error ? error.message : String(error);
    console.err(`Error: ${message}`);
    const isInUse = error instanceof RunInUseError;
    await account.end(isInUse ? "in-use" : "failed", message);
    return isInUse ? taskExitCodes.inUse : taskExitCodes.failed;
  }
}

/** What the task writes down of itself: one file, which nobody else writes. */
class Account {
  readonly #runs: string;
  readonly #sweep: string;
  #attempt: Attempt;

  constructor(runs: string, { submission, run: { id } }: SubmittedTask) {
    this.#runs = runs;
    this.#sweep = submission.sweep;
    this.#attempt = {
      schema: 1,
      id,
      submission: submission.name,
      engine: submission.engine,
      job: jobName(),
      restarts: Number(variable("SLURM_RESTART_COUNT") ?? 0) || 0,
      host: hostName(),
      pid: Deno.pid,
      started: new Date().toISOString(),
      trained: null,
      ended: null,
      outcome: null,
      error: null,
    };
  }

  /**
   * The scheduler's name of the task, which it ends before it starts it again; undefined of what else works in one of its jobs, where
   * many processes have the job's name.
   */
  get job(): string | undefined {
    const { engine, job } = this.#attempt;
    return engine === "slurm" && job !== null ? job : undefined;
  }

  begin(): Promise<void> {
    return this.#write({});
  }

  async training(): Promise<void> {
    if (this.#attempt.trained === null) await this.#write({ trained: new Date().toISOString() });
  }

  end(outcome: NonNullable<Attempt["outcome"]>, error?: string): Promise<void> {
    const ended = new Date().toISOString();
    return this.#write({ outcome, ended, error: error === undefined ? null : legible(error, 2000) });
  }

  async #write(changes: Partial<Attempt>): Promise<void> {
    this.#attempt = { ...this.#attempt, ...changes };
    await writeAttempt(this.#runs, this.#sweep, this.#attempt);
  }
}

/** Trains what is missing; a run that another process is at work in is tried again for a while. */
async function carryOut(
  runs: string,
  task: SubmittedTask,
  tools: SweepTaskTools,
  account: Account,
  report: ((line: string) => void) | undefined,
): Promise<number> {
  const { run: { id, name, config }, submission: { sweep, dataDirs } } = task;
  const { console, signal, pause = pauseFor } = tools;
  console.err(`Sweep ${sweep}, run ${legible(name)} (${id})`);
  const dataset = await tools.loadDataset(config.dataset, datasetOptions(config.dataset, dataDirs?.[config.dataset]));
  signal.throwIfAborted();
  refuseUnfit(config, dataset);
  const plan = await planOf(runs, task, dataset);
  const until = performance.now() + (report ? 0 : patienceMs);
  for (;;) {
    try {
      return await train(runs, task, { dataset, plan }, tools, account, report);
    } catch (error) {
      if (!(error instanceof RunInUseError) || performance.now() > until) throw error;
      console.err(`${error.message} Trying again in ${pauseMs / 1000} s.`);
      await pause(pauseMs, signal);
    }
  }
}

async function train(
  runs: string,
  { run: { id, config }, submission }: SubmittedTask,
  { dataset, plan: { hash: planHash, ...plan } }: { readonly dataset: Dataset; readonly plan: HashedPlan },
  { lottery, console, signal }: SweepTaskTools,
  account: Account,
  report: ((line: string) => void) | undefined,
): Promise<number> {
  const warn = (message: string): void => console.err(`Warning: ${message}`);
  await using store = await RunStore.open(runs, { id, config, dataset, planHash, plan }, { warn, job: account.job });
  if (store.progress.state === "finished") {
    console.err("Everything that is wanted of it is there.");
    await store.completeSummary();
    return 0;
  }
  const share = shareOf(config, store.snapshot?.records ?? []);
  const watched: TrainingTools["lottery"] = async function* (own, options) {
    for await (const event of lottery(own, options)) {
      yield event;
      // Whoever asks for the event after the first has recorded it, and holds the run's lock.
      await account.training();
      const progress = share(event);
      if (report && progress) report(JSON.stringify(progress));
    }
  };
  const { checkpointSeconds } = submission;
  const options = {
    dataset,
    plan: plan.table,
    ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
    verbose: false,
    goingOn: `\`sweep resubmit ${submission.sweep}\``,
  };
  return await trainRun(store, config, options, { console, lottery: watched, signal });
}

/**
 * The plan table that the run has, here.
 *
 * @throws {Error} when this machine's data, or the table, would make another run of its settings
 */
async function planOf(
  runs: string,
  { run: { id, config }, submission }: SubmittedTask,
  { name, digest }: Dataset,
): Promise<HashedPlan> {
  const given = submission.plan === undefined ? undefined : await readPlan(submission.plan);
  const { manifest } = await readSettings(`${runs}/${id}`, id);
  // The other runs of these settings are nobody's business here: which one is meant is said by the id.
  const plan = given ??
    (manifest
      ? { ...await planOfManifest(manifest), hash: manifest.planHash }
      : await planForSettings(runs, config, { dataDigest: digest, given, isResumed: false }));
  const own = await runId(config, { dataDigest: digest, planHash: plan.hash });
  if (own === id) return plan;
  const short = (text: string): string => legible(text.slice(0, 16));
  const wantedDigest = manifest?.data.digest ?? submission.digests?.[name];
  const reason = wantedDigest !== undefined && wantedDigest !== digest
    ? `the files of ${name} here have the digest ${short(digest)}, and it was made with ${
      short(wantedDigest)
    }. Give those with ` +
      "--data-dir"
    : `the plan table here (${legible(plan.from)}) has the hash ${plan.hash}` +
      (manifest ? `, and it began with one of ${legible(manifest.planHash)}` : ", and it was made with another") +
      ". Use one version of Winnow on all machines, or give one table to all with --plan";
  throw new Error(`Cannot go on with run ${id}: its settings would make ${own} here, since ${reason}.`);
}

/** Follows the steps of a run through its events. */
function shareOf(
  config: LotteryConfig,
  records: Parameters<typeof workOf>[1],
): (event: LotteryEvent) => TaskProgress | undefined {
  const { steps: before, stepsLeft } = workOf(config, records);
  let done = before;
  let networks = 0;
  return (event) => {
    if (event.type === "level-start") networks = event.networks.length;
    if (event.type === "level-end") done += workOf(config, event.records).steps;
    if (event.type !== "progress") return undefined;
    const { level, firstIteration, iteration } = event;
    const steps = done + networks * (iteration - firstIteration);
    return { fraction: Math.min(1, steps / (before + stepsLeft)), level, iteration };
  };
}

/** What Slurm calls the task of an array in which this process works: `1234_7`; null outside of one. */
function jobName(): string | null {
  const [array, task] = ["SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"].map(variable);
  return array !== undefined && task !== undefined ? legible(`${array}_${task}`) : null;
}

/** An environment variable, where Deno lets it be read. */
function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

function hostName(): string {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? Deno.hostname() : "this machine";
}

async function standardInputEnds(): Promise<void> {
  try {
    for await (const _ of Deno.stdin.readable);
  } catch {
    // It cannot be read, so nobody is at its other end.
  }
}

function standardOutput(line: string): void {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  } catch {
    // Nobody reads it any more; the run is recorded all the same.
  }
}

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
