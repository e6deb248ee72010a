/**
 * Curves over iterations: a mean line with a band from minimum to maximum for each level of each arm, as in Figures 3 and 11.
 *
 * @module
 */
import type { Spread } from "../analysis/statistics.ts";
import { percent } from "../analysis/words.ts";
import { type Axis, type Figure, type FigureOptions, lineFigure } from "./line_figure.ts";
import type { LineLook } from "./palette.ts";
import { scaledSpread } from "./panel_figure.ts";
import { numberLabel } from "./text.ts";

/** A curve at one iteration. */
export interface CurvePoint {
  /** Steps done. */
  readonly iteration: number;
  /** What was measured over the networks, as it is recorded: fractions of 1, or nats; null leaves a gap. */
  readonly spread: Spread | null;
}

/** A curve: `{ name, ...levelLook(arm, index, count), points }`. */
export interface CurveLine extends LineLook {
  /** What the legend calls it, such as "ticket 21.1 %". */
  readonly name: string;
  /** Its points, by ascending iteration. */
  readonly points: readonly CurvePoint[];
  /** The iteration of its early stop, marked at the nearest point; not marked when left out or null. */
  readonly earlyStop?: number | null;
}

/** What {@linkcode curvesFigure} takes beside lines. */
export interface CurveOptions extends FigureOptions {
  /** What is drawn: a fraction of 1, or nats. */
  readonly quantity: CurveQuantityName;
  /** The quantity against iterations when left out. */
  readonly title?: string;
  /** Set beside the title, softer. */
  readonly subtitle?: string;
  /** How iterations are divided; `linear` when left out. */
  readonly x?: "linear" | "log";
  /** How the vertical axis is divided; `linear` when left out. */
  readonly y?: "linear" | "log";
  /**
   * What the vertical axis shows, as it is recorded. When left out, what there is from a fifth of the iterations on: the
   * first steps change by so much that nothing else could be told apart.
   */
  readonly window?: readonly [least: number, most: number];
}

/** A quantity that {@linkcode curvesFigure} draws. */
export type CurveQuantityName =
  | "test-accuracy"
  | "validation-accuracy"
  | "validation-loss"
  | "test-loss"
  | "train-loss";

interface CurveQuantity {
  readonly name: string;
  readonly axis: Axis;
  readonly factor: number;
  readonly inWords: (value: number) => string;
}

const quantities: Readonly<Record<CurveQuantityName, CurveQuantity>> = {
  "test-accuracy": accuracy("Test accuracy"),
  "validation-accuracy": accuracy("Validation accuracy"),
  "validation-loss": loss("Validation loss"),
  "test-loss": loss("Test loss"),
  "train-loss": loss("Training loss"),
};

/** Which part of the iterations is too early to decide what the vertical axis shows. */
const earlyPart = 0.2;

/**
 * A quantity against iterations.
 *
 * @param lines The most important first.
 * @throws {RangeError} When the prefix cannot begin an id.
 *
 * @example
 * ```ts
 * import { curvesFigure } from "./curve_figure.ts";
 * import { levelLook } from "./palette.ts";
 *
 * const at = (iteration: number, mean: number) => ({ iteration, spread: { mean, minimum: mean, maximum: mean, count: 1 } });
 * const line = { name: "ticket 21.1 %", ...levelLook("ticket", 0, 3), points: [at(0, 0.1), at(100, 0.9), at(200, 0.95)] };
 * const { words } = curvesFigure([line], { prefix: "curves", quantity: "test-accuracy" });
 * console.assert(words.includes("95.00 %"));
 * ```
 */
export function curvesFigure(lines: readonly CurveLine[], options: CurveOptions): Figure {
  const { name, axis, factor, inWords } = quantities[options.quantity];
  const { title = `${name} against iterations`, y = "linear" } = options;
  const window = options.window
    ? { window: [options.window[0] * factor, options.window[1] * factor] as const, cuts: true }
    : windowOf(lines, factor, axis.bounds);
  const words = curveWords(lines, title, inWords, factor, window?.cuts ?? false);
  const svg = lineFigure({
    prefix: options.prefix,
    ...options.size ? { size: options.size } : {},
    ...options.heading === undefined ? {} : { heading: options.heading },
    title,
    ...options.subtitle === undefined ? {} : { subtitle: options.subtitle },
    words,
    x: { title: "Iteration", scale: options.x ?? "linear" },
    y: { ...axis, scale: y, ...window ? { window: window.window } : {} },
    series: lines.map(({ points, earlyStop, ...line }) => {
      const stop = stopOf(points, earlyStop);
      return {
        ...line,
        isCurve: true,
        points: points.map((point) => ({
          x: point.iteration,
          y: scaledSpread(point.spread, factor),
          ...point === stop
            ? {
              isMarked: true,
              note: `${line.name}, early stop at iteration ${numberLabel(point.iteration)}: ${
                point.spread ? inWords(point.spread.mean * factor) : "no value"
              }`,
            }
            : {},
        })),
      };
    }).toReversed(),
    empty: "No evaluations yet",
  });
  return { svg, words };
}

/** What is there after the first iterations, with a little room, and whether that leaves out anything. */
function windowOf(
  lines: readonly CurveLine[],
  factor: number,
  [floor, ceiling]: readonly [number, number] = [-Infinity, Infinity],
): { readonly window: readonly [number, number]; readonly cuts: boolean } | undefined {
  const points = lines.flatMap(({ points }) => points.filter(({ spread }) => spread));
  const last = Math.max(...points.map(({ iteration }) => iteration));
  const values = (chosen: readonly CurvePoint[]): number[] =>
    chosen.flatMap(({ spread }) => spread ? [spread.minimum * factor, spread.maximum * factor] : []);
  const late = values(points.filter(({ iteration }) => iteration >= last * earlyPart));
  const every = values(points);
  const [least, most] = [Math.min(...late), Math.max(...late)];
  if (!(most > least)) return undefined;
  const room = (most - least) * 0.05;
  const window = [Math.max(floor, least - room), Math.min(ceiling, most + room)] as const;
  return { window, cuts: Math.min(...every) < window[0] || Math.max(...every) > window[1] };
}

/** The point nearest to an early stop. */
function stopOf(points: readonly CurvePoint[], earlyStop: number | null | undefined): CurvePoint | undefined {
  if (earlyStop === null || earlyStop === undefined) return undefined;
  return points.filter(({ spread }) => spread).reduce<CurvePoint | undefined>(
    (nearest, point) =>
      !nearest || Math.abs(point.iteration - earlyStop) < Math.abs(nearest.iteration - earlyStop) ? point : nearest,
    undefined,
  );
}

function curveWords(
  lines: readonly CurveLine[],
  title: string,
  inWords: (value: number) => string,
  factor: number,
  cuts: boolean,
): string {
  if (!lines.some(({ points }) => points.some(({ spread }) => spread))) return `${title}: no evaluations yet.`;
  const said = lines.map(({ name, points, earlyStop }) => {
    const last = points.findLast(({ spread }) => spread);
    if (!last?.spread) return `${name} without a value`;
    const stop = earlyStop === null || earlyStop === undefined
      ? ""
      : `, early stop at iteration ${numberLabel(Math.round(earlyStop))}`;
    return `${name} ${inWords(last.spread.mean * factor)} at iteration ${numberLabel(last.iteration)}${stop}`;
  });
  const most = Math.max(...lines.flatMap(({ points }) => points.map(({ spread }) => spread?.count ?? 0)));
  const stops = lines.some(({ earlyStop }) => typeof earlyStop === "number");
  return [
    `${title}: ${said.join("; ")}.`,
    ...most > 1 ? [`Lines are means, bands the range of up to ${most} networks.`] : [],
    ...stops ? ["Points are early stops."] : [],
    ...cuts ? ["The vertical axis does not show everything."] : [],
  ].join(" ");
}

function accuracy(name: string): CurveQuantity {
  return {
    name,
    axis: { title: `${name} (%)`, bounds: [0, 100] },
    factor: 100,
    inWords: (value) => percent(value / 100, 2),
  };
}

function loss(name: string): CurveQuantity {
  return {
    name,
    axis: { title: `${name} (nats)`, bounds: [0, Infinity] },
    factor: 1,
    inWords: (value) => `${numberLabel(value)} nats`,
  };
}
