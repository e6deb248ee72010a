/**
 * Seeded test data.
 *
 * @module
 */
import { RandomStream } from "../../src/data/random.ts";

/** Normal values with a standard deviation, rounded to float32 so that a GPU can be given exactly the same. */
export function normals(seed: number, count: number, deviation = 1): Float64Array {
  const random = new RandomStream(seed, "synthetic");
  return Float64Array.from({ length: count }, () => Math.fround(random.normal() * deviation));
}

/** Zeros and ones, a one with this probability. */
export function bits(seed: number, count: number, probability: number): Uint8Array<ArrayBuffer> {
  const random = new RandomStream(seed, "synthetic");
  return Uint8Array.from({ length: count }, () => Number(random.uniform() < probability));
}

/** Whole numbers below a bound. */
export function integers(seed: number, count: number, bound: number): Uint32Array<ArrayBuffer> {
  const random = new RandomStream(seed, "synthetic");
  return Uint32Array.from({ length: count }, () => random.below(bound));
}

/** A copy with some elements replaced. */
export function withValues(tensor: Float64Array, replaced: Readonly<Record<number, number>>): Float64Array {
  const copy = Float64Array.from(tensor);
  for (const [index, value] of Object.entries(replaced)) copy[Number(index)] = value;
  return copy;
}
