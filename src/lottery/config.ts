/**
 * The settings of a run: one schema from which flags, help, validation, presets and, later, forms are made.
 *
 * @module
 */
import * as z from "npm:zod@4.6.7";
import type { Dataset, DatasetName } from "../data/dataset.ts";
import { legible, quoted } from "../data/quoted.ts";
import { architecture, type ArchitectureName, architectureNames, varied } from "../nn/architectures.ts";
import type { Extent, LayerSpec, NetworkSpec } from "../nn/network.ts";
import { type ControlName, controlNames, maskOwner } from "./arms/names.ts";
import { type CustomNetwork, customNetworkSchema, explainNetwork } from "./network_schema.ts";
import type { Scope } from "./schedule.ts";

/** The presets' names: the paper's networks, and a quick one. */
export type PresetName = "lenet-quick" | ArchitectureName;

export type { ControlName };

/** Everything that a run is told. Complete and validated: {@linkcode preset} and {@linkcode parseConfig} give one. */
export interface LotteryConfig {
  /** Where the settings started from. */
  readonly preset: PresetName;
  /** What to train on. */
  readonly dataset: DatasetName;
  /** One of the paper's networks by its name, or layers of one's own. */
  readonly network: ArchitectureName | CustomNetwork;
  /** Scales channels and the units of hidden layers. */
  readonly width: number;
  /** Rate of a dropout before each dense layer; 0 for none. */
  readonly dropout: number;
  /** Factor on the standard deviation of initial weights; 1 is Glorot's. */
  readonly initScale: number;
  /** Whether every training image is flipped and shifted at random. */
  readonly augment: boolean;
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
  /** Iterations over which the learning rate rises linearly from 0; 0 for none. */
  readonly warmup: number;
  /** Iterations at which the learning rate drops, ascending. */
  readonly lrDrops: readonly number[];
  /** Factor of each drop. */
  readonly lrDropFactor: number;
  /** Momentum of SGD. */
  readonly momentum: number;
  /** L2 penalty, added to the gradient, biases included. */
  readonly weightDecay: number;
  /** Fraction of a convolution's survivors that a round prunes; of all that are pruned, with global scope. 0 exempts them. */
  readonly pruneConv: number;
  /** The same for hidden dense layers; with global scope, where no convolution is pruned. */
  readonly pruneDense: number;
  /** The same for the output layer; with global scope it only says, when 0, that the output layer is exempt. */
  readonly pruneOutput: number;
  /** Surviving fractions at levels 1, 2, … instead of rounds at these rates; none for rounds. */
  readonly densities: readonly number[];
  /** Rank weights within each layer, or over all layers that are pruned. */
  readonly scope: Scope;
  /** The iteration whose weights survivors are reset to; 0 = initialisation. */
  readonly rewind: number;
  /** Independent repetitions. */
  readonly replicates: number;
  /** Controls to train beside the tickets. */
  readonly controls: readonly ControlName[];
  /** Draws per ticket, of controls that draw at random. */
  readonly reinitDraws: number;
  /** Seed of replicate 1; replicate r has seed + r − 1. */
  readonly seed: number;
  /** Iterations between evaluations. */
  readonly evalEvery: number;
  /** Of which levels to keep the trained weights. */
  readonly saveFinals: "none" | "last" | "all";
}

/** Most replicates of a run. */
export const mostReplicates = 1000;

const fraction = z.number().min(0).lt(1);
const count = z.int().min(1);

/** The schema. Descriptions are what `--help` prints. */
const schema = z.strictObject({
  preset: z.enum(["lenet-quick", ...architectureNames]).describe("where the settings start from"),
  dataset: z.enum(["mnist", "fashion-mnist", "cifar10", "synthetic"]).describe("what to train on"),
  network: z.union([z.enum(architectureNames), customNetworkSchema]).describe(
    "the network; one of your own goes into --config, as {name, layers}",
  ),
  width: z.number().gt(0).max(16).describe("scales the channels and the units of the hidden layers"),
  dropout: fraction.describe("rate of a dropout before each dense layer; 0 for none"),
  // Runs from before it was a setting have none in their config.json.
  initScale: z.number().gt(0).max(100).default(1).describe("factor on the standard deviation of the initial weights"),
  augment: z.boolean().describe("flip each training image at random, and shift it by up to 4 pixels"),
  trainSize: count.max(1_000_000).describe("training images, drawn at random from the training set"),
  validationSize: count.max(1_000_000).describe("images held out to find the early-stop iteration"),
  levels: z.int().min(0).max(60).describe("pruning rounds after the dense level 0: N + 1 trainings"),
  iterations: count.max(1_000_000).describe("optimizer steps of each training"),
  batchSize: count.max(4096).describe("images of one step"),
  optimizer: z.enum(["adam", "sgd"]).describe("the optimizer"),
  lr: z.number().gt(0).max(100).describe("learning rate"),
  warmup: z.int().min(0).max(1_000_000).describe("iterations over which the learning rate rises linearly from 0"),
  lrDrops: z.array(count.max(1_000_000)).describe("iterations at which the learning rate drops, or none"),
  lrDropFactor: z.number().gt(0).max(1).describe("what each drop multiplies the learning rate by"),
  momentum: fraction.describe("momentum of sgd"),
  weightDecay: z.number().min(0).max(1).describe("L2 penalty, added to the gradient, biases included"),
  pruneConv: fraction.describe(
    "fraction of the survivors of each convolution that a round prunes, 0 to exempt them; of the whole pool with --scope global",
  ),
  pruneDense: fraction.describe("the same for hidden dense layers"),
  pruneOutput: fraction.describe(
    "the same for the output layer; with --scope global only 0, which exempts it, matters",
  ),
  densities: z.array(z.number().gt(0).lt(1)).default([]).describe(
    "fractions of the weights to keep at levels 1, 2, ..., such as 0.8,0.5,0.2, instead of rounds that each prune as much: a layer " +
      "whose rate is half of the highest prunes half as much",
  ),
  scope: z.enum(["layer", "global"]).describe("rank weights within each layer, or over all layers that are pruned"),
  rewind: z.int().min(0).max(1_000_000).describe(
    "reset survivors to their values at this iteration; 0 = initialisation",
  ),
  replicates: count.max(mostReplicates).describe("independent repetitions, trained in lockstep"),
  controls: z.array(z.enum(controlNames)).describe("controls to train beside the tickets, or none"),
  reinitDraws: count.max(100).describe("draws per ticket, for controls that draw at random such as reinit"),
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
  readonly kind: "integer" | "number" | "boolean" | "choice" | "list" | "integers" | "numbers";
  /** The choices of a choice or a list of names. */
  readonly choices: readonly string[];
  /** The range in words: "a whole number from 1 to 4096". */
  readonly wanted: string;
}

/** Every setting but the preset itself, in order. */
export const settings: readonly Setting[] = describeSettings();

const paper = {
  width: 1,
  dropout: 0,
  initScale: 1,
  augment: false,
  validationSize: 5_000,
  warmup: 0,
  lrDrops: [],
  lrDropFactor: 0.1,
  momentum: 0,
  weightDecay: 0,
  densities: [],
  scope: "layer",
  rewind: 0,
  controls: ["reinit"],
  reinitDraws: 3,
  seed: 1,
  evalEvery: 100,
  saveFinals: "last",
} as const;

const onMnist = {
  ...paper,
  dataset: "mnist",
  network: "lenet",
  trainSize: 55_000,
  batchSize: 60,
  optimizer: "adam",
  lr: 1.2e-3,
  // Used where --network brings convolutions: half the rate of dense layers, as for Conv-2 and Conv-4.
  pruneConv: 0.1,
  pruneDense: 0.2,
  pruneOutput: 0.1,
} as const;

const onCifar = {
  ...paper,
  dataset: "cifar10",
  trainSize: 45_000,
  batchSize: 60,
  optimizer: "adam",
  pruneConv: 0.1,
  pruneDense: 0.2,
  pruneOutput: 0.1,
  replicates: 5,
} as const;

/** ResNet-18 and VGG-19: all weights of convolutions in one pool; shortcuts and the output layer are exempt. */
const deep = {
  ...onCifar,
  optimizer: "sgd",
  momentum: 0.9,
  weightDecay: 1e-4,
  augment: true,
  pruneConv: 0.2,
  pruneOutput: 0,
  scope: "global",
  replicates: 3,
} as const;

/** Batches of 64 in an epoch of 45,000 images. */
const vggEpoch = 703;

/** The presets, each with what it is and why its values were chosen. */
export const presets: Readonly<Record<PresetName, { readonly description: string; readonly config: LotteryConfig }>> = {
  "lenet-quick": {
    description:
      "LeNet-300-100 on 8,000 images of MNIST, in a few minutes on a CPU. With so few images every network, the re-initialised " +
      "one included, has its minimum of validation loss before the last iteration, so that early stops can be compared; " +
      "three rounds that prune 40 % each (20 % of the output layer) lead to 22 % of the weights.",
    config: {
      ...onMnist,
      preset: "lenet-quick",
      trainSize: 8_000,
      levels: 3,
      iterations: 2_400,
      pruneConv: 0.2,
      pruneDense: 0.4,
      pruneOutput: 0.2,
      replicates: 1,
      reinitDraws: 1,
    },
  },
  lenet: {
    description:
      "LeNet-300-100 on MNIST with the paper's settings: 20 levels of 50,000 iterations, five replicates, three " +
      "re-initialisations per ticket. Days on a CPU; shorten it with --iterations, --levels and --replicates.",
    config: { ...onMnist, preset: "lenet", levels: 20, iterations: 50_000, replicates: 5 },
  },
  conv2: {
    description:
      "Conv-2 on CIFAR-10 with the paper's settings: 17 levels of 20,000 iterations, five replicates, three " +
      "re-initialisations per ticket. The paper's dropout is --dropout 0.5 --iterations 60000 --lr 3e-4. Needs a GPU.",
    config: { ...onCifar, preset: "conv2", network: "conv2", levels: 17, iterations: 20_000, lr: 2e-4 },
  },
  conv4: {
    description:
      "Conv-4 on CIFAR-10 with the paper's settings: 21 levels of 25,000 iterations, five replicates, three " +
      "re-initialisations per ticket. The paper's dropout is --dropout 0.5 --iterations 75000 --lr 2e-4. Needs a GPU.",
    config: { ...onCifar, preset: "conv4", network: "conv4", levels: 21, iterations: 25_000, lr: 3e-4 },
  },
  conv6: {
    description:
      "Conv-6 on CIFAR-10 with the paper's settings: 12 levels of 30,000 iterations, five replicates, three " +
      "re-initialisations per ticket. The first dense layer has 4,096 inputs, which makes 2,261,184 weights where the paper " +
      "says 1.7 million. The paper's dropout is --dropout 0.5 --iterations 90000 --lr 2e-4. Needs a GPU.",
    config: {
      ...onCifar,
      preset: "conv6",
      network: "conv6",
      levels: 12,
      iterations: 30_000,
      lr: 3e-4,
      pruneConv: 0.15,
    },
  },
  resnet18: {
    description:
      "ResNet-18 on CIFAR-10 with the paper's recipe that finds tickets, a learning rate of 0.03 with 20,000 iterations of " +
      "warmup: 10 levels of 30,000 iterations, three replicates. Its other two, which have no warmup, are " +
      "--warmup 0 --lr 0.1, which finds none, and --warmup 0 --lr 0.01. Needs a GPU.",
    config: {
      ...deep,
      preset: "resnet18",
      network: "resnet18",
      levels: 10,
      iterations: 30_000,
      batchSize: 128,
      lr: 0.03,
      warmup: 20_000,
      lrDrops: [20_000, 25_000],
    },
  },
  vgg19: {
    description:
      "VGG-19 on CIFAR-10 with the paper's recipe that finds tickets, a learning rate of 0.1 with 10,000 iterations of " +
      "warmup: 19 levels of 112,480 iterations (160 epochs), three replicates. Its other two, which have no warmup, are " +
      "--warmup 0, which finds none, and --warmup 0 --lr 0.01. Needs a GPU.",
    config: {
      ...deep,
      preset: "vgg19",
      network: "vgg19",
      levels: 19,
      iterations: 160 * vggEpoch,
      batchSize: 64,
      lr: 0.1,
      warmup: 10_000,
      lrDrops: [80 * vggEpoch, 120 * vggEpoch],
    },
  },
};

/** The presets' names; the first is the default. */
export const presetNames: readonly PresetName[] = ["lenet-quick", ...architectureNames];

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
 * A preset's settings under changes that are not validated yet. The synthetic data set is small, so it brings its own split;
 * CIFAR-10 has 10,000 images fewer than MNIST.
 */
export function changed(name: PresetName, changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { config } = presets[name];
  const split = changes["dataset"] === "synthetic"
    ? { trainSize: 1_500, validationSize: 500 }
    : changes["dataset"] === "cifar10"
    ? { trainSize: Math.min(config.trainSize, 45_000) }
    : {};
  return { ...config, ...split, ...changes, preset: name };
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
  refuseWrongSchedule(config);
  refuseWrongDensities(config);
  refuseUnequalRates(config);
  if (config.seed + config.replicates - 1 > 2 ** 32 - 1) {
    throw new RangeError(
      `--seed is ${config.seed}, and ${config.replicates} replicates count up from it past ${
        2 ** 32 - 1
      }: use a smaller one.`,
    );
  }
  if (new Set(config.controls).size < config.controls.length) {
    throw new RangeError(
      `--controls is ${legible(config.controls.join(","))}, which names a control twice: name each once.`,
    );
  }
  for (const control of config.controls) {
    const owner = maskOwner(control);
    if (owner === undefined || config.controls.some((own) => own === owner)) continue;
    throw new RangeError(
      `--controls has ${control}, which trains with the masks of ${owner}: name ${owner} too, --controls ${
        [owner, ...config.controls].join(",")
      }.`,
    );
  }
  return config;
}

/**
 * Validates some settings, each for itself: what depends on the others is seen when the configuration is complete.
 *
 * @param value anything, for instance parsed JSON
 * @throws {RangeError} naming the flag of the first wrong setting, the value, what is wanted and what to do
 */
export function parseChanges(value: unknown): Partial<Omit<LotteryConfig, "preset">> {
  if (isChanges(value)) return value;
  throw new RangeError(explain(value, changesSchema.safeParse(value).error?.issues[0]));
}

const changesSchema = schema.omit({ preset: true }).partial();

/** Whether settings are in order; they are taken as they are, since the schema would fill in what is left out. */
function isChanges(value: unknown): value is Partial<Omit<LotteryConfig, "preset">> {
  return changesSchema.safeParse(value).success;
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
 * of replicates, and what is saved are not part of it: they can be added to an existing run. Neither is a setting that the
 * others make meaningless, such as the momentum of Adam.
 */
export async function runId(config: LotteryConfig, context: IdentityContext): Promise<string> {
  const { preset: name, controls: _c, levels: _l, replicates: _r, reinitDraws: _d, saveFinals: _s, ...determining } =
    config;
  // Width and dropout are in the layers. What goes in and comes out follows from the data.
  const {
    network: _n,
    width: _w,
    dropout: _o,
    initScale,
    densities,
    momentum,
    lrDropFactor,
    pruneConv,
    pruneDense,
    ...rest
  } = determining;
  const network = specOf(config, { channels: 1, height: 1, width: 1 }, 1);
  const has = rolesOf(network.layers);
  return `${name}-${await shortHash({
    network: { name: network.name, layers: network.layers.map(explicit) },
    ...rest,
    ...context,
    // What is as it was before it could be set says nothing, so that older runs keep their ids.
    ...(initScale === 1 ? {} : { initScale }),
    ...(densities.length > 0 ? { densities } : {}),
    ...(config.optimizer === "sgd" ? { momentum } : {}),
    ...(config.lrDrops.length > 0 ? { lrDropFactor } : {}),
    ...(has.conv ? { pruneConv } : {}),
    ...(has.dense ? { pruneDense } : {}),
  })}`;
}

/**
 * The network that a configuration trains on a data set.
 *
 * @throws {RangeError} when a network of the user's own does not give one logit per class
 */
export function networkOf(
  config: Pick<LotteryConfig, "network" | "width" | "dropout">,
  { channels, height, width, classes, name }: Pick<Dataset, "channels" | "height" | "width" | "classes" | "name">,
): NetworkSpec {
  const spec = specOf(config, { channels, height, width }, classes);
  const last = spec.layers.at(-1);
  if (last?.type === "dense" && last.units !== classes) {
    throw new RangeError(
      `Cannot train ${spec.name} on ${name}: its last layer has ${last.units} units, and there are ${classes} classes. ` +
        `Give it ${classes}.`,
    );
  }
  return spec;
}

function specOf(
  { network, width, dropout }: Pick<LotteryConfig, "network" | "width" | "dropout">,
  input: Extent,
  classes: number,
): NetworkSpec {
  return typeof network === "string"
    ? architecture(network, input, classes, { width, dropout })
    : varied({ ...network, input }, { width, dropout });
}

/** Which kinds of layers there are to prune, beside the output layer. */
function rolesOf(layers: readonly LayerSpec[]): { readonly conv: boolean; readonly dense: boolean } {
  const all = layers.slice(0, -1).flatMap((layer) =>
    layer.type === "residual" ? [...layer.branch, ...layer.shortcut] : [layer]
  );
  const has = (type: LayerSpec["type"]): boolean =>
    all.some((layer) => layer.type === type && !("prunable" in layer && layer.prunable === false));
  return { conv: has("conv"), dense: has("dense") };
}

/** A layer with everything said that may be left out, so that equal networks are equal as data. */
function explicit(layer: LayerSpec): LayerSpec {
  const say = <T extends LayerSpec>(own: T): T =>
    own.type === "conv"
      ? { size: 3, stride: 1, bias: true, prunable: true, ...own }
      : own.type === "dense"
      ? { prunable: true, ...own }
      : own;
  return layer.type === "residual"
    ? { ...layer, branch: layer.branch.map(say), shortcut: layer.shortcut.map(say) }
    : say(layer);
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
export async function shortHash(value: object): Promise<string> {
  const canonical = JSON.stringify(
    value,
    (_, own: unknown) =>
      typeof own === "object" && own !== null && !Array.isArray(own)
        ? Object.fromEntries(Object.entries(own).sort(([a], [b]) => a < b ? -1 : 1))
        : own,
  );
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical)));
  return digest.toHex().slice(0, 10);
}

function refuseWrongSchedule({ iterations, warmup, lrDrops, rewind }: LotteryConfig): void {
  if (warmup > iterations) {
    throw new RangeError(
      `--warmup is ${warmup}, more than the ${iterations} iterations of a training: use at most ${iterations}, or 0 for none.`,
    );
  }
  const wrong = lrDrops.find((drop, index) => drop >= iterations || drop <= (lrDrops[index - 1] ?? 0));
  if (wrong !== undefined) {
    throw new RangeError(
      `--lr-drops is ${legible(lrDrops.join(","))}, and ${wrong} ${
        wrong >= iterations ? `is not within the ${iterations} iterations of a training` : "does not ascend"
      }: give ascending iterations from 1 to ${iterations - 1}, or none.`,
    );
  }
  if (rewind >= iterations) {
    throw new RangeError(
      `--rewind is ${rewind}, and a training has ${iterations} iterations: use at most ${iterations - 1}, ` +
        "or 0 to reset to initialisation.",
    );
  }
}

function refuseWrongDensities({ densities, levels }: LotteryConfig): void {
  if (densities.length === 0) return;
  const given = `--densities is ${legible(densities.join(","))}`;
  const wrong = densities.find((density, index) => density >= (densities[index - 1] ?? 1));
  if (wrong !== undefined) {
    throw new RangeError(`${given}, and ${wrong} does not descend: give descending fractions of 1, or none.`);
  }
  if (levels > densities.length) {
    throw new RangeError(
      `${given}, and --levels is ${levels}: give a fraction for each level, or --levels ${densities.length} at most.`,
    );
  }
}

function refuseUnequalRates(config: LotteryConfig): void {
  const { scope, pruneConv, pruneDense } = config;
  if (scope !== "global" || pruneConv === 0 || pruneDense === 0 || pruneConv === pruneDense) return;
  const has = rolesOf(specOf(config, { channels: 1, height: 1, width: 1 }, 1).layers);
  if (!has.conv || !has.dense) return;
  throw new RangeError(
    `--prune-conv is ${pruneConv} and --prune-dense is ${pruneDense}, and with --scope global all pruned layers share one ` +
      "rate: make them equal, or one of them 0 to exempt its layers.",
  );
}

function explain(value: unknown, issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === "unrecognized_keys" && issue.path.length === 0) {
    return `There is no setting ${legible(issue.keys.map((own) => quoted(own)).join(", "), 200)}. The settings are ${
      settings.map(({ key }) => key).join(", ")
    }.`;
  }
  const key = String(issue?.path[0] ?? "");
  const setting = settings.find((candidate) => candidate.key === key);
  if (!setting) {
    return key === "preset"
      ? `There is no such preset. Choose one of ${presetNames.join(", ")}.`
      : "The configuration is not an object of settings. Give one as `--config FILE` holds it.";
  }
  const given: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  if (key === "network" && typeof given === "object" && given !== null) {
    return `The network of one's own is wrong: ${
      explainNetwork(customNetworkSchema.safeParse(given).error?.issues[0])
    }. ` +
      'Give it as {"name": …, "layers": […]}, each layer as docs/architecture.md describes it under Networks.';
  }
  const shown = given === undefined ? "missing" : quoted(given);
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
    // A network is a name or an object; a flag takes the name.
    const named = property.anyOf?.flatMap((own) => typeof own === "object" ? own.enum ?? [] : []);
    const choices = (property.enum ?? items?.enum ?? named ?? []).map(String);
    const kind = kindOf(property, items, choices);
    return [{
      key,
      flag: flagOf(key),
      description: property.description ?? "",
      kind,
      choices,
      wanted: wantedOf(kind, choices, items ?? property),
    }];
  });
}

function kindOf(
  { type }: z.core.JSONSchema.JSONSchema,
  items: z.core.JSONSchema.JSONSchema | undefined,
  choices: readonly string[],
): Setting["kind"] {
  if (items) return choices.length > 0 ? "list" : items.type === "integer" ? "integers" : "numbers";
  if (choices.length > 0) return "choice";
  return type === "boolean" ? "boolean" : type === "integer" ? "integer" : "number";
}

function wantedOf(kind: Setting["kind"], choices: readonly string[], range: z.core.JSONSchema.JSONSchema): string {
  if (kind === "list") return `none, or a list of ${choices.join(", ")}`;
  if (kind === "choice") return `one of ${choices.join(", ")}`;
  if (kind === "boolean") return "true or false";
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum, exclusiveMaximum } = range;
  if (kind === "integers") return `none, or a list of whole numbers from ${minimum} to ${maximum}`;
  const from = exclusiveMinimum === undefined ? `of at least ${minimum}` : `above ${exclusiveMinimum}`;
  const to = exclusiveMaximum === undefined ? `at most ${maximum}` : `below ${exclusiveMaximum}`;
  if (kind === "numbers") return `none, or a list of numbers ${from} and ${to}`;
  const isClosed = exclusiveMinimum === undefined && exclusiveMaximum === undefined;
  return `a ${kind === "integer" ? "whole " : ""}number ${
    isClosed ? `from ${minimum} to ${maximum}` : `${from} and ${to}`
  }`;
}

function isKey(key: string): key is keyof LotteryConfig {
  return Object.hasOwn(schema.shape, key);
}
