/**
 * Histograms of a layer's weights: initial and final values, of what survives and of what is pruned.
 *
 * @module
 */
import { evenBins as bins, histogramOf, selected } from "../analysis/histogram.ts";
import type { NetworkKey, TrainedLayer, TrainedNetwork } from "../lottery/types.ts";

/** One line of `histograms.jsonl`. */
export interface WeightHistogram extends NetworkKey {
  /** The layer. */
  readonly layer: string;
  /** Bins divide [−limit, limit] evenly: the largest magnitude among the values. */
  readonly limit: number;
  /** Initial values where the mask is 1. */
  readonly initialSurviving: readonly number[];
  /** Initial values where the mask is 0. */
  readonly initialPruned: readonly number[];
  /** Final values where the mask is 1; elsewhere they are zero. */
  readonly finalSurviving: readonly number[];
  /** Final values that are not finite, and in no bin. */
  readonly notFinite: number;
}

/** The histograms of a trained network, one per layer. */
export function histogramsOf(network: TrainedNetwork): WeightHistogram[] {
  const { arm, level, replicate, draw } = network;
  return network.layers.map((layer) => ({ arm, level, replicate, draw, layer: layer.name, ...histogram(layer) }));
}

function histogram({ mask, initial, final }: TrainedLayer): Omit<WeightHistogram, keyof NetworkKey | "layer"> {
  let limit = 0;
  let notFinite = 0;
  mask.forEach((survives, index) => {
    limit = Math.max(limit, Math.abs(initial[index] ?? 0));
    const value = final[index] ?? 0;
    if (!survives) return;
    if (Number.isFinite(value)) limit = Math.max(limit, Math.abs(value));
    else notFinite++;
  });
  const counts = (values: Iterable<number>): readonly number[] =>
    histogramOf(values, { from: -limit, to: limit, bins }).counts;
  return {
    limit,
    initialSurviving: counts(selected(initial, mask)),
    initialPruned: counts(selected(initial, mask, false)),
    finalSurviving: counts(selected(final, mask).filter(Number.isFinite)),
    notFinite,
  };
}
