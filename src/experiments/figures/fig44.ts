/**
 * Figure 44: length of the warmup, ResNet-18.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Grid, gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, resnetIterations } from "../panels.ts";
import { appendix, ourGrid, warmups } from "../sweeps.ts";

const grid: Grid = { preset: "resnet18", base: { ...appendix, lr: 0.03 }, axes: [warmups] };
const runs = gridRuns(grid);

/** Figure 44. */
export const fig44: Experiment = {
  name: "fig44",
  title: "Length of the warmup, ResNet-18",
  about: "ResNet-18 at a learning rate of 0.03, warmed up to over several numbers of iterations. " + ourGrid,
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs), ...resnetIterations),
  paper: [],
  reading: "Accuracy rises fast with the length up to 5,000 iterations, and less beyond; 20,000 does best.",
};
