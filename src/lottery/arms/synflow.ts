/**
 * SynFlow: pruning in rounds by synaptic flow, which needs no data and cuts no layer off (Tanaka, Kunin, Yamins & Ganguli 2020,
 * arXiv 2006.05467).
 *
 * @module
 */
import { applyMask, denseMask } from "../../nn/mask.ts";
import { fromArena, type NetworkLayout } from "../../nn/network.ts";
import { synapticFlow } from "../../nn/synflow.ts";
import type { Arm } from "./arm.ts";
import { type Kept, negated, type SaliencyArms, saliencyArms } from "./saliency.ts";
import { keepLargest, pooledShare, type Share } from "./select.ts";

/** Rounds of the paper: with one, whole layers are lost at densities that 100 keep connected. */
const rounds = 100;

/**
 * Prunes in rounds of an exponential schedule: with ρ the share of weights that survive in the end, ρ^(k / rounds) of them are left
 * after round k, and every round ranks what is left by its flow through what is left.
 *
 * @param values the arena whose magnitudes flow
 * @param share layers that are ranked together, and how many of their weights survive
 * @param kept whether each round keeps the highest flows or, as the control, the lowest
 * @throws {RangeError} when what flows is not finite
 */
export async function pruneByFlow(
  layout: NetworkLayout,
  values: Float32Array,
  share: Share,
  kept: Kept = "best",
  steps: number = rounds,
): Promise<Uint32Array<ArrayBuffer>> {
  const all = share.layers.reduce((sum, index) => {
    const layer = layout.layers[index];
    return sum + (layer ? layer.inputs * layer.outputs : 0);
  }, 0);
  const magnitudes = values.map(Math.abs);
  let mask = denseMask(layout);
  for (let step = 1; step <= steps; step++) {
    // A large network takes seconds a round: a run's signs of life and Ctrl-C get their turn in between.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const keep = step === steps ? share.keep : Math.round(all * (share.keep / Math.max(1, all)) ** (step / steps));
    const left = fromArena(layout, applyMask(magnitudes, mask)).map(({ weight }) => weight);
    const { weights } = synapticFlow(layout, left);
    const scores = kept === "best" ? weights : negated(weights);
    mask = keepLargest(layout, [{ ...share, keep }], scores, mask);
  }
  return mask;
}

const arms: SaliencyArms = saliencyArms({
  name: "synflow",
  method: "SynFlow",
  about:
    "The weights that most of what a network of magnitudes passes on flows through, over all layers that are pruned, " +
    "as many as the ticket keeps there, in 100 rounds and without data (Tanaka et al. 2020, arXiv 2006.05467). Inverted, " +
    "every round keeps the lowest flows.",
  mask: ({ layout, initial, ...input }, kept) => pruneByFlow(layout, initial, pooledShare(input), kept),
});

/** SynFlow. */
export const synflow: Arm = arms.plain;

/** SynFlow's mask, shuffled within layers. */
export const synflowShuffle: Arm = arms.shuffle;

/** The weights that SynFlow would prune first, chosen anew in every round. */
export const synflowInvert: Arm = arms.invert;

/** SynFlow's mask over fresh weights. */
export const synflowReinit: Arm = arms.reinit;
