/**
 * Figure 34: learning rates of SGD with momentum, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { rateName } from "../runs.ts";
import { convSweep, ourGrid } from "../sweeps.ts";

const { runs, panels } = convSweep(() => [5e-4, 1e-3, 2e-3, 5e-3, 8e-3], (lr) => ({
  name: rateName(lr),
  changes: { optimizer: "sgd", momentum: 0.9, lr },
}));

/** Figure 34. */
export const fig34: Experiment = {
  name: "fig34",
  title: "Learning rates of SGD with momentum, Conv-2, Conv-4 and Conv-6",
  about: "The convolutional networks by SGD with a momentum of 0.9 at several learning rates. " + ourGrid,
  runs,
  panels,
  paper: [],
  reading:
    "Mostly the usual pattern; at the lowest rates accuracy falls before it rises, and at 0.005 and 0.008 early " +
    "stops never come earlier.",
};
