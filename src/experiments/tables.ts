/**
 * An experiment's levels as tables: what was measured, and what was gained over the dense network. Means with their ranges, censored
 * values marked.
 *
 * @module
 */
import { type Gains, gainsOf } from "../analysis/gains.ts";
import { instabilityOf, stableBelow } from "../analysis/instability.ts";
import { type Spread, spread } from "../analysis/statistics.ts";
import { percent, points } from "../analysis/words.ts";
import type { ArmName } from "../lottery/types.ts";
import { levelQuantities } from "../plot/panel_figure.ts";
import { remainingLabel } from "../plot/text.ts";
import type { ConnectivityPanel, Experiment, LevelPanel, Quantity } from "./experiment.ts";
import { type LoadedRun, nearestLevels } from "./loaded_run.ts";
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

/**
 * A table per run and quantity that the panels show, in their order, and after those of a run what it gained over its dense network;
 * those of which nothing is trained are left out.
 */
export function levelTables(
  { panels, runs: wanted }: Pick<Experiment, "panels" | "runs">,
  runs: readonly LoadedRun[],
): Table[] {
  const shown = panels.filter((panel) => panel.type === "levels");
  return wanted.flatMap(({ name }) => {
    const run = runs.find((own) => own.name === name);
    const own = shown.filter(({ lines }) => lines.some((line) => line.run === name));
    if (!run) return [];
    const titled = (title: string): string => wanted.length > 1 ? `${name}: ${title.toLowerCase()}` : title;
    const levels = [...Map.groupBy(own, ({ quantity, share }) => `${quantity} ${share ?? ""}`).values()].flatMap(
      (same): Table[] => {
        const [first] = same;
        if (!first) return [];
        const arms = armsOf(same, name);
        const rows = rowsOf(run, arms, first);
        return rows.length === 0 ? [] : [{ title: titled(titleOf(first)), columns: ["weights", ...arms], rows }];
      },
    );
    return [...levels, ...gainTables(own, run).map((table) => ({ ...table, title: titled(table.title) }))];
  });
}

/** A table per panel of errors along lines: what they come to. Levels of which no line is measured are left out. */
export function lineTables({ panels }: Pick<Experiment, "panels">, runs: readonly LoadedRun[]): Table[] {
  return panels.filter((panel) => panel.type === "connectivity").flatMap((panel): Table[] => {
    const rows = instabilityRows(panel, runs.find(({ name }) => name === panel.run));
    return rows.length === 0 ? [] : [{
      title: panel.title,
      columns: [
        "weights",
        "mean error of the ends",
        "highest error",
        "instability",
        `below ${percent(stableBelow, 0)}`,
      ],
      rows,
    }];
  });
}

function instabilityRows({ remaining }: ConnectivityPanel, run: LoadedRun | undefined): string[][] {
  const levels = run?.summary ? nearestLevels(run.summary, "ticket", remaining) : [];
  return levels.flatMap(({ level, remaining }) => {
    const own = (run?.lines ?? []).filter((line) => line.level === level && line.points.length > 1)
      .map(({ points }) => instabilityOf(points.map(({ testError }) => testError)));
    if (own.length === 0) return [];
    const asPercent = (values: readonly number[]): string => cell(values, (value) => (value * 100).toFixed(2), " %");
    const stable = own.filter(({ isStable }) => isStable).length;
    return [[
      `${remainingLabel(remaining)} %`,
      asPercent(own.map(({ ends }) => ends)),
      asPercent(own.map(({ highest }) => highest)),
      cell(own.map(({ instability }) => instability), (value) => points(value).replace(/ pp$/, ""), " pp"),
      stable === own.length ? "yes" : stable === 0 ? "no" : `${stable} of ${own.length}`,
    ]];
  });
}

function cell(values: readonly number[], format: (value: number) => string, unit: string): string {
  const measured = spread(values);
  return measured ? inWords(measured, format, unit) : "";
}

/** The arms of a run that panels show. */
function armsOf(panels: readonly LevelPanel[], run: string): ArmName[] {
  return [...new Set(panels.flatMap(({ lines }) => lines.filter((line) => line.run === run).map(({ arm }) => arm)))];
}

/** What is told of gains: by how much earlier the early stop comes, and by how much more accurate the network is there. */
const gained = [
  { quantity: "early-stop", title: "speed-up", short: "speed-up", cell: speedUpCell },
  {
    quantity: "test-accuracy-at-early-stop",
    title: "test accuracy at early stop",
    short: "accuracy",
    cell: accuracyGainCell,
  },
] as const;

/** Of more arms than this each gain has a table of its own: lines of a terminal have no room for both. */
const armsTogether = 2;

/** What the arms that panels show gained over the dense network, from level 1 on. */
function gainTables(panels: readonly LevelPanel[], run: LoadedRun): Table[] {
  const columns = gained.flatMap((own) =>
    armsOf(panels.filter(({ quantity, share }) => quantity === own.quantity && share === undefined), run.name)
      .map((arm) => ({ ...own, arm }))
  );
  const most = Math.max(...gained.map(({ title }) => columns.filter((own) => own.title === title).length));
  return most <= armsTogether
    ? gainTable(
      "Against the dense network",
      run,
      columns.map((own) => ({ ...own, heading: `${own.arm}: ${own.short}` })),
    )
    : gained.flatMap(({ title }) =>
      gainTable(
        `Against the dense network: ${title}`,
        run,
        columns.filter((own) => own.title === title).map((own) => ({ ...own, heading: own.arm })),
      )
    );
}

function gainTable(
  title: string,
  { summary }: LoadedRun,
  columns: readonly { readonly arm: ArmName; readonly heading: string; readonly cell: (gains: Gains) => string }[],
): Table[] {
  if (!summary) return [];
  const levels = new Map(
    columns.flatMap(({ arm }) => summary.arms.find(({ name }) => name === arm)?.levels ?? [])
      .filter(({ level }) => level > 0).map(({ level, remaining }) => [level, remaining]),
  );
  const rows = [...levels].toSorted(([a], [b]) => a - b).map(([level, remaining]) => [
    `${remainingLabel(remaining)} %`,
    ...columns.map(({ arm, cell }) => {
      const gains = gainsOf(summary, arm, level);
      return gains ? cell(gains) : "";
    }),
  ]);
  const hasGains = rows.some(([, ...cells]) => cells.some((cell) => cell !== ""));
  return hasGains ? [{ title, columns: ["weights", ...columns.map(({ heading }) => heading)], rows }] : [];
}

/**
 * `1.36× [1.20–1.50]`. An own early stop on the last evaluation makes it at most that (`<`), the dense network's at least (`>`); with
 * both nothing is known (`?`).
 */
function speedUpCell({ speedUp, censored: { own, reference } }: Gains): string {
  const mark = own > 0 ? reference > 0 ? "? " : "< " : reference > 0 ? "> " : "";
  return speedUp ? `${mark}${inWords(speedUp, (value) => value.toFixed(2), "×")}` : "";
}

/** `+0.30 pp [+0.10–+0.45]`. */
function accuracyGainCell({ accuracyAtEarlyStop }: Gains): string {
  return accuracyAtEarlyStop ? inWords(accuracyAtEarlyStop, (value) => points(value).replace(/ pp$/, ""), " pp") : "";
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
  const mark = quantity === "early-stop" && censored > 0 ? "> " : "";
  const words = quantity === "early-stop"
    ? inWords(spread, (value) => Math.round(value).toLocaleString("en"))
    : inWords(spread, (value) => percent(value, 2).replace(/ %$/, ""), " %");
  return [`${mark}${words}`, ...(lost === "" ? [] : [lost])].join(", ");
}

/** A mean with its unit, and the range behind it where there are several: `97.32 % [97.22–97.43]`. */
function inWords({ mean, minimum, maximum, count }: Spread, number: (value: number) => string, unit = ""): string {
  return `${number(mean)}${unit}${count > 1 ? ` [${number(minimum)}–${number(maximum)}]` : ""}`;
}
