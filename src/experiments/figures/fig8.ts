/**
 * Figure 8: ResNet-18 by three learning-rate recipes.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, resnetIterations } from "../panels.ts";
import { deep } from "../runs.ts";

const grid = deep("resnet18", ["reinit"]);
const runs = gridRuns(grid);

/** Figure 8. */
export const fig8: Experiment = {
  name: "fig8",
  title: "ResNet-18 by three learning-rate recipes",
  about:
    "ResNet-18 with global pruning: a learning rate of 0.1, one of 0.01, and one of 0.03 after 20,000 iterations of " +
    "warmup.",
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs, ["ticket", "reinit"]), ...resnetIterations),
  paper: [
    { run: "lr 0.01", remaining: 0.417, measure: "accuracy-at-end", value: 0.895 },
    { run: "lr 0.01", remaining: 0.219, measure: "accuracy-at-end", value: 0.895 },
    { run: "lr 0.03, warmup 20K", remaining: 0.271, measure: "accuracy-at-end", value: 0.905 },
    { run: "lr 0.03, warmup 20K", remaining: 0.118, measure: "accuracy-over-dense-at-end", value: 0 },
  ],
  reading:
    "At 0.1 no tickets are found. At 0.01 they reach 89.5 % from 41.7 to 21.9 % of the weights; with warmup to 0.03 " +
    "they reach 90.5 % at 27.1 %, and are found down to 11.8 %.",
};
