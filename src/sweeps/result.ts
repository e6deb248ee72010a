/**
 * What a run of a sweep came to, in a few numbers by which runs are compared.
 *
 * @module
 */
import { bestLevel, figuresOf } from "../analysis/outcome.ts";
import { summarizeArms } from "../analysis/summary.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import type { LevelRecord } from "../lottery/types.ts";
import { isWanted } from "../lottery/wanted.ts";
import type { SweepRunResult } from "./status.ts";

/**
 * What a run came to, of the networks that its configuration wants; undefined before its dense network is trained.
 *
 * @param records what the run has trained, perhaps for others too
 */
export function resultOf(config: LotteryConfig, records: readonly LevelRecord[]): SweepRunResult | undefined {
  const wanted = records.filter((record) => record.arm === "ticket" && isWanted(config, record));
  const figures = figuresOf({ config, arms: summarizeArms({ records: wanted, timings: [] }) });
  const dense = figures.find(({ level }) => level === 0)?.ticket;
  if (!dense) return undefined;
  const best = bestLevel(figures);
  const denseAccuracy = dense.accuracyAtEarlyStop?.mean ?? null;
  const winning = denseAccuracy === null
    ? undefined
    : figures.findLast(({ level, ticket }) => level > 0 && (ticket.accuracyAtEarlyStop?.mean ?? -1) >= denseAccuracy);
  return {
    denseAccuracy,
    bestAccuracy: best?.ticket.accuracyAtEarlyStop?.mean ?? null,
    bestRemaining: best?.remaining ?? null,
    denseEarlyStop: dense.earlyStop?.mean ?? null,
    smallestWinning: winning?.remaining ?? null,
  };
}
