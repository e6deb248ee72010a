/**
 * A sweep's figures on its page and as files, and its runs as rows.
 *
 * @module
 */
import { legible } from "../data/quoted.ts";
import type { Figure, FigureOptions } from "../plot/line_figure.ts";
import { parallelCoordinates } from "../plot/parallel_coordinates.ts";
import { stateGrid } from "../plot/state_grid.ts";
import { pair, standalone } from "../plot/styles.ts";
import { coordinatesOf, differingSettings, statesOf } from "../sweeps/coordinates.ts";
import type { SweepStatus } from "../sweeps/status.ts";
import type { FigureFiles } from "./components/Figure.tsx";
import { fileAnswer, rowsCsv } from "./figure_files.ts";
import type { FigureRow } from "./run_figures.ts";
import type { SweepView } from "./sweeps.ts";

/** The figures of a sweep, by the names of their files. */
export const sweepFigures = {
  grid: "How its runs stand",
  coordinates: "Settings and what came of them",
} as const satisfies Readonly<Record<string, string>>;

/** The name of a sweep's figure. */
export type SweepFigure = keyof typeof sweepFigures;

/** A figure on a page: the picture at both widths without its heading, and its words. */
export interface SweepPicture {
  /** The picture as HTML. */
  readonly picture: string;
  /** Its numbers in words. */
  readonly words: string;
}

/** A sweep's figure for a page. Cells of runs that have a page lead there. */
export function sweepPicture(view: SweepView, figure: SweepFigure): SweepPicture {
  const pathOf = (id: string): string | undefined => view.shown.has(id) ? `/runs/${id}` : undefined;
  let words = "";
  const picture = pair((size) => {
    const drawn = draw(view, figure, { prefix: figure, size, heading: false }, pathOf);
    words = drawn.words;
    return drawn.svg;
  });
  return { picture, words };
}

/** Where a sweep's figure has its files. */
export function sweepFiles(key: string, figure: SweepFigure): FigureFiles {
  const file = (type: string): string => `/sweeps/${key}/figures/${figure}.${type}`;
  return { svg: file("svg"), csv: file("csv"), json: file("json") };
}

/**
 * A figure of a sweep as a file; undefined for what is no figure of one, or no type of file.
 *
 * @param name such as `grid.svg`
 */
export function sweepFile(view: SweepView, name: string): Response | undefined {
  const [, own = "", type = ""] = /^([a-z]{1,20})\.(svg|csv|json)$/.exec(name) ?? [];
  const figure = (["grid", "coordinates"] as const).find((known) => known === own);
  if (!figure) return undefined;
  const { key } = view.record;
  const file = `${key}-${figure}.${type}`;
  if (type === "svg") return fileAnswer(standalone(draw(view, figure, { prefix: figure }).svg), type, file);
  const rows = figure === "grid" ? stateRows(view) : coordinateRows(view);
  const content = type === "csv"
    ? rowsCsv(rows)
    : `${JSON.stringify({ schema: 1, sweep: key, figure, rows }, null, 2)}\n`;
  return fileAnswer(content, type, file);
}

/** All runs of a sweep as rows: how each stands, what differs, what came out. */
export function sweepRows(view: SweepStatus): FigureRow[] {
  const coordinates = coordinateRows(view);
  return stateRows(view).map((row, index) => ({ ...row, ...coordinates[index] }));
}

/** A sweep as JSON: what `sweep status --json` prints, with where it comes from and each run's settings that differ. */
export function sweepJson({ record, runs, counts, fraction }: SweepView): Readonly<Record<string, unknown>> {
  const { key, title, source, created, updated } = record;
  const differing = differingSettings(runs.map(({ run }) => run));
  return {
    ...{ schema: 1, key, title, source, created, updated, counts, fraction },
    runs: runs.map(({ run: { name, id }, state, fraction, detail, job, attempts, attempt, result }, index) => ({
      ...{ name, id, state, fraction, detail, job, attempts },
      attempt: attempt ?? null,
      result: result ?? null,
      settings: Object.fromEntries(differing.map(({ key, values }) => [key, values[index] ?? null])),
    })),
  };
}

function draw(
  { record: { title, key }, runs }: SweepStatus,
  figure: SweepFigure,
  options: FigureOptions,
  pathOf?: (id: string) => string | undefined,
): Figure {
  const named = runs.map((own) => ({ ...own, run: { ...own.run, name: legible(own.run.name, 200) } }));
  const about = { ...options, title: sweepFigures[figure], subtitle: legible(title === "" ? key : title, 200) };
  return figure === "grid"
    ? stateGrid({ ...about, ...statesOf({ runs: named }, pathOf) })
    : parallelCoordinates({ ...about, ...coordinatesOf({ runs: named }) });
}

function stateRows({ runs }: SweepStatus): FigureRow[] {
  return runs.map(({ run, state, fraction, detail, job, attempt, attempts }) => ({
    run: run.name,
    id: run.id,
    state,
    fraction,
    detail,
    attempts,
    job,
    host: attempt?.host ?? null,
    started: attempt?.started ?? null,
    ended: attempt?.ended ?? null,
  }));
}

function coordinateRows({ runs }: SweepStatus): FigureRow[] {
  const differing = differingSettings(runs.map(({ run }) => run));
  return runs.map(({ run, result }, index) => ({
    run: run.name,
    id: run.id,
    ...Object.fromEntries(differing.map(({ key, values }) => [key, values[index] ?? null])),
    denseAccuracy: result?.denseAccuracy ?? null,
    bestAccuracy: result?.bestAccuracy ?? null,
    bestRemaining: result?.bestRemaining ?? null,
    smallestWinning: result?.smallestWinning ?? null,
    denseEarlyStop: result?.denseEarlyStop ?? null,
  }));
}
