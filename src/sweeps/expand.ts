/**
 * Experiments as sweeps: one by its name, or all of the paper's at once.
 *
 * @module
 */
import { quoted } from "../data/quoted.ts";
import type { Experiment, ExperimentRun } from "../experiments/experiment.ts";
import { type Axis, type Point, pointLabel } from "../experiments/grid.ts";
import { experimentOf, experiments } from "../experiments/registry.ts";
import { keyOf, scaledConfig, type ScaleOptions } from "../experiments/scale.ts";
import { titleOf } from "../experiments/view.ts";
import type { ExpandedSweep } from "./sweep.ts";

/** The sweep of all of the paper's figures. */
export const paperName = "paper";

const inPaper = experiments.filter(({ name }) => /^fig\d+$/.test(name));

/** What can be swept by its name: the experiments, and `paper` for all figures of the paper. */
export const sweepNames: readonly string[] = [paperName, ...experiments.map(({ name }) => name)];

/**
 * An experiment as a sweep, with the runs that `experiment` trains under the same options.
 *
 * @param name of the experiment, or `paper`
 * @throws {RangeError} when there is none of that name, or an option is out of range
 */
export function expandExperiment(name: string, options: ScaleOptions = {}): ExpandedSweep {
  const own = experimentsNamed(name);
  return {
    key: keyOf(name, options),
    title: titled(name),
    source: { type: "experiment", name, options },
    runs: experimentRuns(own).map((run) => ({ name: run.name, config: scaledConfig(run, options) })),
  };
}

/**
 * The experiments that a name stands for: one, or all figures of the paper.
 *
 * @throws {RangeError} when there is none of that name
 */
export function experimentsNamed(name: string): readonly Experiment[] {
  return name === paperName ? inPaper : [known(name)];
}

/** The runs of experiments. Those of several have the experiments before their names, `fig4 LeNet`, and are there once for each. */
export function experimentRuns(own: readonly Experiment[]): ExperimentRun[] {
  return own.flatMap(({ name, runs }) =>
    own.length === 1 ? runs : runs.map((run) => ({ ...run, name: `${name} ${run.name}` }))
  );
}

/**
 * An experiment as a sweep's file, to be changed: its base and axes where it is a grid, else itself by its name. The file expands to the
 * same runs.
 *
 * @param name of the experiment, or `paper`
 * @throws {RangeError} when there is none of that name
 */
export function definitionOf(name: string, options: ScaleOptions = {}): Readonly<Record<string, unknown>> {
  // The name itself is the experiment's.
  const named = { name: `my-${name}`, title: titled(name) };
  if (name === paperName) return { ...named, figures: inPaper.map((own) => own.name), ...options };
  const { grid } = known(name);
  if (!grid || grid.prefix !== undefined) return { ...named, figures: [name], ...options };
  const { preset, base, axes } = grid;
  return {
    ...named,
    preset,
    base,
    axes: Object.fromEntries(axes.map((own) => [own.name, own.points.map((point) => pointOf(own, point))])),
    ...options,
  };
}

/** A point as a file has it: the setting's value where that says everything. */
function pointOf({ name }: Axis, { label, preset, changes }: Point): unknown {
  const value = name in changes ? Reflect.get(changes, name) : undefined;
  if (preset === undefined && Object.keys(changes).length === 1 && label === pointLabel({ [name]: value })) {
    return value;
  }
  return { label, ...(preset === undefined ? {} : { preset }), ...changes };
}

function titled(name: string): string {
  return name === paperName ? "All figures of the paper" : titleOf(known(name));
}

function known(name: string): Experiment {
  const experiment = experimentOf(name);
  if (experiment) return experiment;
  throw new RangeError(`There is no experiment ${quoted(name)} to sweep. Choose one of ${sweepNames.join(", ")}.`);
}
