/**
 * Reference of `kernels/mask_statistics.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/** Counts over one layer of one replicate. */
export interface MaskCounts {
  /** Weights whose mask is 1. */
  readonly survivors: number;
  /** Pruned weights at which any of the tensors is not exactly zero: always 0 after a step that is right. */
  readonly violations: number;
}

/**
 * Counts survivors, and pruned weights that are not pruned everywhere. Both zeros are zero; NaN is not.
 *
 * @param mask one layer's `[R][W]` of 0 and 1
 * @param tensors `[R][W]` each: parameters, gradient, moments
 * @returns one entry per replicate
 * @throws {RangeError} when the tensors differ in size
 */
export function maskStatistics(
  replicates: number,
  mask: Uint8Array,
  tensors: readonly ArrayLike<number>[],
): MaskCounts[] {
  tensors.forEach((tensor, index) => requireShape(`tensor ${index + 1}`, tensor, mask.length));
  const size = mask.length / replicates;
  return Array.from({ length: replicates }, (_, r) => {
    let survivors = 0;
    let violations = 0;
    for (let index = r * size; index < (r + 1) * size; index++) {
      if (at(mask, index) === 1) survivors++;
      else if (tensors.some((tensor) => at(tensor, index) !== 0)) violations++;
    }
    return { survivors, violations };
  });
}
