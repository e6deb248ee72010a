/**
 * `bench`: the training step and its kernels, as a fraction of the adapter's own measured peak.
 *
 * @module
 */
import { multiplyAddPeak, type StepTime, trainingStep } from "../../bench/measure.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { ArchitectureName } from "../nn/architectures.ts";
import { type BenchForm, mediansOf, networkOf, sharedFlags, wholeNumber, wholeNumbers, widthOf } from "./bench_form.ts";

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
  /** One entry per number of replicates. */
  readonly steps: readonly StepTime[];
}

/** The form without a name. */
export const stepForm: BenchForm = {
  name: "step",
  description: "a network's training step and its kernels, as a fraction of the adapter's multiply-add peak",
  what: ["Times a network's training step and its kernels, as a fraction of the adapter's multiply-add peak."],
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
  const peakGflops = await multiplyAddPeak(gpu);
  const steps: StepTime[] = [];
  for (const count of replicates) {
    signal.throwIfAborted();
    const size = { network, width, replicates: count, batchSize };
    // One step to find how many make about half a second.
    const { ms } = await trainingStep(gpu, peakGflops, { ...size, runs: 1, steps: 1 });
    const perRun = Math.max(1, Math.min(100, Math.round(500 / ms.median)));
    signal.throwIfAborted();
    steps.push(await trainingStep(gpu, peakGflops, { ...size, runs: 7, steps: perRun }));
  }
  return { peakGflops, steps };
}

function entriesOf({ steps }: StepReport): (readonly [string, number])[] {
  return steps.flatMap(({ replicates, ms, kernels }) => [
    [`step, ${replicates} in lockstep`, ms.median] as const,
    ...(kernels ?? []).map(({ label, ms }) => [`${label}, ${replicates} in lockstep`, ms.median] as const),
  ]);
}

function format({ peakGflops, steps }: StepReport): string[] {
  const lines = [`Multiply-add peak   ${peakGflops.toFixed(1)} GFLOP/s (registers only)`];
  for (const step of steps) {
    lines.push(
      "",
      `${step.network}, batch ${step.batchSize}, ${step.replicates} in lockstep: ` +
        `${step.ms.median.toFixed(2)} ms per step (${step.ms.minimum.toFixed(2)}–${step.ms.maximum.toFixed(2)}), ` +
        `${step.gflops.toFixed(1)} GFLOP/s, ${percent(step.ofPeak)} of peak`,
    );
    if (!step.kernels) {
      lines.push("The adapter has no timestamps, so its kernels cannot be timed one by one.");
      continue;
    }
    lines.push(
      `  ${"kernel".padEnd(38)}${"ms".padStart(9)}${"minimum".padStart(9)}${"GFLOP/s".padStart(9)}${
        "of peak".padStart(9)
      }`,
    );
    for (const { label, ms, gflops, ofPeak } of step.kernels) {
      lines.push(
        `  ${label.padEnd(38)}${ms.median.toFixed(3).padStart(9)}${ms.minimum.toFixed(3).padStart(9)}` +
          `${(gflops?.toFixed(1) ?? "–").padStart(9)}${(ofPeak === null ? "–" : percent(ofPeak)).padStart(9)}`,
      );
    }
    const sum = step.kernels.reduce((total, { ms }) => total + ms.median, 0);
    lines.push(`  ${"all kernels".padEnd(38)}${sum.toFixed(3).padStart(9)}`);
  }
  return lines;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(0)} %`;
}
