/**
 * Figure 45: length of the warmup, VGG-19.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Grid, gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, vggIterations } from "../panels.ts";
import { appendix, ourGrid, warmups } from "../sweeps.ts";

const grid: Grid = { preset: "vgg19", base: { ...appendix, lr: 0.1 }, axes: [warmups] };
const runs = gridRuns(grid);

/** Figure 45. */
export const fig45: Experiment = {
  name: "fig45",
  title: "Length of the warmup, VGG-19",
  about: "VGG-19 at a learning rate of 0.1, warmed up to over several numbers of iterations. " + ourGrid,
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs), ...vggIterations),
  paper: [],
  reading: "Accuracy rises fast with the length up to 5,000 iterations; beyond 10,000 there is little to gain.",
};
