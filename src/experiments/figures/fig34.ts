/**
 * Figure 34: learning rates of SGD with momentum, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { axis, type Grid, gridRuns } from "../grid.ts";
import { appendix, networks, ourGrid, panelsByNetwork } from "../sweeps.ts";

const grid: Grid = {
  preset: "conv2",
  base: { ...appendix, optimizer: "sgd", momentum: 0.9 },
  axes: [networks, axis("lr", [5e-4, 1e-3, 2e-3, 5e-3, 8e-3])],
};

/** Figure 34. */
export const fig34: Experiment = {
  name: "fig34",
  title: "Learning rates of SGD with momentum, Conv-2, Conv-4 and Conv-6",
  about: "The convolutional networks by SGD with a momentum of 0.9 at several learning rates. " + ourGrid,
  runs: gridRuns(grid),
  grid,
  panels: panelsByNetwork(grid),
  paper: [],
  reading:
    "Mostly the usual pattern; at the lowest rates accuracy falls before it rises, and at 0.005 and 0.008 early " +
    "stops never come earlier.",
};
