/**
 * Figure 6: Conv-2, Conv-4 and Conv-6 with dropout.
 *
 * @module
 */
import type { Experiment } from "../experiment.ts";
import { linesOf, speedAndAccuracy } from "../panels.ts";
import { convs, convsWithDropout } from "../runs.ts";

const dropout = convsWithDropout([]);
const plain = convs([]);

/** Figure 6. */
export const fig6: Experiment = {
  name: "fig6",
  title: "Conv-2, Conv-4 and Conv-6 with dropout",
  about:
    "The three networks trained with a dropout of 0.5 before each dense layer, for three times as many iterations, " +
    "and without, as in Figure 5. Where dropout sits is our choice.",
  runs: [...dropout, ...plain],
  panels: speedAndAccuracy(linesOf([...dropout, ...plain])),
  // The paper states gains without a size: the initial ones, and what pruning adds at most.
  paper: [
    { run: "Conv-2, dropout", remaining: 1, measure: "accuracy-over-dense", againstRun: "Conv-2", value: 0.021 },
    { run: "Conv-2, dropout", remaining: "best", measure: "accuracy-over-dense", value: 0.023 },
    { run: "Conv-4, dropout", remaining: 1, measure: "accuracy-over-dense", againstRun: "Conv-4", value: 0.03 },
    { run: "Conv-4, dropout", remaining: "best", measure: "accuracy-over-dense", value: 0.046 },
    { run: "Conv-6, dropout", remaining: 1, measure: "accuracy-over-dense", againstRun: "Conv-6", value: 0.024 },
    { run: "Conv-6, dropout", remaining: "best", measure: "accuracy-over-dense", value: 0.047 },
  ],
  reading:
    "Dropout alone adds 2.1, 3.0 and 2.4 percentage points of initial accuracy; pruning adds up to 2.3, 4.6 and 4.7 " +
    "more. Dropout and finding tickets complement each other.",
};
