/**
 * From what the user named to a sweep's runs with their ids.
 *
 * @module
 */
import { basename } from "node:path";
import type { Dataset, DatasetName } from "../data/dataset.ts";
import { legible, quoted } from "../data/quoted.ts";
import type { Experiment } from "../experiments/experiment.ts";
import { keyOf, type ScaleOptions } from "../experiments/scale.ts";
import { runId } from "../lottery/config.ts";
import type { PlanTable } from "../nn/plan.ts";
import { readExperiment, writeExperiment } from "../store/experiments.ts";
import { expandDefinition } from "../sweeps/definition.ts";
import { expandExperiment, experimentsNamed, sweepNames } from "../sweeps/expand.ts";
import { identifyRuns } from "../sweeps/identify.ts";
import type { ExpandedRun, ExpandedSweep, SweepRecord, SweepRun } from "../sweeps/sweep.ts";
import { suggestion, UsageError, userPath } from "./arguments.ts";
import { dataFolders, datasetOptions, loadDatasets } from "./dataset_folder.ts";
import { planChooser, readPlan } from "./lottery_plan.ts";
import { asUsage, refuseUnfit, type TrainingTools } from "./training.ts";

/**
 * The sweep that the user names: an experiment, or a file of settings and axes.
 *
 * @param options by flags; over a file's own
 * @throws {UsageError} when there is neither, or the file is wrong
 */
export async function expandNamed(name: string, options: ScaleOptions): Promise<ExpandedSweep> {
  if (sweepNames.includes(name)) return asUsage(() => expandExperiment(name, options));
  const path = userPath(name);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (!name.endsWith(".json") && cause instanceof Deno.errors.NotFound) {
      throw new UsageError(
        `There is no experiment ${quoted(name)}, and no file of that name.${suggestion(name, sweepNames)} ` +
          "`deno task experiment --list` names the experiments; a file is JSON, as in examples/sweeps.",
        { cause },
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `Cannot read the sweep ${legible(path, 300)}: ${legible(reason, 300)}. Give a file as in examples/sweeps.`,
      { cause },
    );
  }
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const expanded = expandDefinition(
      isObject ? { ...value, ...options } : value,
      basename(path).replace(/\.json$/, ""),
    );
    // The same file at another scale is another sweep.
    return { ...expanded, key: keyOf(expanded.key, options) };
  } catch (cause) {
    if (!(cause instanceof Error) || !["SyntaxError", "RangeError", "TypeError"].includes(cause.name)) throw cause;
    const { name: kind, message } = cause;
    const reason = kind === "SyntaxError" ? `it is not JSON (${legible(message, 200)}).` : message;
    throw new UsageError(`Cannot use the sweep ${legible(path, 300)}: ${reason}`, { cause });
  }
}

/** A sweep, ready to be handed over. */
export interface PreparedSweep extends Pick<SweepRecord, "key" | "title" | "source" | "runs"> {
  /** The id of each run under each of its names. */
  readonly ids: ReadonlyMap<string, string>;
  /** Digests of the data sets, by name. */
  readonly digests: Readonly<Record<string, string>>;
  /** The plan table that was given. */
  readonly table: PlanTable | undefined;
}

/** What a run's id depends on beside its settings. */
export interface IdentityFlags {
  /** The folder of runs. */
  readonly runs: string;
  /** `--data-dir`. */
  readonly dataDir: string | undefined;
  /** `--plan`. */
  readonly planPath: string | undefined;
}

/**
 * Gives the runs their ids.
 *
 * @throws {UsageError} when a data set or the plan table does not fit
 */
export async function prepareSweep(
  expanded: ExpandedSweep,
  flags: IdentityFlags,
  tools: Pick<TrainingTools, "loadDataset">,
): Promise<PreparedSweep> {
  const names = expanded.runs.map(({ config }) => config.dataset);
  const datasets = await loadDatasets(names, flags.dataDir, tools);
  for (const { config } of expanded.runs) {
    const dataset = datasets.get(config.dataset);
    if (dataset) refuseUnfit(config, dataset);
  }
  return await identified(expanded, flags, datasets);
}

/** A sweep, as far as its data is here. */
export interface PreparedWithoutData {
  /** The sweep; ids of runs on data that is not here mean nothing. */
  readonly sweep: PreparedSweep;
  /** Whether a run's id is the one that it will have. */
  readonly isIdKnown: (run: SweepRun) => boolean;
  /** Which data is not here, and why; sentences. */
  readonly missing: readonly string[];
}

/**
 * The same also where data sets are not here.
 *
 * @throws {UsageError} when the plan table cannot be used
 */
export async function prepareWithoutData(
  expanded: ExpandedSweep,
  flags: IdentityFlags,
  { loadDataset }: Pick<TrainingTools, "loadDataset">,
): Promise<PreparedWithoutData> {
  const datasets = new Map<DatasetName, Pick<Dataset, "digest">>();
  const missing: string[] = [];
  const names = new Set(expanded.runs.map(({ config }) => config.dataset));
  const folders = dataFolders([...names], flags.dataDir);
  for (const name of names) {
    try {
      datasets.set(name, await loadDataset(name, datasetOptions(name, folders[name])));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      missing.push(`${name} is not here, so its runs' ids are not known: ${legible(reason, 300)}`);
      datasets.set(name, { digest: noDigest });
    }
  }
  return {
    sweep: await identified(expanded, flags, datasets),
    isIdKnown: ({ config }) => datasets.get(config.dataset)?.digest !== noDigest,
    missing,
  };
}

/** Stands for the digest of data that is not here. */
const noDigest = "";

async function identified(
  { key, title, source, runs: expanded }: ExpandedSweep,
  { runs, planPath }: IdentityFlags,
  datasets: ReadonlyMap<DatasetName, Pick<Dataset, "digest">>,
): Promise<PreparedSweep> {
  const given = planPath === undefined ? undefined : await readPlan(userPath(planPath));
  const choose = await planChooser(runs, given);
  const digests = new Map([...datasets].map(([name, { digest }]) => [name, digest]));
  const hashes = new Map<ExpandedRun, string>();
  const planHashOfRun = async (run: ExpandedRun, dataDigest: string): Promise<string> => {
    const { hash } = await choose(run.config, dataDigest);
    hashes.set(run, hash);
    return hash;
  };
  const found = await identifyRuns(expanded, { digests, planHashOfRun });
  const ids = new Map<string, string>();
  for (const run of expanded) {
    const [dataDigest, planHash] = [digests.get(run.config.dataset) ?? noDigest, hashes.get(run) ?? ""];
    ids.set(run.name, await runId(run.config, { dataDigest, planHash }));
  }
  return { key, title, source, runs: found, ids, digests: Object.fromEntries(digests), table: given?.table };
}

/** An experiment of a sweep: its figure. */
export interface SweptExperiment {
  /** The experiment. */
  readonly experiment: Experiment;
  /** What it is kept under. */
  readonly key: string;
  /** What stands before its runs' names in the sweep. */
  readonly prefix: string;
}

/** The experiments that a sweep is made of: one, or all figures of the paper; none of a file's. */
export function sweptExperiments({ source }: Pick<SweepRecord, "source">): SweptExperiment[] {
  if (source.type !== "experiment" || !sweepNames.includes(source.name)) return [];
  const all = experimentsNamed(source.name);
  return all.map((experiment) => ({
    experiment,
    key: keyOf(experiment.name, source.options),
    // Of several, `experimentRuns()` calls a run by its experiment and its name.
    prefix: all.length === 1 ? "" : `${experiment.name} `,
  }));
}

/** Writes down which runs the experiments of a sweep have, as `experiment` does, so that figures, report and dashboard find them. */
export async function writeExperiments(runs: string, sweep: PreparedSweep): Promise<void> {
  for (const { experiment, key, prefix } of sweptExperiments(sweep)) {
    if (sweep.source.type !== "experiment") return;
    const own = experiment.runs.map(({ name }) => ({ name, id: sweep.ids.get(prefix + name) ?? null }));
    await writeExperiment(runs, { name: experiment.name, key, options: sweep.source.options, runs: own });
  }
}

/** The ids of an experiment's runs by their names, as they were written down. */
export async function experimentIds(
  runs: string,
  { key }: SweptExperiment,
): Promise<Map<string, string | null> | undefined> {
  const record = await readExperiment(runs, key);
  return record && new Map(record.runs.map(({ name, id }) => [name, id]));
}
