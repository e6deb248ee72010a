/**
 * Figure 33: learning rates of SGD, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { rateName } from "../runs.ts";
import { convSweep, ourGrid } from "../sweeps.ts";

const { runs, panels } = convSweep(
  () => [0.005, 0.01, 0.02, 0.04],
  (lr) => ({ name: rateName(lr), changes: { optimizer: "sgd", lr } }),
);

/** Figure 33. */
export const fig33: Experiment = {
  name: "fig33",
  title: "Learning rates of SGD, Conv-2, Conv-4 and Conv-6",
  about: "The convolutional networks by SGD at several learning rates. " + ourGrid,
  runs,
  panels,
  paper: [],
  reading:
    "They are hard to train by SGD from Glorot: 2 to 3 percentage points below Adam, yet tickets are found at all " +
    "rates.",
};
