/**
 * Figure 26: learning rates of Adam, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { axis, type Grid, gridRuns } from "../grid.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenetAppendix, ourGrid } from "../sweeps.ts";

const grid: Grid = {
  preset: "lenet",
  base: lenetAppendix,
  axes: [axis("lr", [2.5e-5, 2e-4, 6e-4, 1.2e-3, 2e-3, 6.4e-3])],
};
const runs = gridRuns(grid);

/** Figure 26. */
export const fig26: Experiment = {
  name: "fig26",
  title: "Learning rates of Adam, LeNet",
  about: "LeNet by Adam at several learning rates. " + ourGrid,
  runs,
  grid,
  panels: speedAndAccuracy(linesOf(runs)),
  paper: [],
  reading:
    "Rates from 0.0002 to 0.002 are about as accurate, and 0.0012 and 0.002 the fastest; the pattern is there at all " +
    "of them.",
};
