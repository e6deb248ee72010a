/**
 * One panel of a figure of the paper: a quantity against remaining weights, for lines of several runs and arms.
 *
 * @module
 */
import type { Spread } from "../analysis/statistics.ts";
import { percent } from "../analysis/words.ts";
import { type Axis, type Figure, type FigureOptions, lineFigure, type Point } from "./line_figure.ts";
import type { LineLook } from "./palette.ts";
import { numberLabel, remainingLabel } from "./text.ts";

/** How a quantity over levels is drawn and said. */
export interface LevelQuantity {
  /** The figure's title. */
  readonly title: string;
  /** The vertical axis. */
  readonly axis: Axis;
  /** From the recorded unit to the axis's: 100 for fractions. */
  readonly factor: number;
  /** A value in the axis's unit, with it. */
  readonly inWords: (value: number) => string;
  /** The same in a sentence. */
  readonly inSentence: (value: number) => string;
  /** Which end of it is the better one. */
  readonly better: "lower" | "higher";
}

/** A quantity that {@linkcode panelFigure} draws. */
export type LevelQuantityName =
  | "early-stop"
  | "test-accuracy-at-early-stop"
  | "test-accuracy-at-end"
  | "train-accuracy-at-early-stop"
  | "train-accuracy-at-end";

/** The quantities over levels, by name. */
export const levelQuantities: Readonly<Record<LevelQuantityName, LevelQuantity>> = {
  "early-stop": {
    title: "Early stop",
    axis: { title: "Iteration of minimum validation loss", include: [0], bounds: [0, Infinity] },
    factor: 1,
    inWords: (value) => numberLabel(Math.round(value)),
    inSentence: (value) => `at iteration ${numberLabel(Math.round(value))}`,
    better: "lower",
  },
  "test-accuracy-at-early-stop": accuracy("Test", "at early stop"),
  "test-accuracy-at-end": accuracy("Test", "at the end"),
  "train-accuracy-at-early-stop": accuracy("Train", "at early stop"),
  "train-accuracy-at-end": accuracy("Train", "at the end"),
};

/** A line of a panel at one level. */
export interface PanelPoint {
  /** The fraction of weights that remain. */
  readonly remaining: number;
  /** What was measured, as it is recorded: iterations, or fractions of 1; null without a value. */
  readonly spread: Spread | null;
  /** How many early stops fell on the last evaluation; none when left out. */
  readonly censored?: number;
  /** How many networks diverged; none when left out. */
  readonly diverged?: number;
}

/** A line of a panel: `{ name, ...armLook(arm), points }` or `{ name, ...sweepLook(index, count), points }`. */
export interface PanelLine extends LineLook {
  /** What the legend calls it. */
  readonly name: string;
  /** Drawn stronger or fainter than the others. */
  readonly weight?: "strong" | "faint";
  /** Its levels, from the largest on. */
  readonly points: readonly PanelPoint[];
}

/** A value of the paper, as ours are recorded. */
export interface PanelMark {
  /** The fraction of weights that remain. */
  readonly remaining: number;
  /** Its value: iterations, or a fraction of 1. */
  readonly value: number;
  /** What it is called; `paper` when left out. */
  readonly label?: string;
}

/** What {@linkcode panelFigure} takes beside lines. */
export interface PanelOptions extends FigureOptions {
  /** What is drawn. */
  readonly quantity: LevelQuantityName;
  /** The quantity's own when left out. */
  readonly title?: string;
  /** Set beside the title, softer. */
  readonly subtitle?: string;
  /**
   * How remaining weights are divided; `log` when left out. `weights`: on a logarithmic axis, where what remains of each line is given
   * as a share of the largest network's weights.
   */
  readonly x?: "log" | "linear" | "weights";
  /** How the vertical axis is divided; `linear` when left out. */
  readonly y?: "linear" | "log";
  /** A line through the whole panel, such as the dense network's value, as it is recorded; its name is `dense` when left out. */
  readonly rule?: { readonly value: number; readonly name?: string };
  /** The paper's values, drawn as open diamonds. */
  readonly marks?: readonly PanelMark[];
}

/**
 * A quantity against remaining weights: points are means with bars from minimum to maximum; a point of which some are censored is
 * hollow with an arrow, one of which some diverged has a cross.
 *
 * @param lines The most important first.
 * @throws {RangeError} When the prefix cannot begin an id.
 *
 * @example
 * ```ts
 * import { armLook } from "./palette.ts";
 * import { panelFigure } from "./panel_figure.ts";
 *
 * const spread = { mean: 0.98, minimum: 0.97, maximum: 0.99, count: 5 };
 * const line = { name: "ticket", ...armLook("ticket"), points: [{ remaining: 1, spread }] };
 * const { words } = panelFigure([line], { prefix: "accuracy", quantity: "test-accuracy-at-end" });
 * console.assert(words.includes("98.00 %"));
 * ```
 */
export function panelFigure(lines: readonly PanelLine[], options: PanelOptions): Figure {
  const quantity = levelQuantities[options.quantity];
  const { title = quantity.title } = options;
  const words = panelWords(lines, { ...options, title }, quantity);
  // Levels of the longest line: those of several runs, all together, would have no even choice among them.
  const levels = lines.reduce<readonly PanelPoint[]>(
    (longest, { points }) => points.length > longest.length ? points : longest,
    [],
  ).map(({ remaining }) => remaining);
  const { rule } = options;
  const svg = lineFigure({
    prefix: options.prefix,
    ...options.size ? { size: options.size } : {},
    ...options.heading === undefined ? {} : { heading: options.heading },
    title,
    ...options.subtitle === undefined ? {} : { subtitle: options.subtitle },
    words,
    x: {
      title: options.x === "weights" ? "Weights (% of the largest network)" : "Weights remaining (%)",
      scale: options.x === "linear" ? "linear" : "log",
      reversed: true,
      ...options.x === "linear"
        ? {
          ticks: [1, 0.8, 0.6, 0.4, 0.2, 0],
          include: [1, 0],
          label: (fraction) => String(Math.round(fraction * 100)),
        }
        : { ticks: levels.toSorted((a, b) => b - a), label: remainingLabel },
    },
    y: { ...quantity.axis, scale: options.y ?? "linear" },
    series: lines.map(({ points, ...line }) => ({
      ...line,
      points: points.map((point) => pointOf(line.name, point, quantity, options.quantity === "early-stop")),
    })).toReversed(),
    ...rule
      ? {
        rule: {
          value: rule.value * quantity.factor,
          name: rule.name ?? "dense",
          label: quantity.inWords(rule.value * quantity.factor),
        },
      }
      : {},
    marks: (options.marks ?? []).map(({ remaining, value, label = "paper" }) => ({
      x: remaining,
      y: value * quantity.factor,
      label,
      note: `${label}, ${remainingLabel(remaining)} %: ${quantity.inWords(value * quantity.factor)}`,
    })),
    empty: "No trained network yet",
  });
  return { svg, words };
}

/** A spread in another unit. */
export function scaledSpread(spread: Spread | null, factor: number): Spread | null {
  return spread && {
    mean: spread.mean * factor,
    minimum: spread.minimum * factor,
    maximum: spread.maximum * factor,
    count: spread.count,
  };
}

function accuracy(split: string, at: string): LevelQuantity {
  const inWords = (value: number): string => percent(value / 100, 2);
  return {
    title: `${split} accuracy ${at}`,
    axis: { title: `${split} accuracy (%)`, bounds: [0, 100] },
    factor: 100,
    inWords,
    inSentence: inWords,
    better: "higher",
  };
}

function pointOf(
  name: string,
  { remaining, spread, censored = 0, diverged = 0 }: PanelPoint,
  { factor, inWords }: LevelQuantity,
  censors: boolean,
): Point {
  const y = scaledSpread(spread, factor);
  const range = y && y.maximum > y.minimum ? ` (${inWords(y.minimum)} to ${inWords(y.maximum)} over ${y.count})` : "";
  return {
    x: remaining,
    y,
    censored: censors && censored > 0,
    diverged: diverged > 0,
    note: [
      `${name}, ${remainingLabel(remaining)} %: ${y ? inWords(y.mean) : "no value"}${range}`,
      ...censors && censored > 0 ? [`${censored} censored`] : [],
      ...diverged > 0 ? [`${diverged} diverged`] : [],
    ].join(", "),
  };
}

/** Of each line its first level, its best and its last. */
function panelWords(
  lines: readonly PanelLine[],
  { title, marks = [], rule, quantity: name, x }: PanelOptions & { readonly title: string },
  { factor, inWords, inSentence, better }: LevelQuantity,
): string {
  if (!lines.some(({ points }) => points.some(({ spread }) => spread))) return `${title}: no network has a value yet.`;
  const said = lines.map((line) => {
    const there = line.points.flatMap(({ remaining, spread }) => spread ? [{ remaining, mean: spread.mean }] : []);
    const [first] = there;
    const last = there.at(-1);
    if (!first || !last) return `${line.name} without a value`;
    const best = there.reduce((best, one) =>
      better === "lower" ? one.mean < best.mean ? one : best : one.mean > best.mean ? one : best
    );
    const at = ({ remaining, mean }: typeof first): string =>
      `${inSentence(mean * factor)} with ${remainingLabel(remaining)} % of the ${
        x === "weights" ? "largest network's weights" : "weights"
      }`;
    return [
      `${line.name} ${at(first)}`,
      ...best === first || best === last ? [] : [`${better === "lower" ? "earliest" : "best"} ${at(best)}`],
      ...last === first ? [] : [at(last)],
    ].join(", ");
  });
  const points = lines.flatMap((line) => line.points);
  const sum = (count: (point: PanelPoint) => number): number => points.reduce((all, point) => all + count(point), 0);
  const most = Math.max(...points.map(({ spread }) => spread?.count ?? 0));
  return [
    `${title}: ${said.join("; ")}.`,
    ...rule ? [`The line is ${rule.name ?? "dense"}, ${inWords(rule.value * factor)}.`] : [],
    ...marks.length > 0
      ? [
        `The paper's values: ${
          marks.map(({ remaining, value }) => `${inWords(value * factor)} at ${remainingLabel(remaining)} %`).join(", ")
        }.`,
      ]
      : [],
    ...drawnRemarks({
      most,
      censored: name === "early-stop" ? sum(({ censored = 0 }) => censored) : 0,
      diverged: sum(({ diverged = 0 }) => diverged),
    }),
  ].join(" ");
}

/** What bars, hollow points and crosses mean, where there are any. */
export function drawnRemarks(
  { most, censored, diverged }: { readonly most: number; readonly censored: number; readonly diverged: number },
): string[] {
  return [
    ...most > 1 ? [`Points are means, bars the range of up to ${most} networks.`] : [],
    ...censored > 0
      ? [`${censored} early ${censored === 1 ? "stop is" : "stops are"} censored: the true one is there or later.`]
      : [],
    ...diverged > 0
      ? [
        `${diverged} ${diverged === 1 ? "network" : "networks"} diverged, and ${
          diverged === 1 ? "counts" : "count"
        } in no mean.`,
      ]
      : [],
  ];
}
