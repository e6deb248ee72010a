import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { DeviceExamples } from "../../src/nn/batches.ts";
import { Ensemble } from "../../src/nn/ensemble.ts";
import { packMask, unpackMask } from "../../src/nn/mask.ts";
import {
  classesOf,
  flat,
  fromArena,
  type LayerValues,
  layOut,
  type NetworkLayout,
  normsFromArena,
  type NormValues,
  roundUp,
  sizeOf,
  toArena,
} from "../../src/nn/network.ts";
import type { OptimizerSettings } from "../../src/nn/optimizer.ts";
import type { TilesPlan } from "../../src/nn/plan.ts";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import { type Batch, forward, type LayerTensors, startTraining, trainingStep } from "../../src/reference/network.ts";
import { softmaxCrossEntropy } from "../../src/reference/softmax_cross_entropy.ts";
import { readRecordedRun, type RecordedRun } from "../reference/recorded_run.ts";
import { bits, integers, normals } from "../reference/tensors.ts";
import { assertSameBits, closeTestGpu, noLabel, packBatch, replicate, testGpu, unpackBatch } from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/** One network's part in a lockstep: where it starts and what it trains on, R = 1 in every tensor. */
interface Lane {
  readonly initial: readonly LayerTensors[];
  readonly masks: readonly Uint8Array<ArrayBuffer>[];
  readonly batches: readonly Batch[];
  readonly norms?: readonly NormValues[];
}

/** What came back of one network. */
interface Trained {
  /** Of the first step, `[O][N]`. */
  readonly firstLogits: Float64Array;
  /** Of the first step. */
  readonly firstGradients: readonly LayerValues[];
  /** Of the first step: scale and shift of the batch norms. */
  readonly firstNormGradients: readonly NormValues[];
  /** Mean loss of every step. */
  readonly losses: readonly number[];
  /** Correct predictions of every step. */
  readonly correct: readonly number[];
  /** The arena at the end. */
  readonly arena: Float32Array<ArrayBuffer>;
}

function perceptron(sizes: readonly number[]): NetworkLayout {
  const [inputs = 1, ...units] = sizes;
  return layOut({
    name: "perceptron",
    input: flat(inputs),
    layers: units.map((count, index) => ({
      type: "dense",
      units: count,
      activation: index < units.length - 1 ? "relu" : "none",
    })),
  });
}

function asValues(layers: readonly LayerTensors[]): LayerValues[] {
  return layers.map(({ weight, bias }) => ({ weight: Float32Array.from(weight), bias: Float32Array.from(bias) }));
}

/** How {@linkcode train} goes about it. */
interface Manner {
  /** Whether what is dead gives its memory away; true when left out. */
  readonly sharesMemory?: boolean;
  /** Whether layers keep only their survivors; false when left out. */
  readonly isCompact?: boolean;
  /** Which tiles masked-dense layers have; `register` when left out. */
  readonly tiles?: TilesPlan;
}

/** Trains lanes in lockstep on the GPU, each on its own batches. */
async function train(
  gpu: Gpu,
  layout: NetworkLayout,
  optimizer: OptimizerSettings,
  lanes: readonly Lane[],
  { sharesMemory = true, isCompact = false, tiles = "register" }: Manner = {},
): Promise<Trained[]> {
  const { input } = layout.spec;
  const pixels = sizeOf(input);
  const outputs = classesOf(layout);
  const replicates = lanes.length;
  const steps = lanes[0]?.batches.length ?? 0;
  const images = lanes[0]?.batches[0]?.images ?? 0;
  // The batches are written directly, as floats: the data set is a stand-in.
  const one = { images: new Uint8Array(pixels), labels: new Uint8Array(1), count: 1 };
  using examples = new DeviceExamples(gpu, "unused", input, one);
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates,
    batchSize: images,
    optimizer,
    iterations: steps,
    train: examples,
    test: examples,
    splits: lanes.map(() => ({ train: Uint32Array.of(0), validation: Uint32Array.of(0) })),
    normalization: lanes.map(() => new Float32Array(2 * input.channels)),
    sharesMemory,
    masks: lanes.map(({ masks }) => packMask(layout, masks)),
    plan: layout.layers.map(() => ({ weights: isCompact ? "compact" : "masked-dense", tiles })),
  });
  ensemble.begin(lanes.map(({ initial, masks, norms }) => ({
    values: toArena(layout, asValues(initial), norms),
    mask: packMask(layout, masks),
  })));
  const padded = roundUp(images, 8);
  const losses: number[][] = lanes.map(() => []);
  const correct: number[][] = lanes.map(() => []);
  let firstLogits: Float64Array = new Float64Array();
  let firstGradients: LayerValues[][] = [];
  let firstNormGradients: NormValues[][] = [];
  for (let step = 0; step < steps; step++) {
    const batches = lanes.map(({ batches }) => batches[step]);
    const inputs = Float64Array.from(batches.flatMap((batch) => [...batch?.input ?? []]));
    const labels = new Uint32Array(replicates * padded).fill(noLabel);
    batches.forEach((batch, r) => labels.set(Array.from(batch?.labels ?? []), r * padded));
    gpu.write(
      ensemble.buffer("activation 0"),
      packBatch(replicates, pixels, images, inputs, { rows: 0, lanes: 0 }),
    );
    gpu.write(ensemble.buffer("batch labels"), labels);
    ensemble.stepOnWrittenBatch();
    const all = await gpu.readFloats(ensemble.buffer("batch losses"));
    const right = await gpu.readUint32(ensemble.buffer("batch correct"));
    for (let r = 0; r < replicates; r++) {
      const own = all.subarray(r * padded, r * padded + images);
      losses[r]?.push(own.reduce((sum, loss) => sum + loss, 0) / images);
      correct[r]?.push(right.subarray(r * padded, r * padded + images).reduce((sum, bit) => sum + bit, 0));
    }
    if (step > 0) continue;
    const logits = await gpu.readFloats(ensemble.buffer(`activation ${layout.tensors.length - 1}`));
    firstLogits = unpackBatch(replicates, outputs, images, logits).values;
    const gradients = await ensemble.gradients();
    firstGradients = gradients.map((own) => fromArena(layout, own));
    firstNormGradients = gradients.map((own) => normsFromArena(layout, own));
  }
  const arenas = await ensemble.parameters();
  const { records: [record], violations } = await ensemble.evaluate();
  assert.equal(record?.iteration, steps);
  assert.deepEqual(violations, lanes.map(() => 0));
  (await ensemble.masks()).forEach((words, r) => assert.deepEqual(unpackMask(layout, words), lanes[r]?.masks));
  return lanes.map((_, r) => ({
    firstLogits: replicate(firstLogits, replicates, r),
    firstGradients: firstGradients[r] ?? [],
    firstNormGradients: firstNormGradients[r] ?? [],
    losses: losses[r] ?? [],
    correct: correct[r] ?? [],
    arena: arenas[r] ?? new Float32Array(),
  }));
}

const recorded = [
  "lenet-small-adam-dense",
  "lenet-small-adam-sparse",
  "conv-small-adam-dense",
  "conv-small-adam-sparse",
  "conv-small-sgd-sparse",
  "bn-small-sgd-dense",
].map((name) => ({ name, run: withNorms(readRecordedRun(name)) }));

/** A recorded run with the running statistics that PyTorch starts from. */
function withNorms(run: RecordedRun): RecordedRun & Lane {
  if (!run.norm) return run;
  const { scale, shift } = run.norm.initial;
  const channels = scale.length;
  return {
    ...run,
    norms: [{
      scale: Float32Array.from(scale),
      shift: Float32Array.from(shift),
      mean: new Float32Array(channels),
      variance: new Float32Array(channels).fill(1),
    }],
  };
}

/** The ways to train that all must come to the same. */
const manners: readonly { readonly how: string; readonly manner: Manner }[] = [
  { how: "", manner: {} },
  { how: ", with survivors alone", manner: { isCompact: true } },
  { how: ", with workgroup tiles", manner: { tiles: "workgroup" } },
];

for (const { name, run, how, manner } of recorded.flatMap((own) => manners.map((one) => ({ ...own, ...one })))) {
  // Of the largest magnitude; batch norm divides by a deviation and multiplies what rounding left by as much.
  const tolerance = run.norm ? 1e-4 : 1e-5;
  Deno.test(`training on the GPU reproduces PyTorch's ${name}${how}`, async () => {
    const gpu = await testGpu();
    const layout = layOut(run.network);
    const [trained] = await train(gpu, layout, run.optimizer, [run], { ...manner, sharesMemory: false });
    assert.ok(trained);
    const close = (found: ArrayLike<number>, wanted: ArrayLike<number>, within: number, what: string): void => {
      const error = relativeError(found, wanted);
      assert.ok(error < within, `${what}: ${error}`);
    };
    close(trained.firstLogits, run.firstLogits, tolerance, "first logits");
    assert.equal(trained.firstGradients.length, layout.layers.length);
    trained.firstGradients.forEach(({ weight, bias }, index) => {
      const layer = layout.layers[index]?.name;
      close(weight, run.firstGradients[index]?.weight ?? [], tolerance, `${layer} gradient`);
      close(bias, run.firstGradients[index]?.bias ?? [], tolerance, `${layer} bias gradient`);
    });
    assert.equal(trained.losses.length, 10);
    trained.losses.forEach((loss, step) => {
      assert.ok(
        Math.abs(loss - (run.losses[step] ?? NaN)) < tolerance,
        `step ${step + 1}: ${loss}, not ${run.losses[step]}`,
      );
      assert.equal(trained.correct[step], Math.round((run.accuracies[step] ?? NaN) * run.batchSize));
    });
    fromArena(layout, trained.arena).forEach(({ weight, bias }, index) => {
      const layer = layout.layers[index]?.name;
      close(weight, run.final[index]?.weight ?? [], 1e-4, `${layer} at the end`);
      close(bias, run.final[index]?.bias ?? [], 1e-4, `${layer} bias at the end`);
      weight.forEach((value, at) => {
        if (run.masks[index]?.[at] === 0) assert.ok(Object.is(value, 0));
      });
    });
    if (!run.norm) return;
    const [gradient] = trained.firstNormGradients;
    const [norm] = normsFromArena(layout, trained.arena);
    for (const part of ["scale", "shift"] as const) {
      close(gradient?.[part] ?? [], run.norm.gradient[part], tolerance, `gradient of the ${part}`);
      close(norm?.[part] ?? [], run.norm.final[part], 1e-4, `${part} at the end`);
    }
  });
}

for (const name of ["conv-small-adam-sparse", "bn-small-sgd-dense"]) {
  Deno.test(`activations that share memory change no bit of ${name}, nor does a neighbour in the lockstep`, async () => {
    const gpu = await testGpu();
    const run = recorded.find((candidate) => candidate.name === name)?.run;
    assert.ok(run);
    const layout = layOut(run.network);
    const other = { ...run, batches: run.batches.toReversed() };
    const [apart] = await train(gpu, layout, run.optimizer, [run], { sharesMemory: false });
    const [first, second] = await train(gpu, layout, run.optimizer, [other, run]);
    const [alone] = await train(gpu, layout, run.optimizer, [other]);
    assert.ok(apart && first && second && alone);
    assertSameBits(second.arena, apart.arena, "shared or apart");
    assertSameBits(first.arena, alone.arena, "together or alone");
    assert.deepEqual([second.losses, first.losses], [apart.losses, alone.losses]);
  });
}

for (const { how, manner } of manners) {
  Deno.test(`three networks in lockstep train bit for bit as each of them does alone${how}`, async () => {
    for (const network of ["lenet-small-adam", "conv-small-adam"]) await inLockstep(network, manner);
  });
  Deno.test(
    `a network that diverges leaves its neighbours in the lockstep as they are, and its pruned weights at zero${how}`,
    async () => {
      for (const network of ["lenet-small-adam", "conv-small-adam"]) await divergingBesideOthers(network, manner);
    },
  );
}

/** The recorded runs of a network, without pruning and with. */
function denseAndSparse(network: string) {
  const [dense, sparse] = ["dense", "sparse"].map((kind) =>
    recorded.find(({ name }) => name === `${network}-${kind}`)?.run
  );
  assert.ok(dense && sparse);
  return [dense, sparse] as const;
}

async function inLockstep(network: string, manner: Manner): Promise<void> {
  const gpu = await testGpu();
  const [dense, sparse] = denseAndSparse(network);
  const lanes = [sparse, { ...dense, batches: [...dense.batches].reverse() }, { ...dense, batches: sparse.batches }];
  const settings = { type: "adam", lr: dense.lr } as const;
  const together = await train(gpu, layOut(dense.network), settings, lanes, manner);
  for (const [r, lane] of lanes.entries()) {
    const [alone] = await train(gpu, layOut(dense.network), settings, [lane], manner);
    const own = together[r];
    assert.ok(alone && own);
    assertSameBits(own.arena, alone.arena, `${network}, network ${r + 1}`);
    assert.deepEqual(own.losses, alone.losses);
    assert.deepEqual(own.firstLogits, alone.firstLogits);
  }
}

async function divergingBesideOthers(network: string, manner: Manner): Promise<void> {
  const gpu = await testGpu();
  const [dense, sparse] = denseAndSparse(network);
  const broken = {
    ...sparse,
    batches: sparse.batches.map((batch, step) =>
      step === 3 ? { ...batch, input: batch.input.map((value, at) => at === 5 ? NaN : value) } : batch
    ),
  };
  const settings = { type: "adam", lr: dense.lr } as const;
  // train() itself asserts that nothing pruned holds anything but zero.
  const [first, second, third] = await train(gpu, layOut(dense.network), settings, [dense, broken, sparse], manner);
  const [aloneDense] = await train(gpu, layOut(dense.network), settings, [dense], manner);
  const [aloneSparse] = await train(gpu, layOut(dense.network), settings, [sparse], manner);
  assert.ok(first && second && third && aloneDense && aloneSparse);
  assert.ok(second.losses.slice(3).every(Number.isNaN) && second.losses.slice(0, 3).every(Number.isFinite));
  assertSameBits(first.arena, aloneDense.arena, `${network}, the dense neighbour`);
  assertSameBits(third.arena, aloneSparse.arena, `${network}, the sparse neighbour`);
}

/** A small network with ragged sizes and a batch that is not whole tiles. */
const small = { sizes: [7, 9, 5, 3], layout: perceptron([7, 9, 5, 3]), images: 11 };

function smallLane(seed: number, steps: number): Lane {
  const shapes = small.sizes.slice(1).map((outputs, index) => ({ inputs: small.sizes[index] ?? 0, outputs }));
  return {
    initial: shapes.map(({ inputs, outputs }, index) => ({
      weight: normals(seed + index, inputs * outputs, 0.6),
      bias: normals(seed + 10 + index, outputs, 0.3),
    })),
    masks: shapes.map(({ inputs, outputs }, index) => bits(seed + 20 + index, inputs * outputs, 0.7)),
    batches: Array.from({ length: steps }, (_, step) => ({
      images: small.images,
      input: normals(seed + 30 + step, 7 * small.images),
      labels: integers(seed + 60 + step, small.images, 3),
    })),
  };
}

Deno.test("gradients on the GPU agree with finite differences, and the check fails for a wrong sign or a missing 1 / N", async () => {
  const gpu = await testGpu();
  const lane = smallLane(1, 1);
  const [batch] = lane.batches;
  assert.ok(batch);
  const [trained] = await train(gpu, small.layout, { type: "sgd", lr: 0.1 }, [lane]);
  const network = { replicates: 1, sizes: small.sizes };
  const { parameters } = startTraining(lane.initial, lane.masks);
  parameters.forEach((tensors, layer) => {
    for (const part of ["weight", "bias"] as const) {
      const differences = finiteDifference((x) => {
        const changed = parameters.map((own, index) => index === layer ? { ...own, [part]: x } : own);
        const logits = forward(network, changed, batch).at(-1) ?? new Float64Array();
        const { losses } = softmaxCrossEntropy({ replicates: 1, outputs: 3, batch: 11 }, logits, batch.labels);
        return losses.reduce((sum, loss) => sum + loss, 0) / small.images;
      }, tensors[part]);
      const mask = lane.masks[layer];
      const wanted = part === "weight" ? differences.map((value, at) => mask?.[at] === 0 ? 0 : value) : differences;
      const actual = trained?.firstGradients[layer]?.[part] ?? new Float32Array();
      // Float32 sums of 11 products through three layers; the differences themselves are good to 1e-9.
      assert.ok(relativeError(actual, wanted) < 3e-6, `dense${layer + 1} ${part}: ${relativeError(actual, wanted)}`);
      assert.ok(relativeError(actual.map((value) => -value), wanted) > 1);
      assert.ok(relativeError(actual.map((value) => value * small.images), wanted) > 1);
    }
  });
});

const optimizers: OptimizerSettings[] = [
  { type: "adam", lr: 0.01, weightDecay: 0.01 },
  { type: "sgd", lr: 0.1, momentum: 0.9, weightDecay: 0.01 },
];

for (const optimizer of optimizers) {
  Deno.test(`ten steps of ${optimizer.type} with a mask and weight decay on the GPU agree with the reference`, async () => {
    const gpu = await testGpu();
    const lanes = [smallLane(100, 10), smallLane(200, 10), smallLane(300, 10)];
    const all = await train(gpu, small.layout, optimizer, lanes);
    lanes.forEach((lane, r) => {
      let state = startTraining(lane.initial, lane.masks);
      lane.batches.forEach((batch, step) => {
        const result = trainingStep({ replicates: 1, sizes: small.sizes }, state, batch, optimizer, lane.masks);
        const loss = result.losses.reduce((sum, value) => sum + value, 0) / batch.images;
        assert.ok(Math.abs((all[r]?.losses[step] ?? NaN) - loss) < 1e-5 * Math.max(1, loss), `step ${step + 1}`);
        state = result.state;
      });
      fromArena(small.layout, all[r]?.arena ?? new Float32Array()).forEach(({ weight, bias }, layer) => {
        assert.ok(relativeError(weight, state.parameters[layer]?.weight ?? []) < 1e-5);
        assert.ok(relativeError(bias, state.parameters[layer]?.bias ?? []) < 1e-5);
      });
    });
  });
}
