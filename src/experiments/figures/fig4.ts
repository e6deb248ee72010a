/**
 * Figure 4: early stop and accuracy of LeNet under iterative and one-shot pruning, with both re-initialised.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, over } from "../panels.ts";
import { lenet } from "../runs.ts";

const run = lenet(["reinit", "oneshot", "oneshot-reinit"]);
const all = linesOf([run], ["ticket", "reinit", "oneshot", "oneshot-reinit"]);
const oneShot = linesOf([run], ["oneshot", "oneshot-reinit"]);

/** Figure 4. */
export const fig4: Experiment = {
  name: "fig4",
  title: "LeNet under iterative and one-shot pruning",
  about:
    "LeNet with four arms: tickets of iterative pruning, tickets of one-shot pruning, and both with fresh weights. " +
    "One-shot networks are pruned to the sizes of the iterative ones.",
  runs: [run],
  panels: [
    over("early-stop", all),
    over("test-accuracy-at-early-stop", all),
    over("train-accuracy-at-early-stop", all),
    over("test-accuracy-at-end", all),
    over("early-stop", oneShot, { title: "Early-stop iteration, one-shot", x: "linear" }),
    over("test-accuracy-at-early-stop", oneShot, { title: "Test accuracy at early stop, one-shot", x: "linear" }),
  ],
  paper: [
    { run: "LeNet", remaining: 0.211, measure: "earlier-than-dense", value: 0.38 },
    { run: "LeNet", remaining: 0.211, measure: "times-earlier", against: "reinit", value: 2.51 },
    { run: "LeNet", remaining: 0.211, measure: "accuracy-over", against: "reinit", value: 0.005 },
    { run: "LeNet", remaining: 0.135, measure: "accuracy-over-dense", value: 0.003 },
    { run: "LeNet", remaining: 0.135, measure: "accuracy-over-dense-at-end", value: 0.0035 },
    { run: "LeNet", remaining: 0.036, measure: "accuracy-over-dense", value: 0 },
    { run: "LeNet", remaining: 0.176, measure: "earlier-than-dense", arm: "oneshot", value: 0 },
    { run: "LeNet", remaining: 0.0517, measure: "accuracy-over-dense", arm: "oneshot", value: 0 },
  ],
  reading:
    "Tickets stop earlier and are more accurate than the dense network down to small sizes; re-initialised they are " +
    "neither. One-shot tickets are earlier than dense from 67.5 to 17.6 % of the weights and more accurate from 95.0 " +
    "to 5.17 %; iterative pruning finds smaller ones.",
};
