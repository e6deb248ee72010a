/**
 * Re-initialisation from the ticket's own values: D_m, the distribution of a layer's surviving initial values, without their places.
 *
 * Every survivor's value is drawn from its layer's surviving values, independently and with replacement: a draw from the empirical
 * distribution, where a permutation would give each value once. With late rewinding they are the values that the ticket is
 * rewound to. Layers that are not pruned are drawn anew too; biases and batch norms stay.
 *
 * @module
 */
import { bitOf } from "../../nn/mask.ts";
import { forEachWeight } from "../../nn/network.ts";
import type { Arm, StartInput } from "./arm.ts";
import type { ArmName } from "./names.ts";
import { armStream } from "./stream.ts";

/**
 * Per layer, every survivor's value replaced by that of a random survivor of its own class.
 *
 * @param classOf which survivors may stand in for one another
 */
function redrawn(input: StartInput, arm: ArmName, classOf: (value: number) => 0 | 1): Float32Array<ArrayBuffer> {
  const { layout, rewound, mask } = input;
  const start = Float32Array.from(rewound);
  layout.layers.forEach((layer, index) => {
    const random = armStream(input, "redraw", arm, index);
    const pools: readonly [number[], number[]] = [[], []];
    forEachWeight(layer, (at) => {
      const value = rewound[at] ?? 0;
      if (bitOf(mask, at)) pools[classOf(value)].push(value);
    });
    forEachWeight(layer, (at) => {
      if (!bitOf(mask, at)) return;
      const pool = pools[classOf(rewound[at] ?? 0)];
      start[at] = pool[random.below(pool.length)] ?? 0;
    });
  });
  return start;
}

/** The ticket's mask, values drawn from its own. */
export const redraw: Arm = {
  title: "re-init from D_m",
  about:
    "The ticket's mask; each survivor's initial value is drawn with replacement from its layer's surviving initial " +
    "values (Frankle & Carbin 2019, Figure 17).",
  masks: "ticket",
  start: (input) => redrawn(input, "redraw", () => 0),
};

/** The same with each weight's sign kept. */
export const redrawSigns: Arm = {
  title: "re-init from D_m, signs kept",
  about:
    "The ticket's mask; each survivor's initial value is drawn with replacement from its layer's surviving initial " +
    "values of the same sign, zero counting as positive (after Frankle & Carbin 2019, Figure 17, and Zhou et al. 2019, " +
    "arXiv 1905.01067).",
  masks: "ticket",
  start: (input) => redrawn(input, "redraw-signs", (value) => value < 0 ? 1 : 0),
};
