/**
 * Figure 11: validation loss of LeNet as training proceeds.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { fig3 } from "./fig3.ts";

/** Figure 11. */
export const fig11: Experiment = {
  name: "fig11",
  title: "Validation loss of LeNet as training proceeds",
  about: "The validation losses that belong to the test accuracies of Figure 3: early stops are read off them.",
  runs: fig3.runs,
  panels: fig3.panels.flatMap((panel) =>
    panel.type === "curves" ? [{ ...panel, quantity: "validation-loss" as const }] : []
  ),
  paper: [],
  reading:
    "Losses fall, reach a minimum and rise again; tickets reach the minimum earlier the smaller they are, down to " +
    "21.1 %.",
};
