/**
 * Random numbers that are the same on every machine and in any order of asking.
 *
 * A counter-based generator has no state to save: every number is a function of (seed, purpose, three stream numbers,
 * position). So what one network draws cannot depend on what trains beside it, and nothing has to be stored to go on.
 * The function is Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * @module
 */

/**
 * What random numbers are for. Two purposes never share a number.
 *
 * - `split`: which training examples are held out for validation;
 * - `order`: the order of training examples;
 * - `weights`: initial weights;
 * - `reinit`: fresh initial weights for a control;
 * - `synthetic`: the synthetic data set;
 * - `augment`: flips and shifts of training images;
 * - `dropout`: the keys of the GPU's random numbers for dropout;
 * - `mask`: the positions that random masks keep;
 * - `redraw`: which of a ticket's initial values a control draws anew;
 * - `noise`: what is added to a ticket's initial values.
 */
export type Purpose =
  | "split"
  | "order"
  | "weights"
  | "reinit"
  | "synthetic"
  | "augment"
  | "dropout"
  | "mask"
  | "redraw"
  | "noise";

// Part of what determines every result: add codes, never change one.
const purposeCodes: Readonly<Record<Purpose, number>> = {
  split: 1,
  order: 2,
  weights: 3,
  reinit: 4,
  synthetic: 5,
  augment: 6,
  dropout: 7,
  mask: 8,
  redraw: 9,
  noise: 10,
};

/**
 * One block of Philox4x32-10: four words from a counter of four words and a key of two.
 *
 * @param out receives the four words
 * @example
 * ```ts
 * import { philox } from "./random.ts";
 *
 * const out = new Uint32Array(4);
 * philox(0, 0, 0, 0, 0, 0, out);
 * console.assert(out[0] === 0x6627e8d5);
 * ```
 */
export function philox(
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(counter0, 0xd251, 0x1f53);
    const low0 = Math.imul(counter0, 0xd2511f53);
    const high1 = multiplyHigh(counter2, 0xcd9e, 0x8d57);
    const low1 = Math.imul(counter2, 0xcd9e8d57);
    counter0 = high1 ^ counter1 ^ key0;
    counter1 = low1;
    counter2 = high0 ^ counter3 ^ key1;
    counter3 = low0;
    key0 = (key0 + 0x9e3779b9) | 0;
    key1 = (key1 + 0xbb67ae85) | 0;
  }
  out[0] = counter0;
  out[1] = counter1;
  out[2] = counter2;
  out[3] = counter3;
}

/**
 * The upper 32 bits of a × (high · 2¹⁶ + low), from products of 16-bit halves. None of the sums reaches 2³², so doubles hold
 * them exactly, without BigInt's allocations.
 */
function multiplyHigh(a: number, high: number, low: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const middle = aHigh * low + ((aLow * low) >>> 16);
  const carry = aLow * high + (middle & 0xffff);
  return (aHigh * high + (middle >>> 16) + (carry >>> 16)) | 0;
}

/**
 * A stream of random numbers, named by a seed, a purpose and up to three numbers (replicate, level, layer, …).
 *
 * Streams with different names are independent; a stream made twice gives the same numbers twice.
 *
 * @example
 * ```ts
 * import { RandomStream } from "./random.ts";
 *
 * const weights = Float32Array.from({ length: 6 }, () => 0);
 * const random = new RandomStream(1, "weights");
 * for (let at = 0; at < weights.length; at++) weights[at] = random.normal() * 0.1;
 * ```
 */
export class RandomStream {
  readonly #seed: number;
  readonly #purpose: number;
  readonly #a: number;
  readonly #b: number;
  readonly #c: number;
  readonly #words = new Uint32Array(4);
  #block = 0;
  #used = 4;
  #spareNormal: number | undefined;

  /**
   * Opens a stream at its beginning.
   *
   * @param seed an integer in [0, 2³²), as are `a`, `b` and `c`
   * @throws {RangeError} when one of the numbers is not
   */
  constructor(seed: number, purpose: Purpose, a: number = 0, b: number = 0, c: number = 0) {
    this.#seed = word("seed", seed);
    this.#purpose = purposeCodes[purpose];
    this.#a = word("first stream number", a);
    this.#b = word("second stream number", b);
    this.#c = word("third stream number", c);
  }

  /** An integer, uniform in [0, 2³²). */
  uint32(): number {
    if (this.#used === 4) {
      if (this.#block === 0x1_0000_0000) {
        throw new RangeError("Cannot draw more than 2³⁴ numbers from one stream: open another stream");
      }
      philox(this.#block++, this.#a, this.#b, this.#c, this.#seed, this.#purpose, this.#words);
      this.#used = 0;
    }
    return this.#words[this.#used++] ?? 0;
  }

  /** A number, uniform in [0, 1): a multiple of 2⁻⁵³, made of two words. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000;
  }

  /**
   * An integer, uniform in [0, `n`), without bias: words beyond the last whole multiple of `n` are drawn again.
   *
   * @throws {RangeError} when `n` is not an integer in [1, 2³²]
   */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x1_0000_0000) {
      throw new RangeError(`Cannot draw an integer below ${n}: it must be an integer in [1, 2^32]`);
    }
    const whole = 0x1_0000_0000 - (0x1_0000_0000 % n);
    for (;;) {
      const drawn = this.uint32();
      if (drawn < whole) return drawn % n;
    }
  }

  /**
   * A normal number, mean 0 and variance 1, by Box & Muller's transform (1958).
   *
   * The only draw here that is not exact arithmetic: it relies on the engine's `Math.log`, `Math.cos` and `Math.sin`.
   * V8 computes them in software (fdlibm), so they are equal on every machine that runs it; another engine may differ in
   * the last bit of a double, which rounding to float32 nearly always hides.
   */
  normal(): number {
    const spare = this.#spareNormal;
    if (spare !== undefined) {
      this.#spareNormal = undefined;
      return spare;
    }
    // 1 - [0, 1) lies in (0, 1], where the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /**
   * The integers 0 … `n` - 1 in random order, each order equally likely (Fisher & Yates, from the end).
   *
   * @throws {RangeError} when `n` is not an integer in [0, 2³²)
   */
  permutation(n: number): Uint32Array<ArrayBuffer> {
    const order = new Uint32Array(word("length of a permutation", n));
    for (let at = 0; at < n; at++) order[at] = at;
    for (let last = n - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const moved = order[other] ?? 0;
      order[other] = order[last] ?? 0;
      order[last] = moved;
    }
    return order;
  }
}

function word(what: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`Cannot use ${value} as ${what}: it must be an integer in [0, 4294967295]`);
  }
  return value;
}
