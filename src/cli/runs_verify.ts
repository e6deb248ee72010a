/**
 * `runs verify`: whether runs' files are what they say.
 *
 * @module
 */
import { join } from "node:path";
import { quoted } from "../data/quoted.ts";
import { runIds } from "../store/index.ts";
import { RunLock } from "../store/lock.ts";
import { type Verification, verifyRun } from "../store/verify.ts";
import { type Flag, parseArguments, UsageError } from "./arguments.ts";
import { commonFlags, findRun, formatHelp, runsFolder } from "./run_lookup.ts";
import type { RunsTools } from "./runs.ts";

const flags: readonly Flag[] = [
  { flag: "--all", description: "every run, instead of one" },
  { flag: "--json", description: "print JSON" },
  ...commonFlags,
];

/** Runs the command. */
export async function verifyCommand(args: readonly string[], { console }: RunsTools): Promise<number> {
  const { positionals: [name], values } = parseArguments(args, flags, 1);
  if (values.has("--help")) {
    console.out(
      formatHelp({
        what:
          "Verifies runs: checksums of checkpoints, counts of survivors in every ticket against records and plan, " +
          "every\nevaluation there and in keeping with the summary, no file that does not belong. Exit code 1 when " +
          "anything is wrong.",
        usage: "verify ID|--all",
        flags,
        examples: ["verify --all"],
      }, console),
    );
    return 0;
  }
  if (values.has("--all") === (name !== undefined)) {
    throw new UsageError(
      name === undefined
        ? "Name a run, or give --all."
        : `Cannot verify ${quoted(name)} and --all: leave one of them out.`,
    );
  }
  const runs = runsFolder(values);
  const ids = name === undefined ? runIds(runs) : [findRun(runs, name, "verify")];
  const results: Verification[] = [];
  for (const id of ids) {
    const inUse = RunLock.isHeld(join(runs, id, "lock"));
    const result = inUse
      ? { id, problems: [], notes: ["A process is at work in it: not verified."], files: 0 }
      : await verifyRun(runs, id);
    results.push(result);
    if (!values.has("--json")) console.out(format(result));
  }
  if (values.has("--json")) console.out(JSON.stringify(results, null, 2));
  else if (ids.length === 0) console.err(`There are no runs in ${runs}.`);
  return results.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

function format({ id, problems, notes, files }: Verification): string {
  const verdict = problems.length > 0
    ? `${problems.length} ${problems.length === 1 ? "thing is" : "things are"} wrong`
    : files === 0
    ? "not verified"
    : `${files} files are whole and agree`;
  return [`${id}: ${verdict}`, ...problems.map((text) => `  ${text}`), ...notes.map((text) => `  Note: ${text}`)]
    .join("\n");
}
