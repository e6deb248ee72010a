/**
 * Figure 39: global against layer-wise pruning, ResNet-18.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { accuracyOnTheWay, linesOf, resnetIterations } from "../panels.ts";
import { deep } from "../runs.ts";

const scoped = (scope: "global" | "layer") =>
  deep("resnet18", [], { scope }).map((run) => ({
    ...run,
    name: `${run.name}, ${scope === "layer" ? "layer-wise" : scope}`,
  }));
const runs = [...scoped("global"), ...scoped("layer")];

/** Figure 39. */
export const fig39: Experiment = {
  name: "fig39",
  title: "Global and layer-wise pruning, ResNet-18",
  about:
    "ResNet-18 by its three recipes, with all convolutions ranked in one pool or each by itself. The paper shows " +
    "accuracy on the validation set here, and we show that on the test set.",
  runs,
  panels: accuracyOnTheWay(linesOf(runs), ...resnetIterations),
  paper: [],
  reading: "Global pruning finds smaller tickets, by less than for VGG-19.",
};
