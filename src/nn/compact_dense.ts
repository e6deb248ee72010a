/**
 * Launches of the compact dense layer: forward, input gradient, weight gradient of the survivors only. Layouts stand in the kernels'
 * headers, and `compactStructure` makes what they read beside the values.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import { flatGrid, type Launch } from "../gpu/program.ts";
import type { DenseShape } from "./dense.ts";
import * as kernels from "./kernels.ts";
import type { ForwardPassBuffers, InputGradientBuffers, WeightGradientBuffers } from "./layer_buffers.ts";
import { roundUp } from "./network.ts";

/**
 * Where the survivors of a layer stand, on the GPU: buffers of all replicates, as `compactStructure` computes them; of a convolution
 * as `convolutionStructure` does, where taps stand for inputs.
 */
export interface CompactStructure {
  /** `[R][O + 1]`: the first quad of each output row. */
  readonly rows: Buffer;
  /** `[R][quads]`: the inputs of four values. */
  readonly positions: Buffer;
  /** `[R][quads]`: the output row of each quad. */
  readonly rowOf: Buffer;
  /** `[R][I + 1]`: the first entry of each input. */
  readonly columns: Buffer;
  /** `[R][entryCount]`: (index of the value, output row). */
  readonly entries: Buffer;
  /** Quads of one replicate, a multiple of 16. */
  readonly quads: number;
  /** Entries of one replicate. */
  readonly entryCount: number;
}

/** Workgroups of a batch of 64 × 4 rows: eight invocations, one vector of lavapipe, do one row. */
const group = { groupX: 8, groupY: 4 } as const;

/** output = activation(weightᵀ · input + bias), in the order of the dense kernel. */
export function compactForward(
  { layout, layer, replicates, batch }: DenseShape,
  structure: CompactStructure,
  buffers: ForwardPassBuffers,
): Launch {
  const outputRows = layer.outputQuads * 4;
  return {
    kernel: kernels.compactForward,
    constants: { ...group, relu: Number(layer.activation === "relu") },
    dims: [
      roundUp(layer.inputs, 4),
      layer.outputs,
      outputRows,
      batch / 4,
      layer.weight / 4,
      layer.bias / 4,
      layout.arena / 4,
      structure.quads,
    ],
    buffers: [buffers.parameters, structure.rows, structure.positions, buffers.input, buffers.output],
    workgroups: tiles(batch, outputRows, replicates),
    label: `${layer.name} forward, compact`,
  };
}

/** gradient = weight · outputGradient; with `gate`, zero where the input (a ReLU's output) is not positive. */
export function compactInputGradient(
  { layout, layer, replicates, batch }: DenseShape,
  structure: CompactStructure,
  gate: boolean,
  buffers: InputGradientBuffers,
): Launch {
  return {
    kernel: kernels.compactInputGradient,
    constants: { ...group, gate: Number(gate) },
    dims: [
      layer.inputs,
      roundUp(layer.inputs, 4),
      layer.outputQuads * 4,
      batch / 4,
      layer.weight,
      layout.arena,
      structure.entryCount,
    ],
    buffers: [
      buffers.parameters,
      structure.columns,
      structure.entries,
      buffers.outputGradient,
      buffers.input,
      buffers.gradient,
    ],
    workgroups: tiles(batch, layer.inputs, replicates),
    label: `${layer.name} input gradient, compact`,
  };
}

/** The gradient of each survivor, zeros in the padding, and bias gradient = Σ outputGradient. */
export function compactWeightGradient(
  { layout, layer, replicates, batch }: DenseShape,
  structure: CompactStructure,
  buffers: WeightGradientBuffers,
): Launch {
  const [x, y] = flatGrid(structure.quads + layer.outputQuads, 64);
  return {
    kernel: kernels.compactWeightGradient,
    dims: [
      structure.quads,
      x * 64,
      roundUp(layer.inputs, 4),
      layer.outputQuads,
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

function tiles(batch: number, rows: number, replicates: number): [number, number, number] {
  return [Math.ceil(batch / 8 / group.groupX), Math.ceil(rows / group.groupY), replicates];
}
