/**
 * A run of an experiment as it is read for figures: what it came to, and of its evaluations and weights what the panels show.
 *
 * @module
 */
import { nearestLevel } from "../analysis/claims.ts";
import type { Summary } from "../analysis/summary.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import type { ArmName, Evaluation } from "../lottery/types.ts";
import type { Experiment, Panel } from "./experiment.ts";

/** A layer of a ticket, with what training made of it where that was kept. */
export interface LoadedLayer {
  /** `conv1`, …, `dense1`, … */
  readonly name: string;
  /** Rows: fan-in. */
  readonly inputs: number;
  /** Columns: units or output channels. */
  readonly outputs: number;
  /** Rows and columns of a convolution's kernel; 1 of a dense layer. */
  readonly size: number;
  /** `[inputs][outputs]`, 1 where a weight survives. */
  readonly mask: Uint8Array;
  /** Initial values, pruned or not. */
  readonly initial: Float32Array;
  /** Final values; undefined where they were not kept. */
  readonly final?: Float32Array;
}

/** A ticket of a run. */
export interface LoadedTicket {
  /** The level. */
  readonly level: number;
  /** Surviving fraction. */
  readonly remaining: number;
  /** The replicate. */
  readonly replicate: number;
  /** Its layers, in order. */
  readonly layers: readonly LoadedLayer[];
}

/** Errors along the line between a ticket and its twin. */
export interface MeasuredLine {
  /** The level. */
  readonly level: number;
  /** The replicate. */
  readonly replicate: number;
  /** Evenly spaced, both ends included: test errors as fractions of 1. */
  readonly points: readonly { readonly alpha: number; readonly testError: number }[];
}

/** A run, read. */
export interface LoadedRun {
  /** Its name within the experiment. */
  readonly name: string;
  /** Its id; null where it is not known. */
  readonly id: string | null;
  /** What is wanted of it: the experiment's settings under the options, whatever else the run holds. */
  readonly config: LotteryConfig;
  /** How it stands. */
  readonly state: "finished" | "unfinished" | "absent";
  /** Networks that are wanted and trained. */
  readonly done: number;
  /** Networks that are wanted. */
  readonly wanted: number;
  /** What it came to, of what is wanted; undefined when nothing is trained. */
  readonly summary: Summary | undefined;
  /** Evaluations that the panels need. */
  readonly evaluations: readonly Evaluation[];
  /** Tickets that the panels need. */
  readonly tickets: readonly LoadedTicket[];
  /** Lines between tickets and their twins. */
  readonly lines: readonly MeasuredLine[];
  /** Whether of each line that is wanted and not measured both ends' trained weights were kept. */
  readonly hasLineEnds: boolean;
}

/** What panels need of a run beside its summary. */
export interface Needs {
  /** Whether an evaluation is shown. */
  readonly evaluation: (evaluation: Evaluation) => boolean;
  /** Arms whose evaluations are shown. */
  readonly arms: readonly ArmName[];
  /** Levels whose tickets are shown, ascending. */
  readonly tickets: readonly number[];
  /** Whether the dense networks' final values are. */
  readonly finals: boolean;
  /** Levels on whose lines errors are shown. */
  readonly lines: readonly number[];
}

/** What an experiment's panels need of a run. */
export function needsOf(experiment: Experiment, name: string, summary: Summary): Needs {
  const panels = experiment.panels.filter((panel) => runsOf(panel).includes(name));
  const levelsOf = (remaining: readonly number[], arm: ArmName = "ticket"): number[] =>
    nearestLevels(summary, arm, remaining).map(({ level }) => level);
  const curves = panels.flatMap((panel) =>
    panel.type === "curves" ? panel.arms.map((arm) => ({ arm, levels: new Set(levelsOf(panel.remaining, arm)) })) : []
  );
  const { config: { iterations, evalEvery } } = summary;
  const points = panels.flatMap((panel) =>
    panel.type === "levels" && panel.share !== undefined
      ? panel.lines.filter(({ run }) => run === name).map(({ arm }) => ({
        arm,
        iteration: evaluatedAt(panel.share ?? 1, { iterations, evalEvery }),
      }))
      : []
  );
  const tickets = panels.flatMap((panel) =>
    panel.type === "histograms" || panel.type === "connections" || panel.type === "distances"
      ? levelsOf(panel.remaining)
      : []
  );
  const finals = panels.some(({ type }) => type === "distances");
  const lines = panels.flatMap((panel) => panel.type === "connectivity" ? levelsOf(panel.remaining) : []);
  const ascending = (levels: readonly number[]): number[] => [...new Set(levels)].sort((a, b) => a - b);
  return {
    evaluation: ({ arm, level, iteration }) =>
      curves.some((own) => own.arm === arm && own.levels.has(level)) ||
      points.some((own) => own.arm === arm && own.iteration === iteration),
    arms: [...new Set([...curves, ...points].map(({ arm }) => arm))],
    tickets: ascending(finals ? [0, ...tickets] : tickets),
    finals,
    lines: ascending(lines),
  };
}

/** The levels of an arm that keep about as many weights as wanted, those that there are, each once. */
export function nearestLevels(
  summary: Summary,
  arm: ArmName,
  remaining: readonly number[],
): { readonly level: number; readonly remaining: number }[] {
  const levels = summary.arms.find(({ name }) => name === arm)?.levels ?? [];
  return [...new Set(remaining.flatMap((own) => nearestLevel(levels, own) ?? []))];
}

/** The last evaluation at or before a share of the iterations. */
export function evaluatedAt(
  share: number,
  { iterations, evalEvery }: Pick<LotteryConfig, "iterations" | "evalEvery">,
): number {
  return share >= 1 ? iterations : Math.floor(Math.round(share * iterations) / evalEvery) * evalEvery;
}

/** The names of the runs that a panel shows. */
export function runsOf(panel: Panel): string[] {
  return panel.type === "levels" ? [...new Set(panel.lines.map(({ run }) => run))] : [panel.run];
}
