/**
 * Figure 31: layer sizes, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Grid, gridRuns } from "../grid.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenetAppendix, ourGrid } from "../sweeps.ts";

/** Three to one, as the paper keeps it; the largest first, of which the others are shares. */
const sizes = [[900, 300], [600, 200], [300, 100], [150, 50], [75, 25]] as const;
const grid: Grid = {
  preset: "lenet",
  base: lenetAppendix,
  axes: [{
    name: "width",
    points: sizes.map(([first, second]) => ({ label: `${first}-${second}`, changes: { width: first / 300 } })),
  }],
};
const runs = gridRuns(grid);

/** Figure 31. */
export const fig31: Experiment = {
  name: "fig31",
  title: "Layer sizes, LeNet",
  about: "LeNet with hidden layers of several sizes, against the number of weights that remain. " + ourGrid,
  runs,
  grid,
  panels: speedAndAccuracy(linesOf(runs), "", { x: "weights" }),
  paper: [],
  reading:
    "Of equal numbers of weights, those from larger networks are more accurate; early stops hardly differ; all come " +
    "back to their dense accuracy at 9,000 to 15,000 weights.",
};
