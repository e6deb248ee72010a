/**
 * One small histogram: steps and filled areas over common bins, with its axes. Figures set several of them side by side.
 *
 * @module
 */
// @ts-types="npm:@types/d3-scale@4.0.9"
import { scaleLinear } from "npm:d3-scale@4.0.3";
import { thinned, type Tick } from "./line_figure.ts";
import { element, type Markup, pixel } from "./markup.ts";
import { shortened, textWidth, tickLabels } from "./text.ts";

/** How the bins of a histogram are drawn. */
export interface HistogramLook {
  /** Its class in the stylesheet: `arm-ticket`, `soft`, … */
  readonly style: string;
  /** Filled down to zero, or a line over its bins. */
  readonly kind: "area" | "line";
  /** Whether the line is dashed; false when left out. */
  readonly dashed?: boolean;
}

/** The bins of a histogram. */
export interface HistogramSeries extends HistogramLook {
  /** A height per bin. */
  readonly heights: readonly number[];
}

/** Where a histogram stands, in pixels. */
export interface HistogramPlace {
  /** The left edge of the tick labels. */
  readonly left: number;
  /** The top of the title. */
  readonly top: number;
  /** Tick labels and plot. */
  readonly width: number;
  /** The plot alone. */
  readonly height: number;
  /** The title's row. */
  readonly row: number;
  /** The font's size. */
  readonly font: number;
  /** Room to the next histogram on the right. */
  readonly between: number;
}

/** What {@linkcode histogramPanel} draws. */
export interface HistogramPanel {
  /** Above it. */
  readonly title: string;
  /** Bins divide this evenly. */
  readonly domain: readonly [least: number, most: number];
  /** The bins, drawn in order; one without a value above zero is left out. */
  readonly series: readonly HistogramSeries[];
  /** The height of the vertical axis; what is highest when left out. */
  readonly most?: number;
  /** Pixels for the labels of the vertical axis; as wide as they are when left out. */
  readonly labelRoom?: number;
  /** Whether the vertical axis has labels; true when left out. */
  readonly isLabelled?: boolean;
  /** What stands in the middle when no bin has a value; nothing when left out. */
  readonly empty?: string;
}

/** Pixels between the labels of the vertical axis and the plot. */
const labelGap = 6;

/** Ticks of a vertical axis from zero, and how wide their labels are in pixels. */
export function heightTicks(most: number, font: number): { readonly ticks: readonly number[]; readonly room: number } {
  const ticks = scaleLinear().domain([0, most > 0 ? most : 1]).ticks(3);
  return { ticks, room: Math.max(...tickLabels(ticks).map((name) => textWidth(name, font))) + labelGap };
}

/** Draws a histogram. */
export function histogramPanel(panel: HistogramPanel, place: HistogramPlace): Markup {
  const { domain: [least, greatest], series, isLabelled = true } = panel;
  const { font } = place;
  const most = panel.most ?? Math.max(0, ...series.flatMap(({ heights }) => heights));
  const top = place.top + place.row + 2;
  const bottom = top + place.height;
  const y = scaleLinear().domain([0, most > 0 ? most : 1]).range([bottom, top]);
  const { ticks: yTicks, room } = heightTicks(most, font);
  const yNames = tickLabels(yTicks);
  const left = place.left + (panel.labelRoom ?? room);
  const right = place.left + place.width;
  const x = scaleLinear().domain(greatest > least ? [least, greatest] : [least - 1, least + 1]).range([left, right]);
  const xValues = x.ticks(Math.max(3, place.width / 60));
  const xNames = tickLabels(xValues);
  // A label at an edge moves inwards as far as it would run into what is beside; its tick stays where it is.
  const halfWidth = ({ label }: Pick<Tick, "label">): number => textWidth(label, font) / 2;
  const reach = place.between / 2 - 3;
  const first = isLabelled ? place.left : left - reach;
  const labels = xNames.map((label, index): Tick => {
    const half = halfWidth({ label });
    const at = Math.max(first + half, Math.min(right + reach - half, x(xValues[index] ?? 0)));
    return { at, label, shown: true };
  });
  const xTicks = thinned(labels, halfWidth, 8).filter(({ shown }) => shown).map(({ at, label }) => ({
    label,
    labelAt: at,
    at: x(xValues[xNames.indexOf(label)] ?? 0),
  }));
  const steps = (heights: readonly number[]): string =>
    heights.map((height, index) =>
      `${index === 0 ? "M" : "H"}${pixel(left + (right - left) * index / heights.length)}${index === 0 ? " " : "V"}${
        pixel(y(height))
      }`
    ).join("") + `H${pixel(right)}`;
  const drawn = series.filter(({ heights }) => heights.some((height) => height > 0));
  const title = shortened(panel.title, font, right - left + place.between / 2);
  return element(
    "g",
    { class: "panel" },
    element("text", { x: left, y: place.top + font }, title),
    element(
      "g",
      { class: "soft" },
      ...yTicks.flatMap((tick, index) => [
        element("path", { class: "grid", d: `M${pixel(left)} ${pixel(y(tick))}H${pixel(right)}` }),
        ...isLabelled
          ? [
            element(
              "text",
              { x: left - labelGap, y: y(tick) + font * 0.35, "text-anchor": "end" },
              yNames[index] ?? "",
            ),
          ]
          : [],
      ]),
      element("path", { class: "axis", d: `M${pixel(left)} ${pixel(bottom)}H${pixel(right)}` }),
      ...xTicks.flatMap(({ at, labelAt, label }) => [
        element("path", { class: "axis", d: `M${pixel(at)} ${pixel(bottom)}v4` }),
        element("text", { x: labelAt, y: bottom + 6 + font, "text-anchor": "middle" }, label),
      ]),
      ...drawn.length === 0 && panel.empty
        ? [element(
          "text",
          { x: (left + right) / 2, y: (top + bottom) / 2, "text-anchor": "middle" },
          shortened(panel.empty, font, right - left),
        )]
        : [],
    ),
    ...drawn.map(({ style, kind, dashed, heights }) =>
      element(
        "g",
        { class: style },
        kind === "area"
          ? element("path", { class: "area", d: `${steps(heights)}V${pixel(bottom)}H${pixel(left)}Z` })
          : element("path", { class: dashed ? "step dashed" : "step", d: steps(heights) }),
      )
    ),
  );
}

/** Counts as percentages of their sum; zeros where there are none. */
export function shareOf(counts: readonly number[]): number[] {
  const all = total(counts);
  return counts.map((count) => all > 0 ? count / all * 100 : 0);
}

/** Mean magnitude of what was counted, from the middles of the bins; undefined where there is nothing. */
export function meanMagnitude(
  counts: readonly number[],
  [least, most]: readonly [least: number, most: number],
): number | undefined {
  const all = total(counts);
  if (all === 0) return undefined;
  const width = (most - least) / counts.length;
  return counts.reduce((sum, count, index) => sum + count * Math.abs(least + (index + 0.5) * width), 0) / all;
}

/** The sum of counts. */
export function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
