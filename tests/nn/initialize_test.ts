import assert from "node:assert/strict";
import { glorot } from "../../src/nn/initialize.ts";
import { lenet } from "../../src/nn/architectures.ts";
import { fromArena, layOut } from "../../src/nn/network.ts";

const layout = layOut(lenet(784, 10));

Deno.test("initial weights have mean 0 and Glorot's standard deviation, biases are zero", () => {
  fromArena(layout, glorot(layout, 1)).forEach(({ weight, bias }, index) => {
    const layer = layout.layers[index];
    assert.ok(layer);
    const deviation = Math.sqrt(2 / (layer.inputs + layer.outputs));
    const count = weight.length;
    let sum = 0;
    let squares = 0;
    for (const value of weight) {
      sum += value;
      squares += value ** 2;
    }
    // Five standard errors: of a mean, deviation / √n; of a normal sample's deviation, deviation / √(2n).
    assert.ok(Math.abs(sum / count) < 5 * deviation / Math.sqrt(count), `${layer.name}: mean ${sum / count}`);
    const found = Math.sqrt(squares / count);
    assert.ok(Math.abs(found - deviation) < 5 * deviation / Math.sqrt(2 * count), `${layer.name}: deviation ${found}`);
    assert.ok(bias.every((value) => Object.is(value, 0)));
  });
});

Deno.test("initial weights are normal: as many within one, two and three standard deviations as the law says", () => {
  const [values] = fromArena(layout, glorot(layout, 2));
  assert.ok(values);
  const deviation = Math.sqrt(2 / (784 + 300));
  for (const [times, expected] of [[1, 0.682689], [2, 0.9545], [3, 0.9973]] as const) {
    const share = values.weight.filter((value) => Math.abs(value) < times * deviation).length / values.weight.length;
    const error = Math.sqrt(expected * (1 - expected) / values.weight.length);
    assert.ok(Math.abs(share - expected) < 5 * error, `${share} within ${times}`);
  }
});

Deno.test("the same seed draws the same bits; seeds, purposes, levels and draws draw different ones", () => {
  const small = layOut(lenet(20, 10, 0.1));
  const draws = [
    () => glorot(small, 1),
    () => glorot(small, 2),
    () => glorot(small, 1, { purpose: "reinit", level: 0, draw: 0 }),
    () => glorot(small, 1, { purpose: "reinit", level: 1, draw: 1 }),
    () => glorot(small, 1, { purpose: "reinit", level: 1, draw: 2 }),
    () => glorot(small, 1, { purpose: "reinit", level: 2, draw: 1 }),
    () => glorot(small, 2, { purpose: "reinit", level: 1, draw: 1 }),
  ];
  for (const draw of draws) assert.deepEqual(draw(), draw());
  const weights = draws.map((draw) => [...fromArena(small, draw())[0]?.weight ?? []]);
  // Not only different as a whole: no value of one draw stands at the same place in another.
  for (const [index, first] of weights.entries()) {
    for (const second of weights.slice(index + 1)) assert.ok(first.every((value, at) => value !== second[at]));
  }
});

Deno.test("layers of one network draw from streams of their own", () => {
  const square = layOut(lenet(10, 10, 0.1));
  const [, second, third] = fromArena(square, glorot(square, 1));
  assert.ok(second && third);
  assert.equal(third.weight.length, 100);
  // Layers 2 and 3: 30 × 10 and 10 × 10; scaled to unit deviation, no normal number is drawn twice.
  const scaled = new Set([...second.weight].map((value) => (value * Math.sqrt(20)).toFixed(4)));
  const again = [...third.weight].slice(0, 20).filter((value) => scaled.has((value * Math.sqrt(10)).toFixed(4)));
  assert.ok(again.length < 5, `${again}`);
});
