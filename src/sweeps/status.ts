/**
 * How a sweep stands, from the runs' own files and, where there is one, a scheduler's queue.
 *
 * @module
 */
import type { Attempt, SweepRecord, SweepRun } from "./sweep.ts";

/**
 * `finished`: everything that is wanted is there. `running`: a process is at work. `waiting`: it has been handed to an engine that has
 * not begun, or begins it again. `stopped`: begun, and nobody is at work. `failed`: its last attempt ended with an error. `absent`:
 * not begun, and handed to nobody.
 */
export type SweepRunState = (typeof sweepRunStates)[number];

/** The states of a sweep's run, in the order in which tables and legends have them. */
export const sweepRunStates = ["finished", "running", "waiting", "stopped", "failed", "absent"] as const;

/** What a run came to, as far as its tickets are trained. Fractions of 1. */
export interface SweepRunResult {
  /** Mean test accuracy of the dense network at early stop. */
  readonly denseAccuracy: number | null;
  /** The same of the ticket with the lowest validation loss. */
  readonly bestAccuracy: number | null;
  /** Its surviving fraction. */
  readonly bestRemaining: number | null;
  /** Mean early-stop iteration of the dense network. */
  readonly denseEarlyStop: number | null;
  /** The smallest surviving fraction at which tickets are, in the mean, at least as accurate as the dense network. */
  readonly smallestWinning: number | null;
}

/** How a run of a sweep stands. */
export interface SweepRunStatus {
  /** The run. */
  readonly run: SweepRun;
  /** Its state. */
  readonly state: SweepRunState;
  /** Steps done of those wanted, as far as the checkpoint tells: from 0 to 1. */
  readonly fraction: number;
  /** Why it waits or failed, or where it runs, in a few printable words; null when there is nothing to say. */
  readonly detail: string | null;
  /** The scheduler's name of its task; null where it has none. */
  readonly job: string | null;
  /** Its newest attempt; undefined before there is one. */
  readonly attempt: Attempt | undefined;
  /** How many attempts there were. */
  readonly attempts: number;
  /** What it came to; undefined before its dense network is trained. */
  readonly result: SweepRunResult | undefined;
}

/** How a sweep stands. */
export interface SweepStatus {
  /** The sweep. */
  readonly record: SweepRecord;
  /** Its runs, in its order. */
  readonly runs: readonly SweepRunStatus[];
}

/** What a scheduler says of a task. */
export interface QueuedTask {
  /** The run's id. */
  readonly id: string;
  /** The scheduler's name of the task: `1234_7`. */
  readonly job: string;
  /** Whether it computes now. */
  readonly state: "running" | "waiting";
  /** Why it waits, or where it runs, as the scheduler says it: `Priority`, `gpu07`. */
  readonly detail: string;
}

/** How many runs are in each state. */
export function countStates(runs: readonly Pick<SweepRunStatus, "state">[]): Record<SweepRunState, number> {
  const counts = { finished: 0, running: 0, waiting: 0, stopped: 0, failed: 0, absent: 0 };
  for (const { state } of runs) counts[state]++;
  return counts;
}
