/**
 * The kernels of convolutional networks, run once on two small networks and compared with their references in float64.
 *
 * @module
 */
import { unitRange } from "../data/normalization.ts";
import { RandomStream } from "../data/random.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { Ensemble } from "../nn/ensemble.ts";
import { glorot } from "../nn/initialize.ts";
import * as kernels from "../nn/kernels.ts";
import { denseMask } from "../nn/mask.ts";
import {
  fromArena,
  layOut,
  type NetworkLayout,
  type NetworkSpec,
  normsFromArena,
  roundUp,
  sizeOf,
} from "../nn/network.ts";
import type { TilesPlan } from "../nn/plan.ts";
import { relativeError } from "../reference/finite_difference.ts";
import { type GraphBatch, graphParameters, type GraphStep, graphStep } from "../reference/graph.ts";

/** Told what each kernel came to. */
export type Note = (kernel: { readonly name: string }, error: number) => void;

/** Every kind of layer, and a dense one with so many inputs that it is summed in parts. */
const specs: readonly NetworkSpec[] = [
  {
    name: "check",
    input: { channels: 3, height: 15, width: 16 },
    layers: [
      { type: "conv", channels: 7, bias: false, activation: "none" },
      { type: "batch-norm", activation: "relu" },
      { type: "max-pool" },
      {
        type: "residual",
        branch: [
          { type: "conv", channels: 7, bias: false, activation: "none" },
          { type: "batch-norm", activation: "none" },
        ],
        shortcut: [],
      },
      { type: "dropout", rate: 0.25 },
      { type: "conv", channels: 37, activation: "relu" },
      { type: "dense", units: 5, activation: "none" },
    ],
  },
  {
    name: "check",
    input: { channels: 2, height: 5, width: 3 },
    layers: [
      { type: "conv", channels: 6, activation: "relu" },
      { type: "conv", channels: 5, stride: 2, activation: "relu" },
      { type: "global-average-pool" },
      { type: "dense", units: 5, activation: "none" },
    ],
  },
];

const images = 11;

/** What computes layers with weights, of either tiles. */
const tileKernels = {
  register: {
    dense: { forward: [kernels.denseForward, kernels.denseForwardSum], backward: [] },
    conv: {
      forward: [kernels.convolutionForward],
      backward: [kernels.transposeWeights, kernels.convolutionInputGradient],
    },
    weightGradient: [kernels.convolutionWeightGradient, kernels.sumPartials],
  },
  workgroup: {
    dense: { forward: [kernels.denseForwardWorkgroup, kernels.denseForwardSum], backward: [] },
    conv: { forward: [kernels.convolutionForwardWorkgroup], backward: [kernels.convolutionInputGradientWorkgroup] },
    weightGradient: [kernels.convolutionWeightGradientWorkgroup, kernels.sumPartials],
  },
} as const satisfies Record<TilesPlan, unknown>;

/** Which kernels compute an operation's output, and which take its gradient further down. */
const kernelsOf = {
  "max-pool": { forward: [kernels.maxPool], backward: [kernels.maxPoolGradient] },
  "global-average-pool": { forward: [kernels.globalAveragePool], backward: [kernels.globalAveragePoolGradient] },
  "batch-norm": {
    forward: [kernels.batchNormStatistics, kernels.batchNormForward],
    backward: [kernels.batchNormGradientSums, kernels.batchNormGradientFinish, kernels.batchNormInputGradient],
  },
  dropout: { forward: [kernels.dropout], backward: [kernels.dropout] },
  add: { forward: [kernels.addRelu], backward: [] },
} as const satisfies Record<Exclude<NetworkLayout["operations"][number]["type"], "dense" | "conv">, unknown>;

/** Runs a training step of each network, with either tiles, and notes how far every kernel is from its reference. */
export async function checkConvolutions(gpu: Gpu, note: Note): Promise<void> {
  for (const spec of specs) {
    const layout = layOut(spec);
    const random = new RandomStream(11, "synthetic");
    const batch: GraphBatch = {
      images,
      input: Float64Array.from({ length: sizeOf(spec.input) * images }, () => Math.fround(random.normal())),
      labels: Array.from({ length: images }, () => random.below(5)),
    };
    const arena = glorot(layout, 3);
    const key = Uint32Array.of(5, 6);
    const reference = graphStep(
      layout,
      graphParameters(fromArena(layout, arena), normsFromArena(layout, arena)),
      batch,
      { key, step: 0 },
    );
    for (const tiles of ["register", "workgroup"] as const) {
      await compare(gpu, layout, tiles, arena, batch, key, reference, note);
    }
  }
}

async function compare(
  gpu: Gpu,
  layout: NetworkLayout,
  tiles: TilesPlan,
  arena: Float32Array,
  batch: GraphBatch,
  key: Uint32Array,
  reference: GraphStep,
  note: Note,
): Promise<void> {
  const { input } = layout.spec;
  const one = { images: new Uint8Array(sizeOf(input)), labels: new Uint8Array(1), count: 1 };
  using examples = new DeviceExamples(gpu, "check", input, one);
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates: 1,
    batchSize: images,
    optimizer: { type: "sgd", lr: 1e-3 },
    iterations: 1,
    train: examples,
    test: examples,
    splits: [{ train: Uint32Array.of(0), validation: Uint32Array.of(0) }],
    normalization: [unitRange(input.channels)],
    dropoutKeys: [key],
    sharesMemory: false,
    plan: layout.layers.map(() => ({ weights: "masked-dense", tiles })),
  });
  ensemble.begin([{ values: arena, mask: denseMask(layout) }]);
  const lanes = roundUp(images, 8);
  const padded = new Float32Array(roundUp(sizeOf(input), 4) * lanes);
  batch.input.forEach((value, at) => padded[Math.floor(at / images) * lanes + at % images] = value);
  // Lanes beyond the batch have no label.
  const labels = new Uint32Array(lanes).fill(0xffff_ffff);
  labels.set(Array.from(batch.labels));
  gpu.write(ensemble.buffer("activation 0"), padded);
  gpu.write(ensemble.buffer("batch labels"), labels);
  ensemble.stepOnWrittenBatch();

  const { weightGradient, ...withWeights } = tileKernels[tiles];
  const computedBy = { ...kernelsOf, ...withWeights };
  for (const { type, output } of layout.operations) {
    const found = await gpu.readFloats(ensemble.buffer(`activation ${output}`));
    const wanted = reference.activations[output] ?? new Float64Array(0);
    const error = relativeError(
      wanted.map((_, at) => found[Math.floor(at / images) * lanes + at % images] ?? NaN),
      wanted,
    );
    for (const kernel of computedBy[type].forward) note(kernel, error);
  }
  const gradient = await gpu.readFloats(ensemble.buffer("gradient"));
  const { layers, norms } = reference.gradients;
  const values = fromArena(layout, gradient);
  const affine = normsFromArena(layout, gradient);
  // What a kernel hands down shows in the gradient of the next parameters below it.
  let above: { readonly name: string }[] = [];
  for (const operation of layout.operations.toReversed()) {
    let own: number | undefined;
    if (operation.type === "conv") {
      own = relativeError(values[operation.layer]?.weight ?? [], layers[operation.layer]?.weight ?? []);
      for (const kernel of weightGradient) note(kernel, own);
    } else if (operation.type === "batch-norm") {
      own = relativeError(affine[operation.norm]?.scale ?? [], norms[operation.norm]?.scale ?? []);
    }
    if (own !== undefined) {
      for (const kernel of above) note(kernel, own);
      above = [];
    }
    above.push(...computedBy[operation.type].backward);
  }
  normsFromArena(layout, (await ensemble.parameters())[0] ?? new Float32Array(0)).forEach(({ variance }, index) => {
    note(kernels.batchNormFinish, relativeError(variance, reference.running[index]?.variance ?? []));
  });
}
