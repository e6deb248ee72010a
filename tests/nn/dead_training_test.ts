/** Levels that are trained with and without what is dead: the same bits, wherever one looks. */
import assert from "node:assert/strict";
import { DataOrder } from "../../src/data/order.ts";
import { unitRange } from "../../src/data/normalization.ts";
import { split } from "../../src/data/split.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { DeviceExamples } from "../../src/nn/batches.ts";
import {
  Ensemble,
  type EnsembleOptions,
  type EvaluationResult,
  type StartValues,
  type TrainingCorrect,
  type TrainingState,
} from "../../src/nn/ensemble.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { countKept, packMask } from "../../src/nn/mask.ts";
import { layOut, type NetworkLayout, type NetworkSpec } from "../../src/nn/network.ts";
import type { OptimizerSettings } from "../../src/nn/optimizer.ts";
import type { LayerPlan } from "../../src/nn/plan.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { bits, normals } from "../reference/tensors.ts";

Deno.test.afterAll(closeTestGpu);

const batchSize = 20;
const iterations = 15;
/** Where levels that go on begin. */
const middle = 6;
const dataset = await syntheticDataset({ height: 9, width: 9, classes: 5, train: 203, test: 61, seed: 3 });
const adam: OptimizerSettings = { type: "adam", lr: 1e-2 };
const sgd: OptimizerSettings = { type: "sgd", lr: 0.05, momentum: 0.9 };

/** Networks of one architecture with parts that are dead. */
interface Case {
  readonly spec: NetworkSpec;
  /** Which layers are compact, one after the other. */
  readonly compact: readonly boolean[];
  /** Whether a weight is pruned for structure's sake, by replicate and layer; others are pruned at random. */
  readonly isPruned: (replicate: number, layer: number, row: number, column: number) => boolean;
}

const input = { channels: 1, height: 9, width: 9 };

const perceptron: NetworkSpec = {
  name: "perceptron",
  input,
  layers: [14, 13, 9, 5].map((units, index) => ({
    type: "dense",
    units,
    activation: index === 3 ? "none" : "relu",
  })),
};

/**
 * In all replicates, but elsewhere: dead pixels; units 4 to 7 of the third layer that nothing reads, and units 8 to 11 of the
 * second that they alone read, and units 0 to 3 of the first that those alone read: a chain. In the second of them more, so that
 * dead units fill up the others. Unit 13 of the first layer has nothing coming in, and is all that unit 12 of the second has.
 */
function isPrunedInPerceptron(replicate: number, layer: number, row: number, column: number): boolean {
  const isDead = (unit: number, first: number): boolean => unit >= first && unit < first + 4;
  switch (layer) {
    case 0:
      return row < 12 + 8 * replicate || row > 70 && row < 80 && replicate === 1 || column === 13;
    case 1:
      return isDead(row, 0) && !isDead(column, 8) || isDead(row, 4) && replicate === 1 || column === 12 && row !== 13;
    case 2:
      return isDead(row, 8) && !isDead(column, 4);
    default:
      return isDead(row, 4);
  }
}

const convolutional: NetworkSpec = {
  name: "convolutional",
  input,
  layers: [
    { type: "conv", channels: 16, activation: "relu" },
    { type: "conv", channels: 40, activation: "relu" },
    { type: "max-pool" },
    { type: "conv", channels: 6, activation: "relu", size: 1, bias: false },
    { type: "dense", units: 10, activation: "relu" },
    { type: "dense", units: 5, activation: "none" },
  ],
};

/**
 * Channels 5 to 8 or 9 to 12 of the second convolution, and what they alone read of the first; units of the dense layers. Without
 * them the second convolution is small enough for its weight gradient to be summed in more parts.
 */
function isPrunedInConvolutional(replicate: number, layer: number, row: number, column: number): boolean {
  const first = replicate === 1 ? 5 : 9;
  const isDead = (channel: number): boolean => channel >= first && channel < first + 4;
  switch (layer) {
    case 1:
      return row < 9 * (replicate + 2) && !isDead(column);
    case 2:
      return isDead(row);
    case 4:
      return row === 3 + replicate;
    default:
      return false;
  }
}

const cases: Readonly<Record<string, Case>> = {
  "dense layers, all weights": {
    spec: perceptron,
    compact: [false, false, false, false],
    isPruned: isPrunedInPerceptron,
  },
  "dense layers, survivors alone": {
    spec: perceptron,
    compact: [true, true, true, false],
    isPruned: isPrunedInPerceptron,
  },
  "convolutions, all weights": {
    spec: convolutional,
    compact: [false, false, false, false, false],
    isPruned: isPrunedInConvolutional,
  },
  "convolutions with compact dense layers": {
    spec: convolutional,
    compact: [false, false, false, true, true],
    isPruned: isPrunedInConvolutional,
  },
  "convolutions, survivors alone": {
    spec: convolutional,
    compact: [true, true, true, true, false],
    isPruned: isPrunedInConvolutional,
  },
};

function startOf(layout: NetworkLayout, replicate: number, isPruned: Case["isPruned"]): StartValues {
  const values = glorot(layout, replicate + 1);
  // Dead units and constants have biases too.
  layout.layers.forEach(({ bias, outputs, hasBias }, index) => {
    if (hasBias) values.set(normals(replicate * 10 + index, outputs, 0.1), bias);
  });
  const masks = layout.layers.map(({ inputs, outputs }, layer) =>
    bits(replicate * 20 + layer, inputs * outputs, 0.5)
      .map((bit, at) => isPruned(replicate, layer, Math.floor(at / outputs), at % outputs) ? 0 : bit)
  );
  return { values, mask: packMask(layout, masks) };
}

/** Everything that an ensemble tells of a level. */
interface Told {
  readonly evaluations: readonly EvaluationResult[];
  readonly losses: readonly number[];
  /** At the start, on the way and at the end. */
  readonly states: readonly (readonly TrainingState[])[];
  readonly gradients: readonly Float32Array[];
  readonly correct: readonly TrainingCorrect[];
  readonly masks: readonly Uint32Array[];
  readonly next: readonly Uint32Array[];
  /** Values of one network's arena on the GPU. */
  readonly arena: number;
}

/** Trains a level; with `begun`, from the middle on. */
async function train(
  { spec, compact, isPruned }: Case,
  { dropsDead, replicates = [0, 1, 2], optimizer = adam, begun }: {
    readonly dropsDead: boolean;
    readonly replicates?: readonly number[];
    readonly optimizer?: OptimizerSettings;
    readonly begun?: readonly TrainingState[];
  },
): Promise<Told> {
  const gpu = await testGpu();
  const layout = layOut(spec);
  const starts = replicates.map((replicate) => startOf(layout, replicate, isPruned));
  using train = new DeviceExamples(gpu, "train", dataset, dataset.train);
  using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
  const splits = replicates.map((replicate) => split(dataset.train.count, replicate + 1, { validationSize: 51 }));
  const plan = compact.map((isCompact): LayerPlan => ({
    weights: isCompact ? "compact" : "masked-dense",
    tiles: "register",
  }));
  const options: EnsembleOptions = {
    layout,
    replicates: replicates.length,
    batchSize,
    optimizer,
    iterations,
    train,
    test,
    splits,
    normalization: replicates.map(() => unitRange(1)),
    masks: starts.map(({ mask }) => mask),
    plan,
    dropsDead,
  };
  using ensemble = await Ensemble.open(gpu, options);
  ensemble.begin(
    starts.map((start, index) => {
      const training = begun?.[index];
      return training ? { ...start, values: training.parameters, training } : start;
    }),
    begun ? middle : 0,
  );
  const states = [await ensemble.training()];
  const orders = splits.map(({ train }, index) =>
    new DataOrder(train, batchSize, (replicates[index] ?? 0) + 1, { arm: 0, level: 0 })
  );
  const step = (count: number): void => ensemble.steps(orders.map((order) => order.next(count)));
  const evaluations: EvaluationResult[] = [];
  if (begun) orders.forEach((order) => order.next(middle));
  else {
    evaluations.push(await ensemble.evaluate());
    step(middle);
    evaluations.push(await ensemble.evaluate());
    states.push(await ensemble.training());
  }
  step(4);
  const losses = await ensemble.runningLosses();
  step(5);
  evaluations.push(await ensemble.evaluate());
  states.push(await ensemble.training());
  const groups = layout.layers.map((_, layer) => [layer]);
  return {
    evaluations,
    losses,
    states,
    gradients: await ensemble.gradients(),
    correct: await ensemble.trainingCorrect(),
    masks: await ensemble.masks(),
    next: await ensemble.prune(
      [groups.flat()],
      starts.map(({ mask }) => [Math.floor(countKept(layout, mask).reduce((sum, count) => sum + count, 0) / 3)]),
    ),
    arena: ensemble.buffer("parameters").bytes / 4 / replicates.length,
  };
}

/** As bits, so that zeros of either sign differ. */
function inBits(value: unknown): unknown {
  if (value instanceof Float32Array) return [...new Uint32Array(value.slice().buffer)];
  if (value instanceof Uint32Array) return [...value];
  if (Array.isArray(value)) return value.map(inBits);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inBits(part)]));
}

function assertSameBits(found: Told, wanted: Told): void {
  assert.deepEqual(found.evaluations, wanted.evaluations);
  for (const key of ["losses", "states", "gradients", "correct", "masks", "next"] as const) {
    // Compared as text: a list of all differences would take minutes.
    assert.ok(JSON.stringify(inBits(found[key])) === JSON.stringify(inBits(wanted[key])), `${key} differ`);
  }
}

for (const [name, own] of Object.entries(cases)) {
  for (const optimizer of [adam, sgd]) {
    Deno.test(`a level gives the same bits with and without what is dead: ${name}, ${optimizer.type}`, async () => {
      const whole = await train(own, { dropsDead: false, optimizer });
      const shrunk = await train(own, { dropsDead: true, optimizer });
      assert.ok(shrunk.arena < whole.arena, `${shrunk.arena} of ${whole.arena} values`);
      assertSameBits(shrunk, whole);
      // What is dead took part in all of it: survivors that did not move, and their pruning.
      const layout = layOut(own.spec);
      assert.deepEqual(shrunk.evaluations[0]?.kept, whole.masks.map((mask) => countKept(layout, mask)));
      assert.deepEqual(shrunk.evaluations.map(({ violations }) => violations), whole.evaluations.map(() => [0, 0, 0]));
    });
  }

  Deno.test(`what is dead beside a network changes none of its bits: ${name}`, async () => {
    const together = await train(own, { dropsDead: true });
    for (const replicate of [0, 1, 2]) {
      const alone = await train(own, { dropsDead: true, replicates: [replicate] });
      const part: Told = {
        ...together,
        evaluations: together.evaluations.map(({ records, kept, violations }) => ({
          records: records.slice(replicate, replicate + 1),
          kept: kept.slice(replicate, replicate + 1),
          violations: violations.slice(replicate, replicate + 1),
        })),
        losses: together.losses.slice(replicate, replicate + 1),
        states: together.states.map((own) => own.slice(replicate, replicate + 1)),
        gradients: together.gradients.slice(replicate, replicate + 1),
        correct: together.correct.slice(replicate, replicate + 1),
        masks: together.masks.slice(replicate, replicate + 1),
        next: together.next.slice(replicate, replicate + 1),
      };
      assertSameBits(part, alone);
    }
  });

  Deno.test(`a level goes on bit for bit from a state with what is dead in it: ${name}`, async () => {
    const whole = await train(own, { dropsDead: false });
    const begun = whole.states[1];
    assert.ok(begun);
    for (const dropsDead of [true, false]) {
      const rest = await train(own, { dropsDead, begun });
      assertSameBits(rest, { ...whole, evaluations: whole.evaluations.slice(2), states: whole.states.slice(1) });
    }
  });
}

Deno.test("with weight decay, which moves what nothing reads, nothing is dropped", async () => {
  const own = cases["dense layers, all weights"];
  assert.ok(own);
  const decaying = { ...adam, weightDecay: 1e-3 };
  const whole = await train(own, { dropsDead: false, optimizer: decaying });
  const same = await train(own, { dropsDead: true, optimizer: decaying });
  assert.equal(same.arena, whole.arena);
  assertSameBits(same, whole);
});

Deno.test("a batch cannot be written where pixels are dropped, and dropping wants a mask for each network", async () => {
  const gpu = await testGpu();
  const { spec, isPruned } = cases["dense layers, all weights"] ?? assert.fail();
  const layout = layOut(spec);
  const start = startOf(layout, 0, isPruned);
  using examples = new DeviceExamples(gpu, "train", dataset, dataset.train);
  const indices = Uint32Array.of(0);
  const options = {
    layout,
    replicates: 1,
    batchSize,
    optimizer: adam,
    iterations,
    train: examples,
    test: examples,
    splits: [{ train: indices, validation: indices }],
    normalization: [unitRange(1)],
    dropsDead: true,
  };
  using ensemble = await Ensemble.open(gpu, { ...options, masks: [start.mask] });
  ensemble.begin([start]);
  assert.throws(() => ensemble.stepOnWrittenBatch(), { name: "RangeError", message: /pixels .* are dropped/ });
  await assert.rejects(Ensemble.open(gpu, options), { name: "RangeError", message: /0 masks for 1 networks/ });
});
