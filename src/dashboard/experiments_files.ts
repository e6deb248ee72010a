/**
 * An experiment's figures as files: SVG that stands alone, and the numbers behind it as CSV and JSON.
 *
 * @module
 */
import type { DrawnPanel } from "../experiments/figures.ts";
import { drawPanels } from "../experiments/view.ts";
import { type PageSize, pair, standalone } from "../plot/styles.ts";
import type { FigureFiles } from "./components/Figure.tsx";
import type { ExperimentResult } from "./experiments.ts";
import { experimentRows } from "./experiments_rows.ts";
import { fileAnswer, rowsCsv } from "./figure_files.ts";
import type { FigureRow } from "./run_figures.ts";

/** What all panels in one picture are called among the figures; a panel is called by its number. */
const wholeName = "figure";

/**
 * A figure of an experiment as a file; undefined for what is no figure of it, or no type of file.
 *
 * @param name such as `panel-1.svg`, or `figure.svg` for all panels in one
 */
export function experimentFile(result: ExperimentResult, name: string): Response | undefined {
  const [, figure = "", number, type = ""] = /^(figure|panel-([1-9]\d?))\.(svg|csv|json)$/.exec(name) ?? [];
  const { experiment, runs, key, view } = result;
  if (!view || figure === "") return undefined;
  const file = `${[key, ...(figure === wholeName ? [] : [figure])].join("-")}.${type}`;
  const index = number === undefined ? undefined : Number(number) - 1;
  if (type === "svg") {
    const own = index === undefined ? view.sheet : drawPanels({ experiment, runs }, { prefix: experiment.name })[index];
    return own && fileAnswer(standalone(own.svg), type, file);
  }
  const rows = index === undefined ? wholeRows(result) : experimentRows({ experiment, runs })[index];
  if (!rows) return undefined;
  const content = type === "csv"
    ? rowsCsv(rows)
    : `${JSON.stringify({ schema: 1, experiment: key, figure, rows }, null, 2)}\n`;
  return fileAnswer(content, type, file);
}

/** A panel on a page: the picture at both widths without its heading, and its words. */
export interface ExperimentPicture {
  /** What it shows. */
  readonly title: string;
  /** The picture as HTML. */
  readonly picture: string;
  /** Its numbers in words. */
  readonly words: string;
}

/** An experiment's panels for a page, one by one. */
export function experimentPictures(
  { experiment, runs }: Pick<ExperimentResult, "experiment" | "runs">,
): ExperimentPicture[] {
  const draw = (size: PageSize): DrawnPanel[] =>
    drawPanels({ experiment, runs }, { prefix: experiment.name, size, heading: false });
  const drawn = { wide: draw("wide"), narrow: draw("narrow") };
  return drawn.wide.map(({ title, words }, index) => ({
    title,
    picture: pair((size) => drawn[size][index]?.svg ?? ""),
    words,
  }));
}

/** The numbers of all level panels under one another, with the panel that each is of. */
export function wholeRows({ experiment, runs }: Pick<ExperimentResult, "experiment" | "runs">): FigureRow[] {
  return experiment.panels.flatMap((panel) =>
    panel.type === "levels"
      ? experimentRows({ experiment: { ...experiment, panels: [panel] }, runs })
        .flatMap((rows) => rows.map((row) => ({ panel: panel.title, ...row })))
      : []
  );
}

/** Where an experiment's figures have their files: all panels in one, or the one of a number from 1. */
export function experimentFiles(result: ExperimentResult, number?: number): FigureFiles {
  const file = (type: string): string =>
    `/experiments/${result.key}/figures/${number === undefined ? wholeName : `panel-${number}`}.${type}`;
  const rows = number === undefined ? wholeRows(result) : experimentRows(result)[number - 1];
  return { svg: file("svg"), ...(rows && rows.length > 0 ? { csv: file("csv"), json: file("json") } : {}) };
}
