/**
 * The densities that a level's kernels are planned by.
 *
 * @module
 */
import type { NetworkLayout } from "../nn/network.ts";
import { total, weightsOf } from "./counts.ts";
import type { PruningGroup } from "./schedule.ts";

/**
 * The surviving fraction of each layer that the plan goes by: that of the layers it is ranked with. With layer-wise pruning that is
 * its own; with global pruning, where its own differs from replicate to replicate, that of the whole pool.
 *
 * @param kept survivors per layer
 * @param groups layers that are ranked together; layers in none go by themselves
 */
export function densitiesOf(
  layout: NetworkLayout,
  kept: readonly number[],
  groups: readonly PruningGroup[],
): number[] {
  const sizes = layout.layers.map(weightsOf);
  const densities = sizes.map((size, index) => (kept[index] ?? 0) / size);
  for (const { layers } of groups) {
    const density = total(layers.map((index) => kept[index] ?? 0)) / total(layers.map((index) => sizes[index] ?? 0));
    for (const index of layers) densities[index] = density;
  }
  return densities;
}
