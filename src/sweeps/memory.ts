/**
 * How much memory a run takes on a device that is not at hand, by the plan that the run itself would make.
 *
 * @module
 */
import { type DatasetSize, publishedSizes } from "../data/sizes.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import { baseLimits } from "../gpu/limits.ts";
import { type LotteryConfig, networkOf } from "../lottery/config.ts";
import { type LockstepContext, planLockstep, type PlannedLockstep } from "../lottery/lockstep.ts";
import { layOut } from "../nn/network.ts";
import { planTable } from "../nn/plan.ts";

/** What a run's memory depends on beside its settings and data. What is left out is as a software adapter has it, by the shipped table. */
export type DeviceContext = Partial<LockstepContext>;

/**
 * What adapters allow in one buffer, by their kind: llvmpipe WebGPU's defaults, drivers of graphics cards usually the 2 GiB that an
 * offset of 32 bits with sign reaches.
 */
const usualLimits: Readonly<Record<AdapterInfo["kind"], LockstepContext["limits"]>> = {
  software: baseLimits,
  gpu: { maxStorageBufferBindingSize: 2 ** 31 - 4, maxBufferSize: 2 ** 31 - 4 },
};

/** The whole of a context, with what is usual where something is left out. */
export function deviceContext({ kind = "software", table = planTable, limits, asked }: DeviceContext): LockstepContext {
  return { kind, table, limits: limits ?? usualLimits[kind], asked };
}

/**
 * How many networks of a run train in lockstep, and the buffers that they take.
 *
 * @param size of the data set; as it was published when left out
 * @throws {RangeError} when not even one network fits, or the data set has too few images for the run's split
 */
export function lockstepPlan(
  config: LotteryConfig,
  size: DatasetSize = publishedSizes[config.dataset],
  context: DeviceContext = {},
): PlannedLockstep {
  return planLockstep(config, size, layOut(networkOf(config, size)), deviceContext(context));
}

/**
 * Bytes that a run takes on the device with as many networks in lockstep as it ever has: data set, weights, activations, tables. As
 * `lottery --verbose` prints it.
 *
 * @param size of the data set; as it was published when left out
 * @throws {RangeError} when not even one network fits, or the data set has too few images for the run's split
 */
export function memoryOf(
  config: LotteryConfig,
  size: DatasetSize = publishedSizes[config.dataset],
  context: DeviceContext = {},
): number {
  return lockstepPlan(config, size, context).memory.reduce((sum, { bytes }) => sum + bytes, 0);
}
