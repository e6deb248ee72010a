/**
 * Which runs of a sweep came out best and worst, and what they differ in.
 *
 * @module
 */
import { settingText } from "../lottery/setting_text.ts";
import { differingSettings } from "./coordinates.ts";
import type { SweepRunResult, SweepRunStatus, SweepStatus } from "./status.ts";

/** What runs are ranked by, with what it is called. */
export const rankings = [
  { key: "bestAccuracy", name: "the best ticket's accuracy", isMore: true },
  { key: "smallestWinning", name: "the smallest winning ticket", isMore: false },
] as const satisfies readonly {
  readonly key: keyof SweepRunResult;
  readonly name: string;
  /** Whether more is better. */
  readonly isMore: boolean;
}[];

/** A way to rank runs. */
export type Ranking = (typeof rankings)[number];

/** A run in its place. */
export interface RankedRun {
  /** The run. */
  readonly status: SweepRunStatus;
  /** What it came to. */
  readonly result: SweepRunResult;
  /** Its place among all that are ranked, from 1. */
  readonly place: number;
  /** Its settings that are not the same in all runs: `lr 0.0012`. */
  readonly differs: readonly string[];
}

/** The best and the worst finished runs. */
export interface Ranked {
  /** How many runs are finished. */
  readonly finished: number;
  /** How many of them have what they are ranked by: a run of which no ticket wins has no smallest one. */
  readonly ranked: number;
  /** The best, best first. */
  readonly best: readonly RankedRun[];
  /** The worst that are not among the best, worst last. */
  readonly worst: readonly RankedRun[];
}

/** Ranks the finished runs of a sweep; equal ones by the other measure, and if they are equal there too in the sweep's order. */
export function rankRuns({ runs }: Pick<SweepStatus, "runs">, ranking: Ranking, most = 3): Ranked {
  const differing = differingSettings(runs.map(({ run }) => run));
  const finished = runs.flatMap((status, index) => status.state === "finished" ? [{ status, index }] : []);
  const all = finished.flatMap(({ status, index }) => {
    const { result } = status;
    return result && result[ranking.key] !== null ? [{ status, result, index }] : [];
  }).sort((a, b) => compared(a.result, b.result, ranking) || compared(a.result, b.result, otherThan(ranking)));
  const ranked = all.map(({ status, result, index }, place): RankedRun => ({
    status,
    result,
    place: place + 1,
    differs: differing.map(({ name, values }) => `${name} ${settingText(values[index])}`),
  }));
  return {
    finished: finished.length,
    ranked: ranked.length,
    best: ranked.slice(0, most),
    worst: ranked.slice(Math.max(most, ranked.length - most)),
  };
}

/** Negative where the first is better; what has no value is worst. */
function compared(a: SweepRunResult, b: SweepRunResult, { key, isMore }: Ranking): number {
  const [first, second] = [a[key], b[key]];
  if (first === null || second === null) return Number(first === null) - Number(second === null);
  return isMore ? second - first : first - second;
}

function otherThan({ key }: Ranking): Ranking {
  return rankings.find((own) => own.key !== key) ?? rankings[0];
}
