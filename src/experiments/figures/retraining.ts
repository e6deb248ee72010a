/**
 * Three ways to train a pruned network: rewinding weights, rewinding the learning rate, fine-tuning.
 *
 * @module
 */
import type { Experiment, ExperimentRun } from "../experiment.ts";
import { linesOf, over } from "../panels.ts";
import { appendix } from "../sweeps.ts";

const controls = ["lr-rewind", "fine-tune"] as const;
const run: ExperimentRun = {
  name: "ResNet-18",
  preset: "resnet18",
  changes: { ...appendix, lr: 0.1, warmup: 0, rewind: 1_000, controls },
};

/** Retraining (Renda, Frankle & Carbin 2020, arXiv 2003.02389). */
export const retraining: Experiment = {
  name: "retraining",
  title: "Rewinding weights, rewinding the learning rate, fine-tuning",
  about:
    "ResNet-18 after each round of pruning: with its survivors rewound to iteration 1,000; with its trained weights " +
    "and the schedule of learning rates from there; with its trained weights at the last rate. Renda, Frankle & " +
    "Carbin 2020 (arXiv 2003.02389).",
  runs: [run],
  panels: [over("test-accuracy-at-end", linesOf([run], ["ticket", ...controls]))],
  paper: [],
  reading: "Rewinding the learning rate does as well as rewinding weights or better; fine-tuning falls behind both.",
};
