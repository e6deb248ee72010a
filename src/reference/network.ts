/**
 * A multilayer perceptron assembled from the reference kernels: forward, backward, one training step.
 *
 * @module
 */
import { adam, type AdamConstants, type AdamState } from "./adam.ts";
import { denseForward } from "./dense_forward.ts";
import { denseInputGradient } from "./dense_input_gradient.ts";
import { denseWeightGradient } from "./dense_weight_gradient.ts";
import { sgd } from "./sgd.ts";
import { softmaxCrossEntropy } from "./softmax_cross_entropy.ts";
import { adamScalars } from "./step_scalars.ts";
import type { DenseShape } from "./tensor.ts";

/** Shape of a multilayer perceptron: ReLU after every layer but the last. */
export interface Perceptron {
  /** Networks side by side. */
  readonly replicates: number;
  /** Values of an image, then units of each layer: [784, 300, 100, 10] is LeNet-300-100. */
  readonly sizes: readonly number[];
}

/** Values of one layer: parameters, gradients or moments. */
export interface LayerTensors {
  /** `[R][I][O]`. */
  readonly weight: Float64Array;
  /** `[R][O]`. */
  readonly bias: Float64Array;
}

/** A batch. */
export interface Batch {
  /** How many. */
  readonly images: number;
  /** `[R][I][N]`. */
  readonly input: Float64Array;
  /** `[R][N]`. */
  readonly labels: ArrayLike<number>;
}

/** What backward gives. */
export interface Backward {
  /** Of the last layer, `[R][O][N]`. */
  readonly logits: Float64Array;
  /** In nats, per image `[R][N]`. */
  readonly losses: Float64Array;
  /** 1 where the prediction is right, `[R][N]`. */
  readonly correct: Uint32Array;
  /** Of the mean loss, per layer. */
  readonly gradients: LayerTensors[];
}

/** A network in training. */
export interface PerceptronState {
  /** Per layer. */
  readonly parameters: readonly LayerTensors[];
  /** Per layer; Adam's running mean of the gradient, or SGD's velocity. */
  readonly firstMoments: readonly LayerTensors[];
  /** Per layer; stays zero with SGD. */
  readonly secondMoments: readonly LayerTensors[];
  /** Steps done. */
  readonly steps: number;
}

/** How a step updates. */
export type ReferenceOptimizer =
  | { readonly type: "adam"; readonly lr: number } & AdamConstants
  | { readonly type: "sgd"; readonly lr: number; readonly momentum?: number; readonly weightDecay?: number };

/**
 * Forward: the output of every layer `[R][O][N]`, the last one being the logits.
 *
 * @throws {RangeError} when a tensor does not fit
 */
export function forward(
  network: Perceptron,
  parameters: readonly LayerTensors[],
  batch: Pick<Batch, "images" | "input">,
): Float64Array[] {
  const outputs: Float64Array[] = [];
  let input = batch.input;
  shapes(network, batch.images).forEach((shape, index, all) => {
    const { weight, bias } = layerAt(parameters, index);
    input = denseForward(shape, weight, bias, input, index < all.length - 1);
    outputs.push(input);
  });
  return outputs;
}

/**
 * Forward and backward.
 *
 * @param masks per layer `[R][I][O]` of 0 and 1; where it is 0 the weight's gradient is exactly zero
 * @throws {RangeError} when a tensor does not fit
 */
export function backward(
  network: Perceptron,
  parameters: readonly LayerTensors[],
  batch: Batch,
  masks?: readonly Uint8Array[],
): Backward {
  const outputs = forward(network, parameters, batch);
  const layers = shapes(network, batch.images);
  const logits = outputs.at(-1) ?? new Float64Array();
  const { replicates } = network;
  const loss = softmaxCrossEntropy(
    { replicates, outputs: network.sizes.at(-1) ?? 0, batch: batch.images },
    logits,
    batch.labels,
  );
  const gradients: LayerTensors[] = [];
  let gradient = loss.gradient;
  for (const [index, shape] of [...layers.entries()].reverse()) {
    const hidden = index > 0 ? outputs[index - 1] : undefined;
    gradients.unshift(denseWeightGradient(shape, hidden ?? batch.input, gradient, masks?.[index]));
    if (hidden) gradient = denseInputGradient(shape, layerAt(parameters, index).weight, gradient, hidden);
  }
  return { logits, losses: loss.losses, correct: loss.correct, gradients };
}

/**
 * A network before its first step: weights masked, moments zero.
 *
 * @param masks per layer `[R][I][O]` of 0 and 1
 */
export function startTraining(
  initial: readonly LayerTensors[],
  masks?: readonly Uint8Array[],
): PerceptronState {
  const zeros = initial.map(({ weight, bias }) => ({
    weight: new Float64Array(weight.length),
    bias: new Float64Array(bias.length),
  }));
  const parameters = initial.map(({ weight, bias }, index) => {
    const mask = masks?.[index];
    return { weight: weight.map((value, at) => mask?.[at] === 0 ? 0 : value), bias: Float64Array.from(bias) };
  });
  return { parameters, firstMoments: zeros, secondMoments: zeros, steps: 0 };
}

/**
 * One training step. Biases are never masked.
 *
 * @returns the next state, beside what {@linkcode backward} gave
 * @throws {RangeError} when a tensor does not fit
 */
export function trainingStep(
  network: Perceptron,
  state: PerceptronState,
  batch: Batch,
  optimizer: ReferenceOptimizer,
  masks?: readonly Uint8Array[],
): Backward & { readonly state: PerceptronState } {
  const result = backward(network, state.parameters, batch, masks);
  const steps = state.steps + 1;
  const updated = result.gradients.map((gradient, index) => {
    const parameters = layerAt(state.parameters, index);
    const first = layerAt(state.firstMoments, index);
    const second = layerAt(state.secondMoments, index);
    const of = (part: "weight" | "bias", mask?: Uint8Array): AdamState =>
      update(
        { parameters: parameters[part], firstMoment: first[part], secondMoment: second[part] },
        gradient[part],
        mask ?? new Uint8Array(gradient[part].length).fill(1),
        optimizer,
        steps,
      );
    return { weight: of("weight", masks?.[index]), bias: of("bias") };
  });
  const pick = (name: keyof AdamState): LayerTensors[] =>
    updated.map(({ weight, bias }) => ({ weight: weight[name], bias: bias[name] }));
  return {
    ...result,
    state: {
      parameters: pick("parameters"),
      firstMoments: pick("firstMoment"),
      secondMoments: pick("secondMoment"),
      steps,
    },
  };
}

function update(
  state: AdamState,
  gradient: Float64Array,
  mask: Uint8Array,
  optimizer: ReferenceOptimizer,
  step: number,
): AdamState {
  if (optimizer.type === "adam") return adam(state, gradient, mask, adamScalars(optimizer, step), optimizer);
  const { parameters, momentum } = sgd(
    { parameters: state.parameters, momentum: state.firstMoment },
    gradient,
    mask,
    optimizer,
  );
  return { parameters, firstMoment: momentum, secondMoment: state.secondMoment };
}

function shapes({ replicates, sizes }: Perceptron, batch: number): DenseShape[] {
  return sizes.slice(1).map((outputs, index) => ({ replicates, inputs: sizes[index] ?? 0, outputs, batch }));
}

function layerAt(layers: readonly LayerTensors[], index: number): LayerTensors {
  const layer = layers[index];
  if (!layer) {
    throw new RangeError(`Cannot run layer ${index + 1}: only ${layers.length} were given. Give one per layer.`);
  }
  return layer;
}
