import assert from "node:assert/strict";
import { adam } from "../../src/reference/adam.ts";
import { advanceStep } from "../../src/reference/advance_step.ts";
import { denseForward } from "../../src/reference/dense_forward.ts";
import { denseInputGradient } from "../../src/reference/dense_input_gradient.ts";
import { denseWeightGradient } from "../../src/reference/dense_weight_gradient.ts";
import { better, compensatedSum, evaluationSums } from "../../src/reference/evaluation_sums.ts";
import { gather } from "../../src/reference/gather.ts";
import { maskStatistics } from "../../src/reference/mask_statistics.ts";
import { selectMagnitude } from "../../src/reference/select_magnitude.ts";
import { sgd } from "../../src/reference/sgd.ts";
import { softmaxCrossEntropy } from "../../src/reference/softmax_cross_entropy.ts";
import { adamScalars } from "../../src/reference/step_scalars.ts";

const f64 = (...values: number[]): Float64Array => Float64Array.from(values);

function close(actual: number | undefined, wanted: number, tolerance = 1e-14): void {
  const value = actual ?? NaN;
  assert.ok(Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted)), `${actual} is not ${wanted}`);
}

Deno.test("gather() picks images by index, scales each channel and puts the batch innermost", () => {
  const images = Uint8Array.of(0, 51, 102, 255, 153, 204); // three images of two channels with one pixel
  const shape = { replicates: 2, pixels: 2, planePixels: 1, batch: 2 };
  const { output, labels } = gather(shape, images, Uint8Array.of(7, 8, 9), Uint32Array.of(2, 0, 1, 1), [
    [1 / 255, 0],
    [2 / 255, -1],
  ]);
  [0.6, 0, 2 * 0.8 - 1, 2 * 0.2 - 1, 0.4, 0.4, 1, 1].forEach((wanted, index) => close(output[index], wanted));
  assert.deepEqual([...labels], [9, 7, 8, 8]);
  assert.throws(() => gather(shape, images, Uint8Array.of(7, 8, 9), Uint32Array.of(3, 0, 1, 1), []), RangeError);
});

Deno.test("denseForward() adds the bias and its ReLU clears what is negative and keeps NaN", () => {
  const shape = { replicates: 1, inputs: 2, outputs: 2, batch: 2 };
  const weight = f64(1, -1, 2, 3);
  const bias = f64(0.5, -0.5);
  const input = f64(1, 2, 3, NaN);
  assert.deepEqual([...denseForward(shape, weight, bias, input)], [7.5, NaN, 7.5, NaN]);
  assert.deepEqual([...denseForward(shape, weight, f64(-10, 0), input, true)], [0, NaN, 8, NaN]);
  assert.throws(() => denseForward(shape, weight, f64(1), input), /bias: it has 1 elements, and 1 × 2 = 2 are wanted/);
});

Deno.test("denseInputGradient() lets the gradient pass where the gate is positive or NaN, as PyTorch does", () => {
  const shape = { replicates: 1, inputs: 1, outputs: 1, batch: 4 };
  const gradient = denseInputGradient(shape, f64(2), f64(1, 2, 3, 4), f64(1, 0, -1, NaN));
  assert.deepEqual([...gradient], [2, 0, 0, 8]);
});

Deno.test("denseWeightGradient() sums over the batch, and a pruned weight's gradient is zero even where it would be NaN", () => {
  const shape = { replicates: 1, inputs: 2, outputs: 1, batch: 2 };
  const gradient = denseWeightGradient(shape, f64(1, 2, NaN, 1), f64(10, 100), Uint8Array.of(1, 0));
  assert.deepEqual([...gradient.weight], [210, 0]);
  assert.deepEqual([...gradient.bias], [110]);
});

Deno.test("softmaxCrossEntropy() of equal logits is log O, and its prediction is the first of the largest", () => {
  const result = softmaxCrossEntropy({ replicates: 1, outputs: 4, batch: 2 }, new Float64Array(8).fill(3), [0, 1]);
  close(result.losses[0], Math.log(4));
  assert.deepEqual([...result.correct], [1, 0]);
  [-0.75, 0.25, 0.25, -0.75, 0.25, 0.25, 0.25, 0.25].forEach((g, at) => close(result.gradient[at], g / 2));
});

Deno.test("softmaxCrossEntropy() is exact for logits of ±1e4", () => {
  const logits = f64(1e4, -1e4, -1e4, 1e4);
  const result = softmaxCrossEntropy({ replicates: 1, outputs: 2, batch: 2 }, logits, [0, 0]);
  assert.deepEqual([...result.losses], [0, 2e4]);
  assert.deepEqual([...result.gradient], [0, -0.5, 0, 0.5]);
});

Deno.test("softmaxCrossEntropy() gives NaN, and not correct, for NaN or infinity among the logits", () => {
  for (const bad of [NaN, Infinity]) {
    for (const place of [0, 1, 2]) {
      const logits = f64(1, 2, 3);
      logits[place] = bad;
      const result = softmaxCrossEntropy({ replicates: 1, outputs: 3, batch: 1 }, logits, [place]);
      assert.deepEqual([...result.losses], [NaN]);
      assert.deepEqual([...result.correct], [0]);
    }
  }
  const unlikely = softmaxCrossEntropy({ replicates: 1, outputs: 2, batch: 1 }, f64(-Infinity, 0), [0]);
  assert.deepEqual([...unlikely.losses], [Infinity]);
});

Deno.test("softmaxCrossEntropy() refuses a label beyond the classes", () => {
  const shape = { replicates: 1, outputs: 2, batch: 1 };
  assert.throws(() => softmaxCrossEntropy(shape, f64(1, 2), [2]), /label 2 is not below the 2 outputs/);
});

Deno.test("adam()'s first step has the size of the learning rate, whatever the gradient's scale", () => {
  const zero = new Float64Array(2);
  const state = { parameters: f64(1, 1), firstMoment: zero, secondMoment: zero };
  const next = adam(state, f64(1e3, -1e-3), Uint8Array.of(1, 1), adamScalars({ lr: 0.01 }, 1));
  close(next.parameters[0], 0.99, 1e-9);
  close(next.parameters[1], 1.01, 1e-6);
  close(next.firstMoment[0], 100);
  close(next.secondMoment[0], 1000);
});

Deno.test("adam() adds epsilon outside the corrected root, as PyTorch does", () => {
  const state = { parameters: f64(0), firstMoment: f64(0), secondMoment: f64(0) };
  const { parameters } = adam(state, f64(1e-8), Uint8Array.of(1), adamScalars({ lr: 1 }, 1));
  close(parameters[0], -0.5, 1e-12); // inside the root it would be −1e-8 / √(1e-16 + 1e-8) ≈ −1e-4
});

Deno.test("adam() and sgd() leave exact zeros where the mask is 0, even for a NaN gradient and running moments", () => {
  const mask = Uint8Array.of(0, 1);
  const state = { parameters: f64(3, 3), firstMoment: f64(2, 0), secondMoment: f64(4, 0) };
  const next = adam(state, f64(NaN, 1), mask, adamScalars({ lr: 0.1 }, 3));
  for (const tensor of [next.parameters, next.firstMoment, next.secondMoment]) assert.equal(tensor[0], 0);
  assert.notEqual(next.parameters[1], 0);
  const descended = sgd({ parameters: f64(3, 3), momentum: f64(2, 0) }, f64(NaN, 1), mask, { lr: 0.1, momentum: 0.9 });
  assert.deepEqual([descended.parameters[0], descended.momentum[0]], [0, 0]);
  close(descended.parameters[1], 2.9);
});

Deno.test("adam() and sgd() add weight decay to the gradient", () => {
  const mask = Uint8Array.of(1);
  const state = { parameters: f64(2), firstMoment: f64(0), secondMoment: f64(0) };
  const decayed = adam(state, f64(1), mask, adamScalars({ lr: 0.1 }, 1), { weightDecay: 0.5 });
  close(decayed.firstMoment[0], 0.2);
  const descended = sgd({ parameters: f64(2), momentum: f64(10) }, f64(1), mask, {
    lr: 0.1,
    momentum: 0.9,
    weightDecay: 0.5,
  });
  close(descended.momentum[0], 11);
  close(descended.parameters[0], 0.9);
});

Deno.test("adamScalars() corrects the bias of the first step fully and of a late one hardly", () => {
  const first = adamScalars({ lr: 0.0012 }, 1);
  close(first.stepSize, 0.012);
  close(first.rootCorrection, Math.sqrt(1000), 1e-12);
  const late = adamScalars({ lr: 0.0012 }, 100_000);
  close(late.stepSize, 0.0012);
  close(late.rootCorrection, 1);
  assert.throws(() => adamScalars({ lr: 1 }, 0), RangeError);
});

Deno.test("selectMagnitude() prunes exactly the planned count, ties from the lowest index, survivors only", () => {
  const values = f64(0.5, -0.5, 0.5, 0, -2, 0.5);
  const mask = Uint8Array.of(1, 1, 1, 0, 1, 1);
  assert.deepEqual([...selectMagnitude(values, mask, [2])], [0, 0, 1, 0, 1, 1]);
  assert.deepEqual([...selectMagnitude(values, mask, [0])], [...mask]);
  assert.deepEqual([...selectMagnitude(values, mask, [5])], [0, 0, 0, 0, 0, 0]);
  assert.throws(() => selectMagnitude(values, mask, [6]), /only 5 survive/);
});

Deno.test("selectMagnitude() ranks both zeros first, then denormals, and NaN after infinity", () => {
  const values = f64(NaN, Infinity, 1e-45, -0, 0, -1);
  const order = [1, 2, 3, 4, 5].map((count) =>
    [...selectMagnitude(values, new Uint8Array(6).fill(1), [count])].join("")
  );
  assert.deepEqual(order, ["111011", "111001", "110001", "110000", "100000"]);
});

Deno.test("selectMagnitude() prunes each replicate by its own count", () => {
  const mask = new Uint8Array(6).fill(1);
  assert.deepEqual([...selectMagnitude(f64(1, 2, 3, 3, 2, 1), mask, [1, 2])], [0, 1, 1, 1, 0, 0]);
});

Deno.test("maskStatistics() counts survivors, and pruned weights that hold anything but zero", () => {
  const mask = Uint8Array.of(1, 0, 0, 0, 0, 1);
  const counts = maskStatistics(2, mask, [f64(5, 0, -0, 0, NaN, 5), f64(5, 0, 0, 1e-300, 3, 5)]);
  assert.deepEqual(counts, [{ survivors: 1, violations: 0 }, { survivors: 1, violations: 2 }]);
});

Deno.test("evaluationSums() keeps what plain addition loses, per replicate", () => {
  assert.equal(compensatedSum([1, 1e100, 1, -1e100]), 2);
  assert.equal(compensatedSum([1, Infinity, 1]), Infinity);
  assert.ok(Number.isNaN(compensatedSum([1, NaN])));
  const sums = evaluationSums(2, f64(1, 2, 3, 4), Uint32Array.of(1, 0, 1, 1));
  assert.deepEqual(sums, [{ loss: 3, correct: 1 }, { loss: 7, correct: 2 }]);
});

Deno.test("better() keeps the earliest of equal minima and never takes NaN", () => {
  const best = { loss: 2, iteration: 100 };
  assert.equal(better(best, { loss: 2, iteration: 200 }), best);
  assert.equal(better(best, { loss: NaN, iteration: 200 }), best);
  assert.deepEqual(better(best, { loss: 1, iteration: 200 }), { loss: 1, iteration: 200 });
});

Deno.test("advanceStep() sums mean losses and remembers the first step whose loss was not finite", () => {
  let state = { step: 0, divergedAt: 0, trainLoss: 0, trainCorrect: 0 };
  state = advanceStep(state, [1, 2], [1, 0]);
  assert.deepEqual(state, { step: 1, divergedAt: 0, trainLoss: 1.5, trainCorrect: 1 });
  state = advanceStep(state, [1, NaN], [1, 0]);
  state = advanceStep(state, [Infinity, 1], [1, 1]);
  assert.deepEqual(state, { step: 3, divergedAt: 2, trainLoss: NaN, trainCorrect: 4 });
});
