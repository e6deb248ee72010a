/**
 * How much of each layer survives: bars per layer at one level, and lines per layer over all levels.
 *
 * @module
 */
// @ts-types="npm:@types/d3-scale@4.0.9"
import { scaleLinear } from "npm:d3-scale@4.0.3";
import type { LevelSummary } from "../analysis/summary.ts";
import { type Figure, type FigureOptions, frame, heading, lineFigure } from "./line_figure.ts";
import { element, pixel } from "./markup.ts";
import { rampSteps } from "./palette.ts";
import { sizes } from "./styles.ts";
import { remainingLabel, shortened, textWidth, tickLabels } from "./text.ts";

/** A level's surviving weights per layer. */
export type LevelDensity = Pick<LevelSummary, "level" | "remaining" | "layers">;

/** Around everything, in pixels. */
const margin = 12;

/**
 * Surviving weights per layer at one level, as bars from zero; a rule shows the whole network.
 *
 * @param run What the run is called.
 *
 * @example
 * ```ts
 * import { densityFigure } from "./density_figure.ts";
 *
 * const layers = [{ name: "dense1", size: 1000, kept: 211 }];
 * const { words } = densityFigure("a run", { level: 7, remaining: 0.211, layers }, { prefix: "density" });
 * console.assert(words.includes("21.1 %"));
 * ```
 */
export function densityFigure(run: string, { level, remaining, layers }: LevelDensity, options: FigureOptions): Figure {
  const size = options.size ?? "wide";
  const { width, font, row } = sizes[size];
  const title = `Surviving weights per layer, level ${level}`;
  const densities = layers.map(({ name, size, kept }) => ({ name, size, kept, density: size > 0 ? kept / size : 0 }));
  const words = densityWords(level, remaining, densities);

  const head = heading({ ...options, title, subtitle: run }, size);
  const most = Math.max(remaining, ...densities.map(({ density }) => density));
  const label = (density: number, kept: number, of: number): string =>
    `${remainingLabel(density)} %` +
    (size === "wide" ? ` (${kept.toLocaleString("en")} of ${of.toLocaleString("en")})` : "");
  const labels = densities.map(({ density, kept, size }) => label(density, kept, size));
  const nameRoom = Math.min(width * 0.3, Math.max(0, ...densities.map(({ name }) => textWidth(name, font))));
  const left = margin + nameRoom + 8;
  const right = width - margin - Math.max(0, ...labels.map((text) => textWidth(text, font))) - 8;
  const top = head.bottom + 2 * font;
  const bottom = top + Math.max(1, layers.length) * row + 4;
  const x = scaleLinear().domain([0, most > 0 ? Math.min(100, most * 100) : 1]).range([left, right - 4]);
  const ticks = x.ticks(Math.max(2, (right - left) / 90));
  const names = tickLabels(ticks);
  const whole = `whole network ${remainingLabel(remaining)} %`;
  const wholeAt = x(remaining * 100);
  const wholeHalf = textWidth(whole, font) / 2;

  const svg = frame({ ...options, title, subtitle: run, words }, size, bottom + 2 * row + margin - 4, [
    ...head.texts,
    element(
      "g",
      { class: "soft x-axis" },
      ...ticks.flatMap((tick, index) => [
        element("path", { class: "grid", d: `M${pixel(x(tick))} ${pixel(top)}V${pixel(bottom)}` }),
        element("text", { x: x(tick), y: bottom + 6 + font, "text-anchor": "middle" }, names[index] ?? ""),
      ]),
      element(
        "text",
        { class: "axis-title", x: (left + right) / 2, y: bottom + 12 + 2 * font + 4, "text-anchor": "middle" },
        "Weights remaining (%)",
      ),
    ),
    ...densities.flatMap(({ name, density }, index) => {
      const middle = top + (index + 0.5) * row + 2;
      return [
        element(
          "text",
          { x: left - 8, y: middle + font * 0.35, "text-anchor": "end" },
          shortened(name, font, nameRoom),
        ),
        element(
          "g",
          { class: "arm-ticket" },
          element("rect", {
            class: "block",
            x: left,
            y: middle - row * 0.3,
            width: Math.max(0, x(density * 100) - left),
            height: row * 0.6,
          }),
        ),
        element("text", { class: "soft", x: right + 8, y: middle + font * 0.35 }, labels[index] ?? ""),
      ];
    }),
    element("path", { class: "axis", d: `M${pixel(left)} ${pixel(top)}V${pixel(bottom)}` }),
    element("path", { class: "rule", d: `M${pixel(wholeAt)} ${pixel(top - 3)}V${pixel(bottom)}` }),
    element("text", {
      x: Math.min(Math.max(wholeAt, margin + wholeHalf), width - margin - wholeHalf),
      y: top - 8,
      "text-anchor": "middle",
    }, whole),
  ]);
  return { svg, words };
}

/**
 * Surviving weights per layer over all levels: a line for each layer, in the tickets' shades from the first to the last. Layers
 * whose lines would lie on one another are one line with their names.
 */
export function layerDensityFigure(run: string, levels: readonly LevelDensity[], options: FigureOptions): Figure {
  const layers = togetherOf(levels);
  const last = levels.at(-1);
  const title = "Surviving weights per layer";
  const words = last
    ? densityWords(
      last.level,
      last.remaining,
      last.layers.map(({ name, size, kept }) => ({ name, density: size > 0 ? kept / size : 0 })),
    )
    : `${title}: no network is trained yet.`;
  // Of many layers the legend names a few along the ramp.
  const stride = Math.ceil((layers.length - 1) / 6);
  const markers = ["circle", "square", "triangle", "diamond", "triangle-down", "plus"] as const;
  const svg = lineFigure({
    ...options,
    title,
    subtitle: run,
    words,
    x: {
      title: "Weights of the whole network remaining (%)",
      scale: "log",
      reversed: true,
      ticks: levels.map(({ remaining }) => remaining).toSorted((a, b) => b - a),
      label: remainingLabel,
    },
    y: { title: "Weights of the layer remaining (%)", scale: "log", bounds: [0, 100] },
    series: layers.map((own, index) => ({
      name: namesOf(own),
      style: layers.length > 1
        ? `ramp-ticket-${Math.round(index / (layers.length - 1) * (rampSteps - 1))}`
        : "arm-ticket",
      marker: markers[layers.length > 8 ? 0 : index % markers.length] ?? "circle",
      listed: layers.length <= 8 || index % stride === 0 || index === layers.length - 1,
      points: levels.map(({ remaining, layers }) => {
        const density = densityOf(layers, own[0]);
        return {
          x: remaining,
          y: density === undefined ? null : { mean: density * 100, minimum: density * 100, maximum: density * 100 },
          note: `${namesOf(own)}, ${remainingLabel(remaining)} % of the network: ${remainingLabel(density ?? 0)} %`,
        };
      }),
    })).toReversed(),
    empty: "No trained network yet",
  });
  return { svg, words };
}

/** Lines nearer to one another than this, as a share of the axis, are one: about a line's width. */
const lineShare = 0.006;

/** The names of layers, those together whose shares are alike at every level; in the order of the first of each. */
function togetherOf(levels: readonly LevelDensity[]): (readonly string[])[] {
  const names = [...new Set(levels.flatMap(({ layers }) => layers.map(({ name }) => name)))];
  const lines = names.map((name) => ({
    name,
    heights: levels.map(({ layers }) => logarithm(densityOf(layers, name))),
  }));
  const drawn = lines.flatMap(({ heights }) => heights.filter(Number.isFinite));
  const near = lineShare * (Math.max(...drawn) - Math.min(...drawn));
  const together: { readonly first: readonly number[]; readonly names: string[] }[] = [];
  for (const { name, heights } of lines) {
    const own = together.find(({ first }) =>
      heights.every((height, index) => {
        const other = first[index] ?? NaN;
        return Object.is(height, other) || Math.abs(height - other) <= near;
      })
    );
    if (own) own.names.push(name);
    else together.push({ first: heights, names: [name] });
  }
  return together.map(({ names }) => names);
}

/** The share of a layer that survives; undefined where there is no such layer. */
function densityOf(layers: LevelDensity["layers"], name: string | undefined): number | undefined {
  const own = layers.find((layer) => layer.name === name);
  return own && own.size > 0 ? own.kept / own.size : undefined;
}

function logarithm(density: number | undefined): number {
  return density === undefined ? NaN : Math.log(density);
}

/** Layers' names as one: all of three, else the first and how many more. */
function namesOf(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names[0]} and ${names.length - 1} more`;
}

function densityWords(
  level: number,
  remaining: number,
  layers: readonly { readonly name: string; readonly density: number }[],
): string {
  const sorted = layers.toSorted((a, b) => a.density - b.density);
  const [sparsest] = sorted;
  const densest = sorted.at(-1);
  const whole = `At level ${level}, ${remainingLabel(remaining)} % of all weights remain`;
  if (!sparsest || !densest) return `${whole}.`;
  return sparsest.density === densest.density
    ? `${whole}, as many in every layer.`
    : `${whole}: most in ${densest.name} (${remainingLabel(densest.density)} %), fewest in ${sparsest.name} (${
      remainingLabel(sparsest.density)
    } %).`;
}
