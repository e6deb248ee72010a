/**
 * How many weights each pruning round takes, and from which layers. Counts are exact: they never go through a threshold.
 *
 * @module
 */
import type { LayerLayout, NetworkLayout } from "../nn/network.ts";
import type { LotteryConfig } from "./config.ts";

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
  /**
   * Surviving fractions at levels 1, 2, …, instead of rounds that each prune the same fraction. A group whose rate is a fraction
   * of the highest prunes that fraction of what the others prune: with the paper's rates the output layer half as much. By rounds
   * when left out or empty.
   */
  readonly densities?: readonly number[];
}

/** The pruning rates of a configuration. */
export function ratesOf(
  { pruneConv, pruneDense, pruneOutput, scope, densities }: Pick<
    LotteryConfig,
    "pruneConv" | "pruneDense" | "pruneOutput" | "scope" | "densities"
  >,
): PruningRates {
  return { conv: pruneConv, dense: pruneDense, output: pruneOutput, scope, densities };
}

/** Layers whose weights are ranked together. */
export interface PruningGroup {
  /** Their indices. */
  readonly layers: readonly number[];
  /** The fraction of their survivors that a round prunes. */
  readonly rate: number;
  /** Survivors at levels 1, 2, …, where they are given; by the rate otherwise. */
  readonly targets?: readonly number[];
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
  if (rates.scope === "layer") {
    return withTargets(layout, rates, pruned.map(({ layer, index }) => ({ layers: [index], rate: rateOf(layer) })));
  }
  if (pruned.length === 0) return [];
  const role = (["conv", "dense", "output"] as const).find((own) => pruned.some(({ layer }) => layer.role === own));
  return withTargets(layout, rates, [{ layers: pruned.map(({ index }) => index), rate: role ? rates[role] : 0 }]);
}

function withTargets(
  layout: NetworkLayout,
  { densities = [] }: PruningRates,
  groups: readonly PruningGroup[],
): PruningGroup[] {
  if (densities.length === 0) return [...groups];
  const highest = Math.max(...groups.map(({ rate }) => rate));
  return groups.map((group) => {
    const size = sizeOf(layout, group);
    return {
      ...group,
      targets: densities.map((density) => size - Math.round(size * (1 - density) * group.rate / highest)),
    };
  });
}

/** Weights of a group's layers, pruned or not. */
function sizeOf(layout: NetworkLayout, { layers }: PruningGroup): number {
  return total(layers.map((index) => {
    const { inputs, outputs } = layout.layers[index] ?? { inputs: 0, outputs: 0 };
    return inputs * outputs;
  }));
}

/**
 * Weights that a round prunes, one number per group: round(kept × rate), or what is too much for the level's target.
 *
 * @param kept survivors per layer
 * @param level the level that the round leads to, from 1
 */
export function toPrune(groups: readonly PruningGroup[], kept: readonly number[], level: number): number[] {
  return groups.map((group) => pruned(group, total(group.layers.map((layer) => kept[layer] ?? 0)), level));
}

function pruned({ rate, targets }: PruningGroup, kept: number, level: number): number {
  return targets ? kept - (targets[level - 1] ?? kept) : Math.round(kept * rate);
}

/** Surviving weights in all, per level from 0: what every replicate keeps, whatever its weights are. */
export function plannedWeights(layout: NetworkLayout, levels: number, rates: PruningRates): number[] {
  const groups = pruningGroups(layout, rates);
  // How a group's survivors spread over its layers is not known beforehand, and does not matter for their number.
  let kept = groups.map((group) => sizeOf(layout, group));
  const exempt = layout.weights - total(kept);
  const totals = [];
  for (let level = 0; level <= levels; level++) {
    totals.push(exempt + total(kept));
    kept = kept.map((count, index) => {
      const group = groups[index];
      return group ? count - pruned(group, count, level + 1) : count;
    });
  }
  return totals;
}

/**
 * Surviving weights per layer, per level from 0. How a pool of several layers spreads over them is a run's own affair: here evenly.
 */
export function plannedSurvivors(layout: NetworkLayout, levels: number, rates: PruningRates): number[][] {
  const groups = pruningGroups(layout, rates);
  let kept = layout.layers.map(({ inputs, outputs }) => inputs * outputs);
  const survivors = [kept];
  for (let level = 1; level <= levels; level++) {
    kept = [...kept];
    for (const [group, count] of toPrune(groups, kept, level).entries()) {
      const layers = groups[group]?.layers ?? [];
      const pool = total(layers.map((layer) => kept[layer] ?? 0));
      let before = 0;
      let taken = 0;
      for (const layer of layers) {
        const own = kept[layer] ?? 0;
        before += own;
        const until = Math.round(count * before / pool);
        kept[layer] = own - (until - taken);
        taken = until;
      }
    }
    survivors.push(kept);
  }
  return survivors;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
