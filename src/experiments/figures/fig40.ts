/**
 * Figure 40: VGG-19 by three learning-rate recipes with layer-wise pruning.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, vggIterations } from "../panels.ts";
import { deep } from "../runs.ts";

const grid = deep("vgg19", ["reinit"], { scope: "layer" });
const runs = gridRuns(grid);

/** Figure 40. */
export const fig40: Experiment = {
  name: "fig40",
  title: "VGG-19 by three learning-rate recipes, layer-wise",
  about: "Figure 7 with layer-wise instead of global pruning.",
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs, ["ticket", "reinit"]), ...vggIterations),
  paper: [
    { run: "lr 0.1, warmup 10K", remaining: 0.069, measure: "accuracy-over-dense-at-end", value: 0 },
  ],
  reading: "As Figure 7, but the smallest tickets are larger than those of global pruning.",
};
