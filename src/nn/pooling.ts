/**
 * Launches of 2 × 2 max pooling and of global average pooling, forward and gradient. Layouts stand in the kernels' headers.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import type { Launch } from "../gpu/program.ts";
import { globalAveragePool as average, globalAveragePoolGradient as averageGradient } from "./kernels.ts";
import { maxPool as largest, maxPoolGradient as largestGradient } from "./kernels.ts";
import { type Extent, roundUp, sizeOf } from "./network.ts";

/** What is pooled, and the shape it runs at. */
export interface PoolShape {
  /** Replicates in lockstep. */
  readonly replicates: number;
  /** Images, padded to a multiple of 8. */
  readonly batch: number;
  /** What comes in. */
  readonly input: Extent;
}

/** A {@linkcode PoolShape} on the way back. */
export interface PoolGradientShape extends PoolShape {
  /** Whether the gradient is zero where the input (a ReLU's output) is not positive. */
  readonly gate: boolean;
}

/** What a pooling's gradient reads and writes. */
export interface PoolGradientBuffers {
  /** What came in, forward. */
  readonly input: Buffer;
  /** The gradient of what went out. */
  readonly outputGradient: Buffer;
  /** The gradient of what came in. */
  readonly gradient: Buffer;
}

/** Workgroups of 8 × 4: eight invocations of eight images cover a batch of 64. */
const group = { groupX: 8, groupY: 4 } as const;

/** output = the largest of each 2 × 2 values; an odd last row or column is left out. */
export function maxPool(shape: PoolShape, buffers: { readonly input: Buffer; readonly output: Buffer }): Launch {
  const { channels, height } = shape.input;
  const lines = channels * Math.floor(height / 2);
  return {
    kernel: largest,
    constants: { ...group },
    dims: maxPoolDims(shape, lines),
    buffers: [buffers.input, buffers.output],
    workgroups: workgroups(shape, lines),
    label: "max pooling",
  };
}

/** The gradient of {@linkcode maxPool}: to the first of the largest values. */
export function maxPoolGradient(shape: PoolGradientShape, buffers: PoolGradientBuffers): Launch {
  const { channels, height } = shape.input;
  const lines = channels * Math.ceil(height / 2);
  return {
    kernel: largestGradient,
    constants: { ...group, gate: Number(shape.gate) },
    dims: maxPoolDims(shape, lines),
    buffers: [buffers.input, buffers.outputGradient, buffers.gradient],
    workgroups: workgroups(shape, lines),
    label: "max pooling gradient",
  };
}

/** output `[channels]` = the mean over rows and columns. */
export function globalAveragePool(
  shape: PoolShape,
  buffers: { readonly input: Buffer; readonly output: Buffer },
): Launch {
  return {
    kernel: average,
    constants: { ...group },
    dims: averageDims(shape),
    buffers: [buffers.input, buffers.output],
    workgroups: workgroups(shape, shape.input.channels),
    label: "global average pooling",
  };
}

/** The gradient of {@linkcode globalAveragePool}: the same for all rows and columns. */
export function globalAveragePoolGradient(shape: PoolGradientShape, buffers: PoolGradientBuffers): Launch {
  return {
    kernel: averageGradient,
    constants: { ...group, gate: Number(shape.gate) },
    dims: averageDims(shape),
    buffers: [buffers.input, buffers.outputGradient, buffers.gradient],
    workgroups: workgroups(shape, shape.input.channels),
    label: "global average pooling gradient",
  };
}

function maxPoolDims({ batch, input }: PoolShape, lines: number): number[] {
  const { channels, height, width } = input;
  const output = { channels, height: Math.floor(height / 2), width: Math.floor(width / 2) };
  return [
    height,
    width,
    output.height,
    output.width,
    lines,
    roundUp(sizeOf(input), 4),
    roundUp(sizeOf(output), 4),
    batch / 4,
  ];
}

function averageDims({ batch, input }: PoolShape): number[] {
  const { channels, height, width } = input;
  return [channels, height * width, roundUp(sizeOf(input), 4), roundUp(channels, 4), batch / 4];
}

function workgroups({ batch, replicates }: PoolShape, lines: number): [number, number, number] {
  return [Math.ceil(batch / 8 / group.groupX), Math.ceil(lines / group.groupY), replicates];
}
