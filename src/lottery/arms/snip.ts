/**
 * SNIP: connections that the loss is sensitive to (Lee, Ajanthan & Torr 2019, arXiv 1810.02340).
 *
 * @module
 */
import { fromArena } from "../../nn/network.ts";
import type { Arm, MaskInput } from "./arm.ts";
import { negated, onceForInitial, type SaliencyArms, saliencyArms } from "./saliency.ts";
import { keepLargest, pooledShare } from "./select.ts";

const gradientOf = onceForInitial(({ gradient, initial }) => gradient(initial));

/**
 * |g ⊙ θ| at θ0, g being the gradient of the first batch's mean loss with all weights present: how much the loss changes, to first
 * order, with the weight's presence. Many scores tie at 0: those of pixels that are black in the whole batch, and of units that
 * none of its images reaches.
 *
 * @returns per layer `[inputs][outputs]`
 */
export async function snipScores(input: MaskInput): Promise<Float64Array<ArrayBuffer>[]> {
  const { layout, initial } = input;
  const gradients = fromArena(layout, await gradientOf(input));
  return fromArena(layout, initial).map(({ weight }, layer) => {
    const gradient = gradients[layer]?.weight;
    return Float64Array.from(weight, (value, at) => Math.abs(value * (gradient?.[at] ?? 0)));
  });
}

const arms: SaliencyArms = saliencyArms({
  name: "snip",
  method: "SNIP",
  about:
    "The weights with the largest |g ⊙ θ| at initialisation, over all layers that are pruned, as many as the ticket keeps " +
    "there; g is the gradient of one batch (Lee et al. 2019, arXiv 1810.02340).",
  mask: async (input, kept) => {
    const scores = await snipScores(input);
    return keepLargest(input.layout, [pooledShare(input)], kept === "best" ? scores : negated(scores));
  },
});

/** SNIP. */
export const snip: Arm = arms.plain;

/** SNIP's mask, shuffled within layers. */
export const snipShuffle: Arm = arms.shuffle;

/** The weights that SNIP would prune first. */
export const snipInvert: Arm = arms.invert;

/** SNIP's mask over fresh weights. */
export const snipReinit: Arm = arms.reinit;
