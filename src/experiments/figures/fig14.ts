/**
 * Figure 14: tickets, tickets re-initialised, and random sparsity, for every network of the paper.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { gridRuns } from "../grid.ts";
import { linesOf, over } from "../panels.ts";
import { convs, deep, lenet } from "../runs.ts";

const controls = ["reinit", "random"] as const;
const arms = ["ticket", ...controls] as const;
const small = [lenet(controls), ...convs(controls)];
const large = [
  { ...deep("resnet18", controls), prefix: "ResNet-18" },
  { ...deep("vgg19", controls), prefix: "VGG-19" },
];
const runs = [...small, ...large.flatMap(gridRuns)];

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
