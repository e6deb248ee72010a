/**
 * Launches of the compact convolution: forward, input gradient, weight gradient of the survivors only. Layouts stand in the kernels'
 * headers, and `convolutionStructure` makes what they read beside the values.
 *
 * @module
 */
import { flatGrid, type Launch } from "../gpu/program.ts";
import type { CompactStructure } from "./compact_dense.ts";
import { type ConvolutionShape, strideOf } from "./convolution.ts";
import * as kernels from "./kernels.ts";
import type { ForwardPassBuffers, InputGradientBuffers, WeightGradientBuffers } from "./layer_buffers.ts";

/** Lavapipe computes with eight lanes: with a batch of 64 those of one output, which have the same survivors. */
const groupX = 8;

/** output = activation(weight ∗ input + bias), in the order of the masked-dense kernel. */
export function compactConvolutionForward(
  { layout, layer, replicates, batch }: ConvolutionShape,
  structure: CompactStructure,
  buffers: ForwardPassBuffers,
): Launch {
  const { input, output } = layer;
  const pixels = output.height * output.width;
  return {
    kernel: kernels.compactConvolutionForward,
    constants: {
      groupX,
      size: layer.size,
      stride: layer.stride,
      relu: Number(layer.activation === "relu"),
      wraps: wraps(output.width),
    },
    dims: [
      input.height,
      input.width,
      pixels,
      output.width,
      input.height * input.width * batch / 4,
      strideOf(input, batch),
      strideOf(output, batch),
      layer.outputs,
      batch / 4,
      layer.weight / 4,
      layer.bias / 4,
      layout.arena / 4,
      structure.quads,
    ],
    buffers: [buffers.parameters, structure.rows, structure.positions, buffers.input, buffers.output],
    workgroups: [layer.outputs * batchTiles(batch), Math.ceil(pixels / 4), replicates],
    label: `${layer.name} forward, compact`,
  };
}

/**
 * gradient = weight ∗ outputGradient, transposed; with `accumulate`, that is added to the gradient that is there; with `gate`, it
 * is then zero where the input (a ReLU's output) is not positive.
 */
export function compactConvolutionInputGradient(
  { layout, layer, replicates, batch }: ConvolutionShape,
  structure: CompactStructure,
  { gate, accumulate }: { readonly gate: boolean; readonly accumulate: boolean },
  buffers: InputGradientBuffers,
): Launch {
  const { input, output, stride } = layer;
  const classWidth = Math.ceil(input.width / stride);
  const tiles = Math.ceil(Math.ceil(input.height / stride) * classWidth / 4);
  return {
    kernel: kernels.compactConvolutionInputGradient,
    constants: {
      groupX,
      size: layer.size,
      stride,
      gate: Number(gate),
      accumulate: Number(accumulate),
      wraps: wraps(classWidth),
    },
    dims: [
      input.channels,
      input.height,
      input.width,
      classWidth,
      tiles,
      output.height,
      output.width,
      strideOf(input, batch),
      output.height * output.width * batch / 4,
      strideOf(output, batch),
      batch / 4,
      layer.weight,
      layout.arena,
      structure.entryCount / 2,
    ],
    buffers: [
      buffers.parameters,
      structure.columns,
      structure.entries,
      buffers.outputGradient,
      buffers.input,
      buffers.gradient,
    ],
    workgroups: [input.channels * batchTiles(batch), tiles * stride ** 2, replicates],
    label: `${layer.name} input gradient, compact`,
  };
}

/** The gradient of each survivor, zeros in the padding, and for a layer that has a bias its gradient = Σ outputGradient. */
export function compactConvolutionWeightGradient(
  { layout, layer, replicates, batch }: ConvolutionShape,
  structure: CompactStructure,
  buffers: WeightGradientBuffers,
): Launch {
  const { input, output } = layer;
  const biasQuads = layer.hasBias ? layer.outputQuads : 0;
  const [x, y] = flatGrid(structure.quads + biasQuads, groupX);
  return {
    kernel: kernels.compactConvolutionWeightGradient,
    constants: { groupX, size: layer.size, stride: layer.stride },
    dims: [
      structure.quads,
      x * groupX,
      input.height,
      input.width,
      output.width,
      input.height * input.width * batch / 4,
      strideOf(input, batch),
      output.height * output.width * batch / 4,
      strideOf(output, batch),
      layer.outputs,
      biasQuads,
      batch / 4,
      layer.weight / 4,
      layer.bias / 4,
      layout.arena / 4,
    ],
    buffers: [
      buffers.input,
      buffers.outputGradient,
      structure.positions,
      structure.rowOf,
      buffers.mask,
      buffers.gradient,
    ],
    workgroups: [x, y, replicates],
    label: `${layer.name} weight gradient, compact`,
  };
}

/** Whether four pixels that follow one another may lie in different rows of this width. */
function wraps(width: number): number {
  return Number(width % 4 !== 0);
}

/** Workgroups of eight images per invocation. */
function batchTiles(batch: number): number {
  return Math.ceil(batch / 8 / groupX);
}
