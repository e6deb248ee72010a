/**
 * Figures that train a network once per value of a setting: LeNet's of Appendix G, those of the convolutional networks of Appendix H
 * and of the deep ones of Appendix I.
 *
 * @module
 */
import type { Changes, Panel } from "./experiment.ts";
import { type Axis, type Grid, gridRuns, gridsAlongFirst, type Point } from "./grid.ts";
import { linesOf, speedAndAccuracy } from "./panels.ts";
import { convolutional } from "./runs.ts";

/** What all sweeps say of themselves. */
export const ourGrid =
  "The grid is ours, chosen around the values that the paper's text names: it prints its own only in the picture. The paper shows " +
  "accuracy on the validation set here, and we show that on the test set. Three replicates, as in the paper's appendices.";

/** What the appendices' runs have in common: tickets alone, and three replicates. */
export const appendix = { controls: [], replicates: 3 } as const satisfies Changes;

/** LeNet's, whose trained weights are kept whichever figure trains it first. */
export const lenetAppendix = { ...appendix, saveFinals: "all" } as const satisfies Changes;

/** Conv-2, Conv-4 and Conv-6 in turn. */
export const networks = {
  name: "network",
  points: convolutional.map(({ name, preset }): Point => ({ label: name, preset, changes: {} })),
} as const satisfies Axis;

/** Lengths of the warmup of the deep networks. */
export const warmups: Axis = {
  name: "warmup",
  points: [0, 1_000, 5_000, 10_000, 20_000].map((warmup) => ({
    label: `warmup ${warmup / 1000}K`,
    changes: { warmup },
  })),
};

/** Two panels for each network of a grid whose first axis they are. */
export function panelsByNetwork(
  grid: Grid,
  options: { readonly x?: "log" | "linear" | "weights" } = {},
): Panel[] {
  return gridsAlongFirst(grid).flatMap((own) =>
    speedAndAccuracy(linesOf(gridRuns(own)), own.axes[0]?.points[0]?.label, options)
  );
}
