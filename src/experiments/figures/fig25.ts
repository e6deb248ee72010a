/**
 * Figure 25: noise on the tickets' initial weights.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenet } from "../runs.ts";

const controls = ["reinit", "noise-0.5", "noise-1", "noise-2", "noise-3"] as const;
const run = lenet(controls);

/** Figure 25. */
export const fig25: Experiment = {
  name: "fig25",
  title: "Noise on the tickets' initial weights",
  about:
    "Gaussian noise of 0.5, 1, 2 and 3 times the standard deviation of each layer's initialisation, added to the " +
    "tickets' initial weights, beside plain re-initialisation.",
  runs: [run],
  panels: speedAndAccuracy(linesOf([run], ["ticket", ...controls])),
  paper: [],
  reading:
    "Accuracy falls and learning slows as noise grows; 0.5 σ hardly matters, and at 3 σ tickets still do better than " +
    "re-initialised.",
};
