/**
 * A sweep's file: a base configuration, and axes along which runs differ.
 *
 * ```json
 * {
 *   "name": "adam-rates",
 *   "preset": "lenet-quick",
 *   "base": { "levels": 5 },
 *   "axes": { "lr": { "from": 0.0004, "to": 0.002, "step": 0.0004 }, "batchSize": [60, 120] },
 *   "seeds": 3
 * }
 * ```
 *
 * Settings are those of `lottery`, by their keys in config.json. An axis named after one has its values, as a list or as a range with
 * both its ends; any axis can have points that change several: `{"label": "warm", "lr": 0.1, "warmup": 1000}`, a `preset` among them.
 * Instead of a preset there can be figures, whose runs take base and axes over their own settings. `scale`, `levels` and the like go over
 * all, as the flags of `experiment` do.
 *
 * @module
 */
import * as z from "npm:zod@4.6.7";
import { datasetNames } from "../data/load.ts";
import { isPrintable, legible, quoted } from "../data/quoted.ts";
import type { Changes, ExperimentRun } from "../experiments/experiment.ts";
import { type Axis, axis, gridRuns, type Point, pointLabel } from "../experiments/grid.ts";
import { experimentOf, experiments } from "../experiments/registry.ts";
import { givenOptions, scaledConfig, scaleOptionNames, wordsOf } from "../experiments/scale.ts";
import { parseChanges, type PresetName, presetNames, type Setting, settings } from "../lottery/config.ts";
import { experimentRuns, sweepNames } from "./expand.ts";
import { type NumberRange, parseRange, rangeForms } from "./range.ts";
import type { ExpandedRun, ExpandedSweep } from "./sweep.ts";

/** Most runs of a sweep's file: more are a slip in a range, and more than a scheduler takes at once. */
export const mostRuns = 10_000;

/** Most axes: names hold a label of each. */
const mostAxes = 16;

/** Most characters of all runs as JSON. Those of 10,000 runs of the paper's networks are 10 million. */
const mostCharacters = 64e6;

const count = z.int().min(1);
const seed = z.int().min(0).max(2 ** 32 - 1);
// As it is: what a copy would leave out, such as a key "__proto__", is to be refused.
const object = z.custom<Readonly<Record<string, unknown>>>(isObject);

/** The keys, each with what it must be. */
const schema = z.strictObject({
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,78}[a-z0-9])?$/).exactOptional().describe(
    "lower-case letters, digits, dots and hyphens, at most 80, such as adam-rates",
  ),
  title: z.string().min(1).max(200).refine(isPrintable).exactOptional().describe("a line of at most 200 characters"),
  preset: z.enum([...presetNames]).exactOptional().describe(`one of ${presetNames.join(", ")}`),
  base: object.exactOptional().describe('settings by their keys, such as {"levels": 5}'),
  axes: object.exactOptional().describe('axes by their names, such as {"lr": [0.001, 0.002]}'),
  seeds: z.union([count, z.strictObject({ from: seed, count })]).exactOptional().describe(
    'how many seeds from 1 on, or {"from": 10, "count": 5}',
  ),
  figures: z.array(z.enum(experiments.map(({ name }) => name))).min(1).max(100).exactOptional().describe(
    "a list of experiments that `experiment --list` names, such as fig26",
  ),
  scale: z.number().gt(0).max(1).exactOptional().describe("a number above 0 and at most 1, such as 0.1"),
  levels: z.int().min(0).exactOptional().describe("a whole number of at least 0"),
  replicates: count.exactOptional().describe("a whole number of at least 1"),
  reinitDraws: count.exactOptional().describe("a whole number of at least 1"),
  width: z.number().gt(0).max(16).exactOptional().describe("a number above 0 and at most 16, such as 0.25"),
  dataset: z.enum(datasetNames).exactOptional().describe(`one of ${datasetNames.join(", ")}`),
  seed: seed.exactOptional().describe(`a whole number from 0 to ${2 ** 32 - 1}`),
});

type Definition = z.infer<typeof schema>;

/** The keys of a sweep's file. */
export const definitionKeys: readonly string[] = Object.keys(schema.shape);

/**
 * A sweep's file with all its runs.
 *
 * @param value what the file holds: parsed JSON
 * @param fallbackName what it is called when it has no name of its own, such as the file's
 * @throws {RangeError} naming the key, its value, what is wanted and what to do
 */
export function expandDefinition(value: unknown, fallbackName: string): ExpandedSweep {
  const definition = parseDefinition(value);
  refuseContradictions(definition);
  const key = keyOfFile(definition.name ?? slug(fallbackName));
  const base = under("base", () => parseChanges(definition.base ?? {}));
  const starts = startsOf(definition);
  const axes = axesOf(definition, starts.length);
  const options = givenOptions(definition);
  const runs = new Map<string, ExpandedRun>();
  let characters = 0;
  for (const { prefix, preset, changes } of starts) {
    for (const own of gridRuns({ preset, base: { ...changes, ...base }, axes, ...prefix })) {
      const { name } = own;
      const run = { name, config: under(`the run ${quoted(name)}`, () => scaledConfig(own, options)) };
      const text = JSON.stringify(run);
      // Labels hold commas themselves.
      const before = runs.get(name);
      if (before && JSON.stringify(before) !== text) {
        throw new RangeError(
          `Cannot expand the sweep: two different runs would be called ${
            quoted(name)
          }. Give points a "label" that tells them apart.`,
        );
      }
      if (!before) runs.set(name, run);
      characters += text.length;
      if (characters > mostCharacters) {
        throw new RangeError(
          `The sweep's runs would take more than ${
            mostCharacters / 1e6
          } MB to write down, which a long network does that every run ` +
            "has: divide the sweep into several.",
        );
      }
    }
  }
  return {
    key,
    title: definition.title ?? titleOf(definition, axes),
    source: { type: "file", definition: { ...definition } },
    runs: [...runs.values()],
  };
}

/** What runs start from: a preset, or the runs of figures. */
interface Start {
  readonly prefix: { readonly prefix?: string };
  readonly preset: PresetName;
  readonly changes: Changes;
}

function startsOf({ preset = "lenet-quick", figures }: Definition): Start[] {
  if (!figures) return [{ prefix: {}, preset, changes: {} }];
  const own = [...new Set(figures)].flatMap((name) => experimentOf(name) ?? []);
  return experimentRuns(own).map(({ name, preset, changes }: ExperimentRun) => ({
    prefix: { prefix: name },
    preset,
    changes,
  }));
}

function parseDefinition(value: unknown): Definition {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === "unrecognized_keys" && issue.path.length === 0) {
    const keys = legible(issue.keys.map((own) => quoted(own)).join(", "), 200);
    throw new RangeError(`There is no key ${keys} in a sweep's file. Its keys are ${definitionKeys.join(", ")}.`);
  }
  const key = String(issue?.path[0] ?? "");
  const wanted = wantedOf(key);
  if (wanted === undefined || !isObject(value)) {
    throw new RangeError(
      `A sweep's file holds an object such as {"preset": "lenet-quick", "axes": {"lr": [0.001, 0.002]}}, and this is ${
        quoted(value)
      }.`,
    );
  }
  throw new RangeError(`"${key}" is ${quoted(value[key])}, and it must be ${wanted}.`);
}

function wantedOf(key: string): string | undefined {
  return Object.entries(schema.shape).find(([own]) => own === key)?.[1].description;
}

function refuseContradictions({ preset, base, axes = {}, seeds, figures, ...options }: Definition): void {
  if (preset !== undefined && figures) {
    throw new RangeError(
      `"preset" is ${quoted(preset)}, and "figures" bring presets of their own: leave one of the two out.`,
    );
  }
  if (seeds !== undefined && options.seed !== undefined) {
    throw new RangeError(
      `"seed" is ${options.seed}, and "seeds" gives seeds too: leave it out, or give "seeds": {"from": ${options.seed}, "count": N}.`,
    );
  }
  if (base && Object.hasOwn(base, "preset")) {
    throw new RangeError(`"base" has "preset", which is no setting: give it beside "base".`);
  }
  if (Object.keys(axes).length > mostAxes) {
    throw new RangeError(`"axes" has ${Object.keys(axes).length} of them, and there are at most ${mostAxes}.`);
  }
}

/** The axes, those of the seeds last, after making sure that there are not too many runs. */
function axesOf(definition: Definition, starts: number): Axis[] {
  const { axes = {}, seeds, figures } = definition;
  const drafts = Object.entries(axes).map(([name, value]) => draftOf(name, value));
  const { from, count } = typeof seeds === "number" ? { from: 1, count: seeds } : seeds ?? { from: 1, count: 0 };
  const sizes = [
    ...(figures ? [{ name: "figures", size: starts }] : []),
    ...drafts.map(({ name, size }) => ({ name: `axes.${name}`, size })),
    ...(seeds === undefined ? [] : [{ name: "seeds", size: count }]),
  ];
  const total = sizes.reduce((product, { size }) => product * size, 1);
  if (total > mostRuns) {
    throw new RangeError(
      `The sweep would have ${inWords(total)} runs (${
        sizes.map(({ name, size }) => `"${name}" ${inWords(size)}`).join(" times ")
      }), and there are at most ${inWords(mostRuns)}: give fewer points, or divide it into several sweeps.`,
    );
  }
  const expanded = drafts.map(({ expand }) => expand());
  if (seeds !== undefined) expanded.push(axis("seed", Array.from({ length: count }, (_, index) => from + index)));
  refuseOverlap(expanded, definition);
  if (figures && expanded.some(({ points }) => points.some(({ preset }) => preset !== undefined))) {
    throw new RangeError(`An axis has "preset", and "figures" bring presets of their own: leave one of the two out.`);
  }
  return expanded;
}

/** How many, as far as it can be read. */
function inWords(count: number): string {
  return count > 1e9 ? "more than 1,000,000,000" : count.toLocaleString("en-GB");
}

/** An axis before its points are made. */
interface Draft {
  readonly name: string;
  readonly size: number;
  readonly expand: () => Axis;
}

function draftOf(name: string, value: unknown): Draft {
  const where = `"axes" has ${quoted(name)}`;
  if (!/^[A-Za-z][\w -]{0,39}$/.test(name)) {
    throw new RangeError(
      `${where}, which cannot be an axis's name: give a setting's key or a word, of letters, digits and hyphens, at most 40.`,
    );
  }
  const setting = settings.find(({ key }) => key === name);
  if (Array.isArray(value) && value.length > 0) {
    const points: readonly unknown[] = value;
    return {
      name,
      size: points.length,
      expand: () => ({ name, points: distinct(name, points.map((own, index) => pointOf(name, setting, own, index))) }),
    };
  }
  if (isObject(value) && setting && isNumber(setting)) {
    const range = rangeOf(name, setting, value);
    return {
      name,
      size: range.count,
      expand: () => ({
        name,
        points: distinct(name, range.values().map((own, index) => pointOf(name, setting, own, index))),
      }),
    };
  }
  throw new RangeError(
    `"axes.${name}" is ${quoted(value)}, and it must be a list of ${
      setting || name === "preset"
        ? "values"
        : `points with settings, such as {"label": "high", "lr": 0.1, "warmup": 0}`
    }${setting && isNumber(setting) ? `, or a range such as ${rangeForms}` : ""}.`,
  );
}

function rangeOf(name: string, setting: Setting, value: unknown): NumberRange {
  try {
    return parseRange(value, setting.kind === "integer");
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`"axes.${name}" ${error.message}.`, { cause: error }) : error;
  }
}

function isNumber({ kind }: Setting): boolean {
  return kind === "integer" || kind === "number";
}

function pointOf(name: string, setting: Setting | undefined, value: unknown, index: number): Point {
  const where = `axes.${name}[${index}]`;
  // A network of one's own is an object too, and a value.
  const isValue = !isObject(value) || name === "network" && Object.hasOwn(value, "layers");
  if (isValue && !setting && name !== "preset") {
    throw new RangeError(
      `"${where}" is ${quoted(value)}, and ${
        quoted(name)
      } is no setting: give settings, such as {"label": "high", "lr": 0.1, "warmup": 0}, ` +
        `or name the axis after one of preset, ${settings.map(({ key }) => key).join(", ")}.`,
    );
  }
  const given: Readonly<Record<string, unknown>> = isValue
    ? { [name]: value }
    : Object.fromEntries(Object.entries(value));
  const { label, preset, ...rest } = given;
  const named = Object.hasOwn(given, "preset") ? { preset: presetOf(where, preset) } : {};
  const changes = under(where, () => parseChanges(rest));
  const { label: _, ...shown } = given;
  return { label: labelOf(where, label, shown), ...named, changes };
}

function presetOf(where: string, value: unknown): PresetName {
  const name = presetNames.find((own) => own === value);
  if (name !== undefined) return name;
  throw new RangeError(
    `"${where}" has the preset ${quoted(value)}, and there is none: choose one of ${presetNames.join(", ")}.`,
  );
}

function labelOf(where: string, label: unknown, shown: Readonly<Record<string, unknown>>): string {
  if (label === undefined && Object.keys(shown).length > 0) return legible(pointLabel(shown));
  if (typeof label === "string" && label.trim() === label && label !== "" && label.length <= 80 && isPrintable(label)) {
    return label;
  }
  throw new RangeError(
    `"${where}" has ${
      label === undefined ? "neither settings nor a label" : `the label ${quoted(label)}`
    }, and a point has ` +
      "settings, a label of 1 to 80 characters, or both.",
  );
}

/** Points without those that say the same again. */
function distinct(name: string, points: readonly Point[]): Point[] {
  const byLabel = new Map<string, Point>();
  for (const point of points) {
    const before = byLabel.get(point.label);
    if (before && JSON.stringify(before) !== JSON.stringify(point)) {
      throw new RangeError(
        `Two points of "axes.${name}" are called ${
          quoted(point.label)
        }, and their settings differ: give each a "label" of its own.`,
      );
    }
    byLabel.set(point.label, before ?? point);
  }
  return [...byLabel.values()];
}

/**
 * Of a setting that two axes have, the order of the axes would decide, and an option that goes over all would make the points of an axis
 * one. Most levels and a factor on the width do not.
 */
function refuseOverlap(axes: readonly Axis[], definition: Definition): void {
  const owners = new Map<string, string>();
  for (const option of scaleOptionNames) {
    if (definition[option] !== undefined && option !== "levels" && option !== "width") {
      owners.set(option, `"${option}"`);
    }
  }
  for (const { name, points } of axes) {
    // A point may lack what another has.
    const keys = new Set(
      points.flatMap(({ preset, changes }) => [...Object.keys(changes), ...preset === undefined ? [] : ["preset"]]),
    );
    for (const key of keys) {
      const owner = owners.get(key);
      if (owner !== undefined) {
        throw new RangeError(`"axes.${name}" sets ${key}, and so does ${owner}: leave it out of one of the two.`);
      }
      owners.set(key, `"axes.${name}"`);
    }
  }
}

/** Names that experiments have as sweeps, with their options: `fig26-scale-0.1`. */
const experimentKey = new RegExp(
  `^(?:${sweepNames.join("|")})(?:-(?:${scaleOptionNames.map(wordsOf).join("|")})-.*)?$`,
);

function keyOfFile(name: string): string {
  if (!experimentKey.test(name)) return name;
  throw new RangeError(
    `The sweep would be called ${quoted(name)}, which an experiment is: give it another "name", such as "my-${name}".`,
  );
}

/** A file's name as a sweep's: `Adam Rates` is `adam-rates`. */
function slug(name: string): string {
  const own = name.toLowerCase().replace(/[^a-z0-9.]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 80).replace(
    /[-.]+$/,
    "",
  );
  return own === "" ? "sweep" : own;
}

function titleOf({ figures, preset = "lenet-quick" }: Definition, axes: readonly Axis[]): string {
  const names = axes.map(({ name }) => name);
  const what = legible(figures?.join(", ") ?? preset, 80);
  return names.length === 0 ? what : `${what} by ${names.join(", ").replace(/, ([^,]+)$/, " and $1")}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with settings, with where they stand. */
function under<Value>(where: string, make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    throw error instanceof RangeError
      ? new RangeError(`Cannot use ${where}: ${error.message}`, { cause: error })
      : error;
  }
}
