/**
 * Runs beside each other: levels that keep about as many weights, whatever schedule led there, and who found the best ticket.
 *
 * @module
 */
import { type ArmFigures, bestLevel, type LevelFigures, nearEnough } from "./outcome.ts";
import { percent, points } from "./words.ts";

/** A run as the comparison needs it. */
export interface ComparedRun {
  /** What it is called. */
  readonly id: string;
  /** Its figures per level. */
  readonly figures: readonly LevelFigures[];
}

/** Where accuracies are compared. */
export type ComparedAt = "early-stop" | "end";

/** Levels of several runs that keep about as many weights. */
export interface LevelsBeside {
  /** Surviving fraction: the first run's that has such a level. */
  readonly remaining: number;
  /** Each run's level, in the order of the runs; undefined where it has none that is near enough. */
  readonly levels: readonly (LevelFigures | undefined)[];
}

/**
 * Sorts levels into rows, most weights first. The first run's levels are rows; another run's level joins the nearest row that
 * has none of its own and is within 15 % (of the remaining fraction), the nearest pairs first, or begins a row. The dense level
 * stands with dense levels alone.
 */
export function levelsBeside(runs: readonly ComparedRun[]): LevelsBeside[] {
  const rows: {
    readonly remaining: number;
    readonly isDense: boolean;
    readonly levels: (LevelFigures | undefined)[];
  }[] = [];
  runs.forEach(({ figures }, run) => {
    const pairs = figures.flatMap((level) =>
      rows.filter(({ isDense }) => isDense === (level.level === 0))
        .map((row) => ({ level, row, distance: Math.abs(Math.log(level.remaining / row.remaining)) }))
    ).filter(({ distance }) => distance <= Math.log(nearEnough)).sort((a, b) => a.distance - b.distance);
    const placed = new Set<LevelFigures>();
    for (const { level, row } of pairs) {
      if (placed.has(level) || row.levels[run] !== undefined) continue;
      row.levels[run] = level;
      placed.add(level);
    }
    for (const level of figures) {
      if (placed.has(level)) continue;
      const levels = new Array<LevelFigures | undefined>(runs.length).fill(undefined);
      levels[run] = level;
      rows.push({ remaining: level.remaining, isDense: level.level === 0, levels });
    }
  });
  return rows.toSorted((a, b) => Number(b.isDense) - Number(a.isDense) || b.remaining - a.remaining)
    .map(({ remaining, levels }) => ({ remaining, levels }));
}

/** Mean test accuracy of an arm, as a fraction. */
export function accuracyIn(arm: ArmFigures, at: ComparedAt): number | undefined {
  return (at === "end" ? arm.accuracyAtEnd : arm.accuracyAtEarlyStop)?.mean;
}

/**
 * Who found the best ticket, beside the baseline's, in sentences. Each run's best ticket is the one of lowest validation loss, so
 * that the test set's accuracy there is a fair one.
 *
 * @param runs the baseline first
 */
export function describeBeside(runs: readonly ComparedRun[], at: ComparedAt): string[] {
  const [baseline, ...others] = runs.map(({ id, figures }) => {
    const best = bestLevel(figures);
    const accuracy = best && accuracyIn(best.ticket, at);
    return { id, best, accuracy };
  });
  if (!baseline) return [];
  const { best, accuracy } = baseline;
  if (!best || accuracy === undefined) {
    return [`The baseline, ${baseline.id}, has no ticket yet, so there is nothing to compare with.`];
  }
  const where = at === "end" ? "at the end" : "at early stop";
  const told = others.flatMap(({ id, best, accuracy: own }) =>
    best && own !== undefined ? [{ id, best, gain: own - accuracy, own }] : []
  );
  const [first] = told.toSorted((a, b) => b.gain - a.gain);
  const untold = others.filter(({ best, accuracy }) => !best || accuracy === undefined);
  const own = `${percent(accuracy, 2)} test accuracy ${where} with ${percent(best.remaining)} of the weights`;
  const sentences: string[] = [];
  if (first) {
    // Within a tenth of a percentage point is called equal: less says little, whatever the test set's size.
    const verdict = first.gain > tie
      ? `The best ticket of ${first.id} is better than the baseline's: ${points(first.gain)}`
      : first.gain < -tie
      ? `No run has a better ticket than the baseline. The nearest is ${first.id}: ${points(first.gain)}`
      : `The best tickets of ${first.id} and of the baseline are about as good: ${points(first.gain)}`;
    sentences.push(
      `${verdict}, with ${percent(first.own, 2)} ${where} at ${
        percent(first.best.remaining)
      } of the weights; the baseline has ${percent(accuracy, 2)} at ${percent(best.remaining)}.`,
    );
    const ratio = ratioOf(first.best.ticket, best.ticket);
    if (ratio !== undefined) sentences.push(`Its early stop comes ${ratio}.`);
  } else sentences.push(`The baseline's best ticket has ${own}; no other run has a ticket yet.`);
  if (untold.length > 0 && first) {
    sentences.push(`No ticket yet in ${untold.map(({ id }) => id).join(", ")}.`);
  }
  const single = runs.every(({ figures }) => figures.every(({ ticket }) => (ticket.earlyStop?.count ?? 0) <= 1));
  if (single && first) sentences.push("Each is one replicate: a few tenths of a percentage point can be chance.");
  return sentences;
}

/** Accuracies this near are called about as good. */
const tie = 0.001;

function ratioOf(
  { earlyStop: own, censored }: ArmFigures,
  { earlyStop: other, censored: others }: ArmFigures,
): string | undefined {
  if (!own || !other || own.mean === 0 || other.mean === 0) return undefined;
  const at = `, at iteration ${round(own.mean)} where the baseline's is ${round(other.mean)}`;
  const doubt = censored + others > 0 ? " (some are censored: the true ones are there or later)" : "";
  const ratio = own.mean / other.mean;
  return Math.abs(ratio - 1) < 0.005
    ? `as early${at}${doubt}`
    : ratio > 1
    ? `${ratio.toFixed(2)}× later${at}${doubt}`
    : `${(1 / ratio).toFixed(2)}× earlier${at}${doubt}`;
}

function round(value: number): string {
  return Math.round(value).toLocaleString("en");
}
