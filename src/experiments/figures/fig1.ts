/**
 * Figure 1: winning tickets against random sparse networks.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { convs, lenet } from "../runs.ts";

// Two masks for each of five replicates make the paper's ten.
const network = lenet(["random"], { reinitDraws: 2 });
const convolutional = convs(["random"], { reinitDraws: 2 });
const arms = ["ticket", "random"] as const;

/** Figure 1. */
export const fig1: Experiment = {
  name: "fig1",
  title: "Winning tickets and random sparse networks",
  about:
    "LeNet, Conv-2, Conv-4 and Conv-6 as winning tickets (five replicates), and as networks with as many weights in " +
    "random places (ten). Random masks keep each layer's number of weights; the paper does not say whether its do.",
  runs: [network, ...convolutional],
  panels: [
    ...speedAndAccuracy(linesOf([network], arms), "LeNet"),
    ...speedAndAccuracy(linesOf(convolutional, arms), "Conv-2, Conv-4, Conv-6"),
  ],
  paper: [],
  reading:
    "The sparser a random network, the slower it learns and the lower its test accuracy; winning tickets do not " +
    "follow.",
};
