/**
 * What came out of an experiment, in sentences, and which way each of the paper's numbers points here.
 *
 * @module
 */
import { type Measure, measures } from "../analysis/claims.ts";
import { describeOutcome, figuresOf } from "../analysis/outcome.ts";
import { compareClaim } from "../experiments/claims.ts";
import type { Experiment, PaperClaim } from "../experiments/experiment.ts";
import type { LoadedRun } from "../experiments/loaded_run.ts";
import { count, listed } from "./words.ts";

/**
 * Which way our value points, beside the paper's: earlier or later, more or less accurate. `undecided` where our networks point
 * both ways, `censored` where it depends on early stops on the last evaluation, `missing` where nothing is measured; null where
 * the paper's value points nowhere.
 */
export type Direction = "same" | "other" | "undecided" | "censored" | "missing" | null;

/** Which way ours points where the paper states a number. */
export function directionOf(claim: PaperClaim, runs: readonly LoadedRun[]): Direction {
  const { compare, against }: Measure = measures[claim.measure];
  // What two equal networks come to: a ratio of 1, a difference of 0.
  const neutral = against === "nothing" ? null : compare(1, 1);
  if (neutral === null || claim.value === neutral) return null;
  const { measured = null } = compareClaim(claim, runs) ?? {};
  if (!measured) return "missing";
  const { minimum, maximum, censored } = measured;
  if (censored > 0) return "censored";
  if (minimum <= neutral && maximum >= neutral) return "undecided";
  return minimum > neutral === claim.value > neutral ? "same" : "other";
}

/** So many runs are spoken of one by one; sweeps over more are read from their pictures. */
const mostRuns = 4;

/** Whether an experiment came out as in the paper, in sentences: first the paper's numbers, then its runs. */
export function experimentAnswer(experiment: Experiment, runs: readonly LoadedRun[]): string[] {
  if (runs.every(({ summary }) => !summary)) {
    return ["Nothing of it is trained here yet, so nothing can be said of it."];
  }
  const isPartial = runs.some(({ state }) => state !== "finished");
  const directions = experiment.paper.map((claim) => directionOf(claim, runs)).filter((own) => own !== null);
  return [
    ...(directions.length === 0 ? [] : [besidePaper(directions, isPartial)]),
    ...outcomes(experiment, runs, directions.length > 0),
  ];
}

/** What the runs came to, where the experiment is about that; else where to read what it shows. */
function outcomes({ panels }: Experiment, runs: readonly LoadedRun[], isAnswered: boolean): string[] {
  const isAboutTraining = panels.some(({ type }) => type === "levels" || type === "curves");
  if (isAboutTraining && runs.length <= mostRuns) {
    return runs.flatMap((run) =>
      runs.length === 1 ? outcomeOf(run) : outcomeOf(run).slice(0, 1).map((sentence) => `${run.name}: ${sentence}`)
    );
  }
  const done = runs.filter(({ summary }) => summary).length;
  return isAnswered ? [] : [
    `${runs.length === 1 ? "Its run is" : `${done} of its ${count(runs.length, "run")} are`} trained${
      runs.some(({ state }) => state !== "finished") ? " as far as is said below" : ""
    }: what the figure shows of ${runs.length === 1 ? "it" : "them"} stands in words below each picture.`,
  ];
}

function outcomeOf({ summary, config }: LoadedRun): string[] {
  if (!summary) return [];
  if (config.levels > 0 && figuresOf(summary).length < 2) {
    return ["Only the dense network is trained so far, so nothing says yet whether pruning helps."];
  }
  const sentences = describeOutcome(summary);
  // Without a control the experiment is about something else than initial values.
  return config.controls.length === 0 ? sentences.slice(0, 1) : sentences;
}

function besidePaper(directions: readonly NonNullable<Direction>[], isPartial: boolean): string {
  const of = (direction: Direction): number => directions.filter((own) => own === direction).length;
  const [all, same] = [directions.length, of("same")];
  const what = `${all === 1 ? "the one number" : `the ${all} numbers`} of the paper that ${
    all === 1 ? "says" : "say"
  } what is earlier or more accurate`;
  const begun = isPartial ? "So far: of" : "Of";
  if (of("missing") === all) return `${begun} ${what}, none is measured.`;
  const parts = [
    same === all && all > 1
      ? `all ${all} point the same way here`
      : `${same === 0 ? "none" : same} ${same > 1 ? "point" : "points"} the same way here`,
    ...said(of("other"), "the other way"),
    ...said(of("undecided"), "both ways, by network"),
    ...said(of("censored"), "cannot be told, as early stops fell on the last evaluation"),
    ...said(of("missing"), of("missing") === 1 ? "is not measured" : "are not measured"),
  ];
  return `${begun} ${what}, ${listed(parts)}.`;
}

function said(number: number, what: string): string[] {
  return number === 0 ? [] : [`${number} ${what}`];
}
