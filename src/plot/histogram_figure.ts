/**
 * Histograms of a network's weights, a panel per layer: what was pruned, and what survived before and after training.
 *
 * Each of the three is drawn as the share of its own weights per bin. In counts the survivors of a small ticket would be a line
 * at zero beside what was pruned.
 *
 * @module
 */
import type { ArmName } from "../lottery/arms/names.ts";
import { histogramPanel, type HistogramPlace, meanMagnitude, shareOf, total } from "./histogram_panel.ts";
import { type Figure, type FigureOptions, frame, heading } from "./line_figure.ts";
import { element, type Markup } from "./markup.ts";
import { legendRows, placeLegend, type Sample } from "./marks.ts";
import { sizes } from "./styles.ts";
import { numberLabel, remainingLabel } from "./text.ts";

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
  options: FigureOptions & { readonly arm?: ArmName },
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
      panel(layer, style, {
        left: margin + (index % columns) * (panelWidth + between),
        top: top + Math.floor(index / columns) * panelHeight,
        width: panelWidth,
        height: plotHeight,
        row,
        font,
        between,
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
  place: HistogramPlace,
): Markup {
  const reach = limit > 0 ? limit : 1;
  return histogramPanel({
    title: layer,
    domain: [-reach, reach],
    series: [
      { style: "soft", kind: "area", heights: shareOf(initialPruned) },
      { style, kind: "line", dashed: true, heights: shareOf(initialSurviving) },
      { style, kind: "line", heights: shareOf(finalSurviving) },
    ],
  }, place);
}

function histogramWords(layers: readonly LayerHistogram[]): string {
  if (layers.length === 0) return "Weights before and after training: no histogram is recorded yet.";
  const notFinite = layers.reduce((sum, layer) => sum + layer.notFinite, 0);
  return "Mean magnitude of the weights, initial of what was pruned, initial and final of what survived: " +
    layers.map(({ layer, limit, initialPruned, initialSurviving, finalSurviving }) => {
      const magnitudes = [initialPruned, initialSurviving, finalSurviving].map((bins) => {
        const mean = meanMagnitude(bins, [-limit, limit]);
        return mean === undefined ? "none" : numberLabel(mean);
      });
      const all = total(initialPruned) + total(initialSurviving);
      return `${layer} ${magnitudes.join(", ")} (${
        remainingLabel(all > 0 ? total(initialSurviving) / all : 0)
      } % survive)`;
    }).join("; ") + "." +
    (notFinite > 0 ? ` ${notFinite.toLocaleString("en")} final values are not finite and in no bin.` : "");
}
