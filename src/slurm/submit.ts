/**
 * Handing runs to Slurm, and taking them back: arrays of at most as many tasks as the cluster takes, each with its submission and its
 * script beside it, written before `sbatch` is called and found again by their comment should nobody write down the job's number.
 *
 * @module
 */
import { dirname } from "node:path";
import { makeFolder, readOptional, writeJson, writeWhole } from "../store/files.ts";
import { logFile, submissionName, submissionPath, writeSubmission } from "../store/sweeps.ts";
import type { Submission, SweepRun } from "../sweeps/sweep.ts";
import { parseProfile } from "./profile.ts";
import { refusal } from "./programs.ts";
import { type BatchScript, batchScript } from "./script.ts";
import type { RunProgram, SlurmProfile } from "./slurm.ts";

/** When controls train: in lockstep with their tickets, or in tasks of their own once all tickets of the run are there. */
export type ControlsTurn = "beside" | "after";

/** What is to be handed over. */
export interface SlurmOrder
  extends
    Pick<BatchScript, "project" | "deno" | "permissions">,
    Omit<Submission, "schema" | "name" | "engine" | "job"> {
  /** The folder of runs, absolute. */
  readonly runs: string;
  /** How it is submitted. */
  readonly profile: SlurmProfile;
  /** When controls train. */
  readonly controls: ControlsTurn;
}

/**
 * Submits runs.
 *
 * @returns the submissions with their jobs, in the order in which they were made
 * @throws {RangeError} when a folder's name cannot stand in a script
 * @throws {Error} when Slurm refuses, or is not there; with how much was submitted before
 */
export async function submit(order: SlurmOrder, run: RunProgram): Promise<Submission[]> {
  const most = await maxArraySize(run);
  const made: Submission[] = [];
  try {
    for (let from = 0; from < order.tasks.length; from += most) {
      const tasks = order.tasks.slice(from, from + most);
      const withControls = tasks.flatMap(({ config }, index) => config.controls.length > 0 ? [index] : []);
      if (order.controls === "beside" || withControls.length === 0) {
        made.push(await submitArray(order, tasks, tasks.map((_, index) => index), [], run));
        continue;
      }
      // The same run twice, one task after the other: who adds the controls goes by the masks that the tickets left.
      const tickets = tasks.map((task): SweepRun => ({ ...task, config: { ...task.config, controls: [] } }));
      const first = await submitArray(order, tickets, tasks.map((_, index) => index), [], run);
      made.push(first);
      const after = [`--dependency=aftercorr:${first.job}`, "--kill-on-invalid-dep=yes"];
      made.push(await submitArray(order, tasks, withControls, after, run));
    }
  } catch (error) {
    if (made.length === 0 || !(error instanceof Error)) throw error;
    throw new Error(
      `${error.message} Submitted before that: ${made.map(({ job }) => `job ${job}`).join(", ")}. For the rest: ` +
        `deno task sweep resubmit ${order.sweep}`,
      { cause: error },
    );
  }
  return made;
}

async function submitArray(
  order: SlurmOrder,
  tasks: readonly SweepRun[],
  indices: readonly number[],
  options: readonly string[],
  run: RunProgram,
): Promise<Submission> {
  const { runs, profile, controls, project, deno, permissions, ...rest } = order;
  const name = await freeName(runs, order.sweep);
  const submission: Submission = { schema: 1, ...rest, tasks, name, engine: "slurm" };
  const file = submissionPath(runs, order.sweep, name);
  const log = logFile(runs.replaceAll("%", "%%"), submission, "%a");
  const parts = { submission, file, log, tasks: indices, profile, project, deno, permissions };
  const text = batchScript(parts);
  // Slurm ends a task at once, without a word, whose log has no folder.
  await makeFolder(dirname(logFile(runs, submission, 0)));
  await writeSubmission(runs, submission);
  const script = file.replace(/json$/, "sh");
  await writeJson(orderFile(file), { schema: 1, profile, controls });
  await writeWhole(script, text);
  const answer = await run("sbatch", ["--parsable", ...options, script]);
  if (answer.code !== 0) throw refusal("sbatch", answer);
  // `1234`, or `1234;cluster`
  const job = /^(\d+)(?:;\S*)?$/.exec(answer.out.trim())?.[1];
  if (job === undefined) throw refusal("sbatch", { ...answer, err: `no job's number, but: ${answer.out}` });
  const submitted = { ...submission, job };
  await writeSubmission(runs, submitted);
  return submitted;
}

/** How a submission was made, beside it, so that others can be made like it. */
function orderFile(file: string): string {
  return file.replace(/json$/, "slurm.json");
}

/**
 * How a submission was made.
 *
 * @returns undefined where that was not written down, or cannot be read any more
 */
export async function readOrder(
  runs: string,
  { sweep, name }: Pick<Submission, "sweep" | "name">,
): Promise<Pick<SlurmOrder, "profile" | "controls"> | undefined> {
  const bytes = await readOptional(orderFile(submissionPath(runs, sweep, name)));
  if (!bytes) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value !== "object" || value === null || !("profile" in value) || !("controls" in value)) {
      return undefined;
    }
    const { profile, controls } = value;
    return controls === "beside" || controls === "after" ? { profile: parseProfile(profile), controls } : undefined;
  } catch {
    return undefined;
  }
}

/** Several arrays may be made within a millisecond. */
async function freeName(runs: string, sweep: string): Promise<string> {
  for (let now = Date.now();; now++) {
    const name = submissionName(new Date(now));
    if (await readOptional(submissionPath(runs, sweep, name)) === undefined) return name;
  }
}

/** How many tasks an array may have (`MaxArraySize`; Slurm's own default is 1001). */
async function maxArraySize(run: RunProgram): Promise<number> {
  const answer = await run("scontrol", ["show", "config"]);
  if (answer.code !== 0) throw refusal("scontrol", answer);
  const size = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(answer.out)?.[1] ?? 1001);
  if (size < 1) throw new Error("Cannot submit a sweep: this cluster takes no job arrays (its MaxArraySize is 0).");
  return size;
}

/** The arguments of one call hold so many tasks at most. */
const mostTasks = 500;

/**
 * Cancels tasks that wait or compute.
 *
 * @param tasks Slurm's names of them: `1234_7`
 * @throws {Error} when Slurm refuses
 */
export async function cancelTasks(tasks: readonly string[], run: RunProgram): Promise<void> {
  for (let from = 0; from < tasks.length; from += mostTasks) {
    const answer = await run("scancel", tasks.slice(from, from + mostTasks));
    if (answer.code !== 0) throw refusal("scancel", answer);
  }
}
