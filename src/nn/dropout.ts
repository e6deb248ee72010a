/**
 * Launches of dropout, forward and gradient. Which values are kept is a function of key, step, dropout and place, drawn anew in
 * both (see the kernel's header).
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import { flatGrid, type Launch } from "../gpu/program.ts";
import { dropout as kernel } from "./kernels.ts";
import { type Extent, roundUp, sizeOf } from "./network.ts";
import { floatBits } from "./optimizer.ts";

/** A dropout, and the shape it runs at. */
export interface DropoutShape {
  /** Replicates in lockstep. */
  readonly replicates: number;
  /** Images, padded to a multiple of 8. */
  readonly batch: number;
  /** What comes in and goes out. */
  readonly extent: Extent;
  /** Fraction that is dropped, from 0 to below 1. */
  readonly rate: number;
  /** Which dropout of the network it is, counted from 0. */
  readonly index: number;
}

/** What both passes read to know which values are kept. */
export interface DropoutBuffers {
  /** Two words per replicate. */
  readonly keys: Buffer;
  /** Which step is being run. */
  readonly state: Buffer;
  /** What came in, forward. */
  readonly input: Buffer;
}

/** output = input / (1 − rate) where it is kept, and 0 elsewhere. */
export function dropout(shape: DropoutShape, buffers: DropoutBuffers & { readonly output: Buffer }): Launch {
  const { keys, state, input, output } = buffers;
  // What the gate would read is bound all the same.
  return launch(shape, false, [keys, state, input, input, output], `dropout${shape.index + 1} forward`);
}

/** gradient = outputGradient / (1 − rate) where the input was kept; with `gate`, and where it (a ReLU's output) is positive. */
export function dropoutGradient(
  shape: DropoutShape & { readonly gate: boolean },
  buffers: DropoutBuffers & { readonly outputGradient: Buffer; readonly gradient: Buffer },
): Launch {
  const { keys, state, input, outputGradient, gradient } = buffers;
  const bound = [keys, state, input, outputGradient, gradient];
  return launch(shape, shape.gate, bound, `dropout${shape.index + 1} gradient`);
}

function launch(
  { replicates, batch, extent, rate, index }: DropoutShape,
  gate: boolean,
  buffers: readonly Buffer[],
  label: string,
): Launch {
  const rows = sizeOf(extent);
  const rowQuads = batch / 4;
  const quads = rows * rowQuads;
  const [x, y] = flatGrid(Math.ceil(quads / 4), 64);
  return {
    kernel,
    constants: { gate: Number(gate) },
    dims: [
      quads,
      roundUp(rows, 4) * rowQuads,
      x * 64,
      index,
      Math.floor(rate * 0x1_0000_0000),
      floatBits(1 / (1 - rate)),
    ],
    buffers,
    workgroups: [x, y, replicates],
    label,
  };
}
