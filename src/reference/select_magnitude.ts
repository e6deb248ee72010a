/**
 * Reference of the exact selection in `kernels/select_histogram.wgsl`, `select_pick.wgsl` and `select_apply.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/**
 * Prunes exactly `counts[r]` of the survivors of one group of weights: those with the smallest magnitudes, ties falling to the
 * lower index. A group is one layer, or for global pruning all layers one after the other. Magnitudes compare as the bits of
 * 32-bit floats without their sign, so NaN is larger than infinity and goes last.
 *
 * @param values `[R][W]`
 * @param mask `[R][W]` of 0 and 1, left as it is
 * @param counts per replicate, how many to prune
 * @returns the new mask `[R][W]`
 * @throws {RangeError} when a tensor does not fit or fewer weights survive than are to be pruned
 */
export function selectMagnitude(
  values: ArrayLike<number>,
  mask: Uint8Array,
  counts: readonly number[],
): Uint8Array<ArrayBuffer> {
  requireShape("mask", mask, values.length);
  const size = values.length / counts.length;
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  const next = Uint8Array.from(mask);
  counts.forEach((count, r) => {
    const survivors: { magnitude: number; index: number }[] = [];
    for (let index = r * size; index < (r + 1) * size; index++) {
      if (at(mask, index) === 1) survivors.push({ magnitude: at(bits, index) & 0x7fff_ffff, index });
    }
    if (count > survivors.length) {
      throw new RangeError(
        `Cannot prune ${count} weights of replicate ${r + 1}: only ${survivors.length} survive. Prune fewer.`,
      );
    }
    survivors.sort((a, b) => a.magnitude - b.magnitude || a.index - b.index);
    for (const { index } of survivors.slice(0, count)) next[index] = 0;
  });
  return next;
}
