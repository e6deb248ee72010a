/**
 * Which training examples train, and which are held out to find the early-stop iteration.
 *
 * @module
 */
import { RandomStream } from "./random.ts";

/** Disjoint index lists into a data set's training examples. */
export interface Split {
  /** Examples to train on. */
  readonly train: Uint32Array<ArrayBuffer>;
  /** Examples held out. */
  readonly validation: Uint32Array<ArrayBuffer>;
}

/**
 * Splits training examples at random: the first `validationSize` of a seeded permutation are held out, the next
 * `trainSize` (by default all the rest) train. So the validation examples of a seed do not depend on `trainSize`, and a
 * smaller training subset is the beginning of a larger one.
 *
 * @param count how many training examples the data set has
 * @param seed the replicate's seed
 * @throws {RangeError} when the two parts do not fit into `count` or the training part is empty
 * @example
 * ```ts
 * import { split } from "./split.ts";
 *
 * const { train, validation } = split(60_000, 1, { validationSize: 5_000 });
 * console.assert(train.length === 55_000 && validation.length === 5_000);
 * ```
 */
export function split(
  count: number,
  seed: number,
  options: { readonly validationSize: number; readonly trainSize?: number },
): Split {
  const { validationSize } = options;
  const trainSize = options.trainSize ?? count - validationSize;
  if (!Number.isInteger(validationSize) || validationSize < 0 || validationSize >= count) {
    throw new RangeError(
      `Cannot hold out ${validationSize} of ${count} training examples for validation: ` +
        `choose an integer from 0 to ${count - 1}`,
    );
  }
  if (!Number.isInteger(trainSize) || trainSize < 1 || trainSize > count - validationSize) {
    throw new RangeError(
      `Cannot train on ${trainSize} examples: of ${count} training examples ${validationSize} are held out for ` +
        `validation; choose an integer from 1 to ${count - validationSize}`,
    );
  }
  const permutation = new RandomStream(seed, "split").permutation(count);
  return {
    train: permutation.slice(validationSize, validationSize + trainSize),
    validation: permutation.slice(0, validationSize),
  };
}
