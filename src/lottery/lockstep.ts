/**
 * How many networks train, or are evaluated, side by side: as many as let every buffer fit into what the device allows in one.
 *
 * @module
 */
import type { DatasetSize } from "../data/sizes.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { Limits } from "../gpu/limits.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { planEnsemble } from "../nn/ensemble.ts";
import { type NetworkLayout, roundUp, sizeOf } from "../nn/network.ts";
import { forwardWork, type LayerPlan, lockstepOf, planOf, type PlanTable } from "../nn/plan.ts";
import type { LotteryConfig } from "./config.ts";
import { optimizerOf } from "./optimizer.ts";
import type { LockstepBy, MemoryEntry } from "./types.ts";
import { networksAt } from "./wanted.ts";

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
  dataset: Pick<DatasetSize, "name" | "train" | "test">,
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

/** What decides on how many networks train side by side, beside the run itself. */
export interface LockstepContext {
  /** The kind of adapter. */
  readonly kind: AdapterInfo["kind"];
  /** The plan table. */
  readonly table: PlanTable;
  /** What the device allows. */
  readonly limits: BufferLimits;
  /** No more than these, whatever would fit. */
  readonly asked?: number | undefined;
}

/** How many networks of a run train side by side, and what they take. */
export interface PlannedLockstep {
  /** Most networks in lockstep. */
  readonly lockstep: number;
  /** What decides that. */
  readonly lockstepBy: LockstepBy;
  /** What they take on the device, buffer by buffer. */
  readonly memory: readonly MemoryEntry[];
}

/** The most networks that a level of a run has. */
export function widestLevel(config: LotteryConfig): number {
  return Math.max(networksAt(config, 0), config.levels > 0 ? networksAt(config, 1) : 0);
}

/**
 * Plans how many networks of a run train side by side.
 *
 * @throws {RangeError} when not even one fits, the data set has too few images, or the table has no rows for this kind of adapter
 */
export function planLockstep(
  config: LotteryConfig,
  dataset: Pick<DatasetSize, "name" | "train" | "test">,
  layout: NetworkLayout,
  { kind, table, limits, asked }: LockstepContext,
): PlannedLockstep {
  const widest = widestLevel(config);
  const memory = memoryPlanner(config, dataset, layout, planOf(layout, [], kind, table));
  const byPlan = lockstepOf(forwardWork(layout, config.batchSize), kind, table);
  const most = Math.max(1, Math.min(widest, asked ?? widest, byPlan));
  const lockstep = largestLockstep(most, memory, limits);
  if (lockstep === undefined) throw misfit(memory, layout, config, limits);
  const lockstepBy = lockstep === widest ? "level" : lockstep < most ? "memory" : most === byPlan ? "plan" : "caller";
  return { lockstep, lockstepBy, memory: memory(lockstep) };
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
