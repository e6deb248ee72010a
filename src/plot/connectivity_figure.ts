/**
 * Linear mode connectivity: the error along the straight line between two networks of the same mask, trained with different data
 * order (Frankle et al., arXiv 1912.05671).
 *
 * @module
 */
import type { Spread } from "../analysis/statistics.ts";
import { percent, points as percentagePoints } from "../analysis/words.ts";
import { type Figure, type FigureOptions, lineFigure } from "./line_figure.ts";
import type { LineLook } from "./palette.ts";
import { scaledSpread } from "./panel_figure.ts";
import { numberLabel } from "./text.ts";

/** The error at one point of the line. */
export interface ConnectivityPoint {
  /** Where: 0 at the first network, 1 at the second. */
  readonly alpha: number;
  /** The error over replicates, as a fraction of 1; null without a value. */
  readonly error: Spread | null;
}

/** A line between networks: `{ name, ...levelLook(arm, index, count), points }`. */
export interface ConnectivityLine extends LineLook {
  /** What the legend calls it, such as "21.1 %". */
  readonly name: string;
  /** From 0 to 1. */
  readonly points: readonly ConnectivityPoint[];
}

/** What {@linkcode connectivityFigure} takes beside lines. */
export interface ConnectivityOptions extends FigureOptions {
  /** `Test error along the line between two networks` when left out. */
  readonly title?: string;
  /** Set beside the title, softer. */
  readonly subtitle?: string;
  /** Which data the error is of; `test` when left out. */
  readonly split?: "test" | "train";
}

/**
 * Error against the position on the line, a curve for each level.
 *
 * @param lines The most important first.
 * @throws {RangeError} When the prefix cannot begin an id.
 *
 * @example
 * ```ts
 * import { connectivityFigure } from "./connectivity_figure.ts";
 * import { levelLook } from "./palette.ts";
 *
 * const at = (alpha: number, mean: number) => ({ alpha, error: { mean, minimum: mean, maximum: mean, count: 1 } });
 * const line = { name: "21.1 %", ...levelLook("ticket", 0, 1), points: [at(0, 0.02), at(0.5, 0.1), at(1, 0.02)] };
 * console.assert(connectivityFigure([line], { prefix: "line" }).words.includes("+8.00 pp"));
 * ```
 */
export function connectivityFigure(lines: readonly ConnectivityLine[], options: ConnectivityOptions): Figure {
  const split = options.split === "train" ? "Train" : "Test";
  const { title = `${split} error along the line between two networks` } = options;
  const words = connectivityWords(lines, title);
  const svg = lineFigure({
    prefix: options.prefix,
    ...options.size ? { size: options.size } : {},
    ...options.heading === undefined ? {} : { heading: options.heading },
    title,
    ...options.subtitle === undefined ? {} : { subtitle: options.subtitle },
    words,
    x: {
      title: "Position α: 0 at the one network, 1 at the other",
      ticks: [0, 0.25, 0.5, 0.75, 1],
      include: [0, 1],
      label: (value) => String(value),
    },
    y: { title: `${split} error (%)`, bounds: [0, 100] },
    series: lines.map(({ points, ...line }) => ({
      ...line,
      isCurve: true,
      points: points.map(({ alpha, error }) => ({
        x: alpha,
        y: scaledSpread(error, 100),
        // A few markers on every curve, so that it is told apart without its colour.
        isMarked: markedOf(points).has(alpha),
        note: `${line.name}, α = ${numberLabel(alpha)}: ${error ? percent(error.mean, 2) : "no value"}`,
      })),
    })).toReversed(),
    empty: "No line is measured yet",
  });
  return { svg, words };
}

/** The ends, and some in between. */
function markedOf(points: readonly ConnectivityPoint[]): ReadonlySet<number> {
  const stride = Math.max(1, Math.round((points.length - 1) / 6));
  return new Set(
    points.filter((_, index) => index % stride === 0 || index === points.length - 1).map(({ alpha }) => alpha),
  );
}

/** Of each line its ends, its highest point, and how far that stands above the mean of the ends: the instability. */
function connectivityWords(lines: readonly ConnectivityLine[], title: string): string {
  const said = lines.flatMap(({ name, points }) => {
    const there = points.flatMap(({ alpha, error }) => error ? [{ alpha, mean: error.mean }] : []);
    const [first] = there;
    const last = there.at(-1);
    if (!first || !last) return [];
    const highest = there.reduce((high, one) => one.mean > high.mean ? one : high);
    const above = highest.mean - (first.mean + last.mean) / 2;
    return [
      `${name} ${percent(first.mean, 2)} and ${percent(last.mean, 2)} at the ends, highest ${
        percent(highest.mean, 2)
      } at α = ${numberLabel(highest.alpha)} (${percentagePoints(above)} from the mean of the ends)`,
    ];
  });
  if (said.length === 0) return `${title}: no line is measured yet.`;
  const most = Math.max(...lines.flatMap(({ points }) => points.map(({ error }) => error?.count ?? 0)));
  return [
    `${title}: ${said.join("; ")}.`,
    ...most > 1 ? [`Lines are means, bands the range over ${most} pairs.`] : [],
  ].join(" ");
}
