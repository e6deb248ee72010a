/**
 * What of a run is done, and the masks and values to go on with.
 *
 * @module
 */
import { denseMask } from "../nn/mask.ts";
import type { NetworkLayout } from "../nn/network.ts";
import type { ArmName } from "./arms/names.ts";
import { arms } from "./arms/registry.ts";
import type { LotteryConfig } from "./config.ts";
import { describe, isSame } from "./keys.ts";
import type {
  LevelRecord,
  LevelTiming,
  NetworkKey,
  PartialNetwork,
  RewindPoint,
  Snapshot,
  TicketMask,
  TrainedValues,
} from "./types.ts";
import { firstIterationOf } from "./wanted.ts";

/** What is done, and the masks and values to go on with. */
export class Work {
  readonly #layout: NetworkLayout;
  readonly #records: LevelRecord[];
  readonly #timings: LevelTiming[];
  readonly #masks: TicketMask[];
  readonly #rewinds: RewindPoint[];
  #trained: readonly TrainedValues[];
  #partial: readonly PartialNetwork[];
  readonly #keeps: ReadonlySet<ArmName>;

  /** @param config its controls say whose trained weights are kept */
  constructor(
    layout: NetworkLayout,
    { controls }: Pick<LotteryConfig, "controls">,
    snapshot: Snapshot | undefined,
  ) {
    this.#layout = layout;
    const needing = controls.filter((control) => arms[control].needsTrained);
    this.#keeps = new Set<ArmName>(needing.length > 0 ? ["ticket", ...needing] : []);
    this.#trained = [...snapshot?.trained ?? []];
    this.#records = [...snapshot?.records ?? []];
    this.#timings = [...snapshot?.timings ?? []];
    this.#masks = [...snapshot?.masks ?? []];
    this.#rewinds = [...snapshot?.rewinds ?? []];
    this.#partial = (snapshot?.partial ?? []).filter((network) => !this.isDone(network));
  }

  /**
   * Whether a network is trained, and all that is needed of it is there. A control that is added to a run may need what the dense
   * network was trained to, which is kept for none that does not: it is trained once more then, and comes out the same.
   */
  isDone(key: NetworkKey): boolean {
    const isNeeded = key.arm === "ticket" && key.level === 0 && this.#keeps.has("ticket");
    return this.#records.some((record) => isSame(record, key)) && (!isNeeded || this.#values(key) !== undefined);
  }

  /** The mask that an arm which prunes for itself found for a level. Level 0's is the dense one. */
  mask({ arm, level, replicate }: Omit<NetworkKey, "draw">): Uint32Array<ArrayBuffer> {
    if (level === 0) return denseMask(this.#layout);
    const found = this.#masks.find((mask) => mask.arm === arm && mask.level === level && mask.replicate === replicate);
    if (!found) {
      throw new RangeError(
        `Cannot train level ${level} of replicate ${replicate}: the snapshot has its earlier level, but not the mask of ${arm}. ` +
          "Start without a snapshot, or from a whole one.",
      );
    }
    return found.words;
  }

  /**
   * What an arm's network of a replicate was trained to at a level; at level 0 that is the dense network, whatever the arm.
   *
   * @throws {RangeError} when the snapshot does not have it
   */
  trained({ arm, level, replicate }: Omit<NetworkKey, "draw">): Float32Array<ArrayBuffer> {
    const own = level === 0 ? "ticket" : arm;
    const found = this.#values({ arm: own, level, replicate });
    if (found?.length === this.#layout.arena) return found;
    throw new RangeError(
      `Cannot go on from what ${own} of level ${level}, replicate ${replicate}, was trained to: the snapshot does not have its ` +
        "values. Start without a snapshot, or from a whole one.",
    );
  }

  #values({ arm, level, replicate }: Omit<NetworkKey, "draw">): Float32Array<ArrayBuffer> | undefined {
    return this.#trained.find((own) => own.arm === arm && own.level === level && own.replicate === replicate)?.values;
  }

  /** The arena that a ticket is rewound to; undefined where it starts from its initial values. */
  rewind({ level, replicate }: NetworkKey, config: LotteryConfig): Float32Array<ArrayBuffer> | undefined {
    if (firstIterationOf(config, level) === 0) return undefined;
    const found = this.#rewinds.find((point) => point.replicate === replicate);
    if (found?.values.length !== this.#layout.arena) {
      throw new RangeError(
        `Cannot rewind level ${level} of replicate ${replicate} to iteration ${config.rewind}: the snapshot has its dense ` +
          "network as trained, but not what it was then. Start without a snapshot, or from a whole one.",
      );
    }
    return found.values;
  }

  /** Networks within their level that nobody has taken yet. */
  get partial(): readonly PartialNetwork[] {
    return this.#partial;
  }

  /** Where a network was left within its level. From now on who trains it tells of it. */
  takePartial(key: NetworkKey, config: LotteryConfig): PartialNetwork | undefined {
    const found = this.#partial.find((network) => isSame(network, key));
    if (!found) return undefined;
    const { iteration, parameters, rewind } = found;
    const first = firstIterationOf(config, key.level);
    const lacksRewind = key.level === 0 && config.rewind > 0 && iteration > config.rewind && !rewind;
    const isWhole = [parameters, rewind ?? parameters].every(({ length }) => length === this.#layout.arena);
    if (!(iteration >= first && iteration <= config.iterations) || lacksRewind || !isWhole) {
      throw new RangeError(
        `Cannot go on with ${
          describe(key)
        } at iteration ${iteration}: the snapshot is of another configuration, or lacks ` +
          `values, where one of ${first} to ${config.iterations} iterations and ${this.#layout.arena} values is wanted. ` +
          "Start without a snapshot, or from a whole one.",
      );
    }
    this.#partial = this.#partial.filter((network) => network !== found);
    return found;
  }

  /** Takes a level's networks as done. */
  add(
    { records, timing, masks, rewinds, trained }: {
      readonly records: readonly LevelRecord[];
      readonly timing: LevelTiming;
      readonly masks: readonly TicketMask[];
      readonly rewinds: readonly RewindPoint[];
      /** What its networks were trained to; kept where an arm needs it. */
      readonly trained: readonly TrainedValues[];
    },
  ): void {
    const isNew = (record: LevelRecord): boolean => !this.#records.some((known) => isSame(known, record));
    const isNewMask = ({ arm, level, replicate }: TicketMask): boolean =>
      !this.#masks.some((known) => known.arm === arm && known.level === level && known.replicate === replicate);
    const isNewRewind = ({ replicate }: RewindPoint): boolean =>
      !this.#rewinds.some((known) => known.replicate === replicate);
    this.#records.push(...records.filter(isNew));
    this.#timings.push(timing);
    this.#masks.push(...masks.filter(isNewMask));
    this.#rewinds.push(...rewinds.filter(isNewRewind));
    // Of tickets the dense network's; of others the newest, which their next level starts from.
    const kept = trained.filter(({ arm, level }) => this.#keeps.has(arm) && (arm !== "ticket" || level === 0));
    const isReplaced = (own: TrainedValues): boolean =>
      kept.some(({ arm, replicate }) => arm === own.arm && replicate === own.replicate);
    this.#trained = [...this.#trained.filter((own) => !isReplaced(own)), ...kept];
  }

  /** @param training where the networks in training stand */
  snapshot(training: readonly PartialNetwork[] = []): Snapshot {
    const partial = [...training, ...this.#partial];
    return {
      records: [...this.#records],
      timings: [...this.#timings],
      masks: [...this.#masks],
      rewinds: [...this.#rewinds],
      ...(this.#trained.length > 0 ? { trained: [...this.#trained] } : {}),
      ...(partial.length > 0 ? { partial } : {}),
    };
  }
}
