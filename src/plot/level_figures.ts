/**
 * The paper's pictures of a run, or of several: test accuracy, early-stop iteration and time of a step against remaining
 * weights.
 *
 * One run is drawn as its arms, each in its own colour, with its dense network as a rule and the paper's values as diamonds.
 * Several are drawn as one line each, the first (the baseline) in ink and stronger.
 *
 * @module
 */
import {
  type ArmFigures,
  bestLevel,
  type LevelFigures,
  type MarkedFigure,
  type PaperMark,
  percent,
  points,
} from "../analysis/outcome.ts";
import type { Spread } from "../analysis/statistics.ts";
import type { ArmName } from "../lottery/types.ts";
import {
  type Axis,
  type Figure,
  type FigureOptions,
  lineFigure,
  type Mark,
  type Point,
  type Series,
} from "./line_figure.ts";
import { armLook, runLook } from "./palette.ts";
import { drawnRemarks, levelQuantities, scaledSpread } from "./panel_figure.ts";
import { numberLabel, remainingLabel } from "./text.ts";

/** A run as the figures need it. */
export interface PlottedRun {
  /** Its id, or what else it is called. */
  readonly name: string;
  /** Its figures per level, in order: `figuresOf(summary)`. */
  readonly figures: readonly LevelFigures[];
  /** The paper's values, drawn when the run stands alone: `paperMarks(summary)`; none when left out. */
  readonly paper?: readonly PaperMark[];
}

/** What the figures against remaining weights take beside runs. */
export interface LevelFigureOptions extends FigureOptions {
  /** Which arms; when left out all of a run that stands alone, and the tickets of several. */
  readonly arms?: readonly ArmName[];
  /** How the vertical axis is divided; `linear` when left out. */
  readonly scale?: "linear" | "log";
}

/** What is drawn over the levels. */
interface Quantity {
  readonly title: string;
  readonly axis: Axis;
  /** What an arm came to, in the axis's unit. */
  readonly measure: (arm: ArmFigures, level: LevelFigures) => Spread | null;
  /** A value in that unit, with it. */
  readonly inWords: (value: number) => string;
  /** The same in a sentence. */
  readonly inSentence?: (value: number) => string;
  /** One value beside the dense network's. */
  readonly beside: (value: number, dense: number) => string;
  /** Whether a censored early stop says that the value is there or higher. */
  readonly censors?: boolean;
  /** The paper's values that belong here, and their factor to the axis's unit. */
  readonly paper?: { readonly figure: MarkedFigure; readonly factor: number };
  /** Whether it is the level's, so that there is one line for all arms. */
  readonly ofLevel?: boolean;
  /** Ends the words. */
  readonly remark?: string;
}

/**
 * Test accuracy against remaining weights, at early stop or after the last iteration.
 *
 * @param runs One run, or several with the baseline first.
 *
 * @example
 * ```ts
 * import { accuracyFigure } from "./level_figures.ts";
 *
 * const { svg, words } = accuracyFigure([{ name: "a run", figures: [] }], { prefix: "accuracy", at: "early-stop" });
 * console.assert(svg.startsWith("<svg ") && words.length > 0);
 * ```
 */
export function accuracyFigure(
  runs: readonly PlottedRun[],
  options: LevelFigureOptions & { readonly at: "early-stop" | "end" },
): Figure {
  const figure = options.at === "end" ? "accuracyAtEnd" : "accuracyAtEarlyStop";
  const quantity = levelQuantities[options.at === "end" ? "test-accuracy-at-end" : "test-accuracy-at-early-stop"];
  return overLevels(runs, options, {
    ...quantity,
    measure: (arm) => scaledSpread(arm[figure], quantity.factor),
    beside: (value, dense) => points((value - dense) / 100),
    paper: { figure, factor: quantity.factor },
  });
}

/** Early-stop iteration (of minimum validation loss) against remaining weights; censored stops are hollow, with an arrow. */
export function earlyStopFigure(runs: readonly PlottedRun[], options: LevelFigureOptions): Figure {
  return overLevels(runs, options, {
    ...levelQuantities["early-stop"],
    measure: (arm) => arm.earlyStop,
    beside: (value, dense) =>
      value === dense
        ? "no earlier"
        : dense === 0
        ? "later"
        : `${percent(Math.abs(1 - value / dense), 0)} ${value < dense ? "earlier" : "later"}`,
    censors: true,
    paper: { figure: "earlyStop", factor: 1 },
  });
}

/**
 * Milliseconds of a training step against remaining weights. All networks of a level train in lockstep and share its time, so
 * it is divided by their number: else a level with a control beside its tickets would seem slower than the dense one.
 */
export function stepTimeFigure(runs: readonly PlottedRun[], options: Omit<LevelFigureOptions, "arms">): Figure {
  return overLevels(runs, options, {
    title: "Time of a training step",
    axis: { title: "Milliseconds per step and network", include: [0], bounds: [0, Infinity] },
    measure: (_arm, level) => {
      const networks = [level.ticket, ...level.controls].reduce(
        (sum, { earlyStop, diverged }) => sum + (earlyStop?.count ?? 0) + diverged,
        0,
      );
      const { stepMs } = level.ticket;
      if (stepMs === null || networks === 0) return null;
      const mean = stepMs / networks;
      return { mean, minimum: mean, maximum: mean, count: 1 };
    },
    inWords: (value) => `${numberLabel(value)} ms`,
    beside: (value, dense) =>
      value === dense || value === 0
        ? "as fast"
        : value < dense
        ? `${(dense / value).toFixed(2)} times as fast`
        : `${(value / dense).toFixed(2)} times as long`,
    ofLevel: true,
    remark: "A level's time is shared by all networks that train in lockstep.",
  });
}

function overLevels(runs: readonly PlottedRun[], options: LevelFigureOptions, quantity: Quantity): Figure {
  const [first] = runs;
  const alone = runs.length === 1 ? first : undefined;
  const words = runs.length === 0 ? "No run is chosen." : [
    alone
      ? wordsOf(alone, quantity, options)
      : `${quantity.title}: ${runs.map((run, index) => wordsBeside(run, index, quantity)).join("; ")}.`,
    ...remarks(runs, quantity, options),
  ].join(" ");
  const dense = first && denseOf(first, quantity);
  const levels = runs.flatMap(({ figures }) => figures.map(({ remaining }) => remaining));
  const svg = lineFigure({
    ...options,
    title: quantity.title,
    ...alone ? { subtitle: alone.name } : {},
    words,
    x: {
      title: "Weights remaining (%)",
      scale: "log",
      reversed: true,
      ticks: levels.toSorted((a, b) => b - a),
      label: remainingLabel,
    },
    y: { ...quantity.axis, scale: options.scale ?? "linear" },
    series: (alone ? armsOf(alone, quantity, options.arms) : runs.flatMap((run, index) => {
      return runSeries(run, index, quantity, options.arms ?? ["ticket"]);
    })).toReversed(),
    ...dense === undefined ? {} : {
      rule: alone
        ? { value: dense, name: "dense", label: quantity.inWords(dense) }
        : { value: dense, name: "baseline", label: `dense ${quantity.inWords(dense)}` },
    },
    marks: alone ? marksOf(alone, quantity) : [],
    empty: "No trained network yet",
  });
  return { svg, words };
}

/** The arms of a run, tickets first. */
function armsOf(run: PlottedRun, quantity: Quantity, chosen: readonly ArmName[] | undefined): Series[] {
  if (quantity.ofLevel) {
    const points = pointsOf(run, "ticket", quantity, "all networks");
    return points.length === 0 ? [] : [{ name: "all networks of a level", style: "run-0", marker: "circle", points }];
  }
  return armNames(run, chosen).map((arm) => ({
    name: arm,
    ...armLook(arm),
    points: pointsOf(run, arm, quantity, arm),
  }));
}

/** A run among several: its tickets, and fainter the controls that were asked for. */
function runSeries(run: PlottedRun, index: number, quantity: Quantity, chosen: readonly ArmName[]): Series[] {
  const { style, marker } = runLook(index);
  return (quantity.ofLevel ? ["ticket" as const] : armNames(run, chosen)).map((arm): Series => ({
    name: arm === "ticket" ? index === 0 ? `${run.name} (baseline)` : run.name : `${run.name}, ${arm}`,
    style: `run-${style}`,
    marker,
    ...arm !== "ticket" ? { weight: "faint" } : index === 0 ? { weight: "strong" } : {},
    points: pointsOf(run, arm, quantity, arm === "ticket" ? run.name : `${run.name}, ${arm}`),
  }));
}

function armNames({ figures }: PlottedRun, chosen: readonly ArmName[] | undefined): ArmName[] {
  const present = [...new Set(figures.flatMap(({ ticket, controls }) => [ticket, ...controls].map(({ arm }) => arm)))];
  return present.filter((arm) => chosen === undefined || chosen.includes(arm));
}

function pointsOf({ figures }: PlottedRun, name: ArmName, quantity: Quantity, called: string): Point[] {
  return figures.map((level) => {
    const arm = armOf(level, name);
    const y = arm ? quantity.measure(arm, level) : null;
    const diverged = quantity.ofLevel ? 0 : arm?.diverged ?? 0;
    const range = y && y.maximum > y.minimum
      ? ` (${quantity.inWords(y.minimum)} to ${quantity.inWords(y.maximum)} over ${y.count})`
      : "";
    return {
      x: level.remaining,
      y,
      censored: quantity.censors === true && (arm?.censored ?? 0) > 0,
      diverged: diverged > 0,
      note: [
        `${called}, ${remainingLabel(level.remaining)} %: ${y ? quantity.inWords(y.mean) : "no value"}${range}`,
        ...quantity.censors && arm?.censored ? [`${arm.censored} censored`] : [],
        ...diverged > 0 ? [`${diverged} diverged`] : [],
      ].join(", "),
    };
  });
}

function marksOf({ paper = [] }: PlottedRun, { paper: own, inWords }: Quantity): Mark[] {
  return !own ? [] : paper.filter(({ figure }) => figure === own.figure).map(({ remaining, value }) => ({
    x: remaining,
    y: value * own.factor,
    label: "paper",
    note: `paper, ${remainingLabel(remaining)} %: ${inWords(value * own.factor)}`,
  }));
}

function armOf({ ticket, controls }: LevelFigures, name: ArmName): ArmFigures | undefined {
  return [ticket, ...controls].find(({ arm }) => arm === name);
}

function denseOf({ figures }: PlottedRun, quantity: Quantity): number | undefined {
  const level = figures.find(({ level }) => level === 0);
  return level && quantity.measure(level.ticket, level)?.mean;
}

/** The level that words are about: the best ticket; for what belongs to the level, the smallest. */
function toldLevel({ figures }: PlottedRun, quantity: Quantity): LevelFigures | undefined {
  return quantity.ofLevel
    ? figures.findLast((level) => level.level > 0 && quantity.measure(level.ticket, level) !== null)
    : bestLevel(figures);
}

function wordsOf(run: PlottedRun, quantity: Quantity, { arms }: LevelFigureOptions): string {
  const said = quantity.inSentence ?? quantity.inWords;
  if (run.figures.length === 0) return `${quantity.title}: no network is trained yet.`;
  const dense = denseOf(run, quantity);
  const told = toldLevel(run, quantity);
  const value = told && quantity.measure(told.ticket, told)?.mean;
  const parts = [dense === undefined ? "the dense network has no value" : `dense ${said(dense)}`];
  if (!told || value === undefined) {
    parts.push(run.figures.length === 1 ? "no pruned network yet" : "no pruned network has a value");
    return `${quantity.title}: ${parts.join(", ")}.`;
  }
  const what = quantity.ofLevel ? "the smallest tickets" : "best ticket by validation loss";
  parts.push(
    `${what} ${said(value)} with ${remainingLabel(told.remaining)} % of the weights` +
      (dense === undefined ? "" : ` (${quantity.beside(value, dense)})`),
  );
  if (!quantity.ofLevel) {
    for (const control of told.controls) {
      if (arms && !arms.includes(control.arm)) continue;
      const own = quantity.measure(control, told)?.mean;
      parts.push(`${control.arm} there ${own === undefined ? "without a value" : said(own)}`);
    }
  }
  return `${quantity.title}: ${parts.join(", ")}.`;
}

function wordsBeside(run: PlottedRun, index: number, quantity: Quantity): string {
  const said = quantity.inSentence ?? quantity.inWords;
  const dense = denseOf(run, quantity);
  const told = toldLevel(run, quantity);
  const value = told && quantity.measure(told.ticket, told)?.mean;
  const name = index === 0 ? `${run.name} (baseline)` : run.name;
  const best = !told || value === undefined
    ? "no pruned network with a value"
    : `${quantity.ofLevel ? "smallest" : "best"} ticket ${said(value)} with ${
      remainingLabel(told.remaining)
    } % of the weights`;
  return `${name}: dense ${dense === undefined ? "without a value" : said(dense)}, ${best}`;
}

/** What the marks in the picture mean, where there are any. */
function remarks(runs: readonly PlottedRun[], quantity: Quantity, { arms }: LevelFigureOptions): string[] {
  const drawn = runs.flatMap((run) => {
    const names = armNames(run, arms ?? (runs.length === 1 ? undefined : ["ticket"]));
    return run.figures.flatMap((level) =>
      names.flatMap((name) => armOf(level, name) ?? []).map((arm) => ({ arm, level }))
    );
  });
  if (quantity.ofLevel) return drawn.length > 0 && quantity.remark ? [quantity.remark] : [];
  const most = Math.max(0, ...drawn.map(({ arm, level }) => quantity.measure(arm, level)?.count ?? 0));
  const censored = quantity.censors ? drawn.reduce((sum, { arm }) => sum + arm.censored, 0) : 0;
  const diverged = drawn.reduce((sum, { arm }) => sum + arm.diverged, 0);
  const [alone] = runs.length === 1 ? runs : [];
  const paper = alone && quantity.paper
    ? (alone.paper ?? []).filter(({ figure }) => figure === quantity.paper?.figure)
    : [];
  return [
    ...paper.length > 0
      ? [
        `The paper's values, put on this dense network where it states them against its own: ${
          paper.map(({ remaining, value }, index) =>
            `${quantity.inWords(value * (quantity.paper?.factor ?? 1))} at ${remainingLabel(remaining)} %` +
            (index === 0 ? " of the weights" : "")
          ).join(", ")
        }.`,
      ]
      : [],
    ...drawnRemarks({ most, censored, diverged }),
  ];
}
