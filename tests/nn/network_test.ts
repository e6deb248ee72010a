import assert from "node:assert/strict";
import {
  flat,
  forEachWeight,
  fromArena,
  type LayerValues,
  layOut,
  type NetworkLayout,
  toArena,
} from "../../src/nn/network.ts";
import { lenet } from "../../src/nn/architectures.ts";
import { perceptron } from "./networks.ts";

const ragged = [[1, 1], [1, 4, 1], [3, 5, 2], [7, 9, 13, 3], [16, 17, 63, 65, 10], [49, 30, 10, 10]];

/** Values that are all different, so that a misplaced one shows. */
function distinct(layout: NetworkLayout): LayerValues[] {
  let next = 1;
  return layout.layers.map(({ inputs, outputs }) => ({
    weight: Float32Array.from({ length: inputs * outputs }, () => next++),
    bias: Float32Array.from({ length: outputs }, () => -next++),
  }));
}

Deno.test("a layout puts every tensor at a multiple of 64, without overlap, within its arena", () => {
  for (const sizes of ragged) {
    const layout = layOut(perceptron(sizes));
    let end = 0;
    for (const { name, inputs, outputs, outputQuads, weight, bias } of layout.layers) {
      assert.ok(outputQuads * 4 >= outputs && outputQuads * 4 < outputs + 4, name);
      assert.deepEqual([weight % 64, bias % 64], [0, 0], name);
      assert.ok(weight >= end && bias >= weight + inputs * outputQuads * 4, name);
      end = bias + outputQuads * 4;
    }
    assert.ok(layout.arena >= end && layout.arena < end + 64);
    assert.equal(layout.arena % 64, 0);
    assert.equal(layout.weights, sizes.slice(1).reduce((sum, units, index) => sum + units * (sizes[index] ?? 0), 0));
  }
});

Deno.test("fromArena() gives back what toArena() was given, on ragged shapes", () => {
  for (const sizes of ragged) {
    const layout = layOut(perceptron(sizes));
    const values = distinct(layout);
    const arena = toArena(layout, values);
    assert.equal(arena.length, layout.arena);
    assert.deepEqual(fromArena(layout, arena), values, sizes.join());
  }
});

Deno.test("toArena() leaves padding at zero, and puts weights where forEachWeight() says", () => {
  for (const sizes of ragged) {
    const layout = layOut(perceptron(sizes));
    const values = distinct(layout);
    const arena = toArena(layout, values);
    const seen = new Set<number>();
    layout.layers.forEach((layer, index) => {
      forEachWeight(layer, (at, own) => {
        assert.equal(arena[at], values[index]?.weight[own]);
        seen.add(at);
      });
      for (let o = 0; o < layer.outputs; o++) {
        assert.equal(arena[layer.bias + o], values[index]?.bias[o]);
        seen.add(layer.bias + o);
      }
    });
    assert.ok(arena.every((value, at) => seen.has(at) ? value !== 0 : Object.is(value, 0)), sizes.join());
  }
});

Deno.test("LeNet-300-100 has 266,200 weights, and its width scales the hidden layers alone", () => {
  const layout = layOut(lenet(784, 10));
  assert.deepEqual(layout.layers.map(({ inputs, outputs }) => [inputs, outputs]), [[784, 300], [300, 100], [100, 10]]);
  assert.equal(layout.weights, 266_200);
  assert.deepEqual(layout.layers.map(({ activation }) => activation), ["relu", "relu", "none"]);
  assert.deepEqual(layout.layers.map(({ name }) => name), ["dense1", "dense2", "dense3"]);
  assert.deepEqual(layOut(lenet(784, 10, 0.1)).layers.map(({ outputs }) => outputs), [30, 10, 10]);
  assert.deepEqual(layOut(lenet(4, 2, 0.001)).layers.map(({ outputs }) => outputs), [1, 1, 2]);
});

Deno.test("networks without layers or units, and missing values, are refused", () => {
  assert.throws(() => layOut({ name: "empty", input: flat(3), layers: [] }), {
    name: "RangeError",
    message: /no layers/,
  });
  for (const sizes of [[0, 2], [3, 0], [3, 2.5, 1], [3, -1]]) {
    assert.throws(() => layOut(perceptron(sizes)), { name: "RangeError", message: /whole and positive/ }, sizes.join());
  }
  const layout = layOut(perceptron([3, 2, 2]));
  assert.throws(() => toArena(layout, distinct(layout).slice(0, 1)), { name: "RangeError", message: /dense2/ });
});
