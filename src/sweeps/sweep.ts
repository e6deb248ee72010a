/**
 * What a sweep is: many runs that are trained for one question. Its runs have the ids that they would have alone, so a run that is
 * there is never trained again, and sweeps share what they have in common.
 *
 * @module
 */
import type { ScaleOptions } from "../experiments/scale.ts";
import type { LotteryConfig } from "../lottery/config.ts";

/** A run of a sweep, before its id is known. */
export interface ExpandedRun {
  /** What tables call it: `lr 0.0012`, or with several axes `lr 0.0012, seed 2`; unique within its sweep. */
  readonly name: string;
  /** Its settings. */
  readonly config: LotteryConfig;
}

/** Where a sweep comes from. */
export type SweepSource =
  /** An experiment under options; `paper` is all of them. */
  | { readonly type: "experiment"; readonly name: string; readonly options: ScaleOptions }
  /** A file: base configuration and axes, as it was read. */
  | { readonly type: "file"; readonly definition: Readonly<Record<string, unknown>> };

/** A sweep with all its runs, before their ids are known. */
export interface ExpandedSweep {
  /** What its folder is called: `fig26-scale-0.1`, `adam-rates`. Lower-case letters, digits, dots and hyphens. */
  readonly key: string;
  /** What it is, in a line. */
  readonly title: string;
  /** Where it comes from. */
  readonly source: SweepSource;
  /** Its runs, in the order of the axes. */
  readonly runs: readonly ExpandedRun[];
}

/** A run of a sweep. */
export interface SweepRun extends ExpandedRun {
  /** Its id: the name of its folder. */
  readonly id: string;
}

/** A sweep as `sweeps/<key>/sweep.json` beside the runs has it. */
export interface SweepRecord {
  /** Version of this object. */
  readonly schema: 1;
  /** What its folder is called. */
  readonly key: string;
  /** What it is, in a line. */
  readonly title: string;
  /** Where it comes from. */
  readonly source: SweepSource;
  /** Its runs, each id once. */
  readonly runs: readonly SweepRun[];
  /** When it was first made, in UTC. */
  readonly created: string;
  /** When it was last written, in UTC. */
  readonly updated: string;
}

/** How runs are carried out. */
export type EngineName = "local" | "slurm";

/**
 * What was handed to an engine at once, as `sweeps/<key>/submissions/<name>.json` has it: everything that a task needs, so that a
 * later change of the sweep changes nothing that waits. Task `i` trains `tasks[i]`.
 */
export interface Submission {
  /** Version of this object. */
  readonly schema: 1;
  /** The sweep's key. */
  readonly sweep: string;
  /** When it was made, in UTC, in the form that names its file: `2026-11-26T04-05-06-789Z`. */
  readonly name: string;
  /** Who carries it out. */
  readonly engine: EngineName;
  /** The runs to train, as far as they are not. */
  readonly tasks: readonly SweepRun[];
  /** Folders of data sets' files, absolute, by the sets' names; what is not named comes from where it always does. */
  readonly dataDirs?: Readonly<Record<string, string>>;
  /** Digests of the data sets that the ids were made with, by their names: a machine with other files can say so. */
  readonly digests?: Readonly<Record<string, string>>;
  /** The plan table's file, absolute; the run's own or the shipped one when left out. */
  readonly plan?: string;
  /** Least time between checkpoints within a level, in seconds; the usual when left out. */
  readonly checkpointSeconds?: number;
  /** The scheduler's job, as soon as it has one: `1234` of an array's tasks `1234_0`, …. */
  readonly job?: string;
}

/**
 * One process that worked on a run for a sweep, as `sweeps/<key>/attempts/<run id>/<name>.json` has it. Each file has one writer;
 * nothing is appended, so that it can lie on any file system.
 */
export interface Attempt {
  /** Version of this object. */
  readonly schema: 1;
  /** The run's id. */
  readonly id: string;
  /** Its submission's name. */
  readonly submission: string;
  /** Who carried it out. */
  readonly engine: EngineName;
  /** The scheduler's name of the task, such as `1234_7`; null outside of one. */
  readonly job: string | null;
  /** How often the scheduler had started the task before. */
  readonly restarts: number;
  /** The machine. */
  readonly host: string;
  /** The process. */
  readonly pid: number;
  /** When the process began, in UTC. */
  readonly started: string;
  /** When its training began, in UTC; null before, and where nothing was left to train. */
  readonly trained: string | null;
  /** When it ended, in UTC; null while it works, and after a kill. */
  readonly ended: string | null;
  /**
   * `finished`: everything that is wanted is there. `stopped`: told to, with a checkpoint. `failed`: an error. `in-use`: another
   * process was at work in the run. Null while it works, and after a kill.
   */
  readonly outcome: "finished" | "stopped" | "failed" | "in-use" | null;
  /** The error, printable; null without. */
  readonly error: string | null;
}

/** Exit codes of a task, beside the usual ones of commands. */
export const taskExitCodes = {
  /** Everything that is wanted is there. */
  finished: 0,
  /** It failed. */
  failed: 1,
  /** It was told to stop, and goes on from its checkpoint when it is started again. */
  stopped: 130,
  /** Another process is at work in the run: `EX_TEMPFAIL` of sysexits.h. */
  inUse: 75,
} as const;
