/**
 * How many steps go into one submit, and when the CPU waits for them.
 *
 * @module
 */
import type { Ensemble } from "../nn/ensemble.ts";
import type { TraceSpan } from "./trace.ts";

/** Work of one submit, in milliseconds: short enough for watchdogs and Ctrl-C, long enough to hide the submit. */
const submitMs = 100;

/** Work on its way before the CPU waits for it, in milliseconds: a stop is noticed that much later. */
const waitMs = 400;

/** Most steps of one submit; the ensemble's ring of indices holds as many. */
const maxSteps = 256;

/**
 * How many steps make a submit, and when to wait. Waiting costs up to 11 ms under Deno, whose waits end when everything
 * that was submitted is done, so several submits share one. Its timing decides when, never what.
 */
export class Pace {
  readonly #ensemble: Ensemble;
  readonly #times: number[] = [];
  #waiting = 0;
  #since = 0;
  #stepMs = 0;
  #trainLoss: number | null = null;
  readonly #stepMsBefore: number;
  readonly #waited: (span: Pick<TraceSpan, "name" | "startMs" | "durationMs">) => void;

  /**
   * @param stepMsBefore median time of a step before an interruption, in milliseconds; 0 when there was none
   * @param waited told of every wait
   */
  constructor(
    ensemble: Ensemble,
    stepMsBefore: number,
    waited: (span: Pick<TraceSpan, "name" | "startMs" | "durationMs">) => void,
  ) {
    this.#ensemble = ensemble;
    this.#stepMsBefore = stepMsBefore;
    this.#waited = waited;
  }

  /** Steps of the next submit. */
  get stepsPerSubmit(): number {
    return this.#stepMs === 0 ? 4 : Math.max(1, Math.min(maxSteps, Math.round(submitMs / this.#stepMs)));
  }

  /** Milliseconds of a step, lately. */
  get stepMs(): number {
    return this.#stepMs;
  }

  /** Mean training loss of the first network since the last evaluation, as of the last wait. */
  get trainLoss(): number | null {
    return this.#trainLoss;
  }

  /** Median over the waits of a level; what it was before an interruption while there are none since. */
  get medianStepMs(): number {
    return this.#times.length > 0 ? median(this.#times) : this.#stepMsBefore;
  }

  /** Whether nothing that was submitted is still on its way. */
  get isSettled(): boolean {
    return this.#waiting === 0;
  }

  /** To be called right before a submit of so many steps. */
  submitting(steps: number): void {
    if (this.#waiting === 0) this.#since = performance.now();
    this.#waiting += steps;
  }

  /** Waits when enough is on its way. */
  async submitted(): Promise<void> {
    if (this.#waiting * this.#stepMs >= waitMs || this.#stepMs === 0) await this.settle();
  }

  /** Waits for everything that was submitted. */
  async settle(): Promise<void> {
    if (this.#waiting === 0) return;
    // A read waits for everything before it, so that the running loss comes for nothing.
    const startMs = performance.now();
    const [loss] = await this.#ensemble.runningLosses();
    const ended = performance.now();
    this.#waited({ name: `wait for ${this.#waiting} steps`, startMs, durationMs: ended - startMs });
    this.#trainLoss = loss !== undefined && Number.isFinite(loss) ? loss : null;
    this.#stepMs = (ended - this.#since) / this.#waiting;
    this.#times.push(this.#stepMs);
    this.#waiting = 0;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return 0;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
