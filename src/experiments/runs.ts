/**
 * The paper's recipes as runs. Figures that ask for the same recipe get the same settings, and so one run that they share: its
 * controls, levels, replicates and what is saved are no part of its id.
 *
 * @module
 */
import type { ControlName } from "../lottery/config.ts";
import type { Changes, ExperimentRun } from "./experiment.ts";
import type { Grid, Point } from "./grid.ts";

/**
 * LeNet-300-100 on MNIST: 20 levels of 50,000 iterations, five replicates, three draws per ticket. All trained weights are kept (1 MB a
 * network), whichever figure trains it first: Figures 19 and 20 and connectivity need them.
 */
export function lenet(controls: readonly ControlName[], changes: Changes = {}, name = "LeNet"): ExperimentRun {
  return { name, preset: "lenet", changes: { controls, saveFinals: "all", ...changes } };
}

/** LeNet under SGD at the rate that Appendix F takes, 0.8. */
export function lenetSgd(controls: readonly ControlName[], changes: Changes = {}): ExperimentRun {
  return lenet(controls, { optimizer: "sgd", lr: 0.8, ...changes }, "LeNet, SGD 0.8");
}

/** The convolutional networks of Figure 2, with their presets' names. */
export const convolutional = [
  { name: "Conv-2", preset: "conv2" },
  { name: "Conv-4", preset: "conv4" },
  { name: "Conv-6", preset: "conv6" },
] as const;

/** Rounds after which 2 % of the weights are left: the paper says how all three networks do until there. */
const toTwoPercent = { conv2: { levels: 18 }, conv4: { levels: 21 }, conv6: { levels: 22 } } as const;

/** Conv-2, Conv-4 and Conv-6 on CIFAR-10. */
export function convs(controls: readonly ControlName[], changes: Changes = {}): ExperimentRun[] {
  return convolutional.map(({ name, preset }) => ({
    name,
    preset,
    changes: { controls, ...toTwoPercent[preset], ...changes },
  }));
}

/** What dropout changes: three times the iterations, and a learning rate of its own (Appendix H.5). */
export const dropoutRecipes = {
  conv2: { dropout: 0.5, iterations: 60_000, lr: 3e-4 },
  conv4: { dropout: 0.5, iterations: 75_000, lr: 2e-4 },
  conv6: { dropout: 0.5, iterations: 90_000, lr: 2e-4 },
} as const satisfies Readonly<Record<string, Changes>>;

/** The convolutional networks with dropout. */
export function convsWithDropout(controls: readonly ControlName[]): ExperimentRun[] {
  return convolutional.map(({ name, preset }) => ({
    name: `${name}, dropout`,
    preset,
    changes: { controls, ...toTwoPercent[preset], ...dropoutRecipes[preset] },
  }));
}

/** The three recipes of VGG-19 and ResNet-18: high rate, low rate, and a high one that is warmed up to. */
const deepRecipes = {
  vgg19: [
    { label: "lr 0.1", changes: { lr: 0.1, warmup: 0 } },
    { label: "lr 0.01", changes: { lr: 0.01, warmup: 0 } },
    { label: "lr 0.1, warmup 10K", changes: { lr: 0.1, warmup: 10_000 } },
  ],
  resnet18: [
    { label: "lr 0.1", changes: { lr: 0.1, warmup: 0 } },
    { label: "lr 0.01", changes: { lr: 0.01, warmup: 0 } },
    { label: "lr 0.03, warmup 20K", changes: { lr: 0.03, warmup: 20_000 } },
  ],
} as const satisfies Readonly<Record<string, readonly Point[]>>;

/** A deep network by its three recipes. */
export function deep(
  preset: keyof typeof deepRecipes,
  controls: readonly ControlName[],
  changes: Changes = {},
): Grid {
  return { preset, base: { controls, ...changes }, axes: [{ name: "recipe", points: deepRecipes[preset] }] };
}

/** Each of a grid's runs with all convolutions ranked in one pool, and with each ranked by itself. */
export function byScope(grid: Grid): Grid {
  const points = [
    { label: "global", changes: { scope: "global" } },
    { label: "layer-wise", changes: { scope: "layer" } },
  ] as const;
  return { ...grid, axes: [...grid.axes, { name: "scope", points }] };
}
