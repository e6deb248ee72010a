/**
 * Figure 19: how far weights move.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { lenet } from "../runs.ts";

/** Figure 19. */
export const fig19: Experiment = {
  name: "fig19",
  title: "How far weights move in the dense network",
  about: "The distance between initial and final value of each weight of the dense network: of those that are in the " +
    "later ticket, and of those that are not. The paper does not say at which size; 21.1 and 7 % are ours.",
  runs: [lenet([])],
  panels: [{ type: "distances", title: "Distance moved", run: "LeNet", remaining: [0.211, 0.07] }],
  paper: [],
  reading: "Weights of the ticket move further than the others.",
};
