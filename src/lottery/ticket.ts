/**
 * Tickets and trained networks as files and as things to use: written and read as safetensors, trained, evaluated.
 *
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { normalizationOf } from "../data/normalization.ts";
import { DataOrder } from "../data/order.ts";
import { RandomStream } from "../data/random.ts";
import { legible, quoted } from "../data/quoted.ts";
import { float32, formatSafetensors, parseSafetensors, storeTensor, uint8 } from "../data/safetensors.ts";
import type { Dtype, Safetensors, StoredTensor } from "../data/safetensors.ts";
import { split } from "../data/split.ts";
import { Gpu } from "../gpu/gpu.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { Ensemble } from "../nn/ensemble.ts";
import type { Model } from "../nn/inference.ts";
import { packMask } from "../nn/mask.ts";
import {
  type Extent,
  fromArena,
  type LayerLayout,
  type LayerValues,
  layOut,
  type NetworkLayout,
  type NetworkSpec,
  normsFromArena,
  type NormValues,
  toArena,
} from "../nn/network.ts";
import type { OptimizerSettings } from "../nn/optimizer.ts";
import { parseNetwork } from "./network_schema.ts";
import type { TrainedNetwork } from "./types.ts";

/** Values that a training starts from. */
export interface RewindValues {
  /** Per layer, dense; what the mask prunes is not used. */
  readonly layers: readonly LayerValues[];
  /** Per batch norm, running statistics included. */
  readonly norms: readonly NormValues[];
}

/** A lottery ticket: a mask, and the values from which its survivors train. */
export interface Ticket {
  /** The architecture. */
  readonly network: NetworkSpec;
  /** Per layer `[inputs][outputs]`, 1 where a weight survives. */
  readonly masks: readonly Uint8Array<ArrayBuffer>[];
  /** Initial values per layer, dense; what the mask prunes is not used. Batch norms begin as γ = 1, β = 0, mean 0, variance 1. */
  readonly initial: readonly LayerValues[];
  /** The iteration at which its training starts; 0 when left out. */
  readonly firstIteration?: number;
  /** For a rewound ticket: what it starts from instead of the initial values. */
  readonly rewind?: RewindValues;
  /** What the file says of it besides: arm, level, replicate, run, … */
  readonly metadata: Readonly<Record<string, string>>;
}

/** How to train a ticket. */
export interface TrainOptions {
  /** The iteration at which training ends: as many optimizer steps, less where the ticket's {@linkcode Ticket.firstIteration} is not 0. */
  readonly iterations: number;
  /** Images of one step; 60 when left out. */
  readonly batchSize?: number;
  /** Adam with a learning rate of 1.2e-3, as in the paper for LeNet, when left out. */
  readonly optimizer?: OptimizerSettings;
  /** Whether to flip and shift every image at random, as the paper does for ResNet-18 and VGG-19; false when left out. */
  readonly augment?: boolean;
  /** Seed of the data order, of augmentation and of dropout; 1 when left out. */
  readonly seed?: number;
  /** Train on from these values, from iteration 0, instead of the ticket's own. */
  readonly from?: Model;
  /** An open device; one is opened and closed when left out. */
  readonly gpu?: Gpu;
}

const ticketFormat = "winnow-ticket";
const modelFormat = "winnow-model";
const formatVersion = "2";

/** The ticket of a network that `lottery()` trained. */
export function ticketOf(network: TrainedNetwork): Ticket {
  const { layers, norms, firstIteration } = network;
  const rewound = layers.flatMap(({ rewind }) => rewind ? [rewind] : []);
  return {
    network: network.network,
    masks: layers.map(({ mask }) => mask),
    initial: layers.map(({ initial, initialBias }) => ({ weight: initial, bias: initialBias })),
    ...(firstIteration > 0 ? { firstIteration } : {}),
    ...(rewound.length > 0
      ? { rewind: { layers: rewound, norms: norms.flatMap(({ rewind }) => rewind ? [rewind] : []) } }
      : {}),
    metadata: keyOf(network),
  };
}

/** What a network that `lottery()` trained has become. */
export function modelOf({ network, layers, norms, normalization }: TrainedNetwork): Model {
  return {
    network,
    layers: layers.map(({ final, finalBias }) => ({ weight: final, bias: finalBias })),
    ...(norms.length > 0 ? { norms: norms.map(({ final }) => final) } : {}),
    normalization,
  };
}

/**
 * A ticket as a safetensors file. Per layer with weights `dense1.mask` (U8), `dense1.weight` and, where it has one,
 * `dense1.bias` (F32, initial values, dense); weights and masks of a dense layer are `[inputs, outputs]`, of a convolution
 * `[C, ky, kx, K]`. A rewound ticket has `dense1.rewind.weight`, `dense1.rewind.bias` and, per batch norm,
 * `norm1.rewind.scale`, `.shift`, `.mean` and `.variance` besides. The metadata hold the network as JSON, and
 * `firstIteration`, at which training starts.
 *
 * @param metadata what else to say of it, as strings
 */
export function formatTicket(ticket: Ticket, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  const layout = layOut(ticket.network);
  const tensors: Record<string, StoredTensor> = {};
  layout.layers.forEach((layer, index) => {
    const mask = ticket.masks[index];
    if (mask) tensors[`${layer.name}.mask`] = storeTensor(shapeOf(layer), mask);
  });
  const { initial, rewind, firstIteration = 0 } = ticket;
  return formatSafetensors({
    ...tensors,
    ...layerTensors(layout, initial),
    ...(rewind
      ? { ...layerTensors(layout, rewind.layers, ".rewind"), ...normTensors(layout, rewind.norms, ".rewind") }
      : {}),
  }, {
    ...ticket.metadata,
    ...metadata,
    firstIteration: String(firstIteration),
    ...header(ticketFormat, ticket.network),
  });
}

/**
 * A trained network as a safetensors file: per layer `dense1.weight` and `dense1.bias`, per batch norm `norm1.scale`, `.shift`,
 * `.mean` and `.variance`, and `normalization` `[channels, 2]`, all F32; shapes as in {@linkcode formatTicket}.
 */
export function formatModel(model: Model, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  const layout = layOut(model.network);
  const { norms = [], normalization } = model;
  return formatSafetensors({
    ...layerTensors(layout, model.layers),
    ...normTensors(layout, norms),
    ...(normalization
      ? { normalization: storeTensor([model.network.input.channels, 2], Float32Array.from(normalization)) }
      : {}),
  }, {
    ...metadata,
    ...header(modelFormat, model.network),
  });
}

/**
 * Reads a ticket.
 *
 * @param bytes a file from a run's `tickets` folder, or what {@linkcode formatTicket} gave
 * @param name the file's name, for errors
 * @throws {SyntaxError} when it is not a ticket, or damaged
 */
export function loadTicket(bytes: Uint8Array<ArrayBuffer>, name = "ticket"): Ticket {
  const file = parseSafetensors(bytes, name);
  const network = networkOf(file, ticketFormat, name);
  const layout = layOut(network);
  const masks = layout.layers.map((layer) => {
    const mask = uint8(tensorOf(file, `${layer.name}.mask`, "U8", shapeOf(layer), name));
    const wrong = mask.findIndex((value) => value > 1);
    if (wrong >= 0) {
      throw new SyntaxError(
        `Cannot read ${name}: ${layer.name}.mask holds ${mask[wrong]} at ${wrong}, and only 0 and 1 are allowed.`,
      );
    }
    return mask;
  });
  const { firstIteration: first = "0" } = file.metadata;
  if (!/^\d{1,9}$/.test(first)) {
    throw new SyntaxError(`Cannot read ${name}: its firstIteration is ${quoted(first)}, and a whole number is wanted.`);
  }
  const isRewound = [...file.tensors.keys()].some((tensor) => tensor.includes(".rewind."));
  return {
    network,
    masks,
    initial: layersOf(file, layout, name),
    ...(Number(first) > 0 ? { firstIteration: Number(first) } : {}),
    ...(isRewound
      ? { rewind: { layers: layersOf(file, layout, name, ".rewind"), norms: normsOf(file, layout, name, ".rewind") } }
      : {}),
    metadata: file.metadata,
  };
}

/**
 * Reads a trained network.
 *
 * @param bytes a file from a run's `finals` folder, or what {@linkcode formatModel} gave
 * @param name the file's name, for errors
 * @throws {SyntaxError} when it is not a trained network, or damaged
 */
export function loadModel(bytes: Uint8Array<ArrayBuffer>, name = "model"): Model {
  const file = parseSafetensors(bytes, name);
  const network = networkOf(file, modelFormat, name);
  const layout = layOut(network);
  return {
    network,
    layers: layersOf(file, layout, name),
    ...(layout.norms.length > 0 ? { norms: normsOf(file, layout, name) } : {}),
    ...(file.tensors.has("normalization")
      ? { normalization: float32(tensorOf(file, "normalization", "F32", [network.input.channels, 2], name)) }
      : {}),
  };
}

/**
 * Trains a ticket: its survivors from their initial values, or from those they are rewound to; everything else at zero all
 * along.
 *
 * @throws {RangeError} when images and network do not fit, or the end is not after the ticket's first iteration
 */
export async function train(ticket: Ticket, dataset: Dataset, options: TrainOptions): Promise<Model> {
  const layout = layOut(ticket.network);
  const { input } = ticket.network;
  if (describe(dataset) !== describe(input)) {
    throw new RangeError(
      `Cannot train on ${dataset.name}: its images are ${describe(dataset)}, and the network takes ${describe(input)}.`,
    );
  }
  const { iterations, batchSize = 60, optimizer = { type: "adam", lr: 1.2e-3 }, seed = 1, augment = false, from } =
    options;
  const firstIteration = from ? 0 : ticket.firstIteration ?? 0;
  if (iterations <= firstIteration) {
    throw new RangeError(
      `Cannot train for ${iterations} iterations: this ticket starts at iteration ${firstIteration}. Give a later end.`,
    );
  }
  await using owned = new AsyncDisposableStack();
  const gpu = options.gpu ?? owned.use(await Gpu.open());
  using images = new DeviceExamples(gpu, "train", dataset, dataset.train);
  using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
  const parts = split(dataset.train.count, seed, { validationSize: 0 });
  const normalization = normalizationOf(dataset, parts.train);
  const random = new RandomStream(seed, "dropout");
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates: 1,
    batchSize,
    optimizer,
    iterations,
    firstIteration,
    train: images,
    test,
    splits: [parts],
    normalization: [normalization],
    dropoutKeys: [Uint32Array.of(random.uint32(), random.uint32())],
    augment,
  });
  const start: Pick<Model, "layers" | "norms"> = from ?? ticket.rewind ?? { layers: ticket.initial };
  ensemble.begin([{
    values: toArena(layout, start.layers, start.norms),
    mask: packMask(layout, ticket.masks),
  }]);
  const order = new DataOrder(parts.train, batchSize, seed, { arm: 0, level: 0 }, { augment });
  const perSubmit = 32;
  for (let done = firstIteration; done < iterations; done += perSubmit) {
    ensemble.steps([order.next(Math.min(perSubmit, iterations - done))]);
    await gpu.done();
  }
  const [values = new Float32Array(layout.arena)] = await ensemble.parameters();
  return {
    network: ticket.network,
    layers: fromArena(layout, values),
    ...(layout.norms.length > 0 ? { norms: normsFromArena(layout, values) } : {}),
    normalization,
  };
}

function keyOf({ arm, level, replicate, draw }: TrainedNetwork): Record<string, string> {
  return { arm, level: String(level), replicate: String(replicate), draw: String(draw) };
}

function header(format: string, network: NetworkSpec): Record<string, string> {
  return { format, version: formatVersion, network: JSON.stringify(network) };
}

/** A layer's weights in a file: what the `[inputs][outputs]` of the arena are. */
function shapeOf({ type, inputs, outputs, input, size }: LayerLayout): number[] {
  return type === "conv" ? [input.channels, size, size, outputs] : [inputs, outputs];
}

function layerTensors(
  layout: NetworkLayout,
  values: readonly LayerValues[],
  part = "",
): Record<string, StoredTensor> {
  const tensors: Record<string, StoredTensor> = {};
  layout.layers.forEach((layer, index) => {
    const own = values[index] ?? missing(layout, layer.name);
    tensors[`${layer.name}${part}.weight`] = storeTensor(shapeOf(layer), own.weight);
    if (layer.hasBias) tensors[`${layer.name}${part}.bias`] = storeTensor([layer.outputs], own.bias);
  });
  return tensors;
}

const normParts = ["scale", "shift", "mean", "variance"] as const;

function normTensors(layout: NetworkLayout, values: readonly NormValues[], part = ""): Record<string, StoredTensor> {
  const tensors: Record<string, StoredTensor> = {};
  layout.norms.forEach(({ name, extent }, index) => {
    const own = values[index] ?? missing(layout, name);
    for (const of of normParts) tensors[`${name}${part}.${of}`] = storeTensor([extent.channels], own[of]);
  });
  return tensors;
}

function layersOf(file: Safetensors, layout: NetworkLayout, name: string, part = ""): LayerValues[] {
  return layout.layers.map((layer) => ({
    weight: float32(tensorOf(file, `${layer.name}${part}.weight`, "F32", shapeOf(layer), name)),
    bias: layer.hasBias
      ? float32(tensorOf(file, `${layer.name}${part}.bias`, "F32", [layer.outputs], name))
      : new Float32Array(layer.outputs),
  }));
}

function normsOf(file: Safetensors, layout: NetworkLayout, name: string, part = ""): NormValues[] {
  return layout.norms.map((norm) => {
    const read = (of: (typeof normParts)[number]): Float32Array<ArrayBuffer> =>
      float32(tensorOf(file, `${norm.name}${part}.${of}`, "F32", [norm.extent.channels], name));
    return { scale: read("scale"), shift: read("shift"), mean: read("mean"), variance: read("variance") };
  });
}

function missing({ spec }: NetworkLayout, name: string): never {
  throw new RangeError(`Cannot write ${spec.name}: there are no values for ${name}. Give one entry per layer.`);
}

function describe({ channels, height, width }: Extent): string {
  return `${channels} × ${height} × ${width}`;
}

function tensorOf(
  file: Safetensors,
  tensor: string,
  dtype: Dtype,
  shape: readonly number[],
  name: string,
): StoredTensor {
  const found = file.tensors.get(tensor);
  const isRight = found?.dtype === dtype && found.shape.length === shape.length &&
    found.shape.every((size, index) => size === shape[index]);
  if (!isRight) {
    throw new SyntaxError(
      `Cannot read ${name}: ${tensor} is ${
        found ? `${found.dtype} [${legible(found.shape.join(", "))}]` : "missing"
      }, and ${dtype} [${shape.join(", ")}] is wanted.`,
    );
  }
  return found;
}

function networkOf(file: Safetensors, format: string, name: string): NetworkSpec {
  const { format: found, version, network } = file.metadata;
  if (found !== format || version !== formatVersion || network === undefined) {
    throw new SyntaxError(
      `Cannot read ${name}: it says format ${quoted(found ?? "")} version ${
        quoted(version ?? "")
      }, and "${format}" version "${formatVersion}" ` +
        "with a network is wanted. Tickets are under tickets/ of a run, trained networks under finals/.",
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(network);
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${name}: its network is not JSON.`, { cause });
  }
  try {
    return parseNetwork(parsed);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyntaxError(
      `Cannot read ${name}: its network is not one that this version knows (${legible(reason, 300)}).`,
      {
        cause,
      },
    );
  }
}
