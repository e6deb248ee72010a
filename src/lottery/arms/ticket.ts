/**
 * The winning ticket itself.
 *
 * @module
 */
import type { Arm } from "./arm.ts";

/** The ticket: survivors of its own training, reset (strategy 1). */
export const ticket: Arm = {
  title: "ticket",
  about:
    "What iterative magnitude pruning leaves, reset to its initial values, or with late rewinding to what the dense " +
    "network was at iteration k (Frankle & Carbin 2019; Frankle et al. 2019, arXiv 1903.01611).",
  masks: "ticket",
  start: ({ rewound }) => rewound,
};
