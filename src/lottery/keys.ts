/**
 * Networks of an experiment by their keys.
 *
 * @module
 */
import type { NetworkKey } from "./types.ts";

/** Whether two keys are of one network. */
export function isSame(a: NetworkKey, b: NetworkKey): boolean {
  return a.arm === b.arm && a.level === b.level && a.replicate === b.replicate && a.draw === b.draw;
}

/** A network in a message. */
export function describe({ arm, level, replicate, draw }: NetworkKey): string {
  return `${arm} of level ${level}, replicate ${replicate}, draw ${draw}`;
}
