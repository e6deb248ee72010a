/**
 * Starting a sweep, or what is left of one: `sweep FILE|NAME` and `sweep resubmit`.
 *
 * @module
 */
import { legible, quoted } from "../data/quoted.ts";
import type { PlanTable } from "../nn/plan.ts";
import type { RunProgram } from "../slurm/slurm.ts";
import { listSubmissions, readSweepStatus, submissionName, writeSweep } from "../store/sweeps.ts";
import { estimateRun } from "../sweeps/estimate.ts";
import { definitionOf } from "../sweeps/expand.ts";
import { lockstepHint } from "../sweeps/identify.ts";
import { type LocalTask, type Machine, roomOn } from "../sweeps/local.ts";
import { memoryOf } from "../sweeps/memory.ts";
import type { SweepRunStatus } from "../sweeps/status.ts";
import type { EngineName, Submission, SweepRecord, SweepRun } from "../sweeps/sweep.ts";
import { type Flag, suggestion, UsageError, userPath } from "./arguments.ts";
import { quietOutput } from "./console.ts";
import { checkpointSecondsOf } from "./lottery_command_line.ts";
import { dataDirFlag, dataFolders } from "./dataset_folder.ts";
import { readPlan } from "./lottery_plan.ts";
import { thisMachine } from "./machine.ts";
import { chosenRuns, scaleFlags, scaleOptionsOf } from "./scale_flags.ts";
import { type Drawn, drawSweep } from "./sweep_draw.ts";
import { cardFlag, dryRunLines, timesFor } from "./sweep_estimate.ts";
import { howWords, type LocalOutcome, runLocally, type StartTask, taskStarter } from "./sweep_local.ts";
import {
  expandNamed,
  type IdentityFlags,
  prepareSweep,
  prepareWithoutData,
  writeExperiments,
} from "./sweep_prepare.ts";
import {
  profileFrom,
  resubmitOnSlurm,
  slurmFlags,
  type SlurmStarted,
  startOnSlurm,
  type SubmissionOptions,
} from "./sweep_slurm.ts";
import { formatStatus, statusJson } from "./sweep_text.ts";
import type { TrainingTools } from "./training.ts";

/** What starting a sweep works with; tests put their own here. */
export interface SweepStartTools extends Pick<TrainingTools, "console" | "signal" | "loadDataset"> {
  /** What this machine has room for; looked at when left out. */
  readonly machine?: (cardBytes: number | undefined) => Promise<Machine>;
  /** How tasks are started; as processes when left out. */
  readonly starter?: (runs: string) => Promise<StartTask>;
  /** Runs Slurm's programs; as processes when left out. */
  readonly runProgram?: RunProgram;
}

const engines: readonly EngineName[] = ["local", "slurm"];

/** Flags of the engines, for whatever is started. */
export const engineFlags: readonly Flag[] = [
  { flag: "--jobs", value: "N", description: "local: runs at once (as many as memory and processors have room for)" },
  {
    flag: "--adapter-memory",
    value: "GIB",
    description: "local: memory of the graphics card, which does not tell it (one run at once)",
  },
  ...slurmFlags,
];

/** Flags of a start. */
export const startFlags: readonly Flag[] = [
  { flag: "--engine", value: "NAME", description: "who carries it out: local (this machine) or slurm (local)" },
  { flag: "--dry-run", description: "train nothing: what the runs would take, in time and memory" },
  cardFlag,
  { flag: "--print", description: "print an experiment as a sweep's file, to be changed" },
  ...scaleFlags,
  { flag: "--only", value: "RUN[,RUN]", description: "train these runs alone" },
  { flag: "--runs", value: "DIR", description: "where runs are kept (./runs)" },
  dataDirFlag,
  { flag: "--plan", value: "FILE", description: "a plan table, as `lottery --plan` takes it (the table that ships)" },
  {
    flag: "--checkpoint-seconds",
    value: "X",
    description: "least time between checkpoints within a level (60); 0: as often as can be, whatever it costs",
  },
  ...engineFlags,
  {
    flag: "--controls-after",
    description: "Slurm: controls train in tasks of their own, when their tickets are there",
  },
  {
    flag: "--json",
    description: "print how the sweep stands as JSON and nothing else; progress goes to standard error",
  },
  { flag: "--help", description: "print this" },
];

/**
 * Starts a sweep.
 *
 * @param name an experiment's, or a file
 * @param values texts by flag
 * @returns the exit code: 0; 1 when a run failed; 130 when it was stopped
 * @throws {UsageError} for wrong arguments
 */
export async function startSweep(
  name: string,
  values: ReadonlyMap<string, string>,
  tools: SweepStartTools,
): Promise<number> {
  const { console, signal } = tools;
  const options = scaleOptionsOf(values);
  const engine = engineOf(values);
  const jobs = countOf("--jobs", values);
  if (values.has("--print")) {
    console.out(JSON.stringify(printed(name, options), null, 2));
    return 0;
  }
  const expanded = await expandNamed(name, options);
  const chosen = new Set(chosenRuns(expanded.runs, values.get("--only"), expanded.key).map((run) => run.name));
  const runs = userPath(values.get("--runs") ?? "runs");
  const flags: IdentityFlags = { runs, dataDir: values.get("--data-dir"), planPath: values.get("--plan") };
  if (values.has("--dry-run")) {
    const { sweep, isIdKnown, missing } = await prepareWithoutData(expanded, flags, tools);
    const ids = new Set([...sweep.ids].flatMap(([own, id]) => chosen.has(own) ? [id] : []));
    const { runs: there } = await readSweepStatus(runs, recordOf(sweep));
    const done = new Map<SweepRun, number>();
    for (const { run, fraction } of there) {
      if (ids.has(run.id)) done.set(isIdKnown(run) ? run : { ...run, id: "–" }, fraction);
    }
    const lines = dryRunLines([...done.keys()], {
      table: sweep.table,
      card: values.get("--card"),
      atOnce: jobs,
      done: (run) => done.get(run) ?? 0,
    });
    console.out([...lines, ...missing, ...hintFor(expanded.runs)].join("\n"));
    return 0;
  }
  if (values.has("--card")) throw new UsageError("Cannot take --card without --dry-run: it only tells what to expect.");
  const checkpointSeconds = checkpointSecondsOf(values.get("--checkpoint-seconds"));
  const profile = engine === "slurm" ? await profileFrom(values) : undefined;
  const sweep = await prepareSweep(expanded, flags, tools);
  signal.throwIfAborted();
  const record = await writeSweep(runs, sweep);
  await writeExperiments(runs, sweep);
  for (const hint of hintFor(expanded.runs)) console.err(hint);
  const ids = new Set([...sweep.ids].flatMap(([own, id]) => chosen.has(own) ? [id] : []));
  const status = await readSweepStatus(runs, record);
  const left = status.runs.filter(({ run, state }) => ids.has(run.id) && state !== "finished");
  const order: SubmissionOptions = {
    dataDirs: dataFolders(expanded.runs.map(({ config }) => config.dataset), flags.dataDir),
    digests: sweep.digests,
    ...(flags.planPath === undefined ? {} : { plan: userPath(flags.planPath) }),
    ...checkpointSeconds,
  };
  if (profile && left.length > 0) {
    const controls = values.has("--controls-after") ? "after" : "beside";
    const tasks = left.map(({ run }) => run);
    const started = await startOnSlurm(
      { runs, sweep: record.key, tasks, profile, controls, options: order },
      ...(tools.runProgram ? [tools.runProgram] : []),
    );
    sayStarted(record, started, tools);
    if (values.has("--json")) console.out(JSON.stringify(statusJson(await readSweepStatus(runs, record)), null, 2));
    return 0;
  }
  const outcome = await trainHere({ runs, record, left, order, table: sweep.table, values }, tools);
  return await conclude(runs, record, outcome, values, tools);
}

/**
 * Starts once more what of a sweep is neither finished nor at work, by the engine of its last submission.
 *
 * @returns the exit code
 * @throws {UsageError} when the sweep was never started
 */
export async function resubmitSweep(
  runs: string,
  record: SweepRecord,
  values: ReadonlyMap<string, string>,
  tools: SweepStartTools,
): Promise<number> {
  const last = (await listSubmissions(runs, record.key)).at(-1);
  if (!last) {
    throw new UsageError(
      `Cannot resubmit ${record.key}: nothing of it was started. Start it with \`deno task sweep\`.`,
    );
  }
  if (last.engine === "slurm") {
    const own = tools.runProgram ? [tools.runProgram] as const : [] as const;
    sayStarted(record, await resubmitOnSlurm(runs, record, values, ...own), tools);
    return 0;
  }
  const status = await readSweepStatus(runs, record);
  const left = status.runs.filter(({ state }) => state === "failed" || state === "stopped" || state === "absent");
  const { dataDirs, digests, plan, checkpointSeconds } = last;
  const order: SubmissionOptions = {
    ...(dataDirs === undefined ? {} : { dataDirs }),
    ...(digests === undefined ? {} : { digests }),
    ...(plan === undefined ? {} : { plan }),
    ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
  };
  const table = plan === undefined ? undefined : (await readPlan(plan)).table;
  const outcome = await trainHere({ runs, record, left, order, table, values }, tools);
  return await conclude(runs, record, outcome, values, tools);
}

/** What is to be trained on this machine. */
interface LocalStart {
  readonly runs: string;
  readonly record: SweepRecord;
  readonly left: readonly SweepRunStatus[];
  readonly order: SubmissionOptions;
  readonly table: PlanTable | undefined;
  readonly values: ReadonlyMap<string, string>;
}

async function trainHere(
  { runs, record: { key }, left, order, table, values }: LocalStart,
  { console, signal, machine = thisMachine, starter = taskStarter }: SweepStartTools,
): Promise<LocalOutcome | undefined> {
  if (left.length === 0) {
    console.err("Everything that is wanted is there.");
    return undefined;
  }
  const gib = numberOf("--adapter-memory", values);
  const found = await machine(gib === undefined ? undefined : gib * 2 ** 30);
  const room = roomOn(found, countOf("--jobs", values));
  const times = timesFor({ table });
  const tasks = left.map(({ run }, index): LocalTask => ({ index, ...taken(run, found, table, times) }));
  const submission: Submission = {
    schema: 1,
    sweep: key,
    name: submissionName(new Date()),
    engine: "local",
    tasks: left.map(({ run }) => run),
    ...order,
  };
  console.err(`Sweep ${key}: ${left.length} ${left.length === 1 ? "run" : "runs"} to train, ${room.reason}.`);
  return await runLocally(
    { runs, submission, tasks, there: left.map(({ fraction }) => fraction), room },
    { console, signal, startTask: await starter(runs) },
  );
}

/** What a run takes; nothing of one that cannot be planned: it says for itself why. */
function taken(
  { config }: SweepRun,
  { kind }: Machine,
  table: PlanTable | undefined,
  times: Parameters<typeof estimateRun>[1],
): Pick<LocalTask, "bytes" | "seconds"> {
  try {
    const device = { kind, ...(table === undefined ? {} : { table }) };
    return { bytes: memoryOf(config, undefined, device), seconds: estimateRun(config, times).seconds };
  } catch (error) {
    if (error instanceof RangeError) return { bytes: 0, seconds: 0 };
    throw error;
  }
}

/** Ends with a table, with what failed, and with pictures. */
async function conclude(
  runs: string,
  record: SweepRecord,
  outcome: LocalOutcome | undefined,
  values: ReadonlyMap<string, string>,
  { console: own }: SweepStartTools,
): Promise<number> {
  const status = await readSweepStatus(runs, record);
  const console = values.has("--json") ? quietOutput(own) : own;
  console.out(`\n${formatStatus(status, { isAll: false }, console)}`);
  if (values.has("--json")) own.out(JSON.stringify(statusJson(status), null, 2));
  for (const { how, run, error, log } of outcome?.failed ?? []) {
    own.err(`${howWords[how]}: ${legible(run.name)} (${run.id}): ${error.replace(/\.$/, "")}. Its log is ${log}`);
  }
  if (outcome?.isStopped) {
    own.err(`Stopped. The same command goes on, and so does \`deno task sweep resubmit ${record.key}\`.`);
    return 130;
  }
  sayDrawn(await drawSweep(runs, status, console), console);
  if (outcome === undefined || outcome.failed.length === 0) return 0;
  own.err(`\`deno task sweep resubmit ${record.key}\` goes on with what is not finished.`);
  return 1;
}

/** Prints what was drawn. */
export function sayDrawn({ files, text }: Drawn, console: Pick<SweepStartTools["console"], "out">): void {
  if (text !== undefined) console.out(`\n${text}`);
  if (files.length > 0) console.out(`\nPictures and tables:\n${files.map((file) => `  ${file}`).join("\n")}`);
}

function sayStarted(
  { key }: SweepRecord,
  { submissions, queued }: SlurmStarted,
  { console }: Pick<SweepStartTools, "console">,
): void {
  const count = new Set(submissions.flatMap(({ tasks }) => tasks.map(({ id }) => id))).size;
  const jobs = submissions.map(({ job }) => job ?? "unknown").join(", ");
  const before = queued > 0 ? ` ${queued} wait or compute already.` : "";
  console.err(
    count === 0
      ? `Sweep ${key}: nothing to submit.${before}`
      : `Sweep ${key}: ${count} ${count === 1 ? "run" : "runs"} submitted as ${
        submissions.length === 1 ? "job" : "jobs"
      } ${jobs}.${before} \`deno task sweep status ${key}\` says how they stand.`,
  );
}

function printed(name: string, options: ReturnType<typeof scaleOptionsOf>): unknown {
  try {
    return definitionOf(name, options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`Cannot print ${quoted(name)} as a sweep's file: ${error.message}`, { cause: error });
  }
}

/** Runs that are not written down anywhere yet, as if they were. */
function recordOf(sweep: Pick<SweepRecord, "key" | "title" | "source" | "runs">): SweepRecord {
  const { key, title, source, runs } = sweep;
  return { schema: 1, key, title, source, runs, created: "", updated: "" };
}

function hintFor(runs: Parameters<typeof lockstepHint>[0]): string[] {
  const hint = lockstepHint(runs);
  return hint === undefined ? [] : [hint];
}

function engineOf(values: ReadonlyMap<string, string>): EngineName {
  const name = values.get("--engine") ?? "local";
  const engine = engines.find((own) => own === name);
  if (engine) return engine;
  throw new UsageError(
    `--engine is ${quoted(name)}.${suggestion(name, engines)} Choose one of ${engines.join(", ")}.`,
  );
}

function countOf(flag: string, values: ReadonlyMap<string, string>): number | undefined {
  const text = values.get(flag);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new UsageError(`${flag} is ${quoted(text)}, and it must be a whole number of at least 1.`);
}

function numberOf(flag: string, values: ReadonlyMap<string, string>): number | undefined {
  const text = values.get(flag);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`${flag} is ${quoted(text)}, and it must be a number above 0, such as 8.`);
}
