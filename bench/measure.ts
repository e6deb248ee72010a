/**
 * What `bench` measures: the adapter's multiply-add and copy peaks, the training step, and each of its kernels.
 *
 * @module
 */
import type { Gpu } from "../src/gpu/gpu.ts";
import type { Program } from "../src/gpu/program.ts";
import type { ArchitectureName } from "../src/nn/architectures.ts";
import { denseMask } from "../src/nn/mask.ts";
import type { NetworkLayout } from "../src/nn/network.ts";
import { floatBits } from "../src/nn/optimizer.ts";
import { layerOperations, stepWork } from "./roofline.ts";
import { type Spread, spread } from "./spread.ts";
import { networkLayout, randomExamples, startValues, Training } from "./training.ts";
import copyCode from "./copy.wgsl" with { type: "text" };
import peakCode from "./peak.wgsl" with { type: "text" };

/** What an adapter reaches at most. */
export interface Peaks {
  /** Multiply-adds in registers alone, in 10⁹ operations per second. */
  readonly gflops: number;
  /** A copy from one large buffer to another, in 10⁹ bytes per second, read and written ones together. */
  readonly gbytes: number;
}

/** One kernel of the training step. */
export interface KernelTime {
  /** What it does in the network. */
  readonly label: string;
  /** Milliseconds of one launch. */
  readonly ms: Spread;
  /** Arithmetic that its result takes, in 10⁹ operations per second; null where it is not known. */
  readonly gflops: number | null;
  /** That as a fraction of the adapter's multiply-add peak. */
  readonly ofPeak: number | null;
  /** Bytes that it must move, each operand once, in 10⁹ per second; null where they are not known. */
  readonly gbytes: number | null;
  /** That as a fraction of the adapter's copy peak; what caches bring may take it above 1. */
  readonly ofCopyPeak: number | null;
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
  return invocations * 16 * 1024 * 2 / await leastMs(gpu, program) / 1e6;
}

/** The adapter's copy peak in 10⁹ bytes per second, the best of several runs: buffers that no cache holds. */
export async function copyPeak(gpu: Gpu): Promise<number> {
  const bytes = 2 ** 20 * (gpu.adapter.kind === "software" ? 64 : 128);
  using input = gpu.buffer("copy input", bytes);
  using output = gpu.buffer("copy output", bytes);
  using program = await gpu.record("copy", [{
    kernel: { name: "copy", code: copyCode },
    dims: [bytes / 16, 0, 0, 0],
    buffers: [input, output],
    workgroups: [bytes / 16 / 4 / 64, 1, 1],
  }]);
  return 2 * bytes / await leastMs(gpu, program) / 1e6;
}

/** What hides a wait that comes back up to 11 ms late, in milliseconds. */
const longMs = 250;

/** Milliseconds of a program, the least of several runs of so many repeats that waiting does not count. */
async function leastMs(gpu: Gpu, program: Program): Promise<number> {
  for (let repeats = 4;; repeats *= 4) {
    const [first = 0] = await timed(gpu, 1, () => gpu.submit([program, repeats]));
    if (first < longMs / 4) continue;
    const enough = Math.ceil(repeats * longMs / first);
    return spread(await timed(gpu, 5, () => gpu.submit([program, enough]))).minimum / enough;
  }
}

/** Both peaks. */
export async function measurePeaks(gpu: Gpu): Promise<Peaks> {
  return { gflops: await multiplyAddPeak(gpu), gbytes: await copyPeak(gpu) };
}

/** Times the training step of one of the paper's networks with Adam on random images. */
export async function trainingStep(
  gpu: Gpu,
  peaks: Peaks,
  { network = "lenet", width = 1, replicates, batchSize, runs, steps }: {
    readonly network?: ArchitectureName;
    readonly width?: number;
    readonly replicates: number;
    readonly batchSize: number;
    readonly runs: number;
    readonly steps: number;
  },
): Promise<StepTime> {
  const layout = networkLayout(network, width);
  const masks = Array.from({ length: replicates }, () => denseMask(layout));
  using examples = randomExamples(gpu, layout.spec.input);
  using training = await Training.open(gpu, {
    layout,
    examples,
    optimizer: { type: "adam", lr: network === "lenet" ? 1.2e-3 : 2e-4 },
    batchSize,
    masks,
    iterations: (runs + 1) * steps + 100,
  });
  training.begin(startValues(layout, masks));
  const times = await timed(gpu, runs, () => training.submit(steps));
  const kernelTimes: number[][] = [];
  const ms = spread(times.map((time) => time / steps));
  // Some 300 ms, and at least three steps.
  const timedSteps = Math.max(3, Math.min(20, Math.round(300 / ms.median)));
  for (let run = 0; run < timedSteps && gpu.hasTimestamps; run++) {
    kernelTimes.push(await gpu.time(training.ensemble.program) ?? []);
  }
  const gflops = operations(layout, batchSize) * replicates / ms.median / 1e6;
  return {
    network: layout.spec.name,
    replicates,
    batchSize,
    ms,
    gflops,
    ofPeak: gflops / peaks.gflops,
    kernels: gpu.hasTimestamps
      ? stepWork(training.ensemble.program.launches, {
        layout,
        replicates,
        images: batchSize,
        kept: layout.layers.map(({ inputs, outputs }) => inputs * outputs),
      }).map(({ label, work }, index): KernelTime => {
        const own = spread(kernelTimes.map((run) => run[index] ?? NaN));
        const rate = work && work.operations / own.median / 1e6;
        const moved = work && work.leastBytes / own.median / 1e6;
        return {
          label,
          ms: own,
          gflops: rate,
          ofPeak: rate === null ? null : rate / peaks.gflops,
          gbytes: moved,
          ofCopyPeak: moved === null ? null : moved / peaks.gbytes,
        };
      })
      : null,
  };
}

/** Multiplications and additions of one step: forward, weight gradient, and input gradient of all layers but the first. */
function operations(layout: NetworkLayout, batch: number): number {
  return layout.layers.reduce((sum, layer, index) => sum + layerOperations(layer, batch) * (index === 0 ? 2 : 3), 0);
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
