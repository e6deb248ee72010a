/**
 * When to take a checkpoint within a level.
 *
 * @module
 */

/** The largest share of the time that checkpoints may take. */
const share = 0.02;

/**
 * Says when the next checkpoint is due: some time after the last one, and not before another that costs as much would leave all
 * of them below 2 % of the time. The cost is reading the networks back, and whatever the listener does with them.
 */
export class CheckpointClock {
  readonly #ms: number;
  readonly #now: () => number;
  readonly #began: number;
  #since: number;
  #costMs = 0;
  #spentMs = 0;

  /**
   * @param seconds between two checkpoints; 0 for as often as can be, whatever it costs
   * @param now the time in milliseconds; a test has its own
   * @throws {RangeError} when there are fewer than 0 seconds
   */
  constructor(seconds: number, now: () => number = () => performance.now()) {
    if (!(seconds >= 0)) {
      throw new RangeError(
        `Cannot take checkpoints every ${seconds} seconds: give 0, for as often as can be, or more.`,
      );
    }
    this.#ms = seconds * 1000;
    this.#now = now;
    this.#began = now();
    this.#since = this.#began;
  }

  /** Whether it is time. */
  get isDue(): boolean {
    if (this.#ms === 0) return true;
    const now = this.#now();
    return now - this.#since >= this.#ms && this.#spentMs + this.#costMs <= share * (now - this.#began);
  }

  /**
   * A checkpoint was taken.
   *
   * @param began when taking it began, by the same clock
   */
  taken(began: number): void {
    this.#since = this.#now();
    this.#costMs = this.#since - began;
    this.#spentMs += this.#costMs;
  }

  /** Something as good as a checkpoint was recorded: the end of a level. */
  reset(): void {
    this.#since = this.#now();
  }
}
