/**
 * `report`: a run or an experiment as one HTML page, to be sent or printed.
 *
 * @module
 */
import { quoted } from "../data/quoted.ts";
import { Dashboard } from "../dashboard/dashboard.ts";
import { usualCurves } from "../dashboard/run_choices.ts";
import { experimentOf } from "../experiments/registry.ts";
import { writeWhole } from "../store/files.ts";
import { hasOwnPlan } from "../store/manifest.ts";
import { describeFlags, type Flag, parseArguments, UsageError, userPath } from "./arguments.ts";
import { type Console, styled, wrap } from "./console.ts";
import { experimentReport, runReport } from "./report_page.ts";
import { findRun, runsFolder } from "./run_lookup.ts";

const flags: readonly Flag[] = [
  { flag: "--out", value: "FILE", description: "where the page goes (./ID.html); what is there is replaced" },
  { flag: "--runs", value: "DIR", description: "where runs are kept (./runs)" },
  { flag: "--help", description: "print this" },
];

/**
 * Runs the command.
 *
 * @returns the exit code
 * @throws {UsageError} for wrong arguments, and for a run or an experiment that is not there
 * @throws {Error} when an experiment's results cannot be read
 * @throws {StorageError} when the page cannot be written
 */
export async function reportCommand(
  args: readonly string[],
  { console }: { readonly console: Console },
): Promise<number> {
  const { positionals: [name], values } = parseArguments(args, flags, 1);
  if (values.has("--help")) {
    console.out(help(console));
    return 0;
  }
  if (name === undefined) {
    throw new UsageError(
      "Name a run or an experiment: report ID, or report KEY. `runs list` prints the runs, and the experiments that have " +
        "results are in `experiments` in their folder.",
    );
  }
  const runs = runsFolder(values);
  // What reads runs for pages reads them for reports; nothing is served, and no token is asked for.
  await using dashboard = Dashboard.open({ runs, token: "", canControl: false, host: "127.0.0.1" });
  const key = await experimentKey(dashboard, name);
  const id = key ?? findRun(runs, name, "show");
  const page = key === undefined ? await pageOfRun(dashboard, id) : await pageOfExperiment(dashboard, key);
  const path = userPath(values.get("--out") ?? `${id}.html`);
  await writeWhole(path, page);
  console.out(path);
  return 0;
}

/** The key of the experiment that is meant, by its key or its name; undefined for what is no experiment. */
async function experimentKey(dashboard: Dashboard, name: string): Promise<string | undefined> {
  const recorded = await dashboard.listExperiments();
  if (recorded.some(({ key }) => key === name)) return name;
  const own = recorded.filter(({ experiment }) => experiment.name === name).map(({ key }) => key);
  if (own.length > 1) {
    throw new UsageError(`There is more than one result of ${name}: ${own.join(", ")}. Name one of them.`);
  }
  if (own[0] === undefined && experimentOf(name)) {
    throw new UsageError(
      `There is no result of ${name} in ${dashboard.runs}: \`experiment ${name}\` makes one. Choose another folder with --runs.`,
    );
  }
  return own[0];
}

async function pageOfRun(dashboard: Dashboard, id: string): Promise<string> {
  const run = await dashboard.readRun(id);
  if (!run) {
    throw new UsageError(`There is no run ${quoted(id)} in ${dashboard.runs} any more. \`runs list\` prints all.`);
  }
  const curves = await dashboard.readCurves(id, usualCurves) ?? [];
  return runReport({ run, curves, hasOwnPlan: await hasOwnPlan(run.manifest) });
}

async function pageOfExperiment(dashboard: Dashboard, key: string): Promise<string> {
  const result = await dashboard.readExperiment(key);
  if (!result?.view) {
    const why = result?.problem ?? "its record cannot be read.";
    throw new Error(`Cannot report ${key}: ${why} \`runs verify\` examines the files of its runs.`);
  }
  const ids = [...new Set(result.runs.flatMap(({ id }) => id ?? []))];
  const runs = (await Promise.all(ids.map((id) => dashboard.readRun(id)))).filter((run) => run !== undefined);
  return experimentReport({
    result,
    view: result.view,
    runs: await Promise.all(runs.map(async (run) => ({ run, hasOwnPlan: await hasOwnPlan(run.manifest) }))),
  });
}

function help(console: Console): string {
  const columns = Math.min(console.columns(), 110);
  const title = (text: string): string => styled(console, "bold", text);
  return [
    wrap(
      "Binds a run or an experiment into one HTML page: what came out, figures, tables, settings, the command that makes it again, " +
        "and what it was made with. The page stands alone: it has no script and asks for nothing, so it can be sent, kept and printed.",
      columns,
    ),
    "",
    `${title("Usage")}  deno task report ID|KEY [flags]`,
    "",
    title("Flags"),
    describeFlags(flags, columns, (text) => text),
    "",
    wrap(
      "ID is a run's, and may be cut short as long as only one run begins like it. KEY is an experiment's, or its name where it has " +
        "one result.",
      columns,
    ),
    "",
    title("Examples"),
    "  deno task report lenet-quick-02",
    "  deno task report fig4 --out figure-4.html",
  ].join("\n");
}
