/**
 * Points, crosses, diamonds, and the legend that explains them.
 *
 * @module
 */
// @ts-types="npm:@types/d3-shape@3.2.0"
import {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  type SymbolType,
  symbolWye,
} from "npm:d3-shape@3.2.1";
import { element, type Markup, pixel } from "./markup.ts";
import type { MarkerName } from "./palette.ts";
import { shortened, textWidth } from "./text.ts";

/** An entry of a legend. */
export type Sample =
  /** A line, with its points where they are drawn. */
  | { readonly kind: "series"; readonly text: string; readonly style: string; readonly marker?: MarkerName }
  /** A filled patch, or a line without points. */
  | { readonly kind: "area" | "line"; readonly text: string; readonly style: string; readonly dashed?: boolean }
  | { readonly kind: "rule" | "diamond" | "censored" | "cross"; readonly text: string };

/** An entry that has its place. */
export interface PlacedSample {
  /** The row, from 0. */
  readonly row: number;
  /** Draws it. */
  readonly draw: (top: number, rowHeight: number) => Markup;
}

/** Pixels of a sample's line, and around it. */
const sampleWidth = 30;
const sampleGap = 7;
const entryGap = 20;

/** A point. `area` in square pixels; hollow ones have an arrow upwards. */
export function marker(
  name: MarkerName,
  x: number,
  y: number,
  { area, hollow = false, note }: { area: number; hollow?: boolean; note?: string | undefined },
): Markup {
  const turned = turns[name] === 0 ? "" : ` rotate(${turns[name]})`;
  const shape = element(
    "path",
    {
      class: hollow ? "marker hollow" : "marker",
      d: symbol().type(shapes[name]).size(area).digits(2)() ?? "",
      transform: `translate(${pixel(x)} ${pixel(y)})${turned}`,
    },
    ...note === undefined ? [] : [element("title", {}, note)],
  );
  return hollow
    ? element("g", { class: "censored" }, element("path", { class: "cross", d: arrow(x, y - 6) }), shape)
    : shape;
}

/** Where networks diverged. */
export function cross(x: number, y: number, note?: string): Markup {
  const reach = 3.5;
  return element(
    "path",
    {
      class: "cross",
      d: `M${pixel(x - reach)} ${pixel(y - reach)}l${2 * reach} ${2 * reach}m0 ${-2 * reach}l${-2 * reach} ${
        2 * reach
      }`,
    },
    ...note === undefined ? [] : [element("title", {}, note)],
  );
}

/** A value from elsewhere. */
export function diamond(x: number, y: number, note?: string): Markup {
  return element(
    "path",
    { class: "mark", d: `M${pixel(x)} ${pixel(y - 6)}l5 6l-5 6l-5 -6Z` },
    ...note === undefined ? [] : [element("title", {}, note)],
  );
}

/** Sets a legend in rows of a width, in pixels. */
export function placeLegend(samples: readonly Sample[], left: number, width: number, font: number): PlacedSample[] {
  let row = 0;
  let x = left;
  return samples.map((sample) => {
    const text = shortened(sample.text, font, width - sampleWidth - sampleGap);
    const extent = sampleWidth + sampleGap + textWidth(text, font);
    if (x > left && x + extent > left + width) {
      row++;
      x = left;
    }
    const at = x;
    const own = row;
    x += extent + entryGap;
    return {
      row: own,
      draw: (top, rowHeight) => {
        const middle = top + (own + 0.5) * rowHeight;
        return element(
          "g",
          "style" in sample ? { class: sample.style } : {},
          drawSample(sample, at, middle),
          // The name stays in ink: grey on a light ground is for lines, not for letters.
          element("text", { class: "name", x: at + sampleWidth + sampleGap, y: middle + font * 0.35 }, text),
        );
      },
    };
  });
}

/** How many rows a legend takes. */
export function legendRows(legend: readonly PlacedSample[]): number {
  return (legend.at(-1)?.row ?? -1) + 1;
}

const shapes: Readonly<Record<MarkerName, SymbolType>> = {
  "circle": symbolCircle,
  "square": symbolSquare,
  "triangle": symbolTriangle,
  "triangle-down": symbolTriangle,
  "plus": symbolCross,
  "diamond": symbolDiamond,
  "star": symbolStar,
  "wye": symbolWye,
  "triangle-left": symbolTriangle,
  "triangle-right": symbolTriangle,
};

/** Degrees clockwise that a shape is turned by. */
const turns: Readonly<Record<MarkerName, number>> = {
  "circle": 0,
  "square": 0,
  "triangle": 0,
  "triangle-down": 180,
  "plus": 0,
  "diamond": 0,
  "star": 0,
  "wye": 0,
  "triangle-left": -90,
  "triangle-right": 90,
};

function drawSample(sample: Sample, x: number, y: number): Markup {
  const middle = x + sampleWidth / 2;
  const across = `M${pixel(x)} ${pixel(y)}h${sampleWidth}`;
  switch (sample.kind) {
    case "series":
      return element(
        "g",
        {},
        element("path", { class: "line", d: across }),
        ...sample.marker ? [marker(sample.marker, middle, y, { area: 40 })] : [],
      );
    case "line":
      return element("path", { class: sample.dashed ? "step dashed" : "step", d: across });
    case "area":
      return element("rect", { class: "area", x, y: y - 5, width: sampleWidth, height: 10 });
    case "rule":
      return element("path", { class: "rule", d: across });
    case "diamond":
      return diamond(middle, y);
    case "censored":
      return marker("circle", middle, y + 4, { area: 34, hollow: true });
    case "cross":
      return cross(middle, y);
  }
}

/** From (x, y) upwards. */
function arrow(x: number, y: number): string {
  return `M${pixel(x)} ${pixel(y)}v-8m-3 3l3 -3l3 3`;
}
