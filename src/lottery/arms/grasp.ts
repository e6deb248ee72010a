/**
 * GraSP: connections that gradients flow through (Wang, Zhang & Grosse 2020, arXiv 2002.07376).
 *
 * Pruning a weight changes the squared norm of the gradient, to first order, in proportion to its score −θ · (H g). Weights with the
 * *highest* scores are pruned, because without them more gradient flows; the lowest are kept. As in the authors' code, g and H are
 * those of the weights that are scored, without biases and batch norms. Its softmax at temperature 200, which the paper's formulas do
 * not have, is left out.
 *
 * H g is made of differences of gradients. What makes it hard is ReLUs: the H of the paper is that of the piece of the loss that θ0
 * lies on, and a step that carries one unit of one image over its kink adds a jump that is divided by the step. On LeNet with 60
 * images of MNIST (three seeds) a central difference over 10⁻³ of the weights' norm is off by 180 to 330 % of H g, and its best 20 %
 * of the weights are the exact ones in 56 to 64 %. Shorter steps cross fewer kinks and lose more digits, as the rounding of the
 * gradients is divided by the step as well. So each element is the median over short steps ahead and behind: a kink lies on one side,
 * beyond the shorter steps, or concerns few weights. That finds 99.8 % of the exact best 20 % there, 99.6 % on Conv-2 with 24 smooth
 * random images, where the central differences of these steps find 93 to 99 % or, the longer two, 57 % and 34 %, and 99.2 to 99.9 %
 * on a small ResNet (five seeds; rounding emulated, against differences in float64; 2026-11-26).
 *
 * @module
 */
import { fromArena, type NetworkLayout } from "../../nn/network.ts";
import type { Arm, MaskInput } from "./arm.ts";
import { negated, onceForInitial, type SaliencyArms, saliencyArms } from "./saliency.ts";
import { keepLargest, pooledShare, prunedLayers } from "./select.ts";

/** Lengths of the steps ahead and behind, in units of ‖θ‖. */
const steps: readonly number[] = [3e-8, 1e-7, 3e-7, 1e-6, 3e-6];

/**
 * H g at θ0 over the weights of all layers that are pruned: an arena with zeros elsewhere. Takes eleven gradients.
 */
export async function hessianProduct(
  { layout, groups, initial, gradient }: MaskInput,
): Promise<Float32Array<ArrayBuffer>> {
  const scored = (arena: Float32Array): Float32Array<ArrayBuffer> => weightsOf(layout, prunedLayers(groups), arena);
  const here = scored(await gradient(initial));
  const length = norm(here);
  if (length === 0) return here;
  const moved: { readonly size: number; readonly there: Float32Array<ArrayBuffer> }[] = [];
  for (const step of steps.flatMap((step) => [step, -step])) {
    const size = step * norm(scored(initial)) / length;
    const there = scored(await gradient(initial.map((value, at) => value + size * (here[at] ?? 0))));
    moved.push({ size, there });
  }
  const differences = new Float64Array(moved.length);
  return here.map((value, at) => {
    moved.forEach(({ size, there }, index) => differences[index] = ((there[at] ?? 0) - value) / size);
    return median(differences);
  });
}

const productOf = onceForInitial(hessianProduct);

/**
 * −θ ⊙ H g at θ0: the lowest are kept.
 *
 * @returns per layer `[inputs][outputs]`
 */
export async function graspScores(input: MaskInput): Promise<Float64Array<ArrayBuffer>[]> {
  const { layout, initial } = input;
  const products = fromArena(layout, await productOf(input));
  return fromArena(layout, initial).map(({ weight }, layer) => {
    const product = products[layer]?.weight;
    return Float64Array.from(weight, (value, at) => -value * (product?.[at] ?? 0));
  });
}

/** An arena with the weights of some layers and zeros elsewhere. */
function weightsOf(layout: NetworkLayout, layers: readonly number[], arena: Float32Array): Float32Array<ArrayBuffer> {
  const own = new Float32Array(layout.arena);
  for (const index of layers) {
    const layer = layout.layers[index];
    if (!layer) continue;
    const { weight, inputs, outputQuads } = layer;
    own.set(arena.subarray(weight, weight + inputs * outputQuads * 4), weight);
  }
  return own;
}

/** The mean of the two in the middle of an even number of values, which are sorted in place. */
function median(values: Float64Array): number {
  values.sort();
  const middle = values.length / 2;
  return ((values[middle - 1] ?? 0) + (values[middle] ?? 0)) / 2;
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

const arms: SaliencyArms = saliencyArms({
  name: "grasp",
  method: "GraSP",
  about:
    "The weights with the lowest −θ ⊙ H g at initialisation, over all layers that are pruned, as many as the ticket keeps " +
    "there; g is the gradient of one batch and H the Hessian of its loss (Wang et al. 2020, arXiv 2002.07376).",
  mask: async (input, kept) => {
    const scores = await graspScores(input);
    return keepLargest(input.layout, [pooledShare(input)], kept === "best" ? negated(scores) : scores);
  },
});

/** GraSP. */
export const grasp: Arm = arms.plain;

/** GraSP's mask, shuffled within layers. */
export const graspShuffle: Arm = arms.shuffle;

/** The weights that GraSP would prune first. */
export const graspInvert: Arm = arms.invert;

/** GraSP's mask over fresh weights. */
export const graspReinit: Arm = arms.reinit;
