/**
 * Figure 27: learning rates of SGD, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { axis, type Grid, gridRuns } from "../grid.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenetAppendix, ourGrid } from "../sweeps.ts";

const grid: Grid = {
  preset: "lenet",
  base: { ...lenetAppendix, optimizer: "sgd" },
  axes: [axis("lr", [0.05, 0.1, 0.2, 0.4, 0.8, 1.6])],
};
const runs = gridRuns(grid);

/** Figure 27. */
export const fig27: Experiment = {
  name: "fig27",
  title: "Learning rates of SGD, LeNet",
  about: "LeNet by SGD at several learning rates. " + ourGrid,
  runs,
  grid,
  panels: speedAndAccuracy(linesOf(runs)),
  paper: [],
  reading: "Rates of 0.4 and 0.8 stop as early as the best of Adam, and keep that to less than 1 % of the weights.",
};
