/**
 * A data set on the GPU, as the bytes it came in, and the launch that gathers batches from it.
 *
 * @module
 */
import type { Dataset, Examples } from "../data/dataset.ts";
import type { Buffer } from "../gpu/buffer.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Launch } from "../gpu/program.ts";
import { gather } from "./kernels.ts";
import { roundUp } from "./network.ts";

/** Images and labels of one part of a data set. */
export class DeviceExamples implements Disposable {
  /** How many. */
  readonly count: number;
  /** Pixels of one image, over all channels. */
  readonly pixels: number;
  /** Pixels of one channel. */
  readonly planePixels: number;
  /** Bytes, four to a word, each image padded to a whole word. */
  readonly images: Buffer;
  /** One word per image. */
  readonly labels: Buffer;
  /** (scale, shift) per channel. */
  readonly normalization: Buffer;

  /**
   * Uploads examples.
   *
   * @param normalization (scale, shift) per channel, applied to byte values
   */
  constructor(
    gpu: Gpu,
    label: string,
    dataset: Pick<Dataset, "channels" | "height" | "width">,
    examples: Examples,
    normalization: readonly (readonly [number, number])[] = unitRange(dataset.channels),
  ) {
    this.count = examples.count;
    this.planePixels = dataset.height * dataset.width;
    this.pixels = this.planePixels * dataset.channels;
    this.images = gpu.upload(`${label} images`, wholeWords(examples.images, this.pixels, this.count));
    this.labels = gpu.upload(`${label} labels`, Uint32Array.from(examples.labels));
    this.normalization = gpu.upload(`${label} normalization`, Float32Array.from(normalization.flat()));
  }

  /** Releases the buffers. */
  [Symbol.dispose](): void {
    for (const buffer of [this.images, this.labels, this.normalization]) buffer.destroy();
  }

  /** Bytes that {@linkcode DeviceExamples} would allocate. */
  static bytes(pixels: number, count: number): number {
    return (roundUp(pixels, 4) + 4) * count;
  }
}

/** Pixels scaled to [0, 1], as the paper's networks for MNIST are usually fed (the paper does not say). */
export function unitRange(channels: number): [number, number][] {
  return Array.from({ length: channels }, () => [1 / 255, 0]);
}

/** Gathers one batch. */
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
  },
  examples: DeviceExamples,
  buffers: { readonly indices: Buffer; readonly state: Buffer; readonly output: Buffer; readonly labels: Buffer },
): Launch {
  return {
    kernel: gather,
    constants: { stepped: Number(shape.slots !== undefined) },
    dims: [
      examples.pixels,
      examples.planePixels,
      shape.images,
      shape.batch / 4,
      roundUp(examples.pixels, 4),
      shape.start,
      shape.indexStride,
      shape.slots ?? 1,
    ],
    buffers: [
      examples.images,
      examples.labels,
      buffers.indices,
      examples.normalization,
      buffers.state,
      buffers.output,
      buffers.labels,
    ],
    workgroups: [Math.ceil(shape.batch / 4 / 8), Math.ceil(Math.ceil(examples.pixels / 4) / 4), shape.replicates],
    label: "gather",
  };
}

function wholeWords(images: Uint8Array, pixels: number, count: number): Uint8Array<ArrayBuffer> {
  const row = roundUp(pixels, 4);
  const words = new Uint8Array(row * count);
  if (row === pixels) {
    words.set(images);
    return words;
  }
  for (let image = 0; image < count; image++) {
    words.set(images.subarray(image * pixels, (image + 1) * pixels), image * row);
  }
  return words;
}
