/**
 * What an arm is: which weights survive, and where they start, as functions of what the replicate's networks were and became.
 *
 * One file an arm (or a family of them), its name with its number and whether it draws in names.ts, its entry in registry.ts; nothing
 * else has to know of it.
 *
 * Arenas are as `NetworkLayout` lays them out: weights, biases and batch norms of one network. Masks have one bit per value of
 * the arena, and keep biases and batch norms (`packMask()`).
 *
 * @module
 */
import type { NetworkLayout } from "../../nn/network.ts";
import type { PruningGroup } from "../schedule.ts";

/** What is known of a network before its level: θ0, θk, θfinal, the ticket's mask, the seed. */
export interface ArmInput {
  /** The architecture. */
  readonly layout: NetworkLayout;
  /** Layers that are ranked together. Layers in none are not pruned. */
  readonly groups: readonly PruningGroup[];
  /** The replicate's seed. */
  readonly seed: number;
  /** The level: from 1, or 0 for arms that are trained beside the dense network too. */
  readonly level: number;
  /** Which draw, from 1; always 1 for arms that draw nothing. */
  readonly draw: number;
  /** The factor on Glorot's standard deviation that the run's initial weights are drawn with. */
  readonly initScale: number;
  /** θ0: the arena of initial values of the replicate's tickets. */
  readonly initial: Float32Array<ArrayBuffer>;
  /** θk: the arena that the replicate's tickets start from. The same as `initial` without late rewinding. */
  readonly rewound: Float32Array<ArrayBuffer>;
  /** The ticket's mask at this level. */
  readonly ticketMask: Uint32Array<ArrayBuffer>;
  /** Of the ticket's mask: survivors per layer. */
  readonly kept: readonly number[];
}

/** What a mask can be made of. */
export interface MaskInput extends ArmInput {
  /** θfinal of the replicate's dense network. Only for arms that say `needsTrained`. */
  readonly denseTrained: () => Float32Array<ArrayBuffer>;
  /**
   * The gradient of the mean training loss at `values`, every weight taken part, over the replicate's first batch: an arena. One
   * batch at most is asked of the data, so that all scores at initialisation see the same images.
   */
  readonly gradient: (values: Float32Array<ArrayBuffer>) => Promise<Float32Array<ArrayBuffer>>;
}

/** What the values to start from can be made of. */
export interface StartInput extends ArmInput {
  /** The mask that the network is trained with. */
  readonly mask: Uint32Array<ArrayBuffer>;
  /**
   * θfinal of the level before: what this arm's own network ended with there, or at level 1 the replicate's dense network. Only
   * for arms that say `needsTrained`.
   */
  readonly trained: () => Float32Array<ArrayBuffer>;
}

/**
 * Where an arm's masks come from:
 * - `ticket`: those of the tickets;
 * - `own`: it prunes what it trained itself, level after level, as tickets do; level 1's is the ticket's;
 * - `other`: those of an arm that prunes for itself, which is trained beside it (`maskOwner()` in names.ts says which);
 * - a function of the replicate's networks.
 */
export type MaskSource =
  | "ticket"
  | "own"
  | "other"
  | ((input: MaskInput) => Uint32Array<ArrayBuffer> | Promise<Uint32Array<ArrayBuffer>>);

/** An arm. */
export interface Arm {
  /** What it is in a few words, as a legend says it: "the ticket's mask, fresh weights". */
  readonly title: string;
  /** What defines it, in a sentence or two with its source. */
  readonly about: string;
  /** Whether its masks or its values to start from come from trained weights. */
  readonly needsTrained?: boolean;
  /** Its learning rate: the run's schedule, when left out, or all along what that schedule ends with. */
  readonly rate?: "schedule" | "final";
  /** Which weights survive. */
  readonly masks: MaskSource;
  /**
   * The values that its network starts from; what the mask prunes is left out of them. `rewound` or `initial` themselves where they
   * are what it starts from: not a copy.
   */
  readonly start: (input: StartInput) => Float32Array<ArrayBuffer>;
}
