/**
 * How many weights each pruning round takes. Counts are exact: they never go through a threshold.
 *
 * @module
 */
import type { NetworkLayout } from "../nn/network.ts";
import type { Scope } from "../nn/selection.ts";

/** Pruning rates, as fractions of the survivors that one round prunes. */
export interface PruningRates {
  /** Dense layers but the last. */
  readonly dense: number;
  /** The output layer. */
  readonly output: number;
  /** Rank weights per layer, or over the whole network with the rate of dense layers. */
  readonly scope: Scope;
}

/** Weights that a round prunes, round(kept × rate): one number per layer, or one for the network when global. */
export function toPrune(layout: NetworkLayout, kept: readonly number[], rates: PruningRates): number[] {
  if (rates.scope === "global") return [Math.round(kept.reduce((sum, count) => sum + count, 0) * rates.dense)];
  const last = layout.layers.length - 1;
  return kept.map((count, index) => Math.round(count * (index === last ? rates.output : rates.dense)));
}

/** Surviving weights in all, per level from 0: what every replicate keeps, whatever its weights are. */
export function plannedWeights(layout: NetworkLayout, levels: number, rates: PruningRates): number[] {
  let kept = layout.layers.map(({ inputs, outputs }) => inputs * outputs);
  if (rates.scope === "global") kept = [kept.reduce((sum, count) => sum + count, 0)];
  const totals = [];
  for (let level = 0; level <= levels; level++) {
    totals.push(kept.reduce((sum, count) => sum + count, 0));
    const pruned = toPrune(layout, kept, rates);
    kept = kept.map((count, index) => count - (pruned[index] ?? 0));
  }
  return totals;
}
