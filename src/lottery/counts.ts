/**
 * Counting weights.
 *
 * @module
 */
import type { NetworkLayout } from "../nn/network.ts";
import type { LayerCount } from "./types.ts";

/** The sum of some counts. */
export function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Weights of a layer, pruned or not. */
export function weightsOf({ inputs, outputs }: { readonly inputs: number; readonly outputs: number }): number {
  return inputs * outputs;
}

/** A count per layer, with the layers' names and sizes. */
export function layerCounts(layout: NetworkLayout, kept: readonly number[]): LayerCount[] {
  return layout.layers.map((layer, index) => ({ name: layer.name, size: weightsOf(layer), kept: kept[index] ?? 0 }));
}
