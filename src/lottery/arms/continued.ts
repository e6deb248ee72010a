/**
 * Pruning that goes on from trained weights instead of resetting them.
 *
 * @module
 */
import type { Arm } from "./arm.ts";

/** Learning-rate rewinding. */
export const learningRateRewind: Arm = {
  title: "learning-rate rewinding",
  about:
    "What it trained itself is pruned and trained on from the weights it ended with, through the whole schedule of " +
    "learning rates again (Renda, Frankle & Carbin 2020, arXiv 2003.02389).",
  needsTrained: true,
  masks: "own",
  start: ({ trained }) => trained(),
};

/** Fine-tuning. */
export const fineTune: Arm = {
  title: "fine-tuning",
  about:
    "What it trained itself is pruned and trained on from the weights it ended with, at the learning rate that the " +
    "schedule ends with (Han et al. 2015, arXiv 1506.02626, as in Renda, Frankle & Carbin 2020, arXiv 2003.02389).",
  rate: "final",
  needsTrained: true,
  masks: "own",
  start: ({ trained }) => trained(),
};

/** Continued training: the masks of learning-rate rewinding, with reset. */
export const continued: Arm = {
  title: "continued training",
  about:
    "Strategy 2: pruned round by round with the trained weights kept between rounds, as learning-rate rewinding does, " +
    "and reset once at the end (Frankle & Carbin 2019, appendix B, Figures 9 and 10).",
  masks: "other",
  start: ({ rewound }) => rewound,
};
