/**
 * Reference of `kernels/dropout.wgsl`.
 *
 * @module
 */
import { philox } from "../data/random.ts";
import { at, requireShape } from "./tensor.ts";

/** A dropout at work. */
export interface DropoutShape {
  /** Networks side by side. */
  readonly replicates: number;
  /** Values of an image. */
  readonly rows: number;
  /** Images. */
  readonly batch: number;
  /** Fraction that is dropped. */
  readonly rate: number;
  /** Which dropout of the network it is, counted from 0. */
  readonly index: number;
}

/**
 * Which values are kept: those whose word of Philox4x32-10 is at least rate · 2³². The key is the replicate's; the counter is
 * (place, step, index, 0), where a place is four images of a row, counted row by row with the batch padded to a multiple of 8.
 *
 * @param keys `[R][2]`
 * @param steps `[R]`
 * @returns `[R][rows][N]` of 0 and 1
 * @throws {RangeError} when a tensor does not fit the shape
 */
export function dropoutMask(
  { replicates, rows, batch, rate, index }: DropoutShape,
  keys: Uint32Array,
  steps: ArrayLike<number>,
): Uint8Array {
  requireShape("keys", keys, replicates, 2);
  requireShape("steps", steps, replicates);
  const mask = new Uint8Array(replicates * rows * batch);
  const words = new Uint32Array(4);
  const placesOfRow = Math.ceil(batch / 8) * 2;
  for (let r = 0; r < replicates; r++) {
    for (let row = 0; row < rows; row++) {
      for (let n = 0; n < batch; n++) {
        const place = row * placesOfRow + Math.floor(n / 4);
        philox(place, at(steps, r), index, 0, at(keys, 2 * r), at(keys, 2 * r + 1), words);
        mask[(r * rows + row) * batch + n] = Number(at(words, n % 4) >= rate * 2 ** 32);
      }
    }
  }
  return mask;
}

/**
 * Inverted dropout: value / (1 − rate) where the mask is 1, and exactly zero elsewhere. That is the forward pass of the input
 * and the gradient pass of the output's gradient.
 *
 * @param gate for the gradient pass, the dropout's input where that is the output of a ReLU: zero where it is not positive
 * @throws {RangeError} when the tensors differ in size
 */
export function dropout(rate: number, mask: Uint8Array, values: Float64Array, gate?: Float64Array): Float64Array {
  requireShape("mask", mask, values.length);
  if (gate) requireShape("gate", gate, values.length);
  return values.map((value, index) => {
    const isKept = at(mask, index) === 1 && !(gate && at(gate, index) <= 0);
    return isKept ? value / (1 - rate) : 0;
  });
}
