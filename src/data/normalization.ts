/**
 * What bytes become before a network sees them: byte · scale + shift, per channel.
 *
 * @module
 */
import type { Dataset, Examples } from "./dataset.ts";

/**
 * (scale, shift) per channel that give the chosen examples mean 0 and standard deviation 1: byte · scale + shift equals
 * (byte / 255 - mean) / deviation, with mean and deviation (divided by n) over all their pixels of the channel.
 *
 * Sums are exact integers, so the result does not depend on the order of the examples. A channel whose pixels are all equal
 * becomes zeros.
 *
 * @param indices which examples, by number; each once
 * @param planePixels pixels of one channel
 * @throws {RangeError} when there are no indices, or one lies beyond the examples
 * @example
 * ```ts
 * import { channelStatistics } from "./normalization.ts";
 *
 * const examples = { images: Uint8Array.of(0, 255, 9, 9), labels: Uint8Array.of(0, 1), count: 2 };
 * const [[scale, shift] = [0, 0]] = channelStatistics(examples, Uint32Array.of(0), 1, 2);
 * console.assert(0 * scale + shift === -1 && 255 * scale + shift === 1);
 * ```
 */
export function channelStatistics(
  examples: Examples,
  indices: Uint32Array,
  channels: number,
  planePixels: number,
): [scale: number, shift: number][] {
  const { images, count } = examples;
  const pixels = channels * planePixels;
  if (indices.length === 0) {
    throw new RangeError("Cannot normalise by no examples: give the indices of at least one");
  }
  const beyond = indices.find((index) => index >= count);
  if (beyond !== undefined) {
    throw new RangeError(`Cannot normalise by example ${beyond}: there are ${count}, numbered from 0`);
  }
  return Array.from({ length: channels }, (_, channel) => {
    // Counts of the 256 values instead of sums: half the work per pixel, and nothing that could overflow.
    const counts = new Uint32Array(256);
    for (const index of indices) {
      const start = index * pixels + channel * planePixels;
      for (let at = start; at < start + planePixels; at++) counts[images[at] ?? 0]! += 1;
    }
    let [n, sum, squares] = [0n, 0n, 0n];
    counts.forEach((seen, value) => {
      n += BigInt(seen);
      sum += BigInt(seen * value);
      squares += BigInt(seen) * BigInt(value * value);
    });
    // n² times the variance of the bytes: an exact integer, where a difference of rounded squares would cancel.
    const spread = n * squares - sum * sum;
    if (spread === 0n) return [0, 0];
    const scale = Number(n) / Math.sqrt(Number(spread));
    return [scale, -(Number(sum) / Number(n)) * scale];
  });
}

/**
 * How a data set's bytes are normalised for a replicate that trains on these examples: CIFAR-10 per channel by
 * {@linkcode channelStatistics}; the others are scaled to [0, 1].
 *
 * @param trainIndices the training split, validation left out
 * @returns (scale, shift) of each channel, one after the other
 */
export function normalizationOf(dataset: Dataset, trainIndices: Uint32Array): Float32Array<ArrayBuffer> {
  const { channels, height, width } = dataset;
  switch (dataset.name) {
    case "cifar10":
      return Float32Array.from(channelStatistics(dataset.train, trainIndices, channels, height * width).flat());
    case "mnist":
    case "fashion-mnist":
    case "synthetic":
      return unitRange(channels);
  }
}

/**
 * Bytes scaled to [0, 1], as the paper's networks for MNIST are usually fed (the paper does not say).
 *
 * @returns (scale, shift) of each channel, one after the other
 */
export function unitRange(channels: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: 2 * channels }, (_, at) => at % 2 === 0 ? 1 / 255 : 0);
}
