/**
 * How far a run is: optimizer steps done of those wanted, over all its networks.
 *
 * @module
 */
import type { LotteryConfig } from "../lottery/config.ts";
import type { LevelTiming, NetworkKey } from "../lottery/types.ts";
import { firstIterationOf, isWanted, networksAt, type WantedSettings } from "../lottery/wanted.ts";

/** What the work depends on. */
export type WorkSettings = WantedSettings & Pick<LotteryConfig, "iterations" | "rewind">;

/** A network within its level. */
export interface NetworkInTraining extends NetworkKey {
  /** Its last iteration that is known of. */
  readonly iteration: number;
}

/** How far a run is. */
export interface Work {
  /** Networks that are wanted and trained. */
  readonly done: number;
  /** Networks that are wanted. */
  readonly wanted: number;
  /** Steps done of those wanted, from 0 to 1. */
  readonly fraction: number;
  /** Steps done, each network counted for itself. */
  readonly steps: number;
  /** Steps that are not done yet. */
  readonly stepsLeft: number;
  /** The level in training, or the last one trained; null before there is one. */
  readonly level: number | null;
  /** Its iteration: the least of those that are within it, or the last one. */
  readonly iteration: number | null;
}

/**
 * How far a run is. Networks that are not wanted, and a network that is there twice, count once or not at all.
 *
 * @param training networks within their level; those that are trained are passed over
 */
export function workOf(
  config: WorkSettings,
  trained: readonly NetworkKey[],
  training: readonly NetworkInTraining[] = [],
): Work {
  const { levels, iterations } = config;
  const lengthOf = (level: number): number => iterations - firstIterationOf(config, level);
  const [dense, perLevel] = [networksAt(config, 0), networksAt(config, 1)];
  const wanted = dense + levels * perLevel;
  const stepsWanted = dense * lengthOf(0) + levels * perLevel * lengthOf(1);
  const seen = new Set<string>();
  const isNew = (network: NetworkKey): boolean => {
    const name = `${network.arm} ${network.level} ${network.replicate} ${network.draw}`;
    if (!isWanted(config, network) || seen.has(name)) return false;
    seen.add(name);
    return true;
  };
  const done = trained.filter(isNew);
  const within = training.filter(isNew);
  const steps = done.reduce((sum, { level }) => sum + lengthOf(level), 0) +
    within.reduce((sum, { level, iteration }) => {
      return sum + Math.min(lengthOf(level), Math.max(0, iteration - firstIterationOf(config, level)));
    }, 0);
  const [levelWithin] = within.map(({ level }) => level).sort((a, b) => b - a);
  const level = levelWithin ?? done.reduce<number | null>((most, own) => Math.max(most ?? 0, own.level), null);
  return {
    done: done.length,
    wanted,
    fraction: Math.min(1, steps / stepsWanted),
    steps,
    stepsLeft: Math.max(0, stepsWanted - steps),
    level,
    iteration: levelWithin !== undefined
      ? within.reduce((least, own) => own.level === levelWithin ? Math.min(least, own.iteration) : least, iterations)
      : level === null
      ? null
      : iterations,
  };
}

/** What has been measured of a run's speed. */
export interface Speed {
  /** Networks that are trained. */
  readonly trained: readonly NetworkKey[];
  /** How long levels took; one line per level and turn. */
  readonly timings: readonly Pick<LevelTiming, "level" | "seconds">[];
  /** Networks within their level, with their share of the time, as a checkpoint has them. */
  readonly partial: readonly (NetworkInTraining & { readonly seconds: number })[];
}

/**
 * Seconds per step of one network, as the newest level took them; undefined before a level is done or a checkpoint within one is
 * written. The newest counts alone, because the dense level trains without controls and its steps take longer or shorter.
 */
export function secondsPerStep(config: WorkSettings, { trained, timings, partial }: Speed): number | undefined {
  const newest = Math.max(...timings.map(({ level }) => level), ...partial.map(({ level }) => level));
  if (!Number.isFinite(newest)) return undefined;
  const ofLevel = <Own extends { readonly level: number }>(all: readonly Own[]): Own[] =>
    all.filter(({ level }) => level === newest);
  const seconds = [...ofLevel(timings), ...ofLevel(partial)].reduce((sum, own) => sum + own.seconds, 0);
  const { steps } = workOf(config, ofLevel(trained), ofLevel(partial));
  return steps > 0 && seconds > 0 ? seconds / steps : undefined;
}
