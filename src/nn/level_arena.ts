/**
 * The arena that a level trains in: without what is dead, then without what compact layers have no use for; where neither is to
 * be had, the network's own. Whoever reads back or begins sees dense arenas alone.
 *
 * @module
 */
import { CompactArena } from "./compact.ts";
import { keptUnits } from "./dead_structure.ts";
import type { NetworkLayout } from "./network.ts";
import type { OptimizerSettings } from "./optimizer.ts";
import { compactLayers, type LayerPlan } from "./plan.ts";
import { ShrunkArena } from "./shrunk.ts";

/** What decides on a level's arena. */
export interface LevelArenaOptions {
  /** The network. */
  readonly layout: NetworkLayout;
  /** Networks in lockstep. */
  readonly replicates: number;
  /** The optimizer: with weight decay, what is dead changes too, so that nothing is left out. */
  readonly optimizer: OptimizerSettings;
  /** Per network, the mask that it trains with. */
  readonly masks?: readonly Uint32Array[];
  /** Which kernels each layer runs, by its index. */
  readonly plan?: readonly LayerPlan[];
  /** Whether dead units are left out; false when left out. */
  readonly dropsDead?: boolean;
}

/** Where values stand while a level trains. */
export class LevelArena {
  /** The network with its places in this arena. */
  readonly layout: NetworkLayout;
  /** What is left of the network; undefined when nothing is dropped. */
  readonly shrunk: ShrunkArena | undefined;
  /** Where survivors of compact layers stand; undefined when there are none. */
  readonly compact: CompactArena | undefined;

  /** @throws {RangeError} when layers are compact, and there is not one mask for each network */
  constructor({ layout, replicates, optimizer, masks, plan = [], dropsDead = false }: LevelArenaOptions) {
    const compact = compactLayers(plan);
    if ((compact.length > 0 || dropsDead) && masks?.length !== replicates) {
      throw new RangeError(
        `Cannot keep survivors only with ${masks?.length ?? 0} masks for ${replicates} networks: give one for each.`,
      );
    }
    const own = masks ?? [];
    const kept = dropsDead && !optimizer.weightDecay ? keptUnits(layout, own, plan) : undefined;
    const shrunk = kept ? new ShrunkArena(layout, own, kept) : undefined;
    const left = shrunk ? own.map((mask, network) => shrunk.packMask(mask, network)) : own;
    const whole = shrunk?.layout ?? layout;
    this.shrunk = shrunk;
    this.compact = compact.length > 0 ? new CompactArena(whole, left, compact) : undefined;
    this.layout = this.compact?.layout ?? whole;
  }

  /** Whether it is the network's own arena. */
  get isDense(): boolean {
    return !this.shrunk && !this.compact;
  }

  /** A network's dense arena, as this arena has it. */
  pack(values: Float32Array<ArrayBuffer>, network: number): Float32Array<ArrayBuffer> {
    const own = this.shrunk ? this.shrunk.pack(values, network) : values;
    return this.compact ? this.compact.pack(own, network) : own;
  }

  /**
   * The inverse of {@linkcode pack}.
   *
   * @param rest an arena with the values of what is dropped; zeros when left out
   */
  unpack(values: Float32Array<ArrayBuffer>, network: number, rest?: Float32Array): Float32Array<ArrayBuffer> {
    const own = this.compact ? this.compact.unpack(values, network) : values;
    return this.shrunk ? this.shrunk.unpack(own, network, rest) : own;
  }

  /**
   * A network's mask, as this arena has it.
   *
   * @throws {RangeError} when it is not the mask that this arena was made for
   */
  packMask(words: Uint32Array, network: number): Uint32Array<ArrayBuffer> {
    const own = this.shrunk ? this.shrunk.packMask(words, network) : Uint32Array.from(words);
    return this.compact ? this.compact.packMask(own, network) : own;
  }

  /** The inverse of {@linkcode packMask}, with what is dropped. */
  unpackMask(words: Uint32Array<ArrayBuffer>, network: number): Uint32Array<ArrayBuffer> {
    const own = this.compact ? this.compact.unpackMask(words, network) : words;
    return this.shrunk ? this.shrunk.unpackMask(own, network) : own;
  }

  /** Survivors of a network's layer that are dropped. */
  droppedOf(network: number, layer: number): number {
    return this.shrunk?.dropped[network]?.[layer] ?? 0;
  }
}
