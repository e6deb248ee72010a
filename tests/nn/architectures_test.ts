import assert from "node:assert/strict";
import { DeviceExamples } from "../../src/nn/batches.ts";
import { architecture, type ArchitectureName, architectureNames, varied } from "../../src/nn/architectures.ts";
import { Ensemble } from "../../src/nn/ensemble.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { denseMask } from "../../src/nn/mask.ts";
import { flat, layOut, type NetworkLayout, sizeOf } from "../../src/nn/network.ts";
import type { OptimizerSettings } from "../../src/nn/optimizer.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { integers } from "../reference/tensors.ts";

Deno.test.afterAll(closeTestGpu);

const cifar = { channels: 3, height: 32, width: 32 };

function layoutOf(name: ArchitectureName, width = 1, dropout = 0): NetworkLayout {
  const input = name === "lenet" ? { channels: 1, height: 28, width: 28 } : cifar;
  return layOut(architecture(name, input, 10, { width, dropout }));
}

Deno.test("the paper's networks have the paper's numbers of kernels", () => {
  const counts = Object.fromEntries(architectureNames.map((name) => [name, layoutOf(name).weights]));
  assert.deepEqual(counts, {
    lenet: 266_200,
    conv2: 4_300_992,
    conv4: 2_425_024,
    conv6: 2_261_184,
    resnet18: 270_896,
    vgg19: 20_024_000,
  });
});

Deno.test("ResNet-18 has 20 layers beside its two 1 × 1 convolutions of 2,560 kernels, which pruning may not touch", () => {
  const { layers, norms } = layoutOf("resnet18");
  const shortcuts = layers.filter(({ name }) => name.startsWith("downsample"));
  assert.equal(layers.length - shortcuts.length, 20);
  assert.equal(norms.length, layers.length - 1);
  assert.deepEqual(shortcuts.map(({ name, size, stride }) => [name, size, stride]), [
    ["downsample1", 1, 2],
    ["downsample2", 1, 2],
  ]);
  assert.equal(shortcuts.reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0), 2_560);
  assert.deepEqual(layers.filter(({ prunable }) => !prunable), shortcuts);
  assert.ok(layers.every(({ type, hasBias }) => hasBias === (type === "dense")));
});

Deno.test("layers know their names, roles and sizes", () => {
  assert.deepEqual(
    layoutOf("conv4").layers.map(({ name, role, inputs, outputs, fanOut, output }) => [
      name,
      role,
      inputs,
      outputs,
      fanOut,
      output.height,
    ]),
    [
      ["conv1", "conv", 27, 64, 576, 32],
      ["conv2", "conv", 576, 64, 576, 32],
      ["conv3", "conv", 576, 128, 1152, 16],
      ["conv4", "conv", 1152, 128, 1152, 16],
      ["dense1", "dense", 8192, 256, 256, 1],
      ["dense2", "dense", 256, 256, 256, 1],
      ["dense3", "output", 256, 10, 10, 1],
    ],
  );
});

Deno.test("width scales channels and hidden units, in residual blocks too, and leaves the output layer", () => {
  assert.deepEqual(layoutOf("conv2", 0.25).layers.map(({ outputs }) => outputs), [16, 16, 64, 64, 10]);
  assert.deepEqual([...new Set(layoutOf("resnet18", 0.5).layers.map(({ outputs }) => outputs))], [8, 16, 32, 10]);
  assert.deepEqual([...new Set(layoutOf("vgg19", 1 / 64).layers.map(({ outputs }) => outputs))], [1, 2, 4, 8, 10]);
});

Deno.test("dropout stands before each dense layer", () => {
  const { layers } = architecture("conv2", cifar, 10, { dropout: 0.5 });
  const types = layers.map(({ type }) => type);
  assert.deepEqual(types, ["conv", "conv", "max-pool", "dropout", "dense", "dropout", "dense", "dropout", "dense"]);
  assert.equal(layoutOf("conv2", 1, 0.5).weights, 4_300_992);
});

Deno.test("convolutions keep rows and columns, and stride 2 halves them upwards", () => {
  const layout = layOut({
    name: "odd",
    input: { channels: 2, height: 7, width: 5 },
    layers: [
      { type: "conv", channels: 3, activation: "relu" },
      { type: "conv", channels: 4, stride: 2, activation: "relu" },
      { type: "conv", channels: 5, size: 1, stride: 2, activation: "none" },
      { type: "max-pool" },
      { type: "dense", units: 2, activation: "none" },
    ],
  });
  assert.deepEqual(layout.tensors.map(({ extent }) => [extent.channels, extent.height, extent.width]), [
    [2, 7, 5],
    [3, 7, 5],
    [4, 4, 3],
    [5, 2, 2],
    [5, 1, 1],
    [2, 1, 1],
  ]);
});

Deno.test("networks whose layers do not fit on one another are refused, with the layer that does not", () => {
  const output = { type: "dense", units: 2, activation: "none" } as const;
  const conv = { type: "conv", channels: 4, activation: "none" } as const;
  const refused = (layers: Parameters<typeof layOut>[0]["layers"], message: RegExp): void => {
    const input = { channels: 3, height: 3, width: 3 };
    assert.throws(() => layOut({ name: "wrong", input, layers }), { name: "RangeError", message });
  };
  refused([{ type: "max-pool" }, { type: "max-pool" }, output], /layer 2: 3 × 1 × 1 is too small/);
  const norm = { type: "batch-norm", activation: "none" } as const;
  refused(
    [{ type: "residual", branch: [conv, norm], shortcut: [] }, output],
    /gives 4 × 3 × 3 and its shortcut 3 × 3 × 3/,
  );
  refused([{ type: "residual", branch: [{ ...conv, channels: 3 }], shortcut: [] }, output], /at least two layers/);
  refused([{ type: "residual", branch: [], shortcut: [] }, output], /at least one convolution/);
  refused(
    [{ type: "residual", branch: [{ ...conv, activation: "relu" }], shortcut: [] }, output],
    /without an activation/,
  );
  refused([{ type: "dropout", rate: 1 }, output], /rate is 1/);
  refused([conv], /last layer must be dense/);
  refused([{ ...output, activation: "relu" }], /last layer must be dense with activation none/);
  refused([{ ...conv, channels: 0 }, output], /whole and positive/);
});

const recipes: Readonly<Record<ArchitectureName, { width: number; optimizer: OptimizerSettings; dropout?: number }>> = {
  lenet: { width: 0.1, optimizer: { type: "adam", lr: 1e-2 } },
  conv2: { width: 1 / 16, optimizer: { type: "adam", lr: 3e-3 } },
  conv4: { width: 1 / 16, optimizer: { type: "adam", lr: 1e-2 }, dropout: 0.1 },
  conv6: { width: 1 / 16, optimizer: { type: "adam", lr: 3e-3 } },
  resnet18: { width: 1 / 4, optimizer: { type: "sgd", lr: 0.05, momentum: 0.9, weightDecay: 1e-4 } },
  vgg19: { width: 1 / 16, optimizer: { type: "sgd", lr: 0.05, momentum: 0.9, weightDecay: 1e-4 } },
};

for (const name of architectureNames) {
  Deno.test(`${name} at reduced width learns one batch in ten steps, in training and in evaluation`, async () => {
    const gpu = await testGpu();
    const { width, optimizer, dropout = 0 } = recipes[name];
    const layout = layoutOf(name, width, dropout);
    const { input } = layout.spec;
    const count = 16;
    const steps = 10;
    // Each class has a brightness of its own under noise.
    const labels = Uint8Array.from(integers(3, count, 10));
    const noise = integers(4, count * sizeOf(input), 100);
    const images = Uint8Array.from(noise, (value, at) => value + 15 * (labels[Math.floor(at / sizeOf(input))] ?? 0));
    using examples = new DeviceExamples(gpu, "batch", input, { images, labels, count });
    const indices = Uint32Array.from({ length: count }, (_, index) => index);
    using ensemble = await Ensemble.open(gpu, {
      layout,
      replicates: 1,
      batchSize: count,
      optimizer,
      iterations: steps,
      train: examples,
      test: examples,
      splits: [{ train: indices, validation: indices }],
      normalization: [Float32Array.from({ length: 2 * input.channels }, (_, at) => at % 2 === 0 ? 1 / 64 : -1.8)],
      dropoutKeys: [Uint32Array.of(1, 2)],
    });
    ensemble.begin([{ values: glorot(layout, 1), mask: denseMask(layout) }]);
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      ensemble.steps([indices]);
      const { records: [record], violations } = await ensemble.evaluate();
      assert.deepEqual(violations, [0]);
      losses.push(record?.trainLossSum ?? NaN);
    }
    const [first = NaN] = losses;
    const last = losses.at(-1) ?? NaN;
    assert.ok(last < 0.93 * first, losses.map((loss) => loss.toFixed(3)).join(", "));
  });
}

Deno.test("varied() changes nothing at width 1 without dropout", () => {
  const spec = architecture("resnet18", cifar, 10);
  assert.deepEqual(varied(spec, {}), spec);
  assert.deepEqual(
    architecture("lenet", flat(784), 10),
    architecture("lenet", flat(784), 10, { width: 1, dropout: 0 }),
  );
});
