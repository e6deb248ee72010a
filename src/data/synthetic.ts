/**
 * A data set made of nothing but a seed: for tests, and for a first run with no data at all.
 *
 * @module
 */
import type { Dataset, DatasetFile, Examples } from "./dataset.ts";
import { digestOf } from "./idx_dataset.ts";
import { RandomStream } from "./random.ts";
import { sha256 } from "./sha256.ts";
import type { DatasetSize } from "./sizes.ts";

/** Its images and how many there are, where nobody says otherwise. */
export const syntheticSize: Omit<DatasetSize, "name"> = {
  channels: 1,
  height: 28,
  width: 28,
  classes: 10,
  train: { count: 2000 },
  test: { count: 500 },
};
const usual = syntheticSize;

/** Sizes of a synthetic data set. */
export interface SyntheticOptions {
  /** Any integer in [0, 2³²); 1 by default. */
  readonly seed?: number;
  /** Training examples; 2,000 by default. */
  readonly train?: number;
  /** Test examples; 500 by default. */
  readonly test?: number;
  /** Colour channels; 1 by default. */
  readonly channels?: number;
  /** Rows; 28 by default. */
  readonly height?: number;
  /** Columns; 28 by default. */
  readonly width?: number;
  /** Classes, from 2 to 256; 10 by default. */
  readonly classes?: number;
}

/**
 * Makes a synthetic data set: every class has a prototype of random grey squares (4 × 4 pixels at 28 × 28), every example is its class's
 * prototype shifted by up to one pixel under heavy noise. Classes come in turn, so they are equally frequent. Only integers
 * are computed with, so the bytes are the same on every engine.
 *
 * @throws {RangeError} when a size is not an integer in its range
 * @example
 * ```ts
 * import { syntheticDataset } from "./synthetic.ts";
 *
 * const dataset = await syntheticDataset({ height: 8, width: 8, classes: 3, train: 60, test: 30 });
 * console.assert(dataset.train.images.length === 60 * 64);
 * ```
 */
export async function syntheticDataset(options: SyntheticOptions = {}): Promise<Dataset> {
  const { seed = 1, train = usual.train.count, test = usual.test.count } = options;
  const { channels = usual.channels, height = usual.height, width = usual.width, classes = usual.classes } = options;
  const limits = [
    ["train", train, 1, 1_000_000],
    ["test", test, 1, 1_000_000],
    ["channels", channels, 1, 16],
    ["height", height, 1, 1024],
    ["width", width, 1, 1024],
    ["classes", classes, 2, 256],
  ] as const;
  for (const [what, value, minimum, maximum] of limits) {
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      throw new RangeError(
        `Cannot make a synthetic data set with ${what} ${value}: it must be an integer from ${minimum} to ${maximum}`,
      );
    }
  }
  const shape = { channels, height, width, classes };
  const prototypes = Array.from({ length: classes }, (_, label) => prototype(seed, label, shape));
  const parts = {
    train: examples(seed, 1, train, prototypes, shape),
    test: examples(seed, 2, test, prototypes, shape),
  };
  const files: DatasetFile[] = [];
  for (const [part, { images, labels }] of Object.entries(parts)) {
    files.push({ name: `synthetic-${part}-images`, sha256: await sha256(images) });
    files.push({ name: `synthetic-${part}-labels`, sha256: await sha256(labels) });
  }
  return { name: "synthetic", ...shape, ...parts, files, digest: await digestOf(files), original: true };
}

interface Shape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

function prototype(seed: number, label: number, { channels, height, width }: Shape): Uint8Array<ArrayBuffer> {
  const random = new RandomStream(seed, "synthetic", 0, label);
  // Small images need small squares to have enough of them, and squares of one pixel would not survive the shift.
  const cell = Math.max(2, Math.floor(Math.min(height, width) / 7));
  const [rows, columns] = [Math.ceil(height / cell), Math.ceil(width / cell)];
  const cells = Uint8Array.from({ length: channels * rows * columns }, () => random.below(256));
  const image = new Uint8Array(channels * height * width);
  for (let at = 0; at < image.length; at++) {
    const column = Math.floor((at % width) / cell);
    const row = Math.floor((Math.floor(at / width) % height) / cell);
    const channel = Math.floor(at / (width * height));
    image[at] = cells[(channel * rows + row) * columns + column] ?? 0;
  }
  return image;
}

function examples(
  seed: number,
  part: number,
  count: number,
  prototypes: readonly Uint8Array[],
  { channels, height, width }: Shape,
): Examples {
  const pixels = channels * height * width;
  // Standard deviation 101 at 28 × 28, where 2,000 examples teach a small net about 99 %. The fewer the
  // pixels, the less noise they can average out.
  const strength = Math.min(175, Math.floor(175 * Math.sqrt(pixels / 784)));
  const images = new Uint8Array(count * pixels);
  const labels = new Uint8Array(count);
  for (let example = 0; example < count; example++) {
    const label = example % prototypes.length;
    const source = prototypes[label] ?? new Uint8Array(0);
    const random = new RandomStream(seed, "synthetic", part, example);
    const [down, right] = [random.below(3) - 1, random.below(3) - 1];
    labels[example] = label;
    for (let at = 0; at < pixels; at++) {
      const column = clamp((at % width) - right, width - 1);
      const row = clamp((Math.floor(at / width) % height) - down, height - 1);
      const channel = Math.floor(at / (width * height));
      const value = source[(channel * height + row) * width + column] ?? 0;
      const bits = random.uint32();
      // A sum of four uniform bytes: nearly normal, from -510 to 510, standard deviation 148.
      const normal = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510;
      // Half the contrast around the middle, so that most of the noise survives the range of a byte.
      images[example * pixels + at] = clamp(64 + (value >> 1) + ((normal * strength) >> 8), 255);
    }
  }
  return { images, labels, count };
}

function clamp(value: number, maximum: number): number {
  return value < 0 ? 0 : value > maximum ? maximum : value;
}
