/**
 * Figure 32: learning rates of Adam, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { axis, type Grid, gridRuns } from "../grid.ts";
import { appendix, networks, ourGrid, panelsByNetwork } from "../sweeps.ts";

const grid: Grid = {
  preset: "conv2",
  base: { ...appendix, pruneConv: 0.1 },
  axes: [networks, axis("lr", [1e-4, 2e-4, 3e-4, 4e-4, 8e-4])],
};

/** Figure 32. */
export const fig32: Experiment = {
  name: "fig32",
  title: "Learning rates of Adam, Conv-2, Conv-4 and Conv-6",
  about:
    "The convolutional networks by Adam at several learning rates, all with convolutions pruned by 10 % a round as " +
    "the paper has them here. " + ourGrid,
  runs: gridRuns(grid),
  grid,
  panels: panelsByNetwork(grid),
  paper: [],
  reading:
    "Tickets are found at nearly all rates; at the very highest they fade, as for the deep networks. Chosen: 0.0002, " +
    "0.0003 and 0.0003.",
};
