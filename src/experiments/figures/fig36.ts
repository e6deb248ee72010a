/**
 * Figure 36: learning rates of Adam with dropout, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { dropoutRecipes, rateName } from "../runs.ts";
import { convSweep, ourGrid } from "../sweeps.ts";

const { runs, panels } = convSweep(() => [1e-4, 2e-4, 3e-4, 4e-4], (lr, preset) => ({
  name: rateName(lr),
  changes: { ...dropoutRecipes[preset], lr },
}));

/** Figure 36. */
export const fig36: Experiment = {
  name: "fig36",
  title: "Learning rates of Adam with dropout, Conv-2, Conv-4 and Conv-6",
  about:
    "The convolutional networks with a dropout of 0.5 before each dense layer, for three times as many iterations, " +
    "at several learning rates. " + ourGrid,
  runs,
  panels,
  paper: [],
  reading:
    "Conv-2 often fails to learn with dropout before it is pruned, least at 0.0003; Conv-4 and Conv-6 do best at " +
    "0.0002.",
};
