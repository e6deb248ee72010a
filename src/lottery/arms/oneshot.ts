/**
 * One-shot pruning: from the dense network to the level's density at once.
 *
 * @module
 */
import type { Arm, MaskInput } from "./arm.ts";
import { freshValues } from "./reinit.ts";
import { keepLargest, magnitudeBits, ticketShares } from "./select.ts";

/** The dense network's weights that ended largest, as many of each group as the ticket keeps. */
function prunedAtOnce(input: MaskInput): Uint32Array<ArrayBuffer> {
  const { layout, denseTrained } = input;
  return keepLargest(layout, ticketShares(input), magnitudeBits(layout, denseTrained()));
}

/** One-shot pruning with reset. */
export const oneshot: Arm = {
  title: "one-shot",
  about:
    "The dense network, pruned by the magnitudes that its weights ended with to the ticket's counts in one step, and " +
    "reset (Frankle & Carbin 2019, Figure 4). At level 1 it is the ticket, in another data order.",
  needsTrained: true,
  masks: prunedAtOnce,
  start: ({ rewound }) => rewound,
};

/** One-shot pruning with fresh weights: those that the re-initialised ticket of the same level and draw starts from. */
export const oneshotReinit: Arm = {
  title: "one-shot, re-initialised",
  about:
    "The mask of one-shot pruning over a fresh draw of initial values, the same as that of the re-initialised ticket " +
    "of its level and draw (Frankle & Carbin 2019, Figure 4).",
  needsTrained: true,
  masks: prunedAtOnce,
  start: freshValues,
};
