/**
 * Figure 24: surviving outgoing connections per unit, SGD.
 *
 * @module
 */
import { aboutConnections, connectionPanels } from "../connections.ts";
import type { Experiment } from "../experiment.ts";
import { lenetSgd } from "../runs.ts";

const run = lenetSgd([]);

/** Figure 24. */
export const fig24: Experiment = {
  name: "fig24",
  title: "Surviving outgoing connections per unit, SGD",
  ...aboutConnections("outgoing", "SGD with a learning rate of 0.8"),
  runs: [run],
  panels: connectionPanels(run, "outgoing"),
  paper: [],
  reading: "Less uneven than under Adam.",
};
