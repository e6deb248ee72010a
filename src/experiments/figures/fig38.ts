/**
 * Figure 38: global against layer-wise pruning, VGG-19.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, vggIterations } from "../panels.ts";
import { byScope, deep } from "../runs.ts";

const grid = byScope(deep("vgg19", []));
const runs = gridRuns(grid);

/** Figure 38. */
export const fig38: Experiment = {
  name: "fig38",
  title: "Global and layer-wise pruning, VGG-19",
  about: "VGG-19 by its three recipes, with all convolutions ranked in one pool or each by itself. The paper shows " +
    "accuracy on the validation set here, and we show that on the test set.",
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs), ...vggIterations),
  paper: [
    { run: "lr 0.1, warmup 10K, global", remaining: 0.015, measure: "accuracy-over-dense-at-end", value: 0 },
    { run: "lr 0.1, warmup 10K, layer-wise", remaining: 0.069, measure: "accuracy-over-dense-at-end", value: 0 },
  ],
  reading:
    "With warmup, tickets are found to 6.9 % of the weights layer-wise, and to 1.5 % globally; the other recipes " +
    "fall off sooner too.",
};
