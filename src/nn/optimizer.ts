/**
 * Optimizers: their settings, the table of scalars that a level's steps read, and their launch.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import { flatGrid, type Launch } from "../gpu/program.ts";
import { adam, sgd } from "./kernels.ts";
import type { NetworkLayout } from "./network.ts";

/** Adam (Kingma & Ba 2015), in PyTorch's form: epsilon outside the bias-corrected root. */
export interface AdamSettings {
  /** Which optimizer. */
  readonly type: "adam";
  /** Learning rate. */
  readonly lr: number;
  /** Decay of the first moment; 0.9 when left out. The paper does not state it. */
  readonly beta1?: number;
  /** Decay of the second moment; 0.999 when left out. */
  readonly beta2?: number;
  /** Added to the root of the second moment; 1e-8 when left out. */
  readonly epsilon?: number;
  /** L2 penalty, added to the gradient, biases included; 0 when left out. */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent, in PyTorch's form. */
export interface SgdSettings {
  /** Which optimizer. */
  readonly type: "sgd";
  /** Learning rate. */
  readonly lr: number;
  /** Momentum; 0 when left out. */
  readonly momentum?: number;
  /** L2 penalty, added to the gradient, biases included; 0 when left out. */
  readonly weightDecay?: number;
}

/** How to train. */
export type OptimizerSettings = AdamSettings | SgdSettings;

/** How many moments per parameter an optimizer keeps. */
export function momentsOf(settings: OptimizerSettings): number {
  return settings.type === "adam" ? 2 : 1;
}

/**
 * The scalars of every step, four values each, computed in float64: for Adam (lr / (1 − β1ᵗ), 1 / √(1 − β2ᵗ), 0, 0) with
 * t from 1, for SGD (lr, 0, 0, 0).
 */
export function stepScalars(settings: OptimizerSettings, steps: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(steps * 4);
  for (let step = 0; step < steps; step++) {
    if (settings.type === "adam") {
      const { beta1 = 0.9, beta2 = 0.999 } = settings;
      table[step * 4] = settings.lr / (1 - beta1 ** (step + 1));
      table[step * 4 + 1] = 1 / Math.sqrt(1 - beta2 ** (step + 1));
    } else {
      table[step * 4] = settings.lr;
    }
  }
  return table;
}

/** What the optimizer works on; arenas of all replicates. */
export interface OptimizerBuffers {
  readonly mask: Buffer;
  readonly gradient: Buffer;
  readonly schedule: Buffer;
  readonly state: Buffer;
  readonly parameters: Buffer;
  /** As many as {@linkcode momentsOf} says. */
  readonly moments: readonly Buffer[];
}

/** One optimizer step over the flat arena, fused with the mask. */
export function optimizerStep(
  layout: NetworkLayout,
  replicates: number,
  settings: OptimizerSettings,
  buffers: OptimizerBuffers,
): Launch {
  const quads = layout.arena / 4;
  const [x, y] = flatGrid(quads / 4, 64);
  const shared = [buffers.mask, buffers.gradient, buffers.schedule, buffers.state, buffers.parameters];
  const common = {
    buffers: [...shared, ...buffers.moments],
    workgroups: [x, y, replicates] as const,
    label: `${settings.type} and mask`,
  };
  if (settings.type === "adam") {
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = settings;
    const floats = [beta1, 1 - beta1, beta2, 1 - beta2, epsilon, weightDecay];
    return { ...common, kernel: adam, dims: [quads, x * 64, ...floats.map(floatBits)] };
  }
  const floats = [settings.momentum ?? 0, settings.weightDecay ?? 0];
  return { ...common, kernel: sgd, dims: [quads, x * 64, ...floats.map(floatBits)] };
}

/** The bits of a number as a 32-bit float, for kernels whose dims are all integers. */
export function floatBits(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0] ?? 0;
}
