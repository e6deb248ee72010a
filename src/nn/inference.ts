/**
 * Using a network: logits for images, predictions, loss and accuracy.
 *
 * @module
 */
import type { Examples } from "../data/dataset.ts";
import type { Buffer } from "../gpu/buffer.ts";
import { Gpu } from "../gpu/gpu.ts";
import { place } from "./activations.ts";
import { unitRange } from "../data/normalization.ts";
import { DeviceExamples, gatherBatch } from "./batches.ts";
import { evaluationImages, evaluationLifetimes, forwardPass, lanes, partialWords } from "./graph.ts";
import {
  classesOf,
  type LayerValues,
  layOut,
  type NetworkSpec,
  type NormValues,
  roundUp,
  sizeOf,
  toArena,
} from "./network.ts";
import { planOf } from "./plan.ts";
import { stateWords } from "./state.ts";

/** A network with values: what can predict. */
export interface Model {
  /** The architecture. */
  readonly network: NetworkSpec;
  /** Weights `[inputs][outputs]` and bias `[outputs]` per layer. */
  readonly layers: readonly LayerValues[];
  /** Parameters and running statistics per batch norm, where the network has any. */
  readonly norms?: readonly NormValues[];
  /** (scale, shift) of each channel for byte values; bytes become [0, 1] when left out. */
  readonly normalization?: Float32Array;
}

/** How well a model does on examples. */
export interface Score {
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /** Fraction of images whose largest logit is the label's. */
  readonly accuracy: number;
}

/** Where to compute. */
export interface InferenceOptions {
  /** An open device; one is opened and closed when left out. */
  readonly gpu?: Gpu;
}

/**
 * The logits of images.
 *
 * @param images bytes, `[count][inputs]`
 * @returns `[count][classes]`
 * @throws {RangeError} when the bytes are not whole images
 */
export async function logits(
  model: Model,
  images: Uint8Array<ArrayBuffer>,
  options: InferenceOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  const layout = layOut(model.network);
  const { input } = model.network;
  const pixels = sizeOf(input);
  const count = images.length / pixels;
  if (!Number.isInteger(count)) {
    throw new RangeError(
      `Cannot predict from ${images.length} bytes: whole images of ${pixels} bytes each are wanted.`,
    );
  }
  const classes = classesOf(layout);
  const result = new Float32Array(count * classes);
  if (count === 0) return result;
  await using owned = new AsyncDisposableStack();
  const gpu = options.gpu ?? owned.use(await Gpu.open());
  const chunk = evaluationImages({ layout, replicates: 1 }, count);
  const examples = owned.use(
    new DeviceExamples(gpu, "images", input, { images, labels: new Uint8Array(count), count }),
  );
  const parameters = owned.use(gpu.upload("parameters", toArena(layout, model.layers, model.norms)));
  const indices = owned.use(gpu.upload("indices", Uint32Array.from({ length: count }, (_, index) => index)));
  const normalization = owned.use(
    gpu.upload("normalization", Float32Array.from(model.normalization ?? unitRange(input.channels))),
  );
  const state = owned.use(gpu.buffer("state", stateWords * 4));
  const labels = owned.use(gpu.buffer("labels", chunk * 4));
  const shape = { layout, replicates: 1, images: chunk, plan: planOf(layout, [], gpu.adapter.kind) };
  const partials = owned.use(gpu.buffer("partial sums", partialWords(shape) * 4));
  const { places, placeOf } = place(evaluationLifetimes(shape));
  const activations = places.map((words, index) => owned.use(gpu.buffer(`activations ${index + 1}`, words * 4)));
  const activation = (tensor: number): Buffer => at(activations, placeOf.get(`evaluation ${tensor}`) ?? -1);
  for (let start = 0; start < count; start += chunk) {
    const valid = Math.min(chunk, count - start);
    const batch = roundUp(valid, lanes);
    using program = await gpu.record("predict", [
      ...gatherBatch({ replicates: 1, images: valid, batch, start, indexStride: 0 }, examples, {
        indices,
        normalization,
        state,
        output: activation(0),
        labels,
      }),
      ...forwardPass({ ...shape, images: valid }, { parameters, activation, partials }),
    ]);
    gpu.submit(program);
    const [bytes] = await gpu.read([{ buffer: activation(layout.tensors.length - 1), bytes: classes * batch * 4 }]);
    const columns = new Float32Array(bytes ?? new ArrayBuffer(0));
    for (let image = 0; image < valid; image++) {
      for (let o = 0; o < classes; o++) result[(start + image) * classes + o] = columns[o * batch + image] ?? NaN;
    }
  }
  return result;
}

/**
 * The class of each image: the first of the largest logits.
 *
 * @param images bytes, `[count][inputs]`
 */
export async function predict(
  model: Model,
  images: Uint8Array<ArrayBuffer>,
  options: InferenceOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const scores = await logits(model, images, options);
  const classes = classesOf(layOut(model.network));
  return Uint8Array.from({ length: scores.length / classes }, (_, image) => {
    return argmax(scores.subarray(image * classes, (image + 1) * classes));
  });
}

/** Loss and accuracy on examples, summed in float64. */
export async function evaluate(model: Model, examples: Examples, options: InferenceOptions = {}): Promise<Score> {
  const scores = await logits(model, examples.images, options);
  const classes = classesOf(layOut(model.network));
  let loss = 0;
  let correct = 0;
  for (let image = 0; image < examples.count; image++) {
    const own = scores.subarray(image * classes, (image + 1) * classes);
    const label = examples.labels[image] ?? 0;
    const largest = Math.max(...own);
    loss += Math.log(own.reduce((sum, logit) => sum + Math.exp(logit - largest), 0)) - ((own[label] ?? NaN) - largest);
    if (argmax(own) === label) correct++;
  }
  return { loss: loss / examples.count, accuracy: correct / examples.count };
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] ?? -Infinity) > (values[best] ?? -Infinity)) best = index;
  }
  return best;
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new Error(`unreachable: index ${index} of ${list.length}`);
  return value;
}
