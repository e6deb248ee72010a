import assert from "node:assert/strict";
import { formatSafetensors, parseSafetensors } from "../../src/data/safetensors.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { Gpu } from "../../src/gpu/gpu.ts";
import { formatModel, formatTicket, loadModel, loadTicket, type Ticket, train } from "../../src/lottery/ticket.ts";
import { evaluate, logits, type Model, predict } from "../../src/nn/inference.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { flat, fromArena, layOut, type NetworkSpec, type NormValues } from "../../src/nn/network.ts";
import { forward } from "../../src/reference/network.ts";

const network: NetworkSpec = {
  name: "test",
  input: { channels: 1, height: 7, width: 7 },
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

/** Every kind of layer: convolutions with and without bias, a block with a downsampling shortcut, batch norms. */
const residual: NetworkSpec = {
  name: "small residual",
  input: { channels: 2, height: 7, width: 7 },
  layers: [
    { type: "conv", channels: 3, bias: false, activation: "none" },
    { type: "batch-norm", activation: "relu" },
    {
      type: "residual",
      branch: [{ type: "conv", channels: 5, stride: 2, activation: "none" }, {
        type: "batch-norm",
        activation: "none",
      }],
      shortcut: [{ type: "conv", channels: 5, size: 1, stride: 2, bias: false, activation: "none", prunable: false }],
    },
    { type: "max-pool" },
    { type: "global-average-pool" },
    { type: "dropout", rate: 0.25 },
    { type: "dense", units: 4, activation: "none" },
  ],
};

function norms(seed: number): NormValues[] {
  return layOut(residual).norms.map(({ extent: { channels } }, index) => {
    const values = (part: number): Float32Array<ArrayBuffer> =>
      Float32Array.from({ length: channels }, (_, at) => seed + index * 10 + part + at / 16);
    return { scale: values(0), shift: values(1), mean: values(2), variance: values(3) };
  });
}

Deno.test("convolutions, batch norms, rewind values and normalisation go through the files, bit for bit", () => {
  const layout = layOut(residual);
  const values = (seed: number): Ticket["initial"] => fromArena(layout, glorot(layout, seed));
  const before: Ticket = {
    network: residual,
    masks: layout.layers.map(({ inputs, outputs }) =>
      Uint8Array.from({ length: inputs * outputs }, (_, index) => Number(index % 5 > 1))
    ),
    initial: values(1),
    firstIteration: 700,
    rewind: { layers: values(2), norms: norms(1) },
    metadata: {},
  };
  const bytes = formatTicket(before);
  const after = loadTicket(bytes);
  assert.deepEqual({ ...after, metadata: {} }, before);
  const { tensors } = parseSafetensors(bytes, "ticket");
  // [C, ky, kx, K], and no bias where the layer has none.
  for (const name of ["conv1.weight", "conv1.mask", "conv1.rewind.weight"]) {
    assert.deepEqual(tensors.get(name)?.shape, [2, 3, 3, 3], name);
  }
  assert.deepEqual(tensors.get("downsample1.weight")?.shape, [3, 1, 1, 5]);
  assert.deepEqual(tensors.get("dense1.weight")?.shape, [5, 4]);
  assert.deepEqual(tensors.get("conv2.bias")?.shape, [5]);
  assert.ok(!tensors.has("conv1.bias"));
  assert.deepEqual(tensors.get("norm2.rewind.variance")?.shape, [5]);

  const model: Model = {
    network: residual,
    layers: values(3),
    norms: norms(2),
    normalization: Float32Array.of(0.5, -1, 0.25, 2),
  };
  assert.deepEqual(loadModel(formatModel(model)), model);
});

Deno.test("a file whose network does not hold together is refused, and says why", () => {
  const withNetwork = (spec: unknown): Uint8Array<ArrayBuffer> =>
    formatSafetensors({}, { format: "winnow-ticket", version: "2", network: JSON.stringify(spec) });
  const cases: readonly (readonly [spec: unknown, message: RegExp])[] = [
    [{ ...network, input: 49 }, /a\.safetensors.*input: /],
    [{ ...network, layers: [{ type: "lstm", units: 3 }] }, /layers\.0\.type: /],
    [{ ...network, layers: [{ type: "dense", units: 0, activation: "none" }] }, /layers\.0\.units: /],
    [{ ...network, layers: [...residual.layers.slice(0, 3)] }, /last layer must be dense/],
    [
      {
        ...residual,
        layers: residual.layers.map((layer) => layer.type === "residual" ? { ...layer, shortcut: [] } : layer),
      },
      /residual branch gives 5 × 4 × 4 and its shortcut 3 × 7 × 7/,
    ],
  ];
  for (const [spec, message] of cases) {
    assert.throws(() => loadTicket(withNetwork(spec), "a.safetensors"), { name: "SyntaxError", message });
  }
});

Deno.test("train() refuses images of another shape, even with as many values", async () => {
  const dataset = await syntheticDataset({ height: 7, width: 7, classes: 5, train: 10, test: 10 });
  const other: Ticket = { ...ticket(), network: { ...network, input: flat(49) } };
  await assert.rejects(train(other, dataset, { iterations: 1 }), {
    name: "RangeError",
    message: /images are 1 × 7 × 7, and the network takes 49 × 1 × 1/,
  });
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
