/**
 * Figure 43: learning rates, VGG-19.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { axis, type Grid, gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, vggIterations } from "../panels.ts";
import { appendix, ourGrid } from "../sweeps.ts";

const grid: Grid = {
  preset: "vgg19",
  base: { ...appendix, warmup: 0 },
  axes: [axis("lr", [0.005, 0.01, 0.02, 0.05, 0.1])],
};
const runs = gridRuns(grid);

/** Figure 43. */
export const fig43: Experiment = {
  name: "fig43",
  title: "Learning rates, VGG-19",
  about: "VGG-19 without warmup at several learning rates. " + ourGrid,
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs), ...vggIterations),
  paper: [],
  reading: "No tickets are found at any rate above 0.01.",
};
