/**
 * `bench`: the training step and its kernels, as a fraction of the adapter's own measured peak.
 *
 * @module
 */
import { multiplyAddPeak, type StepTime, trainingStep } from "../../bench/measure.ts";
import { Gpu } from "../gpu/gpu.ts";
import type { ArchitectureName } from "../nn/architectures.ts";

/** What `bench` was asked to do. */
export interface BenchOptions {
  /** Which network. */
  readonly network: ArchitectureName;
  /** Scales its channels and hidden units. */
  readonly width: number;
  /** Networks in lockstep, one measurement for each entry. */
  readonly replicates: readonly number[];
  /** Images per step. */
  readonly batchSize: number;
}

/** What `bench` found. */
export interface BenchReport {
  /** The adapter's name. */
  readonly adapter: string;
  /** Its multiply-add peak, in 10⁹ operations per second. */
  readonly peakGflops: number;
  /** One entry per number of replicates. */
  readonly steps: readonly StepTime[];
}

/** Measures; opens and closes the device. */
export async function bench({ network, width, replicates, batchSize }: BenchOptions): Promise<BenchReport> {
  await using gpu = await Gpu.open();
  const peakGflops = await multiplyAddPeak(gpu);
  const steps: StepTime[] = [];
  for (const count of replicates) {
    const size = { network, width, replicates: count, batchSize };
    // One step to find how many make about half a second.
    const { ms } = await trainingStep(gpu, peakGflops, { ...size, runs: 1, steps: 1 });
    const perRun = Math.max(1, Math.min(100, Math.round(500 / ms.median)));
    steps.push(await trainingStep(gpu, peakGflops, { ...size, runs: 7, steps: perRun }));
  }
  return { adapter: gpu.adapter.name, peakGflops, steps };
}

/** The report as lines of text. */
export function formatReport({ adapter, peakGflops, steps }: BenchReport): string {
  const lines = [
    `Adapter             ${adapter}`,
    `Multiply-add peak   ${peakGflops.toFixed(1)} GFLOP/s (registers only)`,
  ];
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
  return lines.join("\n");
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(0)} %`;
}
