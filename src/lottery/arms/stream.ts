/**
 * Random numbers of arms.
 *
 * @module
 */
import { type Purpose, RandomStream } from "../../data/random.ts";
import type { ArmInput } from "./arm.ts";
import { armCode, type ArmName } from "./names.ts";

/**
 * The stream of one purpose that an arm draws from for one network: its own, whatever other arms draw at the same level.
 *
 * @param layer tells streams of one network apart, below 2¹⁶
 */
export function armStream(
  { seed, level, draw }: Pick<ArmInput, "seed" | "level" | "draw">,
  purpose: Extract<Purpose, "mask" | "redraw">,
  arm: ArmName,
  layer = 0,
): RandomStream {
  return new RandomStream(seed, purpose, armCode(arm) * 0x1_0000 + layer, level, draw);
}
