import assert from "node:assert/strict";
import { unitRange } from "../../src/data/normalization.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { DeviceExamples } from "../../src/nn/batches.ts";
import { Ensemble } from "../../src/nn/ensemble.ts";
import { glorot } from "../../src/nn/initialize.ts";
import { packMask } from "../../src/nn/mask.ts";
import { fromArena, layOut, type NetworkSpec, normsFromArena, roundUp, sizeOf } from "../../src/nn/network.ts";
import type { LayerPlan } from "../../src/nn/plan.ts";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import {
  type GraphBatch,
  graphForward,
  type GraphParameters,
  graphParameters,
  graphStep,
} from "../../src/reference/graph.ts";
import { softmaxCrossEntropy } from "../../src/reference/softmax_cross_entropy.ts";
import { bits, integers, normals } from "../reference/tensors.ts";
import { assertSameBits, closeTestGpu, noLabel, packBatch, replicate, testGpu, unpackBatch } from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/** Every kind of layer, odd sizes, and residual blocks of every kind: identity after identity, and a shortcut of its own. */
const everything: NetworkSpec = {
  name: "everything",
  input: { channels: 3, height: 9, width: 7 },
  layers: [
    { type: "conv", channels: 5, bias: false, activation: "none" },
    { type: "batch-norm", activation: "relu" },
    {
      type: "residual",
      branch: [
        { type: "conv", channels: 5, bias: false, activation: "none" },
        { type: "batch-norm", activation: "relu" },
        { type: "conv", channels: 5, activation: "none" },
      ],
      shortcut: [],
    },
    {
      type: "residual",
      branch: [
        { type: "conv", channels: 5, activation: "relu" },
        { type: "conv", channels: 5, bias: false, activation: "none" },
        { type: "batch-norm", activation: "none" },
      ],
      shortcut: [],
    },
    {
      type: "residual",
      branch: [
        { type: "conv", channels: 6, stride: 2, bias: false, activation: "none" },
        { type: "batch-norm", activation: "none" },
      ],
      shortcut: [
        { type: "conv", channels: 6, size: 1, stride: 2, bias: false, activation: "none" },
        { type: "batch-norm", activation: "none" },
      ],
    },
    { type: "dropout", rate: 0.25 },
    { type: "conv", channels: 4, activation: "relu" },
    { type: "max-pool" },
    { type: "dropout", rate: 0.5 },
    { type: "dense", units: 7, activation: "relu" },
    { type: "dropout", rate: 0.1 },
    { type: "dense", units: 3, activation: "none" },
  ],
};

/** A block that begins at the images themselves, and an average over a whole plane. */
const shallow: NetworkSpec = {
  name: "shallow",
  input: { channels: 2, height: 3, width: 5 },
  layers: [
    { type: "batch-norm", activation: "none" },
    {
      type: "residual",
      branch: [{ type: "conv", channels: 2, bias: false, activation: "none" }, {
        type: "batch-norm",
        activation: "none",
      }],
      shortcut: [],
    },
    {
      type: "residual",
      branch: [{ type: "conv", channels: 3, activation: "none" }],
      shortcut: [{ type: "conv", channels: 3, size: 1, activation: "none" }],
    },
    { type: "global-average-pool" },
    { type: "dense", units: 3, activation: "none" },
  ],
};

const images = 11;

interface Network {
  readonly arena: Float32Array<ArrayBuffer>;
  readonly masks: readonly Uint8Array<ArrayBuffer>[];
  readonly batch: GraphBatch;
  readonly key: Uint32Array<ArrayBuffer>;
}

function network(spec: NetworkSpec, seed: number): Network {
  const layout = layOut(spec);
  const arena = glorot(layout, seed);
  // No bias at 0, where a sum of zeros would stand exactly at the ReLU's edge.
  layout.layers.forEach(({ bias, outputs, hasBias }, index) => {
    if (hasBias) arena.set(normals(seed + 80 + index, outputs).map((value) => 0.1 * value), bias);
  });
  // Running statistics and norms that are not what training starts from.
  layout.norms.forEach(({ extent: { channels }, scale, shift, mean, variance }, index) => {
    const values = normals(seed + 40 + index, 4 * channels);
    for (let c = 0; c < channels; c++) {
      arena[scale + c] = 1 + 0.3 * (values[c] ?? 0);
      arena[shift + c] = 0.3 * (values[channels + c] ?? 0);
      arena[mean + c] = 0.2 * (values[2 * channels + c] ?? 0);
      arena[variance + c] = 0.5 + (values[3 * channels + c] ?? 0) ** 2;
    }
  });
  return {
    arena,
    masks: layout.layers.map(({ inputs, outputs }, index) => bits(seed + 20 + index, inputs * outputs, 0.7)),
    batch: {
      images,
      input: normals(seed + 60, sizeOf(spec.input) * images),
      labels: integers(seed + 61, images, 3),
    },
    key: Uint32Array.from(integers(seed + 62, 2, 2 ** 31)),
  };
}

function referenceOf(spec: NetworkSpec, { arena, masks }: Network): GraphParameters {
  const layout = layOut(spec);
  const layers = fromArena(layout, arena).map(({ weight, bias }, index) => ({
    weight: weight.map((value, at) => masks[index]?.[at] === 0 ? 0 : value),
    bias,
  }));
  return graphParameters(layers, normsFromArena(layout, arena));
}

/** One step without an update (learning rate 0) from iteration 2 on, and an evaluation of the same batch behind it. */
async function onGpu(
  gpu: Gpu,
  spec: NetworkSpec,
  networks: readonly Network[],
  { sharesMemory, plan }: { readonly sharesMemory: boolean; readonly plan: LayerPlan },
): Promise<{
  readonly logits: Float64Array[];
  readonly gradients: Float32Array<ArrayBuffer>[];
  readonly arenas: Float32Array<ArrayBuffer>[];
}> {
  const layout = layOut(spec);
  const replicates = networks.length;
  const pixels = sizeOf(spec.input);
  const one = { images: new Uint8Array(pixels), labels: new Uint8Array(1), count: 1 };
  using examples = new DeviceExamples(gpu, "unused", spec.input, one);
  const masks = networks.map(({ masks }) => packMask(layout, masks));
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates,
    masks,
    plan: layout.layers.map(() => plan),
    batchSize: images,
    optimizer: { type: "sgd", lr: 1e-30 },
    firstIteration: 2,
    iterations: 3,
    train: examples,
    test: examples,
    splits: networks.map(() => ({ train: Uint32Array.of(0), validation: Uint32Array.of(0) })),
    normalization: networks.map(() => unitRange(spec.input.channels)),
    dropoutKeys: networks.map(({ key }) => key),
    sharesMemory,
  });
  ensemble.begin(networks.map(({ arena }, r) => ({ values: arena, mask: masks[r] ?? assert.fail() })));
  const padded = roundUp(images, 8);
  const labels = new Uint32Array(replicates * padded).fill(noLabel);
  networks.forEach(({ batch }, r) => labels.set(Array.from(batch.labels), r * padded));
  const inputs = Float64Array.from(networks.flatMap(({ batch }) => [...batch.input]));
  gpu.write(ensemble.buffer("activation 0"), packBatch(replicates, pixels, images, inputs, { rows: 0, lanes: 0 }));
  gpu.write(ensemble.buffer("batch labels"), labels);
  ensemble.stepOnWrittenBatch();
  const logits = await gpu.readFloats(ensemble.buffer(`activation ${layout.tensors.length - 1}`));
  const gradients = await ensemble.gradients();
  const arenas = await ensemble.parameters();
  return {
    logits: networks.map((_, r) => unpackBatch(1, 3, images, replicate(logits, replicates, r)).values),
    gradients,
    arenas,
  };
}

async function agrees(spec: NetworkSpec, plan: LayerPlan): Promise<void> {
  const gpu = await testGpu();
  const layout = layOut(spec);
  const networks = [1, 2, 3].map((seed) => network(spec, 100 * seed));
  const together = await onGpu(gpu, spec, networks, { sharesMemory: true, plan });
  for (const [r, own] of networks.entries()) {
    const wanted = graphStep(layout, referenceOf(spec, own), own.batch, { key: own.key, step: 2 }, own.masks);
    const alone = await onGpu(gpu, spec, [own], { sharesMemory: false, plan });
    const close = (found: ArrayLike<number>, reference: ArrayLike<number>, what: string): void => {
      const error = relativeError(found, reference);
      assert.ok(error < 1e-5, `${what} of network ${r + 1}: ${error}`);
    };
    close(together.logits[r] ?? [], wanted.activations.at(-1) ?? [], "logits");
    const gradient = together.gradients[r] ?? new Float32Array();
    fromArena(layout, gradient).forEach(({ weight, bias }, index) => {
      const { name = "", hasBias } = layout.layers[index] ?? {};
      close(weight, wanted.gradients.layers[index]?.weight ?? [], `${name} weight gradient`);
      if (hasBias) close(bias, wanted.gradients.layers[index]?.bias ?? [], `${name} bias gradient`);
    });
    normsFromArena(layout, gradient).forEach(({ scale, shift }, index) => {
      close(scale, wanted.gradients.norms[index]?.scale ?? [], `norm ${index + 1} scale gradient`);
      close(shift, wanted.gradients.norms[index]?.shift ?? [], `norm ${index + 1} shift gradient`);
    });
    normsFromArena(layout, together.arenas[r] ?? new Float32Array()).forEach(({ mean, variance }, index) => {
      close(mean, wanted.running[index]?.mean ?? [], `norm ${index + 1} running mean`);
      close(variance, wanted.running[index]?.variance ?? [], `norm ${index + 1} running variance`);
    });
    assertSameBits(gradient, alone.gradients[0] ?? new Float32Array(), `network ${r + 1}, together or alone`);
    assertSameBits(together.arenas[r] ?? new Float32Array(), alone.arenas[0] ?? new Float32Array(), "arenas");
  }
}

const plans: readonly { readonly how: string; readonly plan: LayerPlan }[] = [
  { how: "", plan: { weights: "masked-dense", tiles: "register" } },
  { how: ", with survivors alone", plan: { weights: "compact", tiles: "register" } },
  { how: ", with workgroup tiles", plan: { weights: "masked-dense", tiles: "workgroup" } },
];

for (const spec of [everything, shallow]) {
  for (const { how, plan } of plans) {
    Deno.test(`a step of the network "${spec.name}" agrees with its float64 reference, R = 1 and 3${how}`, () =>
      agrees(spec, plan));
  }

  Deno.test(`the float64 reference of "${spec.name}" agrees with finite differences, and a wrong gradient does not`, () => {
    const layout = layOut(spec);
    const own = network(spec, 7);
    const parameters = referenceOf(spec, own);
    const training = { key: own.key, step: 5 };
    const { gradients } = graphStep(layout, parameters, own.batch, training);
    const loss = (changed: GraphParameters): number => {
      const { activations } = graphForward(layout, changed, own.batch, training);
      const logits = activations.at(-1) ?? new Float64Array();
      const { losses } = softmaxCrossEntropy({ replicates: 1, outputs: 3, batch: images }, logits, own.batch.labels);
      return losses.reduce((sum, value) => sum + value, 0) / images;
    };
    const sampled = (length: number): number[] =>
      Array.from({ length: Math.min(6, length) }, (_, at) => Math.floor(at * length / Math.min(6, length)));
    let largest = 0;
    const compare = (
      found: Float64Array,
      values: Float64Array,
      put: (values: Float64Array) => GraphParameters,
    ): void => {
      for (const at of sampled(values.length)) {
        const at1 = Float64Array.of(values[at] ?? 0);
        const [wanted = NaN] = finiteDifference((one) => loss(put(values.with(at, one[0] ?? 0))), at1);
        const error = Math.abs((found[at] ?? NaN) - wanted);
        largest = Math.max(largest, Math.abs(wanted));
        assert.ok(error < 1e-6, `${found[at]}, not ${wanted}`);
        // The check would see a sign, a factor or a missing path.
        if (Math.abs(wanted) > 1e-3) assert.ok(Math.abs(-(found[at] ?? NaN) - wanted) > 1e-4);
      }
    };
    parameters.layers.forEach((layer, index) => {
      const put = (part: "weight" | "bias") => (values: Float64Array): GraphParameters => ({
        ...parameters,
        layers: parameters.layers.with(index, { ...layer, [part]: values }),
      });
      const gradient = gradients.layers[index];
      assert.ok(gradient);
      compare(gradient.weight, layer.weight, put("weight"));
      if (layout.layers[index]?.hasBias) compare(gradient.bias, layer.bias, put("bias"));
    });
    parameters.norms.forEach((norm, index) => {
      const put = (part: "scale" | "shift") => (values: Float64Array): GraphParameters => ({
        ...parameters,
        norms: parameters.norms.with(index, { ...norm, [part]: values }),
      });
      const gradient = gradients.norms[index];
      assert.ok(gradient);
      compare(gradient.scale, norm.scale, put("scale"));
      compare(gradient.shift, norm.shift, put("shift"));
    });
    assert.ok(largest > 1e-2, `gradients so small (${largest}) say nothing`);
  });
}

Deno.test("an evaluation uses running statistics and drops nothing", async () => {
  const gpu = await testGpu();
  const layout = layOut(everything);
  const count = images;
  const pixels = sizeOf(everything.input);
  const bytes = Uint8Array.from(integers(9, count * pixels, 256));
  const labels = Uint8Array.from(integers(8, count, 3));
  using examples = new DeviceExamples(gpu, "images", everything.input, { images: bytes, labels, count });
  const indices = Uint32Array.from({ length: count }, (_, index) => index);
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates: 1,
    batchSize: 4,
    optimizer: { type: "sgd", lr: 0.1 },
    iterations: 1,
    train: examples,
    test: examples,
    splits: [{ train: indices, validation: indices }],
    normalization: [unitRange(3)],
  });
  const own = network(everything, 11);
  ensemble.begin([{ values: own.arena, mask: packMask(layout, own.masks) }]);
  const { records: [record] } = await ensemble.evaluate();
  const input = Float64Array.from({ length: pixels * count }, (_, at) => {
    return (bytes[at % count * pixels + Math.floor(at / count)] ?? NaN) / 255;
  });
  const { activations } = graphForward(layout, referenceOf(everything, own), { images: count, input });
  const logits = activations.at(-1) ?? new Float64Array();
  const { losses } = softmaxCrossEntropy({ replicates: 1, outputs: 3, batch: count }, logits, labels);
  const wanted = losses.reduce((sum, loss) => sum + loss, 0);
  assert.ok(
    Math.abs((record?.validationLossSum ?? NaN) - wanted) < 1e-5 * wanted,
    `${record?.validationLossSum}, not ${wanted}`,
  );
});
