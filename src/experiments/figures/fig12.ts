/**
 * Figure 12: train accuracy of LeNet at the end of training.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, over } from "../panels.ts";
import { fig4 } from "./fig4.ts";

/** Figure 12. */
export const fig12: Experiment = {
  name: "fig12",
  title: "Train accuracy of LeNet at the end of training",
  about: "The runs of Figure 4, with the train accuracy after the last iteration.",
  runs: fig4.runs,
  panels: [over("train-accuracy-at-end", linesOf(fig4.runs, ["ticket", "reinit", "oneshot", "oneshot-reinit"]))],
  paper: [],
  reading:
    "Train accuracy reaches 100 % for all but the smallest networks, so tickets with higher test accuracy generalise " +
    "better.",
};
