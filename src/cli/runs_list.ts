/**
 * `runs list`: the runs that are there.
 *
 * @module
 */
import { quoted } from "../data/quoted.ts";
import { type IndexedRun, listRuns, runStates } from "../store/index.ts";
import { type Flag, parseArguments, suggestion, UsageError } from "./arguments.ts";
import { commonFlags, formatBytes, formatHelp, formatTime, runsFolder } from "./run_lookup.ts";
import type { RunsTools } from "./runs.ts";
import { formatTable } from "./table.ts";

/** What comes first under each key; runs without a value come last. */
const orders: Readonly<Record<string, { readonly first: string; readonly compare: Compare }>> = {
  created: { first: "newest first", compare: (a, b) => text(b.created, a.created) },
  updated: { first: "newest first", compare: (a, b) => text(b.updated, a.updated) },
  id: { first: "from a", compare: (a, b) => text(a.id, b.id) },
  preset: { first: "from a", compare: (a, b) => text(a.preset, b.preset) },
  state: { first: "running first", compare: (a, b) => runStates.indexOf(a.state) - runStates.indexOf(b.state) },
  accuracy: { first: "best first", compare: (a, b) => (b.bestAccuracy ?? -1) - (a.bestAccuracy ?? -1) },
  remaining: { first: "fewest weights first", compare: (a, b) => (a.bestRemaining ?? 2) - (b.bestRemaining ?? 2) },
  size: { first: "largest first", compare: (a, b) => b.bytes - a.bytes },
};

type Compare = (a: IndexedRun, b: IndexedRun) => number;

const flags: readonly Flag[] = [
  { flag: "--preset", value: "NAME", description: "only runs of this preset" },
  { flag: "--dataset", value: "NAME", description: "only runs on this data set" },
  { flag: "--state", value: "STATE", description: `only runs that are ${runStates.join(", ")}` },
  {
    flag: "--sort",
    value: "KEY",
    description: `${
      Object.entries(orders).map(([key, { first }]) => `${key} (${first})`).join(", ")
    }; created by default`,
  },
  { flag: "--json", description: "print JSON" },
  ...commonFlags,
];

/** Runs the command. */
export async function listCommand(args: readonly string[], { console }: RunsTools): Promise<number> {
  const { values } = parseArguments(args, flags, 0);
  if (values.has("--help")) {
    const what = "Lists runs: state, networks trained of those wanted, and the level with the lowest validation loss.";
    console.out(formatHelp({ what, usage: "list", flags, examples: ["list --preset lenet --sort accuracy"] }, console));
    return 0;
  }
  const state = values.get("--state");
  if (state !== undefined && !runStates.some((known) => known === state)) {
    throw new UsageError(
      `--state is ${quoted(state)}.${suggestion(state, runStates)} Choose one of ${runStates.join(", ")}.`,
    );
  }
  const key = values.get("--sort") ?? "created";
  const order = Object.hasOwn(orders, key) ? orders[key] : undefined;
  if (!order) {
    const known = Object.keys(orders);
    throw new UsageError(`--sort is ${quoted(key)}.${suggestion(key, known)} Choose one of ${known.join(", ")}.`);
  }
  const folder = runsFolder(values);
  const all = await listRuns(folder, { warn: (message) => console.err(`Warning: ${message}`) });
  for (const [flag, own] of [["--preset", "preset"], ["--dataset", "dataset"]] as const) {
    await refuseUnknown(flag, values.get(flag), all.map((run) => run[own]));
  }
  const wanted = (own: string | null, flag: string): boolean =>
    values.get(flag) === undefined || own === values.get(flag);
  const runs = all
    .filter((run) => wanted(run.preset, "--preset") && wanted(run.dataset, "--dataset") && wanted(run.state, "--state"))
    .sort((a, b) => order.compare(a, b) || text(a.id, b.id));
  if (values.has("--json")) {
    console.out(JSON.stringify(runs, null, 2));
    return 0;
  }
  if (runs.length === 0) {
    console.err(
      all.length === 0
        ? `There are no runs in ${folder}. \`deno task lottery\` makes one; --runs chooses another folder.`
        : `None of the ${all.length} runs in ${folder} is like that.`,
    );
    return 0;
  }
  console.out(format(runs).join("\n"));
  for (const { id, problem, state } of runs) {
    if (state === "damaged") console.err(`Warning: ${id} is damaged. ${problem ?? ""}`);
  }
  return 0;
}

function format(runs: readonly IndexedRun[]): string[] {
  return formatTable(
    [
      { title: "run", align: "left" },
      { title: "state", align: "left" },
      { title: "networks", align: "right" },
      { title: "levels", align: "right" },
      { title: "replicates", align: "right" },
      { title: "data", align: "left" },
      { title: "network", align: "left" },
      { title: "best", align: "right" },
      { title: "test there", align: "right" },
      { title: "created (UTC)", align: "left" },
      { title: "size", align: "right" },
    ],
    runs.map((run) => [
      run.id,
      run.state,
      `${run.done}/${run.wanted}`,
      String(run.levels ?? ""),
      String(run.replicates ?? ""),
      run.dataset ?? "",
      run.network ?? "",
      percent(run.bestRemaining, 1),
      percent(run.bestAccuracy, 2),
      formatTime(run.created),
      formatBytes(run.bytes),
    ]),
  );
}

/** A filter that no run passes may be a slip of the pen. What names there are is loaded only then. */
async function refuseUnknown(
  flag: "--preset" | "--dataset",
  value: string | undefined,
  present: readonly (string | null)[],
): Promise<void> {
  if (value === undefined || present.includes(value)) return;
  const { presetNames, settings } = await import("../lottery/config.ts");
  const known = flag === "--preset" ? presetNames : settings.find(({ key }) => key === "dataset")?.choices ?? [];
  if (known.some((name) => name === value)) return;
  throw new UsageError(`${flag} is ${quoted(value)}.${suggestion(value, known)} Choose one of ${known.join(", ")}.`);
}

/** As `percent()` of the analyses, which would load the loop for it. */
function percent(fraction: number | null, digits: number): string {
  return fraction === null ? "" : `${(fraction * 100).toFixed(digits)} %`;
}

function text(a: string | null, b: string | null): number {
  return a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b ? -1 : 1;
}
