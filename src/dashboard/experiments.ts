/**
 * Experiments as their pages and reports show them: which have results, how far those are, and one in full.
 *
 * @module
 */
import { workOf } from "../analysis/progress.ts";
import { quote } from "../cli/lottery_command_line.ts";
import type { Experiment } from "../experiments/experiment.ts";
import type { LoadedRun } from "../experiments/loaded_run.ts";
import { experimentOf, experiments } from "../experiments/registry.ts";
import { keyOf, scaledConfig, scaleOptionNames, type ScaleOptions, wordsOf } from "../experiments/scale.ts";
import { type ExperimentView, viewOf } from "../experiments/view.ts";
import { wantedNetworks } from "../lottery/wanted.ts";
import { type ExperimentRecord, loadRuns } from "../store/experiments.ts";
import { isRunId } from "../store/index.ts";
import type { ReadRun } from "./run_view.ts";
import type { RunRow } from "./types.ts";

/** How an experiment stands: as the least of its runs does, but running when one of them is. */
export type ExperimentState = "running" | "finished" | "unfinished" | "damaged" | "absent";

/** An experiment with results, in a list. */
export interface RecordedExperiment {
  /** The experiment. */
  readonly experiment: Experiment;
  /** What its files are called. */
  readonly key: string;
  /** What is other than in the paper. */
  readonly options: ScaleOptions;
  /** When its record was last written, in UTC. */
  readonly updated: string;
  /** How it stands. */
  readonly state: ExperimentState;
  /** Networks that are wanted and trained. */
  readonly done: number;
  /** Networks that are wanted. */
  readonly wanted: number;
}

/** An experiment in full. */
export interface ExperimentResult extends Omit<RecordedExperiment, "updated"> {
  /** When its record was last written, in UTC; null when there is none. */
  readonly updated: string | null;
  /** The ids of its runs, those that have not begun included. */
  readonly ids: readonly string[];
  /** Its runs, as far as they are. */
  readonly runs: readonly LoadedRun[];
  /** The runs as the dashboard lists them, by id. */
  readonly rows: ReadonlyMap<string, RunRow>;
  /** Figures, tables and notes; undefined when its files cannot be read. */
  readonly view: ExperimentView | undefined;
  /** Why not, in a sentence; null when they can be. */
  readonly problem: string | null;
}

/** Where experiments are read from. */
export interface ExperimentSource {
  /** The folder of runs. */
  readonly runs: string;
  /** A run; undefined for what is no run's id. */
  readonly read: (id: string) => Promise<ReadRun | undefined>;
}

/** An experiment as a list shows it; undefined when its record names no experiment that there is. */
export async function recordedExperiment(
  record: ExperimentRecord,
  { read }: ExperimentSource,
): Promise<RecordedExperiment | undefined> {
  const experiment = experimentOf(record.name);
  if (!experiment) return undefined;
  const { key, options, updated } = record;
  const about = { experiment, key, options, updated };
  try {
    const found = await readRuns(record.runs, read);
    const work = experiment.runs.map((run) =>
      workOf(scaledConfig(run, options), found.get(run.name)?.glance.records ?? [])
    );
    const done = work.reduce((sum, own) => sum + own.done, 0);
    const wanted = work.reduce((sum, own) => sum + own.wanted, 0);
    return { ...about, state: stateOf(done, wanted, [...found.values()].map(({ view }) => view.row)), done, wanted };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...about, state: "damaged", done: 0, wanted: 0 };
  }
}

/**
 * An experiment with all that its page shows; undefined when its record names no experiment that there is. Ids of the record that
 * are no runs' count as absent.
 */
export async function experimentResult(
  record: Pick<ExperimentRecord, "name" | "options" | "runs"> & { readonly updated: string | null },
  { runs: folder, read }: ExperimentSource,
): Promise<ExperimentResult | undefined> {
  const experiment = experimentOf(record.name);
  if (!experiment) return undefined;
  const { options, updated } = record;
  const ids = record.runs.flatMap(({ id }) => id !== null && isRunId(id) ? [id] : []);
  const about = { experiment, key: keyOf(record.name, options), options, updated, ids };
  const found = await readRuns(record.runs, read);
  const rows = new Map([...found.values()].map(({ view }) => [view.id, view.row]));
  try {
    const begun = new Map([...found].map(([name, { view }]) => [name, view.id]));
    const runs = await loadRuns(folder, experiment, options, begun);
    const [done, wanted] = [sumOf(runs, "done"), sumOf(runs, "wanted")];
    const state = updated === null ? "absent" : stateOf(done, wanted, [...rows.values()]);
    return { ...about, state, done, wanted, runs, rows, view: viewOf(experiment, options, runs), problem: null };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const nothing = { state: "damaged", done: 0, wanted: 0, runs: [], view: undefined } as const;
    return { ...about, ...nothing, rows, problem: error.message };
  }
}

/** Results in the order of the experiments, and those of one by key. */
export function inOrder(recorded: readonly RecordedExperiment[]): RecordedExperiment[] {
  return experiments.flatMap((experiment) => recorded.filter((own) => own.experiment === experiment));
}

/** What an experiment trains at the paper's scale. */
export function fullScale({ runs }: Experiment): { readonly runs: number; readonly networks: number } {
  return {
    runs: runs.length,
    networks: runs.reduce((sum, run) => sum + wantedNetworks(scaledConfig(run)).length, 0),
  };
}

/** The command that trains what is missing of an experiment, and draws it; or, as a sweep, hands it to an engine. */
export function experimentCommandLine(
  name: string,
  options: ScaleOptions,
  command: "experiment" | "sweep" = "experiment",
): string {
  return [
    `deno task ${command}`,
    name,
    ...scaleOptionNames.flatMap((option) => {
      const value = options[option];
      return value === undefined ? [] : [`--${wordsOf(option)} ${quote(String(value))}`];
    }),
  ].join(" ");
}

async function readRuns(
  runs: ExperimentRecord["runs"],
  read: ExperimentSource["read"],
): Promise<ReadonlyMap<string, ReadRun>> {
  const all = await Promise.all(
    runs.map(async ({ name, id }) => [name, id === null ? undefined : await read(id)] as const),
  );
  return new Map(all.flatMap(([name, run]) => run ? [[name, run] as const] : []));
}

function stateOf(done: number, wanted: number, rows: readonly RunRow[]): ExperimentState {
  if (rows.some(({ state }) => state === "running")) return "running";
  if (rows.some(({ state }) => state === "damaged")) return "damaged";
  return done === wanted ? "finished" : "unfinished";
}

function sumOf(runs: readonly LoadedRun[], key: "done" | "wanted"): number {
  return runs.reduce((sum, run) => sum + run[key], 0);
}
