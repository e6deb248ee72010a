/**
 * A mask's counts at other places.
 *
 * @module
 */
import type { RandomStream } from "../../data/random.ts";
import { countKept } from "../../nn/mask.ts";
import type { NetworkLayout } from "../../nn/network.ts";
import { keepRandom } from "./select.ts";

/** A mask that keeps as many weights of every layer as another does, at random places: every choice equally likely. */
export function shuffledWithinLayers(
  layout: NetworkLayout,
  mask: Uint32Array,
  random: RandomStream,
): Uint32Array<ArrayBuffer> {
  return keepRandom(layout, countKept(layout, mask).map((keep, layer) => ({ layers: [layer], keep })), random);
}
