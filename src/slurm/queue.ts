/**
 * What Slurm says of a sweep's tasks: `squeue` of those that wait, compute or have just ended, and `sacct`, where accounting is on, of
 * those that have ended. Nothing that comes from there is trusted: a line that is not as it should be is passed over.
 *
 * @module
 */
import { legible } from "../data/quoted.ts";
import type { QueuedTask, SweepRunStatus, SweepStatus } from "../sweeps/status.ts";
import type { Submission } from "../sweeps/sweep.ts";
import { refusal } from "./programs.ts";
import { jobComment, jobName } from "./script.ts";
import type { RunProgram } from "./slurm.ts";

/** A task as `squeue` has it. */
export interface QueueLine {
  /** The array's number. */
  readonly job: string;
  /** The task's. */
  readonly index: number;
  /** Its state, such as `PENDING`. */
  readonly state: string;
  /** Where it runs; empty where it does not. */
  readonly nodes: string;
  /** What its submission said of itself. */
  readonly comment: string;
  /** Why it waits, or why it ended. */
  readonly reason: string;
}

/** A task that is over, for Slurm. */
export interface EndedTask {
  /** The run's id. */
  readonly id: string;
  /** Slurm's name of the task: `1234_7`. */
  readonly job: string;
  /** How it ended, such as `COMPLETED`, `TIMEOUT` or `OUT_OF_MEMORY`. */
  readonly state: string;
  /** Its exit code and signal, such as `1:0`; empty where Slurm does not say. */
  readonly exitCode: string;
  /** Whether Slurm still holds it: it waits for what will not come, and has to be cancelled. */
  readonly isHeld?: boolean;
}

/** All that Slurm says of a sweep. */
export interface SweepQueue {
  /** Tasks that wait or compute. */
  readonly queued: readonly QueuedTask[];
  /** Tasks that are over, as far as Slurm remembers; the newest of each run last. */
  readonly ended: readonly EndedTask[];
  /** Jobs by their submissions' names: also those whose number nobody was left to write down. */
  readonly jobs: ReadonlyMap<string, string>;
}

/** What `squeue` is asked for, a line per task of an array. The reason is last, since it may be any text. */
export const queueFormat = "%F|%K|%T|%N|%k|%r";

/** Takes the answer of `squeue --noheader --array --format` with {@linkcode queueFormat} apart. */
export function parseQueue(text: string): QueueLine[] {
  return text.split("\n").flatMap((line) => {
    const [job = "", index = "", state = "", nodes = "", comment = "", ...reason] = line.split("|");
    if (!/^\d{1,10}$/.test(job) || !/^\d{1,9}$/.test(index) || !isState(state)) return [];
    return { job, index: Number(index), state, nodes, comment, reason: reason.join("|") };
  });
}

/** States after which a task does not go on by itself (`man squeue`, JOB STATE CODES). */
const endings: ReadonlySet<string> = new Set([
  "BOOT_FAIL",
  "CANCELLED",
  "COMPLETED",
  "DEADLINE",
  "FAILED",
  "NODE_FAIL",
  "OUT_OF_MEMORY",
  "PREEMPTED",
  "REVOKED",
  "TIMEOUT",
]);

/** Waiting for what will not come. */
const inVain = "DependencyNeverSatisfied";

/** What `sacct` is asked for. */
const accountingFormat = "JobID,State,ExitCode";

/** A line of `sacct --allocations --noheader --parsable2 --format=JobID,State,ExitCode`. */
export interface AccountingLine {
  /** `1234_7`. */
  readonly job: string;
  /** Its state, without by whom it was cancelled. */
  readonly state: string;
  /** Exit code and signal: `0:0`. */
  readonly exitCode: string;
}

/** Takes the answer of `sacct` apart; tasks that have not begun and steps are passed over. */
export function parseAccounting(text: string): AccountingLine[] {
  return text.split("\n").flatMap((line) => {
    const [job = "", words = "", exitCode = ""] = line.split("|");
    // `CANCELLED by 1000`
    const [state = ""] = words.split(" ");
    if (!/^\d{1,10}_\d{1,9}$/.test(job) || !isState(state)) return [];
    return { job, state, exitCode: /^\d{1,3}:\d{1,3}$/.test(exitCode) ? exitCode : "" };
  });
}

function isState(text: string): boolean {
  return /^[A-Z][A-Z_]{1,30}$/.test(text);
}

/**
 * What Slurm says of a sweep's tasks. A job is known by its comment, so that one is found whose number was never written down, and
 * an equally named sweep of somebody else is not taken for this one.
 *
 * @param submissions all of the sweep
 * @throws {Error} when Slurm does not answer
 */
export async function readQueue(
  run: RunProgram,
  sweep: string,
  submissions: readonly Submission[],
): Promise<SweepQueue> {
  const own = submissions.filter(({ engine }) => engine === "slurm");
  if (own.length === 0) return { queued: [], ended: [], jobs: new Map() };
  const answer = await run("squeue", [
    ...["--noheader", "--array", "--states=all", `--name=${jobName(sweep)}`, `--format=${queueFormat}`],
  ]);
  if (answer.code !== 0) throw refusal("squeue", answer);
  const bySubmission = new Map(own.map((submission) => [jobComment(submission), submission]));
  const queued: QueuedTask[] = [];
  const ended: EndedTask[] = [];
  const jobs = new Map(own.flatMap(({ name, job }) => job === undefined ? [] : [[name, job] as const]));
  for (const line of parseQueue(answer.out)) {
    const submission = bySubmission.get(line.comment);
    const id = submission?.tasks[line.index]?.id;
    if (submission === undefined || id === undefined) continue;
    jobs.set(submission.name, line.job);
    const job = `${line.job}_${line.index}`;
    if (endings.has(line.state)) ended.push({ id, job, state: line.state, exitCode: "" });
    else if (line.reason === inVain) ended.push({ id, job, state: inVain, exitCode: "", isHeld: true });
    else queued.push({ id, job, state: line.state === "RUNNING" ? "running" : "waiting", detail: detailOf(line) });
  }
  const over = [...await readAccounting(run, own, jobs), ...ended];
  return { queued, ended: over.sort((a, b) => Number.parseInt(a.job) - Number.parseInt(b.job)), jobs };
}

/** Of jobs that have left the queue, where accounting is on; else Slurm has forgotten them, which is no error. */
async function readAccounting(
  run: RunProgram,
  submissions: readonly Submission[],
  jobs: ReadonlyMap<string, string>,
): Promise<EndedTask[]> {
  const byJob = new Map(submissions.flatMap((submission) => {
    const job = jobs.get(submission.name);
    return job !== undefined && /^\d+$/.test(job) ? [[job, submission] as const] : [];
  }));
  if (byJob.size === 0) return [];
  const answer = await run("sacct", [
    ...[
      "--allocations",
      "--noheader",
      "--parsable2",
      `--format=${accountingFormat}`,
      `--jobs=${[...byJob.keys()].join()}`,
    ],
  ]).catch(() => undefined);
  if (answer?.code !== 0) return [];
  return parseAccounting(answer.out).flatMap(({ job, state, exitCode }) => {
    const [array = "", index = ""] = job.split("_");
    const id = byJob.get(array)?.tasks[Number(index)]?.id;
    return id === undefined || !endings.has(state) ? [] : { id, job, state, exitCode };
  });
}

/** A state in which a task ended, as a table says it, with what to do about it. */
function reasonOf({ state, exitCode }: EndedTask): string {
  switch (state) {
    case "TIMEOUT":
    case "DEADLINE":
      return `${state}: raise --time, or have it stopped ahead of it by --signal-seconds`;
    case "OUT_OF_MEMORY":
      return `${state}: raise --memory`;
    case inVain:
      return "waits for tickets whose task failed";
    default:
      return exitCode === "" || exitCode === "0:0" ? state : `${state} ${exitCode}`;
  }
}

/**
 * A sweep's state with what Slurm says of tasks that are over: why a run is not finished, and that one failed whose task ended before
 * it could write down anything.
 */
export function withEndings(status: SweepStatus, { queued, ended }: SweepQueue): SweepStatus {
  const inQueue = new Set(queued.map(({ id }) => id));
  const newest = new Map(ended.map((task) => [task.id, task]));
  const runs = status.runs.map((own): SweepRunStatus => {
    const task = newest.get(own.run.id);
    if (!task || inQueue.has(own.run.id) || own.state === "finished" || own.state === "running") return own;
    // Slurm's word is of its own task; the run may have had another one since, which had nothing to do with Slurm.
    if (own.attempt && own.attempt.job !== task.job) return own;
    // An error that the task itself has written down says more than that it failed.
    if (own.attempt?.outcome === "failed" && task.state === "FAILED") return own;
    const hasFailed = own.state === "absent" && task.state !== "CANCELLED" && task.state !== "COMPLETED";
    // Whoever cancels a task wants it stopped, also where its checkpoint took too long.
    const wasCancelled = own.attempt?.outcome === null && task.state === "CANCELLED";
    const state = hasFailed ? "failed" : wasCancelled ? "stopped" : own.state;
    return { ...own, state, detail: reasonOf(task), job: task.job };
  });
  return { ...status, runs };
}

function detailOf({ state, nodes, reason }: QueueLine): string {
  if (state === "RUNNING") return legible(nodes);
  if (state === "PENDING") return legible(reason === "None" ? "in the queue" : reason);
  return legible(state);
}
