/**
 * A sweep's runs as its figures show them: which settings differ, and what came out beside them.
 *
 * @module
 */
import { type LotteryConfig, settings } from "../lottery/config.ts";
import { settingText } from "../lottery/setting_text.ts";
import type { CoordinateAxis, CoordinateLine, Coordinates } from "../plot/parallel_coordinates.ts";
import type { StateCell, States } from "../plot/state_grid.ts";
import type { SweepRunResult, SweepRunStatus, SweepStatus } from "./status.ts";

/** A setting that is not the same in all runs. */
export interface DifferingSetting {
  /** Its key in the configuration. */
  readonly key: keyof LotteryConfig;
  /** What tables and axes call it: its flag, without the hyphens before it. */
  readonly name: string;
  /** Its value in each run, in their order. */
  readonly values: readonly (number | string)[];
  /** The values, each once: numbers ascending, words in the order of the runs. */
  readonly distinct: readonly (number | string)[];
}

/** The settings that differ between runs, in the order of the settings. */
export function differingSettings(runs: readonly { readonly config: LotteryConfig }[]): DifferingSetting[] {
  return settings.flatMap(({ key, flag }) => {
    const values = valuesOf(runs.map(({ config }) => config[key]));
    const distinct = [...new Set(values)];
    if (distinct.length < 2) return [];
    const numbers = distinct.filter((value) => typeof value === "number");
    const sorted = numbers.length === distinct.length ? numbers.sort((a, b) => a - b) : distinct;
    return [{ key, name: flag.replace(/^--/, ""), values, distinct: sorted }];
  });
}

/** What runs are compared by, in the order of the axes. Of all but accuracies less is more. */
const outcomes = [
  { key: "denseAccuracy", name: "dense accuracy", percent: true },
  { key: "bestAccuracy", name: "best ticket accuracy", percent: true },
  { key: "smallestWinning", name: "smallest winning ticket", percent: true, log: true, reversed: true },
  { key: "denseEarlyStop", name: "dense early stop", reversed: true },
] as const satisfies readonly {
  readonly key: keyof SweepRunResult;
  readonly name: string;
  readonly percent?: boolean;
  readonly log?: boolean;
  readonly reversed?: boolean;
}[];

/** The outcome that colours lines, where runs have it: what pruning came to. */
const colouring: keyof SweepRunResult = "bestAccuracy";

/**
 * A sweep as parallel coordinates: an axis for each setting that differs, one for each outcome that any run has, a line for each run.
 * A setting that another one brings with it, as a network brings its data set, has no axis; the note names it.
 */
export function coordinatesOf({ runs }: Pick<SweepStatus, "runs">): Coordinates {
  const { leading: differing, note } = leadingSettings(differingSettings(runs.map(({ run }) => run)), runs.length);
  const present = outcomes.flatMap(({ key, ...look }) => {
    const values = runs.map(({ result }) => result?.[key] ?? null);
    const known = [...new Set(values.filter((value) => value !== null))].sort((a, b) => a - b);
    return known.length > 0 ? [{ key, look, values, known }] : [];
  });
  const axes: CoordinateAxis[] = [
    ...differing.map(axisOf),
    ...present.map(({ look, known }): CoordinateAxis => ({ kind: "number", ...look, round: true, values: known })),
  ];
  const lines = runs.map(({ run, state }, index): CoordinateLine => ({
    name: run.name,
    values: [
      ...differing.map(({ distinct, values }) => asOn(distinct, values[index])),
      ...present.map(({ values }) => values[index] ?? null),
    ],
    isFinished: state === "finished",
  }));
  const own = present.findIndex(({ key }) => key === colouring);
  const colouredBy = own >= 0 ? own : present.length > 0 ? 0 : undefined;
  return {
    axes,
    lines,
    colouredBy: colouredBy === undefined ? null : differing.length + colouredBy,
    ...(note === undefined ? {} : { note }),
  };
}

/**
 * The settings without those that follow from another one, and a sentence about these. A setting follows from one of words that
 * has one value of it for each of its own, and from an earlier one that changes exactly with it; but not from one that is another in
 * every run, from which all would follow.
 */
function leadingSettings(
  differing: readonly DifferingSetting[],
  count: number,
): { readonly leading: readonly DifferingSetting[]; readonly note: string | undefined } {
  const followed = new Map<DifferingSetting, DifferingSetting>();
  const leaders = differing.filter(({ distinct }) => distinct.length < count);
  for (const [index, own] of differing.entries()) {
    const leader = leaders.find((other) => {
      if (other === own || followed.has(other) || !determines(other, own)) return false;
      const isAlike = other.distinct.length === own.distinct.length;
      return isAlike ? differing.indexOf(other) < index : other.distinct.some((value) => typeof value === "string");
    });
    if (leader) followed.set(own, leader);
  }
  const byLeader = Map.groupBy(followed.keys(), (own) => followed.get(own));
  const parts = [...byLeader].map(([leader, own]) => `${own.map(({ name }) => name).join(", ")} from ${leader?.name}`);
  return {
    leading: differing.filter((own) => !followed.has(own)),
    note: parts.length > 0 ? `Not drawn, because they follow: ${parts.join("; ")}.` : undefined,
  };
}

/** Whether each value of a setting goes with one value of another alone. */
function determines(leader: DifferingSetting, { values }: DifferingSetting): boolean {
  const found = new Map<number | string, number | string | undefined>();
  return leader.values.every((value, index) => {
    if (!found.has(value)) found.set(value, values[index]);
    return found.get(value) === values[index];
  });
}

/**
 * A sweep as cells: in rows and columns where every pair of values of two settings has exactly one run, else in order.
 *
 * @param pathOf a run's page; undefined where it has none
 */
export function statesOf(
  { runs }: Pick<SweepStatus, "runs">,
  pathOf: (id: string) => string | undefined = () => undefined,
): States {
  const cells = runs.map((status): StateCell => {
    const href = pathOf(status.run.id);
    const note = noteOf(status);
    return {
      name: status.run.name,
      state: status.state,
      fraction: status.fraction,
      ...(note === "" ? {} : { note }),
      ...(href === undefined ? {} : { href }),
    };
  });
  const grid = gridOf(differingSettings(runs.map(({ run }) => run)), runs.length);
  return grid ? { cells, grid } : { cells };
}

/** What there is to say of a run beside its state. */
function noteOf({ detail, result }: SweepRunStatus): string {
  const accuracy = result?.bestAccuracy ?? null;
  return [
    ...(detail === null ? [] : [detail]),
    ...(accuracy === null ? [] : [`best ticket ${(accuracy * 100).toFixed(2)} %`]),
  ].join(", ");
}

/** The two settings of most values that runs are a full grid over; one alone is a row. */
function gridOf(differing: readonly DifferingSetting[], count: number): States["grid"] {
  const sorted = differing.toSorted((a, b) => b.distinct.length - a.distinct.length);
  for (const [index, long] of sorted.entries()) {
    for (const short of [...sorted.slice(index + 1), nothing]) {
      if (long.distinct.length * short.distinct.length !== count) continue;
      const places = Array.from({ length: count }, (_, run) => ({
        long: placeOf(long, run),
        short: short === nothing ? 0 : placeOf(short, run),
      }));
      if (new Set(places.map((place) => place.long * count + place.short)).size !== count) continue;
      return { long: edgeOf(long), short: edgeOf(short), places };
    }
  }
  return undefined;
}

/** The other edge where one setting differs alone. */
const nothing: Pick<DifferingSetting, "name" | "values" | "distinct"> = { name: "", values: [], distinct: [""] };

function placeOf({ values, distinct }: Pick<DifferingSetting, "values" | "distinct">, run: number): number {
  return distinct.findIndex((value) => value === values[run]);
}

function edgeOf({ name, distinct }: Pick<DifferingSetting, "name" | "distinct">): {
  readonly name: string;
  readonly values: string[];
} {
  return { name, values: distinct.map(String) };
}

function axisOf({ name, distinct }: DifferingSetting): CoordinateAxis {
  const numbers = distinct.filter((value) => typeof value === "number");
  return numbers.length === distinct.length
    ? { name, kind: "number", values: numbers, log: isLogarithmic(numbers) }
    : { name, kind: "word", values: distinct.map(String) };
}

/** A value as its axis has it: where some values are words, all are. */
function asOn(distinct: readonly (number | string)[], value: number | string | undefined): number | string | null {
  if (value === undefined) return null;
  return distinct.every((own) => typeof own === "number") ? value : String(value);
}

/**
 * Whether ascending numbers are more evenly apart on a logarithmic axis: 0.001, 0.01 and 0.1 are, seeds from 1 to 20 are not. Two
 * numbers are, where one is ten times the other or more.
 */
export function isLogarithmic(values: readonly number[]): boolean {
  const [least, most] = [values[0], values.at(-1)];
  if (least === undefined || most === undefined || least <= 0) return false;
  if (values.length < 3) return most >= 10 * least;
  return unevenness(values.map(Math.log)) < unevenness(values);
}

/** The variance of the distances between neighbours, against their mean squared. */
function unevenness(values: readonly number[]): number {
  const gaps = values.slice(1).map((value, index) => value - (values[index] ?? value));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return gaps.reduce((sum, gap) => sum + (gap / mean - 1) ** 2, 0) / gaps.length;
}

/** Numbers where settings are such; networks of one's own by their names, numbered where several have the same. */
function valuesOf(settings: readonly LotteryConfig[keyof LotteryConfig][]): (number | string)[] {
  const names = new Map<string, string>();
  return settings.map((setting) => {
    if (typeof setting === "number") return setting;
    const text = settingText(setting);
    if (typeof setting !== "object" || !("name" in setting)) return text;
    const taken = [...names.values()];
    const same = taken.filter((own) => own === setting.name || own.startsWith(`${setting.name} #`)).length;
    const name = names.get(text) ?? (same === 0 ? setting.name : `${setting.name} #${same + 1}`);
    names.set(text, name);
    return name;
  });
}
