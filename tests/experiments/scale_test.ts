/** Experiments made smaller: what follows the scale, what does not, and what they are kept under. */
import assert from "node:assert/strict";
import type { ExperimentRun } from "../../src/experiments/experiment.ts";
import { isReduced, keyOf, scaledConfig } from "../../src/experiments/scale.ts";
import { preset } from "../../src/lottery/config.ts";

const vgg: ExperimentRun = { name: "VGG-19", preset: "vgg19", changes: { controls: ["reinit"], rewind: 1000 } };
const lenet: ExperimentRun = { name: "LeNet", preset: "lenet", changes: { controls: ["random"] } };

Deno.test("without options a run is the preset with its changes", () => {
  assert.deepEqual(scaledConfig(vgg), preset("vgg19", { controls: ["reinit"], rewind: 1000 }));
  assert.deepEqual(scaledConfig(vgg, { scale: 1 }), scaledConfig(vgg));
});

Deno.test("--scale shortens iterations, images, warmup, drops and rewinding in proportion, and nothing else", () => {
  const whole = scaledConfig(vgg);
  const { iterations, trainSize, warmup, lrDrops, rewind, evalEvery, ...rest } = scaledConfig(vgg, { scale: 0.1 });
  assert.deepEqual([iterations, trainSize, warmup, rewind], [11_248, 4_500, 1_000, 100]);
  assert.deepEqual(lrDrops, [5_624, 8_436]);
  assert.equal(evalEvery, 100);
  assert.deepEqual({ ...rest, iterations: 112_480, trainSize: 45_000, warmup: 10_000, lrDrops: [56_240, 84_360] }, {
    ...rest,
    iterations: whole.iterations,
    trainSize: whole.trainSize,
    warmup: whole.warmup,
    lrDrops: whole.lrDrops,
  });
  assert.deepEqual(
    rest,
    Object.fromEntries(Object.entries(whole).filter(([key]) => Object.hasOwn(rest, key))),
    "learning rate, batch size, levels and replicates stay",
  );
});

Deno.test("a training is evaluated every 100 iterations, and at least twenty times", () => {
  const every = (scale: number): number => scaledConfig(lenet, { scale }).evalEvery;
  assert.deepEqual([1, 0.1, 0.04, 0.02, 0.001, 1e-6].map(every), [100, 100, 100, 50, 2, 1]);
});

Deno.test("at the smallest scale what was there is still there once, and a batch is no larger than the images", () => {
  const least = scaledConfig(vgg, { scale: 1e-5 });
  assert.deepEqual(
    [least.iterations, least.trainSize, least.batchSize, least.warmup, least.rewind, least.lrDrops],
    [1, 1, 1, 1, 0, []],
  );
  const small = scaledConfig(vgg, { scale: 3e-5 });
  assert.deepEqual([small.iterations, small.warmup, small.rewind, small.lrDrops], [3, 1, 1, [2]]);
});

Deno.test("levels are at most what is asked, replicates and draws exactly that; width multiplies", () => {
  const { levels, replicates, reinitDraws, width, seed } = scaledConfig(
    { ...lenet, changes: { width: 0.5 } },
    { levels: 30, replicates: 7, reinitDraws: 1, width: 0.5, seed: 4 },
  );
  assert.deepEqual([levels, replicates, reinitDraws, width, seed], [20, 7, 1, 0.25, 4]);
  assert.equal(scaledConfig(lenet, { levels: 3 }).levels, 3);
});

Deno.test("another data set brings its own split, which is scaled", () => {
  const { dataset, trainSize, validationSize } = scaledConfig(vgg, { dataset: "synthetic", scale: 0.1 });
  assert.deepEqual([dataset, trainSize, validationSize], ["synthetic", 150, 500]);
});

Deno.test("what is out of range is refused with its flag", () => {
  assert.throws(() => scaledConfig(lenet, { scale: 0 }), { name: "RangeError", message: /--scale is 0, .* above 0/ });
  assert.throws(() => scaledConfig(lenet, { scale: 1.5 }), { message: /--scale is 1\.5/ });
  assert.throws(() => scaledConfig(lenet, { replicates: 0 }), { message: /--replicates is 0/ });
});

Deno.test("a key is the name with the options that differ from none, in one order", () => {
  assert.equal(keyOf("fig4", {}), "fig4");
  assert.equal(keyOf("fig4", { scale: 1 }), "fig4");
  assert.equal(
    keyOf("fig4", { replicates: 2, reinitDraws: 1, levels: 12, scale: 0.1, dataset: "synthetic" }),
    "fig4-scale-0.1-levels-12-replicates-2-reinit-draws-1-dataset-synthetic",
  );
});

Deno.test("another seed alone makes an experiment no smaller", () => {
  assert.ok(!isReduced({ scale: 1, seed: 3 }));
  assert.ok(isReduced({ scale: 0.5 }));
  assert.ok(isReduced({ levels: 3 }));
});
