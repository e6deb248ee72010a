/**
 * What the launches of a layer work on, dense or convolution, masked-dense or compact, with whatever tiles.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";

/** Of a forward pass. */
export interface ForwardPassBuffers {
  /** Arenas of all replicates. */
  readonly parameters: Buffer;
  /** `[R][rows][N]`. */
  readonly input: Buffer;
  /** Likewise; written. */
  readonly output: Buffer;
}

/** Of the gradient of a layer's input. */
export interface InputGradientBuffers {
  /** Arenas of all replicates. */
  readonly parameters: Buffer;
  /** `[R][rows][N]`. */
  readonly outputGradient: Buffer;
  /** What came in, for the gate. */
  readonly input: Buffer;
  /** Like `input`; written. */
  readonly gradient: Buffer;
}

/** Of the gradients of a layer's weights and bias. */
export interface WeightGradientBuffers {
  /** `[R][rows][N]`: what came in. */
  readonly input: Buffer;
  /** `[R][rows][N]`. */
  readonly outputGradient: Buffer;
  /** One bit per parameter. */
  readonly mask: Buffer;
  /** Arenas of all replicates; written. */
  readonly gradient: Buffer;
}

/** Scratch between two launches of a layer. */
export interface ScratchBuffers {
  /** As many 32-bit words as the layer says that it needs; not touched where it takes one launch. */
  readonly partials: Buffer;
}
