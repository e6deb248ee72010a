/**
 * What each network of a level is trained from: its arm's mask and values.
 *
 * @module
 */
import { countKept } from "../nn/mask.ts";
import type { NetworkLayout } from "../nn/network.ts";
import type { ArmInput, MaskInput } from "./arms/arm.ts";
import { arms, prunerOf } from "./arms/registry.ts";
import type { LotteryConfig } from "./config.ts";
import { total } from "./counts.ts";
import { describe } from "./keys.ts";
import type { PruningGroup } from "./schedule.ts";
import type { Trial, Trials } from "./trials.ts";
import type { NetworkKey } from "./types.ts";
import { firstIterationOf } from "./wanted.ts";
import type { Work } from "./work.ts";

/** What a network is trained from: arenas, and a bit per value of them. */
export interface Branch {
  /** Its mask. */
  readonly mask: Uint32Array<ArrayBuffer>;
  /** What training starts from, what the mask prunes included. */
  readonly values: Float32Array<ArrayBuffer>;
  /** What it was initialised with: the same, unless it is rewound to what that became. */
  readonly initial: Float32Array<ArrayBuffer>;
  /** What it is rewound to, where that is not what it was initialised with. */
  readonly rewind: Float32Array<ArrayBuffer> | undefined;
}

/** What branches are made of. */
export interface BranchSources {
  readonly config: LotteryConfig;
  readonly layout: NetworkLayout;
  readonly groups: readonly PruningGroup[];
  readonly trials: Trials;
  readonly work: Work;
  /** The gradient of the mean training loss over a trial's first batch, every weight taken part: an arena. */
  readonly gradient: (trial: Trial, values: Float32Array<ArrayBuffer>) => Promise<Float32Array<ArrayBuffer>>;
}

/**
 * The branch of a network.
 *
 * @throws {RangeError} when what is done lacks something that it needs
 * @throws {Error} when the arm's mask keeps another number of weights than the ticket's
 */
export async function branchOf(key: NetworkKey, sources: BranchSources): Promise<Branch> {
  const { config, layout, groups, trials, work } = sources;
  const { arm: name, level, replicate, draw } = key;
  const arm = arms[name];
  const trial = trials.of(replicate);
  const { initial } = trial;
  const rewind = work.rewind(key, config);
  const rewound = rewind ?? initial;
  const ticketMask = work.mask({ arm: "ticket", level, replicate });
  const { initScale } = config;
  const input: ArmInput = {
    layout,
    groups,
    seed: trial.seed,
    level,
    draw,
    initScale,
    initial,
    rewound,
    ticketMask,
    kept: countKept(layout, ticketMask),
  };
  const mask = await maskOf();
  const values = arm.start({ ...input, mask, trained: () => work.trained({ arm: name, level: level - 1, replicate }) });
  return values === rewound
    ? { mask, values, initial, rewind: firstIterationOf(config, level) > 0 ? rewind : undefined }
    : { mask, values, initial: values, rewind: undefined };

  async function maskOf(): Promise<Uint32Array<ArrayBuffer>> {
    const { masks } = arm;
    if (typeof masks !== "function" || level === 0) {
      return work.mask({ arm: prunerOf(name, level) ?? "ticket", level, replicate });
    }
    const made = await masks(
      {
        ...input,
        denseTrained: () => work.trained({ arm: "ticket", level: 0, replicate }),
        gradient: (values) => sources.gradient(trial, values),
      } satisfies MaskInput,
    );
    const [kept, wanted] = [total(countKept(layout, made)), total(input.kept)];
    if (kept === wanted) return made;
    throw new Error(`The mask of ${describe(key)} keeps ${kept} weights where its ticket keeps ${wanted}.`);
  }
}
