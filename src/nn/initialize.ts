/**
 * Initial weights: Gaussian Glorot everywhere, biases 0, as in the paper. Drawn on the CPU from a counter-based generator,
 * so that they are the same on every adapter.
 *
 * @module
 */
import { type Purpose, RandomStream } from "../data/random.ts";
import { type NetworkLayout, toArena } from "./network.ts";

/** Which draw: a purpose, and numbers that tell draws of one purpose apart. */
export interface InitialDraw {
  /** `weights`, when left out, for a network's own initial values, `reinit` for a control's. */
  readonly purpose?: Extract<Purpose, "weights" | "reinit">;
  /** The level for which a control draws; 0 when left out. */
  readonly level?: number;
  /** Which of a control's draws, from 1; 0 when left out. */
  readonly draw?: number;
  /** Factor on the standard deviation; 1 when left out. */
  readonly scale?: number;
}

/**
 * An arena of initial values: weights with mean 0 and standard deviation √(2 / (fan-in + fan-out)) (Glorot & Bengio 2010),
 * biases 0.
 *
 * @param seed the replicate's seed
 */
export function glorot(
  layout: NetworkLayout,
  seed: number,
  { purpose = "weights", level = 0, draw = 0, scale = 1 }: InitialDraw = {},
): Float32Array<ArrayBuffer> {
  return toArena(
    layout,
    layout.layers.map(({ inputs, outputs, fanOut }, index) => {
      const random = new RandomStream(seed, purpose, index, level, draw);
      const deviation = scale * Math.sqrt(2 / (inputs + fanOut));
      const weight = new Float32Array(inputs * outputs);
      for (let at = 0; at < weight.length; at++) weight[at] = random.normal() * deviation;
      return { weight, bias: new Float32Array(outputs) };
    }),
  );
}
