/**
 * Every arm by its name.
 *
 * @module
 */
import type { Arm } from "./arm.ts";
import { continued, fineTune, learningRateRewind } from "./continued.ts";
import { er, erk } from "./erdos_renyi.ts";
import { grasp, graspInvert, graspReinit, graspShuffle } from "./grasp.ts";
import { magnitudeInit } from "./magnitude_init.ts";
import { type ArmName, maskOwner } from "./names.ts";
import { noise0_5, noise1, noise2, noise3 } from "./noise.ts";
import { oneshot, oneshotReinit } from "./oneshot.ts";
import { random, randomGlobal } from "./random.ts";
import { redraw, redrawSigns } from "./redraw.ts";
import { reinit } from "./reinit.ts";
import { snip, snipInvert, snipReinit, snipShuffle } from "./snip.ts";
import { synflow, synflowInvert, synflowReinit, synflowShuffle } from "./synflow.ts";
import { ticket } from "./ticket.ts";
import { twin } from "./twin.ts";

/** What each arm does. */
export const arms: Readonly<Record<ArmName, Arm>> = {
  "ticket": ticket,
  "reinit": reinit,
  "oneshot": oneshot,
  "oneshot-reinit": oneshotReinit,
  "random": random,
  "random-global": randomGlobal,
  "lr-rewind": learningRateRewind,
  "fine-tune": fineTune,
  "continued": continued,
  "redraw": redraw,
  "redraw-signs": redrawSigns,
  "magnitude-init": magnitudeInit,
  "noise-0.5": noise0_5,
  "noise-1": noise1,
  "noise-2": noise2,
  "noise-3": noise3,
  "twin": twin,
  "snip": snip,
  "snip-shuffle": snipShuffle,
  "snip-invert": snipInvert,
  "snip-reinit": snipReinit,
  "grasp": grasp,
  "grasp-shuffle": graspShuffle,
  "grasp-invert": graspInvert,
  "grasp-reinit": graspReinit,
  "synflow": synflow,
  "synflow-shuffle": synflowShuffle,
  "synflow-invert": synflowInvert,
  "synflow-reinit": synflowReinit,
  "er": er,
  "erk": erk,
};

/**
 * The arm that found the mask which an arm trains with at a level by pruning what it trained: `ticket` at level 1, whose dense network
 * all share. Undefined for arms whose mask is made otherwise.
 */
export function prunerOf(arm: ArmName, level: number): ArmName | undefined {
  const { masks } = arms[arm];
  if (typeof masks === "function") return undefined;
  if (masks === "ticket" || level <= 1) return "ticket";
  return masks === "own" ? arm : maskOwner(arm);
}
