/**
 * `runs export`: what was recorded, for other programs.
 *
 * @module
 */
import { join } from "node:path";
import { quoted } from "../data/quoted.ts";
import { armNames } from "../lottery/arms/names.ts";
import { loadTicket } from "../lottery/ticket.ts";
import { formatCompactTicket } from "../store/compact_ticket.ts";
import { exportCsv, type ExportedRun, exportJson, tables } from "../store/export.ts";
import { readOptional, writeWhole } from "../store/files.ts";
import { runIds } from "../store/index.ts";
import { armFolders, networkFile, readRun } from "../store/run_files.ts";
import { type Flag, parseArguments, suggestion, UsageError, userPath } from "./arguments.ts";
import { commonFlags, findRun, formatBytes, formatHelp, runsFolder } from "./run_lookup.ts";
import type { RunsTools } from "./runs.ts";

const formats = ["csv", "json", "safetensors"] as const;

const flags: readonly Flag[] = [
  { flag: "--all", description: "every run, instead of one" },
  { flag: "--format", value: "NAME", description: "csv, json, or safetensors for a ticket (csv)" },
  {
    flag: "--table",
    value: "NAME",
    description: "for csv: levels, a row per trained network, or metrics, a row per evaluation (levels); json has both",
  },
  { flag: "--ticket", value: "LEVEL", description: "the ticket of this level, as safetensors" },
  { flag: "--replicate", value: "N", description: "of this replicate (1)" },
  { flag: "--arm", value: "NAME", description: "the ticket's arm: ticket or a control's name (ticket)" },
  { flag: "--draw", value: "N", description: "of this draw, for a control (1)" },
  { flag: "--compact", description: "only the survivors of a ticket: their positions and values" },
  { flag: "--out", value: "FILE", description: "where to; else standard output, a ticket into a file named for it" },
  ...commonFlags,
];

/** Runs the command. */
export async function exportCommand(args: readonly string[], tools: RunsTools): Promise<number> {
  const { console } = tools;
  const { positionals: [name], values } = parseArguments(args, flags, 1);
  if (values.has("--help")) {
    console.out(
      formatHelp({
        what: "Exports what runs have recorded: a row per trained network or per evaluation, or one ticket.",
        usage: "export ID|--all",
        flags,
        more: ["docs/run-folder.md describes the columns and both forms of a ticket."],
        examples: [
          "export --all --table metrics --out metrics.csv",
          "export lenet-98b5 --format json",
          "export lenet-98b5 --ticket 12 --compact",
        ],
      }, console),
    );
    return 0;
  }
  const runs = runsFolder(values);
  const level = values.get("--ticket");
  const format = chosen("--format", values.get("--format") ?? (level === undefined ? "csv" : "safetensors"), formats);
  if (values.has("--all") === (name !== undefined)) {
    throw new UsageError(
      name === undefined
        ? "Name a run, or give --all."
        : `Cannot export ${quoted(name)} and --all: leave one of them out.`,
    );
  }
  if (format === "safetensors") {
    if (level === undefined || name === undefined) {
      throw new UsageError("Only one ticket of one run goes into safetensors: name the run, and give --ticket LEVEL.");
    }
    return await exportTicket(runs, findRun(runs, name, "export"), level, values, tools);
  }
  const misplaced = ["--ticket", "--replicate", "--arm", "--draw", "--compact"].find((flag) => values.has(flag));
  if (misplaced !== undefined) {
    throw new UsageError(`Cannot use ${misplaced} with --format ${format}: a ticket goes with --format safetensors.`);
  }
  if (format === "json" && values.has("--table")) {
    throw new UsageError("Cannot use --table with --format json, which has both tables: leave it out.");
  }
  const table = chosen("--table", values.get("--table") ?? "levels", tables);
  const ids = name === undefined ? runIds(runs) : [findRun(runs, name, "export")];
  const read: ExportedRun[] = [];
  for (const id of ids) {
    const { snapshot, ...run } = await readRun(runs, id);
    if (run.config) read.push({ ...run, records: snapshot?.records ?? [] });
    else if (name !== undefined) {
      throw new Error(`Cannot export ${id}: ${run.problems.join(" ")} \`runs verify ${id}\` says more.`);
    } else console.err(`Warning: ${id} is left out, for it is damaged. ${run.problems.join(" ")}`);
  }
  const pieces = await Array.fromAsync(format === "json" ? exportJson(read) : exportCsv(read, table));
  const text = pieces.join("");
  const out = values.get("--out");
  if (out === undefined) console.out(text.trimEnd());
  else {
    await writeWhole(userPath(out), text);
    console.err(`${userPath(out)}: ${read.length} ${read.length === 1 ? "run" : "runs"}, ${formatBytes(text.length)}`);
  }
  return 0;
}

async function exportTicket(
  runs: string,
  id: string,
  levelText: string,
  values: ReadonlyMap<string, string>,
  { console }: RunsTools,
): Promise<number> {
  if (values.has("--table")) throw new UsageError("Cannot use --table for a ticket: leave it out.");
  const level = wholeNumber("--ticket", levelText, 0);
  const replicate = wholeNumber("--replicate", values.get("--replicate") ?? "1", 1);
  const draw = wholeNumber("--draw", values.get("--draw") ?? "1", 1);
  const armName = chosen("--arm", values.get("--arm") ?? "ticket", armNames);
  const run = await readRun(runs, id);
  if (!run.config) throw new Error(`Cannot export ${id}: ${run.problems.join(" ")}`);
  const arm = (await armFolders(run.folder, run.config)).find((own) => own.name === armName);
  const path = arm ? networkFile(arm, "tickets", { level, replicate, draw }) : undefined;
  const bytes = path === undefined ? undefined : await readOptional(path);
  if (path === undefined || !bytes) {
    throw new UsageError(
      `Run ${id} has no ticket of arm ${armName}, level ${level}, replicate ${replicate}` +
        `${armName === "ticket" ? "" : `, draw ${draw}`}: it has arms ticket${
          run.config.controls.map((control) => `, ${control}`).join("")
        }, levels to ${run.config.levels} and ${run.config.replicates} replicates, ${run.done} of ${run.wanted} trained.`,
    );
  }
  // Read in any case: a damaged ticket is not passed on.
  const ticket = loadTicket(bytes, path);
  const exported = values.has("--compact") ? formatCompactTicket(ticket) : bytes;
  const name = `${id}-${armName}-level-${String(level).padStart(2, "0")}-replicate-${replicate}` +
    `${armName === "ticket" ? "" : `-draw-${draw}`}${values.has("--compact") ? ".compact" : ""}.safetensors`;
  const target = userPath(values.get("--out") ?? join(".", name));
  await writeWhole(target, exported);
  console.err(`${target}: ${formatBytes(exported.length)}`);
  return 0;
}

function chosen<Name extends string>(flag: string, value: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  throw new UsageError(`${flag} is ${quoted(value)}.${suggestion(value, known)} Choose one of ${known.join(", ")}.`);
}

function wholeNumber(flag: string, text: string, least: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`${flag} is ${quoted(text)}, and it must be a whole number of at least ${least}.`);
}
