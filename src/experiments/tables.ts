/**
 * An experiment's levels as tables: means with their ranges, censored values marked.
 *
 * @module
 */
import type { ArmName } from "../lottery/types.ts";
import { levelQuantities } from "../plot/panel_figure.ts";
import { remainingLabel } from "../plot/text.ts";
import type { Experiment, LevelPanel, Quantity } from "./experiment.ts";
import type { LoadedRun } from "./loaded_run.ts";
import { type MeasuredPoint, pointsOf } from "./measured.ts";

/** A table. */
export interface Table {
  /** What it shows. */
  readonly title: string;
  /** Its columns' headings: the remaining weights, then an arm each. */
  readonly columns: readonly string[];
  /** Its rows, a level each. */
  readonly rows: readonly (readonly string[])[];
}

/** A table per run and quantity that the panels show, in their order; those of which nothing is trained are left out. */
export function levelTables(
  { panels, runs: wanted }: Pick<Experiment, "panels" | "runs">,
  runs: readonly LoadedRun[],
): Table[] {
  const shown = panels.filter((panel) => panel.type === "levels");
  return wanted.flatMap(({ name }) => {
    const run = runs.find((own) => own.name === name);
    const own = shown.filter(({ lines }) => lines.some((line) => line.run === name));
    return [...Map.groupBy(own, ({ quantity, share }) => `${quantity} ${share ?? ""}`).values()].flatMap((same) => {
      const [first] = same;
      if (!first || !run) return [];
      const arms = [
        ...new Set(same.flatMap(({ lines }) => lines.filter((line) => line.run === name).map(({ arm }) => arm))),
      ];
      const rows = rowsOf(run, arms, first);
      const what = wanted.length > 1 ? `${name}: ${titleOf(first).toLowerCase()}` : titleOf(first);
      return rows.length === 0 ? [] : [{ title: what, columns: ["weights", ...arms], rows }];
    });
  });
}

function titleOf({ quantity, share, title }: LevelPanel): string {
  return share === undefined ? levelQuantities[quantity].title : title;
}

function rowsOf(run: LoadedRun, arms: readonly ArmName[], panel: LevelPanel): string[][] {
  const columns = arms.map((arm) => pointsOf(run, arm, panel));
  const remaining = new Map(columns.flat().map((point) => [point.level, point.remaining]));
  return [...remaining].toSorted(([a], [b]) => a - b).map(([level, fraction]) => [
    `${remainingLabel(fraction)} %`,
    ...columns.map((points) => cellOf(points.find((own) => own.level === level), panel.quantity)),
  ]);
}

/** A mean with its range: `> 5,480 [4,900–5,500]`, the mark where an early stop that it depends on fell on the last evaluation. */
function cellOf(point: MeasuredPoint | undefined, quantity: Quantity): string {
  if (!point) return "";
  const { spread, censored, diverged } = point;
  const lost = diverged > 0 ? `${diverged} diverged` : "";
  if (!spread) return lost;
  const inWords = (value: number): string =>
    quantity === "early-stop" ? Math.round(value).toLocaleString("en") : (value * 100).toFixed(2);
  const unit = quantity === "early-stop" ? "" : " %";
  const range = spread.count > 1 ? ` [${inWords(spread.minimum)}–${inWords(spread.maximum)}]` : "";
  const mark = quantity === "early-stop" && censored > 0 ? "> " : "";
  return [`${mark}${inWords(spread.mean)}${range}${unit}`, ...(lost === "" ? [] : [lost])].join(", ");
}
