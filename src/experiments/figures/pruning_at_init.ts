/**
 * Pruning at initialisation: later work's criteria beside tickets.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, over, speedAndAccuracy } from "../panels.ts";
import { lenet } from "../runs.ts";

const controls = ["snip", "grasp", "synflow", "er", "erk", "random", "magnitude-init"] as const;
const run = lenet(controls);
const lines = linesOf([run], ["ticket", ...controls]);

/** Pruning at initialisation (Frankle et al. 2021, arXiv 2009.08576). */
export const pruningAtInit: Experiment = {
  name: "pruning-at-init",
  title: "Pruning at initialisation",
  about:
    "LeNet pruned before training to the tickets' sizes: by SNIP, GraSP and SynFlow, by magnitude, and at random " +
    "with each layer's number of weights as in the ticket or by the densities of ER and ERK (equal for dense " +
    "layers).",
  runs: [run],
  panels: [
    ...speedAndAccuracy(lines),
    over("test-accuracy-at-end", lines),
    {
      type: "density",
      title: "Surviving weights per layer",
      run: run.name,
      arms: ["ticket", "snip", "grasp", "synflow"],
    },
  ],
  paper: [],
  reading: "Pruned before training, networks are less accurate than tickets of the same size (Frankle et al. 2021).",
};
