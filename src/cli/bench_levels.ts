/**
 * `bench levels`: the training step at levels of the paper's schedule.
 *
 * @module
 */
import { type LevelTime, slowerFrom, timeLevels } from "../../bench/levels.ts";
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
import { formatTable } from "./table.ts";

const usualRuns = 25;

/**
 * How long a turn lasts, in milliseconds: long beside a wait that comes back up to 11 ms late, and short beside what else the
 * machine does, so that it disturbs all turns of a round alike.
 */
export const sampleMs = 120;

/** The form. */
export const levelsForm: BenchForm = {
  name: "levels",
  description: "the training step at levels of the paper's schedule, as a run plans it and masked-dense",
  what: [
    "Times the training step at levels of the paper's schedule, with random masks that keep exactly its counts: with the",
    "kernels that a run would plan, beside masked-dense ones. All are timed in turn in one process, and ratios are medians",
    "over the rounds, so that what else the machine does disturbs them less than the times.",
  ],
  flags: [
    sharedFlags.network,
    sharedFlags.width,
    { flag: "--levels", value: "LIST", description: "which levels; 0 is dense (0,4,8,12,15)" },
    { flag: "--replicates", value: "N", description: "networks in lockstep (1)" },
    sharedFlags.batchSize,
    runsFlag(usualRuns),
  ],
  examples: [
    "bench levels",
    "bench levels --network conv2 --levels 0,8,16 --runs 5",
    "bench levels --compare before.json",
  ],
  prepare(values) {
    const { network, config } = networkOf(values);
    const width = widthOf(values);
    const levels = wholeNumbers("--levels", values.get("--levels") ?? "0,4,8,12,15", { least: 0, most: 60 });
    const replicates = wholeNumber("--replicates", values.get("--replicates") ?? "1", { most: 64 });
    const batchSize = wholeNumber("--batch-size", values.get("--batch-size") ?? `${config.batchSize}`, { most: 4096 });
    const runs = wholeNumber("--runs", values.get("--runs") ?? `${usualRuns}`, { most: 1000 });
    return {
      settings: { network, width, replicates, batchSize },
      async measure(gpu, signal) {
        const layout = networkLayout(network, width);
        const times = await timeLevels(gpu, {
          layout,
          rates: ratesOf(config),
          optimizer: optimizerOf(config),
          batchSize,
          replicates,
          levels: levels.toSorted((a, b) => a - b),
          runs,
          sampleMs,
          signal,
        });
        return {
          details: { runs, levels: times },
          medians: mediansOf(times.flatMap(({ level, ms, maskedDenseMs }) => [
            [`level ${level}`, ms.median] as const,
            [`level ${level}, masked-dense`, maskedDenseMs.median] as const,
          ])),
          lines: [
            `${layout.spec.name}, batch ${batchSize}, ${replicates} in lockstep: ms per step, ${runs} measurements in turn`,
            "",
            ...formatLevels(times),
          ],
        };
      },
    };
  },
};

function formatLevels(times: readonly LevelTime[]): string[] {
  const table = formatTable(
    [
      { title: "level", align: "right" },
      { title: "weights", align: "right" },
      { title: "median", align: "right" },
      { title: "minimum", align: "right" },
      { title: "maximum", align: "right" },
      { title: "masked-dense", align: "right" },
      { title: "by masked-dense", align: "right" },
      { title: "by level before", align: "right" },
      { title: "compact", align: "left" },
    ],
    times.map(({ level, remaining, compact, ms, maskedDenseMs, byMaskedDense, byLevelBefore }) => [
      String(level),
      weightsLabel(remaining),
      ms.median.toFixed(3),
      ms.minimum.toFixed(3),
      ms.maximum.toFixed(3),
      maskedDenseMs.median.toFixed(3),
      byMaskedDense.toFixed(2),
      byLevelBefore?.toFixed(2) ?? "–",
      compact.join(", ") || "–",
    ]),
  );
  return [...table, "", slowerWords(times)];
}

/**
 * Which levels are slower than those before them, in words: in the median of the rounds and by their minima as well, since on
 * a busy machine either alone is above the limit now and then for equal kernels.
 */
export function slowerWords(times: readonly Pick<LevelTime, "level" | "ms" | "byLevelBefore">[]): string {
  const percent = `${Math.round((slowerFrom - 1) * 100)} %`;
  const slower = times.flatMap(({ level, ms, byLevelBefore }, index) => {
    const before = times[index - 1];
    return before && byLevelBefore !== null && byLevelBefore > slowerFrom &&
        ms.minimum > before.ms.minimum * slowerFrom
      ? [`level ${level} takes ${byLevelBefore.toFixed(2)} times as long as level ${before.level}`]
      : [];
  });
  return slower.length === 0
    ? `No level is slower than the one before by more than ${percent}.`
    : `Slower than the one before by more than ${percent}: ${slower.join("; ")}.`;
}
