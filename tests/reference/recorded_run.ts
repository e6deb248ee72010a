/**
 * Training steps that PyTorch recorded, in the layout of this project: weights `[I][O]`, for a convolution
 * `[C][ky][kx][K]`, the batch innermost.
 *
 * @module
 */
import { float32, int32, parseSafetensors, type StoredTensor } from "../../src/data/safetensors.ts";
import { flat, layOut, type NetworkSpec, sizeOf } from "../../src/nn/network.ts";
import type { OptimizerSettings } from "../../src/nn/optimizer.ts";
import type { Batch, LayerTensors } from "../../src/reference/network.ts";

/** A recorded run of one network (R = 1). */
export interface RecordedRun {
  /** The network. */
  readonly network: NetworkSpec;
  /** Values of an image, then outputs of each layer. */
  readonly sizes: number[];
  /** How it was trained. */
  readonly optimizer: OptimizerSettings;
  /** Learning rate. */
  readonly lr: number;
  /** Images per step. */
  readonly batchSize: number;
  /** Where the weights start, before the mask. */
  readonly initial: LayerTensors[];
  /** Per layer, of 0 and 1. */
  readonly masks: Uint8Array<ArrayBuffer>[];
  /** What each step trains on. */
  readonly batches: Batch[];
  /** Of the first step, `[O][N]`. */
  readonly firstLogits: Float64Array;
  /** Of the first step. */
  readonly firstGradients: LayerTensors[];
  /** Mean loss of every step, in nats. */
  readonly losses: number[];
  /** Fraction of correct predictions at every step. */
  readonly accuracies: number[];
  /** Where the weights end. */
  readonly final: LayerTensors[];
  /** Scale and shift of the batch norm, where there is one: at first, their gradients at the first step, and at the end. */
  readonly norm?: Readonly<Record<"initial" | "gradient" | "final", { scale: Float64Array; shift: Float64Array }>>;
}

interface Settings {
  readonly network: keyof typeof networks;
  readonly optimizer: "adam" | "sgd";
  readonly lr: number;
  readonly momentum: number | null;
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly losses: number[];
  readonly accuracies: number[];
}

/** What the recording script built, by the name that it gave. */
const networks: Readonly<Record<"lenet" | "conv" | "bn", Omit<NetworkSpec, "name">>> = {
  lenet: {
    input: flat(61),
    layers: [
      { type: "dense", units: 37, activation: "relu" },
      { type: "dense", units: 19, activation: "relu" },
      { type: "dense", units: 10, activation: "none" },
    ],
  },
  conv: {
    input: { channels: 3, height: 12, width: 12 },
    layers: [
      { type: "conv", channels: 7, activation: "relu" },
      { type: "conv", channels: 7, activation: "relu" },
      { type: "max-pool" },
      { type: "dense", units: 13, activation: "relu" },
      { type: "dense", units: 10, activation: "none" },
    ],
  },
  bn: {
    input: { channels: 3, height: 10, width: 10 },
    layers: [
      { type: "conv", channels: 6, activation: "relu" },
      { type: "conv", channels: 6, activation: "relu" },
      { type: "max-pool" },
      { type: "batch-norm", activation: "relu" },
      { type: "global-average-pool" },
      { type: "dense", units: 10, activation: "none" },
    ],
  },
};

/** Reads a run from `tests/fixtures`. */
export function readRecordedRun(name: string): RecordedRun {
  const file = (ending: string): URL => new URL(`../fixtures/${name}.${ending}`, import.meta.url);
  const settings: Settings = JSON.parse(Deno.readTextFileSync(file("json")));
  const { tensors } = parseSafetensors(Deno.readFileSync(file("safetensors")), `${name}.safetensors`);
  const tensor = (key: string): StoredTensor => {
    const found = tensors.get(key);
    if (!found) throw new Error(`${name} has no tensor ${key}.`);
    return found;
  };
  const values = (key: string): Float64Array => {
    const stored = tensor(key);
    return Float64Array.from(stored.dtype === "I32" ? int32(stored) : float32(stored));
  };
  const matrix = (key: string): Float64Array => {
    const { shape: [rows = 0, ...rest] } = tensor(key);
    return transposed(values(key), rows, rest.reduce((product, size) => product * size, 1));
  };
  const network = { name, ...networks[settings.network] };
  const layers = layOut(network).layers.map((layer) => layer.name);
  const parameters = (prefix: string): LayerTensors[] =>
    layers.map((layer) => ({ weight: matrix(`${prefix}.${layer}.weight`), bias: values(`${prefix}.${layer}.bias`) }));
  const affine = (prefix: string): { scale: Float64Array; shift: Float64Array } => ({
    scale: values(`${prefix}.bn.weight`),
    shift: values(`${prefix}.bn.bias`),
  });
  const [steps = 0, images = 0] = tensor("inputs").shape;
  const pixels = sizeOf(network.input);
  const { lr, momentum, weightDecay } = settings;
  const inputs = values("inputs");
  const labels = values("labels");
  return {
    ...settings,
    network,
    optimizer: settings.optimizer === "adam"
      ? { type: "adam", lr, weightDecay }
      : { type: "sgd", lr, momentum: momentum ?? 0, weightDecay },
    sizes: [pixels, ...layers.map((layer) => tensor(`initial.${layer}.bias`).shape[0] ?? 0)],
    initial: parameters("initial"),
    masks: layers.map((layer) => Uint8Array.from(matrix(`mask.${layer}.weight`))),
    batches: Array.from({ length: steps }, (_, step) => ({
      images,
      input: transposed(inputs.subarray(step * images * pixels, (step + 1) * images * pixels), images, pixels),
      labels: labels.subarray(step * images, (step + 1) * images),
    })),
    firstLogits: matrix("logits.0"),
    firstGradients: parameters("grad.0"),
    final: parameters("final"),
    ...(tensors.has("initial.bn.weight")
      ? { norm: { initial: affine("initial"), gradient: affine("grad.0"), final: affine("final") } }
      : {}),
  };
}

/** `[rows][columns]` as `[columns][rows]`. */
function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  return values.map((_, index) => values[(index % rows) * columns + Math.floor(index / rows)] ?? NaN);
}
