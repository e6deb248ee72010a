/** Grids: every combination of points, named by their labels; and the figures that are grids. */
import assert from "node:assert/strict";
import { axis, type Grid, gridRuns, gridsAlongFirst, pointLabel } from "../../src/experiments/grid.ts";
import { experimentOf, experiments } from "../../src/experiments/registry.ts";
import { scaledConfig } from "../../src/experiments/scale.ts";
import { preset } from "../../src/lottery/config.ts";

const grid: Grid = {
  preset: "lenet",
  base: { replicates: 3, momentum: 0.5 },
  axes: [
    axis("lr", [0.1, 0.2]),
    {
      name: "recipe",
      points: [{ label: "a", changes: { momentum: 0.9 } }, { label: "b", preset: "conv2", changes: {} }],
    },
  ],
};

Deno.test("gridRuns() makes a run of every combination, the last axis changing from run to run", () => {
  assert.deepEqual(gridRuns(grid), [
    { name: "lr 0.1, a", preset: "lenet", changes: { replicates: 3, momentum: 0.9, lr: 0.1 } },
    { name: "lr 0.1, b", preset: "conv2", changes: { replicates: 3, momentum: 0.5, lr: 0.1 } },
    { name: "lr 0.2, a", preset: "lenet", changes: { replicates: 3, momentum: 0.9, lr: 0.2 } },
    { name: "lr 0.2, b", preset: "conv2", changes: { replicates: 3, momentum: 0.5, lr: 0.2 } },
  ]);
});

Deno.test("a grid without axes is one run, and a prefix stands before all names", () => {
  const base = { levels: 1 };
  assert.deepEqual(gridRuns({ preset: "lenet", base, axes: [] }), [{ name: "lenet", preset: "lenet", changes: base }]);
  assert.deepEqual(gridRuns({ preset: "lenet", base, axes: [], prefix: "LeNet" }).map(({ name }) => name), ["LeNet"]);
  assert.deepEqual(
    gridRuns({ preset: "lenet", base, axes: [axis("seed", [1, 2])], prefix: "LeNet" }).map(({ name }) => name),
    [
      "LeNet, seed 1",
      "LeNet, seed 2",
    ],
  );
});

Deno.test("a grid taken apart along its first axis has the same runs", () => {
  const parts = gridsAlongFirst(grid);
  assert.equal(parts.length, 2);
  assert.deepEqual(parts.flatMap(gridRuns), gridRuns(grid));
});

Deno.test("a point is named by its settings as their flags take them, and a network of one's own by its name", () => {
  assert.equal(pointLabel({ lr: 2.5e-5, trainSize: 8000 }), "lr 0.000025, train-size 8000");
  assert.equal(pointLabel({ preset: "conv2", controls: [] }), "conv2, controls none");
  assert.equal(pointLabel({ lrDrops: [10, 20], augment: true }), "lr-drops 10,20, augment true");
  assert.equal(pointLabel({ network: { name: "mine", layers: [] } }), "network mine");
});

Deno.test("Figures 26 to 45 are a base and axes, and their runs nothing else", () => {
  for (let figure = 26; figure <= 45; figure++) {
    const experiment = experimentOf(`fig${figure}`);
    assert.ok(experiment?.grid, `fig${figure}`);
    assert.deepEqual(experiment.runs, gridRuns(experiment.grid));
  }
  for (const { name, grid, runs } of experiments) {
    if (grid) assert.deepEqual(runs, gridRuns(grid), name);
  }
});

Deno.test("a grid's runs have the settings that were written out one by one", () => {
  const configOf = (name: string, run: string) => {
    const own = experimentOf(name)?.runs.find((candidate) => candidate.name === run);
    assert.ok(own, `${name} has a run ${run}`);
    return scaledConfig(own);
  };
  const appendix = { controls: [], replicates: 3 } as const;
  assert.deepEqual(
    configOf("fig28", "lr 0.0125"),
    preset("lenet", { ...appendix, saveFinals: "all", optimizer: "sgd", momentum: 0.9, lr: 0.0125 }),
  );
  assert.deepEqual(
    configOf("fig29", "40 % a round"),
    preset("lenet", { ...appendix, saveFinals: "all", pruneDense: 0.4, pruneOutput: 0.2, levels: 9 }),
  );
  assert.deepEqual(configOf("fig32", "Conv-6, lr 0.0008"), preset("conv6", { ...appendix, pruneConv: 0.1, lr: 8e-4 }));
  assert.deepEqual(
    configOf("fig36", "Conv-4, lr 0.0003"),
    preset("conv4", { ...appendix, dropout: 0.5, iterations: 75_000, lr: 3e-4 }),
  );
  assert.deepEqual(
    configOf("fig38", "lr 0.1, warmup 10K, layer-wise"),
    preset("vgg19", { controls: [], lr: 0.1, warmup: 10_000, scope: "layer" }),
  );
  assert.deepEqual(configOf("fig44", "warmup 5K"), preset("resnet18", { ...appendix, lr: 0.03, warmup: 5_000 }));
});
