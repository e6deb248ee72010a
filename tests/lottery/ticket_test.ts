import assert from "node:assert/strict";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { Gpu } from "../../src/gpu/gpu.ts";
import { formatModel, formatTicket, loadModel, loadTicket, type Ticket, train } from "../../src/lottery/ticket.ts";
import { evaluate, logits, type Model, predict } from "../../src/nn/inference.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { fromArena, layOut, type NetworkSpec } from "../../src/nn/network.ts";
import { forward } from "../../src/reference/network.ts";

const network: NetworkSpec = {
  name: "test",
  inputs: 49,
  layers: [{ type: "dense", units: 13, activation: "relu" }, { type: "dense", units: 5, activation: "none" }],
};

function ticket(): Ticket {
  const layout = layOut(network);
  return {
    network,
    masks: layout.layers.map(({ inputs, outputs }) =>
      Uint8Array.from({ length: inputs * outputs }, (_, index) => Number(index % 3 === 0))
    ),
    initial: fromArena(layout, glorot(layout, 5)),
    metadata: { arm: "ticket", level: "3" },
  };
}

Deno.test("loadTicket() gives back what formatTicket() wrote, bit for bit", () => {
  const before = ticket();
  const after = loadTicket(formatTicket(before, { run: "x" }));
  assert.deepEqual(after.network, before.network);
  assert.deepEqual(after.masks, before.masks);
  assert.deepEqual(after.initial, before.initial);
  assert.equal(after.metadata.level, "3");
  assert.equal(after.metadata.run, "x");
});

Deno.test("loadTicket() refuses what is not a ticket and says what it is", () => {
  const model: Model = { network, layers: ticket().initial };
  assert.throws(() => loadTicket(formatModel(model), "a.safetensors"), {
    name: "SyntaxError",
    message: /a\.safetensors.*winnow-model.*winnow-ticket/s,
  });
  const wrong = ticket();
  const bytes = formatTicket({ ...wrong, masks: wrong.masks.map((mask) => mask.map((bit) => bit * 2)) });
  assert.throws(() => loadTicket(bytes), { name: "SyntaxError", message: /dense1\.mask holds 2/ });
  assert.throws(() => loadTicket(formatTicket(wrong).slice(0, -1)), SyntaxError);
});

Deno.test("loadModel() gives back what formatModel() wrote", () => {
  const model: Model = { network, layers: ticket().initial };
  assert.deepEqual(loadModel(formatModel(model)), model);
});

Deno.test("logits() agree with the float64 reference, for one image and for more than one launch", async () => {
  await using gpu = await Gpu.open();
  const model: Model = { network, layers: ticket().initial };
  for (const count of [1, 1009]) {
    const images = Uint8Array.from({ length: count * 49 }, (_, index) => (index * 97) % 256);
    const found = await logits(model, images, { gpu });
    const input = new Float64Array(images.length);
    images.forEach((byte, index) => input[(index % 49) * count + Math.floor(index / 49)] = byte / 255);
    const wanted = forward(
      { replicates: 1, sizes: [49, 13, 5] },
      model.layers.map(({ weight, bias }) => ({ weight: Float64Array.from(weight), bias: Float64Array.from(bias) })),
      { images: count, input },
    ).at(-1) ?? new Float64Array(0);
    for (let image = 0; image < count; image++) {
      for (let o = 0; o < 5; o++) {
        assert.ok(Math.abs((found[image * 5 + o] ?? NaN) - (wanted[o * count + image] ?? NaN)) < 2e-6);
      }
    }
    const classes = await predict(model, images, { gpu });
    classes.forEach((own, image) => {
      const row = [...found.subarray(image * 5, image * 5 + 5)];
      assert.equal(own, row.indexOf(Math.max(...row)));
    });
  }
  assert.equal(gpu.allocations().filter(({ label }) => label !== "readback staging").length, 0);
});

Deno.test("predict() refuses bytes that are not whole images", async () => {
  const model: Model = { network, layers: ticket().initial };
  await assert.rejects(predict(model, new Uint8Array(50)), { name: "RangeError", message: /whole images of 49 bytes/ });
});

Deno.test("train() learns with the survivors alone, and evaluate() sees it", async () => {
  await using gpu = await Gpu.open();
  const dataset = await syntheticDataset({ height: 7, width: 7, classes: 5, train: 400, test: 200 });
  const sparse = ticket();
  const before = await evaluate({ network, layers: sparse.initial }, dataset.test, { gpu });
  const model = await train(sparse, dataset, { iterations: 300, gpu });
  const after = await evaluate(model, dataset.test, { gpu });
  assert.ok(after.accuracy > before.accuracy + 0.3, `accuracy ${before.accuracy} → ${after.accuracy}`);
  assert.ok(after.loss < before.loss);
  model.layers.forEach(({ weight }, layer) => {
    weight.forEach((value, index) => {
      if (sparse.masks[layer]?.[index] === 0) assert.equal(value, 0);
    });
  });
});
