/**
 * What the commands of `runs` share: the folder of runs, a run by the beginning of its id, help.
 *
 * @module
 */
import leven from "npm:leven@4.1.0";
import { quoted } from "../data/quoted.ts";
import { runIds } from "../store/index.ts";
import { describeFlags, type Flag, UsageError, userPath } from "./arguments.ts";
import type { Console } from "./console.ts";

export { formatBytes } from "../analysis/words.ts";

/** Flags of every command. */
export const commonFlags: readonly Flag[] = [
  { flag: "--runs", value: "DIR", description: "where runs are kept (./runs)" },
  { flag: "--help", description: "print this" },
];

/** The folder of runs that the arguments name. */
export function runsFolder(values: ReadonlyMap<string, string>): string {
  return userPath(values.get("--runs") ?? "runs");
}

/**
 * The id of the run that is meant: the one of that id, or the only one that begins like it.
 *
 * @param command for the error, such as `show`
 * @throws {UsageError} when there is none or more than one
 */
export function findRun(runs: string, id: string | undefined, command: string): string {
  if (id === undefined) throw new UsageError(`Name a run: runs ${command} ID. \`runs list\` prints them.`);
  const ids = runIds(runs);
  const beginning = ids.includes(id) ? [id] : id === "" ? [] : ids.filter((known) => known.startsWith(id));
  const [only] = beginning;
  if (beginning.length === 1 && only !== undefined) return only;
  if (beginning.length > 1) {
    throw new UsageError(`More than one run begins like ${quoted(id)}: ${listed(beginning)}. Give more of the id.`);
  }
  if (ids.length === 0) {
    throw new UsageError(`There is no run ${quoted(id)}: ${runs} has none. Choose another with --runs.`);
  }
  const near = nearest(id, ids);
  const hint = near.length === 0 ? "" : ` Near ones are ${listed(near)}.`;
  throw new UsageError(`There is no run ${quoted(id)} in ${runs}.${hint} \`runs list\` prints all.`);
}

/** Help of a command, with an example. */
export function formatHelp(
  { task = "runs", what, usage, flags, more = [], examples }: {
    /** The task that the command is of. */
    readonly task?: string;
    readonly what: string;
    readonly usage: string;
    readonly flags: readonly Flag[];
    readonly more?: readonly string[];
    readonly examples: readonly string[];
  },
  console: Console,
): string {
  return [
    what,
    "",
    `Usage  deno task ${task} ${usage} [flags]`,
    "",
    describeFlags(flags, Math.min(console.columns(), 110), (text) => text),
    "",
    ...(more.length > 0 ? [...more, ""] : []),
    ...examples.map((example, index) => `${index === 0 ? "Example" : "       "}  deno task ${task} ${example}`),
  ].join("\n");
}

/** A time as a user reads it: UTC, without seconds. */
export function formatTime(iso: string | null): string {
  return iso === null ? "" : iso.slice(0, 16).replace("T", " ");
}

/** Up to three ids that are a few letters away, whole or with as much of them as was given. */
function nearest(id: string, ids: readonly string[]): string[] {
  if (id.length > 100) return []; // no slip of a finger, and the search takes time with the length
  const most = Math.max(2, Math.floor(id.length / 3));
  return ids
    .map((known) => ({ known, distance: Math.min(leven(id, known), leven(id, known.slice(0, id.length))) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ known }) => known);
}

function listed(ids: readonly string[]): string {
  return ids.length > 6 ? `${ids.slice(0, 6).join(", ")} and ${ids.length - 6} more` : ids.join(", ");
}
