/**
 * How many weights each pruning round takes, and from which layers. Counts are exact: they never go through a threshold.
 *
 * @module
 */
import type { LayerLayout, NetworkLayout } from "../nn/network.ts";

/** Which weights are ranked together: those of each layer, or those of all layers that are pruned. */
export type Scope = "layer" | "global";

/** Pruning rates, as fractions of the survivors that one round prunes. A rate of 0 exempts its layers. */
export interface PruningRates {
  /** Convolutions. */
  readonly conv: number;
  /** Dense layers but the last. */
  readonly dense: number;
  /** The output layer. */
  readonly output: number;
  /** Rank weights per layer, or over all layers that are pruned. */
  readonly scope: Scope;
}

/** Layers whose weights are ranked together. */
export interface PruningGroup {
  /** Their indices. */
  readonly layers: readonly number[];
  /** The fraction of their survivors that a round prunes. */
  readonly rate: number;
}

/**
 * The groups that a round prunes. Layers that may not be pruned (a residual block's downsampling convolutions) or have a
 * rate of 0 are in none of them; they stay dense and in the denominator of every remaining fraction. With global scope there
 * is one group, pruned at the rate of convolutions when it has any, else at that of hidden dense layers (the paper prunes
 * 20 % of all weights in convolutions of ResNet-18 and VGG-19).
 */
export function pruningGroups(layout: NetworkLayout, rates: PruningRates): PruningGroup[] {
  const rateOf = (layer: LayerLayout): number => layer.prunable ? rates[layer.role] : 0;
  const pruned = layout.layers.flatMap((layer, index) => rateOf(layer) > 0 ? [{ layer, index }] : []);
  if (rates.scope === "layer") return pruned.map(({ layer, index }) => ({ layers: [index], rate: rateOf(layer) }));
  if (pruned.length === 0) return [];
  const role = (["conv", "dense", "output"] as const).find((own) => pruned.some(({ layer }) => layer.role === own));
  return [{ layers: pruned.map(({ index }) => index), rate: role ? rates[role] : 0 }];
}

/**
 * Weights that a round prunes, round(kept × rate): one number per group.
 *
 * @param kept survivors per layer
 */
export function toPrune(groups: readonly PruningGroup[], kept: readonly number[]): number[] {
  return groups.map(({ layers, rate }) => Math.round(total(layers.map((layer) => kept[layer] ?? 0)) * rate));
}

/** Surviving weights in all, per level from 0: what every replicate keeps, whatever its weights are. */
export function plannedWeights(layout: NetworkLayout, levels: number, rates: PruningRates): number[] {
  const groups = pruningGroups(layout, rates);
  const sizes = layout.layers.map(({ inputs, outputs }) => inputs * outputs);
  // How a group's survivors spread over its layers is not known beforehand, and does not matter for their number.
  let kept = groups.map(({ layers }) => total(layers.map((layer) => sizes[layer] ?? 0)));
  const exempt = layout.weights - total(kept);
  const totals = [];
  for (let level = 0; level <= levels; level++) {
    totals.push(exempt + total(kept));
    kept = kept.map((count, group) => count - Math.round(count * (groups[group]?.rate ?? 0)));
  }
  return totals;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
