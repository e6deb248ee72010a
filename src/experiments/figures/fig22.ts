/**
 * Figure 22: surviving incoming connections per unit, SGD.
 *
 * @module
 */
import { aboutConnections, connectionPanels } from "../connections.ts";
import type { Experiment } from "../experiment.ts";
import { lenetSgd } from "../runs.ts";

const run = lenetSgd([]);

/** Figure 22. */
export const fig22: Experiment = {
  name: "fig22",
  title: "Surviving incoming connections per unit, SGD",
  ...aboutConnections("incoming", "SGD with a learning rate of 0.8"),
  runs: [run],
  panels: connectionPanels(run, "incoming"),
  paper: [],
  reading: "As under Adam: incoming connections are spread evenly.",
};
