/**
 * What an experiment is: one figure of the paper as data. Its runs, its panels, the paper's numbers.
 *
 * @module
 */
import type { ClaimAnywhere } from "../analysis/claims.ts";
import type { LotteryConfig, PresetName } from "../lottery/config.ts";
import type { ArmName } from "../lottery/types.ts";
import type { Grid } from "./grid.ts";

/** What differs from a preset. */
export type Changes = Partial<Omit<LotteryConfig, "preset">>;

/** A run of an experiment, at the paper's scale. */
export interface ExperimentRun {
  /** What legends and tables call it; unique within its experiment. */
  readonly name: string;
  /** Where its settings start from. */
  readonly preset: PresetName;
  /** What differs from the preset, controls included. */
  readonly changes: Changes;
}

/** What is drawn against remaining weights, or against iterations. */
export type Quantity =
  | "early-stop"
  | "test-accuracy-at-early-stop"
  | "test-accuracy-at-end"
  | "train-accuracy-at-early-stop"
  | "train-accuracy-at-end";

/** One line of a panel. */
export interface Line {
  /** The run's name. */
  readonly run: string;
  /** The arm. */
  readonly arm: ArmName;
  /** What the legend calls it; run and arm, as far as they differ within the panel, when left out. */
  readonly label?: string;
}

/** A quantity against remaining weights. */
export interface LevelPanel {
  readonly type: "levels";
  readonly title: string;
  readonly quantity: Quantity;
  /**
   * For `test-accuracy-at-end`: after which share of the iterations instead of all of them, from above 0 to 1. The nearest evaluation
   * at or before it counts.
   */
  readonly share?: number;
  /** How remaining weights are divided; `log` when left out. `weights`: on a logarithmic
   * axis, as a share of the weights of the panel's largest network. */
  readonly x?: "log" | "linear" | "weights";
  readonly lines: readonly Line[];
}

/** Curves over iterations, a line per remaining fraction. */
export interface CurvePanel {
  readonly type: "curves";
  readonly title: string;
  readonly quantity: "test-accuracy" | "validation-loss";
  readonly run: string;
  readonly arms: readonly ArmName[];
  /** The paper's remaining fractions; the nearest levels are drawn. */
  readonly remaining: readonly number[];
}

/** Histograms of the surviving initial weights, per layer and remaining fraction. */
export interface HistogramPanel {
  readonly type: "histograms";
  readonly title: string;
  readonly run: string;
  readonly remaining: readonly number[];
}

/** How far weights moved in the dense training: those in the ticket, and those outside it. */
export interface DistancePanel {
  readonly type: "distances";
  readonly title: string;
  readonly run: string;
  readonly remaining: readonly number[];
  /** How far in either direction, or how far away from zero: |θfinal| − |θ0|. `moved` when left out. */
  readonly measure?: "moved" | "away-from-zero";
}

/** Surviving connections per unit of a layer. */
export interface ConnectionPanel {
  readonly type: "connections";
  readonly title: string;
  readonly run: string;
  readonly layer: string;
  readonly direction: "incoming" | "outgoing";
  readonly remaining: readonly number[];
}

/** Error along the line between a ticket and its twin, trained with another data order. */
export interface ConnectivityPanel {
  readonly type: "connectivity";
  readonly title: string;
  readonly run: string;
  readonly remaining: readonly number[];
}

/** Surviving fraction of each layer against that of the network. */
export interface DensityPanel {
  readonly type: "density";
  readonly title: string;
  readonly run: string;
  readonly arms: readonly ArmName[];
}

/** A part of a figure. */
export type Panel =
  | LevelPanel
  | CurvePanel
  | HistogramPanel
  | DistancePanel
  | ConnectionPanel
  | ConnectivityPanel
  | DensityPanel;

/** A number that the paper states, and how ours is measured. Fractions of 1. */
export interface PaperClaim extends ClaimAnywhere {
  /** The run's name. */
  readonly run: string;
  /**
   * The name of another run, of the same seeds, whose dense network or arm it is measured against: what dropout alone adds is measured
   * against the dense network of the run without.
   */
  readonly againstRun?: string;
}

/** One figure of the paper, or of what came after it. */
export interface Experiment {
  /** `fig4`, or a word for what is not in the paper. */
  readonly name: string;
  /** What it shows. */
  readonly title: string;
  /** What is trained and compared, and what we chose where the paper is silent. Sentences. */
  readonly about: string;
  /** What is trained. Figures with equal runs share them. */
  readonly runs: readonly ExperimentRun[];
  /** The grid that the runs are, where they are one. */
  readonly grid?: Grid;
  /** What is drawn. */
  readonly panels: readonly Panel[];
  /** The paper's numbers; none where it prints them only as a picture. */
  readonly paper: readonly PaperClaim[];
  /** What the paper says of the figure, in words. */
  readonly reading: string;
}
