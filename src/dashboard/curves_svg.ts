/**
 * Curves as an SVG file: what the chart on the page shows, for a paper or a talk.
 *
 * @module
 */
import { type Figure, type FigureOptions, frame, heading } from "../plot/line_figure.ts";
import { legendRows, placeLegend, type Sample } from "../plot/marks.ts";
import { element, type Markup, pixel } from "../plot/markup.ts";
import { armStyles, rampSteps } from "../plot/palette.ts";
import { sizes } from "../plot/styles.ts";
import { textWidth } from "../plot/text.ts";
import {
  type ChartCurve,
  chartData,
  type Column,
  curveName,
  curveStyles,
  divergencePlace,
  linearTicks,
  logTicks,
  tickWords,
  valueRange,
  valueWords,
} from "./curves_data.ts";
import { type CurvesView, type Division, metricNames } from "./curves_view.ts";
import type { Curve } from "./types.ts";

/** Around everything, in pixels. */
const margin = 12;

/** The most curves that a legend names; more would be taller than the picture. */
const mostNamed = 24;

/**
 * Draws curves as the chart does: an arm in its colour, in shades of it where there are several levels; lines dashed by arm.
 */
export function curvesFigure(
  run: string,
  curves: readonly Curve[],
  view: Pick<CurvesView, "metric" | "x" | "y" | "range" | "smoothing">,
  options: FigureOptions,
): Figure {
  const size = options.size ?? "wide";
  const { width, plot, font, row } = sizes[size];
  const { name, isAccuracy } = metricNames[view.metric];
  const data = chartData(curves, view);
  const styles = curveStyles(curves, rampSteps);
  const words = curvesWords(name, data.curves, isAccuracy);
  const title = `${name} against iterations`;
  const head = heading({ ...options, title, subtitle: run }, size);
  const named = curves.slice(0, mostNamed);
  const samples: Sample[] = named.map((curve, index) => ({
    kind: "line",
    text: curveName(curve),
    style: styles[index] ?? "",
    dashed: curve.arm !== "ticket",
  }));
  const legend = placeLegend(samples, margin, width - 2 * margin, font);
  const titleY = head.bottom + legendRows(legend) * row + 6 + font;
  const top = titleY + 10;
  const bottom = top + plot;
  const [least, most] = valueRange(data, { range: view.range, y: view.y, isAccuracy });
  const yTicks = ticksOf(view.y, least, most, plot / 45);
  const yNames = tickWords(yTicks, isAccuracy);
  const left = margin + Math.max(textWidth("0", font), ...yNames.map((text) => textWidth(text, font))) + 8;
  // Half of the last tick's label stands beside the plot.
  const right = width - margin - Math.max(8, textWidth("50,000", font) / 2);
  const first = data.iterations[0] ?? 0;
  const last = data.iterations.at(-1) ?? 1;
  const x = scaleOf(view.x, [first, last > first ? last : first + 1], [left, right]);
  const y = scaleOf(view.y, [least, most], [bottom, top]);
  const xTicks = ticksOf(view.x, first, last, (right - left) / 80);
  const clip = `${options.prefix}-${size}-clip`;

  const svg = frame({ ...options, title, subtitle: run, words }, size, bottom + 2 * row + margin - 4, [
    ...head.texts,
    element("g", { class: "legend" }, ...legend.map((entry) => entry.draw(head.bottom, row))),
    element("text", { class: "soft axis-title", x: margin, y: titleY }, `${name} (${isAccuracy ? "%" : "nats"})`),
    element(
      "clipPath",
      { id: clip },
      element("rect", { x: left, y: top, width: right - left, height: bottom - top }),
    ),
    element(
      "g",
      { class: "soft y-axis" },
      ...yTicks.flatMap((tick, index) => [
        element("path", { class: "grid", d: `M${pixel(left)} ${pixel(y(tick))}H${pixel(right)}` }),
        element("text", { x: left - 8, y: y(tick) + font * 0.35, "text-anchor": "end" }, yNames[index] ?? ""),
      ]),
    ),
    element(
      "g",
      { class: "soft x-axis" },
      element("path", { class: "axis", d: `M${pixel(left)} ${pixel(bottom)}H${pixel(right)}` }),
      ...xTicks.flatMap((tick) => [
        element("path", { class: "axis", d: `M${pixel(x(tick))} ${pixel(bottom)}v5` }),
        element("text", { x: x(tick), y: bottom + 8 + font, "text-anchor": "middle" }, tick.toLocaleString("en")),
      ]),
      element(
        "text",
        { class: "axis-title", x: (left + right) / 2, y: bottom + 12 + 2 * font + 4, "text-anchor": "middle" },
        "Iteration",
      ),
    ),
    element(
      "g",
      { "clip-path": `url(#${clip})` },
      ...data.curves.map((own, index) =>
        drawCurve(own, data.iterations, { x, y, top, bottom, style: styles[index] ?? "" })
      ),
    ),
    ...data.iterations.length === 0
      ? [element(
        "text",
        { class: "soft", x: (left + right) / 2, y: (top + bottom) / 2, "text-anchor": "middle" },
        "No evaluations",
      )]
      : [],
  ]);
  return { svg, words };
}

/** A place in pixels of a value. */
type Scale = (value: number) => number;

function drawCurve(
  { curve, raw, line, range }: ChartCurve,
  iterations: readonly number[],
  { x, y, top, bottom, style }: {
    readonly x: Scale;
    readonly y: Scale;
    readonly top: number;
    readonly bottom: number;
    readonly style: string;
  },
): Markup {
  const dash = armStyles[curve.arm].dash;
  const at = raw.findIndex((_, index) => (iterations[index] ?? 0) >= (curve.earlyStop ?? Infinity));
  const stop = curve.earlyStop === null ? undefined : raw[at];
  const end = curve.divergedAt === null ? undefined : divergencePlace(iterations, raw, curve.divergedAt);
  // What ends outside the vertical range has its cross at the edge.
  const cross = curve.divergedAt === null ? undefined : {
    x: x(end?.x ?? curve.divergedAt),
    y: end ? Math.min(bottom - 8, Math.max(top + 8, y(end.y))) : bottom - 8,
  };
  return element(
    "g",
    { class: `${style}${curve.level === 0 ? " strong" : ""}` },
    element("title", {}, curveName(curve)),
    ...range ? [element("path", { class: "area", opacity: 0.5, d: bandPath(range, iterations, x, y) })] : [],
    ...line === raw ? [] : [element("path", { class: "line", opacity: 0.28, d: linePath(raw, iterations, x, y) })],
    element("path", {
      class: "line",
      "stroke-dasharray": dash.length > 0 ? dash.join(" ") : undefined,
      d: linePath(line, iterations, x, y),
    }),
    ...typeof stop === "number"
      ? [element("circle", { class: "marker", cx: x(iterations[at] ?? 0), cy: y(stop), r: 4 })]
      : [],
    ...cross
      ? [element("path", {
        class: "cross",
        d: `M${pixel(cross.x - 4)} ${pixel(cross.y - 4)}l8 8M${pixel(cross.x - 4)} ${pixel(cross.y + 4)}l8 -8`,
      })]
      : [],
  );
}

/** A line that is broken where a value is missing, and goes on where the curve was not evaluated. */
function linePath(column: Column, iterations: readonly number[], x: Scale, y: Scale): string {
  let path = "";
  let isBroken = true;
  column.forEach((value, index) => {
    if (value === undefined) return;
    if (value === null) isBroken = true;
    else {
      path += `${isBroken ? "M" : "L"}${pixel(x(iterations[index] ?? 0))} ${pixel(y(value))}`;
      isBroken = false;
    }
  });
  return path;
}

function bandPath(
  { minimum, maximum }: { readonly minimum: Column; readonly maximum: Column },
  iterations: readonly number[],
  x: Scale,
  y: Scale,
): string {
  let path = "";
  let stretch: { readonly x: number; readonly low: number; readonly high: number }[] = [];
  const close = (): void => {
    if (stretch.length > 1) {
      const upper = stretch.map((own, index) => `${index === 0 ? "M" : "L"}${pixel(own.x)} ${pixel(own.high)}`);
      const lower = stretch.toReversed().map((own) => `L${pixel(own.x)} ${pixel(own.low)}`);
      path += `${[...upper, ...lower].join("")}Z`;
    }
    stretch = [];
  };
  iterations.forEach((iteration, index) => {
    const [low, high] = [minimum[index], maximum[index]];
    if (low === undefined || high === undefined) return;
    if (low === null || high === null) close();
    else stretch.push({ x: x(iteration), low: y(low), high: y(high) });
  });
  close();
  return path;
}

function ticksOf(division: Division, least: number, most: number, wanted: number): number[] {
  return division === "log" ? logTicks(least, most, wanted) : linearTicks(least, most, wanted);
}

function scaleOf(
  division: Division,
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const measure = division === "log" ? (value: number): number => Math.log(Math.max(value, 1e-12)) : Number;
  const [first, last] = [measure(from), measure(to)];
  return (value) => start + (measure(value) - first) / (last - first) * (end - start);
}

function curvesWords(name: string, curves: readonly ChartCurve[], isAccuracy: boolean): string {
  if (curves.length === 0) return `${name} against iterations: no evaluations.`;
  const parts = curves.slice(0, mostNamed).map(({ curve, raw }) => {
    const last = raw.findLast((value) => typeof value === "number");
    return `${curveName(curve)} ${valueWords(last, isAccuracy)}${
      curve.divergedAt === null ? "" : ` (diverged at ${curve.divergedAt.toLocaleString("en")})`
    }`;
  });
  return `${name} at the last evaluation: ${parts.join("; ")}.`;
}
