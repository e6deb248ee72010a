/**
 * `sweep draw`: the pictures of a sweep. An experiment's are those that `experiment` draws; a file's are early stop and accuracy of its
 * runs as far as they are few enough for one figure, and what settings came to as parallel coordinates.
 *
 * @module
 */
import { join } from "node:path";
import type { Experiment } from "../experiments/experiment.ts";
import { linesOf, speedAndAccuracy } from "../experiments/panels.ts";
import { experimentsFolder } from "../store/experiments.ts";
import { makeFolder, writeWhole } from "../store/files.ts";
import { parallelCoordinates } from "../plot/parallel_coordinates.ts";
import { standalone } from "../plot/styles.ts";
import { sweepFolder } from "../store/sweeps.ts";
import { coordinatesOf } from "../sweeps/coordinates.ts";
import type { SweepStatus } from "../sweeps/status.ts";
import type { SweepRun } from "../sweeps/sweep.ts";
import type { Console } from "./console.ts";
import { drawExperiment, experimentFiles } from "./experiment_files.ts";
import { formatView } from "./experiment_text.ts";
import { experimentIds, sweptExperiments } from "./sweep_prepare.ts";

/** Lines of more runs cannot be told apart. */
const mostRuns = 12;

/** What was drawn. */
export interface Drawn {
  /** Files of pictures, with their tables where they have some. */
  readonly files: readonly string[];
  /** Tables and notes, ready to print; of one figure alone. */
  readonly text: string | undefined;
}

/**
 * Draws what is there of a sweep.
 *
 * @throws {StorageError} when a file cannot be read or written
 */
export async function drawSweep(
  runs: string,
  status: SweepStatus,
  console: Pick<Console, "hasColour" | "columns">,
): Promise<Drawn> {
  const { record } = status;
  const { source } = record;
  const files: string[] = [];
  const texts: string[] = [];
  if (source.type === "experiment") {
    await makeFolder(join(runs, experimentsFolder));
    for (const swept of sweptExperiments(record)) {
      const ids = await experimentIds(runs, swept);
      if (!ids) continue;
      const { experiment, key } = swept;
      const own = experimentFiles(join(runs, experimentsFolder), key);
      const view = await drawExperiment(runs, { experiment, options: source.options, ids }, own);
      files.push(own.picture, own.text);
      texts.push(formatView(view, console));
    }
  } else if (record.runs.length <= mostRuns) {
    const own = experimentFiles(sweepFolder(runs, record.key), "levels");
    const ids = new Map(record.runs.map(({ name, id }) => [name, id]));
    await drawExperiment(runs, { experiment: figureOf(record.title, record.runs), options: {}, ids }, own);
    files.push(own.picture, own.text);
  }
  const coordinates = coordinatesOf(status);
  if (coordinates.axes.length > 1 && coordinates.lines.length > 1) {
    const path = join(sweepFolder(runs, record.key), "settings.svg");
    const { svg } = parallelCoordinates({ prefix: "sweep", title: record.title, ...coordinates });
    await writeWhole(path, standalone(svg));
    files.push(path);
  }
  return { files, text: texts.length === 1 ? texts[0] : undefined };
}

/** A file's runs as a figure. */
function figureOf(title: string, runs: readonly SweepRun[]): Experiment {
  return {
    name: "sweep",
    title,
    about: "Early stop and test accuracy of the runs of a sweep.",
    runs: runs.map(({ name, config: { preset, ...changes } }) => ({ name, preset, changes })),
    panels: speedAndAccuracy(linesOf(runs)),
    paper: [],
    reading: "The paper has no such figure.",
  };
}
