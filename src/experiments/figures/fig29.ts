/**
 * Figure 29: pruning rates, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Grid, gridRuns } from "../grid.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenetAppendix, ourGrid } from "../sweeps.ts";

/** Rounds until about 1.2 % of the weights remain, as with the 20 rounds of 20 %. */
const rates = [
  { rate: 0.1, levels: 42 },
  { rate: 0.2, levels: 20 },
  { rate: 0.4, levels: 9 },
  { rate: 0.6, levels: 5 },
  { rate: 0.8, levels: 3 },
] as const;
const grid: Grid = {
  preset: "lenet",
  base: lenetAppendix,
  axes: [{
    name: "rate",
    points: rates.map(({ rate, levels }) => ({
      label: `${Math.round(rate * 100)} % a round`,
      changes: { pruneDense: rate, pruneOutput: rate / 2, levels },
    })),
  }],
};
const runs = gridRuns(grid);

/** Figure 29. */
export const fig29: Experiment = {
  name: "fig29",
  title: "Pruning rates, LeNet",
  about: "LeNet pruned by several fractions a round, the output layer by half of that. " + ourGrid,
  runs,
  grid,
  panels: speedAndAccuracy(linesOf(runs)),
  paper: [],
  reading:
    "The lowest rates, 0.1 and 0.2, reach higher accuracy and keep it, and early stops, to smaller sizes than 0.4 " +
    "and above.",
};
