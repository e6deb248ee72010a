/**
 * Figure 37: pruning convolutions, dense layers, or both.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Grid, gridRuns } from "../grid.ts";
import { appendix, networks, panelsByNetwork } from "../sweeps.ts";

const grid: Grid = {
  preset: "conv2",
  base: appendix,
  axes: [networks, {
    name: "layers",
    points: [
      { label: "both", changes: {} },
      { label: "convolutions only", changes: { pruneDense: 0, pruneOutput: 0 } },
      { label: "dense layers only", changes: { pruneConv: 0 } },
    ],
  }],
};

/** Figure 37. */
export const fig37: Experiment = {
  name: "fig37",
  title: "Pruning convolutions, dense layers, or both",
  about: "Convolutions alone are pruned, dense layers alone, or both, against the number of weights that remain. The " +
    "paper shows test accuracy here, and so do we. Three replicates, as in the paper's appendices.",
  runs: gridRuns(grid),
  grid,
  panels: panelsByNetwork(grid, { x: "weights" }),
  paper: [],
  reading:
    "Convolutions alone give higher accuracy and faster learning, but are few of the weights; dense layers alone " +
    "make both worse.",
};
