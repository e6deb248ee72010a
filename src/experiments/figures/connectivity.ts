/**
 * Linear mode connectivity: whether two copies of a ticket that see their data in another order end in one valley.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, over } from "../panels.ts";
import { lenet } from "../runs.ts";

const run = lenet(["twin"]);

/** Connectivity (Frankle et al. 2020, arXiv 1912.05671). */
export const connectivity: Experiment = {
  name: "connectivity",
  title: "Linear mode connectivity of tickets and their twins",
  about:
    "Each ticket of LeNet is trained twice, with two data orders. Along the line between both results the error is " +
    "measured at 30 points; how far it rises above the mean of the two ends is the instability, and below 2 % they " +
    "count as connected. Frankle et al. 2020 (arXiv 1912.05671); the sizes are ours.",
  runs: [run],
  panels: [
    { type: "connectivity", title: "Error along the line", run: run.name, remaining: [1, 0.513, 0.211, 0.07, 0.036] },
    over("test-accuracy-at-end", linesOf([run], ["ticket", "twin"])),
  ],
  paper: [],
  reading: "On MNIST LeNet is stable from initialisation on, dense and as a ticket; very small tickets are not.",
};
