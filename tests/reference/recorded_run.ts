/**
 * Training steps that PyTorch recorded, in the layout of this project: dense weights `[I][O]`, the batch innermost.
 *
 * @module
 */
import { float32, int32, parseSafetensors, type StoredTensor } from "../../src/data/safetensors.ts";
import type { Batch, LayerTensors } from "../../src/reference/network.ts";

/** A recorded run of one network (R = 1). */
export interface RecordedRun {
  /** Values of an image, then units of each layer. */
  readonly sizes: number[];
  /** Adam's learning rate. */
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
}

interface Settings {
  readonly lr: number;
  readonly batchSize: number;
  readonly losses: number[];
  readonly accuracies: number[];
}

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
    const { shape: [rows = 0, columns = 0] } = tensor(key);
    return transposed(values(key), rows, columns);
  };
  const layers = ["dense1", "dense2", "dense3"];
  const parameters = (prefix: string): LayerTensors[] =>
    layers.map((layer) => ({ weight: matrix(`${prefix}.${layer}.weight`), bias: values(`${prefix}.${layer}.bias`) }));
  const [steps = 0, images = 0, pixels = 0] = tensor("inputs").shape;
  const inputs = values("inputs");
  const labels = values("labels");
  return {
    ...settings,
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
  };
}

/** `[rows][columns]` as `[columns][rows]`. */
function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  return values.map((_, index) => values[(index % rows) * columns + Math.floor(index / rows)] ?? NaN);
}
