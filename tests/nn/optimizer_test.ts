import assert from "node:assert/strict";
import { floatBits, momentsOf, stepScalars } from "../../src/nn/optimizer.ts";

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
