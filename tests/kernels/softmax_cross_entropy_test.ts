import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { crossEntropy } from "../../src/nn/loss.ts";
import { roundUp } from "../../src/nn/network.ts";
import { softmaxCrossEntropy } from "../../src/reference/softmax_cross_entropy.ts";
import { integers, normals } from "../reference/tensors.ts";
import {
  assertAll,
  assertClose,
  assertSameBits,
  closeTestGpu,
  noLabel,
  packBatch,
  replicate,
  replicateCounts,
  Scratch,
  testGpu,
  unpackBatch,
  untouched,
} from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/**
 * Relative to the largest magnitude. WGSL allows exp() an error of 3 + 2 |x| units in the last place and log() one of 2⁻²¹
 * between 0.5 and 2; that is about 1e-6 for the arguments that matter, of size 1 to 5.
 */
const tolerance = 2e-6;

interface Shape {
  readonly replicates: number;
  readonly outputs: number;
  readonly batch: number;
}

interface Result {
  readonly gradient: Float32Array<ArrayBuffer>;
  /** `[R][L]` */
  readonly losses: Float32Array<ArrayBuffer>;
  /** `[R][L]` */
  readonly correct: Uint32Array<ArrayBuffer>;
}

/** A chunk in the middle of a row of losses: 16 before it, 8 behind it. */
const before = 16;
const behind = 8;

async function run(
  gpu: Gpu,
  { replicates, outputs, batch }: Shape,
  logits: Float64Array,
  labels: Uint32Array,
  withGradient = true,
): Promise<Result> {
  using scratch = new Scratch(gpu);
  const lanes = roundUp(batch, 8);
  const stride = before + lanes + behind;
  const gradient = scratch.output(replicates * roundUp(outputs, 4) * lanes);
  const losses = scratch.output(replicates * stride);
  const correct = scratch.output(replicates * stride);
  const padded = new Uint32Array(replicates * lanes).fill(noLabel);
  for (let r = 0; r < replicates; r++) padded.set(labels.subarray(r * batch, (r + 1) * batch), r * lanes);
  await scratch.run(crossEntropy(
    {
      outputs,
      replicates,
      batch: lanes,
      start: before,
      lossStride: stride,
      ...(withGradient ? { scale: 1 / batch } : {}),
    },
    {
      // Whatever a forward pass leaves in padding must not matter.
      logits: scratch.upload(packBatch(replicates, outputs, batch, logits, { rows: NaN, lanes: NaN })),
      labels: scratch.upload(padded),
      gradient,
      losses,
      correct,
    },
  ));
  const [gradients, all] = await scratch.floats(gradient, losses);
  assert.ok(gradients && all);
  return { gradient: gradients, losses: all, correct: await scratch.words(correct) };
}

/** Compares a result with the reference, padding and surroundings included. */
function check(shape: Shape, result: Result, logits: Float64Array, labels: Uint32Array, what: string): void {
  const { replicates, outputs, batch } = shape;
  const wanted = softmaxCrossEntropy(shape, logits, labels);
  const { values, paddingRows, paddingLanes } = unpackBatch(replicates, outputs, batch, result.gradient);
  assertClose(values, wanted.gradient, tolerance, `${what}: gradient`);
  assertAll(paddingLanes, 0, `${what}: the gradient's padding lanes`);
  assertAll(paddingRows, untouched, `${what}: the gradient's padding rows`);
  const lanes = roundUp(batch, 8);
  const untouchedBits = new Uint32Array(Float32Array.of(untouched).buffer)[0] ?? 0;
  for (let r = 0; r < replicates; r++) {
    const losses = replicate(result.losses, replicates, r);
    const correct = replicate(result.correct, replicates, r);
    assertClose(
      losses.subarray(before, before + batch),
      replicate(wanted.losses, replicates, r),
      tolerance,
      `${what}: losses of replicate ${r + 1}`,
    );
    assert.deepEqual(correct.slice(before, before + batch), replicate(wanted.correct, replicates, r), what);
    assertAll(losses.subarray(before + batch, before + lanes), 0, `${what}: losses of padding lanes`);
    assertAll(correct.subarray(before + batch, before + lanes), 0, `${what}: correct of padding lanes`);
    for (const outside of [[0, before], [before + lanes, losses.length]] as const) {
      assertAll(losses.subarray(...outside), untouched, `${what}: losses outside the chunk`);
      assertAll(correct.subarray(...outside), untouchedBits, `${what}: correct outside the chunk`);
    }
  }
}

const shapes: Shape[] = replicateCounts.flatMap((replicates) =>
  [[1, 1], [2, 7], [3, 8], [7, 9], [10, 60], [13, 65]].map(([outputs = 0, batch = 0]) => ({
    replicates,
    outputs,
    batch,
  }))
);

Deno.test("softmax_cross_entropy agrees with its reference on ragged shapes", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const { replicates, outputs, batch } = shape;
    const logits = normals(outputs, replicates * outputs * batch, 3);
    const labels = integers(batch, replicates * batch, outputs);
    const name = `${outputs} outputs, batch ${batch}, R = ${replicates}`;
    check(shape, await run(gpu, shape, logits, labels), logits, labels, name);
  }
});

Deno.test("softmax_cross_entropy is stable for logits of ±1e4 and for infinitely unlikely classes", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, outputs: 5, batch: 9 };
  const logits = normals(1, 45).map((value) => value < 0 ? -1e4 : 1e4);
  logits[2 * 9 + 4] = -Infinity;
  const labels = integers(2, 9, 5);
  const result = await run(gpu, shape, logits, labels);
  check(shape, result, logits, labels, "±1e4");
  assert.ok(result.losses.subarray(before, before + 9).some((loss) => loss >= 2e4));
});

Deno.test("softmax_cross_entropy gives NaN, and not correct, for NaN or infinity, and only for that image", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 3, outputs: 4, batch: 11 };
  for (const bad of [NaN, Infinity]) {
    const logits = normals(3, 3 * 4 * 11);
    const labels = integers(4, 3 * 11, 4);
    // Of replicate 2: at the first class, at the last, at the label, at another, and in the image before the padding.
    const places = [[0, 0], [3, 1], [labels[11 + 2] ?? 0, 2], [((labels[11 + 3] ?? 0) + 1) % 4, 3], [2, 10]] as const;
    for (const [o, n] of places) logits[(4 + o) * 11 + n] = bad;
    const wanted = softmaxCrossEntropy(shape, logits, labels);
    assert.equal(wanted.losses.filter(Number.isNaN).length, 5);
    check(shape, await run(gpu, shape, logits, labels), logits, labels, `${bad}`);
  }
});

Deno.test("softmax_cross_entropy predicts the first of equal logits", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, outputs: 6, batch: 6 };
  const logits = new Float64Array(36).fill(0.25);
  const labels = Uint32Array.of(0, 1, 2, 3, 4, 5);
  const { correct } = await run(gpu, shape, logits, labels);
  assert.deepEqual([...correct.subarray(before, before + 6)], [1, 0, 0, 0, 0, 0]);
});

Deno.test("softmax_cross_entropy without gradient gives the same losses and writes no gradient", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 3, outputs: 10, batch: 13 };
  const logits = normals(5, 3 * 10 * 13, 2);
  const labels = integers(6, 3 * 13, 10);
  const withIt = await run(gpu, shape, logits, labels);
  const without = await run(gpu, shape, logits, labels, false);
  assertSameBits(without.losses, withIt.losses, "losses");
  assertSameBits(without.correct, withIt.correct, "correct");
  assertAll(without.gradient, untouched, "gradient");
});

Deno.test("three replicates of softmax_cross_entropy give bit for bit what three runs of one give", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 3, outputs: 10, batch: 13 };
  const logits = normals(7, 3 * 10 * 13, 2);
  const labels = integers(8, 3 * 13, 10);
  const together = await run(gpu, shape, logits, labels);
  for (let r = 0; r < 3; r++) {
    const alone = await run(gpu, { ...shape, replicates: 1 }, replicate(logits, 3, r), replicate(labels, 3, r));
    assertSameBits(replicate(together.gradient, 3, r), alone.gradient, "gradient");
    assertSameBits(replicate(together.losses, 3, r), alone.losses, "losses");
    assertSameBits(replicate(together.correct, 3, r), alone.correct, "correct");
  }
});
