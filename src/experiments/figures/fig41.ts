/**
 * Figure 41: ResNet-18 by three learning-rate recipes with layer-wise pruning.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { gridRuns } from "../grid.ts";
import { accuracyOnTheWay, linesOf, resnetIterations } from "../panels.ts";
import { deep } from "../runs.ts";

const grid = deep("resnet18", ["reinit"], { scope: "layer" });
const runs = gridRuns(grid);

/** Figure 41. */
export const fig41: Experiment = {
  name: "fig41",
  title: "ResNet-18 by three learning-rate recipes, layer-wise",
  about: "Figure 8 with layer-wise instead of global pruning.",
  runs,
  grid,
  panels: accuracyOnTheWay(linesOf(runs, ["ticket", "reinit"]), ...resnetIterations),
  paper: [],
  reading: "As Figure 8, but the smallest tickets are larger than those of global pruning.",
};
