/**
 * `bench ensemble`: networks trained per hour against how many train in lockstep.
 *
 * @module
 */
import { timeEnsembles } from "../../bench/ensembles.ts";
import { networkLayout } from "../../bench/training.ts";
import { optimizerOf } from "../lottery/optimizer.ts";
import { ratesOf } from "../lottery/schedule.ts";
import {
  type BenchForm,
  mediansOf,
  networkOf,
  runsFlag,
  sharedFlags,
  weightsLabel,
  wholeNumber,
  wholeNumbers,
  widthOf,
} from "./bench_form.ts";
import { sampleMs } from "./bench_levels.ts";
import { formatTable } from "./table.ts";

const usualRuns = 25;

/** The form. */
export const ensembleForm: BenchForm = {
  name: "ensemble",
  description: "networks trained per hour against how many train in lockstep",
  what: [
    "Times the training step of networks in lockstep, in turn with a single one, and says how many the paper's iterations",
    "make in an hour; what evaluations take is left out.",
  ],
  flags: [
    sharedFlags.network,
    sharedFlags.width,
    { flag: "--replicates", value: "LIST", description: "networks in lockstep, one measurement each (1,2,5,10)" },
    { flag: "--level", value: "N", description: "at this level of the paper's schedule; 0 is dense (0)" },
    sharedFlags.batchSize,
    runsFlag(usualRuns),
  ],
  examples: ["bench ensemble", "bench ensemble --replicates 1,5 --level 15"],
  prepare(values) {
    const { network, config } = networkOf(values);
    const { iterations } = config;
    const width = widthOf(values);
    const replicates = wholeNumbers("--replicates", values.get("--replicates") ?? "1,2,5,10", { most: 64 });
    const level = wholeNumber("--level", values.get("--level") ?? "0", { least: 0, most: 60 });
    const batchSize = wholeNumber("--batch-size", values.get("--batch-size") ?? `${config.batchSize}`, { most: 4096 });
    const runs = wholeNumber("--runs", values.get("--runs") ?? `${usualRuns}`, { most: 1000 });
    return {
      settings: { network, width, level, batchSize },
      async measure(gpu, signal) {
        const layout = networkLayout(network, width);
        const { remaining, compact, ensembles } = await timeEnsembles(gpu, {
          layout,
          rates: ratesOf(config),
          optimizer: optimizerOf(config),
          batchSize,
          replicates,
          level,
          iterations,
          runs,
          sampleMs,
          signal,
        });
        return {
          details: { runs, iterations, remaining, compact, ensembles },
          medians: mediansOf(ensembles.map(({ replicates, ms }) => [`step, ${replicates} in lockstep`, ms.median])),
          lines: [
            `${layout.spec.name}, batch ${batchSize}, level ${level} with ${weightsLabel(remaining)} of the weights, ` +
            `compact: ${compact.join(", ") || "none"}`,
            `ms per step of all networks, ${runs} measurements in turn; networks of ${
              iterations.toLocaleString("en")
            } steps, without evaluations`,
            "",
            ...formatTable(
              [
                { title: "in lockstep", align: "right" },
                { title: "median", align: "right" },
                { title: "minimum", align: "right" },
                { title: "maximum", align: "right" },
                { title: "networks per hour", align: "right" },
                { title: "by single ones", align: "right" },
              ],
              ensembles.map(({ replicates, ms, networksPerHour, bySingle }) => [
                String(replicates),
                ms.median.toFixed(3),
                ms.minimum.toFixed(3),
                ms.maximum.toFixed(3),
                networksPerHour.toFixed(networksPerHour < 10 ? 2 : 1),
                bySingle.toFixed(2),
              ]),
            ),
          ],
        };
      },
    };
  },
};
