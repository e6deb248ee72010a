/**
 * The ticket once more, in another data order.
 *
 * @module
 */
import type { Arm } from "./arm.ts";

/** A copy of the ticket that differs from it in its data order alone: every arm has one of its own. */
export const twin: Arm = {
  title: "ticket, other data order",
  about:
    "The ticket's mask and start in another data order; the error along the line between the two trained copies is the " +
    "instability of linear mode connectivity (Frankle et al. 2020, arXiv 1912.05671).",
  masks: "ticket",
  start: ({ rewound }) => rewound,
};
