/**
 * The names of shades: which arms have a ramp of them, and what their classes are called. A leaf: it loads nothing but types, so that
 * a page's script may use it.
 *
 * @module
 */
import type { ArmName } from "../lottery/arms/names.ts";

/** The arms that have a ramp. */
export const rampArms = ["ticket", "reinit"] as const satisfies readonly ArmName[];

/** An arm that has a ramp. */
export type RampArm = (typeof rampArms)[number];

/** How many steps of a ramp have a class in the stylesheet: 2, 3, 4, 5, 7 and 13 levels are evenly apart on them. */
export const rampSteps = 13;

/** Whether an arm has a ramp. */
export function isRampArm(arm: ArmName): arm is RampArm {
  return rampArms.some((own) => own === arm);
}

/**
 * The class of an arm's shade, from 0 (its first level after the dense one) to 1 (its last); the arm's own class where it has no
 * ramp.
 */
export function shadeClass(arm: ArmName, position: number): string {
  return isRampArm(arm) ? `ramp-${arm}-${Math.round(position * (rampSteps - 1))}` : `arm-${arm}`;
}
