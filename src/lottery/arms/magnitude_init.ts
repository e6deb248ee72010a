/**
 * Pruning before training, by magnitude.
 *
 * @module
 */
import type { Arm } from "./arm.ts";
import { keepLargest, magnitudeBits, ticketShares } from "./select.ts";

/** The largest initial weights. */
export const magnitudeInit: Arm = {
  title: "pruned before training",
  about:
    "The weights that are largest at initialisation, as many of each group as the ticket keeps, in one step and before " +
    "any training (Frankle & Carbin 2019, Figure 18).",
  masks: (input) => keepLargest(input.layout, ticketShares(input), magnitudeBits(input.layout, input.initial)),
  start: ({ rewound }) => rewound,
};
