/**
 * `sweep`: many runs for one question, on this machine or on a cluster.
 *
 * @module
 */
import { legible, quoted } from "../data/quoted.ts";
import { isHeld } from "../store/index.ts";
import {
  engineLock,
  engineStop,
  isSweepKey,
  listSubmissions,
  listSweeps,
  logFile,
  readSubmission,
  readSweep,
  readSweepStatus,
  submissionNames,
  submissionPath,
} from "../store/sweeps.ts";
import { writeWhole } from "../store/files.ts";
import { countStates, type SweepRunStatus, type SweepStatus } from "../sweeps/status.ts";
import type { SweepRecord } from "../sweeps/sweep.ts";
import { type Flag, parseArguments, suggestion, UsageError } from "./arguments.ts";
import type { Console } from "./console.ts";
import { commonFlags, formatHelp, formatTime, runsFolder } from "./run_lookup.ts";
import { drawSweep } from "./sweep_draw.ts";
import { cancelOnSlurm, statusWithSlurm } from "./sweep_slurm.ts";
import { engineFlags, resubmitSweep, sayDrawn, startFlags, startSweep, type SweepStartTools } from "./sweep_start.ts";
import { sweepTaskCommand, type SweepTaskTools } from "./sweep_task.ts";
import { formatStatus, nextStep, statusJson } from "./sweep_text.ts";
import { formatTable } from "./table.ts";

/** What the command works with; tests put their own here. */
export type SweepTools = SweepTaskTools & SweepStartTools;

const jsonFlag: Flag = { flag: "--json", description: "print JSON" };

/** A command on sweeps that are there. */
interface Subcommand {
  /** What stands behind its name. */
  readonly usage: string;
  /** What it does. */
  readonly description: string;
  /** Its flags. */
  readonly flags: readonly Flag[];
  /** How many arguments it takes at most. */
  readonly most: number;
  /** Runs it. */
  readonly run: (
    args: {
      readonly runs: string;
      readonly positionals: readonly string[];
      readonly values: ReadonlyMap<string, string>;
    },
    tools: SweepTools,
  ) => Promise<number>;
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  list: {
    usage: "",
    description: "the sweeps that are there",
    flags: [jsonFlag],
    most: 0,
    run: async ({ runs, values }, tools) => await list(runs, values, tools),
  },
  status: {
    usage: "KEY",
    description: "how its runs stand",
    flags: [{ flag: "--all", description: "every run, however many there are" }, jsonFlag],
    most: 1,
    run: async ({ runs, positionals, values }, tools) => {
      const status = await statusOf(runs, await named(runs, positionals[0], "status"), tools);
      const { console } = tools;
      if (values.has("--json")) {
        console.out(JSON.stringify(statusJson(status), null, 2));
        return 0;
      }
      console.out(formatStatus(status, { isAll: values.has("--all") }, console));
      const next = nextStep(status);
      if (next !== undefined) console.out(`\n${next}`);
      return 0;
    },
  },
  logs: {
    usage: "KEY [RUN]",
    description: "what a run said last; without one, where each run's log is",
    flags: [{ flag: "--lines", value: "N", description: "so many lines of its end (40)" }],
    most: 2,
    run: async ({ runs, positionals: [key, run], values }, tools) => {
      const record = await named(runs, key, "logs");
      return await logs(runs, record, run, values, tools);
    },
  },
  cancel: {
    usage: "KEY",
    description: "stop it: runs at work write checkpoints, those that wait are not begun",
    flags: [],
    most: 1,
    run: async ({ runs, positionals }, tools) => await cancel(runs, await named(runs, positionals[0], "cancel"), tools),
  },
  resubmit: {
    usage: "KEY",
    description: "start once more what failed, was stopped or never began, by the engine of the last time",
    flags: [...engineFlags, { flag: "--json", description: "print how the sweep stands as JSON and nothing else" }],
    most: 1,
    run: async ({ runs, positionals, values }, tools) =>
      await resubmitSweep(runs, await named(runs, positionals[0], "resubmit"), values, tools),
  },
  draw: {
    usage: "KEY",
    description: "pictures of what is there",
    flags: [],
    most: 1,
    run: async ({ runs, positionals }, { console }) => {
      const record = await named(runs, positionals[0], "draw");
      sayDrawn(await drawSweep(runs, await readSweepStatus(runs, record), console), console);
      return 0;
    },
  },
};

/**
 * Runs the command.
 *
 * @returns the exit code
 * @throws {UsageError} for wrong arguments
 */
export async function sweepCommand(args: readonly string[], tools: SweepTools): Promise<number> {
  const [first = "", ...rest] = args;
  const { console } = tools;
  if (first === "task") return await sweepTaskCommand(rest, tools);
  const subcommand = Object.hasOwn(subcommands, first) ? subcommands[first] : undefined;
  if (subcommand) {
    const { positionals, values } = parseArguments(rest, [...subcommand.flags, ...commonFlags], subcommand.most);
    if (values.has("--help")) {
      console.out(helpOf(first, subcommand, console));
      return 0;
    }
    return await subcommand.run({ runs: runsFolder(values), positionals, values }, tools);
  }
  const { positionals: [name], values } = parseArguments(args, startFlags, 1);
  if (values.has("--help")) {
    console.out(help(console));
    return 0;
  }
  if (name === undefined) {
    throw new UsageError(
      "Name a sweep: an experiment such as fig26, `paper` for all of the paper's figures, or a file as in examples/sweeps. " +
        "See --help.",
    );
  }
  return await startSweep(name, values, tools);
}

/** The sweep of a key. @throws {UsageError} when there is none */
async function named(runs: string, key: string | undefined, command: string): Promise<SweepRecord> {
  if (key === undefined) throw new UsageError(`Name a sweep: sweep ${command} KEY. \`sweep list\` prints them.`);
  const record = isSweepKey(key) ? await readSweep(runs, key) : undefined;
  if (record) return record;
  const known = (await listSweeps(runs)).map((own) => own.key);
  throw new UsageError(
    `There is no sweep ${quoted(key)} in ${runs}.${suggestion(key, known)} \`sweep list\` prints those that are there.`,
  );
}

/** How a sweep stands; without Slurm's words where it does not answer. */
async function statusOf(runs: string, record: SweepRecord, { console, runProgram }: SweepTools): Promise<SweepStatus> {
  try {
    return await statusWithSlurm(runs, record, ...(runProgram ? [runProgram] as const : [] as const));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.err(`Warning: ${error.message} What follows is from the runs' files alone.`);
    return await readSweepStatus(runs, record);
  }
}

async function list(runs: string, values: ReadonlyMap<string, string>, { console }: SweepTools): Promise<number> {
  const records = await listSweeps(runs);
  const rows: { readonly record: SweepRecord; readonly counts: ReturnType<typeof countStates> }[] = [];
  for (const record of records) {
    rows.push({ record, counts: countStates((await readSweepStatus(runs, record)).runs) });
  }
  if (values.has("--json")) {
    const all = rows.map(({ record: { key, title, created, updated, runs: own }, counts }) => ({
      key,
      title,
      created,
      updated,
      runs: own.length,
      counts,
    }));
    console.out(JSON.stringify({ schema: 1, sweeps: all }, null, 2));
    return 0;
  }
  if (rows.length === 0) {
    console.out(`There are no sweeps in ${runs}. \`deno task sweep fig26 --dry-run\` shows what one would take.`);
    return 0;
  }
  const columns = [
    { title: "sweep", align: "left" },
    { title: "runs", align: "right" },
    { title: "finished", align: "right" },
    { title: "failed", align: "right" },
    { title: "begun", align: "left" },
    { title: "", align: "left" },
  ] as const;
  const lines = formatTable(
    columns,
    rows.map(({ record: { key, title, created, runs: own }, counts: { finished, failed } }) => [
      key,
      String(own.length),
      String(finished),
      String(failed),
      legible(formatTime(created)),
      legible(title, 60),
    ]),
  );
  console.out(lines.join("\n"));
  return 0;
}

async function logs(
  runs: string,
  record: SweepRecord,
  name: string | undefined,
  values: ReadonlyMap<string, string>,
  tools: SweepTools,
): Promise<number> {
  const { console } = tools;
  const lines = values.get("--lines") ?? "40";
  if (!/^[1-9]\d{0,5}$/.test(lines)) {
    throw new UsageError(`--lines is ${quoted(lines)}, and it must be a whole number of at least 1.`);
  }
  const status = await readSweepStatus(runs, record);
  if (name === undefined) {
    const rows: string[][] = [];
    for (const [index, own] of status.runs.entries()) {
      if (!own.attempt) continue;
      const log = await logOf(runs, record, own);
      rows.push([String(index + 1), legible(own.run.name, 60), own.state, String(own.attempts), log ?? "–"]);
    }
    const columns = [
      { title: "#", align: "right" },
      { title: "run", align: "left" },
      { title: "state", align: "left" },
      { title: "attempts", align: "right" },
      { title: "log", align: "left" },
    ] as const;
    console.out(rows.length === 0 ? "Nobody has worked on its runs yet." : formatTable(columns, rows).join("\n"));
    return 0;
  }
  const own = runNamed(status, name);
  const { run, attempt } = own;
  if (!attempt) throw new Error(`Nobody has worked on ${legible(run.name)} (${run.id}) for this sweep yet.`);
  const where = `${attempt.job === null ? "" : `task ${legible(attempt.job)}, `}process ${attempt.pid} on ${
    legible(attempt.host)
  }`;
  const how = attempt.ended === null ? own.state : `${attempt.outcome ?? "ended"} ${legible(attempt.ended)}`;
  console.err(
    `${legible(run.name)} (${run.id}): attempt ${own.attempts}, ${where}, since ${legible(attempt.started)}: ${how}`,
  );
  if (attempt.error !== null) console.err(`Error: ${legible(attempt.error, 2000)}`);
  const log = await logOf(runs, record, own);
  if (log === undefined) {
    throw new Error(`There is no log of it: its submission ${legible(attempt.submission)} is gone.`);
  }
  const text = await Deno.readTextFile(log).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (text === undefined) throw new Error(`There is no log of it at ${log}.`);
  console.err(log);
  console.out(text.trimEnd().split("\n").slice(-Number(lines)).map((line) => legible(line, 1000)).join("\n"));
  return 0;
}

/** Where the newest attempt at a run said what it did; undefined when its submission is gone. */
async function logOf(
  runs: string,
  { key }: SweepRecord,
  { run, attempt }: SweepRunStatus,
): Promise<string | undefined> {
  if (!attempt) return undefined;
  try {
    const submission = await readSubmission(submissionPath(runs, key, attempt.submission));
    const index = submission.tasks.findIndex(({ id }) => id === run.id);
    return index < 0 ? undefined : logFile(runs, submission, index);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A run by its name, its number in the table, or the beginning of its id. */
function runNamed({ runs, record }: SweepStatus, name: string): SweepRunStatus {
  const exact = runs.find(({ run }) => run.name === name || run.id === name);
  if (exact) return exact;
  const byNumber = /^[1-9]\d{0,5}$/.test(name) ? runs[Number(name) - 1] : undefined;
  if (byNumber) return byNumber;
  const beginning = runs.filter(({ run }) => name !== "" && run.id.startsWith(name));
  const [only] = beginning;
  if (only && beginning.length === 1) return only;
  const names = runs.map(({ run }) => run.name);
  throw new UsageError(
    beginning.length > 1
      ? `More than one run of ${record.key} begins like ${quoted(name)}. Give more of the id.`
      : `The sweep ${record.key} has no run ${quoted(name)}.${
        suggestion(name, names)
      } Give a name, a number or the beginning of an ` +
        "id, as `sweep status` prints them.",
  );
}

async function cancel(runs: string, { key }: SweepRecord, { console, runProgram }: SweepTools): Promise<number> {
  let told = 0;
  for (const name of await submissionNames(runs, key)) {
    if (!isHeld(engineLock(runs, key, name))) continue;
    await writeWhole(engineStop(runs, key, name), "");
    told++;
  }
  if (told > 0) {
    console.out(`Told ${told === 1 ? "the sweep" : `${told} sweeps`} to stop: runs write their checkpoints and end.`);
  }
  const submissions = await listSubmissions(runs, key);
  const hasSlurm = submissions.some(({ engine }) => engine === "slurm");
  const cancelled = hasSlurm
    ? await cancelOnSlurm(runs, key, undefined, ...(runProgram ? [runProgram] as const : [] as const))
    : 0;
  if (cancelled > 0) console.out(`Cancelled ${cancelled} ${cancelled === 1 ? "task" : "tasks"} of Slurm's.`);
  if (told + cancelled === 0) console.out(`Nothing of ${key} waits or is at work.`);
  return 0;
}

function helpOf(name: string, { usage, description, flags }: Subcommand, console: Console): string {
  return formatHelp({
    what: `${description[0]?.toUpperCase() ?? ""}${description.slice(1)}.`,
    task: "sweep",
    usage: [name, usage].join(" ").trim(),
    flags: [...flags, ...commonFlags],
    examples: [[name, usage === "" ? "" : "fig26-scale-0.05"].join(" ").trim()],
  }, console);
}

function help(console: Console): string {
  const width = Math.max(...Object.entries(subcommands).map(([name, { usage }]) => `${name} ${usage}`.length)) + 4;
  return formatHelp({
    what:
      "Trains many runs for one question: an experiment's, all of the paper's, or those of a file of settings and axes " +
      "(examples/sweeps). Each run is the one that `lottery` would make of its settings, so what is there is never trained again.",
    task: "sweep",
    usage: "FILE|NAME",
    flags: startFlags,
    more: [
      "Of sweeps that are there:",
      ...Object.entries(subcommands).map(([name, { usage, description }]) =>
        `  ${`${name} ${usage}`.padEnd(width)}${description}`
      ),
    ],
    examples: [
      "fig26 --dry-run",
      "fig26 --scale 0.05 --levels 8 --replicates 1",
      "examples/sweeps/adam-rates.json --jobs 2",
      "paper --engine slurm --profile cluster.json",
      "status fig26-scale-0.05-levels-8-replicates-1",
    ],
  }, console);
}
