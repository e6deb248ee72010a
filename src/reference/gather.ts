/**
 * Reference of `kernels/gather.wgsl`.
 *
 * @module
 */
import { unpackAugmentation } from "../data/augmentation.ts";
import { at, requireShape } from "./tensor.ts";

/** A gathered batch. */
export interface GatheredBatch {
  /** Normalised pixels `[R][P][N]`. */
  readonly output: Float64Array;
  /** Labels `[R][N]`. */
  readonly labels: Uint32Array;
}

/** (scale, shift) per channel. */
type Normalization = readonly (readonly [scale: number, shift: number])[];

/**
 * Gathers and normalises a batch: output[p][n] = images[indices[n]][p] · scale[channel] + shift[channel].
 *
 * @param shape pixels P of an image over all channels, pixels of one channel, images N of the batch; with `width`, the
 * indices are words of `packAugmentation()`, and the images are flipped and shifted as they say, with byte 0 where a shift
 * leaves nothing
 * @param images bytes `[examples][P]`
 * @param labels bytes `[examples]`
 * @param indices `[R][N]`
 * @param normalization (scale, shift) per channel, for all replicates, or one such list per replicate; [[1 / 255, 0]]
 * scales one channel to 0…1
 * @throws {RangeError} when a tensor does not fit the shape or an index lies beyond the examples
 */
export function gather(
  shape: {
    readonly replicates: number;
    readonly pixels: number;
    readonly planePixels: number;
    readonly batch: number;
    /** Columns of an image; only augmentation needs them. */
    readonly width?: number;
  },
  images: Uint8Array,
  labels: Uint8Array,
  indices: Uint32Array,
  normalization: Normalization | readonly Normalization[],
): GatheredBatch {
  const { replicates, pixels, planePixels, batch, width } = shape;
  requireShape("images", images, labels.length, pixels);
  requireShape("indices", indices, replicates, batch);
  const output = new Float64Array(replicates * pixels * batch);
  const batchLabels = new Uint32Array(replicates * batch);
  for (let r = 0; r < replicates; r++) {
    const own = isPerReplicate(normalization) ? normalization[r] : normalization;
    for (let n = 0; n < batch; n++) {
      const word = at(indices, r * batch + n);
      const { example } = width === undefined ? { example: word } : unpackAugmentation(word);
      batchLabels[r * batch + n] = at(labels, example);
      for (let p = 0; p < pixels; p++) {
        const channel = Math.floor(p / planePixels);
        const [scale, shift] = own?.[channel] ?? [NaN, NaN];
        const source = width === undefined ? p : sourceOf(word, p, planePixels, width);
        const byte = source === undefined ? 0 : at(images, example * pixels + source);
        output[(r * pixels + p) * batch + n] = byte * scale + shift;
      }
    }
  }
  return { output, labels: batchLabels };
}

/** Which pixel of its image an augmented pixel comes from; undefined when from outside. */
function sourceOf(word: number, p: number, planePixels: number, width: number): number | undefined {
  const { dy, dx, flip } = unpackAugmentation(word);
  const plane = p - p % planePixels;
  const column = p % width;
  const y = Math.floor(p % planePixels / width) + dy;
  const x = (flip ? width - 1 - column : column) + dx;
  const inside = y >= 0 && y < planePixels / width && x >= 0 && x < width;
  return inside ? plane + y * width + x : undefined;
}

function isPerReplicate(
  normalization: Normalization | readonly Normalization[],
): normalization is readonly Normalization[] {
  return Array.isArray(normalization[0]?.[0]);
}
