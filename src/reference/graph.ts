/**
 * A whole network in float64, operation by operation: what the engine's order of kernels, its shared buffers and its sums of
 * gradients in place are compared with.
 *
 * @module
 */
import type { Extent, LayerLayout, LayerValues, NetworkLayout, NormValues, Operation } from "../nn/network.ts";
import { sizeOf } from "../nn/network.ts";
import {
  batchNorm,
  batchNormGradient,
  type BatchNormShape,
  batchNormStatistics,
  type NormParameters,
  type NormStatistics,
  runningStatistics,
} from "./batch_norm.ts";
import { convolutionForward, type ConvolutionShape } from "./convolution_forward.ts";
import { convolutionInputGradient } from "./convolution_input_gradient.ts";
import { convolutionWeightGradient } from "./convolution_weight_gradient.ts";
import { denseForward } from "./dense_forward.ts";
import { denseInputGradient } from "./dense_input_gradient.ts";
import { denseWeightGradient } from "./dense_weight_gradient.ts";
import { dropout, dropoutMask } from "./dropout.ts";
import { globalAveragePool, globalAveragePoolGradient, maxPool, maxPoolGradient, type PoolShape } from "./pooling.ts";
import { addRelu, addReluGradient } from "./residual.ts";
import { softmaxCrossEntropy } from "./softmax_cross_entropy.ts";
import { at, type DenseShape } from "./tensor.ts";

/** Weights and bias of a layer, or their gradients. */
export interface GraphLayer {
  /** `[inputs][outputs]`, for a convolution `[C][ky][kx][K]`. */
  readonly weight: Float64Array;
  /** `[outputs]`. */
  readonly bias: Float64Array;
}

/** One network's values. */
export interface GraphParameters {
  /** One entry per layer with weights. */
  readonly layers: readonly GraphLayer[];
  /** One entry per batch norm. */
  readonly norms: readonly (NormParameters & NormStatistics)[];
}

/** One batch. */
export interface GraphBatch {
  /** How many images. */
  readonly images: number;
  /** `[C][H][W][N]`. */
  readonly input: Float64Array;
  /** `[N]`. */
  readonly labels: ArrayLike<number>;
}

/** What keys the random numbers of a training step's dropout. */
export interface DropoutKey {
  /** Two words. */
  readonly key: Uint32Array;
  /** Which step. */
  readonly step: number;
}

/** What a forward pass computes. */
export interface GraphForward {
  /** Every tensor of the layout, in its order, without padding; the last are the logits `[classes][N]`. */
  readonly activations: readonly Float64Array[];
  /** Running statistics of each norm after the pass; in evaluation as they were. */
  readonly running: readonly NormStatistics[];
}

/** What a training step computes before the optimizer. */
export interface GraphStep extends GraphForward {
  /** `[N]`, in nats. */
  readonly losses: Float64Array;
  /** Gradients of the mean loss. */
  readonly gradients: {
    /** One entry per layer. */
    readonly layers: readonly GraphLayer[];
    /** One entry per norm. */
    readonly norms: readonly NormParameters[];
  };
}

/** A network's values in float64. */
export function graphParameters(layers: readonly LayerValues[], norms: readonly NormValues[]): GraphParameters {
  const wide = (values: Float32Array): Float64Array => Float64Array.from(values);
  return {
    layers: layers.map(({ weight, bias }) => ({ weight: wide(weight), bias: wide(bias) })),
    norms: norms.map(({ scale, shift, mean, variance }) => ({
      scale: wide(scale),
      shift: wide(shift),
      mean: wide(mean),
      variance: wide(variance),
    })),
  };
}

/**
 * The forward pass.
 *
 * @param training the key of its dropout; undefined for an evaluation, with running statistics and without dropout
 * @throws {RangeError} when a tensor does not fit
 */
export function graphForward(
  layout: NetworkLayout,
  parameters: GraphParameters,
  { images, input }: Pick<GraphBatch, "images" | "input">,
  training?: DropoutKey,
): GraphForward {
  const activations: Float64Array[] = [input];
  const running: NormStatistics[] = [...parameters.norms];
  for (const operation of layout.operations) {
    const from = tensor(activations, operation.input);
    activations[operation.output] = ((): Float64Array => {
      switch (operation.type) {
        case "dense": {
          const { layer, weight, bias } = layerOf(layout, parameters, operation);
          return denseForward(denseShape(layer, images), weight, bias, from, layer.activation === "relu");
        }
        case "conv": {
          const { layer, weight, bias } = layerOf(layout, parameters, operation);
          return convolutionForward(convolutionShape(layer, images), weight, bias, from, layer.activation === "relu");
        }
        case "max-pool":
          return maxPool(poolShape(layout, operation, images), from);
        case "global-average-pool":
          return globalAveragePool(poolShape(layout, operation, images), from);
        case "batch-norm": {
          const { norm, values, shape } = normOf(layout, parameters, operation, images);
          const own = training ? batchNormStatistics(shape, from) : values;
          if (training) running[operation.norm] = runningStatistics(shape, values, own);
          return batchNorm(shape, values, own, from, norm.activation === "relu");
        }
        case "dropout":
          return training ? dropout(operation.rate, maskOf(layout, operation, images, training), from) : from;
        case "add":
          return addRelu(from, tensor(activations, operation.shortcut));
      }
    })();
  }
  return { activations, running };
}

/**
 * A training step up to the gradients, each tensor with a gradient of its own.
 *
 * @param masks per layer `[inputs][outputs]` of 0 and 1: where it is 0 the weight's gradient is exactly zero
 * @throws {RangeError} when a tensor does not fit
 */
export function graphStep(
  layout: NetworkLayout,
  parameters: GraphParameters,
  batch: GraphBatch,
  training: DropoutKey,
  masks?: readonly Uint8Array[],
): GraphStep {
  const { images } = batch;
  const { activations, running } = graphForward(layout, parameters, batch, training);
  const outputs = layout.layers.at(-1)?.outputs ?? 0;
  const logits = tensor(activations, activations.length - 1);
  const loss = softmaxCrossEntropy({ replicates: 1, outputs, batch: images }, logits, batch.labels);
  const gradients: Float64Array[] = activations.map((values) => new Float64Array(values.length));
  gradients[gradients.length - 1] = loss.gradient;
  const layers: GraphLayer[] = [];
  const norms: NormParameters[] = [];
  const add = (index: number, part: Float64Array): void => {
    gradients[index] = tensor(gradients, index).map((value, element) => value + at(part, element));
  };
  for (const operation of layout.operations.toReversed()) {
    const input = tensor(activations, operation.input);
    const output = tensor(activations, operation.output);
    // A ReLU behind the operation lets the gradient pass where its output is positive or NaN.
    const isRelu = layout.tensors[operation.output]?.isRelu ?? false;
    const incoming = tensor(gradients, operation.output);
    const gradient = isRelu ? addReluGradient(output, incoming) : incoming;
    switch (operation.type) {
      case "dense": {
        const { layer, weight } = layerOf(layout, parameters, operation);
        const shape = denseShape(layer, images);
        layers[operation.layer] = denseWeightGradient(shape, input, gradient, masks?.[operation.layer]);
        add(operation.input, denseInputGradient(shape, weight, gradient));
        break;
      }
      case "conv": {
        const { layer, weight } = layerOf(layout, parameters, operation);
        const shape = convolutionShape(layer, images);
        layers[operation.layer] = convolutionWeightGradient(shape, input, gradient, masks?.[operation.layer]);
        add(operation.input, convolutionInputGradient(shape, weight, gradient));
        break;
      }
      case "max-pool":
        add(operation.input, maxPoolGradient(poolShape(layout, operation, images), input, gradient));
        break;
      case "global-average-pool":
        add(operation.input, globalAveragePoolGradient(poolShape(layout, operation, images), gradient));
        break;
      case "batch-norm": {
        const { values, shape } = normOf(layout, parameters, operation, images);
        const own = batchNormGradient(shape, values.scale, input, gradient);
        norms[operation.norm] = own;
        add(operation.input, own.input);
        break;
      }
      case "dropout":
        add(operation.input, dropout(operation.rate, maskOf(layout, operation, images, training), gradient));
        break;
      case "add":
        add(operation.input, gradient);
        add(operation.shortcut, gradient);
        break;
    }
  }
  return { activations, running, losses: loss.losses, gradients: { layers, norms } };
}

function layerOf(
  layout: NetworkLayout,
  parameters: GraphParameters,
  { layer: index }: { readonly layer: number },
): GraphLayer & { readonly layer: LayerLayout } {
  const layer = layout.layers[index];
  const values = parameters.layers[index];
  if (!layer || !values) throw new RangeError(`Cannot run layer ${index + 1}: give values for each layer.`);
  return { layer, ...values };
}

function normOf(
  layout: NetworkLayout,
  parameters: GraphParameters,
  { norm: index }: { readonly norm: number },
  images: number,
): {
  readonly norm: NetworkLayout["norms"][number];
  readonly values: NormParameters & NormStatistics;
  readonly shape: BatchNormShape;
} {
  const norm = layout.norms[index];
  const values = parameters.norms[index];
  if (!norm || !values) throw new RangeError(`Cannot run norm ${index + 1}: give values for each batch norm.`);
  const { channels, height, width } = norm.extent;
  return { norm, values, shape: { replicates: 1, channels, plane: height * width, batch: images } };
}

function maskOf(
  layout: NetworkLayout,
  { input, rate, index }: Operation & { readonly type: "dropout" },
  images: number,
  { key, step }: DropoutKey,
): Uint8Array {
  return dropoutMask({ replicates: 1, rows: sizeOf(extentOf(layout, input)), batch: images, rate, index }, key, [step]);
}

function denseShape({ inputs, outputs }: LayerLayout, batch: number): DenseShape {
  return { replicates: 1, inputs, outputs, batch };
}

function convolutionShape({ input, outputs, size, stride }: LayerLayout, batch: number): ConvolutionShape {
  return { replicates: 1, ...input, outputs, size, stride, batch };
}

function poolShape(layout: NetworkLayout, { input }: { readonly input: number }, batch: number): PoolShape {
  return { replicates: 1, ...extentOf(layout, input), batch };
}

function extentOf(layout: NetworkLayout, index: number): Extent {
  const found = layout.tensors[index];
  if (!found) throw new Error(`unreachable: tensor ${index} of ${layout.tensors.length}`);
  return found.extent;
}

function tensor(list: readonly Float64Array[], index: number): Float64Array {
  const found = list[index];
  if (!found) throw new Error(`unreachable: tensor ${index} of ${list.length}`);
  return found;
}
