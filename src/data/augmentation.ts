/**
 * Random flips and shifts of training images, as CIFAR-10 is usually augmented: zero-pad by four pixels, crop at random,
 * mirror with probability ½ (He et al., arXiv 1512.03385, section 4.2). The draws are made here; the gather kernel applies them.
 *
 * @module
 */
import type { RandomStream } from "./random.ts";

/** Largest shift, in pixels, up, down, left and right. */
export const maximumShift = 4;

/** How many examples a word with an augmentation can name. */
export const maximumExamples: number = 2 ** 21;

/** How an image is changed: output (y, x) is input (y + dy, x' + dx), where x' is x or, flipped, width - 1 - x. */
export interface Augmentation {
  /** Rows, from -4 to 4. */
  readonly dy: number;
  /** Columns, from -4 to 4. */
  readonly dx: number;
  /** Whether it is mirrored left to right. */
  readonly flip: boolean;
}

/** Draws one augmentation: 81 shifts and two orientations, equally likely. */
export function drawAugmentation(random: RandomStream): Augmentation {
  const places = 2 * maximumShift + 1;
  const drawn = random.below(2 * places * places);
  return {
    dy: Math.floor(drawn / 2 / places) - maximumShift,
    dx: Math.floor(drawn / 2) % places - maximumShift,
    flip: drawn % 2 === 1,
  };
}

/**
 * An example's index and its augmentation in one word: the example in bits 0 to 20, dy + 4 in 21 to 24, dx + 4 in 25 to
 * 28, flip in bit 29.
 *
 * @throws {RangeError} when a number is out of range
 */
export function packAugmentation(example: number, { dy, dx, flip }: Augmentation): number {
  if (!Number.isInteger(example) || example < 0 || example >= maximumExamples) {
    throw new RangeError(
      `Cannot augment example ${example}: with shift and flip in the same word, an example's index is a whole number ` +
        `below ${maximumExamples}; use fewer examples or no augmentation`,
    );
  }
  for (const shift of [dy, dx]) {
    if (!Number.isInteger(shift) || Math.abs(shift) > maximumShift) {
      throw new RangeError(
        `Cannot shift an image by ${shift}: choose an integer from ${-maximumShift} to ${maximumShift}`,
      );
    }
  }
  return example | (dy + maximumShift) << 21 | (dx + maximumShift) << 25 | Number(flip) << 29;
}

/** Takes a word of {@linkcode packAugmentation} apart. */
export function unpackAugmentation(word: number): Augmentation & { readonly example: number } {
  return {
    example: word & 0x1f_ffff,
    dy: (word >>> 21 & 15) - maximumShift,
    dx: (word >>> 25 & 15) - maximumShift,
    flip: (word >>> 29 & 1) === 1,
  };
}
