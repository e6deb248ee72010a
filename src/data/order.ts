/**
 * The order in which training examples are seen.
 *
 * @module
 */
import { drawAugmentation, maximumExamples, packAugmentation } from "./augmentation.ts";
import { RandomStream } from "./random.ts";

/** Which training this order is for. Every arm, level and draw sees the examples in an order of its own. */
export interface OrderStream {
  /** The arm's number, an integer in [0, 2³²). */
  readonly arm: number;
  /** The level, 0 for the dense network, below 2¹⁶. */
  readonly level: number;
  /** Which of a control's draws, below 2¹⁶; 0 by default. */
  readonly draw?: number;
}

/** What an order gives besides indices. */
export interface OrderOptions {
  /**
   * Whether every index comes with a random flip and shift of its image, in one word (`packAugmentation()`); false by
   * default. The order of the examples is the same either way.
   */
  readonly augment?: boolean;
}

/**
 * Batches of one training, epoch after epoch: each epoch shuffles all examples anew and drops its ragged last batch, so
 * 55,000 examples make 916 batches of 60. The batches do not depend on how many are asked for at a time.
 *
 * @example
 * ```ts
 * import { DataOrder } from "./order.ts";
 *
 * const order = new DataOrder(Uint32Array.of(7, 8, 9, 10, 11), 2, 1, { arm: 0, level: 0 });
 * const indices = order.next(3); // two batches of the first epoch, one of the second
 * console.assert(indices.length === 6);
 * ```
 */
export class DataOrder {
  /** Batches of one epoch. */
  readonly stepsPerEpoch: number;
  readonly #train: Uint32Array;
  readonly #batchSize: number;
  readonly #seed: number;
  readonly #arm: number;
  readonly #training: number;
  readonly #augment: boolean;
  #epoch = 0;
  #step = 0;
  #shuffled: Uint32Array = new Uint32Array(0);

  /**
   * An order from its beginning.
   *
   * @param train indices into the data set's training examples, as `split()` gives them; not copied
   * @param batchSize examples per step
   * @param seed the replicate's seed
   * @param stream which training the order is for
   * @throws {RangeError} when there are fewer examples than a batch needs, a number of `stream` is out of range, or an index
   * is too large to share a word with an augmentation
   */
  constructor(train: Uint32Array, batchSize: number, seed: number, stream: OrderStream, options: OrderOptions = {}) {
    if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > train.length) {
      throw new RangeError(
        `Cannot make batches of ${batchSize} from ${train.length} training examples: ` +
          `choose a batch size from 1 to ${train.length}`,
      );
    }
    const { arm, level, draw = 0 } = stream;
    for (const [name, value] of [["level", level], ["draw", draw]] as const) {
      if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
        throw new RangeError(`Cannot use ${value} as the ${name} of a data order: it must be an integer in [0, 65535]`);
      }
    }
    const { augment = false } = options;
    const beyond = augment ? train.find((index) => index >= maximumExamples) : undefined;
    if (beyond !== undefined) {
      throw new RangeError(
        `Cannot augment example ${beyond}: with shift and flip in the same word, an example's index is a whole number ` +
          `below ${maximumExamples}; use fewer examples or no augmentation`,
      );
    }
    this.#train = train;
    this.#batchSize = batchSize;
    this.#seed = seed;
    this.#arm = arm;
    this.#training = draw * 0x10000 + level;
    this.#augment = augment;
    this.stepsPerEpoch = Math.floor(train.length / batchSize);
    this.#shuffled = this.#shuffle();
  }

  /**
   * The next batches, one after the other.
   *
   * @param steps how many batches
   * @returns `steps` × `batchSize` indices into the data set's training examples, each in one word with its augmentation where
   * the order was made with `augment`
   * @throws {RangeError} when `steps` is not a whole number
   */
  next(steps: number): Uint32Array<ArrayBuffer> {
    if (!Number.isSafeInteger(steps) || steps < 0) {
      throw new RangeError(`Cannot take ${steps} batches: it must be a whole number`);
    }
    const indices = new Uint32Array(steps * this.#batchSize);
    let filled = 0;
    while (filled < steps) {
      if (this.#step === this.stepsPerEpoch) {
        this.#epoch++;
        this.#step = 0;
        this.#shuffled = this.#shuffle();
      }
      const taken = Math.min(steps - filled, this.stepsPerEpoch - this.#step);
      const from = this.#step * this.#batchSize;
      indices.set(this.#shuffled.subarray(from, from + taken * this.#batchSize), filled * this.#batchSize);
      filled += taken;
      this.#step += taken;
    }
    return indices;
  }

  /**
   * Passes over batches, to go on where an earlier training of the same stream stood. Costs one epoch's shuffle however many
   * there are, because every epoch is drawn from a stream of its own.
   *
   * @param steps how many batches
   * @throws {RangeError} when `steps` is not a whole number
   */
  skip(steps: number): void {
    if (!Number.isSafeInteger(steps) || steps < 0) {
      throw new RangeError(`Cannot skip ${steps} batches: it must be a whole number`);
    }
    const position = this.#step + steps;
    const epoch = this.#epoch + Math.floor(position / this.stepsPerEpoch);
    this.#step = position % this.stepsPerEpoch;
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#shuffled = this.#shuffle();
  }

  #shuffle(): Uint32Array {
    const random = new RandomStream(this.#seed, "order", this.#arm, this.#training, this.#epoch);
    const shuffled = random.permutation(this.#train.length).map((position) => this.#train[position] ?? 0);
    if (!this.#augment) return shuffled;
    // Drawn for the whole epoch in its order, so an epoch can be replayed, and in pieces of any size.
    const changes = new RandomStream(this.#seed, "augment", this.#arm, this.#training, this.#epoch);
    return shuffled.map((example) => packAugmentation(example, drawAugmentation(changes)));
  }
}
