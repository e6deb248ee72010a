/**
 * Launches of the dense layer: forward, input gradient, weight gradient. Layouts stand in the kernels' headers.
 *
 * @module
 */
import type { Launch } from "../gpu/program.ts";
import { denseForward, denseForwardSum, denseInputGradient, denseWeightGradient } from "./kernels.ts";
import type {
  ForwardPassBuffers,
  InputGradientBuffers,
  ScratchBuffers,
  WeightGradientBuffers,
} from "./layer_buffers.ts";
import { type LayerLayout, type NetworkLayout, roundUp } from "./network.ts";

/** A layer in its arena, and the shape it runs at. */
export interface DenseShape {
  /** The network. */
  readonly layout: NetworkLayout;
  /** The layer. */
  readonly layer: LayerLayout;
  /** Replicates in lockstep. */
  readonly replicates: number;
  /** Images, padded to a multiple of 8. */
  readonly batch: number;
}

/** Workgroups of eight tiles in a row, one vector of lavapipe: they cover a batch of 64. */
const row = { groupX: 8, groupY: 1 } as const;

/** Up to this batch, tiles of eight images leave no more lanes idle than tiles of sixteen. */
const narrowBatch = 64;

/**
 * A forward pass over more inputs than this sums them in parts of so many, so that what the output tiles of one part read lies
 * in a cache: 1,024 rows of 64 images are 256 KiB.
 */
const partInputs = 1024;

function partsOf({ inputs }: LayerLayout): number {
  return inputs < 2 * partInputs ? 1 : Math.ceil(inputs / partInputs);
}

/** 32-bit words of scratch that {@linkcode forward} needs; 0 where it sums in one go. */
export function densePartialWords({ layer, replicates, batch }: DenseShape): number {
  const parts = partsOf(layer);
  return parts === 1 ? 0 : replicates * parts * layer.outputQuads * 4 * batch;
}

/** output = activation(weightᵀ · input + bias); in two launches, with `partials` between them, for layers with many inputs. */
export function forward(
  { layout, layer, replicates, batch }: DenseShape,
  buffers: ForwardPassBuffers & ScratchBuffers,
): Launch[] {
  const parts = partsOf(layer);
  const relu = Number(layer.activation === "relu");
  const outputTiles = Math.ceil(layer.outputQuads / 8);
  const wide = batch > narrowBatch;
  const sums: Launch = {
    kernel: denseForward,
    constants: { ...row, relu: parts === 1 ? relu : 0, split: Number(parts > 1), wide: Number(wide) },
    dims: [
      layer.inputs,
      roundUp(layer.inputs, 4),
      layer.outputQuads,
      batch / 4,
      layer.weight / 4,
      layer.bias / 4,
      layout.arena / 4,
      outputTiles,
      parts === 1 ? layer.inputs : partInputs,
      parts,
    ],
    buffers: [buffers.parameters, buffers.input, parts === 1 ? buffers.output : buffers.partials],
    workgroups: tiles(batch / (wide ? 16 : 8), outputTiles * parts, replicates),
    label: `${layer.name} forward`,
  };
  if (parts === 1) return [sums];
  const rows = layer.outputQuads * 4;
  return [sums, {
    kernel: denseForwardSum,
    constants: { relu },
    dims: [rows, batch / 4, parts, layer.bias, layout.arena],
    buffers: [buffers.partials, buffers.parameters, buffers.output],
    workgroups: [Math.ceil(batch / 4 / 8), Math.ceil(rows / 8), replicates],
    label: `${layer.name} forward, sum of parts`,
  }];
}

/** gradient = weight · outputGradient; with `gate`, zero where the input (a ReLU's output) is not positive. */
export function inputGradient(
  { layout, layer, replicates, batch }: DenseShape,
  gate: boolean,
  buffers: InputGradientBuffers,
): Launch {
  return {
    kernel: denseInputGradient,
    constants: { ...row, gate: Number(gate) },
    dims: [
      layer.inputs,
      roundUp(layer.inputs, 4),
      layer.outputQuads,
      batch / 4,
      layer.weight / 4,
      layout.arena / 4,
    ],
    buffers: [buffers.parameters, buffers.outputGradient, buffers.input, buffers.gradient],
    workgroups: tiles(batch / 8, Math.ceil(layer.inputs / 24), replicates),
    label: `${layer.name} input gradient`,
  };
}

/** weight gradient = input · outputGradientᵀ and bias gradient = Σ outputGradient; `masked`: zero where pruned. */
export function weightGradient(
  { layout, layer, replicates, batch }: DenseShape,
  masked: boolean,
  buffers: WeightGradientBuffers,
): Launch {
  return {
    kernel: denseWeightGradient,
    constants: { groupX: row.groupX, masked: Number(masked) },
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
    workgroups: tiles(Math.ceil(layer.outputQuads / 4) * Math.ceil(layer.inputs / 16), 1, replicates),
    label: `${layer.name} weight gradient`,
  };
}

function tiles(x: number, y: number, replicates: number): [number, number, number] {
  return [Math.ceil(x / row.groupX), Math.ceil(y / row.groupY), replicates];
}
