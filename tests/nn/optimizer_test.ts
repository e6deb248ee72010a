import assert from "node:assert/strict";
import { floatBits, learningRate, momentsOf, stepScalars } from "../../src/nn/optimizer.ts";

Deno.test("Adam's scalars of every step are the float64 formulas, rounded once", () => {
  const lr = 1.2e-3;
  const table = stepScalars({ type: "adam", lr }, 50_000);
  assert.equal(table.length, 200_000);
  // Powers by repeated multiplication: another way to the same numbers, good to 1e-11 over 50,000 steps.
  let power1 = 1;
  let power2 = 1;
  for (let t = 1; t <= 50_000; t++) {
    power1 *= 0.9;
    power2 *= 0.999;
    const at = (t - 1) * 4;
    const stepSize = lr / (1 - power1);
    const root = 1 / Math.sqrt(1 - power2);
    // Half a unit in the last place of a float32 is at most 2⁻²⁴ of it.
    assert.ok(Math.abs((table[at] ?? NaN) - stepSize) <= stepSize * 6e-8, `step ${t}: ${table[at]}, not ${stepSize}`);
    assert.ok(Math.abs((table[at + 1] ?? NaN) - root) <= root * 6e-8, `step ${t}: ${table[at + 1]}, not ${root}`);
    assert.deepEqual([table[at + 2], table[at + 3]], [0, 0]);
  }
  // The first step by hand: lr / 0.1 and 1 / √0.001.
  assert.ok(Math.abs((table[0] ?? NaN) - 0.012) < 1e-9);
  assert.ok(Math.abs((table[1] ?? NaN) - 31.622776601683793) < 2e-6);
});

Deno.test("Adam's scalars follow other betas", () => {
  const [stepSize, root] = stepScalars({ type: "adam", lr: 0.5, beta1: 0.5, beta2: 0.75 }, 1);
  assert.deepEqual([stepSize, root], [1, 2]);
  assert.deepEqual([...stepScalars({ type: "adam", lr: 0.75, beta1: 0.5, beta2: 0 }, 2)], [1.5, 1, 0, 0, 1, 1, 0, 0]);
});

Deno.test("SGD's scalars are its learning rate", () => {
  assert.deepEqual([...stepScalars({ type: "sgd", lr: 0.25 }, 2)], [0.25, 0, 0, 0, 0.25, 0, 0, 0]);
  assert.equal(stepScalars({ type: "sgd", lr: 0.1 }, 0).length, 0);
});

Deno.test("a warmup rises linearly from 0 to the full learning rate, which its last iteration has", () => {
  const settings = { lr: 0.5, warmup: 4 };
  assert.deepEqual([0, 1, 2, 3, 4, 100].map((t) => learningRate(settings, t)), [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]);
  assert.deepEqual([0, 1].map((t) => learningRate({ lr: 0.5, warmup: 1 }, t)), [0.5, 0.5]);
  for (const none of [{ lr: 0.5 }, { lr: 0.5, warmup: 0 }]) assert.equal(learningRate(none, 0), 0.5);
});

Deno.test("the learning rate drops at its iterations, each time by the factor, and within a warmup too", () => {
  const settings = { lr: 2, drops: [3, 5], dropFactor: 0.5 };
  assert.deepEqual([0, 2, 3, 4, 5, 9].map((t) => learningRate(settings, t)), [2, 2, 1, 1, 0.5, 0.5]);
  assert.deepEqual([2, 3, 4].map((t) => learningRate({ ...settings, warmup: 8 }, t)), [0.75, 0.5, 0.625]);
  // The paper's ResNet-18: a tenth from 20,000 and a hundredth from 25,000 on, when the factor is left out.
  const paper = { lr: 0.1, drops: [20_000, 25_000] };
  const rates = [19_999, 20_000, 24_999, 25_000].map((t) => learningRate(paper, t));
  [0.1, 0.01, 0.01, 0.001].forEach((rate, index) => assert.ok(Math.abs((rates[index] ?? NaN) - rate) < 1e-15));
});

Deno.test("the table of steps has each iteration's learning rate, for both optimizers", () => {
  const schedule = { lr: 0.5, warmup: 2, drops: [3], dropFactor: 0.25 };
  const rates = [0.25, 0.5, 0.5, 0.125];
  assert.deepEqual([...stepScalars({ type: "sgd", ...schedule }, 4)], rates.flatMap((rate) => [rate, 0, 0, 0]));
  // With β1 = β2 = 0 nothing is left to correct.
  const adam = stepScalars({ type: "adam", beta1: 0, beta2: 0, ...schedule }, 4);
  assert.deepEqual([...adam], rates.flatMap((rate) => [rate, 1, 0, 0]));
});

Deno.test("a training that starts at a later iteration goes by the learning rate of then, and by bias corrections of its own", () => {
  const schedule = { lr: 0.5, warmup: 4, drops: [6], dropFactor: 0.5 };
  const first = 3;
  const sgd = { type: "sgd", ...schedule } as const;
  assert.deepEqual(stepScalars(sgd, 8, first).subarray(first * 4), stepScalars(sgd, 8).subarray(first * 4));
  const adam = stepScalars({ type: "adam", beta1: 0.5, beta2: 0.75, ...schedule }, 8, first);
  for (let iteration = first; iteration < 8; iteration++) {
    const t = iteration - first + 1;
    const lr = iteration < 6 ? 0.5 : 0.25;
    assert.equal(adam[iteration * 4], Math.fround(lr / (1 - 0.5 ** t)), `step size at ${iteration}`);
    assert.equal(adam[iteration * 4 + 1], Math.fround(1 / Math.sqrt(1 - 0.75 ** t)), `correction at ${iteration}`);
  }
  assert.ok(adam.subarray(0, first * 4).every((value) => value === 0));
});

Deno.test("Adam keeps two moments, SGD one", () => {
  assert.equal(momentsOf({ type: "adam", lr: 1 }), 2);
  assert.equal(momentsOf({ type: "sgd", lr: 1 }), 1);
});

Deno.test("floatBits() gives a number's bits as a 32-bit float", () => {
  assert.equal(floatBits(1), 0x3f80_0000);
  assert.equal(floatBits(-0), 0x8000_0000);
  assert.equal(floatBits(Infinity), 0x7f80_0000);
  assert.equal(floatBits(0.1), 0x3dcc_cccd);
});
