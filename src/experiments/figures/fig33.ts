/**
 * Figure 33: learning rates of SGD, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { axis, type Grid, gridRuns } from "../grid.ts";
import { appendix, networks, ourGrid, panelsByNetwork } from "../sweeps.ts";

const grid: Grid = {
  preset: "conv2",
  base: { ...appendix, optimizer: "sgd" },
  axes: [networks, axis("lr", [0.005, 0.01, 0.02, 0.04])],
};

/** Figure 33. */
export const fig33: Experiment = {
  name: "fig33",
  title: "Learning rates of SGD, Conv-2, Conv-4 and Conv-6",
  about: "The convolutional networks by SGD at several learning rates. " + ourGrid,
  runs: gridRuns(grid),
  grid,
  panels: panelsByNetwork(grid),
  paper: [],
  reading:
    "They are hard to train by SGD from Glorot: 2 to 3 percentage points below Adam, yet tickets are found at all " +
    "rates.",
};
