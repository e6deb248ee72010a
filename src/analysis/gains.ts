/**
 * What an arm gains over the dense network, or over another arm: how much earlier its early stop comes and how much better its
 * accuracies are, with their spread.
 *
 * Networks are compared in pairs of one replicate, which share split, data and (tickets and their dense network) initial values:
 * every draw of replicate r with replicate r's dense network, or with every draw of the other arm's. So the spread is that of the
 * gain, not of two groups. Networks that diverged are in no pair.
 *
 * @module
 */
import type { ArmName } from "../lottery/types.ts";
import { isCensored } from "./early_stop.ts";
import { type Spread, spread } from "./statistics.ts";
import type { LevelSummary, ReplicateSummary, Summary } from "./summary.ts";

/** A network, and what it is compared with. */
export interface Pair {
  /** The network. */
  readonly own: ReplicateSummary;
  /** Of the same replicate. */
  readonly reference: ReplicateSummary;
}

/** How many of the networks in pairs have their early stop on the last evaluation: the true one is there or later. */
export interface Censored {
  /** Of the arm. */
  readonly own: number;
  /** Of what it is compared with. */
  readonly reference: number;
}

/** What an arm gains at a level. A spread is null where no pair has both values. */
export interface Gains {
  /** The arm. */
  readonly arm: ArmName;
  /** The level. */
  readonly level: number;
  /** Surviving fraction of the arm's networks there. */
  readonly remaining: number;
  /** What it is compared with: `dense`, the tickets at level 0, or an arm at the same level. */
  readonly against: "dense" | ArmName;
  /** Pairs in all. */
  readonly pairs: number;
  /** Early-stop iteration of the reference over its own: 2 where it comes in half the time. */
  readonly speedUp: Spread | null;
  /** The fraction by which its early stop comes earlier: 0.5 for half the time, below zero where it comes later. */
  readonly earlier: Spread | null;
  /** Test accuracy at early stop, less the reference's; fractions of 1. */
  readonly accuracyAtEarlyStop: Spread | null;
  /** The same after the last iteration. */
  readonly accuracyAtEnd: Spread | null;
  /** Accuracy on the training split at early stop, less the reference's. */
  readonly trainAccuracyAtEarlyStop: Spread | null;
  /** The same after the last iteration. */
  readonly trainAccuracyAtEnd: Spread | null;
  /** Early stops that fell on the last evaluation. */
  readonly censored: Censored;
}

/** Early-stop iteration of the reference over one's own; null where that is 0. */
export function timesEarlier(own: number, reference: number): number | null {
  return own === 0 ? null : reference / own;
}

/** The fraction of the reference's early-stop iteration by which one's own comes earlier; null where the reference's is 0. */
export function fractionEarlier(own: number, reference: number): number | null {
  return reference === 0 ? null : (reference - own) / reference;
}

/** One's own less the reference's. */
export function gain(own: number, reference: number): number {
  return own - reference;
}

/** The networks of an arm at a level; undefined where it was not trained there. */
export function levelOf(summary: Summary, arm: ArmName, level: number): LevelSummary | undefined {
  return summary.arms.find(({ name }) => name === arm)?.levels.find((own) => own.level === level);
}

/** The networks of a level that did not diverge. */
export function soundOf(level: LevelSummary | undefined): ReplicateSummary[] {
  return level?.replicates.filter(({ status }) => status === "ok") ?? [];
}

/**
 * The pairs of an arm at a level with the dense networks, or with another arm at that level.
 *
 * @param reference the run whose networks it is compared with: its own when left out. Replicates of two runs are pairs where the runs
 * have one seed
 */
export function pairsOf(
  summary: Summary,
  arm: ArmName,
  level: number,
  against: "dense" | ArmName,
  reference: Summary = summary,
): Pair[] {
  const references = soundOf(
    against === "dense" ? levelOf(reference, "ticket", 0) : levelOf(reference, against, level),
  );
  return soundOf(levelOf(summary, arm, level)).flatMap((own) =>
    references.filter(({ replicate }) => replicate === own.replicate).map((reference) => ({ own, reference }))
  );
}

/** A comparison over pairs: of those that have both values, and of which it can be made. */
export function pairedSpread(
  pairs: readonly Pair[],
  read: (network: ReplicateSummary) => number | null,
  compare: (own: number, reference: number) => number | null,
): Spread | null {
  return spread(pairs.map(({ own, reference }) => {
    const [a, b] = [read(own), read(reference)];
    return a === null || b === null ? null : compare(a, b);
  }));
}

/**
 * How many networks of pairs have their early stop on the last evaluation, each counted once.
 *
 * @param iterations how long they trained
 * @param ofReference how long those trained that they are compared with; as long when left out
 */
export function censoredOf(pairs: readonly Pair[], iterations: number, ofReference: number = iterations): Censored {
  const count = (networks: readonly ReplicateSummary[], last: number): number =>
    [...new Set(networks)].filter(({ earlyStopIteration }) => isCensored(earlyStopIteration, last)).length;
  return {
    own: count(pairs.map(({ own }) => own), iterations),
    reference: count(pairs.map(({ reference }) => reference), ofReference),
  };
}

/**
 * What an arm gains at a level over the dense networks of its replicates, or over another arm at that level; null when there is no
 * pair.
 */
export function gainsOf(
  summary: Summary,
  arm: ArmName,
  level: number,
  against: "dense" | ArmName = "dense",
): Gains | null {
  const pairs = pairsOf(summary, arm, level, against);
  if (pairs.length === 0) return null;
  return {
    arm,
    level,
    remaining: levelOf(summary, arm, level)?.remaining ?? 0,
    against,
    pairs: pairs.length,
    speedUp: pairedSpread(pairs, (one) => one.earlyStopIteration, timesEarlier),
    earlier: pairedSpread(pairs, (one) => one.earlyStopIteration, fractionEarlier),
    accuracyAtEarlyStop: pairedSpread(pairs, (one) => one.testAccuracyAtEarlyStop, gain),
    accuracyAtEnd: pairedSpread(pairs, (one) => one.testAccuracyAtEnd, gain),
    trainAccuracyAtEarlyStop: pairedSpread(pairs, (one) => one.trainAccuracyAtEarlyStop, gain),
    trainAccuracyAtEnd: pairedSpread(pairs, (one) => one.trainAccuracyAtEnd, gain),
    censored: censoredOf(pairs, summary.config.iterations),
  };
}
