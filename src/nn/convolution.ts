/**
 * Launches of the convolution: forward, input gradient, weight gradient. Layouts stand in the kernels' headers.
 *
 * @module
 */
import type { Launch } from "../gpu/program.ts";
import {
  convolutionForward as forwardKernel,
  convolutionInputGradient as inputGradientKernel,
  convolutionWeightGradient as weightGradientKernel,
  sumPartials,
  transposeWeights,
} from "./kernels.ts";
import type {
  ForwardPassBuffers,
  InputGradientBuffers,
  ScratchBuffers,
  WeightGradientBuffers,
} from "./layer_buffers.ts";
import { type Extent, type LayerLayout, type NetworkLayout, roundUp, sizeOf } from "./network.ts";

/** A convolution in its arena, and the shape it runs at. */
export interface ConvolutionShape {
  /** The network. */
  readonly layout: NetworkLayout;
  /** The convolution. */
  readonly layer: LayerLayout;
  /** Replicates in lockstep. */
  readonly replicates: number;
  /** Images, padded to a multiple of 8. */
  readonly batch: number;
}

/** Lavapipe computes with eight lanes. */
const groupX = 8;

/** Invocations of what only moves data: the sum over parts, the transposed weights. */
const flatGroupX = 64;

/**
 * A weight gradient with fewer tiles than this is split over the output's rows. It is 32 workgroups: enough to be balanced over a
 * CPU's cores.
 */
const leastInvocations = 256;

/** output = activation(weight ∗ input + bias). */
export function convolutionForward(
  { layout, layer, replicates, batch }: ConvolutionShape,
  buffers: ForwardPassBuffers,
): Launch {
  const { input, output } = layer;
  const quads = batch / 4;
  const inputPlane = input.height * input.width * quads;
  return {
    kernel: forwardKernel,
    constants: { groupX, size: layer.size, stride: layer.stride, relu: Number(layer.activation === "relu") },
    dims: [
      input.height,
      input.width,
      output.height,
      output.width,
      inputPlane,
      input.channels * inputPlane,
      strideOf(input, batch),
      strideOf(output, batch),
      layer.outputs,
      layer.outputQuads,
      quads,
      layer.weight / 4,
      layer.bias / 4,
      layout.arena / 4,
    ],
    buffers: [buffers.parameters, buffers.input, buffers.output],
    workgroups: pixelTiles(output, Math.ceil(layer.outputQuads / 2), batch, replicates),
    label: `${layer.name} forward`,
  };
}

/**
 * gradient = weight ∗ outputGradient, transposed; with `accumulate`, that is added to the gradient that is there; with `gate`, it
 * is then zero where the input (a ReLU's output) is not positive. Two launches: the first writes the weights as the second wants
 * them into `partials`.
 */
export function convolutionInputGradient(
  { layout, layer, replicates, batch }: ConvolutionShape,
  { gate, accumulate }: { readonly gate: boolean; readonly accumulate: boolean },
  buffers: InputGradientBuffers & ScratchBuffers,
): Launch[] {
  const { input, output } = layer;
  const quads = batch / 4;
  const outputPlane = output.height * output.width * quads;
  const taps = layer.size ** 2;
  const channelQuads = Math.ceil(input.channels / 4);
  const transposed: Launch = {
    kernel: transposeWeights,
    constants: { groupX: flatGroupX },
    dims: [input.channels, channelQuads, taps, layer.outputQuads, layer.weight / 4, layout.arena / 4],
    buffers: [buffers.parameters, buffers.partials],
    workgroups: [Math.ceil(channelQuads * taps * layer.outputQuads / flatGroupX), 1, replicates],
    label: `${layer.name} input gradient, weights transposed`,
  };
  return [transposed, {
    kernel: inputGradientKernel,
    constants: {
      groupX,
      size: layer.size,
      stride: layer.stride,
      gate: Number(gate),
      accumulate: Number(accumulate),
    },
    dims: [
      input.channels,
      input.height,
      input.width,
      output.height,
      output.width,
      strideOf(input, batch),
      outputPlane,
      layer.outputs * outputPlane,
      strideOf(output, batch),
      channelQuads,
      quads,
      transposedQuads(layer),
    ],
    buffers: [buffers.partials, buffers.outputGradient, buffers.input, buffers.gradient],
    workgroups: pixelTiles(input, Math.ceil(input.channels / 8), batch, replicates),
    label: `${layer.name} input gradient`,
  }];
}

/**
 * weight gradient = input ∗ outputGradient and bias gradient = Σ outputGradient, the latter for a layer that has a bias; `masked`:
 * zero where pruned. A layer with few weights takes two launches, with `partials` between them.
 */
export function convolutionWeightGradient(
  shape: ConvolutionShape,
  masked: boolean,
  buffers: WeightGradientBuffers & ScratchBuffers,
): Launch[] {
  const { layout, layer, replicates, batch } = shape;
  const { input, output, outputQuads } = layer;
  const tiles = weightTiles(layer);
  const parts = partsOf(layer);
  const weightQuads = layer.inputs * outputQuads;
  const partStride = weightQuads + outputQuads;
  const place = { weight: layer.weight / 4, bias: layer.bias / 4, stride: layout.arena / 4 };
  const target = parts > 1 ? { weight: 0, bias: weightQuads, stride: partStride } : place;
  const sums: Launch = {
    kernel: weightGradientKernel,
    constants: { groupX, size: layer.size, stride: layer.stride, masked: Number(masked && parts === 1) },
    dims: [
      layer.inputs,
      input.channels,
      input.height,
      input.width,
      output.height,
      output.width,
      strideOf(input, batch),
      strideOf(output, batch),
      layer.outputs,
      outputQuads,
      batch / 4,
      parts,
      Number(layer.hasBias),
      target.weight,
      target.bias,
      target.stride,
    ],
    buffers: [buffers.input, buffers.outputGradient, buffers.mask, parts > 1 ? buffers.partials : buffers.gradient],
    workgroups: [Math.ceil(tiles * parts / groupX), 1, replicates],
    label: `${layer.name} weight gradient`,
  };
  if (parts === 1) return [sums];
  const quads = layer.hasBias ? partStride : weightQuads;
  return [sums, {
    kernel: sumPartials,
    constants: { groupX: flatGroupX, masked: Number(masked) },
    dims: [weightQuads, quads, parts, partStride, place.weight, place.bias, place.stride],
    buffers: [buffers.partials, buffers.mask, buffers.gradient],
    workgroups: [Math.ceil(quads / flatGroupX), 1, replicates],
    label: `${layer.name} weight gradient, sum of parts`,
  }];
}

/** 32-bit words of scratch that the gradients need: for transposed weights, and then for parts of the weight gradient. */
export function convolutionPartialWords({ layer, replicates }: ConvolutionShape): number {
  const parts = partsOf(layer);
  const sums = parts > 1 ? parts * (layer.inputs + 1) * layer.outputQuads * 4 : 0;
  return replicates * Math.max(transposedQuads(layer) * 4, sums);
}

/** vec4 of one replicate's transposed weights, `[K][ky][kx][C]`. */
function transposedQuads({ input, size, outputQuads }: LayerLayout): number {
  return outputQuads * 4 * size ** 2 * Math.ceil(input.channels / 4);
}

/** Tiles of the weight gradient: four channels of a 3 × 3 kernel or eighteen of a 1 × 1, times four outputs. */
function weightTiles({ input, size, outputQuads }: LayerLayout): number {
  return Math.ceil(input.channels / (size === 3 ? 4 : 18)) * outputQuads;
}

/**
 * Into how many sums over rows the weight gradient is split: depends on the layer alone, with all units that it lost, so results
 * do not depend on R.
 */
function partsOf(layer: LayerLayout): number {
  return Math.min(layer.output.height, Math.ceil(leastInvocations / weightTiles(layer.whole ?? layer)));
}

/** vec4 of one replicate's activation. */
export function strideOf(extent: Extent, batch: number): number {
  return roundUp(sizeOf(extent), 4) * batch / 4;
}

/** Workgroups for tiles of eight images × four pixels of a row × one of `channelTiles`. */
function pixelTiles(
  { height, width }: Extent,
  channelTiles: number,
  batch: number,
  replicates: number,
): [number, number, number] {
  return [Math.ceil(batch / 8 / groupX), height * Math.ceil(width / 4) * channelTiles, replicates];
}
