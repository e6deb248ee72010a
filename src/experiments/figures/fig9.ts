/**
 * Figure 9: resetting against continued training, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenet } from "../runs.ts";

// Its masks are those of networks that go on with their trained weights, which are trained beside it.
const run = lenet(["lr-rewind", "continued"]);

/** Figure 9. */
export const fig9: Experiment = {
  name: "fig9",
  title: "Resetting and continued training, LeNet",
  about:
    "Two strategies of iterative pruning. Resetting (strategy 1) resets the survivors before each round; continued " +
    "training (strategy 2) goes on with the trained weights, and resets once, when the network of a size is " +
    "finished.",
  runs: [run],
  panels: speedAndAccuracy(linesOf([run], ["ticket", "continued"])),
  paper: [],
  reading: "Resetting keeps higher test accuracy and earlier stops to smaller sizes.",
};
