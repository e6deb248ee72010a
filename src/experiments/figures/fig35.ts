/**
 * Figure 35: pruning rates of convolutions, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Grid, gridRuns } from "../grid.ts";
import { appendix, networks, ourGrid, panelsByNetwork } from "../sweeps.ts";

const grid: Grid = {
  preset: "conv2",
  base: appendix,
  axes: [networks, {
    name: "pruneConv",
    points: [0.05, 0.1, 0.15, 0.2, 0.3].map((pruneConv) => ({
      label: `convolutions ${Math.round(pruneConv * 100)} %`,
      changes: { pruneConv },
    })),
  }],
};

/** Figure 35. */
export const fig35: Experiment = {
  name: "fig35",
  title: "Pruning rates of convolutions, Conv-2, Conv-4 and Conv-6",
  about: "The convolutional networks with dense layers pruned by 20 % a round and convolutions by several rates. " +
    ourGrid,
  runs: gridRuns(grid),
  grid,
  panels: panelsByNetwork(grid),
  paper: [],
  reading: "Any rate from 10 to 20 % is reasonable; chosen are 10, 10 and 15 %.",
};
