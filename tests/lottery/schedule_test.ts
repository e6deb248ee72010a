import assert from "node:assert/strict";
import { plannedWeights, toPrune } from "../../src/lottery/schedule.ts";
import { layOut, lenet } from "../../src/nn/network.ts";

const layout = layOut(lenet(784, 10));
const paper = { dense: 0.2, output: 0.1, scope: "layer" } as const;

Deno.test("the weights of LeNet-300-100 that remain after each round are the paper's, to two decimals", () => {
  const planned = plannedWeights(layout, 20, paper).map((count) => (100 * count / layout.weights).toFixed(2));
  // Frankle & Carbin 2019, LeNet at 20, 20 and 10 %; 100 is the dense network.
  const table = "100.00 80.04 64.06 51.28 41.05 32.87 26.32 21.07 16.88 13.52 10.83 8.68 6.95 5.57 4.47 3.58 2.87 " +
    "2.31 1.85 1.49 1.19";
  assert.deepEqual(planned, table.split(" "));
});

Deno.test("a round prunes round(kept × rate) of each layer, the output layer at its own rate", () => {
  assert.deepEqual(toPrune(layout, [235_200, 30_000, 1000], paper), [47_040, 6000, 100]);
  assert.deepEqual(toPrune(layout, [13, 12, 5], paper), [3, 2, 1]);
  assert.deepEqual(toPrune(layout, [2, 0, 4], paper), [0, 0, 0]);
  assert.deepEqual(plannedWeights(layout, 1, paper), [266_200, 266_200 - 47_040 - 6000 - 100]);
});

Deno.test("with global scope a round prunes one share of all weights, at the rate of dense layers", () => {
  const rates = { ...paper, scope: "global" } as const;
  assert.deepEqual(toPrune(layout, [235_200, 30_000, 1000], rates), [53_240]);
  assert.deepEqual(plannedWeights(layout, 2, rates), [266_200, 212_960, 170_368]);
});

Deno.test("a rate of zero prunes nothing, and no number of rounds goes below zero", () => {
  assert.deepEqual(plannedWeights(layout, 2, { dense: 0, output: 0, scope: "layer" }), [266_200, 266_200, 266_200]);
  const planned = plannedWeights(layout, 60, { dense: 0.9, output: 0.9, scope: "layer" });
  assert.ok(planned.every((count, level) => count >= 0 && count <= (planned[level - 1] ?? Infinity)));
});
