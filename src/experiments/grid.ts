/**
 * A grid: settings that all runs have, and axes along which they differ. Each combination of the axes' points is a run.
 *
 * @module
 */
import { flagOf, type PresetName } from "../lottery/config.ts";
import { settingText } from "../lottery/setting_text.ts";
import type { Changes, ExperimentRun } from "./experiment.ts";

/** A place on an axis: what its runs are called there, and what they have. */
export interface Point {
  /** What names and legends say of it: `lr 0.0012`; unique on its axis. */
  readonly label: string;
  /** Where settings start from, instead of the grid's preset. */
  readonly preset?: PresetName;
  /** The settings. */
  readonly changes: Changes;
}

/** Points that runs are at in turn. */
export interface Axis {
  /** The setting's key, or a word for several that change together: `lr`, `recipe`; unique in its grid. */
  readonly name: string;
  /** The points, in the order of their runs. */
  readonly points: readonly Point[];
}

/** Runs as data. */
export interface Grid {
  /** Where the settings start from. */
  readonly preset: PresetName;
  /** What all runs have; an axis goes before it. */
  readonly base: Changes;
  /** The axes; the last one changes from run to run. */
  readonly axes: readonly Axis[];
  /** What stands before the runs' names, or is the name of a grid without axes; the preset is, when left out. */
  readonly prefix?: string;
}

/** A setting's values as an axis. */
export function axis<Key extends keyof Changes>(key: Key, values: readonly NonNullable<Changes[Key]>[]): Axis {
  return {
    name: key,
    points: values.map((value) => ({ label: pointLabel({ [key]: value }), changes: { [key]: value } })),
  };
}

/** What a point is called by its settings: `lr 0.1, warmup 0`. A preset says itself: `conv2`. */
export function pointLabel(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings).map(([key, value]) =>
    key === "preset" ? settingText(value) : `${flagOf(key).slice("--".length)} ${nameOf(value)}`
  ).join(", ");
}

/** A network of one's own by its name; everything else as its flag takes it. */
function nameOf(value: unknown): string {
  const isNamed = typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
  return isNamed ? String(value.name) : settingText(value);
}

/** The runs of a grid: every combination of its points. Their names are the labels in the order of the axes, `lr 0.1, seed 2`. */
export function gridRuns({ preset, base, axes, prefix }: Grid): ExperimentRun[] {
  interface Corner {
    readonly names: readonly string[];
    readonly preset: PresetName;
    readonly changes: Changes;
  }
  let corners: Corner[] = [{ names: prefix === undefined ? [] : [prefix], preset, changes: base }];
  for (const { points } of axes) {
    corners = corners.flatMap((corner) =>
      points.map((point) => ({
        names: [...corner.names, point.label],
        preset: point.preset ?? corner.preset,
        changes: { ...corner.changes, ...point.changes },
      }))
    );
  }
  return corners.map(({ names, ...run }) => ({ name: names.join(", ") || run.preset, ...run }));
}

/** A grid at one point of its first axis: a part of its runs, with the same names. */
export function gridsAlongFirst(grid: Grid): Grid[] {
  const [first, ...others] = grid.axes;
  if (!first) return [grid];
  return first.points.map((point) => ({ ...grid, axes: [{ ...first, points: [point] }, ...others] }));
}
