import assert from "node:assert/strict";
import type { Dataset } from "../../src/data/dataset.ts";
import { DataOrder } from "../../src/data/order.ts";
import { unitRange } from "../../src/data/normalization.ts";
import { split } from "../../src/data/split.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { DeviceExamples } from "../../src/nn/batches.ts";
import {
  Ensemble,
  type EnsembleOptions,
  type EvaluationResult,
  planEnsemble,
  type StartValues,
} from "../../src/nn/ensemble.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { applyMask, countKept, denseMask, packMask } from "../../src/nn/mask.ts";
import { lenet } from "../../src/nn/architectures.ts";
import { fromArena, layOut } from "../../src/nn/network.ts";
import type { OptimizerSettings } from "../../src/nn/optimizer.ts";
import { forward } from "../../src/reference/network.ts";
import { softmaxCrossEntropy } from "../../src/reference/softmax_cross_entropy.ts";
import { assertSameBits, closeTestGpu, testGpu } from "../kernels/support.ts";
import { bits } from "../reference/tensors.ts";

Deno.test.afterAll(closeTestGpu);

const validationSize = 61;
const batchSize = 20;
// More test images than one launch of an evaluation holds, and none of the sizes a multiple of 8.
const dataset = await syntheticDataset({ height: 9, width: 9, classes: 5, train: 503, test: 1013, seed: 3 });
const layout = layOut(lenet(81, 5, 0.1));
const adam: OptimizerSettings = { type: "adam", lr: 1e-2, weightDecay: 1e-3 };
const sgd: OptimizerSettings = { type: "sgd", lr: 0.05, momentum: 0.9, weightDecay: 1e-3 };

/** An ensemble on the data set above, with all that it stands on. */
class Fixture implements Disposable {
  readonly ensemble: Ensemble;
  readonly orders: readonly DataOrder[];
  readonly splits: EnsembleOptions["splits"];
  readonly #stack: DisposableStack;

  private constructor(ensemble: Ensemble, splits: EnsembleOptions["splits"], stack: DisposableStack) {
    this.ensemble = ensemble;
    this.splits = splits;
    this.orders = splits.map(({ train }, index) => new DataOrder(train, batchSize, index + 1, { arm: 0, level: 0 }));
    this.#stack = stack;
  }

  static async open(
    gpu: Gpu,
    seeds: readonly number[],
    optimizer: OptimizerSettings = adam,
    data: Dataset = dataset,
  ): Promise<Fixture> {
    using stack = new DisposableStack();
    const train = stack.use(new DeviceExamples(gpu, "train", data, data.train));
    const test = stack.use(new DeviceExamples(gpu, "test", data, data.test));
    const splits = seeds.map((seed) => split(data.train.count, seed, { validationSize }));
    const ensemble = stack.use(
      await Ensemble.open(gpu, {
        layout,
        replicates: seeds.length,
        batchSize,
        optimizer,
        iterations: 400,
        train,
        test,
        splits,
        normalization: seeds.map(() => unitRange(1)),
      }),
    );
    return new Fixture(ensemble, splits, stack.move());
  }

  steps(count: number): void {
    this.ensemble.steps(this.orders.map((order) => order.next(count)));
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

function dense(seed: number): StartValues {
  return { values: glorot(layout, seed), mask: denseMask(layout) };
}

function sparse(seed: number, kept = 0.3): StartValues {
  const masks = layout.layers.map(({ inputs, outputs }, index) => bits(seed * 10 + index, inputs * outputs, kept));
  return { values: glorot(layout, seed), mask: packMask(layout, masks) };
}

/** Loss and correct count of images by the float64 reference. */
function reference(arena: Float32Array, examples: Dataset["test"], indices: ArrayLike<number>): [number, number] {
  const pixels = 81;
  const images = indices.length;
  const input = new Float64Array(pixels * images);
  const labels = Array.from(indices, (example, image) => {
    for (let at = 0; at < pixels; at++) {
      input[at * images + image] = (examples.images[example * pixels + at] ?? 0) / 255;
    }
    return examples.labels[example] ?? 0;
  });
  const parameters = fromArena(layout, arena).map(({ weight, bias }) => ({
    weight: Float64Array.from(weight),
    bias: Float64Array.from(bias),
  }));
  const sizes = [pixels, ...layout.layers.map(({ outputs }) => outputs)];
  const logits = forward({ replicates: 1, sizes }, parameters, { images, input }).at(-1) ?? new Float64Array();
  const { losses, correct } = softmaxCrossEntropy({ replicates: 1, outputs: 5, batch: images }, logits, labels);
  return [losses.reduce((sum, loss) => sum + loss, 0), correct.reduce((sum, one) => sum + one, 0)];
}

for (const optimizer of [adam, sgd]) {
  Deno.test(`training with ${optimizer.type} lowers the loss and learns`, async () => {
    using fixture = await Fixture.open(await testGpu(), [1, 2], optimizer);
    const { ensemble } = fixture;
    ensemble.begin([dense(1), sparse(2)]);
    const before = await ensemble.evaluate();
    fixture.steps(100);
    const middle = await ensemble.evaluate();
    fixture.steps(100);
    const after = await ensemble.evaluate();
    for (const replicate of [0, 1]) {
      const [first, second, third] = [before, middle, after].map(({ records }) => records[replicate]);
      assert.ok(first && second && third);
      assert.deepEqual([first.iteration, second.iteration, third.iteration], [0, 100, 200]);
      assert.equal(first.trainLossSum, 0);
      assert.ok(third.trainLossSum < 0.7 * second.trainLossSum, `${third.trainLossSum} after ${second.trainLossSum}`);
      assert.ok(third.validationLossSum < 0.7 * first.validationLossSum);
      assert.ok(third.testCorrect > 2 * first.testCorrect && third.testCorrect > 0.6 * dataset.test.count);
      assert.ok(third.trainCorrect > second.trainCorrect && third.trainCorrect <= 100 * batchSize);
      assert.equal(third.divergedAt, 0);
    }
  });

  Deno.test(`pruned weights, gradients and moments are exactly zero after every step of ${optimizer.type}`, async () => {
    const gpu = await testGpu();
    using fixture = await Fixture.open(gpu, [1, 2], optimizer);
    const { ensemble } = fixture;
    const starts = [sparse(1, 0.1), sparse(2, 0.7)];
    ensemble.begin(starts);
    const names = ["parameters", "gradient", "moment 1", ...optimizer.type === "adam" ? ["moment 2"] : []];
    for (const steps of [1, 1, 60]) {
      fixture.steps(steps);
      for (const name of names) {
        const all = await gpu.readFloats(ensemble.buffer(name));
        starts.forEach(({ mask }, index) => {
          const own = all.subarray(index * layout.arena, (index + 1) * layout.arena);
          // Masking changes nothing: all that it would prune is zero already, a negative zero aside.
          const unchanged = applyMask(own, mask).every((value, at) => value === own[at]);
          assert.ok(unchanged, `${name} of replicate ${index + 1} revived a pruned weight`);
          assert.ok(own.some((value) => value !== 0), `${name} is all zeros: nothing was tested`);
        });
      }
      const { kept, violations } = await ensemble.evaluate();
      assert.deepEqual(kept, starts.map(({ mask }) => countKept(layout, mask)));
      assert.deepEqual(violations, [0, 0]);
    }
    // And the masks are what they were.
    assert.deepEqual(await ensemble.masks(), starts.map(({ mask }) => mask));
  });
}

Deno.test("the running loss is the mean over the steps since the last evaluation", async () => {
  const gpu = await testGpu();
  using fixture = await Fixture.open(gpu, [1, 2]);
  const { ensemble } = fixture;
  ensemble.begin([dense(1), dense(2)]);
  for (const steps of [3, 5]) {
    fixture.steps(steps);
    const running = await ensemble.runningLosses();
    const { records } = await ensemble.evaluate();
    assert.deepEqual(running, records.map(({ trainLossSum }) => trainLossSum / steps));
    assert.ok(running.every((loss) => loss > 0) && running[0] !== running[1]);
  }
});

for (const optimizer of [adam, sgd]) {
  Deno.test(`going on with ${optimizer.type} from what training had made of the networks gives the same bits`, async () => {
    const gpu = await testGpu();
    const starts = [sparse(1), dense(2)];
    using whole = await Fixture.open(gpu, [1, 2], optimizer);
    whole.ensemble.begin(starts);
    await whole.ensemble.evaluate();
    whole.steps(5);
    await whole.ensemble.evaluate();
    whole.steps(7);
    const made = structuredClone(await whole.ensemble.training());
    assert.deepEqual(made.map(({ state }) => state[0]), [12, 12]);
    assert.ok(made.every(({ best, parameters }) => best.some((value, at) => value !== parameters[at])));
    using other = await Fixture.open(gpu, [1, 2], optimizer);
    for (const order of other.orders) order.skip(12);
    const goingOn = made.map((training, index) => {
      const start = starts[index];
      assert.ok(start);
      return { values: training.parameters, mask: start.mask, training };
    });
    other.ensemble.begin(goingOn, 5);
    assert.deepEqual(await other.ensemble.training(), made);
    assert.deepEqual(await other.ensemble.runningLosses(), await whole.ensemble.runningLosses());
    whole.steps(9);
    other.steps(9);
    assert.deepEqual(await other.ensemble.runningLosses(), await whole.ensemble.runningLosses());
    assert.deepEqual(await other.ensemble.evaluate(), await whole.ensemble.evaluate());
    assert.deepEqual(await other.ensemble.training(), await whole.ensemble.training());
    assert.deepEqual(await other.ensemble.trainingCorrect(), await whole.ensemble.trainingCorrect());
    // What does not fit together is refused.
    const [first, second] = goingOn;
    assert.ok(first && second);
    const late = { ...second, training: { ...second.training, state: second.training.state.with(0, 13) } };
    for (const wrong of [[first, dense(2)], [first, late]]) {
      assert.throws(() => other.ensemble.begin(wrong), { name: "RangeError", message: /Cannot go on/ });
    }
  });
}

Deno.test("a weight that comes back is counted as a violation", async () => {
  const gpu = await testGpu();
  using fixture = await Fixture.open(gpu, [1]);
  const start = sparse(1);
  fixture.ensemble.begin([start]);
  const pruned = [...unpackBits(start.mask)].findIndex((bit) => bit === 0);
  gpu.write(fixture.ensemble.buffer("moment 2"), Float32Array.of(1e-30), pruned * 4);
  assert.deepEqual((await fixture.ensemble.evaluate()).violations, [1]);
});

Deno.test("begin() sets survivors to their values bit for bit, everything else to zero, and can be repeated", async () => {
  const gpu = await testGpu();
  using fixture = await Fixture.open(gpu, [1, 2]);
  const { ensemble, splits } = fixture;
  const starts = [sparse(1), dense(2)];
  const batches = splits.map(({ train }) => new DataOrder(train, batchSize, 1, { arm: 0, level: 0 }).next(30));
  const runs = [];
  for (let run = 0; run < 2; run++) {
    ensemble.begin(starts);
    const begun = await ensemble.parameters();
    starts.forEach(({ values, mask }, index) => {
      assertSameBits(begun[index] ?? new Float32Array(0), applyMask(values, mask), `replicate ${index + 1}`);
    });
    for (const name of ["gradient", "moment 1", "moment 2", "best parameters"]) {
      assert.ok((await gpu.readFloats(ensemble.buffer(name))).every((value) => value === 0), name);
    }
    ensemble.steps(batches);
    runs.push([await ensemble.evaluate(), await ensemble.parameters()]);
  }
  assert.deepEqual(runs[1], runs[0]);
});

Deno.test("losses and correct counts of an evaluation agree with the float64 reference", async () => {
  using fixture = await Fixture.open(await testGpu(), [1, 2]);
  const { ensemble, splits } = fixture;
  ensemble.begin([dense(1), sparse(2)]);
  fixture.steps(40);
  const { records } = await ensemble.evaluate();
  const correct = await ensemble.trainingCorrect();
  const arenas = await ensemble.parameters();
  const everyTest = Array.from({ length: dataset.test.count }, (_, index) => index);
  for (const [index, arena] of arenas.entries()) {
    const own = splits[index];
    const record = records[index];
    assert.ok(own && record);
    const [validationLoss, validationCorrect] = reference(arena, dataset.train, own.validation);
    const [testLoss, testCorrect] = reference(arena, dataset.test, everyTest);
    const [, trainCorrect] = reference(arena, dataset.train, own.train);
    assert.ok(Math.abs(record.validationLossSum - validationLoss) < 1e-5 * validationLoss);
    assert.ok(Math.abs(record.testLossSum - testLoss) < 1e-5 * testLoss);
    assert.deepEqual(
      [record.validationCorrect, record.testCorrect, correct[index]?.atEnd],
      [validationCorrect, testCorrect, trainCorrect],
    );
  }
});

Deno.test("the best weights are those of the earliest minimum of validation loss", async () => {
  const gpu = await testGpu();
  // A learning rate at which the loss goes up as well as down.
  using fixture = await Fixture.open(gpu, [1, 2, 3], { type: "sgd", lr: 0.6, momentum: 0.9 });
  const { ensemble, splits } = fixture;
  ensemble.begin([dense(1), sparse(2), dense(3)]);
  const history: (EvaluationResult & { readonly arenas: Float32Array<ArrayBuffer>[] })[] = [];
  for (let evaluation = 0; evaluation < 10; evaluation++) {
    history.push({ ...await ensemble.evaluate(), arenas: await ensemble.parameters() });
    fixture.steps(5);
  }
  const best = await gpu.readFloats(ensemble.buffer("best parameters"));
  const correct = await ensemble.trainingCorrect();
  const minima = splits.map((own, index) => {
    const losses = history.map(({ records }) => records[index]?.validationLossSum ?? NaN);
    const minimum = losses.indexOf(Math.min(...losses));
    const arena = history[minimum]?.arenas[index];
    assert.ok(arena);
    assertSameBits(best.slice(index * layout.arena, (index + 1) * layout.arena), arena, `replicate ${index + 1}`);
    assert.equal(correct[index]?.atEarlyStop, reference(arena, dataset.train, own.train)[1]);
    return minimum;
  });
  assert.ok(minima.some((minimum) => minimum > 0 && minimum < history.length - 1), `minima at ${minima}`);
});

Deno.test("steps give the same weights however many go into one submit", async () => {
  using fixture = await Fixture.open(await testGpu(), [1, 2]);
  const { ensemble, splits } = fixture;
  const results = [];
  for (const chunks of [[256, 44], [1, 99, 100, 100], Array.from({ length: 25 }, () => 12)]) {
    ensemble.begin([dense(1), sparse(2)]);
    const orders = splits.map(({ train }) => new DataOrder(train, batchSize, 5, { arm: 0, level: 0 }));
    for (const steps of chunks) ensemble.steps(orders.map((order) => order.next(steps)));
    results.push([await ensemble.parameters(), await ensemble.evaluate()]);
  }
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
});

Deno.test("every step trains on its own batch, also where the ring of batches wraps around", async () => {
  // A learning rate of zero leaves the weights alone: a step's loss tells its batch.
  using fixture = await Fixture.open(await testGpu(), [1, 2], { type: "sgd", lr: 0 });
  const { ensemble, splits } = fixture;
  const starts = [dense(1), dense(2)];
  const batchesOf = (batch: number, count = 1): Uint32Array[] =>
    splits.map(({ train }) =>
      Uint32Array.from(
        { length: count * batchSize },
        (_, index) => train[batch * batchSize + index % batchSize] ?? 0,
      )
    );
  const alone: number[][] = [];
  for (const batch of [1, 2, 3, 4]) {
    ensemble.begin(starts);
    ensemble.steps(batchesOf(batch));
    alone.push((await ensemble.evaluate()).records.map(({ trainLossSum }) => trainLossSum));
  }
  assert.equal(new Set(alone.flat()).size, 8);
  ensemble.begin(starts);
  ensemble.steps(batchesOf(0, 254));
  await ensemble.evaluate();
  const four = [1, 2, 3, 4].map((batch) => batchesOf(batch));
  ensemble.steps(splits.map((_, replicate) => Uint32Array.from(four.flatMap((batch) => [...batch[replicate] ?? []]))));
  const { records } = await ensemble.evaluate();
  records.forEach(({ trainLossSum, iteration }, replicate) => {
    const wanted = alone.reduce((sum, losses) => sum + (losses[replicate] ?? NaN), 0);
    assert.equal(iteration, 258);
    assert.ok(Math.abs(trainLossSum - wanted) < 1e-5, `${trainLossSum}, not ${wanted}`);
  });
});

Deno.test("a network that starts from infinity or NaN is flagged at its first step and leaves its neighbours as they are", async () => {
  const results = [];
  for (const poison of [undefined, NaN, Infinity]) {
    using fixture = await Fixture.open(await testGpu(), [1, 2, 3]);
    const { ensemble } = fixture;
    const middle = sparse(2);
    if (poison !== undefined) middle.values.fill(poison);
    ensemble.begin([dense(1), middle, sparse(3)]);
    const before = await ensemble.evaluate();
    fixture.steps(30);
    const after = await ensemble.evaluate();
    const correct = await ensemble.trainingCorrect();
    const parameters = await ensemble.parameters();
    assert.equal(after.records[1]?.divergedAt, poison === undefined ? 0 : 1);
    assert.deepEqual(after.violations, [0, 0, 0]);
    assert.deepEqual(after.kept[1], countKept(layout, middle.mask));
    results.push([0, 2].map((own) => [before.records[own], after.records[own], correct[own], parameters[own]]));
    assert.equal(after.records[0]?.divergedAt, 0);
  }
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
});

Deno.test("an ensemble allocates what its plan says, and uniforms; and releases all of it", async () => {
  const gpu = await testGpu();
  gpu.trim();
  const before = gpu.allocatedBytes;
  {
    using train = new DeviceExamples(gpu, "train", dataset, dataset.train);
    using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
    const images = DeviceExamples.bytes(81, dataset.train.count) + DeviceExamples.bytes(81, dataset.test.count);
    // Buffers are rounded up to whole vec4.
    assert.ok(gpu.allocatedBytes - before - images <= 4 * 16);
    for (const optimizer of [adam, sgd]) {
      const options = { layout, replicates: 3, batchSize, optimizer, iterations: 400 };
      const known = gpu.allocations();
      const splits = [1, 2, 3].map((seed) => split(dataset.train.count, seed, { validationSize }));
      const normalization = splits.map(() => unitRange(1));
      using ensemble = await Ensemble.open(gpu, { ...options, train, test, splits, normalization });
      const planned = planEnsemble({
        ...options,
        trainSize: dataset.train.count - validationSize,
        validationSize,
        testSize: dataset.test.count,
      });
      assert.equal(new Set(planned.map(({ name }) => name)).size, planned.length);
      for (const { name, bytes } of planned) {
        // The GPU allocates whole vec4.
        assert.equal(ensemble.buffer(name).bytes, Math.max(16, Math.ceil(bytes / 16) * 16), name);
      }
      const others = gpu.allocations().filter(({ label }) => !planned.some(({ name }) => name === label));
      const unplanned = others.filter(({ label }) => !known.some((own) => own.label === label));
      assert.ok(unplanned.length > 0 && unplanned.every(({ label }) => label.endsWith(" uniforms")));
      assert.throws(() => ensemble.buffer("moment 3"), { name: "RangeError", message: /one of parameters/ });
    }
  }
  assert.equal(gpu.allocatedBytes, before);
});

Deno.test("starts and batches that do not fit the ensemble are refused before anything is submitted", async () => {
  using fixture = await Fixture.open(await testGpu(), [1, 2]);
  const { ensemble } = fixture;
  assert.throws(() => ensemble.begin([dense(1)]), { name: "RangeError", message: /1 starts for 2 networks/ });
  ensemble.begin([dense(1), dense(2)]);
  const batch = (images: number): Uint32Array => new Uint32Array(images);
  const wrong = [[], [batch(20)], [batch(20), batch(40)], [batch(19), batch(19)], [batch(0), batch(0)]];
  for (const batches of wrong) assert.throws(() => ensemble.steps(batches), { name: "RangeError" });
  assert.throws(() => ensemble.steps([batch(257 * 20), batch(257 * 20)]), { name: "RangeError", message: /1 to 256/ });
  const { records } = await ensemble.evaluate();
  assert.deepEqual(records.map(({ iteration }) => iteration), [0, 0]);
});

function unpackBits(words: Uint32Array): number[] {
  return [...words].flatMap((word) => Array.from({ length: 32 }, (_, bit) => (word >>> bit) & 1));
}
