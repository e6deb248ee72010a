/**
 * `experiment`: one figure of the paper, from its runs to its picture.
 *
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { quoted } from "../data/quoted.ts";
import type { Experiment, ExperimentRun } from "../experiments/experiment.ts";
import { needsOf } from "../experiments/loaded_run.ts";
import { experimentOf, experiments } from "../experiments/registry.ts";
import { keyOf, scaledConfig } from "../experiments/scale.ts";
import { titleOf } from "../experiments/view.ts";
import { type LotteryConfig, runId } from "../lottery/config.ts";
import { experimentsFolder, loadRuns, readExperiment, writeExperiment } from "../store/experiments.ts";
import { assertWritable, makeFolder } from "../store/files.ts";
import { RunStore } from "../store/run_store.ts";
import { describeFlags, type Flag, parseArguments, suggestion, UsageError, userPath } from "./arguments.ts";
import { type Console, quietOutput, styled, wrap } from "./console.ts";
import { dataDirFlag, loadDatasets } from "./dataset_folder.ts";
import { drawExperiment, experimentFiles } from "./experiment_files.ts";
import { measureLines } from "./experiment_lines.ts";
import { formatView, jsonOf } from "./experiment_text.ts";
import { type HashedPlan, planForSettings, readPlan } from "./lottery_plan.ts";
import { group } from "./progress.ts";
import { chosenRuns, scaleFlags, scaleOptionsOf } from "./scale_flags.ts";
import { formatTable } from "./table.ts";
import { asUsage, refuseUnfit, type TrainingTools, trainRun } from "./training.ts";

/** What the command works with; tests put their own here. */
export interface ExperimentTools extends TrainingTools {
  /** Measures errors along lines between trained networks. */
  readonly measureLines: typeof measureLines;
}

/** What it works with outside of tests, beside what `lottery` does. */
export const experimentTools: Pick<ExperimentTools, "measureLines"> = { measureLines };

const flags: readonly Flag[] = [
  ...scaleFlags,
  {
    flag: "--only",
    value: "RUN[,RUN]",
    description: "train these runs alone; what is there of the others is drawn too",
  },
  { flag: "--draw", description: "train nothing: draw what is there" },
  { flag: "--runs", value: "DIR", description: "where runs are kept (./runs)" },
  dataDirFlag,
  { flag: "--plan", value: "FILE", description: "a plan table, as `lottery --plan` takes it (the table that ships)" },
  {
    flag: "--out",
    value: "DIR",
    description: "where the picture and its tables go (experiments, in the runs' folder)",
  },
  { flag: "--list", description: "list the experiments" },
  { flag: "--json", description: "print the numbers as JSON and nothing else; progress goes to standard error" },
  { flag: "--verbose", description: "print the networks' layers and what is allocated on the device" },
  { flag: "--help", description: "print this" },
];

/** A run of the experiment, ready to be trained. */
interface PreparedRun {
  readonly run: ExperimentRun;
  readonly config: LotteryConfig;
  readonly dataset: Dataset;
  readonly id: string;
  readonly plan: HashedPlan;
}

/**
 * Runs the command.
 *
 * @returns the exit code: 0, or 130 when the signal ended it
 * @throws {UsageError} for wrong arguments
 */
export async function experimentCommand(args: readonly string[], tools: ExperimentTools): Promise<number> {
  const { console } = tools;
  const { positionals: [name], values } = parseArguments(args, flags, 1);
  if (values.has("--help")) {
    console.out(help(console));
    return 0;
  }
  if (name === undefined || values.has("--list")) {
    console.out(listing(console));
    return 0;
  }
  const experiment = named(name);
  const options = scaleOptionsOf(values);
  const chosen = chosenRuns(experiment.runs, values.get("--only"), experiment.name);
  const configs = asUsage(() => chosen.map((run) => ({ run, config: scaledConfig(run, options) })));
  const runs = userPath(values.get("--runs") ?? "runs");
  const planPath = values.get("--plan");
  const given = planPath === undefined ? undefined : await readPlan(userPath(planPath));
  const datasets = await loadDatasets(configs.map(({ config }) => config.dataset), values.get("--data-dir"), tools);
  const prepared: PreparedRun[] = [];
  for (const { run, config } of configs) {
    const dataset = datasets.get(config.dataset);
    if (!dataset) throw new Error("unreachable: every data set is loaded");
    refuseUnfit(config, dataset);
    const plan = await planForSettings(runs, config, { dataDigest: dataset.digest, given, isResumed: true });
    const id = await runId(config, { dataDigest: dataset.digest, planHash: plan.hash });
    prepared.push({ run, config, dataset, id, plan });
  }

  const key = keyOf(experiment.name, options);
  const out = userPath(values.get("--out") ?? join(runs, experimentsFolder));
  const files = experimentFiles(out, key);
  await makeFolder(out);
  await assertWritable(files.picture);
  const before = await readExperiment(runs, key);
  const ids = new Map(experiment.runs.map((run) => [
    run.name,
    prepared.find((own) => own.run === run)?.id ?? before?.runs.find((own) => own.name === run.name)?.id ?? null,
  ]));
  await writeExperiment(runs, {
    name: experiment.name,
    key,
    options,
    runs: [...ids].map(([run, id]) => ({ name: run, id })),
  });
  if (!values.has("--draw")) {
    const code = await trainAll(experiment, prepared, runs, tools, values.has("--verbose"));
    if (code !== 0) return code;
  }
  const view = await drawExperiment(runs, { experiment, options, ids }, files);
  const report = values.has("--json") ? quietOutput(console) : console;
  if (values.has("--json")) console.out(JSON.stringify(jsonOf(view), null, 2));
  report.out(`\n${formatView(view, report)}\n\nPicture: ${files.picture}\nTables:  ${files.text}`);
  return 0;
}

/** Trains what is missing of each run, and measures the lines that the panels show. */
async function trainAll(
  experiment: Experiment,
  prepared: readonly PreparedRun[],
  runs: string,
  tools: ExperimentTools,
  verbose: boolean,
): Promise<number> {
  const { console, signal } = tools;
  const note = (text: string): void => console.err(text);
  for (const line of await outlook(experiment, prepared, runs)) note(line);
  for (const [index, { run, config, dataset, id, plan: { hash: planHash, ...plan } }] of prepared.entries()) {
    const warn = (message: string): void => note(`Warning: ${message}`);
    await using store = await RunStore.open(runs, { id, config, dataset, planHash, plan }, { warn });
    if (store.progress.state === "finished") {
      await store.completeSummary();
      continue;
    }
    note(`\nRun ${index + 1} of ${prepared.length}: ${run.name} (${store.folder})`);
    const code = await trainRun(
      store,
      config,
      { dataset, plan: plan.table, verbose, goingOn: "the same command" },
      tools,
    );
    if (code !== 0) return code;
  }
  for (const { run, config, dataset, id, plan } of prepared) {
    const [loaded] = await loadRuns(runs, { ...experiment, runs: [run], panels: [] }, {}, new Map([[run.name, id]]));
    if (!loaded?.summary) continue;
    const { lines: levels } = needsOf(experiment, run.name, { ...loaded.summary, config });
    if (levels.length === 0) continue;
    try {
      await tools.measureLines({ runs, id, config, plan: plan.table, levels, dataset, signal, note });
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error;
      note("Stopped. The lines that were measured are kept; the same command goes on.");
      return 130;
    }
  }
  return 0;
}

/** What it will take: networks of each run, and how many of them are there already. */
async function outlook(experiment: Experiment, prepared: readonly PreparedRun[], runs: string): Promise<string[]> {
  const rows: string[][] = [];
  for (const { run, config, dataset, id, plan: { hash: planHash } } of prepared) {
    await using store = await RunStore.open(runs, { id, config, dataset, planHash });
    const { done, wanted, state } = store.progress;
    rows.push([
      run.name,
      id,
      config.dataset,
      group(config.iterations),
      group(wanted),
      state === "finished" ? "all" : done === 0 ? "none" : group(done),
    ]);
  }
  const columns = [
    { title: "run", align: "left" },
    { title: "id", align: "left" },
    { title: "data", align: "left" },
    { title: "iterations", align: "right" },
    { title: "networks", align: "right" },
    { title: "there", align: "right" },
  ] as const;
  return [titleOf(experiment), ...formatTable(columns, rows)];
}

function named(name: string): Experiment {
  const experiment = experimentOf(name);
  if (experiment) return experiment;
  const known = experiments.map((own) => own.name);
  throw new UsageError(
    `There is no experiment ${quoted(name)}.${suggestion(name, known)} \`experiment --list\` names them.`,
  );
}

function listing(console: Pick<Console, "columns">): string {
  const width = Math.max(...experiments.map(({ name }) => name.length)) + 2;
  const room = Math.min(console.columns(), 110) - width - 2;
  return experiments.map(({ name, title }) =>
    `  ${name.padEnd(width)}${wrap(title, room).replaceAll("\n", `\n${" ".repeat(width + 2)}`)}`
  ).join("\n");
}

function help(console: Console): string {
  const columns = Math.min(console.columns(), 110);
  const title = (text: string): string => styled(console, "bold", text);
  return [
    wrap(
      "Reproduces one figure of the paper: trains its runs as far as they are not there, and ends with the figure, its tables and the " +
        "paper's values beside ours. Without flags everything is as in the paper, which takes a GPU. What is smaller is marked.",
      columns,
    ),
    "",
    `${title("Usage")}  deno task experiment NAME [flags]`,
    "",
    title("Flags"),
    describeFlags(flags, columns, (text) => text),
    "",
    wrap(
      "Stopped with Ctrl-C, the same command goes on. Experiments with equal runs share them, and so does `lottery` with their settings.",
      columns,
    ),
    "",
    title("Examples"),
    "  deno task experiment --list",
    "  deno task experiment fig4 --scale 0.05 --levels 12 --replicates 2 --reinit-draws 1",
    "  deno task experiment fig5 --scale 0.1 --width 0.25 --levels 6 --replicates 1 --only Conv-2",
    "  deno task experiment fig4 --draw                    what is there of the paper's full scale",
  ].join("\n");
}
