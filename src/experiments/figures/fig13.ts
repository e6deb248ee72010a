/**
 * Figure 13: train accuracy of Conv-2, Conv-4 and Conv-6 at the end of training.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, over } from "../panels.ts";
import { fig5 } from "./fig5.ts";

/** Figure 13. */
export const fig13: Experiment = {
  name: "fig13",
  title: "Train accuracy of Conv-2, Conv-4 and Conv-6 at the end of training",
  about: "The runs of Figure 5, with the train accuracy after the last iteration.",
  runs: fig5.runs,
  panels: [over("train-accuracy-at-end", linesOf(fig5.runs, ["ticket", "reinit"]))],
  paper: [],
  reading: "Train accuracy is near 100 % at most sizes, so the gains in test accuracy are gains in generalisation.",
};
