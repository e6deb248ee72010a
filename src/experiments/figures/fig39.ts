/**
 * Figure 39: global against layer-wise pruning, ResNet-18.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, resnetIterations } from "../panels.ts";
import { byScope, deep } from "../runs.ts";

const grid = byScope(deep("resnet18", []));
const runs = gridRuns(grid);

/** Figure 39. */
export const fig39: Experiment = {
  name: "fig39",
  title: "Global and layer-wise pruning, ResNet-18",
  about:
    "ResNet-18 by its three recipes, with all convolutions ranked in one pool or each by itself. The paper shows " +
    "accuracy on the validation set here, and we show that on the test set.",
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs), ...resnetIterations),
  paper: [],
  reading: "Global pruning finds smaller tickets, by less than for VGG-19.",
};
