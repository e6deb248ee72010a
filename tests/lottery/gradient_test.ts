/** Gradients for scores at initialisation beside the float64 reference, and SNIP's masks beside the scores that it gives. */
import assert from "node:assert/strict";
import { DataOrder } from "../../src/data/order.ts";
import { armCode } from "../../src/lottery/arms/names.ts";
import { type LotteryConfig, networkOf } from "../../src/lottery/config.ts";
import { batchGradient } from "../../src/lottery/gradient.ts";
import { type Trial, Trials } from "../../src/lottery/trials.ts";
import { DeviceExamples } from "../../src/nn/batches.ts";
import { fromArena, layOut, type NetworkLayout, normsFromArena, sizeOf } from "../../src/nn/network.ts";
import { relativeError } from "../../src/reference/finite_difference.ts";
import { gather } from "../../src/reference/gather.ts";
import { type GraphBatch, type GraphLayer, graphParameters, graphStep } from "../../src/reference/graph.ts";
import { backward } from "../../src/reference/network.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { dataset, run, smallConfig } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

const base = { levels: 1, iterations: 1, evalEvery: 1, controls: ["snip"], seed: 5 } as const;

/** With weight decay, which must not reach a gradient. */
const perceptron = smallConfig({ ...base, weightDecay: 0.1 });

/** Its images flipped and shifted, as in training. */
const convolutional = smallConfig({
  ...base,
  width: 1,
  augment: true,
  network: {
    name: "convolutional",
    layers: [
      { type: "conv", channels: 6, activation: "relu" },
      { type: "max-pool" },
      { type: "conv", channels: 7, stride: 2, activation: "relu" },
      { type: "dense", units: 12, activation: "relu" },
      { type: "dense", units: 5, activation: "none" },
    ],
  },
});

/** A configuration's network and its first replicate. */
function trialOf(config: LotteryConfig): { readonly layout: NetworkLayout; readonly trial: Trial } {
  const layout = layOut(networkOf(config, dataset));
  return { layout, trial: new Trials(config, dataset, layout).of(1) };
}

/** The batch that scores of a trial see: the first of an order of SNIP's own. */
function batchOf({ batchSize, augment }: LotteryConfig, layout: NetworkLayout, { seed, split }: Trial): GraphBatch {
  const stream = { arm: armCode("snip"), level: 0, draw: 1 };
  const indices = new DataOrder(split.train, batchSize, seed, stream, { augment }).next(1);
  const { width, height } = dataset;
  const shape = { replicates: 1, pixels: sizeOf(layout.spec.input), planePixels: width * height, batch: batchSize };
  const { images, labels } = dataset.train;
  const { output: input, labels: own } = gather(
    augment ? { ...shape, width } : shape,
    images,
    labels,
    indices,
    [[1 / 255, 0]],
  );
  return { images: batchSize, input, labels: own };
}

/** The reference's gradients at θ0: of dense layers alone by the plain reference, else operation by operation. */
function referenceGradients(layout: NetworkLayout, { initial }: Trial, batch: GraphBatch): readonly GraphLayer[] {
  const parameters = graphParameters(fromArena(layout, initial), normsFromArena(layout, initial));
  if (layout.layers.some(({ type }) => type === "conv")) {
    return graphStep(layout, parameters, batch, { key: new Uint32Array(2), step: 0 }).gradients.layers;
  }
  const sizes = [sizeOf(layout.spec.input), ...layout.layers.map(({ outputs }) => outputs)];
  return backward({ replicates: 1, sizes }, parameters.layers, batch).gradients;
}

for (const { what, config } of [{ what: "dense", config: perceptron }, { what: "conv", config: convolutional }]) {
  const { layout, trial } = trialOf(config);
  const wanted = referenceGradients(layout, trial, batchOf(config, layout, trial));

  Deno.test(`the gradient of a ${what} network at its initial values is the reference's, over the same batch`, async () => {
    const gpu = await testGpu();
    using train = new DeviceExamples(gpu, "train", dataset, dataset.train);
    using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
    const sources = { config, layout, train, test };
    const gradient = await batchGradient(gpu, sources, trial, trial.initial);
    fromArena(layout, gradient).forEach(({ weight, bias }, index) => {
      const { name } = layout.layers[index] ?? {};
      const own = wanted[index];
      assert.ok(own && own.weight.some((value) => value !== 0));
      assert.ok(relativeError(weight, own.weight) < 1e-5, `${name}: ${relativeError(weight, own.weight)}`);
      assert.ok(relativeError(bias, own.bias) < 1e-5, `${name}, bias: ${relativeError(bias, own.bias)}`);
    });
    // All scores of a trial see the same batch.
    assert.deepEqual(await batchGradient(gpu, sources, trial, trial.initial), gradient);
  });

  Deno.test(`SNIP's mask of a ${what} network in a run keeps the largest |g ⊙ θ| of the reference`, async () => {
    const { networks } = await run(config, { gpu: await testGpu() });
    const [ticket, snip] = (["ticket", "snip"] as const).map((arm) =>
      networks.find((own) => own.arm === arm && own.level === 1)
    );
    assert.ok(ticket && snip);
    const initial = fromArena(layout, trial.initial);
    assert.deepEqual(snip.layers.map((own) => own.initial), initial.map(({ weight }) => weight));
    const weights = snip.layers.flatMap(({ mask }, layer) =>
      Array.from(mask, (bit, at) => ({
        isKept: bit === 1,
        score: Math.abs((initial[layer]?.weight[at] ?? NaN) * (wanted[layer]?.weight[at] ?? NaN)),
      }))
    );
    const keep = ticket.layers.reduce((sum, { mask }) => sum + mask.reduce((own, bit) => own + bit, 0), 0);
    assert.equal(weights.filter(({ isKept }) => isKept).length, keep);
    // By sorting: what is further from the last score that is kept than rounding is on the side that it belongs to.
    const ranked = weights.map(({ score }) => score).sort((a, b) => b - a);
    const [largest = NaN, last = NaN] = [ranked[0], ranked[keep - 1]];
    const rounding = 1e-6 * largest;
    assert.ok(last > 100 * rounding, "weights without any gradient are far from the last one that is kept");
    const clear = weights.filter(({ score }) => Math.abs(score - last) > rounding);
    assert.ok(weights.length - clear.length < weights.length / 100, `${clear.length} of ${weights.length} are clear`);
    assert.deepEqual(clear.map(({ isKept }) => isKept), clear.map(({ score }) => score > last));
  });
}
