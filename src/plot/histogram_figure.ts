/**
 * Histograms of a network's weights, a panel per layer: what was pruned, and what survived before and after training.
 *
 * Each of the three is drawn as the share of its own weights per bin. In counts the survivors of a small ticket would be a line
 * at zero beside what was pruned.
 *
 * @module
 */
// @ts-types="npm:@types/d3-scale@4.0.9"
import { scaleLinear } from "npm:d3-scale@4.0.3";
import { type Figure, type FigureOptions, frame, heading, thinned, type Tick } from "./line_figure.ts";
import { element, type Markup, pixel } from "./markup.ts";
import { legendRows, placeLegend, type Sample } from "./marks.ts";
import type { StyledArm } from "./palette.ts";
import { sizes } from "./styles.ts";
import { numberLabel, remainingLabel, shortened, textWidth, tickLabels } from "./text.ts";

/** What is drawn of a line of `histograms.jsonl`. */
export interface LayerHistogram {
  /** The layer. */
  readonly layer: string;
  /** Bins divide [−limit, limit] evenly. */
  readonly limit: number;
  /** Initial values of what survives. */
  readonly initialSurviving: readonly number[];
  /** Initial values of what is pruned. */
  readonly initialPruned: readonly number[];
  /** Final values of what survives. */
  readonly finalSurviving: readonly number[];
  /** Final values that are not finite, and in no bin. */
  readonly notFinite: number;
}

/** Around everything, and between panels, in pixels. */
const margin = 12;
const between = 20;

/**
 * The histograms of one network.
 *
 * @param network What it is called, such as "ticket, level 7, replicate 1".
 * @param layers Its layers, in order.
 *
 * @example
 * ```ts
 * import { histogramFigure } from "./histogram_figure.ts";
 *
 * const layer = { layer: "dense1", limit: 1, initialSurviving: [1, 2], initialPruned: [3, 3], finalSurviving: [2, 1], notFinite: 0 };
 * console.assert(histogramFigure("ticket", [layer], { prefix: "weights" }).svg.includes("dense1"));
 * ```
 */
export function histogramFigure(
  network: string,
  layers: readonly LayerHistogram[],
  options: FigureOptions & { readonly arm?: StyledArm },
): Figure {
  const size = options.size ?? "wide";
  const { width, font, row } = sizes[size];
  const style = `arm-${options.arm ?? "ticket"}`;
  const title = "Weights before and after training";
  const words = histogramWords(layers);
  const head = heading({ ...options, title, subtitle: network }, size);
  const samples: Sample[] = [
    { kind: "area", text: "pruned, initial", style: "soft" },
    { kind: "line", text: "surviving, initial", style, dashed: true },
    { kind: "line", text: "surviving, final", style },
  ];
  const legend = placeLegend(samples, margin, width - 2 * margin, font);
  const titleY = head.bottom + legendRows(legend) * row + 6 + font;
  const top = titleY + 10;
  const columns = Math.max(1, Math.min(layers.length, size === "wide" ? 3 : 2));
  const panelWidth = (width - 2 * margin - (columns - 1) * between) / columns;
  const plotHeight = size === "wide" ? 120 : 84;
  const panelHeight = plotHeight + 2 * row + 18;
  const bottom = top + Math.max(1, Math.ceil(layers.length / columns)) * panelHeight;
  const svg = frame({ ...options, title, subtitle: network, words }, size, bottom + row, [
    ...head.texts,
    element("g", { class: "legend" }, ...legend.map((entry) => entry.draw(head.bottom, row))),
    element("text", { class: "soft axis-title", x: margin, y: titleY }, "Share of weights per bin (%)"),
    ...layers.map((layer, index) =>
      panel(layer, style, font, {
        left: margin + (index % columns) * (panelWidth + between),
        top: top + Math.floor(index / columns) * panelHeight,
        width: panelWidth,
        height: plotHeight,
        row,
      })
    ),
    element(
      "text",
      { class: "soft axis-title", x: width / 2, y: bottom + font * 0.6, "text-anchor": "middle" },
      layers.length > 0 ? "Value of a weight" : "No histogram is recorded yet",
    ),
  ]);
  return { svg, words };
}

function panel(
  { layer, limit, initialSurviving, initialPruned, finalSurviving }: LayerHistogram,
  style: string,
  font: number,
  place: { left: number; top: number; width: number; height: number; row: number },
): Markup {
  const shares = { pruned: shareOf(initialPruned), initial: shareOf(initialSurviving), final: shareOf(finalSurviving) };
  const most = Math.max(...shares.pruned, ...shares.initial, ...shares.final);
  const top = place.top + place.row + 2;
  const bottom = top + place.height;
  const y = scaleLinear().domain([0, most > 0 ? most : 1]).range([bottom, top]);
  const yTicks = y.ticks(3);
  const yNames = tickLabels(yTicks);
  const left = place.left + Math.max(...yNames.map((name) => textWidth(name, font))) + 6;
  const right = place.left + place.width;
  const reach = limit > 0 ? limit : 1;
  const x = scaleLinear().domain([-reach, reach]).range([left, right]);
  const xValues = x.ticks(Math.max(2, place.width / 60));
  const xNames = tickLabels(xValues);
  const xTicks = thinned(
    xValues.map((value, index): Tick => ({ at: x(value), label: xNames[index] ?? "", shown: true }))
      .filter(({ at, label }) => {
        const half = textWidth(label, font) / 2;
        return at - half >= place.left && at + half <= right + between / 2;
      }),
    ({ label }) => textWidth(label, font) / 2,
    8,
  );
  const steps = (bins: readonly number[]): string =>
    bins.map((share, index) =>
      `${index === 0 ? "M" : "H"}${pixel(x(-reach + 2 * reach * index / bins.length))}${index === 0 ? " " : "V"}${
        pixel(y(share))
      }`
    ).join("") + `H${pixel(right)}`;
  const has = (bins: readonly number[]): boolean => bins.some((share) => share > 0);
  return element(
    "g",
    { class: "panel" },
    element("text", { x: left, y: place.top + font }, shortened(layer, font, place.width)),
    element(
      "g",
      { class: "soft" },
      ...yTicks.flatMap((tick, index) => [
        element("path", { class: "grid", d: `M${pixel(left)} ${pixel(y(tick))}H${pixel(right)}` }),
        element("text", { x: left - 6, y: y(tick) + font * 0.35, "text-anchor": "end" }, yNames[index] ?? ""),
      ]),
      ...has(shares.pruned)
        ? [element("path", { class: "area", d: `${steps(shares.pruned)}V${pixel(bottom)}H${pixel(left)}Z` })]
        : [],
      element("path", { class: "axis", d: `M${pixel(left)} ${pixel(bottom)}H${pixel(right)}` }),
      ...xTicks.filter(({ shown }) => shown).flatMap(({ at, label }) => [
        element("path", { class: "axis", d: `M${pixel(at)} ${pixel(bottom)}v4` }),
        element("text", { x: at, y: bottom + 6 + font, "text-anchor": "middle" }, label),
      ]),
    ),
    element(
      "g",
      { class: style },
      ...has(shares.initial) ? [element("path", { class: "step dashed", d: steps(shares.initial) })] : [],
      ...has(shares.final) ? [element("path", { class: "step", d: steps(shares.final) })] : [],
    ),
  );
}

/** Counts as percentages of their sum. */
function shareOf(counts: readonly number[]): number[] {
  const all = total(counts);
  return counts.map((count) => all > 0 ? count / all * 100 : 0);
}

function histogramWords(layers: readonly LayerHistogram[]): string {
  if (layers.length === 0) return "Weights before and after training: no histogram is recorded yet.";
  const notFinite = layers.reduce((sum, layer) => sum + layer.notFinite, 0);
  return "Mean magnitude of the weights, initial of what was pruned, initial and final of what survived: " +
    layers.map(({ layer, limit, initialPruned, initialSurviving, finalSurviving }) => {
      const magnitudes = [initialPruned, initialSurviving, finalSurviving].map((bins) => {
        const mean = meanMagnitude(bins, limit);
        return mean === undefined ? "none" : numberLabel(mean);
      });
      const all = total(initialPruned) + total(initialSurviving);
      return `${layer} ${magnitudes.join(", ")} (${
        remainingLabel(all > 0 ? total(initialSurviving) / all : 0)
      } % survive)`;
    }).join("; ") + "." +
    (notFinite > 0 ? ` ${notFinite.toLocaleString("en")} final values are not finite and in no bin.` : "");
}

/** From the middles of the bins. */
function meanMagnitude(bins: readonly number[], limit: number): number | undefined {
  const all = total(bins);
  if (all === 0) return undefined;
  const sum = bins.reduce((sum, count, index) => sum + count * Math.abs((2 * index + 1) / bins.length - 1) * limit, 0);
  return sum / all;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
