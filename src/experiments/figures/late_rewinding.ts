/**
 * Late rewinding: survivors reset to an early iteration instead of to initialisation.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { type Grid, gridRuns } from "../grid.ts";
import { linesOf, over } from "../panels.ts";
import { appendix } from "../sweeps.ts";

const grid: Grid = {
  preset: "resnet18",
  // The recipe at which no tickets are found at iteration 0.
  base: { ...appendix, lr: 0.1, warmup: 0 },
  axes: [{
    name: "rewind",
    points: [0, 100, 500, 1_000, 2_000].map((rewind) => ({
      label: rewind === 0 ? "reset to 0" : `rewind to ${rewind}`,
      changes: { rewind },
    })),
  }],
};
const runs = gridRuns(grid);

/** Late rewinding (Frankle et al. 2019, arXiv 1903.01611). */
export const lateRewinding: Experiment = {
  name: "late-rewinding",
  title: "Late rewinding, ResNet-18",
  about: "ResNet-18 at a learning rate of 0.1 without warmup, where resetting to initialisation finds no tickets: " +
    "survivors are reset to iterations 0 to 2,000 of 30,000 (0 to 7 %). Frankle et al. 2019 (arXiv 1903.01611); the " +
    "grid is ours.",
  runs,
  grid,
  panels: [
    over("test-accuracy-at-end", linesOf(runs)),
    over("test-accuracy-at-early-stop", linesOf(runs)),
  ],
  paper: [],
  reading:
    "Rewound to an iteration early in training, tickets are found at rates at which those of initialisation fail.",
};
