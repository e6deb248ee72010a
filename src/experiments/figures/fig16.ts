/**
 * Figure 16: initial weights of LeNet's tickets under SGD.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { lenetSgd } from "../runs.ts";

const run = lenetSgd([]);

/** Figure 16. */
export const fig16: Experiment = {
  name: "fig16",
  title: "Initial weights of winning tickets, SGD",
  about: "As Figure 15, for LeNet trained by SGD with a learning rate of 0.8. The sizes are ours.",
  runs: [run],
  panels: [{
    type: "histograms",
    title: "Surviving initial weights",
    run: run.name,
    remaining: [1, 0.41, 0.169, 0.07],
  }],
  paper: [],
  reading: "Under SGD the distributions of all three layers become bimodal.",
};
