/**
 * Figure 10: resetting against continued training, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { convs } from "../runs.ts";

// Its masks are those of networks that go on with their trained weights, which are trained beside it.
const runs = convs(["lr-rewind", "continued"]);

/** Figure 10. */
export const fig10: Experiment = {
  name: "fig10",
  title: "Resetting and continued training, Conv-2, Conv-4 and Conv-6",
  about: "The two strategies of Figure 9 on the convolutional networks.",
  runs,
  panels: speedAndAccuracy(linesOf(runs, ["ticket", "continued"])),
  paper: [],
  reading: "As for LeNet, resetting keeps higher test accuracy and earlier stops to smaller sizes.",
};
