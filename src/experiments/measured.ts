/**
 * What the lines of a panel came to, level by level: from summaries, and for shares of the training from evaluations.
 *
 * @module
 */
import { isCensored } from "../analysis/early_stop.ts";
import { soundOf } from "../analysis/gains.ts";
import { type Spread, spread } from "../analysis/statistics.ts";
import type { ReplicateSummary } from "../analysis/summary.ts";
import type { ArmName } from "../lottery/types.ts";
import type { LevelPanel, Line, Quantity } from "./experiment.ts";
import { evaluatedAt, type LoadedRun } from "./loaded_run.ts";

/** A line at one level. */
export interface MeasuredPoint {
  /** The level. */
  readonly level: number;
  /** Surviving fraction. */
  readonly remaining: number;
  /** What was measured, in iterations or fractions of 1; null without a value. */
  readonly spread: Spread | null;
  /** How many early stops that it depends on fell on the last evaluation. */
  readonly censored: number;
  /** How many networks diverged. */
  readonly diverged: number;
}

const readers: Readonly<Record<Quantity, (network: ReplicateSummary) => number | null>> = {
  "early-stop": (network) => network.earlyStopIteration,
  "test-accuracy-at-early-stop": (network) => network.testAccuracyAtEarlyStop,
  "test-accuracy-at-end": (network) => network.testAccuracyAtEnd,
  "train-accuracy-at-early-stop": (network) => network.trainAccuracyAtEarlyStop,
  "train-accuracy-at-end": (network) => network.trainAccuracyAtEnd,
};

/** Whether a quantity is read at the early stop. */
function isAtEarlyStop(quantity: Quantity): boolean {
  return quantity === "early-stop" || quantity.endsWith("-at-early-stop");
}

/** What an arm of a run came to at its levels. */
export function pointsOf(
  run: LoadedRun | undefined,
  arm: ArmName,
  { quantity, share }: Pick<LevelPanel, "quantity" | "share">,
): MeasuredPoint[] {
  const { summary } = run ?? {};
  if (!run || !summary) return [];
  const levels = summary.arms.find(({ name }) => name === arm)?.levels ?? [];
  const { iterations } = summary.config;
  return levels.map((own) => {
    const sound = soundOf(own);
    const values = share === undefined ? sound.map(readers[quantity]) : accuraciesAt(run, arm, own.level, share, sound);
    return {
      level: own.level,
      remaining: own.remaining,
      spread: spread(values),
      censored: isAtEarlyStop(quantity)
        ? sound.filter(({ earlyStopIteration }) => isCensored(earlyStopIteration, iterations)).length
        : 0,
      diverged: own.replicates.length - sound.length,
    };
  });
}

function accuraciesAt(
  run: LoadedRun,
  arm: ArmName,
  level: number,
  share: number,
  sound: readonly ReplicateSummary[],
): number[] {
  const at = evaluatedAt(share, run.config);
  return run.evaluations.filter((own) =>
    own.arm === arm && own.level === level && own.iteration === at &&
    sound.some(({ replicate, draw }) => replicate === own.replicate && draw === own.draw)
  ).map(({ testAccuracy }) => testAccuracy);
}

/** What tells the lines of a panel apart: their arms, their runs, or both. */
export function lineNames(lines: readonly Line[]): string[] {
  const [runs, arms] = [new Set(lines.map(({ run }) => run)), new Set(lines.map(({ arm }) => arm))];
  return lines.map(({ run, arm, label }) =>
    label ?? (runs.size <= 1 ? arm : arms.size <= 1 || arm === "ticket" ? run : `${run}, ${arm}`)
  );
}
