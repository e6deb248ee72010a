/**
 * What a reader has chosen on a run's pages, as their addresses have it; and what is shown when nothing is chosen.
 *
 * @module
 */
import type { CurvesView } from "./curves_view.ts";
import type { AccuracyAt } from "./run_figures.ts";

/** The curves of a run's page when nothing is chosen. No levels: the dense one, the best and the newest; no arms: all. */
export const usualCurves: CurvesView = {
  metric: "testAccuracy",
  arms: [],
  levels: [],
  networks: "mean",
  x: "linear",
  y: "linear",
  range: "fine",
  smoothing: 0,
  table: false,
  zoom: null,
};

/** Where test accuracy is looked at. */
export function accuracyAt(parameters: URLSearchParams): AccuracyAt {
  return parameters.get("at") === "end" ? "end" : "early-stop";
}

/** The same address with some parameters changed; those that are null are left out. */
export function withParameters(url: URL, changes: Readonly<Record<string, string | null>>): string {
  const parameters = new URLSearchParams(url.searchParams);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) parameters.delete(name);
    else parameters.set(name, value);
  }
  const query = parameters.toString();
  return `${url.pathname}${query === "" ? "" : `?${query}`}`;
}
