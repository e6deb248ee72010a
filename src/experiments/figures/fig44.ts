/**
 * Figure 44: length of the warmup, ResNet-18.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { accuracyOnTheWay, linesOf, resnetIterations } from "../panels.ts";
import { sweep } from "../runs.ts";
import { ourGrid } from "../sweeps.ts";

const runs = sweep("resnet18", [0, 1_000, 5_000, 10_000, 20_000], (warmup) => ({
  name: `warmup ${warmup / 1000}K`,
  changes: { lr: 0.03, warmup },
}));

/** Figure 44. */
export const fig44: Experiment = {
  name: "fig44",
  title: "Length of the warmup, ResNet-18",
  about: "ResNet-18 at a learning rate of 0.03, warmed up to over several numbers of iterations. " + ourGrid,
  runs,
  panels: accuracyOnTheWay(linesOf(runs), ...resnetIterations),
  paper: [],
  reading: "Accuracy rises fast with the length up to 5,000 iterations, and less beyond; 20,000 does best.",
};
