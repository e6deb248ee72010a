/**
 * How many networks train, or are evaluated, side by side: as many as let every buffer fit into what the device allows in one.
 *
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Limits } from "../gpu/limits.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { planEnsemble } from "../nn/ensemble.ts";
import { type NetworkLayout, roundUp, sizeOf } from "../nn/network.ts";
import type { LayerPlan } from "../nn/plan.ts";
import type { LotteryConfig } from "./config.ts";
import { optimizerOf } from "./optimizer.ts";
import type { MemoryEntry } from "./types.ts";

/** What a training takes on the device, by the number of networks in lockstep and the batch size. */
export type MemoryPlanner = (replicates: number, batchSize?: number) => MemoryEntry[];

/** The limits that decide how large a buffer can be. */
type BufferLimits = Required<Pick<Limits, "maxStorageBufferBindingSize" | "maxBufferSize">>;

/**
 * A run's memory planner.
 *
 * @throws {RangeError} when the data set has too few images for the configuration's split
 */
export function memoryPlanner(
  config: LotteryConfig,
  dataset: Dataset,
  layout: NetworkLayout,
  plan: readonly LayerPlan[] = [],
): MemoryPlanner {
  if (config.trainSize + config.validationSize > dataset.train.count) {
    throw new RangeError(
      `Cannot split ${dataset.name}: ${config.trainSize} training and ${config.validationSize} validation images were asked for, ` +
        `and it has ${dataset.train.count}. Lower --train-size to at most ${
          dataset.train.count - config.validationSize
        }.`,
    );
  }
  const pixels = sizeOf(layout.spec.input);
  const images = [
    ...DeviceExamples.plan("train", pixels, dataset.train.count),
    ...DeviceExamples.plan("test", pixels, dataset.test.count),
  ];
  return (replicates, batchSize = config.batchSize) => [
    ...images,
    ...planEnsemble({
      layout,
      replicates,
      batchSize,
      optimizer: optimizerOf(config),
      iterations: config.iterations,
      trainSize: config.trainSize,
      validationSize: config.validationSize,
      testSize: dataset.test.count,
      plan,
    }),
  ];
}

/** The device limits that let a memory plan be carried out. */
export function limitsFor(memory: readonly MemoryEntry[]): BufferLimits {
  const bytes = bufferBytes(largestOf(memory));
  return { maxStorageBufferBindingSize: bytes, maxBufferSize: bytes };
}

/** Most bytes that a device allows in one buffer. */
export function largestBuffer({ maxStorageBufferBindingSize, maxBufferSize }: BufferLimits): number {
  return Math.min(maxStorageBufferBindingSize, maxBufferSize);
}

/**
 * The most networks that can stand side by side: all of them, or equal parts where a buffer of all would be larger than the device
 * allows. Undefined when not even one fits. How many there are changes no number.
 *
 * @param memory what so many take
 */
export function largestLockstep(
  most: number,
  memory: (replicates: number) => readonly MemoryEntry[],
  limits: BufferLimits,
): number | undefined {
  for (let turns = 1; turns <= most; turns++) {
    const replicates = Math.ceil(most / turns);
    if (fits(memory(replicates), limits)) return replicates;
  }
  return undefined;
}

/** Why not even one network of a run fits on the device, and the batch size that would. */
export function misfit(
  plan: MemoryPlanner,
  layout: NetworkLayout,
  { batchSize }: LotteryConfig,
  limits: BufferLimits,
): RangeError {
  let smaller = batchSize - 1;
  while (smaller > 0 && !fits(plan(1, smaller), limits)) smaller--;
  const { name, bytes } = largestOf(plan(1));
  return new RangeError(
    `Cannot train ${layout.spec.name} in batches of ${batchSize}: "${name}" needs ${
      bytes.toLocaleString("en")
    } bytes, ` +
      `and this adapter allows ${largestBuffer(limits).toLocaleString("en")} in one buffer. ` +
      (smaller > 0
        ? `Batches of ${smaller} would fit: use --batch-size ${smaller}, or a smaller --width.`
        : "No batch size would fit: use a smaller --width."),
  );
}

function fits(memory: readonly MemoryEntry[], limits: BufferLimits): boolean {
  return bufferBytes(largestOf(memory)) <= largestBuffer(limits);
}

function largestOf(memory: readonly MemoryEntry[]): MemoryEntry {
  return memory.reduce((a, b) => b.bytes > a.bytes ? b : a, { name: "nothing", bytes: 0 });
}

/** Buffers are rounded up to whole vec4. */
function bufferBytes({ bytes }: MemoryEntry): number {
  return roundUp(bytes, 16);
}
