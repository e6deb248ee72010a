/**
 * Random masks whose layer densities follow Erdős–Rényi graphs: layers with few weights per unit stay denser.
 *
 * They start from what the ticket's network starts from, a random initialisation to masks that do not depend on it.
 *
 * @module
 */
import type { LayerLayout, NetworkLayout } from "../../nn/network.ts";
import { total, weightsOf } from "../counts.ts";
import type { Arm, ArmInput } from "./arm.ts";
import type { ArmName } from "./names.ts";
import { keepRandom, prunedLayers, type Share } from "./select.ts";
import { armStream } from "./stream.ts";

/**
 * What a layer's density is proportional to: (n_in + n_out) / (n_in · n_out), n being units, or channels of a convolution (Mocanu
 * et al. 2018, arXiv 1707.04780). With the kernel, rows and columns of a convolution's kernel stand in sum and product (ERK, Evci
 * et al. 2020, arXiv 1911.11134).
 */
function densityScale({ type, input, inputs, outputs, size }: LayerLayout, withKernel: boolean): number {
  const from = type === "conv" ? input.channels : inputs;
  return type === "conv" && withKernel
    ? (from + outputs + 2 * size) / (from * outputs * size ** 2)
    : (from + outputs) / (from * outputs);
}

/**
 * How many weights of each layer that is pruned survive: the ticket's total over these layers, divided in proportion to each layer's
 * size and `densityScale()`. A layer that would get more than it has stays dense, and the rest is divided among the others.
 * Fractions go to whole weights by largest remainder, ties to the lower index.
 */
export function erdosRenyiShares(
  layout: NetworkLayout,
  { groups, kept }: Pick<ArmInput, "groups" | "kept">,
  withKernel: boolean,
): Share[] {
  const parts = prunedLayers(groups).flatMap((index) => {
    const layer = layout.layers[index];
    return layer ? [{ index, size: weightsOf(layer), scale: densityScale(layer, withKernel) }] : [];
  });
  const wanted = total(parts.map(({ index }) => kept[index] ?? 0));
  const full = new Set<number>();
  let factor = 0;
  for (;;) {
    let rest = wanted;
    let weight = 0;
    for (const { index, size, scale } of parts) {
      if (full.has(index)) rest -= size;
      else weight += scale * size;
    }
    factor = rest / weight;
    // Whatever is divided anew raises the others' densities: a layer that is full stays full.
    const more = parts.filter(({ index, scale }) => !full.has(index) && factor * scale > 1);
    if (more.length === 0) break;
    for (const { index } of more) full.add(index);
  }
  const shares = parts.map(({ index, size, scale }) => {
    const exact = full.has(index) ? size : factor * scale * size;
    return { index, keep: Math.floor(exact), remainder: exact - Math.floor(exact) };
  });
  const missing = wanted - total(shares.map(({ keep }) => keep));
  const rounded = new Set(
    shares.toSorted((a, b) => b.remainder - a.remainder || a.index - b.index).slice(0, missing).map(({ index }) =>
      index
    ),
  );
  return shares.map(({ index, keep }) => ({ layers: [index], keep: keep + Number(rounded.has(index)) }));
}

function masksOf(arm: ArmName, withKernel: boolean): (input: ArmInput) => Uint32Array<ArrayBuffer> {
  return (input) =>
    keepRandom(input.layout, erdosRenyiShares(input.layout, input, withKernel), armStream(input, "mask", arm));
}

/** Erdős–Rényi densities by units and channels. */
export const er: Arm = {
  title: "random, Erdős–Rényi densities",
  about: "A random mask with the ticket's number of weights over all layers that are pruned, layers' densities in " +
    "proportion to (n_in + n_out) / (n_in · n_out) of their units or channels (Mocanu et al. 2018, arXiv 1707.04780).",
  masks: masksOf("er", false),
  start: ({ rewound }) => rewound,
};

/** Erdős–Rényi densities with kernels. */
export const erk: Arm = {
  title: "random, Erdős–Rényi-kernel densities",
  about: "A random mask with the ticket's number of weights over all layers that are pruned, layers' densities in " +
    "proportion to the sum over the product of their channels and kernel sizes (Evci et al. 2020, arXiv 1911.11134).",
  masks: masksOf("erk", true),
  start: ({ rewound }) => rewound,
};
