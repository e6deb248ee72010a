/**
 * `runs remove`: deletes a run.
 *
 * @module
 */
import { join } from "node:path";
import { type IndexedRun, listRuns } from "../store/index.ts";
import { removeRun } from "../store/remove.ts";
import { type Flag, parseArguments } from "./arguments.ts";
import { commonFlags, findRun, formatBytes, formatHelp, runsFolder } from "./run_lookup.ts";
import type { RunsTools } from "./runs.ts";

const flags: readonly Flag[] = [
  { flag: "--yes", description: "do not ask" },
  ...commonFlags,
];

/** Runs the command. */
export async function removeCommand(args: readonly string[], tools: RunsTools): Promise<number> {
  const { console } = tools;
  const { positionals: [name], values } = parseArguments(args, flags, 1);
  if (values.has("--help")) {
    const what = "Deletes a run with everything in its folder, after asking. A run that a process works on stays.";
    console.out(formatHelp({ what, usage: "remove ID", flags, examples: ["remove lenet-quick-02 --yes"] }, console));
    return 0;
  }
  const runs = runsFolder(values);
  // Only what is found among the runs is ever removed: no path, no link, no folder of anything else has an id.
  const id = findRun(runs, name, "remove");
  const run = (await listRuns(runs)).find((own) => own.id === id);
  const folder = join(runs, id);
  if (!values.has("--yes")) {
    const answer = (tools.confirm ?? ask)(`Remove run ${id} for good (${describe(run)}; ${folder})?`);
    if (answer === undefined) {
      throw new Error(`Cannot ask whether to remove run ${id}: this is no terminal. Add --yes to remove it unasked.`);
    }
    if (!answer) {
      console.err(`Run ${id} stays.`);
      return 0;
    }
  }
  await removeRun(runs, id);
  await listRuns(runs);
  console.err(`Run ${id} is removed.`);
  return 0;
}

function describe(run: IndexedRun | undefined): string {
  return run ? `${run.state}, ${run.done} of ${run.wanted} networks, ${formatBytes(run.bytes)}` : "unknown";
}

function ask(question: string): boolean | undefined {
  return Deno.stdin.isTerminal() && Deno.stdout.isTerminal() ? confirm(question) : undefined;
}
