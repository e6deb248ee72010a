/**
 * Launches of the dense layer with tiles in workgroup memory, for graphics cards: what `dense.ts` has, under the same names.
 * Layouts stand in the kernels' headers.
 *
 * @module
 */
import type { Launch } from "../gpu/program.ts";
import type { DenseShape } from "./dense.ts";
import {
  denseForwardSum,
  denseForwardWorkgroup,
  denseInputGradientSum,
  denseInputGradientWorkgroup,
  denseWeightGradientWorkgroup,
} from "./kernels.ts";
import type {
  ForwardPassBuffers,
  InputGradientBuffers,
  ScratchBuffers,
  WeightGradientBuffers,
} from "./layer_buffers.ts";
import { type LayerLayout, roundUp } from "./network.ts";

/** Outputs of a forward tile, and inputs of an input gradient's; 64 images of either. */
const tileRows = 16;

/** What a tile sums between two barriers. */
const chunk = 16;

/** Rows and columns of a weight gradient's tile. */
const weightTile = 32;

/**
 * Sums are split until a batch of 64 has so many workgroups, of 64 invocations: some for each core of a graphics card. Not measured
 * on one.
 */
const leastWorkgroups = 128;

/** How a sum is split. */
interface Parts {
  /** Into so many. */
  readonly count: number;
  /** Terms of each part but the last. */
  readonly terms: number;
}

/**
 * Parts of whole chunks, at least `least` of them, and of no more values together than four times the layer's larger side: an
 * evaluation's activations take a quarter of what every adapter can bind. They depend on the layer alone, so that no number depends
 * on the batch or on R.
 */
function partsOf(tiles: number, terms: number, least: number): Parts {
  const rows = tiles * tileRows;
  const wanted = Math.max(
    1,
    Math.min(
      Math.ceil(leastWorkgroups / tiles),
      Math.floor(terms / (least * chunk)),
      Math.floor(4 * Math.max(terms, rows) / rows),
    ),
  );
  const own = roundUp(Math.ceil(terms / wanted), chunk);
  return { count: Math.ceil(terms / own), terms: own };
}

/**
 * Of so few inputs the sum is not split: a network's last layer has as few and few outputs too, so that parts would not fill a card
 * either, and a second launch is expected to take longer than eight chunks do.
 */
const wholeInputs = 128;

/** At least two chunks, for the price of writing and reading the part's sums. */
function forwardParts({ inputs, outputQuads }: LayerLayout): Parts {
  if (inputs <= wholeInputs) return { count: 1, terms: roundUp(inputs, chunk) };
  return partsOf(Math.ceil(outputQuads * 4 / tileRows), inputs, 2);
}

function inputGradientParts({ inputs, outputQuads }: LayerLayout): Parts {
  return partsOf(Math.ceil(inputs / tileRows), outputQuads * 4, 1);
}

/** 32-bit words of scratch that {@linkcode forward} and {@linkcode inputGradient} need; 0 where both sum in one go. */
export function densePartialWords({ layer, replicates, batch }: DenseShape): number {
  const forward = forwardParts(layer).count;
  const back = inputGradientParts(layer).count;
  const rows = Math.max(
    forward > 1 ? forward * layer.outputQuads * 4 : 0,
    back > 1 ? back * roundUp(layer.inputs, 4) : 0,
  );
  return replicates * rows * batch;
}

/** output = activation(weightᵀ · input + bias); in two launches, with `partials` between them, where the sum is split. */
export function forward(
  { layout, layer, replicates, batch }: DenseShape,
  buffers: ForwardPassBuffers & ScratchBuffers,
): Launch[] {
  const parts = forwardParts(layer);
  const isSplit = parts.count > 1;
  const relu = Number(layer.activation === "relu");
  const outputTiles = Math.ceil(layer.outputQuads * 4 / tileRows);
  const sums: Launch = {
    kernel: denseForwardWorkgroup,
    constants: { relu: isSplit ? 0 : relu, split: Number(isSplit) },
    dims: [
      layer.inputs,
      roundUp(layer.inputs, 4),
      layer.outputQuads,
      batch / 4,
      layer.weight / 4,
      layer.bias / 4,
      layout.arena / 4,
      outputTiles,
      parts.terms,
      parts.count,
    ],
    buffers: [buffers.parameters, buffers.input, isSplit ? buffers.partials : buffers.output],
    workgroups: [Math.ceil(batch / 64), outputTiles * parts.count, replicates],
    label: `${layer.name} forward`,
  };
  if (!isSplit) return [sums];
  const rows = layer.outputQuads * 4;
  return [sums, {
    kernel: denseForwardSum,
    constants: { relu },
    dims: [rows, batch / 4, parts.count, layer.bias, layout.arena],
    buffers: [buffers.partials, buffers.parameters, buffers.output],
    workgroups: [Math.ceil(batch / 4 / 8), Math.ceil(rows / 8), replicates],
    label: `${layer.name} forward, sum of parts`,
  }];
}

/**
 * gradient = weight · outputGradient; with `gate`, zero where the input (a ReLU's output) is not positive. In two launches, with
 * `partials` between them, where the sum is split.
 */
export function inputGradient(
  { layout, layer, replicates, batch }: DenseShape,
  gate: boolean,
  buffers: InputGradientBuffers & ScratchBuffers,
): Launch[] {
  const parts = inputGradientParts(layer);
  const isSplit = parts.count > 1;
  const inputTiles = Math.ceil(layer.inputs / tileRows);
  const inputRows = roundUp(layer.inputs, 4);
  const sums: Launch = {
    kernel: denseInputGradientWorkgroup,
    constants: { gate: Number(gate && !isSplit), split: Number(isSplit) },
    dims: [
      layer.inputs,
      inputRows,
      layer.outputQuads,
      batch / 4,
      layer.weight / 4,
      layout.arena / 4,
      inputTiles,
      parts.terms / 4,
      parts.count,
    ],
    buffers: [
      buffers.parameters,
      buffers.outputGradient,
      buffers.input,
      isSplit ? buffers.partials : buffers.gradient,
    ],
    workgroups: [Math.ceil(batch / 64), inputTiles * parts.count, replicates],
    label: `${layer.name} input gradient`,
  };
  if (!isSplit) return [sums];
  return [sums, {
    kernel: denseInputGradientSum,
    constants: { gate: Number(gate) },
    dims: [layer.inputs, inputRows, batch / 4, parts.count],
    buffers: [buffers.partials, buffers.input, buffers.gradient],
    workgroups: [Math.ceil(batch / 4 / 8), Math.ceil(layer.inputs / 8), replicates],
    label: `${layer.name} input gradient, sum of parts`,
  }];
}

/** weight gradient = input · outputGradientᵀ and bias gradient = Σ outputGradient; `masked`: zero where pruned. */
export function weightGradient(
  { layout, layer, replicates, batch }: DenseShape,
  masked: boolean,
  buffers: WeightGradientBuffers,
): Launch {
  return {
    kernel: denseWeightGradientWorkgroup,
    constants: { masked: Number(masked) },
    dims: [
      layer.inputs,
      roundUp(layer.inputs, 4),
      layer.outputQuads,
      batch / 4,
      layer.weight / 4,
      layer.bias / 4,
      layout.arena / 4,
    ],
    buffers: [buffers.input, buffers.outputGradient, buffers.mask, buffers.gradient],
    workgroups: [
      Math.ceil(layer.outputQuads * 4 / weightTile),
      Math.ceil(layer.inputs / weightTile),
      replicates,
    ],
    label: `${layer.name} weight gradient`,
  };
}
