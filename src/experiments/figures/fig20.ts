/**
 * Figure 20: how far weights move away from zero.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { lenet } from "../runs.ts";

/** Figure 20. */
export const fig20: Experiment = {
  name: "fig20",
  title: "How far weights move away from zero in the dense network",
  about:
    "The final magnitude less the initial one of each weight of the dense network: of those that are in the later " +
    "ticket, and of those that are not. The sizes are those of Figure 19.",
  runs: [lenet([])],
  panels: [{
    type: "distances",
    title: "Distance away from zero",
    run: "LeNet",
    remaining: [0.211, 0.07],
    measure: "away-from-zero",
  }],
  paper: [],
  reading: "Weights of the ticket are more likely to grow in magnitude than the others.",
};
