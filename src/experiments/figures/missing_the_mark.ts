/**
 * Controls for pruning at initialisation: masks shuffled, weights re-initialised, scores inverted.
 *
 * @module
 */
import type { ArmName } from "../../lottery/types.ts";
import type { Experiment } from "../experiment.ts";
import { linesOf, over } from "../panels.ts";
import { lenet } from "../runs.ts";

const criteria = {
  "SNIP": ["snip", "snip-shuffle", "snip-reinit", "snip-invert"],
  "GraSP": ["grasp", "grasp-shuffle", "grasp-reinit", "grasp-invert"],
  "SynFlow": ["synflow", "synflow-shuffle", "synflow-reinit", "synflow-invert"],
} as const;
const run = lenet([...criteria.SNIP, ...criteria.GraSP, ...criteria.SynFlow]);

/** Missing the mark (Frankle et al. 2021, arXiv 2009.08576). */
export const missingTheMark: Experiment = {
  name: "missing-the-mark",
  title: "Pruning at initialisation: missing the mark",
  about:
    "LeNet pruned at initialisation by SNIP, GraSP and SynFlow, each with its mask shuffled within every layer, with " +
    "fresh weights, and with its scores inverted. Frankle et al. 2021 (arXiv 2009.08576), who show convolutional " +
    "networks.",
  runs: [run],
  panels: Object.entries(criteria).map(([title, arms]) =>
    over("test-accuracy-at-end", linesOf([run], ["ticket", ...arms] satisfies ArmName[]), { title })
  ),
  paper: [],
  reading:
    "Shuffled or re-initialised they do as well as before: what such criteria choose is a density per layer, not " +
    "single weights.",
};
