/**
 * Figure 36: learning rates of Adam with dropout, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Axis, axis, type Grid, gridRuns } from "../grid.ts";
import { convolutional, dropoutRecipes } from "../runs.ts";
import { appendix, ourGrid, panelsByNetwork } from "../sweeps.ts";

/** The networks with dropout: three times the iterations. Their learning rate is the other axis. */
const withDropout: Axis = {
  name: "network",
  points: convolutional.map(({ name, preset }) => {
    const { lr: _, ...changes } = dropoutRecipes[preset];
    return { label: name, preset, changes };
  }),
};
const grid: Grid = {
  preset: "conv2",
  base: appendix,
  axes: [withDropout, axis("lr", [1e-4, 2e-4, 3e-4, 4e-4])],
};

/** Figure 36. */
export const fig36: Experiment = {
  name: "fig36",
  title: "Learning rates of Adam with dropout, Conv-2, Conv-4 and Conv-6",
  about:
    "The convolutional networks with a dropout of 0.5 before each dense layer, for three times as many iterations, " +
    "at several learning rates. " + ourGrid,
  runs: gridRuns(grid),
  grid,
  panels: panelsByNetwork(grid),
  paper: [],
  reading:
    "Conv-2 often fails to learn with dropout before it is pruned, least at 0.0003; Conv-4 and Conv-6 do best at " +
    "0.0002.",
};
