/**
 * Figure 28: learning rates of SGD with momentum, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { rateName } from "../runs.ts";
import { lenetSweep, ourGrid } from "../sweeps.ts";

const runs = lenetSweep([0.0125, 0.025, 0.05, 0.1, 0.2], (lr) => ({
  name: rateName(lr),
  changes: { optimizer: "sgd", momentum: 0.9, lr },
}));

/** Figure 28. */
export const fig28: Experiment = {
  name: "fig28",
  title: "Learning rates of SGD with momentum, LeNet",
  about: "LeNet by SGD with a momentum of 0.9 at several learning rates. " + ourGrid,
  runs,
  panels: speedAndAccuracy(linesOf(runs)),
  paper: [],
  reading: "Rates from 0.025 to 0.1 keep high accuracy and fast learning for the longest.",
};
