/**
 * Figure 30: standard deviations of the initialisation, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Grid, gridRuns } from "../grid.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenetAppendix, ourGrid } from "../sweeps.ts";

const grid: Grid = {
  preset: "lenet",
  base: lenetAppendix,
  axes: [{
    name: "initScale",
    points: [0.25, 0.5, 1, 2, 4].map((initScale) => ({ label: `${initScale} σ`, changes: { initScale } })),
  }],
};
const runs = gridRuns(grid);

/** Figure 30. */
export const fig30: Experiment = {
  name: "fig30",
  title: "Standard deviations of the initialisation, LeNet",
  about:
    "LeNet with initial weights of several standard deviations. The paper gives all layers the same one; ours are " +
    "multiples of what Glorot gives each layer (0.043, 0.071 and 0.135). " + ourGrid,
  runs,
  grid,
  panels: speedAndAccuracy(linesOf(runs)),
  paper: [],
  reading:
    "The pattern is there at all standard deviations; with 0.1 in every layer LeNet keeps accuracy and early stops " +
    "about as long as with Glorot's.",
};
