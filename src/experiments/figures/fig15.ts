/**
 * Figure 15: initial weights of LeNet's tickets under Adam.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { lenet } from "../runs.ts";

/** Figure 15. */
export const fig15: Experiment = {
  name: "fig15",
  title: "Initial weights of winning tickets, Adam",
  about:
    "The initial values of the weights that survive, per layer, over all replicates. The paper shows four sizes and " +
    "prints which only in its picture: 100, 41, 17 and 7 % are ours.",
  runs: [lenet([])],
  panels: [{
    type: "histograms",
    title: "Surviving initial weights",
    run: "LeNet",
    remaining: [1, 0.41, 0.169, 0.07],
  }],
  paper: [],
  reading:
    "The first layer keeps its distribution; in the second hidden layer and the output layer it becomes bimodal, " +
    "with unequal peaks on either side of 0: large initial weights survive.",
};
