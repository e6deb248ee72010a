/**
 * Screenshots in a third of their bytes: pages have few colours, and the rest are edges of letters.
 *
 * @module
 */
import { decode, encode } from "npm:fast-png@8.0.0";

/** As many colours as one byte can name. */
const mostColours = 256;

/** Writes a PNG's picture with at most 256 of its colours; every other one becomes the nearest of them. */
export function withFewColours(png: Uint8Array): Uint8Array<ArrayBuffer> {
  const { width, height, channels, data } = decode(png);
  const colours = Uint32Array.from({ length: width * height }, (_, at) => {
    const [red = 0, green = 0, blue = 0] = data.subarray(at * channels, at * channels + 3);
    return red << 16 | green << 8 | blue;
  });
  const counts = new Map<number, number>();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const palette = paletteOf(counts);
  const indices = new Map(Array.from(counts.keys(), (colour): [number, number] => [colour, nearest(palette, colour)]));
  return new Uint8Array(encode({
    ...{ width, height, channels: 1, depth: 8 },
    data: Uint8Array.from(colours, (colour) => indices.get(colour) ?? 0),
    palette: palette.map(parts),
  }, { zlib: { level: 9 } }));
}

/** The most frequent colour of each corner of the colour space, so that a thin line keeps its colour; then the most frequent. */
function paletteOf(counts: ReadonlyMap<number, number>): number[] {
  const frequent = [...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour);
  const corners = new Map<string, number>();
  for (const colour of frequent) {
    const corner = parts(colour).map((part) => Math.round(part / 51)).join();
    if (!corners.has(corner)) corners.set(corner, colour);
  }
  return [...new Set([...corners.values(), ...frequent])].slice(0, mostColours);
}

function parts(colour: number): [red: number, green: number, blue: number] {
  return [colour >> 16, colour >> 8 & 255, colour & 255];
}

function nearest(palette: readonly number[], colour: number): number {
  const own = parts(colour);
  let best = 0;
  let least = Infinity;
  palette.forEach((other, index) => {
    const distance = parts(other).reduce((sum, part, at) => sum + (part - (own[at] ?? 0)) ** 2, 0);
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}
