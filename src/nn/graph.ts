/**
 * A network's forward and backward pass as launches: which kernels, in which order, on which buffers.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import { baseLimits } from "../gpu/limits.ts";
import type { Launch } from "../gpu/program.ts";
import type { Lifetime } from "./activations.ts";
import {
  batchNormEvaluation,
  batchNormGradient,
  batchNormPartialWords,
  batchNormSavedWords,
  type BatchNormShape,
  batchNormTraining,
} from "./batch_norm.ts";
import * as registerConvolution from "./convolution.ts";
import * as workgroupConvolution from "./convolution_workgroup.ts";
import {
  compactConvolutionForward,
  compactConvolutionInputGradient,
  compactConvolutionWeightGradient,
} from "./compact_convolution.ts";
import { compactForward, compactInputGradient, type CompactStructure, compactWeightGradient } from "./compact_dense.ts";
import * as registerDense from "./dense.ts";
import * as workgroupDense from "./dense_workgroup.ts";
import { dropout, dropoutGradient } from "./dropout.ts";
import type { Extent, LayerLayout, NetworkLayout, Operation } from "./network.ts";
import { roundUp, sizeOf } from "./network.ts";
import { type LayerPlan, plainPlan, type TilesPlan } from "./plan.ts";
import { globalAveragePool, globalAveragePoolGradient, maxPool, maxPoolGradient } from "./pooling.ts";
import { addRelu } from "./residual.ts";

/** Batches are padded to a multiple of this. */
export const lanes = 8;

/** Launches of masked-dense layers, by where their tiles lie. */
const denseLayers = { register: registerDense, workgroup: workgroupDense } as const;
const convolutions = { register: registerConvolution, workgroup: workgroupConvolution } as const;

/** At what size a pass runs. */
export interface PassShape {
  /** The network. */
  readonly layout: NetworkLayout;
  /** Networks in lockstep. */
  readonly replicates: number;
  /** Images of a batch, without padding. */
  readonly images: number;
  /** Which kernels each layer runs, by its index; when left out, masked-dense ones with register tiles. */
  readonly plan?: readonly LayerPlan[];
  /** By the layer's index: where the survivors of layers stand that keep nothing else; none when left out. */
  readonly compact?: ReadonlyMap<number, CompactStructure>;
}

/** What a forward pass works on. */
export interface ForwardBuffers {
  /** Arenas of all replicates. */
  readonly parameters: Buffer;
  /** The activation of a tensor of the layout, by its index. */
  activation(tensor: number): Buffer;
  /** Scratch for sums in parts: {@linkcode partialWords}. */
  readonly partials: Buffer;
}

/** What only training needs beside {@linkcode ForwardBuffers}. */
export interface TrainingBuffers extends ForwardBuffers {
  /** What a batch norm keeps for the backward pass. */
  saved(norm: number): Buffer;
  /** Two words per replicate that key the random numbers of dropout. */
  readonly dropoutKeys: Buffer;
  /** Which step is being run. */
  readonly state: Buffer;
}

/** What a backward pass works on. */
export interface BackwardBuffers extends TrainingBuffers {
  /** The gradient of a tensor, by its index; tensors may share one. */
  gradientOf(tensor: number): Buffer;
  /** One bit per parameter. */
  readonly mask: Buffer;
  /** Arenas of the parameters' gradients. */
  readonly gradient: Buffer;
}

/** The forward pass; in training with batch statistics and dropout, else with running statistics and without. */
export function forwardPass(shape: PassShape, buffers: ForwardBuffers | TrainingBuffers): Launch[] {
  const { layout, replicates, images } = shape;
  const batch = roundUp(images, lanes);
  const training = "saved" in buffers ? buffers : undefined;
  const { parameters, partials } = buffers;
  const tensorOf = training ? (tensor: number): number => tensor : withoutDropout(layout);
  const activation = (tensor: number): Buffer => buffers.activation(tensorOf(tensor));
  return layout.operations.flatMap((operation): Launch[] => {
    const input = activation(operation.input);
    const output = activation(operation.output);
    const extent = extentOf(layout, operation.input);
    switch (operation.type) {
      case "dense": {
        const layer = { ...layerShape(shape, operation), batch };
        const structure = shape.compact?.get(operation.layer);
        if (structure) return [compactForward(layer, structure, { parameters, input, output })];
        return denseLayers[tilesOf(shape, operation)].forward(layer, { parameters, input, output, partials });
      }
      case "conv": {
        const layer = { ...layerShape(shape, operation), batch };
        const structure = shape.compact?.get(operation.layer);
        if (structure) return [compactConvolutionForward(layer, structure, { parameters, input, output })];
        return [convolutions[tilesOf(shape, operation)].convolutionForward(layer, { parameters, input, output })];
      }
      case "max-pool":
        return [maxPool({ replicates, batch, input: extent }, { input, output })];
      case "global-average-pool":
        return [globalAveragePool({ replicates, batch, input: extent }, { input, output })];
      case "batch-norm": {
        const norm = normShape(shape, operation.norm);
        if (!training) return [batchNormEvaluation(norm, { parameters, input, output })];
        return batchNormTraining(norm, { parameters, input, output, saved: training.saved(operation.norm), partials });
      }
      case "dropout": {
        const { rate, index } = operation;
        if (!training) return [];
        const { dropoutKeys: keys, state } = training;
        return [dropout({ replicates, batch, extent, rate, index }, { keys, state, input, output })];
      }
      case "add":
        return [addRelu({ replicates, batch, extent }, { input, shortcut: activation(operation.shortcut), output })];
    }
  });
}

/**
 * The backward pass: from the gradient of the logits to those of all parameters. Weight gradients are masked. The gradient of a
 * tensor with several readers is summed in place, and gated by its ReLU when the last of them has added its part.
 */
export function backwardPass(shape: PassShape, buffers: BackwardBuffers): Launch[] {
  const { layout, replicates, images } = shape;
  const batch = roundUp(images, lanes);
  const { parameters, mask, gradient, partials, dropoutKeys: keys, state } = buffers;
  const flow = gradientFlow(layout);
  return flow.flatMap(({ operation, output: from, input: to, gate, accumulate }): Launch[] => {
    const input = buffers.activation(operation.input);
    const outputGradient = buffers.gradientOf(from);
    const extent = extentOf(layout, operation.input);
    switch (operation.type) {
      case "dense": {
        const layer = { ...layerShape(shape, operation), batch };
        const structure = shape.compact?.get(operation.layer);
        const into = to === undefined
          ? undefined
          : { parameters, outputGradient, input, gradient: buffers.gradientOf(to), partials };
        const weights = { input, outputGradient, mask, gradient };
        if (structure) {
          return [
            ...(into ? [compactInputGradient(layer, structure, gate, into)] : []),
            compactWeightGradient(layer, structure, weights),
          ];
        }
        const { inputGradient, weightGradient } = denseLayers[tilesOf(shape, operation)];
        return [...(into ? [inputGradient(layer, gate, into)] : []).flat(), weightGradient(layer, true, weights)];
      }
      case "conv": {
        const layer = { ...layerShape(shape, operation), batch };
        const structure = shape.compact?.get(operation.layer);
        const into = to === undefined
          ? undefined
          : { parameters, outputGradient, input, gradient: buffers.gradientOf(to), partials };
        const weights = { input, outputGradient, mask, gradient, partials };
        if (structure) {
          return [
            ...(into ? [compactConvolutionInputGradient(layer, structure, { gate, accumulate }, into)] : []),
            compactConvolutionWeightGradient(layer, structure, weights),
          ];
        }
        const { convolutionInputGradient, convolutionWeightGradient } = convolutions[tilesOf(shape, operation)];
        return [
          ...(into ? convolutionInputGradient(layer, { gate, accumulate }, into) : []),
          ...convolutionWeightGradient(layer, true, weights),
        ];
      }
      case "batch-norm": {
        const saved = buffers.saved(operation.norm);
        const inputGradient = buffers.gradientOf(to ?? operation.input);
        return batchNormGradient(normShape(shape, operation.norm), gate, {
          parameters,
          input,
          outputGradient,
          saved,
          partials,
          gradient,
          inputGradient,
        });
      }
      case "add":
        return [];
    }
    if (to === undefined) return [];
    const into = { input, outputGradient, gradient: buffers.gradientOf(to) };
    switch (operation.type) {
      case "max-pool":
        return [maxPoolGradient({ replicates, batch, input: extent, gate }, into)];
      case "global-average-pool":
        return [globalAveragePoolGradient({ replicates, batch, input: extent, gate }, into)];
      case "dropout": {
        const { rate, index } = operation;
        return [dropoutGradient({ replicates, batch, extent, rate, index, gate }, { ...into, keys, state })];
      }
    }
  });
}

/** 32-bit words of the scratch that sums in parts need. */
export function partialWords(shape: PassShape): number {
  const batch = roundUp(shape.images, lanes);
  const words = shape.layout.operations.map((operation) => {
    switch (operation.type) {
      case "conv":
        return convolutions[tilesOf(shape, operation)].convolutionPartialWords({
          ...layerShape(shape, operation),
          batch,
        });
      case "dense":
        return denseLayers[tilesOf(shape, operation)].densePartialWords({ ...layerShape(shape, operation), batch });
      case "batch-norm":
        return batchNormPartialWords(normShape(shape, operation.norm));
      default:
        return 0;
    }
  });
  return Math.max(4, ...words);
}

/** 32-bit words of what each batch norm keeps for the backward pass. */
export function savedWords(shape: PassShape): number[] {
  return shape.layout.norms.map((_, norm) => batchNormSavedWords(normShape(shape, norm)));
}

/** 32-bit words of a tensor for all replicates. */
export function tensorWords({ layout, replicates, images }: PassShape, tensor: number): number {
  return replicates * roundUp(sizeOf(extentOf(layout, tensor)), 4) * roundUp(images, lanes);
}

/**
 * Images of one evaluation launch: as many as there are, up to {@linkcode evaluationBatch}, and no more than let the widest
 * activation of all replicates stay within {@linkcode evaluationBytes}. No result depends on it.
 */
export function evaluationImages({ layout, replicates }: Omit<PassShape, "images">, count: number): number {
  const perLanes = layout.tensors.map((_, tensor) => tensorWords({ layout, replicates, images: lanes }, tensor) * 4);
  const fits = Math.floor(evaluationBytes / Math.max(...perLanes)) * lanes;
  return Math.max(lanes, Math.min(evaluationBatch, fits, roundUp(count, lanes)));
}

/** Most images of an evaluation launch, and a row of 4,000 bytes instead of a power of two, which caches dislike. */
const evaluationBatch = 1000;

/**
 * Bytes that the widest activation of an evaluation launch may take, over all replicates: a quarter of what every adapter can
 * bind. Larger ones only take memory, since what a launch reads again lies in no cache then.
 */
const evaluationBytes = baseLimits.maxStorageBufferBindingSize / 4;

/**
 * When activations and gradients of a training step are alive. Names are `activation 0` … and `gradient 0` …, numbered as the
 * layout's tensors.
 */
export function trainingLifetimes(shape: PassShape): Lifetime[] {
  const { layout } = shape;
  const lives = new Lives(shape);
  lives.forward("activation", (tensor) => tensor);
  lives.touch("gradient", layout.tensors.length - 1);
  for (const { operation, output, input } of gradientFlow(layout)) {
    if (operation.type === "add") continue;
    lives.next();
    lives.touch("activation", operation.input);
    lives.touch("gradient", output);
    if (input !== undefined) lives.touch("gradient", input);
  }
  return lives.lifetimes();
}

/** When the activations of an evaluation are alive: `evaluation 0` …, numbered as the layout's tensors. */
export function evaluationLifetimes(shape: PassShape): Lifetime[] {
  const lives = new Lives(shape);
  lives.forward("evaluation", withoutDropout(shape.layout));
  return lives.lifetimes();
}

/** Follows a pass, launch by launch. */
class Lives {
  readonly #shape: PassShape;
  readonly #alive = new Map<string, { words: number; first: number; last: number; isAlone: boolean }>();
  #launch = 0;

  constructor(shape: PassShape) {
    this.#shape = shape;
  }

  next(): void {
    this.#launch++;
  }

  touch(prefix: string, tensor: number): void {
    const name = `${prefix} ${tensor}`;
    const known = this.#alive.get(name);
    if (known) known.last = this.#launch;
    else {
      // Dense kernels read padding rows and rely on their zeros, which nothing else may then overwrite.
      const isAlone = sizeOf(extentOf(this.#shape.layout, tensor)) % 4 !== 0;
      const words = tensorWords(this.#shape, tensor);
      this.#alive.set(name, { words, first: this.#launch, last: this.#launch, isAlone });
    }
  }

  /** The forward pass, from the gather to the loss. */
  forward(prefix: string, tensorOf: (tensor: number) => number): void {
    const { operations, tensors } = this.#shape.layout;
    this.touch(prefix, 0);
    for (const operation of operations) {
      this.next();
      for (const tensor of [...inputsOf(operation), operation.output]) this.touch(prefix, tensorOf(tensor));
    }
    this.next();
    this.touch(prefix, tensors.length - 1);
  }

  lifetimes(): Lifetime[] {
    return [...this.#alive].map(([name, lifetime]) => ({ name, ...lifetime }));
  }
}

/** One operation on the way back. */
interface BackwardStep {
  readonly operation: Operation;
  /** Whose gradient comes in. */
  readonly output: number;
  /** Whose gradient goes out; undefined when nobody needs it. */
  readonly input: number | undefined;
  /** Whether the outgoing gradient is whole now and passes its tensor's ReLU. */
  readonly gate: boolean;
  /** Whether a part of the outgoing gradient is there already. */
  readonly accumulate: boolean;
}

/**
 * The operations in reverse, with where their gradients go. A sum hands its gradient on as it is: its two inputs have the
 * sum's own gradient tensor, and what flows through the branch of a residual block is added to that in place.
 */
function gradientFlow(layout: NetworkLayout): BackwardStep[] {
  const tensorOf = layout.tensors.map((_, index) => index);
  const readers = layout.tensors.map(() => 0);
  for (const operation of layout.operations) {
    for (const tensor of inputsOf(operation)) readers[tensor] = (readers[tensor] ?? 0) + 1;
  }
  const reversed = layout.operations.toReversed();
  for (const operation of reversed) {
    if (operation.type !== "add") continue;
    for (const tensor of inputsOf(operation)) tensorOf[tensor] = tensorOf[operation.output] ?? operation.output;
  }
  const contributed = layout.tensors.map(() => 0);
  return reversed.map((operation): BackwardStep => {
    const before = contributed[operation.input] ?? 0;
    for (const tensor of inputsOf(operation)) contributed[tensor] = (contributed[tensor] ?? 0) + 1;
    const isLast = contributed[operation.input] === readers[operation.input];
    // Nobody needs the gradient of the images, but a batch norm's kernels write one all the same.
    const isNeeded = operation.input !== 0 || operation.type === "batch-norm";
    return {
      operation,
      output: tensorOf[operation.output] ?? operation.output,
      input: isNeeded ? tensorOf[operation.input] ?? operation.input : undefined,
      gate: isLast && (layout.tensors[operation.input]?.isRelu ?? false),
      accumulate: before > 0,
    };
  });
}

/** Outside of training a dropout's output is its input. */
function withoutDropout(layout: NetworkLayout): (tensor: number) => number {
  const tensorOf = layout.tensors.map((_, index) => index);
  for (const { type, input, output } of layout.operations) {
    if (type === "dropout") tensorOf[output] = tensorOf[input] ?? input;
  }
  return (tensor) => tensorOf[tensor] ?? tensor;
}

function inputsOf(operation: Operation): number[] {
  return operation.type === "add" ? [operation.input, operation.shortcut] : [operation.input];
}

function extentOf(layout: NetworkLayout, tensor: number): Extent {
  const found = layout.tensors[tensor];
  if (!found) throw new Error(`unreachable: tensor ${tensor} of ${layout.tensors.length}`);
  return found.extent;
}

function tilesOf({ plan }: PassShape, { layer }: { readonly layer: number }): TilesPlan {
  return (plan?.[layer] ?? plainPlan).tiles;
}

function layerShape(
  { layout, replicates }: PassShape,
  { layer: index }: { readonly layer: number },
): { readonly layout: NetworkLayout; readonly layer: LayerLayout; readonly replicates: number } {
  const layer = layout.layers[index];
  if (!layer) throw new Error(`unreachable: layer ${index} of ${layout.layers.length}`);
  return { layout, layer, replicates };
}

function normShape({ layout, replicates, images }: PassShape, index: number): BatchNormShape {
  const norm = layout.norms[index];
  if (!norm) throw new Error(`unreachable: norm ${index} of ${layout.norms.length}`);
  return { layout, norm, replicates, batch: roundUp(images, lanes), images };
}
