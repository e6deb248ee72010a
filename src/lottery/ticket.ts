/**
 * Tickets and trained networks as files and as things to use: written and read as safetensors, trained, evaluated.
 *
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { DataOrder } from "../data/order.ts";
import { float32, formatSafetensors, parseSafetensors, storeTensor, uint8 } from "../data/safetensors.ts";
import type { Safetensors, StoredTensor } from "../data/safetensors.ts";
import { split } from "../data/split.ts";
import { Gpu } from "../gpu/gpu.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { Ensemble } from "../nn/ensemble.ts";
import type { Model } from "../nn/inference.ts";
import { packMask } from "../nn/mask.ts";
import { fromArena, type LayerValues, layOut, type NetworkSpec, toArena } from "../nn/network.ts";
import type { OptimizerSettings } from "../nn/optimizer.ts";
import type { TrainedNetwork } from "./types.ts";

/** A lottery ticket: a mask, and the values from which its survivors train. */
export interface Ticket {
  /** The architecture. */
  readonly network: NetworkSpec;
  /** Per layer `[inputs][outputs]`, 1 where a weight survives. */
  readonly masks: readonly Uint8Array<ArrayBuffer>[];
  /** Initial values per layer, dense; what the mask prunes is not used. */
  readonly initial: readonly LayerValues[];
  /** What the file says of it besides: arm, level, replicate, run, … */
  readonly metadata: Readonly<Record<string, string>>;
}

/** How to train a ticket. */
export interface TrainOptions {
  /** Optimizer steps. */
  readonly iterations: number;
  /** Images of one step; 60 when left out. */
  readonly batchSize?: number;
  /** Adam with a learning rate of 1.2e-3, as in the paper for LeNet, when left out. */
  readonly optimizer?: OptimizerSettings;
  /** Seed of the data order; 1 when left out. */
  readonly seed?: number;
  /** Train on from these values instead of the ticket's initial ones. */
  readonly from?: Model;
  /** An open device; one is opened and closed when left out. */
  readonly gpu?: Gpu;
}

const ticketFormat = "winnow-ticket";
const modelFormat = "winnow-model";
const formatVersion = "1";

/** The spec of a network that was trained: dense layers, ReLU after each but the last. */
export function specOf(network: Pick<TrainedNetwork, "layers">, name: string): NetworkSpec {
  return {
    name,
    inputs: network.layers[0]?.inputs ?? 0,
    layers: network.layers.map(({ outputs }, index, all) => ({
      type: "dense",
      units: outputs,
      activation: index < all.length - 1 ? "relu" : "none",
    })),
  };
}

/** The ticket of a network that `lottery()` trained. */
export function ticketOf(network: TrainedNetwork, name: string): Ticket {
  return {
    network: specOf(network, name),
    masks: network.layers.map(({ mask }) => mask),
    initial: network.layers.map(({ initial, initialBias }) => ({ weight: initial, bias: initialBias })),
    metadata: keyOf(network),
  };
}

/** What a network that `lottery()` trained has become. */
export function modelOf(network: TrainedNetwork, name: string): Model {
  return {
    network: specOf(network, name),
    layers: network.layers.map(({ final, finalBias }) => ({ weight: final, bias: finalBias })),
  };
}

/**
 * A ticket as a safetensors file: per layer `dense1.mask` (U8, `[inputs, outputs]`), `dense1.weight` and `dense1.bias` (F32,
 * initial values, dense).
 *
 * @param metadata what else to say of it, as strings
 */
export function formatTicket(ticket: Ticket, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  const tensors: Record<string, StoredTensor> = {};
  layOut(ticket.network).layers.forEach(({ name, inputs, outputs }, index) => {
    const mask = ticket.masks[index];
    if (mask) tensors[`${name}.mask`] = storeTensor([inputs, outputs], mask);
  });
  return formatSafetensors({ ...tensors, ...valueTensors(ticket.network, ticket.initial) }, {
    ...ticket.metadata,
    ...metadata,
    ...header(ticketFormat, ticket.network),
  });
}

/** A trained network as a safetensors file: per layer `dense1.weight` and `dense1.bias` (F32). */
export function formatModel(model: Model, metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  return formatSafetensors(valueTensors(model.network, model.layers), {
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
  const masks = layOut(network).layers.map((layer) => {
    const mask = uint8(tensorOf(file, `${layer.name}.mask`, [layer.inputs, layer.outputs], name));
    const wrong = mask.findIndex((value) => value > 1);
    if (wrong >= 0) {
      throw new SyntaxError(
        `Cannot read ${name}: ${layer.name}.mask holds ${mask[wrong]} at ${wrong}, and only 0 and 1 are allowed.`,
      );
    }
    return mask;
  });
  return { network, masks, initial: valuesOf(file, network, name), metadata: file.metadata };
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
  return { network, layers: valuesOf(file, network, name) };
}

/**
 * Trains a ticket: its survivors from their initial values, everything else at zero all along.
 *
 * @throws {RangeError} when images and network do not fit
 */
export async function train(ticket: Ticket, dataset: Dataset, options: TrainOptions): Promise<Model> {
  const layout = layOut(ticket.network);
  const pixels = dataset.channels * dataset.height * dataset.width;
  if (pixels !== ticket.network.inputs) {
    throw new RangeError(
      `Cannot train on ${dataset.name}: its images have ${pixels} values, and the network takes ${ticket.network.inputs}.`,
    );
  }
  const { iterations, batchSize = 60, optimizer = { type: "adam", lr: 1.2e-3 }, seed = 1 } = options;
  await using owned = new AsyncDisposableStack();
  const gpu = options.gpu ?? owned.use(await Gpu.open());
  using images = new DeviceExamples(gpu, "train", dataset, dataset.train);
  using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
  const parts = split(dataset.train.count, seed, { validationSize: 0 });
  using ensemble = await Ensemble.open(gpu, {
    layout,
    replicates: 1,
    batchSize,
    optimizer,
    iterations,
    train: images,
    test,
    splits: [parts],
  });
  ensemble.begin([{
    values: toArena(layout, options.from?.layers ?? ticket.initial),
    mask: packMask(layout, ticket.masks),
  }]);
  const order = new DataOrder(parts.train, batchSize, seed, { arm: 0, level: 0 });
  const perSubmit = 32;
  for (let done = 0; done < iterations; done += perSubmit) {
    ensemble.steps([order.next(Math.min(perSubmit, iterations - done))]);
    await gpu.done();
  }
  const [values] = await ensemble.parameters();
  return { network: ticket.network, layers: fromArena(layout, values ?? new Float32Array(layout.arena)) };
}

function keyOf({ arm, level, replicate, draw }: TrainedNetwork): Record<string, string> {
  return { arm, level: String(level), replicate: String(replicate), draw: String(draw) };
}

function header(format: string, network: NetworkSpec): Record<string, string> {
  return { format, version: formatVersion, network: JSON.stringify(network) };
}

function valueTensors(network: NetworkSpec, values: readonly LayerValues[]): Record<string, StoredTensor> {
  const tensors: Record<string, StoredTensor> = {};
  layOut(network).layers.forEach(({ name, inputs, outputs }, index) => {
    const own = values[index];
    if (!own) {
      throw new RangeError(`Cannot write ${network.name}: there are no values for ${name}. Give one entry per layer.`);
    }
    tensors[`${name}.weight`] = storeTensor([inputs, outputs], own.weight);
    tensors[`${name}.bias`] = storeTensor([outputs], own.bias);
  });
  return tensors;
}

function valuesOf(file: Safetensors, network: NetworkSpec, name: string): LayerValues[] {
  return layOut(network).layers.map((layer) => ({
    weight: float32(tensorOf(file, `${layer.name}.weight`, [layer.inputs, layer.outputs], name)),
    bias: float32(tensorOf(file, `${layer.name}.bias`, [layer.outputs], name)),
  }));
}

function tensorOf(file: Safetensors, tensor: string, shape: readonly number[], name: string): StoredTensor {
  const found = file.tensors.get(tensor);
  if (!found || found.shape.length !== shape.length || found.shape.some((size, index) => size !== shape[index])) {
    throw new SyntaxError(
      `Cannot read ${name}: ${tensor} is ${found ? `[${found.shape.join(", ")}]` : "missing"}, and [${
        shape.join(", ")
      }] is wanted.`,
    );
  }
  return found;
}

function networkOf(file: Safetensors, format: string, name: string): NetworkSpec {
  const { format: found, version, network } = file.metadata;
  if (found !== format || version !== formatVersion || network === undefined) {
    throw new SyntaxError(
      `Cannot read ${name}: it says format "${found ?? ""}" version "${
        version ?? ""
      }", and "${format}" version "${formatVersion}" ` +
        "with a network is wanted. Tickets are under tickets/ of a run, trained networks under finals/.",
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(network);
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${name}: its network is not JSON.`, { cause });
  }
  if (!isNetworkSpec(parsed)) {
    throw new SyntaxError(`Cannot read ${name}: its network is not one that this version knows: ${network}`);
  }
  return parsed;
}

function isNetworkSpec(value: unknown): value is NetworkSpec {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string" &&
    "inputs" in value && isCount(value.inputs) && "layers" in value && Array.isArray(value.layers) &&
    value.layers.length > 0 && value.layers.every(isDenseSpec);
}

function isDenseSpec(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === "dense" &&
    "units" in value && isCount(value.units) && "activation" in value &&
    (value.activation === "relu" || value.activation === "none");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}
