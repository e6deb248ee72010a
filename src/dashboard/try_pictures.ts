/**
 * Small pictures of the page that trains in the browser, as paths of SVG: accuracy curves, and which pixels keep connections. And
 * a drawing as a digit of MNIST's form.
 *
 * @module
 */
import type { AccuracyPoint } from "./try_view.ts";

/** Where an accuracy curve is drawn, in the units of its view box. */
export const curveBox = { width: 320, height: 150, left: 40, right: 8, top: 8, bottom: 24 } as const;

/** Accuracies from the bottom of a curve's box to its top; curves start at chance, below it. */
export const accuracyRange = { from: 0.5, to: 1 } as const;

/** An iteration's and an accuracy's place in the box. An accuracy below the range stands at its bottom. */
export function placeOf(
  { iteration, accuracy }: AccuracyPoint,
  iterations: number,
): { readonly x: number; readonly y: number } {
  const { width, height, left, right, top, bottom } = curveBox;
  const { from, to } = accuracyRange;
  const up = Math.max(0, (accuracy - from) / (to - from));
  return {
    x: left + (iteration / iterations) * (width - left - right),
    y: height - bottom - up * (height - top - bottom),
  };
}

/** A curve as the `d` of a path; empty when there is no point. */
export function curvePath(points: readonly AccuracyPoint[], iterations: number): string {
  return points.map((point, index) => {
    const { x, y } = placeOf(point, iterations);
    return `${index === 0 ? "M" : "L"}${round(x)} ${round(y)}`;
  }).join("");
}

/** Shades of a heat map beside empty. */
const shades = 10;

/** All pixels of one shade. */
export interface Shade {
  /** From 0 (exclusive) to 1. */
  readonly opacity: number;
  /** The `d` of a path, one unit per pixel. */
  readonly path: string;
}

/**
 * A heat map: pixels by how many of their connections survive, in ten shades; those that lost all of them are left empty.
 *
 * @param survivors per pixel, row by row
 * @param columns pixels of a row
 * @param most what the darkest shade stands for
 */
export function shadesOf(survivors: ArrayLike<number>, columns: number, most: number): Shade[] {
  const paths = new Map<number, string>();
  for (let pixel = 0; pixel < survivors.length; pixel++) {
    const shade = Math.ceil(Math.min(1, (survivors[pixel] ?? 0) / most) * shades);
    if (shade === 0) continue;
    const square = `M${pixel % columns} ${Math.floor(pixel / columns)}h1v1h-1z`;
    paths.set(shade, (paths.get(shade) ?? "") + square);
  }
  return [...paths].sort(([a], [b]) => a - b).map(([shade, path]) => ({ opacity: shade / shades, path }));
}

/** A heat map in words: how many pixels have lost every connection, and what is left in the middle and along the edge. */
export function describeSurvivors(survivors: ArrayLike<number>, columns: number, units: number): string {
  const rows = survivors.length / columns;
  // Digits are drawn into the middle 20 × 20 of 28 × 28.
  const margin = Math.round(columns / 7);
  const sums = { middle: 0, edge: 0 };
  const counts = { middle: 0, edge: 0 };
  let blind = 0;
  for (let pixel = 0; pixel < survivors.length; pixel++) {
    const [x, y] = [pixel % columns, Math.floor(pixel / columns)];
    const isEdge = x < margin || y < margin || x >= columns - margin || y >= rows - margin;
    const part = isEdge ? "edge" : "middle";
    sums[part] += (survivors[pixel] ?? 0) / units;
    counts[part]++;
    if ((survivors[pixel] ?? 0) === 0) blind++;
  }
  const most = survivors.length === 0 ? 0 : Math.max(...Array.from(survivors));
  const share = (part: "middle" | "edge"): string => `${Math.round(100 * sums[part] / Math.max(1, counts[part]))} %`;
  return `Per pixel ${share("middle")} of the weights survive in the middle ${columns - 2 * margin} × ${
    rows - 2 * margin
  }, ${
    share("edge")
  } along the edge; ${blind} of ${survivors.length} pixels have none left, and the strongest keeps ${most} of ${units}.`;
}

/** Pixels of a digit's side, and of the box in it that its strokes fill, as in MNIST. */
const side = 28;
const boxSide = 20;

/**
 * Where MNIST's centres of mass are, from the left and the top edge: the mean of its first 1,000 test images is (14.51, 14.49),
 * half a pixel beyond the middle.
 */
const centre = 14.5;

/**
 * A drawing as MNIST has its digits: its strokes scaled to fit 20 × 20 pixels, then placed so that their centre of mass is where
 * MNIST has it in 28 × 28 (http://yann.lecun.com/exdb/mnist/).
 *
 * @param ink `[size][size]`, 0 where nothing is drawn, to 255
 * @returns 28 × 28 bytes; undefined when nothing is drawn
 */
export function digitFrom(ink: ArrayLike<number>, size: number): Uint8Array<ArrayBuffer> | undefined {
  let [left, top, right, bottom] = [size, size, -1, -1];
  let [mass, massX, massY] = [0, 0, 0];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const value = ink[y * size + x] ?? 0;
      if (value === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      mass += value;
      massX += value * (x + 0.5);
      massY += value * (y + 0.5);
    }
  }
  if (mass === 0) return undefined;
  // Pixels of the drawing per pixel of the digit.
  const scale = Math.max(right - left + 1, bottom - top + 1) / boxSide;
  const [originX, originY] = [massX / mass - centre * scale, massY / mass - centre * scale];
  const [columns, rows] = [coverage(originX, scale, size), coverage(originY, scale, size)];
  const digit = Uint8Array.from({ length: side * side }, (_, pixel) => {
    let sum = 0;
    for (const { at: y, part: tall } of rows[Math.floor(pixel / side)] ?? []) {
      for (const { at: x, part: wide } of columns[pixel % side] ?? []) sum += tall * wide * (ink[y * size + x] ?? 0);
    }
    return Math.round(sum / scale ** 2);
  });
  return digit;
}

/** Along one axis: the drawing's pixels that each of the digit's covers, with how much of them. */
function coverage(origin: number, scale: number, size: number): { readonly at: number; readonly part: number }[][] {
  return Array.from({ length: side }, (_, cell) => {
    const [from, to] = [Math.max(0, origin + cell * scale), Math.min(size, origin + (cell + 1) * scale)];
    const first = Math.floor(from);
    return Array.from({ length: Math.max(0, Math.ceil(to) - first) }, (_, index) => {
      const at = first + index;
      return { at, part: Math.min(to, at + 1) - Math.max(from, at) };
    });
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
