/**
 * Optimizers: their settings, the table of scalars that a level's steps read, and their launch.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import { flatGrid, type Launch } from "../gpu/program.ts";
import { adam, sgd } from "./kernels.ts";
import type { NetworkLayout } from "./network.ts";

/** How the learning rate changes over a training, whatever the optimizer. */
export interface LearningRateSettings {
  /** Learning rate. */
  readonly lr: number;
  /** Iterations over which the learning rate rises linearly from 0; none when left out or 0. */
  readonly warmup?: number;
  /** Iterations from which on the learning rate is multiplied by {@linkcode dropFactor}, once more at each. */
  readonly drops?: readonly number[];
  /** Factor of each drop; 0.1 when left out. */
  readonly dropFactor?: number;
}

/** Adam (Kingma & Ba 2015), in PyTorch's form: epsilon outside the bias-corrected root. */
export interface AdamSettings extends LearningRateSettings {
  /** Which optimizer. */
  readonly type: "adam";
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
export interface SgdSettings extends LearningRateSettings {
  /** Which optimizer. */
  readonly type: "sgd";
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
 * The learning rate of an iteration, counted from 0: lr · min(1, (t + 1) / warmup) · dropFactor^(drops at or before t). The
 * first step of a warmup is one part of it above 0, and the step `warmup` the first after it at the full rate.
 */
export function learningRate(
  { lr, warmup = 0, drops = [], dropFactor = 0.1 }: LearningRateSettings,
  iteration: number,
): number {
  const passed = drops.filter((drop) => drop <= iteration).length;
  return lr * Math.min(1, warmup === 0 ? 1 : (iteration + 1) / warmup) * dropFactor ** passed;
}

/**
 * The scalars of every iteration, four values each, computed in float64: for Adam (lr / (1 − β1ᵗ), 1 / √(1 − β2ᵗ), 0, 0), for
 * SGD (lr, 0, 0, 0), with the {@linkcode learningRate} of the iteration. Adam's moments start from zero wherever training
 * starts, so its t counts from 1 at iteration `first`; the learning rate goes by the iteration itself, so that a rewound
 * training takes its schedule up where the rewound weights were.
 *
 * @param steps the iteration at which training ends
 * @param first the iteration at which it starts; entries before it are zero and never read
 */
export function stepScalars(settings: OptimizerSettings, steps: number, first = 0): Float32Array<ArrayBuffer> {
  const table = new Float32Array(steps * 4);
  for (let iteration = first; iteration < steps; iteration++) {
    const lr = learningRate(settings, iteration);
    if (settings.type === "adam") {
      const { beta1 = 0.9, beta2 = 0.999 } = settings;
      const t = iteration - first + 1;
      table[iteration * 4] = lr / (1 - beta1 ** t);
      table[iteration * 4 + 1] = 1 / Math.sqrt(1 - beta2 ** t);
    } else {
      table[iteration * 4] = lr;
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

/**
 * One optimizer step over the flat arena, fused with the mask. It ends where the trained values do: the running statistics
 * of batch norms behind them are none of its business.
 */
export function optimizerStep(
  layout: NetworkLayout,
  replicates: number,
  settings: OptimizerSettings,
  buffers: OptimizerBuffers,
): Launch {
  const quads = layout.trained / 4;
  const stride = layout.arena / 4;
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
    return { ...common, kernel: adam, dims: [quads, stride, x * 64, ...floats.map(floatBits)] };
  }
  const floats = [settings.momentum ?? 0, settings.weightDecay ?? 0];
  return { ...common, kernel: sgd, dims: [quads, stride, x * 64, ...floats.map(floatBits)] };
}

/** The bits of a number as a 32-bit float, for kernels whose dims are all integers. */
export function floatBits(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0] ?? 0;
}
