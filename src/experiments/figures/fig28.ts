/**
 * Figure 28: learning rates of SGD with momentum, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { axis, type Grid, gridRuns } from "../grid.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenetAppendix, ourGrid } from "../sweeps.ts";

const grid: Grid = {
  preset: "lenet",
  base: { ...lenetAppendix, optimizer: "sgd", momentum: 0.9 },
  axes: [axis("lr", [0.0125, 0.025, 0.05, 0.1, 0.2])],
};
const runs = gridRuns(grid);

/** Figure 28. */
export const fig28: Experiment = {
  name: "fig28",
  title: "Learning rates of SGD with momentum, LeNet",
  about: "LeNet by SGD with a momentum of 0.9 at several learning rates. " + ourGrid,
  runs,
  grid,
  panels: speedAndAccuracy(linesOf(runs)),
  paper: [],
  reading: "Rates from 0.025 to 0.1 keep high accuracy and fast learning for the longest.",
};
