import assert from "node:assert/strict";
import { applyMask, countKept, denseMask, maskWords, packMask, unpackMask } from "../../src/nn/mask.ts";
import { fromArena, layOut, toArena } from "../../src/nn/network.ts";
import { bits } from "../reference/tensors.ts";
import { perceptron } from "./networks.ts";

const layouts = [[1, 1], [3, 5, 2], [7, 9, 13, 3], [33, 31, 10], [49, 30, 10, 10]].map((sizes) =>
  layOut(perceptron(sizes))
);

function randomMasks(layout: (typeof layouts)[number], probability: number): Uint8Array<ArrayBuffer>[] {
  return layout.layers.map(({ inputs, outputs }, index) => bits(index + 1, inputs * outputs, probability));
}

Deno.test("unpackMask() gives back what packMask() was given", () => {
  for (const layout of layouts) {
    for (const probability of [0, 0.3, 1]) {
      const masks = randomMasks(layout, probability);
      assert.deepEqual(unpackMask(layout, packMask(layout, masks)), masks);
    }
  }
});

Deno.test("countKept() counts the weights of each layer, and neither biases nor padding", () => {
  for (const layout of layouts) {
    for (const probability of [0, 0.3, 1]) {
      const masks = randomMasks(layout, probability);
      assert.deepEqual(
        countKept(layout, packMask(layout, masks)),
        masks.map((mask) => mask.reduce((sum, bit) => sum + bit, 0)),
      );
    }
    assert.deepEqual(
      countKept(layout, denseMask(layout)),
      layout.layers.map(({ inputs, outputs }) => inputs * outputs),
    );
  }
});

Deno.test("a mask keeps every bias and no padding", () => {
  for (const layout of layouts) {
    const kept = applyMask(new Float32Array(layout.arena).fill(1), denseMask(layout));
    const values = fromArena(layout, kept);
    assert.ok(values.every(({ weight, bias }) => weight.every((one) => one === 1) && bias.every((one) => one === 1)));
    // Putting the values alone into an arena gives the same: whatever else is set is padding.
    assert.deepEqual(kept, toArena(layout, values));
    const pruned = packMask(layout, layout.layers.map(({ inputs, outputs }) => new Uint8Array(inputs * outputs)));
    const left = fromArena(layout, applyMask(new Float32Array(layout.arena).fill(1), pruned));
    assert.ok(left.every(({ weight, bias }) => weight.every((zero) => zero === 0) && bias.every((one) => one === 1)));
  }
});

Deno.test("the words of a layer's weights hold no other tensor's bits", () => {
  for (const layout of layouts) {
    layout.layers.forEach((layer, index) => {
      const { first, count } = maskWords(layer);
      assert.ok(first * 32 === layer.weight && (first + count) * 32 <= layer.bias);
      const words = packMask(
        layout,
        layout.layers.map(({ inputs, outputs }, own) => new Uint8Array(inputs * outputs).fill(Number(own !== index))),
      );
      assert.ok(words.subarray(first, first + count).every((word) => word === 0));
    });
  }
});

Deno.test("applyMask() makes pruned values a positive zero, NaN and infinity too, and keeps the others' bits", () => {
  const layout = layOut(perceptron([4, 4]));
  const mask = packMask(layout, [Uint8Array.from({ length: 16 }, (_, index) => index % 2)]);
  const values = new Float32Array(layout.arena);
  values.set([NaN, -0, Infinity, -Infinity, -1, NaN, -0, 1e-40]);
  const kept = applyMask(values, mask);
  const wanted = [0, -0, 0, -Infinity, 0, NaN, 0, 1e-40].map(Math.fround);
  wanted.forEach((value, at) => assert.ok(Object.is(kept[at], value), `${kept[at]} is not ${value} at ${at}`));
  assert.equal(values[2], Infinity, "the argument is not changed");
});

Deno.test("packMask() refuses masks that do not fit their layers", () => {
  const layout = layOut(perceptron([3, 5, 2]));
  for (const masks of [[], [new Uint8Array(15)], [new Uint8Array(15), new Uint8Array(11)]]) {
    assert.throws(() => packMask(layout, masks), { name: "RangeError", message: /dense2|dense1/ });
  }
});
