/** What a step's launches are counted to do, beside figures by hand, and what is expected of graphics cards. */
import assert from "node:assert/strict";
import {
  type Card,
  cards,
  expectation,
  type KernelWork,
  kernelWork,
  stepWork,
  workgroupSize,
} from "../../bench/roofline.ts";
import {
  imageCount,
  mostSteps,
  networkLayout,
  plannedLevel,
  randomExamples,
  randomMasks,
  Training,
} from "../../bench/training.ts";
import type { Launch } from "../../src/gpu/program.ts";
import { presets } from "../../src/lottery/config.ts";
import { optimizerOf } from "../../src/lottery/optimizer.ts";
import { ratesOf } from "../../src/lottery/schedule.ts";
import { type ArchitectureName, architectureNames } from "../../src/nn/architectures.ts";
import { planLaunches } from "../../src/nn/ensemble.ts";
import * as kernels from "../../src/nn/kernels.ts";
import type { LayerPlan } from "../../src/nn/plan.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";

Deno.test.afterAll(closeTestGpu);

interface Size {
  readonly network: ArchitectureName;
  readonly width?: number;
  readonly replicates?: number;
  readonly images?: number;
  readonly level?: number;
  /** Of all layers; as a run on a software adapter plans it when left out. */
  readonly plan?: LayerPlan;
}

/** The launches of a step as a run records it. */
async function work({ network, width = 1, replicates = 1, images = 60, level = 0, plan }: Size): Promise<KernelWork[]> {
  const gpu = await testGpu();
  const { config } = presets[network];
  const layout = networkLayout(network, width);
  const planned = plannedLevel(layout, level, ratesOf(config), "software");
  using examples = randomExamples(gpu, layout.spec.input);
  using training = await Training.open(gpu, {
    layout,
    examples,
    optimizer: optimizerOf(config),
    batchSize: images,
    masks: randomMasks(layout, planned, replicates),
    plan: plan ? layout.layers.map(() => plan) : planned.plan,
  });
  return stepWork(training.ensemble.program.launches, { layout, replicates, images, kept: planned.kept });
}

function find(all: readonly KernelWork[], label: string): KernelWork {
  const found = all.find((each) => each.label === label);
  assert.ok(found, `${label} is not among ${all.map(({ label }) => label).join("; ")}`);
  return found;
}

Deno.test("LeNet's first layer, 784 × 300 with 60 images of 64, is counted as by hand", async () => {
  const all = await work({ network: "lenet" });
  const forward = find(all, "dense1 forward");
  // 10 tiles of 32 outputs × 8 tiles of 8 images, in workgroups of eight.
  assert.equal(forward.invocations, 80);
  assert.deepEqual([forward.workgroups, forward.workgroupSize], [10, 8]);
  assert.deepEqual(forward.work, {
    operations: 2 * 784 * 300 * 60,
    leastBytes: 4 * (784 * 300 + 300 + 784 * 60 + 300 * 60),
    // Each tile: 784 times 32 weights and 8 images, and 32 biases; stored are 300 rows of 64.
    tileBytes: 80 * (784 * (32 + 8) + 32) * 4 + 300 * 64 * 4,
  });
  const gradient = find(all, "dense1 weight gradient");
  // 49 tiles of 16 inputs × 19 tiles of 16 outputs, in workgroups of eight.
  assert.equal(gradient.invocations, Math.ceil(49 * 19 / 8) * 8);
  assert.deepEqual(gradient.work, {
    operations: 2 * 784 * 300 * 60 + 300 * 60,
    leastBytes: 4 * (784 * 60 + 300 * 60 + 784 * 300 + 300) + 784 * 300 / 8,
    // Each tile: 64 images of 16 inputs and 16 outputs; the first row again for the bias; a word of mask per vec4 of weights.
    tileBytes: 49 * 19 * 64 * 32 * 4 + 19 * 16 * 64 * 4 + (784 * 300 + 300) * 4 + 784 * 75 * 4,
  });
  // Of 266,610 values, each layer's weights and biases padded to 64: seven words and a bit for each.
  const values = 235_200 + 320 + 30_016 + 128 + 1216 + 64;
  assert.deepEqual(find(all, "adam and mask").work, {
    operations: 15 * values,
    leastBytes: 7 * 4 * values + values / 8,
    tileBytes: 7 * 4 * values + values / 8,
  });
});

Deno.test("Conv-2's second convolution, 64 → 64 at 32 × 32, is counted as by hand", async () => {
  const all = await work({ network: "conv2" });
  const operations = 2 * 9 * 64 * 64 * 1024 * 60;
  const image = 64 * 1024;
  const forward = find(all, "conv2 forward");
  // 8 tiles of images, 8 of pixels in each of 32 rows, 8 of outputs.
  assert.equal(forward.invocations, 8 * 8 * 32 * 8);
  assert.deepEqual(forward.work, {
    operations,
    leastBytes: 4 * (9 * 64 * 64 + 64 + 2 * image * 60),
    // Of 64 channels and 3 rows of the kernel, 2 at the edges: 6 pixels and 3 taps, two vec4 each; and two vec4 of bias.
    tileBytes: 8 * 8 * 8 * (64 * (32 * 3 - 2) * (6 + 3) + 32) * 32 + image * 64 * 4,
  });
  const gradient = find(all, "conv2 weight gradient");
  // 16 tiles of channels × 16 of outputs, each over all of the image.
  assert.equal(gradient.invocations, 16 * 16);
  assert.deepEqual(gradient.work, {
    operations: operations + 64 * 1024 * 60,
    leastBytes: 4 * (2 * image * 60 + 9 * 64 * 64 + 64) + 9 * 64 * 64 / 8,
    // A step loads 12 new pixels and 4 gradients, a row begins with 12 pixels; a word of mask per vec4 of weights.
    tileBytes: 256 * 32 * 16 * (32 * 16 + 12) * 16 + (9 * 64 + 1) * 64 * 4 + 9 * 64 * 16 * 4,
  });
  const back = find(all, "conv2 input gradient");
  assert.equal(back.invocations, 8 * 8 * 32 * 8);
  // The first convolution's ReLU gates it: its output is read as well.
  assert.equal(back.work?.leastBytes, 4 * (9 * 64 * 64 + 3 * image * 60));
  assert.equal(back.work?.tileBytes, 8 * 8 * 8 * 64 * (32 * 3 - 2) * (6 + 3) * 32 + 2 * image * 64 * 4);
  // 16,384 inputs in 16 parts of 256 outputs each.
  assert.equal(
    find(all, "dense1 forward").work?.leastBytes,
    4 * (16_384 * 256 + 16_384 * 60 + 16 * 256 * 60),
  );
  assert.equal(find(all, "dense1 forward, sum of parts").work?.leastBytes, 4 * (17 * 256 * 60 + 256));
});

Deno.test("a compact layer's arithmetic and bytes follow its survivors", async () => {
  const all = await work({ network: "lenet", level: 15 });
  const survivors = plannedLevel(networkLayout("lenet"), 15, ratesOf(presets.lenet.config), "software").kept[0] ?? NaN;
  assert.ok(survivors < 0.04 * 784 * 300);
  const forward = find(all, "dense1 forward, compact");
  assert.equal(forward.work?.operations, 2 * survivors * 60);
  // A value and a position each; where each row of outputs begins and its bias; images and outputs.
  assert.equal(forward.work?.leastBytes, 4 * (2 * survivors + 301 + 300 + 784 * 60 + 300 * 60));
  assert.equal(find(all, "dense1 weight gradient, compact").work?.operations, 2 * survivors * 60 + 300 * 60);
  // Index of a value, its output and the value; of its input what gates it, and what is written.
  const second = plannedLevel(networkLayout("lenet"), 15, ratesOf(presets.lenet.config), "software").kept[1] ?? NaN;
  assert.equal(
    find(all, "dense2 input gradient, compact").work?.leastBytes,
    4 * (3 * second + 301 + 100 * 60 + 2 * 300 * 60),
  );
});

Deno.test("workgroups load each row and column of their tiles once", () => {
  const layout = networkLayout("lenet");
  const shape = { layout, replicates: 2, images: 60, kept: [784 * 300] };
  const launch = (kernel: string, label: string, dims: readonly number[]): Launch => ({
    kernel: { name: kernel, code: "@compute @workgroup_size(16, 4)" },
    dims,
    buffers: [],
    workgroups: [1, 19, 2],
    label,
  });
  const forward = kernelWork(launch("dense_forward_workgroup", "dense1 forward", []), shape);
  assert.equal(forward.invocations, 19 * 2 * 64);
  // One tile of 64 images and 19 of 16 outputs: weights once, images 19 times. A vec4 of bias for each vec4 of images.
  assert.equal(
    forward.work?.tileBytes,
    2 * 4 * (784 * 300 + 19 * 784 * 64 + 300 * 64 / 4 + 300 * 64),
  );
  const gradient = kernelWork(launch("dense_weight_gradient_workgroup", "dense1 weight gradient", []), shape);
  // Ten tiles of 32 outputs and 25 of 32 inputs.
  assert.equal(gradient.work?.tileBytes, 2 * 4 * (10 * 784 * 64 + 25 * 300 * 64 + 785 * 300));
  const split = kernelWork(
    {
      ...launch("dense_input_gradient_workgroup", "dense2 input gradient", [0, 0, 0, 0, 0, 0, 0, 0, 3]),
      constants: { split: 1 },
    },
    shape,
  );
  // 300 inputs and 100 outputs: three parts are written, and none is gated.
  assert.equal(split.work?.leastBytes, 2 * 4 * (300 * 100 + 100 * 60 + 3 * 300 * 60));
});

Deno.test("every launch of every network is known, and no tile moves less than the least", async () => {
  const plans: readonly (LayerPlan | undefined)[] = [
    undefined,
    { weights: "masked-dense", tiles: "register" },
    { weights: "masked-dense", tiles: "workgroup" },
    { weights: "compact", tiles: "register" },
  ];
  for (const network of architectureNames) {
    for (const plan of plans) {
      const all = await work({ network, width: 0.1, replicates: 2, images: 9, level: 3, ...(plan ? { plan } : {}) });
      for (const { label, kernel, work, invocations } of all) {
        assert.ok(work, `${network}, ${kernel}: its work is not known`);
        const { operations, leastBytes, tileBytes } = work;
        assert.ok(leastBytes > 0 && operations >= 0 && invocations > 0, `${network}, ${label}`);
        assert.ok(
          tileBytes >= leastBytes,
          `${network}, ${label} (${kernel}): ${tileBytes} of at least ${leastBytes} bytes`,
        );
      }
    }
  }
});

Deno.test("launches that are planned without a GPU are those that are recorded on one", async () => {
  const gpu = await testGpu();
  // What decides on work; buffers by their sizes.
  const shown = (launches: readonly Launch[]) =>
    launches.map(({ kernel, label, dims, constants, workgroups, buffers }) => ({
      kernel: kernel.name,
      label,
      dims,
      constants,
      workgroups,
      bytes: buffers.map(({ bytes }) => Math.max(16, Math.ceil(bytes / 16) * 16)),
    }));
  for (const network of architectureNames) {
    const layout = networkLayout(network, 0.1);
    const optimizer = optimizerOf(presets[network].config);
    const { plan, kept } = plannedLevel(layout, 0, ratesOf(presets[network].config), "gpu");
    const masks = randomMasks(layout, { level: 0, kept }, 2);
    const { input } = layout.spec;
    using examples = randomExamples(gpu, input);
    using training = await Training.open(gpu, { layout, examples, optimizer, batchSize: 9, masks, plan });
    const planned = planLaunches({
      layout,
      replicates: 2,
      batchSize: 9,
      optimizer,
      iterations: mostSteps,
      plan,
      trainSize: imageCount,
      validationSize: imageCount,
      dataset: { ...input, train: { count: imageCount }, test: { count: imageCount } },
    });
    const { program, evaluationPrograms } = training.ensemble;
    assert.deepEqual(shown(planned.step), shown(program.launches), network);
    assert.deepEqual(planned.evaluation.map(shown), evaluationPrograms.map(({ launches }) => shown(launches)), network);
  }
});

Deno.test("compact layers cannot be planned without masks, nor planned buffers be used", () => {
  const layout = networkLayout("lenet", 0.1);
  const options = {
    layout,
    replicates: 1,
    batchSize: 9,
    optimizer: optimizerOf(presets.lenet.config),
    iterations: 1,
    trainSize: 8,
    validationSize: 8,
    dataset: { ...layout.spec.input, train: { count: 8 }, test: { count: 8 } },
  };
  const compact = layout.layers.map((): LayerPlan => ({ weights: "compact", tiles: "register" }));
  assert.throws(() => planLaunches({ ...options, plan: compact }), /compact layers without masks/);
  const [gathering] = planLaunches(options).step;
  assert.throws(() => gathering?.buffers[0]?.raw, {
    name: "TypeError",
    message: /Cannot use "train images" on a GPU: it is planned, and not allocated/,
  });
});

Deno.test("replicates do as much work each, in as many invocations each", async () => {
  const single = await work({ network: "lenet", width: 0.1, images: 8 });
  const three = await work({ network: "lenet", width: 0.1, images: 8, replicates: 3 });
  for (const [index, { label, invocations, work }] of single.entries()) {
    const all = three[index];
    assert.equal(all?.invocations, 3 * invocations, label);
    assert.equal(all?.work?.operations, 3 * (work?.operations ?? NaN), label);
    assert.equal(all?.work?.leastBytes, 3 * (work?.leastBytes ?? NaN), label);
  }
});

Deno.test("the tiles that are counted are those that the kernels' headers describe", () => {
  const tiles: readonly (readonly [keyof typeof kernels, string])[] = [
    ["denseForward", "Tile: 32 outputs × 8 images per invocation"],
    ["denseForward", "With `wide`, for batches that fill the lanes so, 16 images"],
    ["denseInputGradient", "Tile: 24 inputs × 8 images per invocation"],
    ["denseWeightGradient", "Tile: 16 inputs × 16 outputs per invocation"],
    ["compactForward", "Tile: 1 output × 8 images per invocation"],
    ["compactInputGradient", "Tile: 1 input × 8 images per invocation"],
    ["compactWeightGradient", "Tile: one quad per invocation"],
    ["compactConvolutionForward", "Tile: 1 output × 4 consecutive pixels × 8 images per invocation"],
    ["compactConvolutionInputGradient", "Tile: 1 channel × 4 pixels that follow one another in their class × 8 images"],
    ["compactConvolutionWeightGradient", "Tile: one quad per invocation"],
    ["denseForwardWorkgroup", "Tile: a workgroup of 16 × 4 invocations computes 64 images × 16 outputs"],
    ["denseInputGradientWorkgroup", "Tile: a workgroup of 16 × 4 invocations computes 64 images × 16 inputs"],
    ["denseWeightGradientWorkgroup", "Tile: a workgroup of 64 invocations computes 32 inputs × 32 outputs"],
    ["convolutionForwardWorkgroup", "Tile: 2 pixels of a row × 8 outputs × 4 images per invocation"],
    ["convolutionInputGradientWorkgroup", "Tile: 2 pixels of a row × 8 channels × 4 images per invocation"],
    [
      "convolutionWeightGradientWorkgroup",
      "Tile: a workgroup of 64 invocations computes 32 rows of weights (a channel's tap each) × 32 outputs",
    ],
    ["convolutionForward", "Tile: 4 pixels of a row × 8 outputs × 8 images per invocation"],
    ["convolutionInputGradient", "4 pixels of a row × 8 channels × 8 images per invocation"],
    ["convolutionWeightGradient", "Tile: 36 rows of the weights (4 channels × 9 taps) × 4 outputs per invocation"],
  ];
  for (const [kernel, words] of tiles) {
    const { name, code } = kernels[kernel];
    const header = code.replaceAll(/\n\/\/ ?/g, " ");
    assert.ok(header.includes(words), `${name}: "${words}"`);
  }
});

Deno.test("workgroupSize() reads numbers, constants of the launch and those of the kernel", () => {
  const size = (code: string, constants = {}) => workgroupSize({ kernel: { name: "k", code }, constants });
  assert.equal(size("@compute @workgroup_size(64)"), 64);
  assert.equal(size("@compute @workgroup_size(16, 4u, 2)"), 128);
  assert.equal(size("override groupX: u32 = 8;\noverride groupY: u32 = 2u;\n@workgroup_size(groupX, groupY)"), 16);
  assert.equal(size("override groupX: u32 = 8;\n@workgroup_size(groupX)", { groupX: 32 }), 32);
  assert.equal(size("const side = 4;\n@workgroup_size(side, side)"), 16);
  assert.equal(size("override groupX: u32;\n@workgroup_size(groupX)", { groupX: 5 }), 5);
  assert.throws(() => size("override groupX: u32;\n@workgroup_size(groupX)"), /Cannot count the invocations of k/);
  assert.throws(() => size("fn main() {}"), /Cannot count the invocations of k/);
});

const card: Card = {
  name: "card",
  gflops: 1000,
  gbytes: 100,
  cores: 4,
  lanes: 256,
  resident: 1024,
  subgroup: 32,
  source: "a test",
};

function expected(workgroups: number, workgroupSize: number, operations: number, leastBytes: number) {
  const work = { operations, leastBytes, tileBytes: leastBytes };
  const launch = { label: "l", kernel: "k", workgroups, workgroupSize, invocations: workgroups * workgroupSize, work };
  return expectation(launch, work, card);
}

Deno.test("expectation() says which of launch, idle lanes, memory and arithmetic decides", () => {
  // All lanes busy: 10⁷ operations take 10 µs, 10⁶ bytes likewise.
  assert.deepEqual(expected(8, 32, 2e7, 1e6), { card: "card", busy: 1, microseconds: 20, bound: "arithmetic" });
  assert.deepEqual(expected(800, 64, 1e7, 3e6), { card: "card", busy: 1, microseconds: 30, bound: "bandwidth" });
  assert.deepEqual(expected(8, 32, 1e6, 1e5), { card: "card", busy: 1, microseconds: 5, bound: "launch" });
  // Two workgroups of a subgroup each keep a quarter of the lanes busy.
  assert.deepEqual(expected(2, 32, 1e7, 1e5), { card: "card", busy: 0.25, microseconds: 40, bound: "lanes" });
  // However many workgroups of eight there are, three quarters of each subgroup idle.
  assert.deepEqual(expected(800, 8, 1e7, 1e5), { card: "card", busy: 0.25, microseconds: 40, bound: "lanes" });
  assert.deepEqual(expected(4, 40, 1e7, 1e5).busy, 40 / 64);
});

Deno.test("the cards' figures are of one kind: lanes twice their clock make the peak", () => {
  for (const { name, gflops, lanes, resident, cores, subgroup } of cards) {
    const clock = gflops / 2 / lanes;
    assert.ok(clock > 1 && clock < 3, `${name} at ${clock} GHz`);
    assert.ok(resident > lanes && lanes % cores === 0 && lanes % subgroup === 0, name);
  }
});
