/**
 * Figure 35: pruning rates of convolutions, Conv-2, Conv-4 and Conv-6.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { convSweep, ourGrid } from "../sweeps.ts";

const { runs, panels } = convSweep(() => [0.05, 0.1, 0.15, 0.2, 0.3], (pruneConv) => ({
  name: `convolutions ${Math.round(pruneConv * 100)} %`,
  changes: { pruneConv },
}));

/** Figure 35. */
export const fig35: Experiment = {
  name: "fig35",
  title: "Pruning rates of convolutions, Conv-2, Conv-4 and Conv-6",
  about: "The convolutional networks with dense layers pruned by 20 % a round and convolutions by several rates. " +
    ourGrid,
  runs,
  panels,
  paper: [],
  reading: "Any rate from 10 to 20 % is reasonable; chosen are 10, 10 and 15 %.",
};
