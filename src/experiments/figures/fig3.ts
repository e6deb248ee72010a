/**
 * Figure 3: test accuracy of LeNet as training proceeds.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { lenet } from "../runs.ts";

const curves = { type: "curves", quantity: "test-accuracy", run: "LeNet" } as const;

/** Figure 3. */
export const fig3: Experiment = {
  name: "fig3",
  title: "Test accuracy of LeNet as training proceeds",
  about: "LeNet, iterative pruning with resetting, at several sizes; the same tickets re-initialised.",
  runs: [lenet(["reinit"])],
  panels: [
    { ...curves, title: "Down to a fifth", arms: ["ticket"], remaining: [1, 0.513, 0.211] },
    { ...curves, title: "Smaller tickets", arms: ["ticket"], remaining: [1, 0.07, 0.036, 0.019] },
    { ...curves, title: "Re-initialised", arms: ["ticket", "reinit"], remaining: [1, 0.513, 0.211] },
  ],
  paper: [],
  reading:
    "Tickets learn faster the smaller they are down to 21.1 % of the weights, then slow down; at 3.6 % they learn as " +
    "the dense network does. Re-initialised, they learn slower the smaller they are.",
};
