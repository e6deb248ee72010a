/**
 * Launches of batch norm: statistics and normalisation in training, normalisation in evaluation, and the gradients. Layouts
 * stand in the kernels' headers.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import type { Launch } from "../gpu/program.ts";
import {
  batchNormFinish,
  batchNormForward,
  batchNormGradientFinish,
  batchNormGradientSums,
  batchNormInputGradient,
  batchNormStatistics,
} from "./kernels.ts";
import { type NetworkLayout, type NormLayout, roundUp, sizeOf } from "./network.ts";

/** A batch norm in its arena, and the shape it runs at. */
export interface BatchNormShape {
  /** The network. */
  readonly layout: NetworkLayout;
  /** The batch norm. */
  readonly norm: NormLayout;
  /** Replicates in lockstep. */
  readonly replicates: number;
  /** Images, padded to a multiple of 8. */
  readonly batch: number;
  /** Images, without padding: what the statistics are of. */
  readonly images: number;
}

/** Workgroups of 8 × 4 for passes over activations: eight invocations of eight images cover a batch of 64. */
const group = { groupX: 8, groupY: 4 } as const;

/** Workgroups of the passes with one invocation per channel. */
const channelGroup = { groupX: 8 } as const;

/**
 * Rows of a channel that one invocation goes over: an image of 32 × 32 makes 16 parts, and one of 4 × 4 a single one. Enough
 * invocations for a GPU with few channels, and few enough parts to be merged one after the other.
 */
function partRowsOf(plane: number): number {
  return Math.max(16, Math.ceil(plane / 16));
}

/** 32-bit words that a norm keeps from forward to backward: mean and variance per channel and replicate. */
export function batchNormSavedWords({ norm, replicates }: BatchNormShape): number {
  return replicates * 2 * norm.extent.channels;
}

/** 32-bit words of scratch for sums in parts, within one call: norms may share it. */
export function batchNormPartialWords(shape: BatchNormShape): number {
  const { channels, parts, tiles } = sizesOf(shape);
  return shape.replicates * channels * parts * tiles * 4;
}

/**
 * output = activation((input − mean) · scale / √(variance + 1e-5) + shift) with the batch's mean and variance, which are saved;
 * the running ones move towards them.
 */
export function batchNormTraining(
  shape: BatchNormShape,
  buffers: {
    /** Arenas: scale and shift are read, running mean and variance updated. */
    readonly parameters: Buffer;
    readonly input: Buffer;
    readonly output: Buffer;
    /** {@linkcode batchNormSavedWords}. */
    readonly saved: Buffer;
    /** {@linkcode batchNormPartialWords}. */
    readonly partials: Buffer;
  },
): Launch[] {
  const { layout, norm, images, replicates } = shape;
  const { parameters, input, output, saved, partials } = buffers;
  const { channels, parts, tiles } = sizesOf(shape);
  return [
    {
      kernel: batchNormStatistics,
      constants: { ...group },
      dims: [...rowDims(shape), images],
      buffers: [input, partials],
      workgroups: rowGrid(shape),
      label: `${norm.name} statistics`,
    },
    {
      kernel: batchNormFinish,
      constants: { ...channelGroup },
      dims: [channels, parts * tiles, norm.mean, norm.variance, layout.arena],
      buffers: [partials, saved, parameters],
      workgroups: channelGrid(channels, replicates),
      label: `${norm.name} statistics, together`,
    },
    normalize(
      shape,
      { mean: 0, variance: channels, stride: 2 * channels },
      { parameters, statistics: saved, input, output },
    ),
  ];
}

/** The same with the running mean and variance. */
export function batchNormEvaluation(
  shape: BatchNormShape,
  buffers: { readonly parameters: Buffer; readonly input: Buffer; readonly output: Buffer },
): Launch {
  const { layout, norm } = shape;
  const running = { mean: norm.mean, variance: norm.variance, stride: layout.arena };
  return normalize(shape, running, { ...buffers, statistics: buffers.parameters });
}

/**
 * Gradients of scale, shift and input. The output's gradient has passed the norm's own ReLU already; `gate` concerns the ReLU
 * that made the norm's input.
 */
export function batchNormGradient(
  shape: BatchNormShape,
  gate: boolean,
  buffers: {
    /** Arenas; scale is read. */
    readonly parameters: Buffer;
    readonly input: Buffer;
    readonly outputGradient: Buffer;
    /** What {@linkcode batchNormTraining} saved. */
    readonly saved: Buffer;
    /** {@linkcode batchNormPartialWords}. */
    readonly partials: Buffer;
    /** Arenas; the gradients of scale and shift are written. */
    readonly gradient: Buffer;
    readonly inputGradient: Buffer;
  },
): Launch[] {
  const { layout, norm, images, replicates } = shape;
  const { parameters, input, outputGradient, saved, partials, gradient, inputGradient } = buffers;
  const { channels, parts, tiles } = sizesOf(shape);
  return [
    {
      kernel: batchNormGradientSums,
      constants: { ...group },
      dims: rowDims(shape),
      buffers: [saved, input, outputGradient, partials],
      workgroups: rowGrid(shape),
      label: `${norm.name} gradient sums`,
    },
    {
      kernel: batchNormGradientFinish,
      constants: { ...channelGroup },
      dims: [channels, parts * tiles, norm.scale, norm.shift, layout.arena],
      buffers: [partials, saved, gradient],
      workgroups: channelGrid(channels, replicates),
      label: `${norm.name} gradient sums, together`,
    },
    {
      kernel: batchNormInputGradient,
      constants: { ...group, gate: Number(gate) },
      dims: [...rowDims(shape), images, norm.scale, norm.shift, layout.arena],
      buffers: [parameters, saved, gradient, input, outputGradient, inputGradient],
      workgroups: rowGrid(shape),
      label: `${norm.name} input gradient`,
    },
  ];
}

function normalize(
  shape: BatchNormShape,
  statistics: { readonly mean: number; readonly variance: number; readonly stride: number },
  buffers: {
    readonly parameters: Buffer;
    readonly statistics: Buffer;
    readonly input: Buffer;
    readonly output: Buffer;
  },
): Launch {
  const { layout, norm } = shape;
  return {
    kernel: batchNormForward,
    constants: { ...group, relu: Number(norm.activation === "relu") },
    dims: [
      ...rowDims(shape),
      norm.scale,
      norm.shift,
      layout.arena,
      statistics.mean,
      statistics.variance,
      statistics.stride,
    ],
    buffers: [buffers.parameters, buffers.statistics, buffers.input, buffers.output],
    workgroups: rowGrid(shape),
    label: `${norm.name} forward`,
  };
}

/** How the passes over activations are cut: by the shape of the layer and the batch alone. */
function sizesOf({ norm, batch }: BatchNormShape): {
  readonly channels: number;
  readonly plane: number;
  readonly partRows: number;
  readonly parts: number;
  readonly tiles: number;
} {
  const { channels, height, width } = norm.extent;
  const plane = height * width;
  const partRows = partRowsOf(plane);
  return { channels, plane, partRows, parts: Math.ceil(plane / partRows), tiles: batch / 8 };
}

/** The head that the passes over activations have in common. */
function rowDims(shape: BatchNormShape): number[] {
  const { channels, plane, partRows, parts } = sizesOf(shape);
  return [channels, plane, parts, partRows, roundUp(sizeOf(shape.norm.extent), 4), shape.batch / 4];
}

function rowGrid(shape: BatchNormShape): [number, number, number] {
  const { channels, parts, tiles } = sizesOf(shape);
  return [Math.ceil(tiles / group.groupX), Math.ceil(channels * parts / group.groupY), shape.replicates];
}

function channelGrid(channels: number, replicates: number): [number, number, number] {
  return [Math.ceil(channels / channelGroup.groupX), 1, replicates];
}
