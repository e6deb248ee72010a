/**
 * Figure 45: length of the warmup, VGG-19.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { accuracyOnTheWay, linesOf, vggIterations } from "../panels.ts";
import { sweep } from "../runs.ts";
import { ourGrid } from "../sweeps.ts";

const runs = sweep("vgg19", [0, 1_000, 5_000, 10_000, 20_000], (warmup) => ({
  name: `warmup ${warmup / 1000}K`,
  changes: { lr: 0.1, warmup },
}));

/** Figure 45. */
export const fig45: Experiment = {
  name: "fig45",
  title: "Length of the warmup, VGG-19",
  about: "VGG-19 at a learning rate of 0.1, warmed up to over several numbers of iterations. " + ourGrid,
  runs,
  panels: accuracyOnTheWay(linesOf(runs), ...vggIterations),
  paper: [],
  reading: "Accuracy rises fast with the length up to 5,000 iterations; beyond 10,000 there is little to gain.",
};
