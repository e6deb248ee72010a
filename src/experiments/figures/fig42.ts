/**
 * Figure 42: learning rates, ResNet-18.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { axis, type Grid, gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, resnetIterations } from "../panels.ts";
import { appendix, ourGrid } from "../sweeps.ts";

const grid: Grid = {
  preset: "resnet18",
  base: { ...appendix, warmup: 0 },
  axes: [axis("lr", [0.005, 0.01, 0.02, 0.05, 0.1])],
};
const runs = gridRuns(grid);

/** Figure 42. */
export const fig42: Experiment = {
  name: "fig42",
  title: "Learning rates, ResNet-18",
  about: "ResNet-18 without warmup at several learning rates. " + ourGrid,
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs), ...resnetIterations),
  paper: [],
  reading: "No tickets are found at any rate above 0.01.",
};
