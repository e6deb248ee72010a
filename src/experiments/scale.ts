/**
 * Experiments made smaller: iterations and training images in proportion, the rest only by its own options.
 *
 * @module
 */
import { changed, type LotteryConfig, parseConfig } from "../lottery/config.ts";
import type { ExperimentRun } from "./experiment.ts";

/** What of an experiment's runs is other than the paper's. Nothing, when all are left out. */
export interface ScaleOptions {
  /** Factor on iterations and training images, and on warmup, drops of the learning rate and the rewind iteration; above 0, at most 1. */
  readonly scale?: number;
  /** Most levels after the dense one: runs that have fewer keep them. */
  readonly levels?: number;
  /** Replicates. */
  readonly replicates?: number;
  /** Draws per ticket, of arms that draw. */
  readonly reinitDraws?: number;
  /** Factor on channels and hidden units. */
  readonly width?: number;
  /** Another data set than the paper's. */
  readonly dataset?: LotteryConfig["dataset"];
  /** Seed of replicate 1. */
  readonly seed?: number;
}

/** The options' names, in the order in which keys and settings say them. */
export const scaleOptionNames = [
  "scale",
  "levels",
  "replicates",
  "reinitDraws",
  "width",
  "dataset",
  "seed",
] as const satisfies readonly (keyof ScaleOptions)[];

/** The options that are given, without those that are not. */
export function givenOptions(
  { scale, levels, replicates, reinitDraws, width, dataset, seed }: {
    readonly [Key in keyof ScaleOptions]: ScaleOptions[Key] | undefined;
  },
): ScaleOptions {
  return {
    ...(scale === undefined ? {} : { scale }),
    ...(levels === undefined ? {} : { levels }),
    ...(replicates === undefined ? {} : { replicates }),
    ...(reinitDraws === undefined ? {} : { reinitDraws }),
    ...(width === undefined ? {} : { width }),
    ...(dataset === undefined ? {} : { dataset }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** An evaluation comes at least this often in a training. The paper's every 100 iterations are far more. */
const leastEvaluations = 20;

/**
 * A run's configuration under options.
 *
 * @throws {RangeError} when an option is out of range, naming its flag
 */
export function scaledConfig({ preset, changes }: ExperimentRun, options: ScaleOptions = {}): LotteryConfig {
  const { scale = 1, levels, replicates, reinitDraws, width, dataset, seed } = options;
  if (!(scale > 0 && scale <= 1)) {
    throw new RangeError(`--scale is ${scale}, and it must be a number above 0 and at most 1, such as 0.1.`);
  }
  const whole = parseConfig(changed(preset, dataset === undefined ? changes : { ...changes, dataset }));
  const asked = {
    ...(levels === undefined ? {} : { levels: Math.min(levels, whole.levels) }),
    ...(replicates === undefined ? {} : { replicates }),
    ...(reinitDraws === undefined ? {} : { reinitDraws }),
    ...(width === undefined ? {} : { width: whole.width * width }),
    ...(seed === undefined ? {} : { seed }),
  };
  return parseConfig({ ...whole, ...(scale === 1 ? {} : shortened(whole, scale)), ...asked });
}

/** Everything that counts iterations or training images, in proportion. Learning rates stay. */
function shortened(whole: LotteryConfig, scale: number): Partial<LotteryConfig> {
  const iterations = Math.max(1, Math.round(whole.iterations * scale));
  const trainSize = Math.max(1, Math.round(whole.trainSize * scale));
  const within = (value: number, most: number): number =>
    value === 0 ? 0 : Math.min(most, Math.max(1, Math.round(value * scale)));
  return {
    iterations,
    trainSize,
    batchSize: Math.min(whole.batchSize, trainSize),
    warmup: within(whole.warmup, iterations),
    lrDrops: ascending(whole.lrDrops.map((drop) => within(drop, iterations)), iterations),
    rewind: within(whole.rewind, iterations - 1),
    evalEvery: Math.min(whole.evalEvery, Math.max(1, Math.floor(iterations / leastEvaluations))),
  };
}

/** Drops that fall on one iteration, or on the end, are one or none: there is no step between them. */
function ascending(drops: readonly number[], iterations: number): number[] {
  return [...new Set(drops)].filter((drop) => drop < iterations);
}

/** What an experiment is kept under: its name, and the options that differ from none, such as `fig4-scale-0.1-levels-12`. */
export function keyOf(name: string, options: ScaleOptions): string {
  return [
    name,
    ...scaleOptionNames.flatMap((option) => {
      const value = options[option];
      return value === undefined || option === "scale" && value === 1 ? [] : [`${wordsOf(option)}-${value}`];
    }),
  ].join("-");
}

/** `reinitDraws` as `reinit-draws`. */
export function wordsOf(option: keyof ScaleOptions): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Whether options make less of an experiment than the paper does, so that its results have to be marked. */
export function isReduced(options: ScaleOptions): boolean {
  return scaleOptionNames.some((option) =>
    option !== "seed" && options[option] !== undefined && !(option === "scale" && options.scale === 1)
  );
}
