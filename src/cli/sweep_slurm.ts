/**
 * The engine `slurm` of `sweep`: what its commands do with a cluster. Slurm is asked each time; nothing stays resident, so that every
 * command works from any login node.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { legible } from "../data/quoted.ts";
import { parseProfile, profileWith, slurmFlags } from "../slurm/profile.ts";
import { runProgram } from "../slurm/programs.ts";
import { readQueue, type SweepQueue, withEndings } from "../slurm/queue.ts";
import type { RunProgram, SlurmProfile } from "../slurm/slurm.ts";
import { cancelTasks, type ControlsTurn, readOrder, type SlurmOrder, submit } from "../slurm/submit.ts";
import { listSubmissions, readSweepStatus, writeSubmission } from "../store/sweeps.ts";
import type { SweepStatus } from "../sweeps/status.ts";
import type { Submission, SweepRecord, SweepRun } from "../sweeps/sweep.ts";
import { UsageError, userPath } from "./arguments.ts";
import { taskPermissions } from "./permissions.ts";
import { asUsage } from "./training.ts";

export { slurmFlags };

/** What a submission says beside its runs. */
export type SubmissionOptions = Omit<Submission, "schema" | "sweep" | "name" | "engine" | "tasks" | "job">;

/** What is to be handed to Slurm. */
export interface SlurmStart {
  /** The folder of runs, absolute. */
  readonly runs: string;
  /** The sweep's key. */
  readonly sweep: string;
  /** The runs to train: those that are not finished. */
  readonly tasks: readonly SweepRun[];
  /** How they are submitted. */
  readonly profile: SlurmProfile;
  /** When controls train. */
  readonly controls: ControlsTurn;
  /** Data, plan table and the like. */
  readonly options: SubmissionOptions;
}

/** What a start came to. */
export interface SlurmStarted {
  /** What was submitted, with its jobs; none when all runs are in the queue already. */
  readonly submissions: readonly Submission[];
  /** How many of the runs wait or compute already, and were left as they are. */
  readonly queued: number;
}

/**
 * The profile that flags and the file behind `--profile` give.
 *
 * @param values texts by flag
 * @param before what holds when there is no `--profile`, for instance the last submission's
 * @throws {UsageError} naming what is wrong
 */
export async function profileFrom(
  values: ReadonlyMap<string, string>,
  before: SlurmProfile = {},
): Promise<SlurmProfile> {
  const file = values.get("--profile");
  if (file === undefined) return asUsage(() => profileWith(before, values));
  const path = userPath(file);
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : legible(error instanceof Error ? error.message : String(error), 200);
    throw new UsageError(
      `Cannot read the profile ${
        legible(path, 300)
      }: ${reason}. It is JSON, such as {"partition": "gpu", "time": "4:00:00"}.`,
    );
  }
  return asUsage(() => profileWith(parseProfile(value), values));
}

/**
 * Submits a sweep's runs, without those that wait or compute already.
 *
 * @throws {Error} when Slurm is not there or refuses
 */
export async function startOnSlurm(
  { runs, sweep, tasks, profile, controls, options }: SlurmStart,
  run: RunProgram = runProgram,
): Promise<SlurmStarted> {
  const { queue, submissions: before } = await queueOf(runs, sweep, run);
  await recordJobs(runs, before, queue);
  const inQueue = new Set(queue.queued.map(({ id }) => id));
  const missing = tasks.filter(({ id }) => !inQueue.has(id));
  const queued = tasks.length - missing.length;
  if (missing.length === 0) return { submissions: [], queued };
  const submissions = await submit(
    { ...await surroundings(runs), ...options, runs, sweep, tasks: missing, profile, controls },
    run,
  );
  return { submissions, queued };
}

/**
 * How a sweep stands, with what Slurm says of it where anything of it was handed to Slurm.
 *
 * @throws {Error} when Slurm does not answer
 */
export async function statusWithSlurm(
  runs: string,
  record: SweepRecord,
  run: RunProgram = runProgram,
): Promise<SweepStatus> {
  const { queue } = await queueOf(runs, record.key, run);
  return withEndings(await readSweepStatus(runs, record, queue.queued), queue);
}

/**
 * Cancels a sweep's tasks that wait or compute.
 *
 * @param ids of which runs; of all when left out
 * @returns how many
 * @throws {Error} when Slurm refuses
 */
export async function cancelOnSlurm(
  runs: string,
  sweep: string,
  ids?: ReadonlySet<string>,
  run: RunProgram = runProgram,
): Promise<number> {
  const { queue } = await queueOf(runs, sweep, run);
  const own = queue.queued.filter(({ id }) => ids?.has(id) ?? true).map(({ job }) => job);
  await cancelTasks([...own, ...inVain(queue, ids)], run);
  return own.length;
}

/**
 * Submits once more what is neither finished nor at work nor in the queue, as it was submitted before where flags do not say otherwise.
 *
 * @param values texts by flag
 * @throws {UsageError} for a wrong profile
 * @throws {Error} when Slurm refuses
 */
export async function resubmitOnSlurm(
  runs: string,
  record: SweepRecord,
  values: ReadonlyMap<string, string>,
  run: RunProgram = runProgram,
): Promise<SlurmStarted> {
  const { queue, submissions } = await queueOf(runs, record.key, run);
  const last = submissions.findLast(({ engine }) => engine === "slurm");
  const before = last && await readOrder(runs, last);
  const profile = await profileFrom(values, before?.profile);
  const { runs: all } = withEndings(await readSweepStatus(runs, record, queue.queued), queue);
  const tasks = all.filter(({ state }) => state === "failed" || state === "stopped" || state === "absent")
    .map((status) => status.run);
  // Tasks that wait for what will not come would stay in the queue for ever.
  await cancelTasks(inVain(queue, new Set(tasks.map(({ id }) => id))), run);
  const order = { runs, sweep: record.key, tasks, profile, controls: before?.controls ?? "beside" };
  return await startOnSlurm({ ...order, options: last ? optionsOf(last) : {} }, run);
}

/** What Slurm says of a sweep. */
async function queueOf(
  runs: string,
  sweep: string,
  run: RunProgram,
): Promise<{ readonly queue: SweepQueue; readonly submissions: readonly Submission[] }> {
  const submissions = await listSubmissions(runs, sweep);
  return { queue: await readQueue(run, sweep, submissions), submissions };
}

/** Writes down jobs' numbers that nobody was left to write down: `sacct` knows a job by its number alone. */
async function recordJobs(runs: string, submissions: readonly Submission[], { jobs }: SweepQueue): Promise<void> {
  for (const submission of submissions) {
    const job = jobs.get(submission.name);
    if (job !== undefined && submission.job === undefined) await writeSubmission(runs, { ...submission, job });
  }
}

function optionsOf({ dataDirs, digests, plan, checkpointSeconds }: SubmissionOptions): SubmissionOptions {
  return {
    ...(dataDirs === undefined ? {} : { dataDirs }),
    ...(digests === undefined ? {} : { digests }),
    ...(plan === undefined ? {} : { plan }),
    ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
  };
}

/** Tasks that Slurm still holds though they will never run. */
function inVain({ ended }: SweepQueue, ids?: ReadonlySet<string>): string[] {
  return ended.flatMap(({ id, job, isHeld }) => isHeld && (ids?.has(id) ?? true) ? [job] : []);
}

/** This project and its Deno, as nodes will find them. */
async function surroundings(runs: string): Promise<Pick<SlurmOrder, "project" | "deno" | "permissions">> {
  if (runs.includes(",")) {
    throw new UsageError(
      `Cannot submit runs of ${
        legible(runs, 300)
      }: Deno's permission flags take a comma for the end of a folder's name. ` +
        "Rename it, or choose another with --runs.",
    );
  }
  const project = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");
  const wrapper = join(project, "denow");
  const hasWrapper = await Deno.stat(wrapper).then(({ isFile }) => isFile, () => false);
  return { project, deno: hasWrapper ? ["sh", wrapper] : ["deno"], permissions: taskPermissions(runs) };
}
