/**
 * Figure 26: learning rates of Adam, LeNet.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { rateName } from "../runs.ts";
import { lenetSweep, ourGrid } from "../sweeps.ts";

const runs = lenetSweep([2.5e-5, 2e-4, 6e-4, 1.2e-3, 2e-3, 6.4e-3], (lr) => ({
  name: rateName(lr),
  changes: { lr },
}));

/** Figure 26. */
export const fig26: Experiment = {
  name: "fig26",
  title: "Learning rates of Adam, LeNet",
  about: "LeNet by Adam at several learning rates. " + ourGrid,
  runs,
  panels: speedAndAccuracy(linesOf(runs)),
  paper: [],
  reading:
    "Rates from 0.0002 to 0.002 are about as accurate, and 0.0012 and 0.002 the fastest; the pattern is there at all " +
    "of them.",
};
