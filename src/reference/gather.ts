/**
 * Reference of `kernels/gather.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/** A gathered batch. */
export interface GatheredBatch {
  /** Normalised pixels `[R][P][N]`. */
  readonly output: Float64Array;
  /** Labels `[R][N]`. */
  readonly labels: Uint32Array;
}

/**
 * Gathers and normalises a batch: output[p][n] = images[indices[n]][p] · scale[channel] + shift[channel].
 *
 * @param shape pixels P of an image over all channels, pixels of one channel, images N of the batch
 * @param images bytes `[examples][P]`
 * @param labels bytes `[examples]`
 * @param indices `[R][N]`
 * @param normalization (scale, shift) per channel; [[1 / 255, 0]] scales one channel to 0…1
 * @throws {RangeError} when a tensor does not fit the shape or an index lies beyond the examples
 */
export function gather(
  shape: {
    readonly replicates: number;
    readonly pixels: number;
    readonly planePixels: number;
    readonly batch: number;
  },
  images: Uint8Array,
  labels: Uint8Array,
  indices: Uint32Array,
  normalization: readonly (readonly [scale: number, shift: number])[],
): GatheredBatch {
  const { replicates, pixels, planePixels, batch } = shape;
  requireShape("images", images, labels.length, pixels);
  requireShape("indices", indices, replicates, batch);
  const output = new Float64Array(replicates * pixels * batch);
  const batchLabels = new Uint32Array(replicates * batch);
  for (let r = 0; r < replicates; r++) {
    for (let n = 0; n < batch; n++) {
      const index = at(indices, r * batch + n);
      batchLabels[r * batch + n] = at(labels, index);
      for (let p = 0; p < pixels; p++) {
        const [scale, shift] = normalization[Math.floor(p / planePixels)] ?? [NaN, NaN];
        output[(r * pixels + p) * batch + n] = at(images, index * pixels + p) * scale + shift;
      }
    }
  }
  return { output, labels: batchLabels };
}
