/**
 * A data set on the GPU, as the bytes it came in, and the launches that gather batches from it.
 *
 * @module
 */
import { maximumExamples } from "../data/augmentation.ts";
import type { Dataset, Examples } from "../data/dataset.ts";
import { Buffer } from "../gpu/buffer.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { baseLimits } from "../gpu/limits.ts";
import type { Launch } from "../gpu/program.ts";
import { gather } from "./kernels.ts";
import { roundUp } from "./network.ts";

/** Consecutive examples whose images share a buffer. */
export interface ExampleShard {
  /** The first. */
  readonly first: number;
  /** How many. */
  readonly count: number;
  /** Bytes, four to a word, each image padded to a whole word. */
  readonly images: Buffer;
}

/**
 * Images and labels of one part of a data set. The images lie in as many buffers as the limit of one binding asks for:
 * 60,000 of MNIST (47 MB) in one, 50,000 of CIFAR-10 (154 MB) in two where the limit is WebGPU's default of 128 MiB.
 */
export class DeviceExamples implements Disposable {
  /** How many. */
  readonly count: number;
  /** Colour channels. */
  readonly channels: number;
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Pixels of one image, over all channels. */
  readonly pixels: number;
  /** Pixels of one channel. */
  readonly planePixels: number;
  /** The images, in order; at least one shard. */
  readonly shards: readonly ExampleShard[];
  /** One word per image. */
  readonly labels: Buffer;

  /**
   * Uploads examples.
   *
   * @param label what they are, for the buffers' labels
   * @param options.maxShardBytes largest buffer of images; the device's limit when left out, and never more than that
   * @throws {RangeError} when one image is larger than a shard may be
   */
  constructor(
    gpu: Gpu,
    label: string,
    dataset: Pick<Dataset, "channels" | "height" | "width">,
    examples: Examples,
    options: { readonly maxShardBytes?: number } = {},
  ) {
    const { channels, height, width } = dataset;
    this.count = examples.count;
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.planePixels = height * width;
    this.pixels = this.planePixels * channels;
    const { maxStorageBufferBindingSize, maxBufferSize } = gpu.limits;
    const maxShardBytes = Math.min(options.maxShardBytes ?? Infinity, maxStorageBufferBindingSize, maxBufferSize);
    const ranges = shardRanges(this.pixels, this.count, maxShardBytes);
    this.shards = ranges.map(({ first, count }, index) => ({
      first,
      count,
      images: gpu.upload(
        imagesName(label, index, ranges.length),
        wholeWords(examples.images.subarray(first * this.pixels, (first + count) * this.pixels), this.pixels, count),
      ),
    }));
    this.labels = gpu.upload(`${label} labels`, Uint32Array.from(examples.labels));
  }

  /** Releases the buffers. */
  [Symbol.dispose](): void {
    for (const { images } of this.shards) images.destroy();
    this.labels.destroy();
  }

  /**
   * The buffers that {@linkcode DeviceExamples} would allocate.
   *
   * @param maxShardBytes largest buffer of images; WebGPU's default limit of one binding when left out
   */
  static plan(
    label: string,
    pixels: number,
    count: number,
    maxShardBytes: number = baseLimits.maxStorageBufferBindingSize,
  ): { readonly name: string; readonly bytes: number }[] {
    const ranges = shardRanges(pixels, count, maxShardBytes);
    return [
      ...ranges.map((range, index) => ({
        name: imagesName(label, index, ranges.length),
        bytes: roundUp(pixels, 4) * range.count,
      })),
      { name: `${label} labels`, bytes: 4 * count },
    ];
  }

  /** Bytes that {@linkcode DeviceExamples} would allocate, over all its buffers. */
  static bytes(pixels: number, count: number): number {
    return (roundUp(pixels, 4) + 4) * count;
  }
}

/** What launches need to know of {@linkcode DeviceExamples}. */
export type GatheredExamples = Pick<
  DeviceExamples,
  "count" | "channels" | "width" | "pixels" | "planePixels" | "shards" | "labels"
>;

/** Examples as launches are planned with them, where there is no GPU: in as many shards as {@linkcode DeviceExamples.plan} says. */
export function plannedExamples(
  label: string,
  { channels, height, width }: Pick<Dataset, "channels" | "height" | "width">,
  count: number,
): GatheredExamples {
  const pixels = channels * height * width;
  const ranges = shardRanges(pixels, count, baseLimits.maxStorageBufferBindingSize);
  return {
    count,
    channels,
    width,
    pixels,
    planePixels: height * width,
    shards: ranges.map((range, index) => ({
      ...range,
      images: new Buffer(undefined, imagesName(label, index, ranges.length), roundUp(pixels, 4) * range.count),
    })),
    labels: new Buffer(undefined, `${label} labels`, 4 * count),
  };
}

/**
 * Gathers one batch: one launch per shard of the examples. The first writes every lane, the others those whose image they have.
 *
 * @throws {RangeError} when the words of `augment` cannot name so many examples
 */
export function gatherBatch(
  shape: {
    readonly replicates: number;
    /** Images, without padding. */
    readonly images: number;
    /** Images, padded to a multiple of 8. */
    readonly batch: number;
    /** First index of the batch in each replicate's list. */
    readonly start: number;
    /** Indices per replicate; 0 = one list for all. */
    readonly indexStride: number;
    /** With it, the step selects one of so many batches in a ring; without it the batch is at `start`. */
    readonly slots?: number;
    /** Whether the indices say how each image is flipped and shifted (`packAugmentation()`). */
    readonly augment?: boolean;
    /** How many pixels of each image are gathered, as the words say; all of them when left out. */
    readonly pixels?: number | undefined;
  },
  examples: GatheredExamples,
  buffers: {
    readonly indices: Buffer;
    /** (scale, shift) `[R][C]`, applied to byte values. */
    readonly normalization: Buffer;
    readonly state: Buffer;
    readonly output: Buffer;
    readonly labels: Buffer;
    /** `[R][⌈pixels / 4⌉]`, with `pixels`: which fours of an image's pixels, in order. */
    readonly words?: Buffer | undefined;
  },
): Launch[] {
  const { augment = false, pixels = examples.pixels } = shape;
  const listed = buffers.words !== undefined;
  if (augment && examples.count > maximumExamples) {
    throw new RangeError(
      `Cannot gather augmented batches from ${examples.count} examples: their indices share a word with shift and flip, ` +
        `which leaves room for ${maximumExamples}; use fewer examples or no augmentation.`,
    );
  }
  const quads = shape.batch / 4;
  return examples.shards.map(({ first, count, images }, index) => ({
    kernel: gather,
    constants: {
      stepped: Number(shape.slots !== undefined),
      augment: Number(augment),
      continues: Number(index > 0),
      listed: Number(listed),
    },
    dims: [
      examples.pixels,
      examples.planePixels,
      examples.width,
      examples.channels,
      shape.images,
      quads,
      roundUp(pixels, 4),
      shape.start,
      shape.indexStride,
      shape.slots ?? 1,
      first,
      count,
      pixels,
    ],
    buffers: [
      images,
      examples.labels,
      buffers.indices,
      buffers.normalization,
      buffers.state,
      buffers.output,
      buffers.labels,
      // What a list would be read from is bound all the same.
      buffers.words ?? buffers.indices,
    ],
    workgroups: [Math.ceil(quads / 8), Math.ceil(Math.ceil(pixels / 4) / 4), shape.replicates],
    label: examples.shards.length === 1 ? "gather" : `gather, shard ${index + 1}`,
  }));
}

/** Equal parts, the last one maybe smaller, none larger than allowed. */
function shardRanges(pixels: number, count: number, maxShardBytes: number): { first: number; count: number }[] {
  const row = roundUp(pixels, 4);
  // Buffers are rounded up to 16 bytes, and a limit need not be a multiple of that.
  const most = Math.floor(Math.floor(maxShardBytes / 16) * 16 / row);
  if (most < 1) {
    throw new RangeError(
      `Cannot upload images of ${pixels} bytes: one needs ${row}, where a buffer may have ${maxShardBytes}. ` +
        "Use smaller images or an adapter with larger limits.",
    );
  }
  const shards = Math.max(1, Math.ceil(count / most));
  const each = Math.ceil(count / shards);
  return Array.from({ length: shards }, (_, index) => ({
    first: index * each,
    count: Math.max(0, Math.min(each, count - index * each)),
  }));
}

function imagesName(label: string, index: number, shards: number): string {
  return shards === 1 ? `${label} images` : `${label} images ${index + 1}`;
}

function wholeWords(images: Uint8Array<ArrayBuffer>, pixels: number, count: number): Uint8Array<ArrayBuffer> {
  const row = roundUp(pixels, 4);
  if (row === pixels) return images;
  const words = new Uint8Array(row * count);
  for (let image = 0; image < count; image++) {
    words.set(images.subarray(image * pixels, (image + 1) * pixels), image * row);
  }
  return words;
}
