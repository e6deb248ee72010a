/**
 * `runs show`: a run in full.
 *
 * @module
 */
import { join } from "node:path";
import { kernelsByLevel } from "../analysis/kernel_words.ts";
import { listRuns } from "../store/index.ts";
import { hasOwnPlan } from "../store/manifest.ts";
import { readRun, type RecordedRun } from "../store/run_files.ts";
import { type Flag, parseArguments } from "./arguments.ts";
import { styled, wrap } from "./console.ts";
import { changedSettings, commandOf, quote } from "./lottery_command_line.ts";
import { formatSummary } from "./report.ts";
import { commonFlags, findRun, formatBytes, formatHelp, formatTime, runsFolder } from "./run_lookup.ts";
import type { RunsTools } from "./runs.ts";

const flags: readonly Flag[] = [
  { flag: "--json", description: "print JSON: index, config, manifest, summary and command" },
  ...commonFlags,
];

/** Runs the command. */
export async function showCommand(args: readonly string[], { console }: RunsTools): Promise<number> {
  const { positionals: [name], values } = parseArguments(args, flags, 1);
  if (values.has("--help")) {
    const what = "Shows what a run came to, what it was made with, and the command that makes it again.";
    console.out(formatHelp({ what, usage: "show ID", flags, examples: ["show lenet-quick-02"] }, console));
    return 0;
  }
  const runs = runsFolder(values);
  const id = findRun(runs, name, "show");
  const indexed = (await listRuns(runs, { warn: (message) => console.err(`Warning: ${message}`) }))
    .find((run) => run.id === id);
  const run = await readRun(runs, id);
  const { config, manifest, summary, problems, warnings } = run;
  const command = await commandLine(run);
  if (values.has("--json")) {
    console.out(
      JSON.stringify(
        {
          schema: 1,
          index: indexed ?? null,
          config: config ?? null,
          manifest: manifest ?? null,
          summary: summary ?? null,
          command,
          problems,
          warnings,
        },
        null,
        2,
      ),
    );
    return 0;
  }
  for (const message of warnings) console.err(`Warning: ${message}`);
  const state = indexed?.state ?? run.state;
  console.out(
    [
      styled(console, "bold", `Run ${id}: ${state}, ${run.done} of ${run.wanted} networks trained`),
      ...problems.map((problem) => wrap(problem, console.columns())),
      "",
      ...facts(run, indexed?.bytes ?? 0, indexed?.updated ?? null, command),
      ...(summary ? ["", formatSummary(summary, console)] : []),
    ].join("\n"),
  );
  return 0;
}

/** A run made with `--fresh` has a number behind its id, and needs the flag again to be made beside the others. */
async function commandLine({ id, folder, config, manifest }: RecordedRun): Promise<string | null> {
  if (!config) return null;
  const plan = await hasOwnPlan(manifest) ? ` --plan ${quote(join(folder, "manifest.json"))}` : "";
  return `${commandOf(config, join(folder, "config.json"))}${plan}${/-[0-9a-f]{10}-\d+$/.test(id) ? " --fresh" : ""}`;
}

function facts(
  { folder, config, manifest, summary }: RecordedRun,
  bytes: number,
  updated: string | null,
  command: string | null,
): string[] {
  const rows: [string, string][] = [["folder", `${folder} (${formatBytes(bytes)})`]];
  const first = manifest?.sessions[0];
  const last = manifest?.sessions.at(-1);
  if (manifest && first && last) {
    const { data, adapter, sessions, plan, planHash } = manifest;
    rows.push(
      [
        "made",
        `from ${formatTime(first.started)} to ${formatTime(updated)} UTC, in ${sessions.length} ${
          sessions.length === 1 ? "session" : "sessions"
        }`,
      ],
      ["adapter", `${adapter.name} (driver ${adapter.driver}, ${adapter.kind})`],
      ["data", `${data.name}${data.original ? "" : ", not the original files"}, digest ${data.digest}`],
      [
        "versions",
        `winnow ${last.winnow}${last.gitRevision ? ` (${last.gitRevision.slice(0, 10)})` : ""}, deno ${last.deno}, ` +
        `v8 ${last.v8}, ${last.platform}`,
      ],
      ["plan table", plan ? `${planHash}, ${plan.from === "shipped" ? "shipped" : `from ${plan.from}`}` : planHash],
    );
  }
  const tickets = summary?.arms.find(({ name }) => name === "ticket")?.levels ?? [];
  for (const { levels, kernels } of kernelsByLevel(tickets)) rows.push(["kernels", `${levels}: ${kernels}`]);
  if (config) {
    const changes = changedSettings(config).map(({ flag, value }) => `${flag} ${value}`).join(" ");
    rows.push(["settings", `${config.preset}${changes === "" ? "" : ` with ${changes}`}`]);
  }
  if (command !== null) rows.push(["again", command]);
  return rows.map(([name, value]) => `${name.padEnd(12)}${value}`);
}
