/**
 * The arms of an experiment: their names, and what counting their networks takes. Apart from what they do, so that pages and parsers
 * of files need no more than this.
 *
 * @module
 */

/** An arm: the tickets, or a control trained beside them. */
export type ArmName =
  | "ticket"
  | "reinit"
  | "oneshot"
  | "oneshot-reinit"
  | "random"
  | "random-global"
  | "lr-rewind"
  | "fine-tune"
  | "continued"
  | "redraw"
  | "redraw-signs"
  | "magnitude-init"
  | "noise-0.5"
  | "noise-1"
  | "noise-2"
  | "noise-3"
  | "twin"
  | "snip"
  | "snip-shuffle"
  | "snip-invert"
  | "snip-reinit"
  | "grasp"
  | "grasp-shuffle"
  | "grasp-invert"
  | "grasp-reinit"
  | "synflow"
  | "synflow-shuffle"
  | "synflow-invert"
  | "synflow-reinit"
  | "er"
  | "erk";

/** What of an arm is known without knowing what it does. */
interface ArmTraits {
  /** Tells its random streams from those of other arms: each arm has a data order of its own. */
  readonly code: number;
  /** Whether it draws at random, so that several draws of it can stand beside one ticket. */
  readonly isDrawn?: boolean;
  /** Whether it is trained beside the dense network too. */
  readonly atDense?: boolean;
  /** The arm whose masks it trains with, where that is neither the tickets' nor its own. */
  readonly masksOf?: ArmName;
}

/**
 * All arms, tickets first. Codes are part of what determines every result: add arms at the end, and never change one.
 */
const traits: Readonly<Record<ArmName, ArmTraits>> = {
  "ticket": { code: 0, atDense: true },
  "reinit": { code: 1, isDrawn: true },
  "oneshot": { code: 2 },
  "oneshot-reinit": { code: 3, isDrawn: true },
  "random": { code: 4, isDrawn: true },
  "random-global": { code: 5, isDrawn: true },
  "lr-rewind": { code: 6 },
  "fine-tune": { code: 7 },
  "continued": { code: 8, masksOf: "lr-rewind" },
  "redraw": { code: 9, isDrawn: true },
  "redraw-signs": { code: 10, isDrawn: true },
  "magnitude-init": { code: 11 },
  "noise-0.5": { code: 12, isDrawn: true },
  "noise-1": { code: 13, isDrawn: true },
  "noise-2": { code: 14, isDrawn: true },
  "noise-3": { code: 15, isDrawn: true },
  "twin": { code: 16, atDense: true },
  "snip": { code: 17 },
  "snip-shuffle": { code: 18, isDrawn: true },
  "snip-invert": { code: 19 },
  "snip-reinit": { code: 28, isDrawn: true },
  "grasp": { code: 20 },
  "grasp-shuffle": { code: 21, isDrawn: true },
  "grasp-invert": { code: 22 },
  "grasp-reinit": { code: 29, isDrawn: true },
  "synflow": { code: 23 },
  "synflow-shuffle": { code: 24, isDrawn: true },
  "synflow-invert": { code: 25 },
  "synflow-reinit": { code: 30, isDrawn: true },
  "er": { code: 26, isDrawn: true },
  "erk": { code: 27, isDrawn: true },
};

/** An arm that is trained beside the tickets. */
export type ControlName = Exclude<ArmName, "ticket">;

/** All arms, tickets first. */
export const armNames: readonly ArmName[] = Object.keys(traits).filter(isArmName);

/** All arms but the tickets. */
export const controlNames: readonly ControlName[] = armNames.filter((name) => name !== "ticket");

/** Whether a value, such as one out of a file or an address, is an arm's name. */
export function isArmName(value: unknown): value is ArmName {
  return typeof value === "string" && Object.hasOwn(traits, value);
}

/** The arm that must be trained beside another because that trains with its masks; undefined for most. */
export function maskOwner(arm: ArmName): ArmName | undefined {
  return traits[arm].masksOf;
}

/** The number that tells an arm's random streams from those of others. */
export function armCode(arm: ArmName): number {
  return traits[arm].code;
}

/**
 * How many networks of an arm stand beside one ticket of a level: 0 where the arm is not trained there, more than 1 for those that
 * draw at random.
 *
 * @param draws wanted of arms that draw
 */
export function networksPerTicket(arm: ArmName, level: number, draws: number): number {
  const { isDrawn = false, atDense = false } = traits[arm];
  if (level === 0 && !atDense) return 0;
  return isDrawn ? draws : 1;
}
