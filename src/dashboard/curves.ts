/**
 * Curves of a run: a metric against iterations, of each network or as means of a level's.
 *
 * @module
 */
import type { Series } from "./metrics.ts";
import type { Curve, CurveQuery } from "./types.ts";

/** What curves are made from. */
export interface CurveSource {
  /** All networks' evaluations. */
  readonly series: readonly Series[];
  /** Surviving fraction by level. */
  readonly remaining: readonly number[];
  /** The level with the best tickets; undefined before there is one. */
  readonly best: number | undefined;
  /** Iterations at which training losses stopped being finite, of networks that are done, by {@linkcode keyOf}. */
  readonly divergedAt: ReadonlyMap<string, number | null>;
}

/** The most points of a curve: about as many as a screen has columns for one. */
export const mostPoints = 1_000;

/** A network in a table of networks. */
export function keyOf({ arm, level, replicate, draw }: Pick<Series, "arm" | "level" | "replicate" | "draw">): string {
  return `${arm} ${level} ${replicate} ${draw}`;
}

/**
 * The curves that are asked for: tickets first, by level, replicate and draw.
 *
 * A mean is over the networks that have a finite value at an iteration, and null where none has. Curves of more than
 * {@linkcode mostPoints} points are thinned as {@linkcode thinned} says.
 */
export function curvesOf(source: CurveSource, { metric, arms, levels, networks }: CurveQuery): Curve[] {
  const divergedAt = (series: Series): number | null => source.divergedAt.get(keyOf(series)) ?? series.divergedAt;
  const present = [...new Set(source.series.map(({ level }) => level))];
  const wanted = new Set(levels.length > 0 ? levels : [0, source.best ?? 0, Math.max(0, ...present)]);
  const chosen = source.series
    .filter(({ arm, level }) => wanted.has(level) && (arms.length === 0 || arms.includes(arm)))
    .sort((a, b) =>
      Number(a.arm !== "ticket") - Number(b.arm !== "ticket") || (a.arm < b.arm ? -1 : a.arm > b.arm ? 1 : 0) ||
      a.level - b.level || a.replicate - b.replicate || a.draw - b.draw
    )
    .map((series) => untilDiverged(series, metric, divergedAt(series)));
  const remaining = (level: number): number => source.remaining[level] ?? 1;
  if (networks === "each") {
    return chosen.map((series) => {
      const { arm, level, replicate, draw, length, earlyStop } = series;
      const values = Array.from(series.columns[metric].subarray(0, length), finiteOrNull);
      const curve = { iterations: Array.from(series.iterations.subarray(0, length)), values, range: null };
      return {
        arm,
        level,
        remaining: remaining(level),
        replicate,
        draw,
        ...thinned(curve),
        earlyStop,
        divergedAt: divergedAt(series),
      };
    });
  }
  return [...Map.groupBy(chosen, ({ arm, level }) => `${arm} ${level}`).values()].flatMap((own) => {
    const [first] = own;
    if (!first) return [];
    const stops = own.flatMap(({ earlyStop }) => earlyStop ?? []);
    const divergences = own.flatMap((series) => divergedAt(series) ?? []);
    return [{
      arm: first.arm,
      level: first.level,
      remaining: remaining(first.level),
      replicate: null,
      draw: null,
      ...thinned(meanOf(own, metric)),
      earlyStop: stops.length > 0 ? stops.reduce((sum, stop) => sum + stop, 0) / stops.length : null,
      divergedAt: divergences.length > 0 ? Math.min(...divergences) : null,
    }];
  });
}

/** A network that has diverged still answers, with an accuracy of chance: from there on it has no value, and counts in no mean. */
function untilDiverged(series: Series, metric: CurveQuery["metric"], divergedAt: number | null): Series {
  const from = divergedAt === null
    ? -1
    : series.iterations.subarray(0, series.length).findIndex((own) => own >= divergedAt);
  if (from < 0) return series;
  return { ...series, columns: { ...series.columns, [metric]: series.columns[metric].slice().fill(NaN, from) } };
}

type Points = Pick<Curve, "iterations" | "values" | "range">;

function meanOf(networks: readonly Series[], metric: CurveQuery["metric"]): Points {
  const iterations = unionOf(networks);
  const count = new Uint32Array(iterations.length);
  const sum = new Float64Array(iterations.length);
  const minimum = new Float64Array(iterations.length).fill(Infinity);
  const maximum = new Float64Array(iterations.length).fill(-Infinity);
  for (const { length, iterations: own, columns } of networks) {
    const values = columns[metric];
    let at = 0;
    for (let index = 0; index < length; index++) {
      const iteration = own[index] ?? 0;
      while ((iterations[at] ?? Infinity) < iteration) at++;
      const value = values[index] ?? NaN;
      if (!Number.isFinite(value)) continue;
      count[at] = (count[at] ?? 0) + 1;
      sum[at] = (sum[at] ?? 0) + value;
      minimum[at] = Math.min(minimum[at] ?? Infinity, value);
      maximum[at] = Math.max(maximum[at] ?? -Infinity, value);
    }
  }
  const values = iterations.map((_, at) => count[at] ? (sum[at] ?? 0) / (count[at] ?? 1) : null);
  return {
    iterations,
    values,
    range: networks.length > 1
      ? { minimum: Array.from(minimum, finiteOrNull), maximum: Array.from(maximum, finiteOrNull) }
      : null,
  };
}

/** All iterations of some networks, ascending; mostly they have the same ones. */
function unionOf(networks: readonly Series[]): number[] {
  const longest = networks.reduce((most, own) => own.length > most.length ? own : most);
  const all = Array.from(longest.iterations.subarray(0, longest.length));
  const isWithin = ({ iterations, length }: Series): boolean => {
    for (let index = 0; index < length; index++) if (iterations[index] !== all[index]) return false;
    return true;
  };
  if (networks.every(isWithin)) return all;
  const union = new Set(all);
  for (const { iterations, length } of networks) {
    for (let index = 0; index < length; index++) union.add(iterations[index] ?? 0);
  }
  return Array.from(Float64Array.from(union).sort());
}

/**
 * A curve of at most {@linkcode mostPoints} points that shows what all of them would. The points are cut into stretches of equal
 * number; of each the smallest and the largest value stay, at their own iterations, and a gap where there is one. So every
 * minimum and maximum that could be seen is still there, and so are the curve's ends. A mean's range becomes that of the whole
 * stretch.
 */
export function thinned({ iterations, values, range }: Points): Points {
  const length = iterations.length;
  if (length <= mostPoints) return { iterations, values, range };
  // Both ends, and three points of each stretch.
  const stretches = Math.floor((mostPoints - 2) / 3);
  const kept: number[] = [];
  const low: (number | null)[] = [];
  const high: (number | null)[] = [];
  for (let stretch = 0; stretch < stretches; stretch++) {
    const begin = Math.floor(stretch * length / stretches);
    const end = Math.floor((stretch + 1) * length / stretches);
    const own = new Set<number>();
    if (begin === 0) own.add(0);
    if (end === length) own.add(length - 1);
    let [least, most, gap] = [-1, -1, -1];
    let [lowest, highest] = [Infinity, -Infinity];
    for (let at = begin; at < end; at++) {
      const value = values[at] ?? null;
      if (value === null) gap = gap < 0 ? at : gap;
      else {
        if (least < 0 || value < (values[least] ?? Infinity)) least = at;
        if (most < 0 || value > (values[most] ?? -Infinity)) most = at;
      }
      lowest = Math.min(lowest, range?.minimum[at] ?? Infinity);
      highest = Math.max(highest, range?.maximum[at] ?? -Infinity);
    }
    for (const at of [least, most, gap]) if (at >= 0) own.add(at);
    for (const at of [...own].sort((a, b) => a - b)) {
      kept.push(at);
      const isGap = (values[at] ?? null) === null;
      low.push(isGap ? null : finiteOrNull(lowest));
      high.push(isGap ? null : finiteOrNull(highest));
    }
  }
  return {
    iterations: kept.map((at) => iterations[at] ?? 0),
    values: kept.map((at) => values[at] ?? null),
    range: range ? { minimum: low, maximum: high } : null,
  };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
