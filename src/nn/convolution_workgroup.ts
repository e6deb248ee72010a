/**
 * Launches of the convolution with tiles in workgroup memory, for graphics cards: what `convolution.ts` has, under the same
 * names. Layouts stand in the kernels' headers.
 *
 * @module
 */
import type { Launch } from "../gpu/program.ts";
import { type ConvolutionShape, strideOf } from "./convolution.ts";
import {
  convolutionForwardWorkgroup as forwardKernel,
  convolutionInputGradientWorkgroup as inputGradientKernel,
  convolutionWeightGradientWorkgroup as weightGradientKernel,
  sumPartials,
} from "./kernels.ts";
import type {
  ForwardPassBuffers,
  InputGradientBuffers,
  ScratchBuffers,
  WeightGradientBuffers,
} from "./layer_buffers.ts";
import type { Extent, LayerLayout } from "./network.ts";

/** Invocations of a workgroup. */
const groupSize = 64;

/** Channels of a tile of forward pass and input gradient. */
const tileChannels = 8;

/** Rows of weights and outputs of a weight gradient's tile. */
const weightTile = 32;

/**
 * A weight gradient is split until it has so many workgroups, of 64 invocations: some for each core of a graphics card, and enough
 * that none sums too long. Not measured on one.
 */
const leastWorkgroups = 256;

/** output = activation(weight ∗ input + bias). */
export function convolutionForward(
  { layout, layer, replicates, batch }: ConvolutionShape,
  buffers: ForwardPassBuffers,
): Launch {
  const { input, output } = layer;
  return {
    kernel: forwardKernel,
    constants: { size: layer.size, stride: layer.stride, relu: Number(layer.activation === "relu") },
    dims: [
      input.height,
      input.width,
      output.height,
      output.width,
      input.channels,
      strideOf(input, batch),
      strideOf(output, batch),
      layer.outputs,
      layer.outputQuads,
      batch / 4,
      layer.weight / 4,
      layer.bias / 4,
      layout.arena / 4,
    ],
    buffers: [buffers.parameters, buffers.input, buffers.output],
    workgroups: pixelTiles(output, batch, replicates),
    label: `${layer.name} forward`,
  };
}

/**
 * gradient = weight ∗ outputGradient, transposed; with `accumulate`, that is added to the gradient that is there; with `gate`, it
 * is then zero where the input (a ReLU's output) is not positive.
 */
export function convolutionInputGradient(
  { layout, layer, replicates, batch }: ConvolutionShape,
  { gate, accumulate }: { readonly gate: boolean; readonly accumulate: boolean },
  buffers: InputGradientBuffers,
): Launch[] {
  const { input, output } = layer;
  return [{
    kernel: inputGradientKernel,
    constants: { size: layer.size, stride: layer.stride, gate: Number(gate), accumulate: Number(accumulate) },
    dims: [
      input.channels,
      input.height,
      input.width,
      output.height,
      output.width,
      strideOf(input, batch),
      layer.outputs,
      strideOf(output, batch),
      layer.outputQuads,
      batch / 4,
      layer.weight / 4,
      layout.arena / 4,
    ],
    buffers: [buffers.parameters, buffers.outputGradient, buffers.input, buffers.gradient],
    workgroups: pixelTiles(input, batch, replicates),
    label: `${layer.name} input gradient`,
  }];
}

/**
 * weight gradient = input ∗ outputGradient and bias gradient = Σ outputGradient, the latter for a layer that has a bias; `masked`:
 * zero where pruned. A layer with few weights takes two launches, with `partials` between them.
 */
export function convolutionWeightGradient(
  { layout, layer, replicates, batch }: ConvolutionShape,
  masked: boolean,
  buffers: WeightGradientBuffers & ScratchBuffers,
): Launch[] {
  const { input, output, outputQuads } = layer;
  const parts = partsOf(layer);
  const weightQuads = layer.inputs * outputQuads;
  const partStride = weightQuads + outputQuads;
  const place = { weight: layer.weight / 4, bias: layer.bias / 4, stride: layout.arena / 4 };
  const target = parts > 1 ? { weight: 0, bias: weightQuads, stride: partStride } : place;
  const sums: Launch = {
    kernel: weightGradientKernel,
    constants: { size: layer.size, stride: layer.stride, masked: Number(masked && parts === 1) },
    dims: [
      layer.inputs,
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
    workgroups: [weightTiles(layer), parts, replicates],
    label: `${layer.name} weight gradient`,
  };
  if (parts === 1) return [sums];
  const quads = layer.hasBias ? partStride : weightQuads;
  return [sums, {
    kernel: sumPartials,
    constants: { groupX: groupSize, masked: Number(masked) },
    dims: [weightQuads, quads, parts, partStride, place.weight, place.bias, place.stride],
    buffers: [buffers.partials, buffers.mask, buffers.gradient],
    workgroups: [Math.ceil(quads / groupSize), 1, replicates],
    label: `${layer.name} weight gradient, sum of parts`,
  }];
}

/** 32-bit words of scratch that the weight gradient needs; 0 where it is not split. */
export function convolutionPartialWords({ layer, replicates }: ConvolutionShape): number {
  const parts = partsOf(layer);
  return parts > 1 ? replicates * parts * (layer.inputs + 1) * layer.outputQuads * 4 : 0;
}

function weightTiles({ inputs, outputQuads }: LayerLayout): number {
  return Math.ceil(inputs / weightTile) * Math.ceil(outputQuads * 4 / weightTile);
}

/** Into how many sums over pixels the weight gradient is split: depends on the layer alone, so results do not depend on R. */
function partsOf(layer: LayerLayout): number {
  return Math.min(layer.output.height * layer.output.width, Math.ceil(leastWorkgroups / weightTiles(layer)));
}

/** Workgroups for tiles of four images × two pixels of a row × eight channels. */
function pixelTiles(
  { channels, height, width }: Extent,
  batch: number,
  replicates: number,
): [number, number, number] {
  const tiles = batch / 4 * height * Math.ceil(width / 2);
  return [Math.ceil(tiles / groupSize), Math.ceil(channels / tileChannels), replicates];
}
