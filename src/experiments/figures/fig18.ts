/**
 * Figure 18: pruning by magnitude before training.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenet } from "../runs.ts";

const run = lenet(["reinit", "magnitude-init"]);

/** Figure 18. */
export const fig18: Experiment = {
  name: "fig18",
  title: "Pruning by magnitude before training",
  about: "The smallest initial weights of each layer are pruned at iteration 0, to the tickets' sizes.",
  runs: [run],
  panels: speedAndAccuracy(linesOf([run], ["ticket", "reinit", "magnitude-init"])),
  paper: [],
  reading: "Such networks do worse than tickets, and worse than tickets that are re-initialised.",
};
