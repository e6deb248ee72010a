/**
 * The launch that ends a residual block. Its layout stands in the kernel's header.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import { flatGrid, type Launch } from "../gpu/program.ts";
import { addRelu as kernel } from "./kernels.ts";
import { type Extent, roundUp, sizeOf } from "./network.ts";

/** output = relu(input + shortcut). The gradient of both is the output's, gated by it, and needs no launch. */
export function addRelu(
  shape: {
    /** Replicates in lockstep. */
    readonly replicates: number;
    /** Images, padded to a multiple of 8. */
    readonly batch: number;
    /** Of all three tensors. */
    readonly extent: Extent;
  },
  buffers: { readonly input: Buffer; readonly shortcut: Buffer; readonly output: Buffer },
): Launch {
  const rows = sizeOf(shape.extent);
  const rowQuads = shape.batch / 4;
  const quads = rows * rowQuads;
  const [x, y] = flatGrid(Math.ceil(quads / 4), 64);
  return {
    kernel,
    dims: [quads, roundUp(rows, 4) * rowQuads, x * 64],
    buffers: [buffers.input, buffers.shortcut, buffers.output],
    workgroups: [x, y, shape.replicates],
    label: "residual sum",
  };
}
