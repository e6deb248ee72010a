/**
 * What an experiment leaves for readers: its picture, its tables and its numbers.
 *
 * @module
 */
import { join } from "node:path";
import type { Experiment } from "../experiments/experiment.ts";
import type { ScaleOptions } from "../experiments/scale.ts";
import { type ExperimentView, viewOf } from "../experiments/view.ts";
import { standalone } from "../plot/styles.ts";
import { loadRuns } from "../store/experiments.ts";
import { writeJson, writeWhole } from "../store/files.ts";
import { formatMarkdown, jsonOf } from "./experiment_text.ts";

/** Where an experiment's files lie. */
export interface ExperimentFiles {
  /** The picture. */
  readonly picture: string;
  /** Tables as Markdown. */
  readonly text: string;
  /** The numbers as JSON. */
  readonly numbers: string;
}

/** The files of an experiment in a folder, by its key. */
export function experimentFiles(folder: string, key: string): ExperimentFiles {
  return {
    picture: join(folder, `${key}.svg`),
    text: join(folder, `${key}.md`),
    // Beside the record of the experiment's runs, which is <key>.json.
    numbers: join(folder, `${key}-numbers.json`),
  };
}

/**
 * Draws an experiment from what is there of its runs.
 *
 * @param ids by the runs' names; runs without one count as absent
 * @throws {StorageError} when a file cannot be read or written
 */
export async function drawExperiment(
  runs: string,
  { experiment, options, ids }: {
    readonly experiment: Experiment;
    readonly options: ScaleOptions;
    readonly ids: ReadonlyMap<string, string | null>;
  },
  files: ExperimentFiles,
): Promise<ExperimentView> {
  const view = viewOf(experiment, options, await loadRuns(runs, experiment, options, ids));
  await writeWhole(files.picture, standalone(view.sheet.svg));
  await writeWhole(files.text, formatMarkdown(view, files.picture));
  await writeJson(files.numbers, jsonOf(view));
  return view;
}
