/**
 * Figure 37: pruning convolutions, dense layers, or both.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { convSweep } from "../sweeps.ts";

const rates = [
  { name: "both", changes: {} },
  { name: "convolutions only", changes: { pruneDense: 0, pruneOutput: 0 } },
  { name: "dense layers only", changes: { pruneConv: 0 } },
] as const;
const { runs, panels } = convSweep(() => rates, (rate) => rate, { x: "weights" });

/** Figure 37. */
export const fig37: Experiment = {
  name: "fig37",
  title: "Pruning convolutions, dense layers, or both",
  about: "Convolutions alone are pruned, dense layers alone, or both, against the number of weights that remain. The " +
    "paper shows test accuracy here, and so do we. Three replicates, as in the paper's appendices.",
  runs,
  panels,
  paper: [],
  reading:
    "Convolutions alone give higher accuracy and faster learning, but are few of the weights; dense layers alone " +
    "make both worse.",
};
