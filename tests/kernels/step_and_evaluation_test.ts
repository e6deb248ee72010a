import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { copyIfBest, endOfStep, sums } from "../../src/nn/loss.ts";
import { flat, layOut } from "../../src/nn/network.ts";
import { initialState, parseRecords, recordSlot, recordWords, stateWords } from "../../src/nn/state.ts";
import { advanceStep } from "../../src/reference/advance_step.ts";
import { better, evaluationSums } from "../../src/reference/evaluation_sums.ts";
import { bits, normals } from "../reference/tensors.ts";
import { assertSameBits, closeTestGpu, replicate, replicateCounts, Scratch, testGpu } from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/** Words of the state. */
const word = {
  step: 0,
  divergedAt: 1,
  trainLoss: 2,
  trainCorrect: 4,
  bestLoss: 5,
  bestIteration: 6,
  improved: 7,
} as const;

/** One float32 rounding of a compensated sum and a few of a batch's, relative to the sum. */
function assertNear(actual: number, wanted: number, tolerance: number, what: string): void {
  const agrees = Number.isFinite(wanted)
    ? Math.abs(actual - wanted) <= tolerance * Math.abs(wanted)
    : !Number.isFinite(actual);
  assert.ok(agrees, `${what} is ${actual}, not ${wanted}`);
}

/** Positive losses, and which images are right; zeros in the lanes beyond the images. */
function losses(seed: number, replicates: number, images: number, padded: number): {
  readonly losses: Float64Array;
  readonly correct: Uint32Array<ArrayBuffer>;
} {
  const inBatch = (at: number): boolean => at % padded < images;
  return {
    losses: normals(seed, replicates * padded).map((value, at) => inBatch(at) ? Math.abs(value) : 0),
    correct: Uint32Array.from(bits(seed, replicates * padded, 0.7), (bit, at) => inBatch(at) ? bit : 0),
  };
}

interface StateValues {
  readonly step: number;
  readonly divergedAt: number;
  readonly trainLoss: number;
  readonly trainCorrect: number;
  readonly bestLoss: number;
  readonly bestIteration: number;
  readonly improved: number;
}

function parseState(words: Uint32Array<ArrayBuffer>, r: number): StateValues {
  const own = words.slice(r * stateWords, (r + 1) * stateWords);
  const floats = new Float32Array(own.buffer);
  return {
    step: own[word.step] ?? NaN,
    divergedAt: own[word.divergedAt] ?? NaN,
    trainLoss: floats[word.trainLoss] ?? NaN,
    trainCorrect: own[word.trainCorrect] ?? NaN,
    bestLoss: floats[word.bestLoss] ?? NaN,
    bestIteration: own[word.bestIteration] ?? NaN,
    improved: own[word.improved] ?? NaN,
  };
}

async function advance(
  gpu: Gpu,
  shape: { readonly replicates: number; readonly batch: number; readonly images: number },
  batches: readonly { readonly losses: Float64Array; readonly correct: Uint32Array<ArrayBuffer> }[],
): Promise<Uint32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const state = scratch.upload(initialState(shape.replicates));
  await scratch.run(...batches.map((batch) =>
    endOfStep(shape, {
      losses: scratch.upload(Float32Array.from(batch.losses)),
      correct: scratch.upload(batch.correct),
      state,
    })
  ));
  return scratch.words(state);
}

Deno.test("advance_step agrees with its reference over steps, and flags the first loss that is not finite", async () => {
  const gpu = await testGpu();
  for (const replicates of replicateCounts) {
    for (const [images, batch] of [[1, 8], [7, 8], [8, 8], [9, 16], [60, 64]] as const) {
      const steps = [1, 2, 3, 4].map((seed) => losses(seed, replicates, images, batch));
      // Replicate 2 diverges in the third step, replicate 3 in the second and, otherwise, again in the fourth.
      for (const [step, at, value] of [[2, 1, NaN], [1, 2, Infinity], [3, 2, NaN]] as const) {
        if (at < replicates) steps[step]?.losses.fill(value, at * batch, at * batch + 1);
      }
      const words = await advance(gpu, { replicates, batch, images }, steps);
      for (let r = 0; r < replicates; r++) {
        let wanted = { step: 0, divergedAt: 0, trainLoss: 0, trainCorrect: 0 };
        for (const { losses, correct } of steps) {
          const own = replicate(losses, replicates, r).subarray(0, images);
          wanted = advanceStep(wanted, own, replicate(correct, replicates, r).subarray(0, images));
        }
        const actual = parseState(words, r);
        const what = `batch ${images}, replicate ${r + 1} of ${replicates}`;
        assertNear(actual.trainLoss, wanted.trainLoss, 1e-6, `${what}: training loss`);
        assert.deepEqual({ ...actual, trainLoss: 0 }, {
          ...wanted,
          trainLoss: 0,
          bestLoss: Infinity,
          bestIteration: 0,
          improved: 0,
        }, what);
      }
    }
  }
});

Deno.test("advance_step loses no digits over thousands of steps", async () => {
  const gpu = await testGpu();
  using scratch = new Scratch(gpu);
  const state = scratch.upload(initialState(1));
  const batch = losses(1, 1, 5, 8);
  const launch = endOfStep({ replicates: 1, batch: 8, images: 5 }, {
    losses: scratch.upload(Float32Array.from(batch.losses)),
    correct: scratch.upload(batch.correct),
    state,
  });
  const program = scratch.use(await gpu.record("steps", [launch]));
  gpu.submit([program, 1]);
  const one = parseState(await scratch.words(state), 0).trainLoss;
  gpu.submit([program, 4999]);
  const all = parseState(await scratch.words(state), 0);
  assert.equal(all.step, 5000);
  // The very same float32 is added each time, so the exact sum is known; plain float32 addition is off by some 1e-5.
  assertNear(all.trainLoss, one * 5000, 1.2e-7, "the sum of 5,000 steps");
});

Deno.test("evaluation_sums agrees with its reference on ragged lengths, into its own slot of the record", async () => {
  const gpu = await testGpu();
  for (const replicates of replicateCounts) {
    for (
      const [images, padded, stride] of [[1, 8, 8], [7, 8, 24], [257, 264, 264], [509, 512, 1000], [
        10_000,
        10_000,
        10_000,
      ]] as const
    ) {
      for (const slot of [recordSlot.validation, recordSlot.test]) {
        using scratch = new Scratch(gpu);
        const values = losses(images, replicates, images, stride);
        // What an earlier, longer evaluation left beyond this one must not count.
        const stale = Float32Array.from(values.losses, (loss, at) => at % stride >= padded ? NaN : loss);
        const record = scratch.upload(new Uint32Array(replicates * recordWords).fill(9));
        const state = scratch.upload(initialState(replicates));
        await scratch.run(sums({ replicates, lossStride: stride, quads: padded / 4, slot, keepsBest: false }, {
          losses: scratch.upload(stale),
          correct: scratch.upload(values.correct),
          state,
          record,
        }));
        const words = await scratch.words(record);
        const wanted = evaluationSums(replicates, values.losses, values.correct);
        wanted.forEach(({ loss, correct }, r) => {
          const own = words.slice(r * recordWords, (r + 1) * recordWords);
          assertNear(new Float32Array(own.buffer)[slot] ?? NaN, loss, 1.2e-7, `loss of ${images} images`);
          assert.equal(own[slot + 1], correct);
          own.forEach((value, at) => {
            if (at !== slot && at !== slot + 1) assert.equal(value, 9, `word ${at} of the record`);
          });
        });
        assertSameBits(await scratch.words(state), initialState(replicates), "state");
      }
    }
  }
});

Deno.test("evaluation_sums keeps the earliest minimum, never a NaN, and hands the training sums over", async () => {
  const gpu = await testGpu();
  // Per evaluation the losses of one image in each of three replicates.
  const evaluations = [[3, 2, NaN], [2, 2, Infinity], [2.5, 1, 4], [NaN, Infinity, 4], [1, 1, 5]];
  using scratch = new Scratch(gpu);
  const state = scratch.upload(initialState(3));
  const record = scratch.upload(new Uint32Array(3 * recordWords));
  const trained = losses(1, 3, 3, 8);
  const batch = { losses: scratch.upload(Float32Array.from(trained.losses)), correct: scratch.upload(trained.correct) };
  const best = [0, 1, 2].map(() => ({ loss: Infinity, iteration: 0 }));
  for (const [index, values] of evaluations.entries()) {
    const iteration = 2 * (index + 1);
    const own = Float32Array.from({ length: 24 }, (_, at) => at % 8 === 0 ? values[at / 8] ?? 0 : 0);
    const end = endOfStep({ replicates: 3, batch: 8, images: 3 }, { ...batch, state });
    const validation = sums({ replicates: 3, lossStride: 8, quads: 2, slot: recordSlot.validation, keepsBest: true }, {
      losses: scratch.upload(own),
      correct: scratch.upload(new Uint32Array(24).fill(1)),
      state,
      record,
    });
    await scratch.run(end, end, validation);
    const bytes = (await scratch.words(record)).buffer;
    const words = await scratch.words(state);
    parseRecords(bytes).forEach((parsed, r) => {
      const what = `evaluation ${index + 1} of replicate ${r + 1}`;
      const before = best[r] ?? { loss: NaN, iteration: NaN };
      const after = better(before, { loss: values[r] ?? NaN, iteration });
      best[r] = after;
      const actual = parseState(words, r);
      assert.deepEqual(
        [actual.bestLoss, actual.bestIteration, actual.improved],
        [after.loss, after.iteration, Number(after !== before)],
        what,
      );
      const images = replicate(trained.losses, 3, r).subarray(0, 3);
      const right = replicate(trained.correct, 3, r).reduce((sum, bit) => sum + bit, 0);
      assert.equal(parsed.iteration, iteration);
      assert.equal(parsed.divergedAt, 0);
      assert.equal(parsed.trainCorrect, 2 * right, what);
      assertNear(parsed.trainLossSum, 2 * images.reduce((sum, loss) => sum + loss, 0) / 3, 1e-6, what);
      assertNear(parsed.validationLossSum, values[r] ?? NaN, 0, what);
      assert.equal(parsed.validationCorrect, 8);
      assert.deepEqual([actual.trainLoss, actual.trainCorrect], [0, 0], `${what}: the sums begin again`);
    });
  }
});

Deno.test("three replicates of the sums give bit for bit what three runs of one give", async () => {
  const gpu = await testGpu();
  const values = losses(3, 3, 1003, 1008);
  const run = async (replicates: number, r: number): Promise<[Uint32Array<ArrayBuffer>, Uint32Array<ArrayBuffer>]> => {
    using scratch = new Scratch(gpu);
    const own = replicates === 3
      ? values
      : { losses: replicate(values.losses, 3, r), correct: replicate(values.correct, 3, r) };
    const buffers = {
      losses: scratch.upload(Float32Array.from(own.losses)),
      correct: scratch.upload(own.correct),
      state: scratch.upload(initialState(replicates)),
    };
    const record = scratch.upload(new Uint32Array(replicates * recordWords));
    const slot = recordSlot.validation;
    await scratch.run(
      endOfStep({ replicates, batch: 1008, images: 1003 }, buffers),
      sums({ replicates, lossStride: 1008, quads: 252, slot, keepsBest: true }, { ...buffers, record }),
    );
    return [await scratch.words(record), await scratch.words(buffers.state)];
  };
  const [record, state] = await run(3, 0);
  for (let r = 0; r < 3; r++) {
    const alone = await run(1, r);
    assertSameBits(replicate(record, 3, r), alone[0], "record");
    assertSameBits(replicate(state, 3, r), alone[1], "state");
  }
});

Deno.test("keep_best copies the arenas of the replicates that improved, NaN and all, and no others", async () => {
  const gpu = await testGpu();
  for (const units of [1, 37]) {
    const layout = layOut({ name: "test", input: flat(units), layers: [{ type: "dense", units, activation: "none" }] });
    using scratch = new Scratch(gpu);
    const state = initialState(3);
    state[word.improved] = 1;
    state[2 * stateWords + word.improved] = 1;
    const values = Float32Array.from(normals(1, 3 * layout.arena), (value, at) => at % 13 === 4 ? NaN : value);
    const best = scratch.output(values.length);
    await scratch.run(
      copyIfBest(layout, 3, { state: scratch.upload(state), parameters: scratch.upload(values), best }),
    );
    const [copied] = await scratch.floats(best);
    assert.ok(copied);
    assertSameBits(replicate(copied, 3, 0), replicate(values, 3, 0), "replicate 1");
    assert.ok(replicate(copied, 3, 1).every((value) => value === 12345));
    assertSameBits(replicate(copied, 3, 2), replicate(values, 3, 2), "replicate 3");
  }
});
