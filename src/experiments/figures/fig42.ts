/**
 * Figure 42: learning rates, ResNet-18.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { accuracyOnTheWay, linesOf, resnetIterations } from "../panels.ts";
import { rateName, sweep } from "../runs.ts";
import { ourGrid } from "../sweeps.ts";

const runs = sweep(
  "resnet18",
  [0.005, 0.01, 0.02, 0.05, 0.1],
  (lr) => ({ name: rateName(lr), changes: { lr, warmup: 0 } }),
);

/** Figure 42. */
export const fig42: Experiment = {
  name: "fig42",
  title: "Learning rates, ResNet-18",
  about: "ResNet-18 without warmup at several learning rates. " + ourGrid,
  runs,
  panels: accuracyOnTheWay(linesOf(runs), ...resnetIterations),
  paper: [],
  reading: "No tickets are found at any rate above 0.01.",
};
