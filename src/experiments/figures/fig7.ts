/**
 * Figure 7: VGG-19 by three learning-rate recipes.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, vggIterations } from "../panels.ts";
import { deep } from "../runs.ts";

const grid = deep("vgg19", ["reinit"]);
const runs = gridRuns(grid);

/** Figure 7. */
export const fig7: Experiment = {
  name: "fig7",
  title: "VGG-19 by three learning-rate recipes",
  about: "VGG-19 with global pruning: a learning rate of 0.1, one of 0.01, and one of 0.1 after 10,000 iterations of " +
    "warmup.",
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs, ["ticket", "reinit"]), ...vggIterations),
  paper: [
    { run: "lr 0.01", remaining: 0.035, measure: "accuracy-over-dense-at-end", value: -0.01 },
    { run: "lr 0.1, warmup 10K", remaining: 0.015, measure: "accuracy-over-dense-at-end", value: 0 },
  ],
  reading:
    "At 0.1 no tickets are found: they are no better than re-initialised. At 0.01 tickets stay within 1 percentage " +
    "point of dense to 3.5 % of the weights; with warmup tickets are found at 0.1, to 1.5 %.",
};
