/**
 * Figure 43: learning rates, VGG-19.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { accuracyOnTheWay, linesOf, vggIterations } from "../panels.ts";
import { rateName, sweep } from "../runs.ts";
import { ourGrid } from "../sweeps.ts";

const runs = sweep(
  "vgg19",
  [0.005, 0.01, 0.02, 0.05, 0.1],
  (lr) => ({ name: rateName(lr), changes: { lr, warmup: 0 } }),
);

/** Figure 43. */
export const fig43: Experiment = {
  name: "fig43",
  title: "Learning rates, VGG-19",
  about: "VGG-19 without warmup at several learning rates. " + ourGrid,
  runs,
  panels: accuracyOnTheWay(linesOf(runs), ...vggIterations),
  paper: [],
  reading: "No tickets are found at any rate above 0.01.",
};
