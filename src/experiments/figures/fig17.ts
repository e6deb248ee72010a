/**
 * Figure 17: tickets with values drawn from their own surviving initial values.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { lenet } from "../runs.ts";

const run = lenet(["reinit", "redraw", "redraw-signs"]);

/** Figure 17. */
export const fig17: Experiment = {
  name: "fig17",
  title: "Re-initialising from the tickets' own distribution",
  about: "Per layer the ticket's weights are drawn anew from its surviving initial values (D_m), beside plain " +
    "re-initialisation. The same with every sign kept is ours, after later work.",
  runs: [run],
  panels: speedAndAccuracy(linesOf([run], ["ticket", "reinit", "redraw", "redraw-signs"])),
  paper: [],
  reading: "Drawn from D_m, tickets do little better than when re-initialised from the dense network's distribution.",
};
