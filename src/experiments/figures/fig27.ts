/**
 * Figure 27: learning rates of SGD, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { rateName } from "../runs.ts";
import { lenetSweep, ourGrid } from "../sweeps.ts";

const runs = lenetSweep([0.05, 0.1, 0.2, 0.4, 0.8, 1.6], (lr) => ({
  name: rateName(lr),
  changes: { optimizer: "sgd", lr },
}));

/** Figure 27. */
export const fig27: Experiment = {
  name: "fig27",
  title: "Learning rates of SGD, LeNet",
  about: "LeNet by SGD at several learning rates. " + ourGrid,
  runs,
  panels: speedAndAccuracy(linesOf(runs)),
  paper: [],
  reading: "Rates of 0.4 and 0.8 stop as early as the best of Adam, and keep that to less than 1 % of the weights.",
};
