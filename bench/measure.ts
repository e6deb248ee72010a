/**
 * What `bench` measures: the adapter's multiply-add peak, the training step, and each of its kernels.
 *
 * @module
 */
import type { Gpu } from "../src/gpu/gpu.ts";
import { unitRange } from "../src/data/normalization.ts";
import { DeviceExamples } from "../src/nn/batches.ts";
import { Ensemble } from "../src/nn/ensemble.ts";
import { glorot } from "../src/nn/initialize.ts";
import { denseMask } from "../src/nn/mask.ts";
import { architecture, type ArchitectureName } from "../src/nn/architectures.ts";
import { type LayerLayout, layOut, type NetworkLayout, sizeOf } from "../src/nn/network.ts";
import { floatBits } from "../src/nn/optimizer.ts";
import { RandomStream } from "../src/data/random.ts";
import peakCode from "./peak.wgsl" with { type: "text" };

/** Several measurements of one thing, in milliseconds. */
export interface Spread {
  /** Middle one. */
  readonly median: number;
  /** Smallest. */
  readonly minimum: number;
  /** Largest. */
  readonly maximum: number;
}

/** One kernel of the training step. */
export interface KernelTime {
  /** What it does in the network. */
  readonly label: string;
  /** Milliseconds of one launch. */
  readonly ms: Spread;
  /** Useful arithmetic, in 10⁹ operations per second; null for kernels that only move data. */
  readonly gflops: number | null;
  /** That as a fraction of the adapter's multiply-add peak. */
  readonly ofPeak: number | null;
}

/** The training step of a network. */
export interface StepTime {
  /** The network. */
  readonly network: string;
  /** Networks in lockstep. */
  readonly replicates: number;
  /** Images per step. */
  readonly batchSize: number;
  /** Milliseconds of one step of all networks, many steps to a submit. */
  readonly ms: Spread;
  /** Useful arithmetic of forward and backward pass, in 10⁹ operations per second. */
  readonly gflops: number;
  /** That as a fraction of the adapter's multiply-add peak. */
  readonly ofPeak: number;
  /** Each launch; null where the adapter has no timestamps. */
  readonly kernels: readonly KernelTime[] | null;
}

/** Median, minimum and maximum. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return {
    median: ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2,
    minimum: sorted[0] ?? NaN,
    maximum: sorted.at(-1) ?? NaN,
  };
}

/** The adapter's multiply-add peak in 10⁹ operations per second: the best of several runs, registers only. */
export async function multiplyAddPeak(gpu: Gpu): Promise<number> {
  const invocations = 64 * (gpu.adapter.kind === "software" ? 64 : 16_384);
  using output = gpu.buffer("peak", invocations * 4);
  using program = await gpu.record("peak", [{
    kernel: { name: "peak", code: peakCode },
    dims: [floatBits(0.999), floatBits(1e-3), 0, 0],
    buffers: [output],
    workgroups: [invocations / 64, 1, 1],
  }]);
  const repeats = 10;
  const times = await timed(gpu, 6, () => gpu.submit([program, repeats]));
  return invocations * 16 * 1024 * 2 * repeats / spread(times).minimum / 1e6;
}

/** Times the training step of one of the paper's networks with Adam on random images. */
export async function trainingStep(
  gpu: Gpu,
  peakGflops: number,
  { network = "lenet", width = 1, replicates, batchSize, runs, steps }: {
    readonly network?: ArchitectureName;
    readonly width?: number;
    readonly replicates: number;
    readonly batchSize: number;
    readonly runs: number;
    readonly steps: number;
  },
): Promise<StepTime> {
  const input = network === "lenet" ? { channels: 1, height: 28, width: 28 } : { channels: 3, height: 32, width: 32 };
  const layout = layOut(architecture(network, input, 10, { width }));
  const random = new RandomStream(1, "synthetic");
  const count = 1024;
  const images = Uint8Array.from({ length: sizeOf(input) * count }, () => random.below(256));
  const labels = Uint8Array.from({ length: count }, () => random.below(10));
  using train = new DeviceExamples(gpu, "train", input, { images, labels, count });
  const indices = Uint32Array.from({ length: count }, (_, index) => index);
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates,
    batchSize,
    optimizer: { type: "adam", lr: network === "lenet" ? 1.2e-3 : 2e-4 },
    iterations: (runs + 1) * steps + 100,
    train,
    test: train,
    splits: Array.from({ length: replicates }, () => ({ train: indices, validation: indices })),
    normalization: Array.from({ length: replicates }, () => unitRange(input.channels)),
  });
  ensemble.begin(
    Array.from({ length: replicates }, (_, index) => ({ values: glorot(layout, index + 1), mask: denseMask(layout) })),
  );
  const batches = Array.from(
    { length: replicates },
    () => Uint32Array.from({ length: batchSize * steps }, () => random.below(count)),
  );
  const times = await timed(gpu, runs, () => ensemble.steps(batches));
  const kernelTimes: number[][] = [];
  const ms = spread(times.map((time) => time / steps));
  // Some 300 ms, and at least three steps.
  const timedSteps = Math.max(3, Math.min(20, Math.round(300 / ms.median)));
  for (let run = 0; run < timedSteps && gpu.hasTimestamps; run++) {
    kernelTimes.push(await gpu.time(ensemble.program) ?? []);
  }
  const gflops = operations(layout, batchSize) * replicates / ms.median / 1e6;
  return {
    network: layout.spec.name,
    replicates,
    batchSize,
    ms,
    gflops,
    ofPeak: gflops / peakGflops,
    kernels: gpu.hasTimestamps
      ? ensemble.program.dispatches.map(({ label }, index) => {
        const own = spread(kernelTimes.map((run) => run[index] ?? NaN));
        const work = kernelOperations(layout, batchSize, label);
        const rate = work === null ? null : work * replicates / own.median / 1e6;
        return { label, ms: own, gflops: rate, ofPeak: rate === null ? null : rate / peakGflops };
      })
      : null,
  };
}

/** Multiplications and additions of one step: forward, weight gradient, and input gradient of all layers but the first. */
function operations(layout: NetworkLayout, batch: number): number {
  return layout.layers.reduce((sum, layer, index) => sum + layerOperations(layer, batch) * (index === 0 ? 2 : 3), 0);
}

/** Multiplications and additions of one pass of a layer over a batch. */
function layerOperations({ inputs, outputs, output }: LayerLayout, batch: number): number {
  return 2 * inputs * outputs * output.height * output.width * batch;
}

function kernelOperations(layout: NetworkLayout, batch: number, label: string): number | null {
  const layer = layout.layers.find(({ name }) => label.startsWith(`${name} `));
  return layer && !label.includes("sum") ? layerOperations(layer, batch) : null;
}

/** Wall-clock milliseconds of each run, after one that is not counted. */
async function timed(gpu: Gpu, runs: number, submit: () => void): Promise<number[]> {
  submit();
  await gpu.done();
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    submit();
    await gpu.done();
    times.push(performance.now() - started);
  }
  return times;
}
