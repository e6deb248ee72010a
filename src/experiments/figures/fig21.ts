/**
 * Figure 21: surviving incoming connections per unit, Adam.
 *
 * @module
 */
import { aboutConnections, connectionPanels } from "../connections.ts";
import type { Experiment } from "../experiment.ts";
import { lenet } from "../runs.ts";

const run = lenet([]);

/** Figure 21. */
export const fig21: Experiment = {
  name: "fig21",
  title: "Surviving incoming connections per unit, Adam",
  ...aboutConnections("incoming", "Adam"),
  runs: [run],
  panels: connectionPanels(run, "incoming"),
  paper: [],
  reading:
    "Each unit keeps incoming connections about in proportion to what its layer keeps; the output layer, pruned at " +
    "half the rate, more.",
};
