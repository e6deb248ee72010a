/**
 * Figure 14: tickets, tickets re-initialised, and random sparsity, for every network of the paper.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, over } from "../panels.ts";
import { convs, deep, lenet } from "../runs.ts";

const controls = ["reinit", "random"] as const;
const arms = ["ticket", ...controls] as const;
const small = [lenet(controls), ...convs(controls)];
const named = (preset: "resnet18" | "vgg19", name: string) =>
  deep(preset, controls).map((run) => ({ ...run, name: `${name}, ${run.name}` }));
const runs = [...small, ...named("resnet18", "ResNet-18"), ...named("vgg19", "VGG-19")];

/** Figure 14. */
export const fig14: Experiment = {
  name: "fig14",
  title: "Tickets, re-initialised tickets and random sparsity",
  about:
    "Test accuracy at the end for each network of the paper. Random masks keep each layer's number of weights, which " +
    "the paper leaves open.",
  runs,
  panels: runs.map((run) => over("test-accuracy-at-end", linesOf([run], arms), { title: run.name })),
  paper: [],
  reading:
    "For LeNet re-initialised tickets do better than random sparsity; for all convolutional networks the two do not " +
    "differ significantly.",
};
