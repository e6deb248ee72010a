/**
 * What a reader has chosen to see of a run's curves, to and from the page's address.
 *
 * @module
 */
import { isArmName } from "../lottery/arms/names.ts";
import type { ArmName } from "../lottery/types.ts";
import { type Metric, metrics } from "./types.ts";

/** A part of the chart that is looked at closer: iterations and values from and to. */
export type Zoom = readonly [left: number, right: number, bottom: number, top: number];

/** What is shown, and how. */
export interface CurvesView {
  /** What the curves show. */
  readonly metric: Metric;
  /** Of which arms. */
  readonly arms: readonly ArmName[];
  /** Of which levels, ascending. */
  readonly levels: readonly number[];
  /** The mean of a level's networks with their range, or each by itself. */
  readonly networks: "mean" | "each";
  /** How iterations are divided. */
  readonly x: Division;
  /** How values are divided. */
  readonly y: Division;
  /** Whether values before the curves have settled are left out of the vertical range. */
  readonly range: "all" | "fine";
  /** Weight of a value in the smoothed line beside the next one nearer, from 0 (not smoothed) to below 1. */
  readonly smoothing: number;
  /** Whether the numbers stand below the chart as a table. */
  readonly table: boolean;
  /** A part that is looked at closer; null for the whole chart. */
  readonly zoom: Zoom | null;
}

/** How an axis is divided. */
export type Division = (typeof divisions)[number];

/** The divisions of an axis. */
export const divisions = ["linear", "log"] as const;

/** Smoothing as it is offered. */
export const smoothings = [
  { value: 0, name: "none" },
  { value: 0.6, name: "light" },
  { value: 0.85, name: "medium" },
  { value: 0.95, name: "strong" },
] as const;

/** What a metric is called, and its unit. */
export const metricNames: Readonly<Record<Metric, { readonly name: string; readonly isAccuracy: boolean }>> = {
  testAccuracy: { name: "Test accuracy", isAccuracy: true },
  validationAccuracy: { name: "Validation accuracy", isAccuracy: true },
  testLoss: { name: "Test loss", isAccuracy: false },
  validationLoss: { name: "Validation loss", isAccuracy: false },
  trainLoss: { name: "Training loss", isAccuracy: false },
};

/** Reads a page's address; what it does not say, or says wrong, is as in `usual`. */
export function viewFrom(parameters: URLSearchParams, usual: CurvesView): CurvesView {
  const list = (name: string): string[] | undefined => parameters.get(name)?.split(",").filter((part) => part !== "");
  const levels = list("levels")?.filter((part) => /^\d{1,4}$/.test(part)).map(Number);
  return {
    metric: oneOf(metrics, parameters.get("metric")) ?? usual.metric,
    arms: list("arms")?.filter(isArmName) ?? usual.arms,
    levels: levels ? [...new Set(levels)].sort((a, b) => a - b) : usual.levels,
    networks: oneOf(["mean", "each"], parameters.get("networks")) ?? usual.networks,
    x: oneOf(divisions, parameters.get("x")) ?? usual.x,
    y: oneOf(divisions, parameters.get("y")) ?? usual.y,
    range: oneOf(["all", "fine"], parameters.get("range")) ?? usual.range,
    smoothing: smoothingFrom(parameters.get("smoothing")) ?? usual.smoothing,
    table: parameters.has("table") ? parameters.get("table") === "1" : usual.table,
    zoom: zoomFrom(parameters.get("zoom")),
  };
}

/** Writes a view into a page's parameters: only what is not as in `usual`; those of others stay. */
export function withView(parameters: URLSearchParams, view: CurvesView, usual: CurvesView): URLSearchParams {
  const written = new URLSearchParams(parameters);
  const write = (name: string, value: string, common: string): void => {
    if (value === common) written.delete(name);
    else written.set(name, value);
  };
  write("metric", view.metric, usual.metric);
  write("arms", view.arms.join(), usual.arms.join());
  write("levels", view.levels.join(), usual.levels.join());
  write("networks", view.networks, usual.networks);
  write("x", view.x, usual.x);
  write("y", view.y, usual.y);
  write("range", view.range, usual.range);
  write("smoothing", String(view.smoothing), String(usual.smoothing));
  write("table", view.table ? "1" : "0", usual.table ? "1" : "0");
  write("zoom", view.zoom?.map((value) => Number(value.toPrecision(6))).join() ?? "", "");
  return written;
}

/** What the server is asked for: the part of a view that needs other curves. */
export function curvesQuery({ metric, arms, levels, networks }: CurvesView): string {
  return new URLSearchParams({ metric, arms: arms.join(), levels: levels.join(), networks }).toString();
}

function oneOf<Name extends string>(names: readonly Name[], text: string | null): Name | undefined {
  return names.find((name) => name === text);
}

function smoothingFrom(text: string | null): number | undefined {
  return smoothings.find(({ value }) => text !== null && text !== "" && value === Number(text))?.value;
}

function zoomFrom(text: string | null): Zoom | null {
  const [left = NaN, right = NaN, bottom = NaN, top = NaN, ...rest] = (text ?? "").split(",").map((part) =>
    part === "" ? NaN : Number(part)
  );
  const isRange = [left, right, bottom, top].every(Number.isFinite) && left < right && bottom < top;
  return isRange && rest.length === 0 ? [left, right, bottom, top] : null;
}
