/**
 * What the pages show: runs as rows of a table, a run as its figures, its curves.
 *
 * Units: fractions of 1 for accuracies, progress and remaining weights; nats for losses; seconds; iterations are optimizer
 * steps. Levels count from 0 (the dense network), replicates and draws from 1.
 *
 * @module
 */
import type { LevelFigures, PaperComparison } from "../analysis/outcome.ts";
import type { Summary } from "../analysis/summary.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { Limits } from "../gpu/limits.ts";
import type { ArmName } from "../lottery/types.ts";
import type { IndexedRun, RunState } from "../store/index.ts";
import type { Manifest } from "../store/manifest.ts";

/** How far a run is. */
export interface Progress {
  /** Work done of the work wanted, from 0 to 1: networks, and the iterations of those in training. */
  readonly fraction: number;
  /** Seconds until it is finished, at the speed so far; null when it is not running or nothing is known yet. */
  readonly secondsLeft: number | null;
  /** The level in training or the last one trained; null before the first evaluation. */
  readonly level: number | null;
  /** Its last evaluated iteration. */
  readonly iteration: number | null;
}

/** A run in the overview's table. */
export interface RunRow extends IndexedRun {
  /** Words that the reader has put on it, in order. */
  readonly tags: readonly string[];
  /** How far it is. */
  readonly progress: Progress;
}

/** A run with everything that its pages show, but its curves. */
export interface RunView {
  /** Its row in the table. */
  readonly row: RunRow;
  /** Its id. */
  readonly id: string;
  /** How it stands. */
  readonly state: RunState;
  /** Its folder. */
  readonly folder: string;
  /** Its configuration; undefined when that cannot be read. */
  readonly config: LotteryConfig | undefined;
  /** What it was made with; undefined when that cannot be read. */
  readonly manifest: Manifest | undefined;
  /** What it has come to so far; undefined when no network is trained. */
  readonly summary: Summary | undefined;
  /** Figures per level, tickets and controls; empty when no network is trained. */
  readonly figures: readonly LevelFigures[];
  /** Whether pruning helped, by how much and against which control, in sentences. */
  readonly outcome: readonly string[];
  /** The paper's values beside ours, where there are any. */
  readonly paper: readonly PaperComparison[];
  /** What is wrong with it, in sentences. */
  readonly problems: readonly string[];
}

/** What a curve shows. */
export type Metric = (typeof metrics)[number];

/** The columns of metrics.jsonl that are drawn. */
export const metrics = ["testAccuracy", "validationAccuracy", "testLoss", "validationLoss", "trainLoss"] as const;

/** One network's values of one metric, or the mean of a level's networks; `NaN` never: a missing value is null. */
export interface Curve {
  /** The arm. */
  readonly arm: ArmName;
  /** The level. */
  readonly level: number;
  /** Surviving fraction of all weights, as planned. */
  readonly remaining: number;
  /** The replicate; null for the mean over replicates (and draws). */
  readonly replicate: number | null;
  /** The draw; null for the mean. */
  readonly draw: number | null;
  /** Iterations, ascending. */
  readonly iterations: readonly number[];
  /** The metric at each; null where it is missing or not finite. */
  readonly values: readonly (number | null)[];
  /** For a mean of several: the smallest and largest value at each iteration. */
  readonly range: { readonly minimum: readonly (number | null)[]; readonly maximum: readonly (number | null)[] } | null;
  /** Iteration of minimum validation loss so far (of a mean: the mean of its networks'); null when there is none. */
  readonly earlyStop: number | null;
  /** The iteration at which a network's training loss was no longer finite; null when it never was not. */
  readonly divergedAt: number | null;
}

/** Which curves are asked for. */
export interface CurveQuery {
  /** What to show. */
  readonly metric: Metric;
  /** Of which arms; all when empty. */
  readonly arms: readonly ArmName[];
  /** Of which levels; when empty: dense, the best, and the newest. */
  readonly levels: readonly number[];
  /** Each network by itself, or the means of a level's. */
  readonly networks: "mean" | "each";
}

/** Who computed, and who would compute now. */
export interface AdapterReport {
  /** Adapters that runs were made on, those with most runs first. */
  readonly recorded: readonly RecordedAdapter[];
  /** The adapter that answers on this machine now, with its limits; undefined when none does. */
  readonly live: (AdapterInfo & { readonly limits: Required<Limits> }) | undefined;
  /** Why none answers, in a sentence; null when one does. */
  readonly problem: string | null;
}

/** An adapter that runs were made on. */
export interface RecordedAdapter extends AdapterInfo {
  /** The runs' ids, in order. */
  readonly runs: readonly string[];
}

/** Which server-sent events are asked for. */
export interface EventQuery {
  /** Only of these runs; of all when left out. */
  readonly runs?: readonly string[];
}

/** What is told to a page that listens. `data` of each server-sent event is one of these as JSON; `event` is its type. */
export type DashboardEvent =
  /**
   * The first event of every stream. The version changes with every event that there is: a page that comes back and knew
   * another one has missed something, and fetches what it shows once more.
   */
  | { readonly type: "hello"; readonly version: string }
  | { readonly type: "run"; readonly row: RunRow }
  | { readonly type: "gone"; readonly id: string }
  /**
   * New evaluations or a new level in a run: its pages fetch what they show once more. `evaluations` counts those since the
   * event before, as far as they were seen one by one; `networks` all that are trained.
   */
  | { readonly type: "moved"; readonly id: string; readonly evaluations: number; readonly networks: number };
