/**
 * The summary of a run: what `summary.json` holds and `--json` prints.
 *
 * @module
 */
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import type { ArmName, LayerCount, LevelRecord, LevelTiming, Snapshot } from "../lottery/types.ts";

/** One trained network in a summary: its record without what its level says. */
export type ReplicateSummary = Omit<LevelRecord, "arm" | "level" | "remaining" | "layers">;

/** One level of one arm. */
export interface LevelSummary {
  /** The level; 0 = dense. */
  readonly level: number;
  /** Surviving fraction of all weights. */
  readonly remaining: number;
  /** Surviving weights per layer (of the first replicate, where scope is global and they differ). */
  readonly layers: readonly LayerCount[];
  /** Median milliseconds of a training step of all networks in lockstep, without evaluation and compilation. */
  readonly stepMs: number | null;
  /** Which kernels each layer ran. */
  readonly plan: Readonly<Record<string, string>>;
  /** The networks. */
  readonly replicates: readonly ReplicateSummary[];
}

/** One arm. */
export interface ArmSummary {
  /** `ticket` or a control's name. */
  readonly name: ArmName;
  /** Its levels, in order. */
  readonly levels: readonly LevelSummary[];
}

/** A run. */
export interface Summary {
  /** Version of this object. */
  readonly schema: 1;
  /** The run's id. */
  readonly id: string;
  /** The preset it started from. */
  readonly preset: string;
  /** Its configuration. */
  readonly config: LotteryConfig;
  /** Who computed. */
  readonly adapter: AdapterInfo;
  /** Wall-clock time. The only part that differs between equal runs, with `stepMs`. */
  readonly timing: { readonly totalSeconds: number; readonly secondsByLevel: readonly number[] };
  /** The arms, tickets first. */
  readonly arms: readonly ArmSummary[];
}

/** Sums a run up. */
export function summarize(
  run: { readonly id: string; readonly config: LotteryConfig; readonly adapter: AdapterInfo },
  { records, timings }: Pick<Snapshot, "records" | "timings">,
): Summary {
  const levels = levelsOf(records);
  const secondsByLevel = levels.map((level) => total(timings.filter((timing) => timing.level === level)));
  return {
    schema: 1,
    id: run.id,
    preset: run.config.preset,
    config: run.config,
    adapter: run.adapter,
    timing: { totalSeconds: secondsByLevel.reduce((sum, seconds) => sum + seconds, 0), secondsByLevel },
    arms: summarizeArms({ records, timings }),
  };
}

/** Sums up what is trained, arm by arm, tickets first. */
export function summarizeArms({ records, timings }: Pick<Snapshot, "records" | "timings">): ArmSummary[] {
  const names = [...new Set<ArmName>(["ticket", ...records.map(({ arm }) => arm)])];
  const levels = levelsOf(records);
  return names.map((name) => ({
    name,
    levels: levels.flatMap((level) => {
      const own = records.filter((record) => record.arm === name && record.level === level);
      return own.length === 0 ? [] : [levelSummary(level, own, timings)];
    }),
  }));
}

function levelsOf(records: readonly LevelRecord[]): number[] {
  return [...new Set(records.map(({ level }) => level))].sort((a, b) => a - b);
}

function levelSummary(level: number, records: readonly LevelRecord[], timings: readonly LevelTiming[]): LevelSummary {
  const ordered = records.toSorted((a, b) => a.replicate - b.replicate || a.draw - b.draw);
  const timing = timings.findLast((candidate) => candidate.level === level);
  return {
    level,
    remaining: ordered[0]?.remaining ?? 0,
    layers: ordered[0]?.layers ?? [],
    stepMs: timing?.stepMs ?? null,
    plan: timing?.plan ?? {},
    replicates: ordered.map((
      { arm: _arm, level: _level, remaining: _remaining, layers: _layers, ...rest },
    ) => rest),
  };
}

function total(timings: readonly LevelTiming[]): number {
  return timings.reduce((sum, { seconds }) => sum + seconds, 0);
}
