/**
 * Curves as a chart and a table need them: on common iterations, smoothed, with ranges and ticks. Pure; the island draws.
 *
 * @module
 */
import { isRampArm } from "../plot/shades.ts";
import { remainingLabel } from "../plot/text.ts";
import type { CurvesView, Division, Zoom } from "./curves_view.ts";
import type { Curve } from "./types.ts";

/** A column of numbers beside the iterations: null is a gap, undefined an iteration that the curve was not evaluated at. */
export type Column = (number | null | undefined)[];

/** A curve on the chart's iterations. */
export interface ChartCurve {
  /** The curve. */
  readonly curve: Curve;
  /** Its values as they were measured. */
  readonly raw: Column;
  /** The same, smoothed; `raw` itself when they are not. */
  readonly line: Column;
  /** Of a mean: its range; null for one network. */
  readonly range: { readonly minimum: Column; readonly maximum: Column } | null;
}

/** Curves on common iterations. */
export interface ChartData {
  /** All iterations at which some curve was evaluated, ascending. */
  readonly iterations: number[];
  /** The curves, in the order they came. */
  readonly curves: readonly ChartCurve[];
}

/** Puts curves on common iterations. What a logarithmic axis cannot show is left out: iteration 0, values that are not positive. */
export function chartData(
  curves: readonly Curve[],
  { x, y, smoothing }: Pick<CurvesView, "x" | "y" | "smoothing">,
): ChartData {
  const all = new Set(curves.flatMap(({ iterations }) => iterations));
  const iterations = [...all].filter((iteration) => x === "linear" || iteration > 0).sort((a, b) => a - b);
  const places = new Map(iterations.map((iteration, index) => [iteration, index]));
  return {
    iterations,
    curves: curves.map((curve) => {
      const place = (values: readonly (number | null)[]): Column => {
        const column = new Array<number | null | undefined>(iterations.length).fill(undefined);
        curve.iterations.forEach((iteration, index) => {
          const at = places.get(iteration);
          if (at === undefined) return;
          const value = values[index] ?? null;
          column[at] = value !== null && y === "log" && value <= 0 ? null : value;
        });
        return column;
      };
      const raw = place(curve.values);
      return {
        curve,
        raw,
        line: smoothing > 0 ? place(smoothed(curve.values, smoothing)) : raw,
        range: curve.range && { minimum: place(curve.range.minimum), maximum: place(curve.range.maximum) },
      };
    }),
  };
}

/**
 * A mean of the values around each, which count the less the further away they are, on both sides alike: so the smoothed line
 * is not late. What is behind a gap does not count.
 *
 * @param weight of a value beside the next one nearer, from 0 to below 1
 */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  const before = decayingSums(values, weight);
  const after = decayingSums(values.toReversed(), weight).toReversed();
  return values.map((value, index) => {
    const [left, right] = [before[index], after[index]];
    if (value === null || !left || !right) return null;
    // Both sums have the value itself.
    return (left.sum + right.sum - value) / (left.weights + right.weights - 1);
  });
}

/** Sums of all values since the last gap, each multiplied by the weight for every step that it is away. */
function decayingSums(
  values: readonly (number | null)[],
  weight: number,
): { readonly sum: number; readonly weights: number }[] {
  let [sum, weights] = [0, 0];
  return values.map((value) => {
    [sum, weights] = value === null ? [0, 0] : [weight * sum + value, weight * weights + 1];
    return { sum, weights };
  });
}

/** Values that the fine range leaves out: those of the steep beginning. */
const steepShare = 0.25;

/**
 * The vertical range of a chart: all that is drawn, or what is left when the worst quarter of each curve's values is not looked
 * at; a twentieth more on both sides, but no accuracy beyond 0 and 1.
 */
export function valueRange(
  { curves }: ChartData,
  { range, y, isAccuracy }: { readonly range: CurvesView["range"]; readonly y: Division; readonly isAccuracy: boolean },
): readonly [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const { raw, range: band } of curves) {
    const values = raw.filter(isNumber);
    if (values.length === 0) continue;
    const sorted = values.toSorted((a, b) => isAccuracy ? a - b : b - a);
    const kept = range === "fine" && sorted.length >= 8 ? sorted.slice(Math.ceil(sorted.length * steepShare)) : sorted;
    const cut = kept[0] ?? 0;
    const bands = [...band?.minimum ?? [], ...band?.maximum ?? []].filter(isNumber).filter((value) =>
      range === "all" || (isAccuracy ? value >= cut : value <= cut)
    );
    for (const value of [...kept, ...bands]) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  if (least > most) return isAccuracy ? [0, 1] : [0.1, 1];
  if (y === "log") {
    const factor = Math.max(1.02, (most / least) ** 0.05);
    return [least / factor, isAccuracy ? Math.min(1, most * factor) : most * factor];
  }
  const margin = Math.max((most - least) * 0.05, Math.abs(most) * 1e-3, 1e-6);
  return [Math.max(0, least - margin), isAccuracy ? Math.min(1, most + margin) : most + margin];
}

/** Where ticks stand on a logarithmic axis: 1, 2 and 5 times powers of ten; round numbers where the axis is shorter than that. */
export function logTicks(least: number, most: number, wanted: number): number[] {
  if (!(least > 0) || !(most > least)) return [];
  const ticks: number[] = [];
  const decades = Math.log10(most / least);
  const steps = decades > wanted ? [1] : decades > wanted / 2 ? [1, 3] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    for (const step of steps) {
      const tick = Number(`${step}e${power}`);
      if (tick >= least && tick <= most) ticks.push(tick);
    }
  }
  return ticks.length >= 3 ? ticks : linearTicks(least, most, wanted);
}

/** Where ticks stand on an even axis: multiples of 1, 2 or 5 times a power of ten, about as many as wanted, and two at least. */
export function linearTicks(least: number, most: number, wanted: number): number[] {
  if (!(most > least)) return [];
  const rough = (most - least) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((own) => own * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let index = Math.ceil(least / step - 1e-9); index * step <= most + step * 1e-9; index++) {
    // Without the digits that binary fractions add.
    ticks.push(Number((index * step).toPrecision(12)));
  }
  return ticks.length < 2 && wanted < 20 ? linearTicks(least, most, 2 * wanted) : ticks;
}

/** A value of a metric in words: accuracies in percent, losses in nats. */
export function valueWords(value: number | null | undefined, isAccuracy: boolean): string {
  if (value === null || value === undefined) return "–";
  return isAccuracy ? `${(value * 100).toFixed(2)} %` : value >= 0.01 ? value.toFixed(4) : value.toExponential(2);
}

/** Ticks of a metric in words, all with the digits that the closest two need. */
export function tickWords(ticks: readonly number[], isAccuracy: boolean): string[] {
  const shown = ticks.map((tick) => isAccuracy ? tick * 100 : tick);
  const digits = Math.max(
    0,
    ...shown.map((value) => /\.(\d+)/.exec(String(Number(value.toPrecision(10))))?.[1]?.length ?? 0),
  );
  return shown.map((value) => `${value.toFixed(Math.min(6, digits))}${isAccuracy ? " %" : ""}`);
}

/** What a curve is called: its arm, what is left of the network, and of one network its replicate and draw. */
export function curveName({ arm, level, remaining, replicate, draw }: Curve): string {
  const size = level === 0 ? "dense" : `${arm} ${remainingLabel(remaining)} %`;
  if (replicate === null) return size;
  return `${size}, replicate ${replicate}${arm === "ticket" || draw === null ? "" : `, draw ${draw}`}`;
}

/**
 * The classes of curves in the figures' stylesheet. An arm keeps its colour: where there are several pruned levels each has its
 * shade of it, spread over those that are there; the dense network is in ink.
 *
 * @param steps steps of an arm's ramp in the stylesheet
 */
export function curveStyles(curves: readonly Pick<Curve, "arm" | "level">[], steps: number): string[] {
  const levels = [...new Set(curves.map(({ level }) => level))];
  const pruned = levels.filter((level) => level > 0).sort((a, b) => a - b);
  return curves.map(({ arm, level }) => {
    if (level === 0) return "run-0";
    if (pruned.length === 1 || !isRampArm(arm)) return `arm-${arm}`;
    return `ramp-${arm}-${Math.round(pruned.indexOf(level) / (pruned.length - 1) * (steps - 1))}`;
  });
}

/** The index of a column's last value; undefined where it has none. */
export function lastIndex(column: Column): number | undefined {
  const index = column.findLastIndex(isNumber);
  return index < 0 ? undefined : index;
}

/**
 * Where a curve says that a network of it diverged: on its last value until then. That is its end for a network, a place on
 * the line for a mean that goes on without it. Undefined where there is no value before.
 */
export function divergencePlace(
  iterations: readonly number[],
  column: Column,
  divergedAt: number,
): { readonly x: number; readonly y: number } | undefined {
  const index = column.findLastIndex((value, at) => isNumber(value) && (iterations[at] ?? Infinity) <= divergedAt);
  const [x, y] = [iterations[index], column[index]];
  return x === undefined || !isNumber(y) ? undefined : { x, y };
}

/** What identifies a curve among those of a run. */
export function curveKey({ arm, level, replicate, draw }: Curve): string {
  return [arm, level, replicate ?? "mean", draw ?? "mean"].join("-");
}

/** Where a key moves the cursor: by one, by ten, to the beginning or the end; undefined for other keys. */
export function movedIndex(key: string, index: number, length: number): number | undefined {
  const last = length - 1;
  const moved = {
    ArrowLeft: index - 1,
    ArrowDown: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index + 1,
    PageDown: index - 10,
    PageUp: index + 10,
    Home: 0,
    End: last,
  }[key];
  return moved === undefined || last < 0 ? undefined : Math.min(last, Math.max(0, moved));
}

/** Curves as rows: an iteration and every curve's value there, with a header. */
export function curveTable(
  curves: readonly Curve[],
): { readonly header: string[]; readonly rows: (number | null)[][] } {
  const { iterations, curves: own } = chartData(curves, { x: "linear", y: "linear", smoothing: 0 });
  return {
    header: ["iteration", ...curves.map(curveName)],
    rows: iterations.map((iteration, index) => [iteration, ...own.map(({ raw }) => raw[index] ?? null)]),
  };
}

/** Some rows of many, evenly spread, the first and the last among them. */
export function someOf<Row>(rows: readonly Row[], most: number): Row[] {
  if (rows.length <= most) return [...rows];
  return Array.from({ length: most }, (_, index) => rows[Math.round(index * (rows.length - 1) / (most - 1))])
    .filter((row) => row !== undefined);
}

/** A zoom within what is there; null where it shows nothing. */
export function soundZoom(zoom: Zoom | null, iterations: readonly number[]): Zoom | null {
  const [first, last] = [iterations[0], iterations.at(-1)];
  if (!zoom || first === undefined || last === undefined) return null;
  return zoom[0] < last && zoom[1] > first ? zoom : null;
}

function isNumber(value: number | null | undefined): value is number {
  return value !== null && value !== undefined;
}
