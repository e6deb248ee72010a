/**
 * Work that is asked for more often than it should be done.
 *
 * @module
 */

/** How pacing tells the time; a test gives its own. */
export interface Pace {
  /** Milliseconds, from any moment. */
  readonly now: () => number;
  /** Calls back after some milliseconds; returns what takes that back. */
  readonly later: (call: () => void, ms: number) => () => void;
}

/** The time as it is. */
const realTime: Pace = {
  now: () => performance.now(),
  later(call, ms) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** Does work when asked, soon after each request and never more often than every so many milliseconds. */
export class Paced {
  readonly #work: () => void | Promise<void>;
  readonly #interval: number;
  readonly #pace: Pace;
  #last = -Infinity;
  #isWaiting = false;
  #isBusy = false;
  #isAskedAgain = false;
  #isStopped = false;
  #cancel: (() => void) | undefined;

  /**
   * @param work what to do; while it goes on it is not begun again
   * @param interval milliseconds from one beginning to the next
   */
  constructor(work: () => void | Promise<void>, interval: number, pace: Pace = realTime) {
    this.#work = work;
    this.#interval = interval;
    this.#pace = pace;
  }

  /** Asks for the work to be done. What is asked for while it waits or goes on is done once, afterwards. */
  ask(): void {
    if (this.#isStopped || this.#isWaiting) return;
    if (this.#isBusy) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isWaiting = true;
    const wait = Math.max(0, this.#last + this.#interval - this.#pace.now());
    this.#cancel = this.#pace.later(() => void this.#run(), wait);
  }

  /** Asks for it to be done at once, for what a reader has chosen. Work that goes on is done once more after it. */
  askNow(): void {
    this.#last = -Infinity;
    this.#cancel?.();
    this.#isWaiting = false;
    this.ask();
  }

  /** Does nothing any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #run(): Promise<void> {
    this.#isWaiting = false;
    this.#isBusy = true;
    this.#last = this.#pace.now();
    try {
      await this.#work();
    } finally {
      this.#isBusy = false;
      if (this.#isAskedAgain) {
        this.#isAskedAgain = false;
        this.ask();
      }
    }
  }
}
