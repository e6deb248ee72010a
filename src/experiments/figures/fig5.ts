/**
 * Figure 5: early stop and accuracy of Conv-2, Conv-4 and Conv-6, with their tickets re-initialised.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, over } from "../panels.ts";
import { convs } from "../runs.ts";

const runs = convs(["reinit"]);
const lines = linesOf(runs, ["ticket", "reinit"]);

/** Figure 5. */
export const fig5: Experiment = {
  name: "fig5",
  title: "Conv-2, Conv-4 and Conv-6 on CIFAR-10",
  about: "Three convolutional networks, iteratively pruned, and their tickets with fresh weights.",
  runs,
  panels: [
    over("early-stop", lines),
    over("test-accuracy-at-early-stop", lines),
    over("train-accuracy-at-early-stop", lines),
    over("test-accuracy-at-end", lines),
  ],
  paper: [
    { run: "Conv-2", remaining: 0.088, measure: "times-earlier-than-dense", value: 3.5 },
    { run: "Conv-2", remaining: 0.046, measure: "accuracy-over-dense", value: 0.034 },
    { run: "Conv-2", remaining: 0.02, measure: "accuracy-over-dense", value: 0 },
    { run: "Conv-4", remaining: 0.092, measure: "times-earlier-than-dense", value: 3.5 },
    { run: "Conv-4", remaining: 0.111, measure: "accuracy-over-dense", value: 0.035 },
    { run: "Conv-4", remaining: 0.02, measure: "accuracy-over-dense", value: 0 },
    { run: "Conv-6", remaining: 0.151, measure: "times-earlier-than-dense", value: 2.5 },
    { run: "Conv-6", remaining: 0.264, measure: "accuracy-over-dense", value: 0.033 },
    { run: "Conv-6", remaining: 0.02, measure: "accuracy-over-dense", value: 0 },
  ],
  reading:
    "Tickets learn faster and reach higher test accuracy; re-initialised they do for a while at moderate sizes, then " +
    "fall behind. All stay above their dense network's accuracy while more than 2 % of the weights remain.",
};
