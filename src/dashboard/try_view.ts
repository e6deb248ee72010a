/**
 * What the page that trains in the browser shows, as a function of what its worker has reported.
 *
 * @module
 */
import { percent } from "../analysis/words.ts";
import type { DatasetName } from "../data/dataset.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { ArmName, Evaluation, LevelRecord } from "../lottery/types.ts";
import type { Report, TryResult } from "./try_protocol.ts";
import type { TrySettings } from "./try_settings.ts";
import type { Trouble } from "./try_trouble.ts";

/** A point of a curve. */
export interface AccuracyPoint {
  /** Steps done. */
  readonly iteration: number;
  /** Test accuracy, from 0 to 1. */
  readonly accuracy: number;
}

/** A level so far. */
export interface LevelView {
  /** The level; 0 = dense. */
  readonly level: number;
  /** Planned surviving fraction of the weights. */
  readonly remaining: number;
  /** Test accuracy of each arm that trains at this level, by iteration. */
  readonly curves: Readonly<Partial<Record<ArmName, readonly AccuracyPoint[]>>>;
  /** Once it is trained: its records, tickets and controls. */
  readonly records: readonly LevelRecord[];
  /** Once it is trained: per pixel, the surviving weights of the ticket's first layer. */
  readonly survivors?: Uint16Array<ArrayBuffer>;
  /** Units of the first layer. */
  readonly units?: number;
}

/** What the page shows. */
export interface TryView {
  /** Where the training stands. */
  readonly phase: "idle" | "loading" | "training" | "stopping" | "stopped" | "done" | "failed";
  /** What was asked for. */
  readonly settings: TrySettings;
  /** What is trained on, and why not on digits, once that is known. */
  readonly data?: { readonly dataset: DatasetName; readonly train: number; readonly reason?: string };
  /** Who computes. */
  readonly adapter?: AdapterInfo;
  /** Weights of the dense network. */
  readonly weights?: number;
  /** The levels that have begun, in order. */
  readonly levels: readonly LevelView[];
  /** Planned surviving fraction per level. */
  readonly remaining: readonly number[];
  /** Steps done of the level in training. */
  readonly iteration: number;
  /** What came of it. */
  readonly result?: TryResult;
  /** What went wrong. */
  readonly trouble?: Trouble;
}

/** What is shown before anything is trained. */
export function idle(settings: TrySettings): TryView {
  return { phase: "idle", settings, levels: [], remaining: [], iteration: 0 };
}

/** What is shown once a training is asked for. */
export function begun(settings: TrySettings): TryView {
  return { ...idle(settings), phase: "loading" };
}

/** What is shown after a report. Answers about drawn digits change nothing here. */
export function after(view: TryView, report: Report): TryView {
  switch (report.type) {
    case "data": {
      const { type: _type, ...data } = report;
      return { ...view, data };
    }
    case "start": {
      const { adapter, weights, remaining } = report;
      return { ...view, phase: view.phase === "stopping" ? "stopping" : "training", adapter, weights, remaining };
    }
    case "progress":
      return { ...withLevel(view, report.level, (level) => level), iteration: report.iteration };
    case "evaluation": {
      const { evaluation } = report;
      return {
        ...withLevel(view, evaluation.level, (level) => withPoint(level, evaluation)),
        iteration: evaluation.iteration,
      };
    }
    case "level-end": {
      const { level, records, survivors, units } = report;
      return withLevel(view, level, (own) => ({ ...own, records, survivors, units }));
    }
    case "end":
      return { ...view, phase: "done", result: report.result };
    case "stopped":
      return { ...view, phase: "stopped" };
    case "failed":
      return { ...view, phase: "failed", trouble: report.trouble };
    case "read":
      return view;
  }
}

/** How much of the training is done, from 0 to 1; undefined where it has not begun. */
export function fractionOf({ phase, settings, levels, iteration }: TryView): number | undefined {
  if (phase === "done") return 1;
  const current = levels.at(-1);
  if (!current) return undefined;
  return (current.level + Math.min(1, iteration / settings.iterations)) / (settings.levels + 1);
}

/** Where the training stands, in a sentence that changes with a level and not with every step: it is read out. */
export function announcement(view: TryView): string {
  const { phase, settings, levels, result } = view;
  const current = levels.at(-1);
  switch (phase) {
    case "idle":
      return "";
    case "loading":
      return "Loading the digits and opening the GPU.";
    case "training": {
      if (!current) return "Compiling the kernels.";
      const before = levels.at(-2);
      const reached = before ? accuracyOf(before, "ticket") : undefined;
      const was = before && reached !== undefined
        ? ` Level ${before.level} reached ${percent(reached)} test accuracy.`
        : "";
      const more = settings.levels - current.level;
      return `${describeLevel(current.level, current.remaining)} is training, ${
        more === 0 ? "the last one" : `${more} more to come`
      }.${was}`;
    }
    case "stopping":
      return "Stopping at the next step.";
    case "stopped":
      return current ? `Stopped in level ${current.level}.` : "Stopped before the first level.";
    case "done":
      return `Done. ${withoutFlags(result?.outcome ?? [])[0] ?? ""}`;
    case "failed":
      return "";
  }
}

/**
 * Sentences about a run without the advice to give flags to the command line, which the page does not have. What they say about
 * the numbers stays: advice is a sentence of its own, or what follows the last colon of one. A text that was advice alone is left
 * out.
 */
export function withoutFlags(texts: readonly string[]): string[] {
  return texts.map((text) =>
    text.split(/(?<=[.!?])\s+/).flatMap((sentence) => {
      const flag = sentence.search(/(?<![\w-])--[a-z]/);
      if (flag < 0) return [sentence];
      const colon = sentence.lastIndexOf(": ", flag);
      return colon < 0 ? [] : [`${sentence.slice(0, colon)}.`];
    }).join(" ")
  ).filter((text) => text !== "");
}

/** "Level 2, with 25.1 % of the weights,". */
export function describeLevel(level: number, remaining: number): string {
  return level === 0 ? "The dense network" : `Level ${level}, with ${percent(remaining)} of the weights,`;
}

/** An arm's test accuracy at its early stop once the level is trained, else at its last evaluation. */
export function accuracyOf({ records, curves }: LevelView, arm: ArmName): number | undefined {
  const record = records.find((own) => own.arm === arm);
  return record?.testAccuracyAtEarlyStop ?? curves[arm]?.at(-1)?.accuracy;
}

function withLevel(view: TryView, level: number, change: (own: LevelView) => LevelView): TryView {
  const own = view.levels.find((candidate) => candidate.level === level) ??
    { level, remaining: view.remaining[level] ?? 1, curves: {}, records: [] };
  const others = view.levels.filter((candidate) => candidate.level !== level);
  return { ...view, levels: [...others, change(own)].sort((a, b) => a.level - b.level) };
}

function withPoint(level: LevelView, { arm, iteration, testAccuracy: accuracy }: Evaluation): LevelView {
  return { ...level, curves: { ...level.curves, [arm]: [...level.curves[arm] ?? [], { iteration, accuracy }] } };
}
