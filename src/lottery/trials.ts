/**
 * What the networks of a replicate share, whatever their level and arm: seed, split, normalisation, initial values.
 *
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { normalizationOf } from "../data/normalization.ts";
import { type Split, split } from "../data/split.ts";
import { glorot } from "../nn/initialize.ts";
import type { NetworkLayout } from "../nn/network.ts";
import type { LotteryConfig } from "./config.ts";

/** What the networks of a replicate share. */
export interface Trial {
  /** Its seed. */
  readonly seed: number;
  /** Which images train, and which validate. */
  readonly split: Split;
  /** (scale, shift) of each channel, by the training split. */
  readonly normalization: Float32Array<ArrayBuffer>;
  /** Images of the test set. */
  readonly testSize: number;
  /** θ0: the arena of initial values of its tickets. */
  readonly initial: Float32Array<ArrayBuffer>;
}

/** The trials of a run, each made once: normalising CIFAR-10 looks at every pixel of its split. */
export class Trials {
  readonly #config: LotteryConfig;
  readonly #dataset: Dataset;
  readonly #layout: NetworkLayout;
  readonly #made = new Map<number, Trial>();

  constructor(config: LotteryConfig, dataset: Dataset, layout: NetworkLayout) {
    this.#config = config;
    this.#dataset = dataset;
    this.#layout = layout;
  }

  /** @param replicate from 1 */
  of(replicate: number): Trial {
    const known = this.#made.get(replicate);
    if (known) return known;
    const { validationSize, trainSize, initScale } = this.#config;
    const seed = seedOf(this.#config, replicate);
    const parts = split(this.#dataset.train.count, seed, { validationSize, trainSize });
    const trial: Trial = {
      seed,
      split: parts,
      normalization: normalizationOf(this.#dataset, parts.train),
      testSize: this.#dataset.test.count,
      initial: glorot(this.#layout, seed, { scale: initScale }),
    };
    this.#made.set(replicate, trial);
    return trial;
  }
}

/** The seed of a replicate: replicate r of seed s is what a run with seed s + r − 1 trains first. */
function seedOf(config: LotteryConfig, replicate: number): number {
  return (config.seed + replicate - 1) >>> 0;
}
