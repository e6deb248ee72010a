/**
 * Using a network: logits for images, predictions, loss and accuracy.
 *
 * @module
 */
import type { Examples } from "../data/dataset.ts";
import { Gpu } from "../gpu/gpu.ts";
import { DeviceExamples, gatherBatch } from "./batches.ts";
import { forward } from "./dense.ts";
import { type LayerValues, layOut, type NetworkSpec, roundUp, toArena } from "./network.ts";
import { stateWords } from "./state.ts";

/** A network with values: what can predict. */
export interface Model {
  /** The architecture. */
  readonly network: NetworkSpec;
  /** Weights `[inputs][outputs]` and bias `[outputs]` per layer. */
  readonly layers: readonly LayerValues[];
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

/** Images of one launch. */
const chunk = 1000;

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
  const pixels = model.network.inputs;
  const count = images.length / pixels;
  if (!Number.isInteger(count)) {
    throw new RangeError(
      `Cannot predict from ${images.length} bytes: whole images of ${pixels} bytes each are wanted.`,
    );
  }
  const classes = layout.layers.at(-1)?.outputs ?? 0;
  const result = new Float32Array(count * classes);
  if (count === 0) return result;
  await using owned = new AsyncDisposableStack();
  const gpu = options.gpu ?? owned.use(await Gpu.open());
  const batch = roundUp(Math.min(chunk, count), 8);
  const examples = owned.use(
    new DeviceExamples(gpu, "images", { channels: 1, height: 1, width: pixels }, {
      images,
      labels: new Uint8Array(count),
      count,
    }),
  );
  const parameters = owned.use(gpu.upload("parameters", toArena(layout, model.layers)));
  const indices = owned.use(gpu.upload("indices", Uint32Array.from({ length: count }, (_, index) => index)));
  const state = owned.use(gpu.buffer("state", stateWords * 4));
  const labels = owned.use(gpu.buffer("labels", batch * 4));
  const widths = [pixels, ...layout.layers.map(({ outputs }) => outputs)];
  const activations = widths.map((rows, index) =>
    owned.use(gpu.buffer(`activation ${index}`, roundUp(rows, 4) * batch * 4))
  );
  for (let start = 0; start < count; start += chunk) {
    const valid = Math.min(chunk, count - start);
    const shape = { replicates: 1, images: valid, batch: roundUp(valid, 8), start, indexStride: 0 };
    using program = await gpu.record("predict", [
      gatherBatch(shape, examples, { indices, state, output: at(activations, 0), labels }),
      ...layout.layers.map((layer, index) =>
        forward({ layout, layer, replicates: 1, batch: shape.batch }, {
          parameters,
          input: at(activations, index),
          output: at(activations, index + 1),
        })
      ),
    ]);
    gpu.submit(program);
    const [bytes] = await gpu.read([
      { buffer: at(activations, layout.layers.length), bytes: classes * shape.batch * 4 },
    ]);
    const columns = new Float32Array(bytes ?? new ArrayBuffer(0));
    for (let image = 0; image < valid; image++) {
      for (let o = 0; o < classes; o++) result[(start + image) * classes + o] = columns[o * shape.batch + image] ?? NaN;
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
  const classes = model.network.layers.at(-1)?.units ?? 1;
  return Uint8Array.from({ length: scores.length / classes }, (_, image) => {
    return argmax(scores.subarray(image * classes, (image + 1) * classes));
  });
}

/** Loss and accuracy on examples, summed in float64. */
export async function evaluate(model: Model, examples: Examples, options: InferenceOptions = {}): Promise<Score> {
  const scores = await logits(model, examples.images, options);
  const classes = model.network.layers.at(-1)?.units ?? 1;
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
