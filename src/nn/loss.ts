/**
 * Launches around the loss: softmax cross-entropy, the end of a step, the sums of an evaluation.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import { flatGrid, type Launch } from "../gpu/program.ts";
import { advanceStep, evaluationSums, keepBest, softmaxCrossEntropy } from "./kernels.ts";
import { type NetworkLayout, roundUp } from "./network.ts";
import { floatBits } from "./optimizer.ts";

/** Loss, gradient and correct count per image. */
export function crossEntropy(
  shape: {
    /** Classes. */
    readonly outputs: number;
    readonly replicates: number;
    /** Images, padded to a multiple of 8. */
    readonly batch: number;
    /** Where the chunk's losses begin, a multiple of 4. */
    readonly start: number;
    /** Losses of one replicate, a multiple of 4. */
    readonly lossStride: number;
    /** The gradient's factor, 1 / valid images; without it no gradient is written. */
    readonly scale?: number;
  },
  buffers: {
    readonly logits: Buffer;
    readonly labels: Buffer;
    /** Written when there is a scale; otherwise any buffer of its own. */
    readonly gradient: Buffer;
    readonly losses: Buffer;
    readonly correct: Buffer;
  },
): Launch {
  return {
    kernel: softmaxCrossEntropy,
    constants: { outputs: shape.outputs, withGradient: Number(shape.scale !== undefined) },
    dims: [
      roundUp(shape.outputs, 4),
      shape.batch / 4,
      shape.start / 4,
      shape.lossStride / 4,
      floatBits(shape.scale ?? 0),
    ],
    buffers: [buffers.logits, buffers.labels, buffers.gradient, buffers.losses, buffers.correct],
    workgroups: [Math.ceil(shape.batch / 4 / 8), 1, shape.replicates],
    label: "softmax cross-entropy",
  };
}

/** Adds a batch's losses to the running sums, flags a loss that is not finite, moves the step counter on. */
export function endOfStep(
  shape: { readonly replicates: number; readonly batch: number; readonly images: number },
  buffers: { readonly losses: Buffer; readonly correct: Buffer; readonly state: Buffer },
): Launch {
  return {
    kernel: advanceStep,
    dims: [shape.batch / 4, floatBits(1 / shape.images)],
    buffers: [buffers.losses, buffers.correct, buffers.state],
    workgroups: [1, 1, shape.replicates],
    label: "end of step",
  };
}

/** Sums an evaluation's losses and correct counts into the record; with `keepsBest` also decides whether it is the best so far. */
export function sums(
  shape: {
    readonly replicates: number;
    /** Losses of one replicate, a multiple of 4. */
    readonly lossStride: number;
    /** How many vec4 of them to sum. */
    readonly quads: number;
    /** Where in the record: one of {@linkcode recordSlot}. */
    readonly slot: number;
    readonly keepsBest: boolean;
  },
  buffers: { readonly losses: Buffer; readonly correct: Buffer; readonly state: Buffer; readonly record: Buffer },
): Launch {
  return {
    kernel: evaluationSums,
    constants: { keepsBest: Number(shape.keepsBest) },
    dims: [shape.quads, shape.lossStride / 4, shape.slot],
    buffers: [buffers.losses, buffers.correct, buffers.state, buffers.record],
    workgroups: [1, 1, shape.replicates],
    label: "evaluation sums",
  };
}

/** Copies the parameters of the replicates that just had their best evaluation. */
export function copyIfBest(
  layout: NetworkLayout,
  replicates: number,
  buffers: { readonly state: Buffer; readonly parameters: Buffer; readonly best: Buffer },
): Launch {
  const quads = layout.arena / 4;
  const [x, y] = flatGrid(quads / 4, 64);
  return {
    kernel: keepBest,
    dims: [quads, x * 64],
    buffers: [buffers.state, buffers.parameters, buffers.best],
    workgroups: [x, y, replicates],
    label: "keep best",
  };
}
