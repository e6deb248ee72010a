/**
 * Panels as pictures: each kind of panel from what was read of its runs.
 *
 * @module
 */
import { type Measure, measures } from "../analysis/claims.ts";
import { spread } from "../analysis/statistics.ts";
import type { Evaluation } from "../lottery/types.ts";
import { connectivityFigure } from "../plot/connectivity_figure.ts";
import { type CurveLine, curvesFigure } from "../plot/curve_figure.ts";
import { layerDensityFigure } from "../plot/density_figure.ts";
import { type GridSeries, type HistogramGrid, histogramGrid } from "../plot/histogram_grid.ts";
import type { Figure, FigureOptions } from "../plot/line_figure.ts";
import { armLook, denseLook, levelLook, type LineLook, sweepStyle } from "../plot/palette.ts";
import { panelFigure, type PanelMark } from "../plot/panel_figure.ts";
import { remainingLabel } from "../plot/text.ts";
import type {
  ConnectivityPanel,
  CurvePanel,
  DensityPanel,
  Experiment,
  LevelPanel,
  Line,
  Panel,
  Quantity,
} from "./experiment.ts";
import { type DistributionPanel, histogramsOf, type PanelHistogram } from "./histograms.ts";
import { type LoadedRun, nearestLevels } from "./loaded_run.ts";
import { lineNames, pointsOf } from "./measured.ts";

/** What panels are drawn from. */
export interface DrawnFrom {
  /** The experiment. */
  readonly experiment: Experiment;
  /** Its runs, as they were read. */
  readonly runs: readonly LoadedRun[];
}

/** A picture with its title. */
export interface DrawnPanel extends Figure {
  /** What it shows. */
  readonly title: string;
  /** Its numbers, where it consists of histograms. */
  readonly histograms?: readonly PanelHistogram[];
}

/** Draws a panel; one of densities is a picture for each arm. */
export function drawPanel(panel: Panel, from: DrawnFrom, options: FigureOptions): DrawnPanel[] {
  const { title } = panel;
  const run = "run" in panel ? from.runs.find(({ name }) => name === panel.run) : undefined;
  switch (panel.type) {
    case "levels":
      return [{ title, ...levelFigure(panel, from, options) }];
    case "curves":
      return [{ title, ...curveFigure(panel, run, options) }];
    case "histograms":
    case "distances":
    case "connections":
      return [{ title, ...histogramsFigure(panel, run, options), histograms: histogramsOf(panel, run) }];
    case "connectivity":
      return [{ title, ...linesFigure(panel, run, options) }];
    case "density":
      return densityFigures(panel, run, options);
  }
}

function levelFigure(panel: LevelPanel, { experiment, runs }: DrawnFrom, options: FigureOptions): Figure {
  const { lines, quantity } = panel;
  const names = lineNames(lines);
  const looks = looksOf(lines);
  const runNames = [...new Set(lines.map(({ run }) => run))];
  const most = Math.max(...runNames.map((name) => weightsOf(runs.find((run) => run.name === name)) ?? 0));
  const shareOf = (run: LoadedRun | undefined): number =>
    panel.x === "weights" && most > 0 ? (weightsOf(run) ?? most) / most : 1;
  const alone = runNames.length === 1 ? runs.find(({ name }) => name === runNames[0]) : undefined;
  const dense = alone && denseOf(alone, panel);
  return panelFigure(
    lines.map((line, index) => {
      const run = runs.find(({ name }) => name === line.run);
      const factor = shareOf(run);
      return {
        name: names[index] ?? line.run,
        ...looks[index] ?? armLook(line.arm),
        ...(runNames.length > 1 && line.arm !== "ticket" ? { weight: "faint" as const } : {}),
        points: pointsOf(run, line.arm, panel).map((point) => ({ ...point, remaining: point.remaining * factor })),
      };
    }),
    {
      ...options,
      quantity,
      title: panel.title,
      ...(panel.x === "weights" &&
          new Set(runNames.map((name) => weightsOf(runs.find((own) => own.name === name)))).size > 1
        ? { subtitle: `weights as a share of the largest network's ${most.toLocaleString("en")}` }
        : {}),
      x: panel.x ?? "log",
      ...(dense === undefined ? {} : { rule: { value: dense } }),
      marks: panel.share === undefined ? marksOf(experiment, runs, lines, quantity) : [],
    },
  );
}

/** How lines are told apart: arms by their own looks, runs of one arm as a sweep, several of both by both. */
function looksOf(lines: readonly Line[]): LineLook[] {
  const runs = [...new Set(lines.map(({ run }) => run))];
  return lines.map(({ run, arm }) =>
    runs.length === 1 ? armLook(arm) : sweepStyle(runs.indexOf(run), runs.length, arm)
  );
}

/** Weights of a run's dense network. */
function weightsOf(run: LoadedRun | undefined): number | undefined {
  const layers = run?.summary?.arms[0]?.levels[0]?.layers;
  return layers?.reduce((sum, { size }) => sum + size, 0);
}

/** What a run's dense network came to. */
function denseOf(run: LoadedRun, panel: Pick<LevelPanel, "quantity" | "share">): number | undefined {
  return pointsOf(run, "ticket", panel).find(({ level }) => level === 0)?.spread?.mean;
}

/** Which quantity a measure of the paper's is drawn among. */
const drawnAs: Readonly<Record<Measure["figure"], Quantity>> = {
  earlyStop: "early-stop",
  accuracyAtEarlyStop: "test-accuracy-at-early-stop",
  accuracyAtEnd: "test-accuracy-at-end",
  trainAccuracyAtEnd: "train-accuracy-at-end",
};

/** The paper's values, put on our dense network where the paper states them against its own. */
function marksOf(
  { paper }: Experiment,
  runs: readonly LoadedRun[],
  lines: readonly Line[],
  quantity: Quantity,
): PanelMark[] {
  const isAlone = new Set(lines.map(({ run }) => run)).size === 1;
  return paper.flatMap(({ run: name, remaining, measure, arm = "ticket", againstRun = name, value }) => {
    const { figure, place }: Measure = measures[measure];
    const run = runs.find((own) => own.name === name);
    const isShown = lines.some((line) => line.run === name && line.arm === arm);
    // The best of all has no place: the paper does not say where it is.
    if (!run?.summary || !place || !isShown || drawnAs[figure] !== quantity || remaining === "best") return [];
    if (nearestLevels(run.summary, arm, [remaining]).length === 0) return [];
    const reference = runs.find((own) => own.name === againstRun);
    const dense = reference && denseOf(reference, { quantity });
    if (dense === undefined) return [];
    return [{ remaining, value: place(value, dense), label: isAlone ? "paper" : `paper, ${name}` }];
  });
}

function curveFigure(panel: CurvePanel, run: LoadedRun | undefined, options: FigureOptions): Figure {
  const { summary, evaluations = [] } = run ?? {};
  const chosen = summary
    ? panel.arms.map((arm) => ({ arm, levels: nearestLevels(summary, arm, panel.remaining) }))
    : [];
  const several = panel.arms.length > 1;
  const lines = chosen.flatMap(({ arm, levels }) => {
    const pruned = levels.filter(({ level }) => level > 0);
    return levels.map(({ level, remaining }): CurveLine => ({
      name: level === 0
        ? arm === "ticket" ? "dense" : `dense, ${arm}`
        : `${several ? `${arm} ` : ""}${remainingLabel(remaining)} %`,
      ...(level === 0 ? denseLook : levelLook(arm, pruned.findIndex((own) => own.level === level), pruned.length)),
      points: curveOf(evaluations.filter((own) => own.arm === arm && own.level === level), panel.quantity),
      earlyStop: summary
        ? pointsOf(run, arm, { quantity: "early-stop" }).find((own) => own.level === level)?.spread?.mean ?? null
        : null,
    }));
  });
  return curvesFigure(lines, { ...options, quantity: panel.quantity, title: panel.title });
}

function curveOf(evaluations: readonly Evaluation[], quantity: CurvePanel["quantity"]): CurveLine["points"] {
  const read = (own: Evaluation): number | null => quantity === "test-accuracy" ? own.testAccuracy : own.validationLoss;
  return [...Map.groupBy(evaluations, ({ iteration }) => iteration)].toSorted(([a], [b]) => a - b)
    .map(([iteration, own]) => ({ iteration, spread: spread(own.map(read)) }));
}

/** What lies along the bins, what is counted, and how each distribution is drawn. */
function looksOfHistograms(panel: DistributionPanel): Pick<HistogramGrid, "x" | "counted"> & {
  readonly series: readonly (GridSeries & Pick<PanelHistogram, "series">)[];
} {
  switch (panel.type) {
    case "histograms":
      return {
        x: "Initial value of a weight",
        counted: "weights",
        series: [{ name: "surviving", series: "surviving", style: "arm-ticket", kind: "area" }],
      };
    case "distances":
      return {
        x: panel.measure === "away-from-zero"
          ? "Distance away from zero, |θ final| − |θ 0|"
          : "Distance moved, |θ final − θ 0|",
        counted: "weights",
        series: [
          { name: "outside the ticket", series: "outside the ticket", style: "soft", kind: "area" },
          { name: "in the ticket", series: "in the ticket", style: "arm-ticket", kind: "line" },
        ],
      };
    case "connections":
      return {
        x: "Fraction of a unit's connections that survive",
        counted: "units",
        series: [{ name: "units", series: "units", style: "arm-ticket", kind: "area" }],
      };
  }
}

function histogramsFigure(panel: DistributionPanel, run: LoadedRun | undefined, options: FigureOptions): Figure {
  const histograms = histogramsOf(panel, run);
  const looks = looksOfHistograms(panel);
  const levels = [...new Map(histograms.map(({ level, remaining }) => [level, remaining]))];
  return histogramGrid({
    ...options,
    ...looks,
    title: panel.title,
    heights: "shares",
    columns: levels.map(([, remaining]) => `${remainingLabel(remaining)} %`),
    rows: [...Map.groupBy(histograms, ({ layer }) => layer)].map(([name, own]) => ({
      name,
      domain: domainOf(own[0]?.histogram.from ?? 0, own[0]?.histogram.to ?? 0),
      cells: levels.map(([level]) => {
        const counts = looks.series.flatMap(({ series }) =>
          own.filter((one) => one.level === level && one.series === series).map(({ histogram }) => histogram.counts)
        );
        return counts.length === 0 ? null : { counts };
      }),
    })),
  });
}

function linesFigure(panel: ConnectivityPanel, run: LoadedRun | undefined, options: FigureOptions): Figure {
  const { summary, lines = [] } = run ?? {};
  const levels = summary ? nearestLevels(summary, "ticket", panel.remaining) : [];
  const pruned = levels.filter(({ level }) => level > 0);
  return connectivityFigure(
    levels.map(({ level, remaining }) => {
      const points = lines.filter((own) => own.level === level).flatMap((own) => own.points);
      return {
        name: level === 0 ? "dense" : `${remainingLabel(remaining)} %`,
        ...(level === 0
          ? denseLook
          : levelLook("ticket", pruned.findIndex((own) => own.level === level), pruned.length)),
        points: [...Map.groupBy(points, ({ alpha }) => alpha)].toSorted(([a], [b]) => a - b)
          .map(([alpha, own]) => ({ alpha, error: spread(own.map(({ testError }) => testError)) })),
      };
    }).filter(({ points }) => points.length > 0),
    { ...options, title: panel.title },
  );
}

function densityFigures(panel: DensityPanel, run: LoadedRun | undefined, options: FigureOptions): DrawnPanel[] {
  return panel.arms.map((arm, index) => {
    const levels = run?.summary?.arms.find(({ name }) => name === arm)?.levels ?? [];
    const title = `${panel.title}, ${arm}`;
    return {
      title,
      ...layerDensityFigure(`${panel.run}, ${arm}`, levels, { ...options, prefix: `${options.prefix}-${index + 1}` }),
    };
  });
}

/** Bins need a width. */
function domainOf(from: number, to: number): readonly [number, number] {
  return to > from ? [from, to] : [from - 1, to + 1];
}
