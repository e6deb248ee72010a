/**
 * `bench`: the training step and its kernels, as fractions of the adapter's own measured peaks.
 *
 * @module
 */
import { measurePeaks, type Peaks, type StepTime, trainingStep } from "../../bench/measure.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { ArchitectureName } from "../nn/architectures.ts";
import { type BenchForm, mediansOf, networkOf, sharedFlags, wholeNumber, wholeNumbers, widthOf } from "./bench_form.ts";
import { formatTable } from "./table.ts";

/** What is timed. */
interface StepOptions {
  readonly network: ArchitectureName;
  readonly width: number;
  readonly replicates: readonly number[];
  readonly batchSize: number;
}

/** What came of it. */
interface StepReport {
  /** The adapter's multiply-add peak, in 10⁹ operations per second. */
  readonly peakGflops: number;
  /** Its copy peak, in 10⁹ bytes per second, read and written. */
  readonly copyPeakGbytes: number;
  /** One entry per number of replicates. */
  readonly steps: readonly StepTime[];
}

/** The form without a name. */
export const stepForm: BenchForm = {
  name: "step",
  description: "a network's training step and its kernels, as fractions of the adapter's multiply-add and copy peaks",
  what: [
    "Times a network's training step and its kernels, as fractions of the adapter's multiply-add and copy peaks, which are",
    "measured first. Bytes are those that must be moved, each operand once, so that what caches bring may exceed the copy peak.",
  ],
  flags: [
    sharedFlags.network,
    sharedFlags.width,
    { flag: "--replicates", value: "LIST", description: "networks in lockstep, one measurement each (1,5)" },
    { ...sharedFlags.batchSize, description: "images of one step (60)" },
  ],
  examples: ["bench", "bench --network conv2 --replicates 1", "bench --json > before.json"],
  prepare(values) {
    const options: StepOptions = {
      network: networkOf(values).network,
      width: widthOf(values),
      replicates: wholeNumbers("--replicates", values.get("--replicates") ?? "1,5", { most: 64 }),
      batchSize: wholeNumber("--batch-size", values.get("--batch-size") ?? "60", { most: 4096 }),
    };
    const { network, width, batchSize } = options;
    return {
      settings: { network, width, batchSize },
      async measure(gpu, signal) {
        const report = await timeSteps(gpu, options, signal);
        return { details: { ...report }, medians: mediansOf(entriesOf(report)), lines: format(report) };
      },
    };
  },
};

async function timeSteps(
  gpu: Gpu,
  { network, width, replicates, batchSize }: StepOptions,
  signal: AbortSignal,
): Promise<StepReport> {
  const peaks: Peaks = await measurePeaks(gpu);
  const steps: StepTime[] = [];
  for (const count of replicates) {
    signal.throwIfAborted();
    const size = { network, width, replicates: count, batchSize };
    // One step to find how many make about half a second.
    const { ms } = await trainingStep(gpu, peaks, { ...size, runs: 1, steps: 1 });
    const perRun = Math.max(1, Math.min(100, Math.round(500 / ms.median)));
    signal.throwIfAborted();
    steps.push(await trainingStep(gpu, peaks, { ...size, runs: 7, steps: perRun }));
  }
  return { peakGflops: peaks.gflops, copyPeakGbytes: peaks.gbytes, steps };
}

function entriesOf({ steps }: StepReport): (readonly [string, number])[] {
  return steps.flatMap(({ replicates, ms, kernels }) => [
    [`step, ${replicates} in lockstep`, ms.median] as const,
    ...(kernels ?? []).map(({ label, ms }) => [`${label}, ${replicates} in lockstep`, ms.median] as const),
  ]);
}

function format({ peakGflops, copyPeakGbytes, steps }: StepReport): string[] {
  const lines = [
    `Multiply-add peak   ${peakGflops.toFixed(1)} GFLOP/s (registers only)`,
    `Copy peak           ${copyPeakGbytes.toFixed(1)} GB/s (read and written)`,
  ];
  for (const step of steps) {
    lines.push(
      "",
      `${step.network}, batch ${step.batchSize}, ${step.replicates} in lockstep: ` +
        `${step.ms.median.toFixed(2)} ms per step (${step.ms.minimum.toFixed(2)}–${step.ms.maximum.toFixed(2)}), ` +
        `${step.gflops.toFixed(1)} GFLOP/s, ${percent(step.ofPeak)} of the multiply-add peak`,
    );
    if (!step.kernels) {
      lines.push("The adapter has no timestamps, so its kernels cannot be timed one by one.");
      continue;
    }
    const sum = step.kernels.reduce((total, { ms }) => total + ms.median, 0);
    lines.push(
      "",
      ...formatTable(
        [
          { title: "kernel", align: "left" },
          { title: "median ms", align: "right" },
          { title: "minimum", align: "right" },
          { title: "maximum", align: "right" },
          { title: "GFLOP/s", align: "right" },
          { title: "of peak", align: "right" },
          { title: "GB/s", align: "right" },
          { title: "of copy peak", align: "right" },
        ],
        [
          ...step.kernels.map(({ label, ms, gflops, ofPeak, gbytes, ofCopyPeak }) => [
            label,
            ms.median.toFixed(3),
            ms.minimum.toFixed(3),
            ms.maximum.toFixed(3),
            gflops?.toFixed(1) ?? "–",
            ofPeak === null ? "–" : percent(ofPeak),
            gbytes?.toFixed(1) ?? "–",
            ofCopyPeak === null ? "–" : percent(ofCopyPeak),
          ]),
          ["all kernels", sum.toFixed(3)],
        ],
      ),
    );
  }
  return lines;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(0)} %`;
}
