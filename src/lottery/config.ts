/**
 * The settings of a run: one schema from which flags, help, validation, presets and, later, forms are made.
 *
 * @module
 */
import { z } from "npm:zod@4.6.7";
import type { DatasetName } from "../data/dataset.ts";

/** The presets' names. */
export type PresetName = "lenet-quick" | "lenet";

/** Controls that can be trained beside the tickets. */
export type ControlName = "reinit";

/** Everything that a run is told. Complete and validated: {@linkcode preset} and {@linkcode parseConfig} give one. */
export interface LotteryConfig {
  /** Where the settings started from. */
  readonly preset: PresetName;
  /** What to train on. */
  readonly dataset: DatasetName;
  /** Training images. */
  readonly trainSize: number;
  /** Images held out to find the early-stop iteration. */
  readonly validationSize: number;
  /** Pruning rounds after the dense level 0. */
  readonly levels: number;
  /** Optimizer steps of each training. */
  readonly iterations: number;
  /** Images of one step. */
  readonly batchSize: number;
  /** The optimizer. */
  readonly optimizer: "adam" | "sgd";
  /** Learning rate. */
  readonly lr: number;
  /** Momentum of SGD. */
  readonly momentum: number;
  /** L2 penalty, added to the gradient, biases included. */
  readonly weightDecay: number;
  /** Fraction of a hidden layer's survivors that a round prunes; of all, with global scope. */
  readonly pruneDense: number;
  /** The same for the output layer. */
  readonly pruneOutput: number;
  /** Rank weights within each layer, or over the network. */
  readonly scope: "layer" | "global";
  /** Scales the units of hidden layers. */
  readonly width: number;
  /** Independent repetitions. */
  readonly replicates: number;
  /** Controls to train beside the tickets. */
  readonly controls: readonly ControlName[];
  /** Fresh initialisations per ticket. */
  readonly reinitDraws: number;
  /** Seed of replicate 1; replicate r has seed + r − 1. */
  readonly seed: number;
  /** Iterations between evaluations. */
  readonly evalEvery: number;
  /** Of which levels to keep the trained weights. */
  readonly saveFinals: "none" | "last" | "all";
}

const fraction = z.number().min(0).lt(1);
const count = z.int().min(1);

/** The schema. Descriptions are what `--help` prints. */
const schema = z.strictObject({
  preset: z.enum(["lenet-quick", "lenet"]).describe("where the settings start from"),
  dataset: z.enum(["mnist", "fashion-mnist", "synthetic"]).describe("what to train on"),
  trainSize: count.max(1_000_000).describe("training images, drawn at random from the training set"),
  validationSize: count.max(1_000_000).describe("images held out to find the early-stop iteration"),
  levels: z.int().min(0).max(60).describe("pruning rounds after the dense level 0: N + 1 trainings"),
  iterations: count.max(1_000_000).describe("optimizer steps of each training"),
  batchSize: count.max(4096).describe("images of one step"),
  optimizer: z.enum(["adam", "sgd"]).describe("the optimizer"),
  lr: z.number().gt(0).max(100).describe("learning rate"),
  momentum: fraction.describe("momentum of sgd"),
  weightDecay: z.number().min(0).max(1).describe("L2 penalty, added to the gradient, biases included"),
  pruneDense: fraction.describe("fraction of the survivors of each hidden layer that a round prunes"),
  pruneOutput: fraction.describe("the same for the output layer; not used with --scope global"),
  scope: z.enum(["layer", "global"]).describe("rank weights within each layer, or over the whole network"),
  width: z.number().gt(0).max(16).describe("scales the units of the hidden layers"),
  replicates: count.max(1000).describe("independent repetitions, trained in lockstep"),
  controls: z.array(z.enum(["reinit"])).describe("controls to train beside the tickets, or none"),
  reinitDraws: count.max(100).describe("fresh initialisations per ticket, for the control reinit"),
  seed: z.int().min(0).max(2 ** 32 - 1).describe("seed of replicate 1; replicate r has seed + r - 1"),
  evalEvery: count.max(1_000_000).describe("iterations between evaluations"),
  saveFinals: z.enum(["none", "last", "all"]).describe("of which levels to keep the trained weights"),
}) satisfies z.ZodType<LotteryConfig>;

/** A setting as flags and forms need it. */
export interface Setting {
  /** The key in {@linkcode LotteryConfig}. */
  readonly key: keyof LotteryConfig;
  /** The flag: `trainSize` is `--train-size`. */
  readonly flag: string;
  /** What it is. */
  readonly description: string;
  /** Its kind of value. */
  readonly kind: "integer" | "number" | "choice" | "list";
  /** The choices of a choice or a list. */
  readonly choices: readonly string[];
  /** The range in words: "a whole number from 1 to 4096". */
  readonly wanted: string;
}

/** Every setting but the preset itself, in order. */
export const settings: readonly Setting[] = describeSettings();

const paper = {
  dataset: "mnist",
  trainSize: 55_000,
  validationSize: 5_000,
  batchSize: 60,
  optimizer: "adam",
  lr: 1.2e-3,
  momentum: 0,
  weightDecay: 0,
  scope: "layer",
  width: 1,
  controls: ["reinit"],
  seed: 1,
} as const;

/** The presets, each with what it is and why its values were chosen. */
export const presets: Readonly<Record<PresetName, { readonly description: string; readonly config: LotteryConfig }>> = {
  "lenet-quick": {
    description:
      "LeNet-300-100 on 8,000 images of MNIST, in a few minutes on a CPU. With so few images every network, the re-initialised " +
      "one included, has its minimum of validation loss before the last iteration, so that early stops can be compared; " +
      "three rounds that prune 40 % each (20 % of the output layer) lead to 22 % of the weights.",
    config: {
      ...paper,
      preset: "lenet-quick",
      trainSize: 8_000,
      levels: 3,
      iterations: 2_400,
      pruneDense: 0.4,
      pruneOutput: 0.2,
      replicates: 1,
      reinitDraws: 1,
      evalEvery: 100,
      saveFinals: "last",
    },
  },
  lenet: {
    description:
      "LeNet-300-100 on MNIST with the paper's settings: 20 levels of 50,000 iterations, five replicates, three " +
      "re-initialisations per ticket. Days on a CPU; shorten it with --iterations, --levels and --replicates.",
    config: {
      ...paper,
      preset: "lenet",
      levels: 20,
      iterations: 50_000,
      pruneDense: 0.2,
      pruneOutput: 0.1,
      replicates: 5,
      reinitDraws: 3,
      evalEvery: 100,
      saveFinals: "last",
    },
  },
};

/**
 * A preset, with some settings changed.
 *
 * @throws {RangeError} when there is no such preset or a setting is out of range, naming its flag, the value and what is wanted
 */
export function preset(name: PresetName, changes: Partial<Omit<LotteryConfig, "preset">> = {}): LotteryConfig {
  if (!Object.hasOwn(presets, name)) {
    throw new RangeError(`There is no preset "${name}". Choose one of ${Object.keys(presets).join(", ")}.`);
  }
  return parseConfig(changed(name, changes));
}

/**
 * A preset's settings under changes that are not validated yet. The synthetic data set is small, so it brings its own split.
 */
export function changed(name: PresetName, changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const split = changes["dataset"] === "synthetic" ? { trainSize: 1_500, validationSize: 500 } : {};
  return { ...presets[name].config, ...split, ...changes, preset: name };
}

/**
 * Validates a complete configuration.
 *
 * @param value anything, for instance parsed JSON
 * @throws {RangeError} naming the flag of the first wrong setting, the value, what is wanted and what to do
 */
export function parseConfig(value: unknown): LotteryConfig {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RangeError(explain(value, parsed.error.issues[0]));
  const config = parsed.data;
  if (config.evalEvery > config.iterations) {
    throw new RangeError(
      `--eval-every is ${config.evalEvery}, more than the ${config.iterations} iterations of a training: ` +
        `use at most ${config.iterations}.`,
    );
  }
  if (config.batchSize > config.trainSize) {
    throw new RangeError(
      `--batch-size is ${config.batchSize}, more than the ${config.trainSize} training images: use at most ${config.trainSize}.`,
    );
  }
  if (config.momentum > 0 && config.optimizer === "adam") {
    throw new RangeError(
      `--momentum is ${config.momentum}, and --optimizer adam has none: leave it out, or use --optimizer sgd.`,
    );
  }
  if (config.seed + config.replicates - 1 > 2 ** 32 - 1) {
    throw new RangeError(
      `--seed is ${config.seed}, and ${config.replicates} replicates count up from it past ${
        2 ** 32 - 1
      }: use a smaller one.`,
    );
  }
  if (new Set(config.controls).size < config.controls.length) {
    throw new RangeError(`--controls is ${config.controls.join(",")}, which names a control twice: name each once.`);
  }
  return config;
}

/** What determines the numbers of the ticket arm, beside the configuration. */
export interface IdentityContext {
  /** The data set's digest. */
  readonly dataDigest: string;
  /** The plan table's hash. */
  readonly planHash: string;
}

/**
 * A run's id: its readable preset, and a hash of what determines the ticket arm's numbers. Controls, the number of levels and
 * of replicates, and what is saved are not part of it: they can be added to an existing run.
 */
export async function runId(config: LotteryConfig, context: IdentityContext): Promise<string> {
  const { preset: name, controls: _c, levels: _l, replicates: _r, reinitDraws: _d, saveFinals: _s, momentum, ...rest } =
    config;
  const determining = {
    network: "lenet-300-100",
    ...rest,
    ...context,
    ...(config.optimizer === "sgd" ? { momentum } : {}),
  };
  return `${name}-${await shortHash(determining)}`;
}

/** The folder of a control under `arms/`: its name and the hash of its own settings. */
export async function controlId(control: ControlName): Promise<string> {
  // Draws are numbered and can be added, like replicates, so that re-initialisation has no setting of its own.
  return `${control}-${await shortHash({ control, version: 1 })}`;
}

/** `trainSize` → `--train-size`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The first ten hexadecimal digits of the SHA-256 of a value as JSON with sorted keys. */
export async function shortHash(value: Readonly<Record<string, unknown>>): Promise<string> {
  const canonical = JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical)));
  return digest.toHex().slice(0, 10);
}

function explain(value: unknown, issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === "unrecognized_keys") {
    return `There is no setting "${issue.keys.join('", "')}". The settings are ${
      settings.map(({ key }) => key).join(", ")
    }.`;
  }
  const key = String(issue?.path[0] ?? "");
  const setting = settings.find((candidate) => candidate.key === key);
  if (!setting) {
    return key === "preset"
      ? `There is no such preset. Choose one of ${Object.keys(presets).join(", ")}.`
      : "The configuration is not an object of settings. Give one as `--config FILE` holds it.";
  }
  const given = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  const shown = given === undefined ? "missing" : JSON.stringify(given);
  return `${setting.flag} is ${shown}, and it must be ${setting.wanted} (${setting.description}).`;
}

/** Reads flags, ranges and descriptions out of the schema. */
function describeSettings(): Setting[] {
  const { properties = {} } = z.toJSONSchema(schema);
  return Object.entries(properties).flatMap(([key, property]): Setting[] => {
    if (typeof property === "boolean" || !isKey(key) || key === "preset") return [];
    const items = property.type === "array" && typeof property.items === "object" && !Array.isArray(property.items)
      ? property.items
      : undefined;
    const choices = (property.enum ?? items?.enum ?? []).map(String);
    const kind = items ? "list" : choices.length > 0 ? "choice" : property.type === "integer" ? "integer" : "number";
    return [{
      key,
      flag: flagOf(key),
      description: property.description ?? "",
      kind,
      choices,
      wanted: wantedOf(kind, choices, property),
    }];
  });
}

function wantedOf(kind: Setting["kind"], choices: readonly string[], range: z.core.JSONSchema.JSONSchema): string {
  if (kind === "list") return `none, or a list of ${choices.join(", ")}`;
  if (kind === "choice") return `one of ${choices.join(", ")}`;
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum, exclusiveMaximum } = range;
  const from = exclusiveMinimum === undefined ? `of at least ${minimum}` : `above ${exclusiveMinimum}`;
  const to = exclusiveMaximum === undefined ? `at most ${maximum}` : `below ${exclusiveMaximum}`;
  const isClosed = exclusiveMinimum === undefined && exclusiveMaximum === undefined;
  return `a ${kind === "integer" ? "whole " : ""}number ${
    isClosed ? `from ${minimum} to ${maximum}` : `${from} and ${to}`
  }`;
}

function isKey(key: string): key is keyof LotteryConfig {
  return Object.hasOwn(schema.shape, key);
}
