/**
 * Whether a task that ended before its time is queued once more. Most are; but one that is stopped or killed again and again without
 * getting anywhere would take a node for ever.
 *
 * @module
 */
import type { Attempt } from "../sweeps/sweep.ts";

/** So many times in a row a task may be stopped before its training begins. */
const mostIdle = 3;

/** Endings after which a task may be queued again. */
export type TaskEnding = (typeof taskEndings)[number];

/**
 * `stopped`: ahead of its time limit. `killed`: by the system, or by its node's failure. `in-use`: another process was at work in its
 * run, or seemed to be, as one on a machine that is gone does for ten minutes (`src/store/lock.ts`).
 */
export const taskEndings = ["stopped", "killed", "in-use"] as const;

/** What a task has been through. */
export interface EndedTaskHistory {
  /** How it ended now. */
  readonly ending: TaskEnding;
  /** How often Slurm had started it before. */
  readonly restarts: number;
  /** The attempts of this very task, in any order. */
  readonly attempts: readonly Pick<Attempt, "restarts" | "trained" | "outcome">[];
  /** How often in a row it may be queued again after it was killed, or its run in use. */
  readonly retries: number;
}

/** Why a task is not queued again, in a sentence; undefined when it is. A start that left no attempt behind did not get that far. */
export function refusesAgain({ ending, restarts, attempts, retries }: EndedTaskHistory): string | undefined {
  const inRow = (isBad: (attempt: EndedTaskHistory["attempts"][number] | undefined) => boolean): number => {
    let count = 0;
    while (count <= restarts && isBad(attempts.find((own) => own.restarts === restarts - count))) count++;
    return count;
  };
  if (ending === "stopped") {
    const idle = inRow((attempt) => attempt === undefined || attempt.trained === null);
    return idle < mostIdle
      ? undefined
      : `It was stopped ${idle} times in a row before its training began: raise --time, or lower --signal-seconds.`;
  }
  const outcome = ending === "killed" ? null : "in-use";
  const count = inRow((attempt) => attempt === undefined || attempt.outcome === outcome);
  if (count <= retries) return undefined;
  const times = count === 1 ? "once" : `${count} times in a row`;
  if (ending === "in-use") return `Its run was in use elsewhere ${times}, and --retries allows ${retries}.`;
  return `It was killed ${times}, and --retries allows ${retries}. Where memory ran out (exit code 137), raise --memory.`;
}
