/**
 * The numbers behind an experiment's panels, as rows.
 *
 * @module
 */
import type { Panel } from "../experiments/experiment.ts";
import type { DrawnFrom } from "../experiments/figures.ts";
import { histogramsOf } from "../experiments/histograms.ts";
import { nearestLevels } from "../experiments/loaded_run.ts";
import { pointsOf } from "../experiments/measured.ts";
import { type FigureRow, layerRows } from "./run_figures.ts";

/** The numbers of all panels, a list for each picture that is drawn of them. */
export function experimentRows(from: DrawnFrom): (readonly FigureRow[])[] {
  return from.experiment.panels.flatMap((panel) => rowsOf(panel, from));
}

function rowsOf(panel: Panel, { runs }: DrawnFrom): (readonly FigureRow[])[] {
  const run = "run" in panel ? runs.find(({ name }) => name === panel.run) : undefined;
  const { summary } = run ?? {};
  switch (panel.type) {
    case "levels":
      return [
        panel.lines.flatMap(({ run: name, arm }) =>
          pointsOf(runs.find((own) => own.name === name), arm, panel).map((point) => ({
            run: name,
            arm,
            level: point.level,
            remaining: point.remaining,
            quantity: panel.quantity,
            mean: point.spread?.mean ?? null,
            minimum: point.spread?.minimum ?? null,
            maximum: point.spread?.maximum ?? null,
            networks: point.spread?.count ?? 0,
            censored: point.censored,
            diverged: point.diverged,
          }))
        ),
      ];
    case "curves":
      return [
        panel.arms.flatMap((arm) =>
          (summary ? nearestLevels(summary, arm, panel.remaining) : []).flatMap(({ level, remaining }) =>
            (run?.evaluations ?? []).filter((own) => own.arm === arm && own.level === level).map((own) => ({
              run: panel.run,
              arm,
              level,
              remaining,
              replicate: own.replicate,
              draw: own.draw,
              iteration: own.iteration,
              [panel.quantity === "test-accuracy" ? "testAccuracy" : "validationLoss"]:
                panel.quantity === "test-accuracy" ? own.testAccuracy : own.validationLoss,
            }))
          )
        ),
      ];
    case "connectivity":
      return [
        (summary ? nearestLevels(summary, "ticket", panel.remaining) : []).flatMap(({ level, remaining }) =>
          (run?.lines ?? []).filter((own) => own.level === level).flatMap(({ replicate, points }) =>
            points.map(({ alpha, testError }) => ({ run: panel.run, level, remaining, replicate, alpha, testError }))
          )
        ),
      ];
    case "density":
      return panel.arms.map((arm) =>
        (summary?.arms.find(({ name }) => name === arm)?.levels ?? [])
          .flatMap((level) => layerRows(panel.run, level).map((row) => ({ ...row, arm })))
      );
    case "histograms":
    case "distances":
    case "connections":
      return [
        histogramsOf(panel, run).flatMap(({ level, remaining, layer, series, histogram: { from, to, counts } }) => {
          const edge = (bin: number): number => from + (to - from) * bin / counts.length;
          return counts.map((count, bin) => ({
            run: panel.run,
            level,
            remaining,
            layer,
            series,
            from: edge(bin),
            to: edge(bin + 1),
            count,
          }));
        }),
      ];
  }
}
