/**
 * A run's figures as files: SVG that stands alone, and the numbers behind it as CSV and JSON.
 *
 * @module
 */
import { standalone } from "../plot/styles.ts";
import { csv } from "../store/export.ts";
import { curvesFigure } from "./curves_svg.ts";
import { viewFrom } from "./curves_view.ts";
import type { Dashboard } from "./dashboard.ts";
import { parseNetworkKey } from "./network_key.ts";
import {
  accuracyOf,
  densityOf,
  earlyStopOf,
  type FigureRow,
  layersOf,
  type RunFigure,
  stepTimeOf,
  weightsOf,
} from "./run_figures.ts";
import { usualCurves } from "./run_choices.ts";
import type { RunView } from "./types.ts";

/** Types of files, by the end of their names. */
const types: Readonly<Record<string, string>> = {
  svg: "image/svg+xml",
  csv: "text/csv; charset=utf-8",
  json: "application/json; charset=utf-8",
};

/**
 * A figure of a run as a file; undefined for what is no run, no figure of it, or no type of file.
 *
 * @param name such as `accuracy.svg`
 * @param choices what the figure is of, as the page that shows it has it in its address
 */
export async function figureAnswer(
  dashboard: Dashboard,
  id: string,
  name: string,
  choices: URLSearchParams,
): Promise<Response | undefined> {
  const [, figure = "", type = ""] = /^([a-z-]{1,30})\.(svg|csv|json)$/.exec(name) ?? [];
  const run = await dashboard.readRun(id);
  if (!run || figure === "") return undefined;
  const file = `${[id, figure, ...suffixOf(choices)].join("-")}.${type}`;
  if (figure === "curves") {
    if (type !== "svg") return undefined;
    const view = viewFrom(choices, usualCurves);
    const curves = await dashboard.readCurves(id, view);
    if (!curves) return undefined;
    return fileAnswer(standalone(curvesFigure(id, curves, view, { prefix: figure }).svg), type, file);
  }
  const own = await runFigure(dashboard, run, figure, choices);
  return own && fileAnswer(contentOf(own, type, id, figure), type, file);
}

async function runFigure(
  dashboard: Dashboard,
  run: RunView,
  name: string,
  choices: URLSearchParams,
): Promise<RunFigure | undefined> {
  switch (name) {
    case "accuracy":
      return accuracyOf(run, choices.get("at") === "end" ? "end" : "early-stop");
    case "early-stop":
      return earlyStopOf(run);
    case "step-time":
      return stepTimeOf(run);
    case "layers":
      return layersOf(run);
    case "density":
      return densityOf(run, Number(choices.get("level") ?? NaN));
    case "weights": {
      const network = parseNetworkKey(["arm", "level", "replicate", "draw"].map((key) => choices.get(key) ?? "1"));
      const histograms = network && await dashboard.readHistograms(run.id, network);
      const layer = choices.get("layer") ?? "";
      const chosen = histograms?.filter((own) => layer === "" || own.layer === layer);
      return network && chosen && chosen.length > 0 ? weightsOf(network, chosen) : undefined;
    }
    default:
      return undefined;
  }
}

function contentOf(figure: RunFigure, type: string, run: string, name: string): string {
  if (type === "svg") return standalone(figure.draw({ prefix: name }).svg);
  if (type === "csv") return rowsCsv(figure.rows);
  return `${JSON.stringify({ schema: 1, run, figure: name, rows: figure.rows }, null, 2)}\n`;
}

/** A figure's numbers as CSV; every row has the columns of the first. */
export function rowsCsv(rows: readonly FigureRow[]): string {
  const columns = Object.keys(rows[0] ?? {});
  return csv([columns, ...rows.map((row) => columns.map((column) => row[column] ?? null))]);
}

/** A file to be kept, of the type `svg`, `csv` or `json`. */
export function fileAnswer(content: string, type: string, file: string): Response {
  return new Response(content, {
    headers: {
      "content-type": types[type] ?? "text/plain",
      "content-disposition": `attachment; filename="${file}"`,
    },
  });
}

/** What was chosen, for the file's name: nothing but what is safe in one. */
function suffixOf(choices: URLSearchParams): string[] {
  const known = ["at", "arm", "level", "replicate", "draw", "layer", "metric"];
  return known.flatMap((key) => {
    const value = choices.get(key);
    return value !== null && /^[\w-]{1,40}$/.test(value)
      ? [key === "at" || key === "arm" || key === "metric" || key === "layer" ? value : `${key}-${value}`]
      : [];
  });
}
