/**
 * Random sparsity: as many weights as the ticket has, anywhere.
 *
 * They start from what the ticket's network starts from. Where the mask is drawn does not depend on these values, so to the random
 * network they are a random initialisation as good as a fresh one (with late rewinding: the dense network at iteration k, pruned at
 * random). Every level draws a mask of its own; they are not nested.
 *
 * @module
 */
import type { Arm } from "./arm.ts";
import { keepRandom, pooledShare } from "./select.ts";
import { shuffledWithinLayers } from "./shuffle.ts";
import { armStream } from "./stream.ts";

/** Random positions, the ticket's count in every layer. */
export const random: Arm = {
  title: "random, per layer",
  about: "A random mask with the ticket's number of weights in every layer (Frankle & Carbin 2019, Figures 1 and 14).",
  masks: (input) => shuffledWithinLayers(input.layout, input.ticketMask, armStream(input, "mask", "random")),
  start: ({ rewound }) => rewound,
};

/** Random positions over all layers that are pruned. */
export const randomGlobal: Arm = {
  title: "random, over all layers",
  about:
    "A random mask with the ticket's number of weights over all layers that are pruned, every weight as likely as any " +
    "other, so that all layers come to about the same density.",
  masks: (input) => keepRandom(input.layout, [pooledShare(input)], armStream(input, "mask", "random-global")),
  start: ({ rewound }) => rewound,
};
