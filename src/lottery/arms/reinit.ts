/**
 * The re-initialised control.
 *
 * @module
 */
import { glorot } from "../../nn/initialize.ts";
import type { Arm, ArmInput } from "./arm.ts";

/**
 * A fresh draw of initial values for a control. Controls that differ in their masks alone have the same values at the same level
 * and draw, so that the mask is all that differs between them.
 */
export function freshValues(
  { layout, seed, level, draw, initScale }: Pick<ArmInput, "layout" | "seed" | "level" | "draw" | "initScale">,
): Float32Array<ArrayBuffer> {
  return glorot(layout, seed, { purpose: "reinit", level, draw, scale: initScale });
}

/** The ticket's mask with fresh weights. */
export const reinit: Arm = {
  title: "ticket's mask, re-initialised",
  about:
    "The ticket's mask over a fresh draw of initial values: what is left of the ticket without its initialisation " +
    "(Frankle & Carbin 2019, Figures 3, 4, 5, 7 and 8).",
  masks: "ticket",
  start: freshValues,
};
