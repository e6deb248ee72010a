/**
 * What a network's first layer looks at, as pictures of little squares: which pixels of the input keep connections, the weights of
 * one unit, the filters of a convolution. For pages as paths of SVG with classes alone; as files, SVG or PNG with plain colours.
 *
 * @module
 */
import { encode } from "npm:fast-png@8.0.0";
import type { NetworkKey } from "../lottery/types.ts";
import type { Ticket } from "../lottery/ticket.ts";
import type { Model } from "../nn/inference.ts";
import { type LayerLayout, layOut } from "../nn/network.ts";
import { element, pixel } from "../plot/markup.ts";
import { percent } from "../analysis/outcome.ts";
import type { Dashboard } from "./dashboard.ts";
import { describeSurvivors } from "./try_pictures.ts";

/** Shades of a heat map beside "none", and of each sign of a weight beside "near zero". */
export const heatShades = 10;
const signShades = 5;

/** A square of a picture. */
export interface Cell {
  /** Column of its left edge; one unit is a square's side. */
  readonly x: number;
  /** Row of its upper edge. */
  readonly y: number;
  /** Its class: `heat-1` to `heat-10` for few to many, `tone-0` to `tone-10` for negative over zero (5) to positive. */
  readonly shade: string;
}

/** A picture of a first layer. */
export interface LevelImage {
  /** What it is called in addresses: `pixels`, `filters`, `unit-12`. */
  readonly name: string;
  /** What it shows. */
  readonly title: string;
  /** Its numbers in words. */
  readonly words: string;
  /** Columns, in squares. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Where there is something: drawn as empty (a heat map's zero) or as pruned. */
  readonly tiles: readonly {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }[];
  /** Whether what no square covers within a tile is a pruned weight, and drawn with a hatch. */
  readonly isHatched: boolean;
  /** The squares. */
  readonly cells: readonly Cell[];
  /** What the shades mean, from first to last. */
  readonly scale: readonly { readonly shade: string; readonly label: string }[];
}

/** A network's pictures, or why there are none. */
export interface LevelImages {
  /** Which network. */
  readonly network: NetworkKey;
  /** Its pictures. */
  readonly images: readonly LevelImage[];
  /** Units of the first layer, where one can be looked at by itself; 0 where not. */
  readonly units: number;
  /** The unit that is looked at; null when none is. */
  readonly unit: number | null;
  /** Why there is no picture, in a sentence; null when there is one. */
  readonly problem: string | null;
}

/**
 * A network's pictures, from its ticket and, where they were kept, its trained values.
 *
 * @param unit the unit of a dense first layer to look at, from 1; none when left out, or when there is no such unit
 */
export async function readLevelImages(
  dashboard: Dashboard,
  id: string,
  network: NetworkKey,
  unit?: number,
): Promise<LevelImages> {
  const nothing = { network, images: [], units: 0, unit: null };
  let ticket: Ticket | undefined;
  try {
    ticket = await dashboard.readTicket(id, network);
  } catch (error) {
    return { ...nothing, problem: error instanceof Error ? error.message : String(error) };
  }
  if (!ticket) {
    return { ...nothing, problem: "The ticket of this network is not there: it is written when its level is trained." };
  }
  // Damaged trained values leave the initial ones to be shown; runs verify tells of them.
  const final = await dashboard.readFinal(id, network).catch(() => undefined);
  const [first] = layOut(ticket.network).layers;
  if (!first) return { ...nothing, problem: "This network has no layer with weights." };
  const units = first.type === "dense" && isPicture(first) ? first.outputs : 0;
  const chosen = unit !== undefined && Number.isInteger(unit) && unit >= 1 && unit <= units ? unit : null;
  const images = imagesOf(ticket, final, chosen ?? undefined);
  const problem = images.length === 0
    ? `The first layer, ${first.name}, takes ${first.inputs} values that are no picture, so there is nothing to draw.`
    : null;
  return { network, images, units, unit: chosen, problem };
}

/**
 * The pictures of a ticket: for a dense first layer on an image which pixels keep connections and, where one is named, a unit's
 * weights; for a convolution its filters. Weights are the trained ones where given, else those that the ticket starts from.
 *
 * @param unit a unit of a dense first layer, from 1
 */
export function imagesOf(ticket: Ticket, final?: Model, unit?: number): LevelImage[] {
  const [layer] = layOut(ticket.network).layers;
  const mask = ticket.masks[0];
  const weights = (final ?? ticket.rewind ?? { layers: ticket.initial }).layers[0]?.weight;
  if (!layer || !mask || !weights) return [];
  const values: Values = {
    layer,
    mask,
    weights,
    source: final ? "trained values" : ticket.rewind ? "values that the ticket is rewound to" : "initial values",
  };
  if (layer.type === "conv") return [filters(values)];
  if (!isPicture(layer)) return [];
  return [pixels(values), ...(unit === undefined ? [] : [unitWeights(values, unit)])];
}

/** A first layer. */
interface Values {
  readonly layer: LayerLayout;
  readonly mask: Uint8Array<ArrayBuffer>;
  readonly weights: Float32Array<ArrayBuffer>;
  readonly source: string;
}

function isPicture({ input }: LayerLayout): boolean {
  return input.height > 1 && input.width > 1;
}

/** Survivors per pixel of the input, over channels and units; row by row. */
export function survivorsPerPixel(
  mask: Uint8Array<ArrayBuffer>,
  { input, outputs }: Pick<LayerLayout, "input" | "outputs">,
): Uint32Array<ArrayBuffer> {
  const area = input.height * input.width;
  const counts = new Uint32Array(area);
  for (let index = 0; index < mask.length; index++) {
    const at = Math.floor(index / outputs) % area;
    counts[at] = (counts[at] ?? 0) + (mask[index] ?? 0);
  }
  return counts;
}

function pixels({ layer, mask }: Values): LevelImage {
  const { input: { channels, height, width }, outputs } = layer;
  const counts = survivorsPerPixel(mask, layer);
  const all = channels * outputs;
  const most = counts.reduce((max, count) => Math.max(max, count), 0);
  const connected = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  const kept = counts.reduce((sum, count) => sum + count, 0);
  const shadeOf = (count: number): number => Math.ceil(count / Math.max(1, most) * heatShades);
  return {
    name: "pixels",
    title: "Which pixels keep connections",
    words: `${group(connected)} of ${group(counts.length)} pixels keep a connection to ${layer.name}, on average ${
      (kept / counts.length).toFixed(1)
    } of ${group(all)}. ${describeSurvivors(counts, width, all)}`,
    width,
    height,
    tiles: [{ x: 0, y: 0, width, height }],
    isHatched: false,
    cells: Array.from(counts, (count, at) => ({ count, at })).filter(({ count }) => count > 0).map(({ count, at }) => ({
      x: at % width,
      y: Math.floor(at / width),
      shade: `heat-${shadeOf(count)}`,
    })),
    scale: [
      { shade: "heat-0", label: "0" },
      ...Array.from({ length: heatShades }, (_, index) => ({
        shade: `heat-${index + 1}`,
        label: index === heatShades - 1 ? `${group(most)} connections` : "",
      })),
    ],
  };
}

function unitWeights(values: Values, unit: number): LevelImage {
  const { layer, mask, weights, source } = values;
  const { input: { channels, height, width }, outputs } = layer;
  const area = height * width;
  const column = unit - 1;
  const limit = largest(weights, mask, (index) => index % outputs === column);
  const cells: Cell[] = [];
  for (let input = 0; input < channels * area; input++) {
    const index = input * outputs + column;
    if (mask[index] !== 1) continue;
    const at = input % area;
    cells.push({
      x: Math.floor(input / area) * (width + 1) + at % width,
      y: Math.floor(at / width),
      shade: toneOf(weights[index] ?? 0, limit),
    });
  }
  return {
    name: `unit-${unit}`,
    title: `Unit ${unit} of ${layer.name}`,
    words:
      `Unit ${unit} of ${layer.name} keeps ${group(cells.length)} of its ${
        group(channels * area)
      } weights. Drawn are the ${source}` +
      `, the largest ${limit.toPrecision(2)} in size.`,
    width: channels * (width + 1) - 1,
    height,
    tiles: Array.from({ length: channels }, (_, channel) => ({ x: channel * (width + 1), y: 0, width, height })),
    isHatched: true,
    cells,
    scale: toneScale(limit),
  };
}

/** Filters in a row of the picture: many of them are drawn smaller. */
function filtersPerRow(count: number): number {
  return count > 32 ? 8 : Math.min(4, count);
}

function filters({ layer, mask, weights, source }: Values): LevelImage {
  const { input: { channels }, size, outputs } = layer;
  const limit = largest(weights, mask, () => true);
  // The channels of a filter stand side by side, half a square apart; a square is between two filters.
  const filterWidth = channels * size + (channels - 1) / 2;
  const columns = filtersPerRow(outputs);
  const placeOf = (filter: number, channel: number): { readonly x: number; readonly y: number } => ({
    x: (filter % columns) * (filterWidth + 1.5) + channel * (size + 0.5),
    y: Math.floor(filter / columns) * (size + 1.5),
  });
  const cells: Cell[] = [];
  const survivors = new Uint32Array(outputs);
  for (let index = 0; index < mask.length; index++) {
    if (mask[index] !== 1) continue;
    const filter = index % outputs;
    const input = Math.floor(index / outputs);
    const { x, y } = placeOf(filter, Math.floor(input / size ** 2));
    survivors[filter] = (survivors[filter] ?? 0) + 1;
    cells.push({
      x: x + input % size,
      y: y + Math.floor(input / size) % size,
      shade: toneOf(weights[index] ?? 0, limit),
    });
  }
  const dead = survivors.filter((count) => count === 0).length;
  const whole = survivors.filter((count) => count === channels * size ** 2).length;
  return {
    name: "filters",
    title: `Filters of ${layer.name}`,
    words: `${group(outputs)} filters of ${size} × ${size} weights${
      channels === 3 ? " for red, green and blue" : channels === 1 ? "" : ` for each of ${channels} channels`
    }: ${group(cells.length)} of ${group(mask.length)} weights survive (${percent(cells.length / mask.length)}), ${
      dead === 0 ? "no filter is" : dead === 1 ? "1 filter is" : `${group(dead)} filters are`
    } pruned altogether, ${group(whole)} ${whole === 1 ? "is" : "are"} whole. Drawn are the ${source}, the largest ${
      limit.toPrecision(2)
    } in size.`,
    width: columns * (filterWidth + 1.5) - 1.5,
    height: Math.ceil(outputs / columns) * (size + 1.5) - 1.5,
    tiles: Array.from(
      { length: outputs * channels },
      (_, tile) => ({ ...placeOf(Math.floor(tile / channels), tile % channels), width: size, height: size }),
    ),
    isHatched: true,
    cells,
    scale: toneScale(limit),
  };
}

function largest(weights: Float32Array, mask: Uint8Array, isWanted: (index: number) => boolean): number {
  let limit = 0;
  for (let index = 0; index < mask.length; index++) {
    const size = Math.abs(weights[index] ?? 0);
    if (mask[index] === 1 && size > limit && isWanted(index) && Number.isFinite(size)) limit = size;
  }
  return limit;
}

function toneOf(value: number, limit: number): string {
  const share = limit === 0 || !Number.isFinite(value) ? 0 : value / limit;
  return `tone-${signShades + Math.round(share * signShades)}`;
}

function toneScale(limit: number): LevelImage["scale"] {
  return [
    ...Array.from({ length: 2 * signShades + 1 }, (_, index) => ({
      shade: `tone-${index}`,
      label: index === 0
        ? `−${limit.toPrecision(2)}`
        : index === signShades
        ? "0"
        : index === 2 * signShades
        ? limit.toPrecision(2)
        : "",
    })),
    { shade: "pruned", label: "pruned" },
  ];
}

/** Squares of one shade as the `d` of a path; those side by side are one rectangle. */
export function shadePaths(cells: readonly Cell[]): { readonly shade: string; readonly path: string }[] {
  const paths = new Map<string, string>();
  const ordered = cells.toSorted((a, b) => a.y - b.y || a.x - b.x);
  for (let index = 0; index < ordered.length; index++) {
    const start = ordered[index];
    if (!start) break;
    let length = 1;
    for (;; length++, index++) {
      const next = ordered[index + 1];
      if (next?.y !== start.y || next.x !== start.x + length || next.shade !== start.shade) break;
    }
    paths.set(start.shade, `${paths.get(start.shade) ?? ""}M${start.x} ${start.y}h${length}v1h-${length}z`);
  }
  return [...paths].toSorted(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .map(([shade, path]) => ({ shade, path }));
}

/** Pixels of a square's side in files. Even, so that half a square is whole pixels. */
const cellPixels = 12;

/** Around a picture in a file, in pixels. */
const marginPixels = 12;

/**
 * A shade's grey in a file, from 0 to 255: even steps of lightness as it is seen (the L of OKLab, Ottosson 2020), as the page's
 * stylesheet mixes them.
 */
export function greyOf(shade: string): number {
  const [, kind, step = "0"] = /^(heat|tone)-(\d+)$/.exec(shade) ?? [];
  if (kind === undefined) return 255;
  const lightness = kind === "tone"
    ? 0.22 + 0.78 * Number(step) / (2 * signShades)
    : step === "0"
    ? 1
    : 0.92 - 0.7 * (Number(step) - 1) / (heatShades - 1);
  const linear = lightness ** 3;
  const encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(255 * encoded);
}

const tileLine = 200;
const hatchLine = 190;

/** A picture as a file of PNG: grey on white, twelve pixels a square. */
export function imagePng(image: LevelImage): Uint8Array<ArrayBuffer> {
  const width = Math.ceil(image.width * cellPixels) + 2 * marginPixels;
  const height = Math.ceil(image.height * cellPixels) + 2 * marginPixels;
  const data = new Uint8Array(width * height).fill(255);
  const fill = (x: number, y: number, columns: number, rows: number, grey: (x: number, y: number) => number): void => {
    const [left, top] = [marginPixels + x * cellPixels, marginPixels + y * cellPixels];
    for (let row = top; row < top + rows * cellPixels; row++) {
      for (let column = left; column < left + columns * cellPixels; column++) {
        data[row * width + column] = grey(column, row);
      }
    }
  };
  for (const { x, y, width: columns, height: rows } of image.tiles) {
    fill(x, y, columns, rows, (column, row) => image.isHatched && (column + row) % 6 === 0 ? hatchLine : 255);
  }
  for (const { x, y, shade } of image.cells) fill(x, y, 1, 1, () => greyOf(shade));
  for (const { x, y, width: columns, height: rows } of image.tiles) {
    const [left, top] = [marginPixels + x * cellPixels, marginPixels + y * cellPixels];
    const [right, bottom] = [left + columns * cellPixels, top + rows * cellPixels];
    for (let column = left - 1; column <= right; column++) {
      data[(top - 1) * width + column] = tileLine;
      data[bottom * width + column] = tileLine;
    }
    for (let row = top - 1; row <= bottom; row++) {
      data[row * width + left - 1] = tileLine;
      data[row * width + right] = tileLine;
    }
  }
  return new Uint8Array(encode({ width, height, data, channels: 1, depth: 8 }));
}

/** A picture as a file of SVG: grey on white, with its title and its numbers in words. */
export function imageSvg(image: LevelImage): string {
  const grey = (shade: string): string => `#${greyOf(shade).toString(16).padStart(2, "0").repeat(3)}`;
  const width = image.width * cellPixels + 2 * marginPixels;
  const height = image.height * cellPixels + 2 * marginPixels;
  const svg = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width,
      height,
      viewBox: `0 0 ${pixel(width)} ${pixel(height)}`,
      role: "img",
    },
    element("title", {}, image.title),
    element("desc", {}, image.words),
    element("rect", { width, height, fill: "#ffffff" }),
    element(
      "pattern",
      { id: "pruned", width: 0.5, height: 0.5, patternUnits: "userSpaceOnUse" },
      element("path", { d: "M0 .5L.5 0", stroke: "#bebebe", "stroke-width": "0.08", fill: "none" }),
    ),
    element(
      "g",
      { transform: `translate(${marginPixels} ${marginPixels}) scale(${cellPixels})`, "shape-rendering": "crispEdges" },
      ...image.tiles.map((tile) => element("rect", { ...tile, fill: image.isHatched ? "url(#pruned)" : "#ffffff" })),
      ...shadePaths(image.cells).map(({ shade, path }) => element("path", { d: path, fill: grey(shade) })),
      ...image.tiles.map((tile) =>
        element("rect", {
          ...tile,
          fill: "none",
          stroke: "#c8c8c8",
          "stroke-width": "1",
          "vector-effect": "non-scaling-stroke",
        })
      ),
    ),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg}\n`;
}

function group(value: number): string {
  return value.toLocaleString("en");
}
