/** Errors along the line between two trained networks, beside separate evaluations and the float64 reference. */
import assert from "node:assert/strict";
import { DataOrder } from "../../src/data/order.ts";
import { unitRange } from "../../src/data/normalization.ts";
import { split } from "../../src/data/split.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { lineErrors, type LineOptions, type LinePoint, linePoints } from "../../src/lottery/connectivity.ts";
import { densitiesOf } from "../../src/lottery/densities.ts";
import { pruningGroups, ratesOf } from "../../src/lottery/schedule.ts";
import { DeviceExamples } from "../../src/nn/batches.ts";
import { Ensemble } from "../../src/nn/ensemble.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { applyMask, countKept, packMask } from "../../src/nn/mask.ts";
import { lenet } from "../../src/nn/architectures.ts";
import {
  fromArena,
  layOut,
  type NetworkLayout,
  type NetworkSpec,
  normsFromArena,
  toArena,
} from "../../src/nn/network.ts";
import { planOf, planTable } from "../../src/nn/plan.ts";
import { graphForward, graphParameters } from "../../src/reference/graph.ts";
import { softmaxCrossEntropy } from "../../src/reference/softmax_cross_entropy.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { bits } from "../reference/tensors.ts";
import { dataset as ofRuns, run, smallConfig } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

const dataset = await syntheticDataset({ height: 9, width: 9, classes: 5, train: 263, test: 101, seed: 3 });
const parts = split(dataset.train.count, 1, { validationSize: 61 });
const batchSize = 20;

const perceptron = layOut(lenet(81, 5, 0.1));
const normed: NetworkSpec = {
  name: "normed",
  input: { channels: 1, height: 9, width: 9 },
  layers: [
    { type: "conv", channels: 6, bias: false, activation: "none" },
    { type: "batch-norm", activation: "relu" },
    { type: "max-pool" },
    { type: "dense", units: 5, activation: "none" },
  ],
};

/** Two copies of a ticket, trained with different data order, and what their own evaluations say. */
async function trainedPair(
  layout: NetworkLayout,
  density: number,
  steps: number,
): Promise<{ readonly line: LineOptions; readonly ends: readonly Omit<LinePoint, "alpha">[] }> {
  const gpu = await testGpu();
  const masks = layout.layers.map(({ inputs, outputs }, index) => bits(index + 1, inputs * outputs, density));
  const mask = packMask(layout, masks);
  const normalization = unitRange(1);
  const densities = countKept(layout, mask).map((kept, index) => kept / (masks[index]?.length ?? 0));
  using train = new DeviceExamples(gpu, "train", dataset, dataset.train);
  using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates: 2,
    batchSize,
    optimizer: { type: "adam", lr: 0.02 },
    iterations: steps,
    train,
    test,
    splits: [parts, parts],
    normalization: [normalization, normalization],
    masks: [mask, mask],
    plan: planOf(layout, densities, gpu.adapter.kind),
  });
  const start = { values: glorot(layout, 1), mask };
  ensemble.begin([start, start]);
  ensemble.steps([0, 16].map((arm) => new DataOrder(parts.train, batchSize, 1, { arm, level: 1 }).next(steps)));
  const { records } = await ensemble.evaluate();
  const correct = await ensemble.trainingCorrect();
  const [from, to] = await ensemble.parameters();
  assert.ok(from && to);
  const ends = records.map((record, index) => ({
    testError: 1 - record.testCorrect / dataset.test.count,
    validationError: 1 - record.validationCorrect / parts.validation.length,
    trainError: 1 - (correct[index]?.atEnd ?? NaN) / parts.train.length,
    testLoss: record.testLossSum / dataset.test.count,
    validationLoss: record.validationLossSum / parts.validation.length,
  }));
  return { line: { layout, dataset, split: parts, normalization, mask, from, to, training: true }, ends };
}

/** Error and mean loss on the test set by the float64 reference. */
function reference(layout: NetworkLayout, arena: Float32Array): { readonly error: number; readonly loss: number } {
  const { images: bytes, labels, count: images } = dataset.test;
  const pixels = 81;
  const input = new Float64Array(pixels * images);
  for (let image = 0; image < images; image++) {
    for (let at = 0; at < pixels; at++) input[at * images + image] = (bytes[image * pixels + at] ?? 0) / 255;
  }
  const parameters = graphParameters(fromArena(layout, arena), normsFromArena(layout, arena));
  const logits = graphForward(layout, parameters, { images, input }).activations.at(-1) ?? new Float64Array();
  const { losses, correct } = softmaxCrossEntropy({ replicates: 1, outputs: 5, batch: images }, logits, labels);
  return {
    error: 1 - correct.reduce((sum, one) => sum + one, 0) / images,
    loss: losses.reduce((sum, loss) => sum + loss, 0) / images,
  };
}

for (
  const { what, layout, density, steps } of [
    { what: "compact layers", layout: perceptron, density: 0.2, steps: 24 },
    { what: "batch norms", layout: layOut(normed), density: 0.6, steps: 12 },
  ]
) {
  Deno.test(`on a line between networks with ${what} the ends are what separate evaluations say, the middle the reference`, async () => {
    const { line, ends } = await trainedPair(layout, density, steps);
    const points = await lineErrors(await testGpu(), { ...line, points: 5 });
    assert.deepEqual(points.map(({ alpha }) => alpha), [0, 0.25, 0.5, 0.75, 1]);
    const [{ alpha: _from, ...first } = { alpha: 0 }, , middle, , { alpha: _to, ...last } = { alpha: 1 }] = points;
    assert.deepEqual([first, last], ends);
    assert.notDeepEqual(first, last, "two networks");
    // By hand: the mean of both arenas, running statistics of batch norms included.
    const mean = line.from.map((value, index) => (value + (line.to[index] ?? NaN)) / 2);
    const wanted = reference(layout, applyMask(mean, line.mask));
    assert.ok(middle && middle.testLoss !== null);
    assert.equal(middle.testError, wanted.error);
    assert.ok(Math.abs(middle.testLoss - wanted.loss) < 1e-5 * wanted.loss, `${middle.testLoss}, not ${wanted.loss}`);
  });
}

Deno.test("between a ticket and its twin, pruned globally, the ends are bit for bit what their run evaluated", async () => {
  const gpu = await testGpu();
  // Of 3,240 inputs of the dense layer over 2,048 are alive: its masked-dense kernel sums them in parts, the compact one does not.
  const config = smallConfig({
    network: {
      name: "wide",
      layers: [
        { type: "conv", channels: 40, activation: "relu" },
        { type: "dense", units: 5, activation: "none" },
      ],
    },
    width: 1,
    scope: "global",
    pruneConv: 0.715,
    levels: 1,
    controls: ["twin"],
    iterations: 40,
    evalEvery: 40,
    lr: 3e-3,
  });
  const { networks, evaluations } = await run(config, { gpu });
  const [ticket, twin] = (["ticket", "twin"] as const).map((arm) =>
    networks.find((own) => own.arm === arm && own.level === 1)
  );
  assert.ok(ticket && twin);
  const wide = layOut(ticket.network);
  const groups = pruningGroups(wide, ratesOf(config));
  const mask = packMask(wide, ticket.layers.map(({ mask }) => mask));
  const [own, pooled] = [[], groups].map((all) => densitiesOf(wide, countKept(wide, mask), all).at(-1) ?? NaN);
  const compactBelow = planTable.software.find(({ type }) => type === "dense")?.compactBelow ?? NaN;
  assert.ok(own !== undefined && pooled !== undefined);
  assert.ok(own < compactBelow && compactBelow < pooled, `${own} by itself, ${pooled} of the pool`);
  const [from, to] = [ticket, twin].map(({ layers }) =>
    toArena(wide, layers.map(({ final, finalBias }) => ({ weight: final, bias: finalBias })))
  );
  assert.ok(from && to);
  const { trainSize, validationSize, seed } = config;
  const ends = await lineErrors(gpu, {
    layout: wide,
    dataset: ofRuns,
    split: split(ofRuns.train.count, seed, { trainSize, validationSize }),
    normalization: ticket.normalization,
    mask,
    from,
    to,
    groups,
    points: 2,
  });
  const wanted = [ticket, twin].map(({ arm }) => {
    const last = evaluations.find((own) => own.arm === arm && own.level === 1 && own.iteration === config.iterations);
    assert.ok(last);
    const { testAccuracy, validationAccuracy, testLoss, validationLoss } = last;
    return { testError: 1 - testAccuracy, validationError: 1 - validationAccuracy, testLoss, validationLoss };
  });
  assert.deepEqual(ends.map(({ alpha: _, trainError: __, ...end }) => end), wanted);
});

Deno.test("a line has the same numbers in turns of any size, the last one filled up, and training errors only where asked for", async () => {
  const gpu = await testGpu();
  const { line } = await trainedPair(perceptron, 0.2, 12);
  const { training: _, ...without } = line;
  const wanted = await lineErrors(gpu, { ...without, points: 5 });
  assert.ok(wanted.every(({ trainError }) => trainError === null));
  for (const lockstep of [1, 2]) {
    assert.deepEqual(await lineErrors(gpu, { ...without, points: 5, lockstep }), wanted, `${lockstep} at a time`);
  }
});

Deno.test("a line between a network and itself is flat, at all of the paper's points", async () => {
  const { line, ends } = await trainedPair(perceptron, 0.2, 4);
  const { training: _, ...without } = line;
  const points = await lineErrors(await testGpu(), { ...without, to: line.from });
  assert.equal(points.length, linePoints);
  // (1 − α)·w + α·w is w but for the last bit of a float64, which rounding to float32 takes away.
  for (const { testError, validationError } of points) {
    assert.deepEqual([testError, validationError], [ends[0]?.testError, ends[0]?.validationError]);
  }
});

Deno.test("a line of one point, of another network, or of an evaluation that was stopped is refused", async () => {
  const gpu = await testGpu();
  const values = glorot(perceptron, 1);
  const mask = packMask(perceptron, perceptron.layers.map(({ inputs, outputs }) => bits(1, inputs * outputs, 0.5)));
  const line = {
    layout: perceptron,
    dataset,
    split: parts,
    normalization: unitRange(1),
    mask,
    from: values,
    to: values,
  };
  await assert.rejects(lineErrors(gpu, { ...line, points: 1 }), /^RangeError: .*at 1 points: both ends are/);
  await assert.rejects(
    lineErrors(gpu, { ...line, to: new Float32Array(64) }),
    /^RangeError: .* and 64 values and the mask .*Give arenas of this layout/,
  );
  const reason = new DOMException("enough", "AbortError");
  await assert.rejects(lineErrors(gpu, { ...line, points: 2, signal: AbortSignal.abort(reason) }), reason);
});
