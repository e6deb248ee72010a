/**
 * Noise on the ticket's initial values: N(0, (c · σ)²) on every weight, σ being the standard deviation of its layer's initial values.
 *
 * σ is measured over all of the layer's θ0, not taken from Glorot's formula, so that it holds for any initialisation. Biases and
 * batch norms stay. The four arms add the same noise at the same level and draw, c times as large: what differs between
 * them is its size alone.
 *
 * @module
 */
import { RandomStream } from "../../data/random.ts";
import { forEachWeight, fromArena } from "../../nn/network.ts";
import type { Arm, StartInput } from "./arm.ts";

/** @param times c */
function noise(times: number): Arm {
  return {
    title: `ticket + noise of ${times} σ`,
    about:
      `The ticket's mask and its initial values, to each of which normal noise of ${times} standard deviations of its ` +
      "layer's initialisation is added (Frankle & Carbin 2019, Figure 25).",
    masks: "ticket",
    start: (input) => noisy(input, times),
  };
}

function noisy(
  { layout, seed, level, draw, initial, rewound }: StartInput,
  times: number,
): Float32Array<ArrayBuffer> {
  const start = Float32Array.from(rewound);
  const deviations = fromArena(layout, initial).map(({ weight }) => standardDeviation(weight));
  layout.layers.forEach((layer, index) => {
    const random = new RandomStream(seed, "noise", index, level, draw);
    const deviation = times * (deviations[index] ?? 0);
    forEachWeight(layer, (at) => {
      start[at] = (start[at] ?? 0) + random.normal() * deviation;
    });
  });
  return start;
}

/** Of the values themselves, not of what they are a sample of: divided by their number. */
function standardDeviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Noise of 0.5 σ. */
export const noise0_5: Arm = noise(0.5);

/** Noise of 1 σ. */
export const noise1: Arm = noise(1);

/** Noise of 2 σ. */
export const noise2: Arm = noise(2);

/** Noise of 3 σ. */
export const noise3: Arm = noise(3);
