/**
 * Results of experiments that nobody trained.
 *
 * @module
 */
import { summarize } from "../../src/analysis/summary.ts";
import type { ConnectionPanel, Experiment } from "../../src/experiments/experiment.ts";
import type { LoadedRun } from "../../src/experiments/loaded_run.ts";
import { scaledConfig, type ScaleOptions } from "../../src/experiments/scale.ts";
import type { ArmName, LevelRecord } from "../../src/lottery/types.ts";
import { wantedNetworks } from "../../src/lottery/wanted.ts";

/** What a network came to. */
export type Result = { readonly earlyStop: number; readonly test: number } | { readonly diverged: true };

/** Networks of an arm at a level, a replicate each. */
export function networksOf(
  arm: ArmName,
  level: number,
  remaining: number,
  results: readonly Result[],
): LevelRecord[] {
  return results.map((result, index) => {
    const sound = "test" in result ? result : undefined;
    return {
      arm,
      level,
      replicate: index + 1,
      draw: 1,
      seed: index + 1,
      status: sound ? "ok" : "diverged",
      divergedAt: sound ? null : 10,
      remaining,
      layers: [{ name: "dense1", size: 1000, kept: Math.round(1000 * remaining) }],
      earlyStopIteration: sound?.earlyStop ?? null,
      validationLossAtEarlyStop: sound ? 0.1 : null,
      testAccuracyAtEarlyStop: sound?.test ?? null,
      trainAccuracyAtEarlyStop: sound?.test ?? null,
      testAccuracyAtEnd: sound?.test ?? null,
      trainAccuracyAtEnd: sound?.test ?? null,
    };
  });
}

/** The first run of an experiment with such results. */
export function run(experiment: Experiment, options: ScaleOptions, records: readonly LevelRecord[]): LoadedRun {
  const [first] = experiment.runs;
  if (!first) throw new Error("an experiment has a run");
  const config = scaledConfig(first, options);
  const adapter = { name: "paper and pencil", driver: "1.0", kind: "software" } as const;
  return {
    name: first.name,
    id: "lenet-0123456789",
    config,
    state: "unfinished",
    done: records.length,
    wanted: wantedNetworks(config).length,
    summary: records.length === 0
      ? undefined
      : summarize({ id: "lenet-0123456789", config, adapter }, { records, timings: [] }),
    evaluations: [],
    tickets: [],
    lines: [],
    hasLineEnds: true,
  };
}

/** A panel of incoming connections of the first layer. */
export function connections(...remaining: number[]): ConnectionPanel {
  return { type: "connections", title: "Connections", run: "LeNet", layer: "dense1", direction: "incoming", remaining };
}
