/**
 * Figure 23: surviving outgoing connections per unit, Adam.
 *
 * @module
 */
import { aboutConnections, connectionPanels } from "../connections.ts";
import type { Experiment } from "../experiment.ts";
import { lenet } from "../runs.ts";

const run = lenet([]);

/** Figure 23. */
export const fig23: Experiment = {
  name: "fig23",
  title: "Surviving outgoing connections per unit, Adam",
  ...aboutConnections("outgoing", "Adam"),
  runs: [run],
  panels: connectionPanels(run, "outgoing"),
  paper: [],
  reading:
    "Some units keep far more outgoing connections than others: pixels in the middle of the images more than those " +
    "at the edges.",
};
