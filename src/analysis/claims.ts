/**
 * What the paper's numbers are compared with: each quantity that it states, how to measure it in a run and how to say it.
 *
 * @module
 */
import type { ArmName } from "../lottery/types.ts";
import { isCensored } from "./early_stop.ts";
import { censoredOf, fractionEarlier, gain, levelOf, pairedSpread, pairsOf, soundOf, timesEarlier } from "./gains.ts";
import { type Spread, spread } from "./statistics.ts";
import type { ReplicateSummary, Summary } from "./summary.ts";
import { percent, points } from "./words.ts";

/** What of a network is measured, as `ArmFigures` calls it. */
export type MeasuredFigure = "earlyStop" | "accuracyAtEarlyStop" | "accuracyAtEnd" | "trainAccuracyAtEnd";

/** A quantity measured over networks. */
export interface Measured extends Spread {
  /** How many early stops that it depends on fell on the last evaluation, of both sides of a comparison: the true ones are later. */
  readonly censored: number;
}

/** A quantity of which the paper states values. */
export interface Measure {
  /** What of a network it is made of. */
  readonly figure: MeasuredFigure;
  /** What an arm is measured against: the dense network, another arm at the same level, or nothing. */
  readonly against: "dense" | "arm" | "nothing";
  /** What it is, in words: "early stop, dense over ticket". */
  readonly quantity: (arm: ArmName, against?: ArmName) => string;
  /** A value of it, in words. */
  readonly inWords: (value: number) => string;
  /** The value for one's own figure and the reference's; null where there is none. Without a reference the figure itself. */
  readonly compare: (own: number, reference: number) => number | null;
  /** Where a value of it stands among figures, of what the dense network came to; absent when it is not relative to that network. */
  readonly place?: (value: number, dense: number) => number;
  /**
   * Measures an arm at a level: over pairs of one replicate, or over networks where there is nothing to compare with.
   *
   * @param reference the run that it is measured against: its own when left out
   * @returns null when there is nothing to measure
   * @throws {RangeError} when it needs an arm to measure against, and none is given
   */
  readonly measure: (
    summary: Summary,
    level: number,
    arm: ArmName,
    against?: ArmName,
    reference?: Summary,
  ) => Measured | null;
}

/** The quantities of which the paper states values. Fractions of 1; ratios. */
export const measures = {
  "earlier-than-dense": measureOf({
    figure: "earlyStop",
    against: "dense",
    quantity: (arm) => `${prefix(arm)}early stop, against dense`,
    inWords: earlierInWords,
    compare: fractionEarlier,
    place: (value, dense) => dense * (1 - value),
  }),
  "times-earlier-than-dense": measureOf({
    figure: "earlyStop",
    against: "dense",
    quantity: (arm) => `early stop, dense over ${arm}`,
    inWords: times,
    compare: timesEarlier,
    place: (value, dense) => dense / value,
  }),
  "earlier-than": measureOf({
    figure: "earlyStop",
    against: "arm",
    quantity: (arm, against) => `${prefix(arm)}early stop, against ${against}`,
    inWords: earlierInWords,
    compare: fractionEarlier,
  }),
  "times-earlier": measureOf({
    figure: "earlyStop",
    against: "arm",
    quantity: (arm, against) => `early stop, ${against} over ${arm}`,
    inWords: times,
    compare: timesEarlier,
  }),
  "accuracy-over-dense": measureOf({
    figure: "accuracyAtEarlyStop",
    against: "dense",
    quantity: (arm) => `${prefix(arm)}test accuracy at early stop, against dense`,
    inWords: points,
    compare: gain,
    place: (value, dense) => dense + value,
  }),
  "accuracy-over": measureOf({
    figure: "accuracyAtEarlyStop",
    against: "arm",
    quantity: (arm, against) => `test accuracy at early stop, ${arm} over ${against}`,
    inWords: points,
    compare: gain,
  }),
  "accuracy-over-dense-at-end": measureOf({
    figure: "accuracyAtEnd",
    against: "dense",
    quantity: (arm) => `${prefix(arm)}test accuracy at the end, against dense`,
    inWords: points,
    compare: gain,
    place: (value, dense) => dense + value,
  }),
  "accuracy-over-at-end": measureOf({
    figure: "accuracyAtEnd",
    against: "arm",
    quantity: (arm, against) => `test accuracy at the end, ${arm} over ${against}`,
    inWords: points,
    compare: gain,
  }),
  "accuracy-at-early-stop": measureOf({
    figure: "accuracyAtEarlyStop",
    against: "nothing",
    quantity: (arm) => `${prefix(arm)}test accuracy at early stop`,
    inWords: inPercent,
    compare: itself,
    place: itself,
  }),
  "accuracy-at-end": measureOf({
    figure: "accuracyAtEnd",
    against: "nothing",
    quantity: (arm) => `${prefix(arm)}test accuracy at the end`,
    inWords: inPercent,
    compare: itself,
    place: itself,
  }),
  "train-accuracy-at-end": measureOf({
    figure: "trainAccuracyAtEnd",
    against: "nothing",
    quantity: (arm) => `${prefix(arm)}training accuracy at the end`,
    inWords: inPercent,
    compare: itself,
    place: itself,
  }),
} as const satisfies Readonly<Record<string, Measure>>;

/** A quantity's name. */
export type MeasureName = keyof typeof measures;

/** A quantity by its name. */
export function measureNamed(name: MeasureName): Measure {
  return measures[name];
}

/** A number that the paper states. Fractions of 1. */
export interface Claim {
  /** The paper's remaining fraction; ours is the nearest level. */
  readonly remaining: number;
  /** What is compared. */
  readonly measure: MeasureName;
  /** The arm that is measured; the tickets when left out. */
  readonly arm?: ArmName;
  /** The arm that it is measured against, for measures that have one. */
  readonly against?: ArmName;
  /** The paper's value. */
  readonly value: number;
}

/** A number that the paper states at a remaining fraction, or of the best: the pruned level at which most is measured, its "up to". */
export interface ClaimAnywhere extends Omit<Claim, "remaining"> {
  /** The paper's remaining fraction; ours is the nearest level. */
  readonly remaining: number | "best";
}

/** A number that the paper states, beside ours. */
export interface ClaimComparison {
  /** The paper's remaining fraction; null where it states none, but the best of all. */
  readonly paperRemaining: number | null;
  /** Ours; null where no level is near enough. */
  readonly remaining: number | null;
  /** What is compared, in words. */
  readonly quantity: string;
  /** The paper's value, in words. */
  readonly paper: string;
  /** Ours: the mean, with its range where there are several, in words; null where there is nothing to measure. */
  readonly ours: string | null;
  /** The same in numbers. */
  readonly measured: Measured | null;
  /** How many early stops that ours depends on fell on the last evaluation. */
  readonly censored: number;
}

/**
 * A number of the paper beside a run's, at the arm's level that keeps about as many weights, or at its best.
 *
 * @param reference the run that it is measured against, such as the same network trained in another way: its own when left out. A level
 * of another arm is that of the same number there
 * @throws {RangeError} when the claim lacks the arm that its measure is against
 */
export function compareWithPaper(
  claim: ClaimAnywhere,
  summary: Summary,
  reference: Summary = summary,
): ClaimComparison {
  const { arm = "ticket", against, value, remaining } = claim;
  const { quantity, inWords, measure } = measureNamed(claim.measure);
  const levels = summary.arms.find(({ name }) => name === arm)?.levels ?? [];
  const measuredAt = (level: number): Measured | null => measure(summary, level, arm, against, reference);
  const own = remaining === "best"
    ? bestOf(levels, ({ level }) => measuredAt(level)?.mean)
    : nearestLevel(levels, remaining);
  const measured = own ? measuredAt(own.level) : null;
  return {
    paperRemaining: remaining === "best" ? null : remaining,
    remaining: own?.remaining ?? null,
    quantity: quantity(arm, against),
    paper: inWords(value),
    ours: measured ? spreadInWords(measured, inWords) : null,
    measured,
    censored: measured?.censored ?? 0,
  };
}

/** How far a remaining fraction may be from another to stand beside it, as a factor. */
export const nearEnough = 1.15;

/** The level that is nearest to a remaining fraction, where one is near enough. The dense level is near to 1 alone. */
export function nearestLevel<Level extends { readonly level: number; readonly remaining: number }>(
  levels: readonly Level[],
  remaining: number,
): Level | undefined {
  const distance = (level: Level): number => Math.abs(Math.log(level.remaining / remaining));
  const [nearest] = levels.filter(({ level }) => (level === 0) === (remaining === 1))
    .toSorted((a, b) => distance(a) - distance(b));
  return nearest && distance(nearest) <= Math.log(nearEnough) ? nearest : undefined;
}

/** The pruned level with the highest value, of those that have one; the largest of several. */
function bestOf<Level extends { readonly level: number }>(
  levels: readonly Level[],
  valueOf: (level: Level) => number | undefined,
): Level | undefined {
  const valued = levels.flatMap((own) => {
    const value = own.level > 0 ? valueOf(own) : undefined;
    return value === undefined ? [] : [{ own, value }];
  });
  return valued.toSorted((a, b) => b.value - a.value || a.own.level - b.own.level)[0]?.own;
}

/** A mean with its range: "2.51× (2.12× to 3.00×, of 5)"; the value alone where there is one. */
function spreadInWords(
  { mean, minimum, maximum, count }: Spread,
  inWords: (value: number) => string,
): string {
  return count === 1 ? inWords(mean) : `${inWords(mean)} (${inWords(minimum)} to ${inWords(maximum)}, of ${count})`;
}

function measureOf(definition: Omit<Measure, "measure">): Measure {
  return {
    ...definition,
    measure: (summary, level, arm, against, reference = summary) => {
      const { figure, compare } = definition;
      const read = readers[figure];
      const dependsOnEarlyStop = figure === "earlyStop" || figure === "accuracyAtEarlyStop";
      const { iterations } = summary.config;
      if (definition.against === "nothing") {
        const networks = soundOf(levelOf(summary, arm, level));
        const own = spread(networks.map(read));
        const late = networks.filter(({ earlyStopIteration }) => isCensored(earlyStopIteration, iterations));
        return own && { ...own, censored: dependsOnEarlyStop ? late.length : 0 };
      }
      if (definition.against === "arm" && against === undefined) {
        throw new RangeError(
          `Cannot measure "${
            definition.quantity(arm, against)
          }": it needs an arm to measure ${arm} against. Give \`against\`.`,
        );
      }
      const what = definition.against === "dense" ? "dense" : against ?? "dense";
      const pairs = pairsOf(summary, arm, level, what, reference);
      const own = pairedSpread(pairs, read, compare);
      const censored = censoredOf(pairs, iterations, reference.config.iterations);
      return own && { ...own, censored: dependsOnEarlyStop ? censored.own + censored.reference : 0 };
    },
  };
}

const readers: Readonly<Record<MeasuredFigure, (network: ReplicateSummary) => number | null>> = {
  earlyStop: (network) => network.earlyStopIteration,
  accuracyAtEarlyStop: (network) => network.testAccuracyAtEarlyStop,
  accuracyAtEnd: (network) => network.testAccuracyAtEnd,
  trainAccuracyAtEnd: (network) => network.trainAccuracyAtEnd,
};

/** Names the arm where the words do not. */
function prefix(arm: ArmName): string {
  return arm === "ticket" ? "" : `${arm}: `;
}

function earlierInWords(value: number): string {
  return value < 0 ? `${percent(-value, 0)} later` : `${percent(value, 0)} earlier`;
}

function times(value: number): string {
  return `${value.toFixed(2)}×`;
}

function inPercent(value: number): string {
  return percent(value);
}

function itself(value: number): number {
  return value;
}
