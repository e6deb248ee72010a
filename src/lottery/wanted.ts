/**
 * Which networks a configuration asks for.
 *
 * @module
 */
import { type ArmName, networksPerTicket } from "./arms/names.ts";
import type { LotteryConfig } from "./config.ts";
import type { NetworkKey } from "./types.ts";

/** What the list of networks follows from. */
export type WantedSettings = Pick<LotteryConfig, "levels" | "replicates" | "controls" | "reinitDraws">;

/** The iteration at which a level's training starts. */
export function firstIterationOf({ rewind }: Pick<LotteryConfig, "rewind">, level: number): number {
  return level === 0 ? 0 : rewind;
}

/** Every network that a configuration asks for, level by level. The dense level needs no control that would be another replicate. */
export function wantedNetworks(config: WantedSettings): NetworkKey[] {
  const { levels, replicates } = config;
  const keys: NetworkKey[] = [];
  for (let level = 0; level <= levels; level++) {
    for (const arm of armsOf(config)) {
      const draws = networksPerTicket(arm, level, config.reinitDraws);
      for (let replicate = 1; replicate <= replicates; replicate++) {
        for (let draw = 1; draw <= draws; draw++) keys.push({ arm, level, replicate, draw });
      }
    }
  }
  return keys;
}

/** How many networks a configuration asks for at a level. */
export function networksAt(config: WantedSettings, level: number): number {
  const perTicket = armsOf(config).map((arm) => networksPerTicket(arm, level, config.reinitDraws));
  return config.replicates * perTicket.reduce((sum, count) => sum + count, 0);
}

/** Whether a configuration asks for a network. */
export function isWanted(config: WantedSettings, { arm, level, replicate, draw }: NetworkKey): boolean {
  if (level < 0 || level > config.levels || replicate < 1 || replicate > config.replicates || draw < 1) return false;
  return armsOf(config).includes(arm) && draw <= networksPerTicket(arm, level, config.reinitDraws);
}

/** The arms of a configuration, tickets first. */
export function armsOf({ controls }: Pick<LotteryConfig, "controls">): ArmName[] {
  return ["ticket", ...controls];
}

/**
 * Settings that ask for everything that either of two asks for, of one run: most levels, replicates and draws, and all controls. The
 * rest is the second one's.
 */
export function withBoth(before: LotteryConfig, wanted: LotteryConfig): LotteryConfig {
  return {
    ...wanted,
    levels: Math.max(before.levels, wanted.levels),
    replicates: Math.max(before.replicates, wanted.replicates),
    reinitDraws: Math.max(before.reinitDraws, wanted.reinitDraws),
    controls: [...new Set([...before.controls, ...wanted.controls])],
  };
}
