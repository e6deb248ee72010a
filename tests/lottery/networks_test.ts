/** The loop on networks with convolutions, batch norms, residual blocks and dropout: the paper's in miniature, and one's own. */
import assert from "node:assert/strict";
import { split } from "../../src/data/split.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { type LotteryConfig, networkOf } from "../../src/lottery/config.ts";
import { ratesOf } from "../../src/lottery/schedule.ts";
import type { CustomNetwork } from "../../src/lottery/network_schema.ts";
import { plannedWeights } from "../../src/lottery/schedule.ts";
import {
  formatModel,
  formatTicket,
  loadModel,
  loadTicket,
  modelOf,
  ticketOf,
  train,
} from "../../src/lottery/ticket.ts";
import type { TrainedNetwork } from "../../src/lottery/types.ts";
import { evaluate } from "../../src/nn/inference.ts";
import { layOut } from "../../src/nn/network.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { numbers, only, renumbered, run, smallConfig, type Told } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

/** Three channels; four poolings of 16 × 16 leave one value. */
const dataset = await syntheticDataset({ channels: 3, height: 16, width: 16, classes: 4, train: 160, test: 80 });

const controls = ["reinit"] as const;

/** A few steps, two trainings each. */
function config(changes: Partial<LotteryConfig> = {}): LotteryConfig {
  return smallConfig({
    trainSize: 120,
    validationSize: 40,
    levels: 1,
    iterations: 6,
    batchSize: 12,
    evalEvery: 3,
    width: 1,
    ...changes,
  });
}

/** One of everything, and a layer that may not be pruned. */
const everything: CustomNetwork = {
  name: "everything",
  layers: [
    { type: "conv", channels: 5, bias: false, activation: "none" },
    { type: "batch-norm", activation: "relu" },
    {
      type: "residual",
      branch: [
        { type: "conv", channels: 7, stride: 2, bias: false, activation: "none" },
        { type: "batch-norm", activation: "none" },
      ],
      shortcut: [
        { type: "conv", channels: 7, size: 1, stride: 2, bias: false, activation: "none", prunable: false },
        { type: "batch-norm", activation: "none" },
      ],
    },
    { type: "conv", channels: 6, activation: "relu" },
    { type: "max-pool" },
    { type: "dropout", rate: 0.3 },
    { type: "dense", units: 9, activation: "relu" },
    { type: "dense", units: 4, activation: "none" },
  ],
};

const rich = (changes: Partial<LotteryConfig> = {}): LotteryConfig =>
  config({
    network: everything,
    optimizer: "sgd",
    lr: 0.05,
    momentum: 0.9,
    weightDecay: 1e-3,
    warmup: 3,
    lrDrops: [5],
    pruneConv: 0.3,
    pruneDense: 0.3,
    pruneOutput: 0,
    augment: true,
    rewind: 2,
    controls,
    ...changes,
  });

function find({ networks }: Told, arm: string, level: number): TrainedNetwork {
  const found = networks.find((own) => own.arm === arm && own.level === level && own.replicate === 1);
  assert.ok(found, `${arm} ${level}`);
  return found;
}

for (
  const [network, changes] of [
    ["conv2", { width: 0.05, pruneConv: 0.1, pruneDense: 0.2, pruneOutput: 0.1 }],
    ["conv6", { width: 0.05, pruneConv: 0.15, pruneDense: 0.2, pruneOutput: 0.1, dropout: 0.5 }],
    ["resnet18", { width: 0.25, pruneConv: 0.2, pruneOutput: 0, scope: "global", optimizer: "sgd", augment: true }],
    ["vgg19", { width: 0.03, pruneConv: 0.2, pruneOutput: 0, scope: "global", optimizer: "sgd", augment: true }],
  ] as const
) {
  Deno.test(`${network} in miniature is trained and pruned to its plan, and exempt layers stay dense`, async () => {
    const settings = config({ network, lr: 0.01, ...changes });
    const layout = layOut(networkOf(settings, dataset));
    const { records, networks } = await run(settings, { gpu: await testGpu(), dataset });
    const planned = plannedWeights(layout, 1, ratesOf(settings));
    assert.equal(records.length, 2);
    for (const { level, layers, remaining, status, validationLossAtEarlyStop } of records) {
      assert.equal(layers.reduce((sum, { kept }) => sum + kept, 0), planned[level]);
      assert.equal(remaining, (planned[level] ?? NaN) / layout.weights);
      assert.equal(status, "ok");
      assert.ok(validationLossAtEarlyStop !== null && validationLossAtEarlyStop > 0);
      layout.layers.forEach((layer, index) => {
        const isExempt = !layer.prunable || settings.scope === "global" && layer.role === "output";
        const { size, kept, name } = layers[index] ?? { size: 0, kept: 0, name: "" };
        assert.equal(name, layer.name);
        if (level === 0 || isExempt) assert.equal(kept, size, name);
        else if (settings.scope === "layer") assert.ok(kept < size, name);
      });
    }
    for (const { layers, norms, network: spec } of networks) {
      assert.deepEqual(spec, layout.spec);
      assert.equal(norms.length, layout.norms.length);
      for (const { initial, final } of norms) {
        assert.ok(initial.variance.every((value) => value === 1) && initial.mean.every((value) => value === 0));
        assert.notDeepEqual(final.mean, initial.mean);
        assert.ok(final.variance.every((value) => value > 0));
      }
      for (const { final, mask } of layers) {
        assert.ok(final.every((value, at) => mask[at] === 1 || Object.is(value, 0)));
      }
    }
  });
}

Deno.test("with everything at once, three replicates give bit for bit what three runs give", async () => {
  const gpu = await testGpu();
  const three = await run(rich({ replicates: 3, seed: 5 }), { gpu, dataset });
  for (const replicate of [1, 2, 3]) {
    const alone = await run(rich({ seed: 4 + replicate }), { gpu, dataset });
    assert.deepEqual(numbers(renumbered(only(three, (key) => key.replicate === replicate), 1)), numbers(alone));
  }
});

Deno.test("with everything at once, a run that goes on from its snapshot gives what an uninterrupted one gives", async () => {
  const gpu = await testGpu();
  const whole = await run(rich(), { gpu, dataset });
  const first = await run(rich({ levels: 0 }), { gpu, dataset });
  const second = await run(rich(), { gpu, dataset, snapshot: structuredClone(first.snapshot) });
  assert.deepEqual(second.records, whole.records);
  assert.deepEqual(second.networks, whole.networks.filter(({ level }) => level === 1));
});

Deno.test("rewinding takes batch norms along: parameters and running statistics of the dense network at that iteration", async () => {
  const gpu = await testGpu();
  const told = await run(rich({ controls: [] }), { gpu, dataset });
  // Its warmup and drops are the same, so that its first two steps are.
  const short = await run(rich({ controls: [], levels: 0, evalEvery: 2, rewind: 4 }), { gpu, dataset });
  assert.deepEqual(
    find(short, "ticket", 0).norms.map(({ final }) => final),
    find(told, "ticket", 0).norms.map(({ final }) => final),
  );
  const ended = await run(
    rich({ controls: [], levels: 0, iterations: 2, evalEvery: 2, warmup: 2, lr: 0.05 * 2 / 3, lrDrops: [], rewind: 0 }),
    {
      gpu,
      dataset,
    },
  );
  const then = find(ended, "ticket", 0).norms;
  find(told, "ticket", 1).norms.forEach(({ name, rewind, initial }, index) => {
    // The learning rates 1/3 and 2/3 of 0.05 are those of a warmup of 2 to 2/3 of it, up to rounding.
    for (const part of ["scale", "shift", "mean", "variance"] as const) {
      rewind?.[part].forEach((value, at) => {
        assert.ok(Math.abs(value - (then[index]?.final[part][at] ?? NaN)) < 1e-4, `${name}.${part}: ${value}`);
      });
    }
    assert.notDeepEqual(rewind?.mean, initial.mean);
  });
});

Deno.test("a network with batch norms predicts from its file what was measured when it was trained", async () => {
  const gpu = await testGpu();
  const { networks, records } = await run(rich(), { gpu, dataset });
  for (const [index, network] of networks.entries()) {
    const { train: images } = split(dataset.train.count, 1, { validationSize: 40, trainSize: 120 });
    const pixels = 3 * 16 * 16;
    const examples = {
      images: Uint8Array.from(
        [...images].flatMap((at) => [...dataset.train.images.subarray(at * pixels, (at + 1) * pixels)]),
      ),
      labels: Uint8Array.from(images, (at) => dataset.train.labels[at] ?? 0),
      count: 120,
    };
    const { accuracy } = await evaluate(loadModel(formatModel(modelOf(network))), examples, { gpu });
    assert.equal(records[index]?.trainAccuracyAtEnd, accuracy, `${network.arm} ${network.level}`);
  }
});

Deno.test("a ticket with convolutions goes through its file, trains, and its pruned weights stay zero", async () => {
  const gpu = await testGpu();
  const ticket = ticketOf(find(await run(rich(), { gpu, dataset }), "ticket", 1));
  const loaded = loadTicket(formatTicket(ticket));
  assert.deepEqual(loaded.rewind, ticket.rewind);
  assert.deepEqual(loaded.masks, ticket.masks);
  const model = await train(loaded, dataset, { iterations: 5, batchSize: 12, augment: true, gpu });
  assert.ok(model.norms && model.norms.length === 3);
  model.layers.forEach(({ weight }, layer) => {
    weight.forEach((value, at) => {
      if (ticket.masks[layer]?.[at] === 0) assert.ok(Object.is(value, 0));
    });
  });
});

Deno.test("dropout and augmentation reach the training, each by itself, and no evaluation before it", async () => {
  const gpu = await testGpu();
  const base = config({ network: "conv2", width: 0.05, levels: 0, iterations: 3 });
  const plain = await run(base, { gpu, dataset });
  for (const changes of [{ dropout: 0.5 }, { augment: true }]) {
    const other = await run({ ...base, ...changes }, { gpu, dataset });
    assert.deepEqual(other.evaluations[0], plain.evaluations[0]);
    assert.notEqual(other.evaluations[1]?.trainLoss, plain.evaluations[1]?.trainLoss);
  }
});
