/**
 * Runs every kernel once on a small network and compares it with its reference in float64: what `doctor` shows, so that
 * a driver that computes wrongly is found before it ruins a run.
 *
 * @module
 */
import { unitRange } from "../data/normalization.ts";
import { RandomStream } from "../data/random.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { Ensemble, type StartValues } from "../nn/ensemble.ts";
import { glorot } from "../nn/initialize.ts";
import * as kernels from "../nn/kernels.ts";
import { packMask, unpackMask } from "../nn/mask.ts";
import { flat, fromArena, layOut, type NetworkLayout, type NetworkSpec } from "../nn/network.ts";
import type { OptimizerSettings } from "../nn/optimizer.ts";
import type { TilesPlan } from "../nn/plan.ts";
import { pruneSmallest } from "../nn/selection.ts";
import { checkCompact } from "./compact_check.ts";
import { checkConvolutions } from "./convolution_check.ts";
import { relativeError } from "../reference/finite_difference.ts";
import { gather } from "../reference/gather.ts";
import { type LayerTensors, type ReferenceOptimizer, startTraining, trainingStep } from "../reference/network.ts";
import { selectMagnitude } from "../reference/select_magnitude.ts";

/** What one kernel came to. */
export interface KernelCheck {
  /** The kernel's file, without its ending. */
  readonly kernel: string;
  /** Largest difference from the reference, relative to the largest magnitude of the tensor; exact kernels give 0. */
  readonly error: number;
  /** The largest error that is right. */
  readonly tolerance: number;
  /** Whether it is. NaN is not. */
  readonly ok: boolean;
}

// Odd everywhere, so that every guard is needed; sums have at most 63 terms, each rounded by 6e-8 of the running sum.
const spec: NetworkSpec = {
  name: "check",
  input: flat(63),
  layers: [
    { type: "dense", units: 37, activation: "relu" },
    { type: "dense", units: 33, activation: "relu" },
    { type: "dense", units: 10, activation: "none" },
  ],
};
const sizes = [63, 37, 33, 10];
const batchSize = 21;
const lanes = 24;
const replicates = 2;
const tolerance = 5e-6;

/** What computes the dense layers of either tiles; 33 outputs are enough for an input gradient in parts. */
const denseKernels = {
  register: {
    forward: kernels.denseForward,
    inputGradient: [kernels.denseInputGradient],
    weightGradient: kernels.denseWeightGradient,
  },
  workgroup: {
    forward: kernels.denseForwardWorkgroup,
    inputGradient: [kernels.denseInputGradientWorkgroup, kernels.denseInputGradientSum],
    weightGradient: kernels.denseWeightGradientWorkgroup,
  },
} as const satisfies Record<TilesPlan, unknown>;

/**
 * Checks every kernel.
 *
 * @returns one entry per kernel, in the order of a step
 */
export async function checkKernels(gpu: Gpu): Promise<KernelCheck[]> {
  const layout = layOut(spec);
  const found = new Map<string, KernelCheck>();
  const note = (kernel: { readonly name: string }, error: number, allowed = tolerance): void => {
    const worst = Math.max(error, found.get(kernel.name)?.error ?? 0);
    const largest = Number.isNaN(error) ? NaN : worst;
    found.set(kernel.name, { kernel: kernel.name, error: largest, tolerance: allowed, ok: largest <= allowed });
  };
  const random = new RandomStream(7, "synthetic");
  const examples = {
    images: Uint8Array.from({ length: 63 * 48 }, () => random.below(256)),
    labels: Uint8Array.from({ length: 48 }, () => random.below(10)),
    count: 48,
  };
  const indices = Array.from({ length: replicates }, () => random.permutation(48));
  const starts = Array.from({ length: replicates }, (_, index): StartValues => ({
    values: glorot(layout, index + 1),
    mask: packMask(
      layout,
      layout.layers.map(({ inputs, outputs }) => Uint8Array.from({ length: inputs * outputs }, () => random.below(2))),
    ),
  }));
  using train = new DeviceExamples(gpu, "check", { channels: 1, height: 7, width: 9 }, examples);
  const adam = { type: "adam", lr: 1.2e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2 } as const;
  const sgd = { type: "sgd", lr: 0.1, momentum: 0.9, weightDecay: 1e-2 } as const;
  const runs = [
    { optimizer: adam, tiles: "register" },
    { optimizer: sgd, tiles: "workgroup" },
  ] as const satisfies readonly {
    readonly optimizer: OptimizerSettings & ReferenceOptimizer;
    readonly tiles: TilesPlan;
  }[];
  for (const { optimizer, tiles } of runs) {
    using ensemble = await Ensemble.open(gpu, {
      layout,
      replicates,
      batchSize,
      optimizer,
      iterations: 4,
      train,
      test: train,
      splits: indices.map((order) => ({ train: order, validation: order })),
      normalization: indices.map(() => unitRange(1)),
      sharesMemory: false,
      plan: layout.layers.map(() => ({ weights: "masked-dense", tiles })),
    });
    ensemble.begin(starts);
    ensemble.steps(indices.map((order) => order.slice(0, batchSize)));
    const evaluation = await ensemble.evaluate();

    const batch = gather(
      { replicates, pixels: 63, planePixels: 63, batch: batchSize },
      examples.images,
      examples.labels,
      joined(indices.map((order) => order.slice(0, batchSize))),
      [[1 / 255, 0]],
    );
    note(kernels.gather, relativeError(await rows(gpu, ensemble, "activation 0", 63, lanes), batch.output));
    const masks = joinedMasks(layout, starts);
    const initial = layersOf(layout, starts.map(({ values }) => new Float32Array(values)));
    const network = { replicates, sizes };
    const input = { images: batchSize, input: batch.output, labels: batch.labels };
    const reference = trainingStep(network, startTraining(initial, masks), input, optimizer, masks);
    const dense = denseKernels[tiles];
    note(dense.forward, relativeError(await rows(gpu, ensemble, "activation 3", 10, lanes), reference.logits));
    const losses = await gpu.readFloats(ensemble.buffer("batch losses"));
    note(kernels.softmaxCrossEntropy, relativeError(validLanes(losses), reference.losses));
    const gradients = layersOf(layout, await arenas(gpu, ensemble, "gradient"));
    // The gradients of lower layers come through the input gradient, those of the last one do not.
    reference.gradients.forEach((wanted, index) => {
      for (const kernel of index < 2 ? dense.inputGradient : [dense.weightGradient]) {
        note(kernel, relativeError(gradients[index]?.weight ?? [], wanted.weight));
      }
      note(dense.weightGradient, relativeError(gradients[index]?.bias ?? [], wanted.bias));
    });
    const stepped = await arenas(gpu, ensemble, "parameters");
    const optimizerKernel = optimizer.type === "adam" ? kernels.adam : kernels.sgd;
    // Adam's first step divides the gradient by its own magnitude, so that a relative error of a tiny gradient shows.
    layersOf(layout, stepped).forEach((layer, index) => {
      note(optimizerKernel, relativeError(layer.weight, reference.state.parameters[index]?.weight ?? []), 1e-4);
    });
    const meanLosses = Array.from({ length: replicates }, (_, r) => mean(reference.losses, r));
    note(kernels.advanceStep, relativeError(evaluation.records.map(({ trainLossSum }) => trainLossSum), meanLosses));
    const all = gather(
      { replicates, pixels: 63, planePixels: 63, batch: 48 },
      examples.images,
      examples.labels,
      joined(indices),
      [[1 / 255, 0]],
    );
    const evaluated = trainingStep(
      network,
      startTraining(layersOf(layout, stepped), masks),
      { images: 48, input: all.output, labels: all.labels },
      optimizer,
      masks,
    );
    const sums = Array.from({ length: replicates }, (_, r) => mean(evaluated.losses, r) * 48);
    note(kernels.evaluationSums, relativeError(evaluation.records.map((record) => record.validationLossSum), sums));
    note(kernels.keepBest, difference(await arenas(gpu, ensemble, "best parameters"), stepped), 0);
    const kept = starts.map(({ mask }) => unpackMask(layout, new Uint32Array(mask)).map(count));
    note(kernels.maskStatistics, difference(evaluation.kept, kept) + evaluation.violations.reduce((a, b) => a + b), 0);
    await checkSelection(gpu, ensemble, layout, stepped, starts, (error) => {
      for (const kernel of [kernels.selectHistogram, kernels.selectPick, kernels.selectApply]) note(kernel, error, 0);
    });
  }
  await checkCompact(gpu, note);
  // Errors add up over a dozen kernels in a row, and batch norm divides by deviations.
  await checkConvolutions(gpu, (kernel, error) => note(kernel, error, 2e-5));
  return [...found.values()];
}

async function checkSelection(
  gpu: Gpu,
  ensemble: Ensemble,
  layout: NetworkLayout,
  parameters: readonly Float32Array[],
  starts: readonly StartValues[],
  note: (error: number) => void,
): Promise<void> {
  const counts = starts.map(() => [101, 50, 7]);
  await pruneSmallest(gpu, layout, layout.layers.map((_, layer) => [layer]), counts, {
    parameters: ensemble.buffer("parameters"),
    mask: ensemble.buffer("mask"),
  });
  const pruned = await ensemble.masks();
  starts.forEach(({ mask }, replicate) => {
    const before = unpackMask(layout, new Uint32Array(mask));
    const values = fromArena(layout, parameters[replicate] ?? new Float32Array(0));
    const wanted = values.map(({ weight }, layer) =>
      selectMagnitude(weight, before[layer] ?? new Uint8Array(0), [counts[replicate]?.[layer] ?? 0])
    );
    note(difference(unpackMask(layout, pruned[replicate] ?? new Uint32Array(0)), wanted));
  });
}

/** Rows of an activation without padding lanes, `[R][rows][batch]`. */
async function rows(gpu: Gpu, ensemble: Ensemble, name: string, count: number, width: number): Promise<number[]> {
  const all = await gpu.readFloats(ensemble.buffer(name));
  const padded = all.length / replicates / width;
  const values: number[] = [];
  for (let r = 0; r < replicates; r++) {
    for (let row = 0; row < count; row++) {
      const start = (r * padded + row) * width;
      values.push(...all.subarray(start, start + batchSize));
    }
  }
  return values;
}

function validLanes(losses: Float32Array): number[] {
  return Array.from({ length: replicates }, (_, r) => [...losses.subarray(r * lanes, r * lanes + batchSize)]).flat();
}

async function arenas(gpu: Gpu, ensemble: Ensemble, name: string): Promise<Float32Array<ArrayBuffer>[]> {
  const all = await gpu.readFloats(ensemble.buffer(name));
  const { arena } = ensemble.layout;
  return Array.from({ length: replicates }, (_, r) => all.slice(r * arena, (r + 1) * arena));
}

/** Layers of all replicates as the reference wants them, `[R][I][O]`. */
function layersOf(layout: NetworkLayout, values: readonly Float32Array[]): LayerTensors[] {
  const perReplicate = values.map((arena) => fromArena(layout, arena));
  return layout.layers.map((_, index) => ({
    weight: Float64Array.from(perReplicate.flatMap((layers) => [...layers[index]?.weight ?? []])),
    bias: Float64Array.from(perReplicate.flatMap((layers) => [...layers[index]?.bias ?? []])),
  }));
}

function joinedMasks(layout: NetworkLayout, starts: readonly StartValues[]): Uint8Array[] {
  const perReplicate = starts.map(({ mask }) => unpackMask(layout, new Uint32Array(mask)));
  return layout.layers.map((_, index) => Uint8Array.from(perReplicate.flatMap((masks) => [...masks[index] ?? []])));
}

function joined(lists: readonly Uint32Array[]): Uint32Array {
  return Uint32Array.from(lists.flatMap((list) => [...list]));
}

function mean(losses: Float64Array, replicate: number): number {
  const count = losses.length / replicates;
  return losses.subarray(replicate * count, (replicate + 1) * count).reduce((sum, loss) => sum + loss, 0) / count;
}

function count(mask: Uint8Array): number {
  return mask.reduce((sum, bit) => sum + bit, 0);
}

/** How many entries of nested lists differ. */
function difference(actual: readonly ArrayLike<number>[], wanted: readonly ArrayLike<number>[]): number {
  let differing = actual.length === wanted.length ? 0 : 1;
  wanted.forEach((list, index) => {
    for (let at = 0; at < list.length; at++) if (actual[index]?.[at] !== list[at]) differing++;
  });
  return differing;
}
