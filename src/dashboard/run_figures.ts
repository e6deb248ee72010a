/**
 * The figures of one run, by name: as pictures for its pages, as files, and as the numbers they are drawn from.
 *
 * @module
 */
import { type ArmFigures, type LevelFigures, paperMarks } from "../analysis/outcome.ts";
import type { Spread } from "../analysis/statistics.ts";
import type { LevelSummary } from "../analysis/summary.ts";
import type { NetworkKey } from "../lottery/types.ts";
import { densityFigure, layerDensityFigure } from "../plot/density_figure.ts";
import { histogramFigure } from "../plot/histogram_figure.ts";
import { accuracyFigure, earlyStopFigure, type PlottedRun, stepTimeFigure } from "../plot/level_figures.ts";
import type { Figure, FigureOptions } from "../plot/line_figure.ts";
import { pair } from "../plot/styles.ts";
import type { WeightHistogram } from "../store/histograms.ts";
import type { FigureFiles } from "./components/Figure.tsx";
import type { RunView } from "./types.ts";

/** Where test accuracy is looked at. */
export type AccuracyAt = "early-stop" | "end";

/** A row of a figure's numbers. */
export type FigureRow = Readonly<Record<string, string | number | null>>;

/** A figure that can be drawn at any size, and what it is drawn from. */
export interface RunFigure {
  /** Draws it. */
  readonly draw: (options: FigureOptions) => Figure;
  /** Its numbers; every row has the same columns. */
  readonly rows: readonly FigureRow[];
}

/** The part of a run that figures are drawn from. */
export type FiguredRun = Pick<RunView, "id" | "figures" | "summary">;

/** Test accuracy against remaining weights. */
export function accuracyOf(run: FiguredRun, at: AccuracyAt): RunFigure {
  return {
    draw: (options) => accuracyFigure([plotted(run)], { ...options, at }),
    rows: rowsPerArm(run, (arm) => at === "end" ? arm.accuracyAtEnd : arm.accuracyAtEarlyStop, "testAccuracy"),
  };
}

/** Early-stop iteration against remaining weights. */
export function earlyStopOf(run: FiguredRun): RunFigure {
  return {
    draw: (options) => earlyStopFigure([plotted(run)], options),
    rows: rowsPerArm(run, (arm) => arm.earlyStop, "earlyStopIteration"),
  };
}

/** Time of a step, level by level. */
export function stepTimeOf(run: FiguredRun): RunFigure {
  return {
    draw: (options) => stepTimeFigure([plotted(run)], options),
    rows: run.figures.map(({ level, remaining, ticket, controls }) => ({
      run: run.id,
      level,
      remaining,
      networks: networksOf(ticket) + controls.reduce((sum, control) => sum + networksOf(control), 0),
      stepMs: ticket.stepMs,
    })),
  };
}

/** Surviving weights per layer over all levels. */
export function layersOf(run: FiguredRun): RunFigure {
  const levels = ticketLevels(run);
  return {
    draw: (options) => layerDensityFigure(run.id, levels, options),
    rows: levels.flatMap((level) => layerRows(run.id, level)),
  };
}

/** Surviving weights per layer of one level; undefined for a level that is not trained. */
export function densityOf(run: FiguredRun, level: number): RunFigure | undefined {
  const own = ticketLevels(run).find((candidate) => candidate.level === level);
  return own && {
    draw: (options) => densityFigure(run.id, own, options),
    rows: layerRows(run.id, own),
  };
}

/** Histograms of one network's weights, as the log has them. */
export function weightsOf(network: NetworkKey, histograms: readonly WeightHistogram[]): RunFigure {
  const { arm } = network;
  return {
    draw: (options) => histogramFigure(networkWords(network), histograms, { ...options, arm }),
    rows: histograms.flatMap(({ layer, limit, initialSurviving, initialPruned, finalSurviving }) =>
      initialSurviving.map((count, bin) => ({
        ...keyOf(network),
        layer,
        from: edge(bin, initialSurviving.length, limit),
        to: edge(bin + 1, initialSurviving.length, limit),
        initialSurviving: count,
        initialPruned: initialPruned[bin] ?? 0,
        finalSurviving: finalSurviving[bin] ?? 0,
      }))
    ),
  };
}

/** A network in words: "ticket, level 7, replicate 1"; of a control also its draw. */
export function networkWords({ arm, level, replicate, draw }: NetworkKey): string {
  return `${arm}, level ${level}, replicate ${replicate}${arm === "ticket" ? "" : `, draw ${draw}`}`;
}

/** A figure on a page: the picture at both widths without its heading, and its words. */
export function onPage({ draw }: RunFigure, prefix: string): { readonly picture: string; readonly words: string } {
  return {
    picture: pair((size) => draw({ prefix, size, heading: false }).svg),
    words: draw({ prefix, heading: false }).words,
  };
}

/** Where a run's figure has its files. */
export function filesOf(
  id: string,
  name: string,
  choices: Readonly<Record<string, string | number>> = {},
): FigureFiles {
  const query = new URLSearchParams(Object.entries(choices).map(([key, value]) => [key, String(value)])).toString();
  const file = (type: string): string => `/runs/${id}/figures/${name}.${type}${query === "" ? "" : `?${query}`}`;
  return { svg: file("svg"), csv: file("csv"), json: file("json") };
}

function plotted({ id, figures, summary }: FiguredRun): PlottedRun {
  return { name: id, figures, paper: summary ? paperMarks(summary) : [] };
}

function ticketLevels({ summary }: FiguredRun): readonly LevelSummary[] {
  return summary?.arms.find(({ name }) => name === "ticket")?.levels ?? [];
}

function rowsPerArm(
  { id, figures }: FiguredRun,
  measure: (arm: ArmFigures, level: LevelFigures) => Spread | null,
  name: string,
): FigureRow[] {
  return figures.flatMap((level) =>
    [level.ticket, ...level.controls].map((arm) => {
      const value = measure(arm, level);
      return {
        run: id,
        arm: arm.arm,
        level: level.level,
        remaining: level.remaining,
        [name]: value?.mean ?? null,
        minimum: value?.minimum ?? null,
        maximum: value?.maximum ?? null,
        networks: value?.count ?? 0,
        censored: arm.censored,
        diverged: arm.diverged,
      };
    })
  );
}

/** A level's surviving weights, a row for each layer. */
export function layerRows(run: string, { level, remaining, layers }: LevelSummary): FigureRow[] {
  return layers.map(({ name, size, kept }) => ({
    run,
    level,
    remaining,
    layer: name,
    size,
    kept,
    density: size > 0 ? kept / size : 0,
  }));
}

function networksOf({ earlyStop, diverged }: ArmFigures): number {
  return (earlyStop?.count ?? 0) + diverged;
}

function keyOf({ arm, level, replicate, draw }: NetworkKey): NetworkKey {
  return { arm, level, replicate, draw };
}

function edge(bin: number, bins: number, limit: number): number {
  return Number((-limit + 2 * limit * bin / bins).toPrecision(12));
}
