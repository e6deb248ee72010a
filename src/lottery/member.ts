/**
 * One network of a level: what it starts from, what it sees, what was measured.
 *
 * @module
 */
import { earlyStop } from "../analysis/early_stop.ts";
import { DataOrder } from "../data/order.ts";
import { RandomStream } from "../data/random.ts";
import type { EvaluationResult, StartValues, TrainingState } from "../nn/ensemble.ts";
import { countKept, unpackMask } from "../nn/mask.ts";
import { fromArena, type NetworkLayout, normsFromArena } from "../nn/network.ts";
import { divergedAtOf } from "../nn/state.ts";
import { armCode } from "./arms/names.ts";
import type { Branch } from "./branches.ts";
import type { LotteryConfig } from "./config.ts";
import { layerCounts, total } from "./counts.ts";
import { describe } from "./keys.ts";
import type { Trial } from "./trials.ts";
import type { Evaluation, LevelRecord, NetworkKey, PartialNetwork, TrainedNetwork } from "./types.ts";
import { firstIterationOf } from "./wanted.ts";

/** One network of a level: what it starts from, what it sees, what was measured. */
export class Member {
  /** Which it is. */
  readonly key: NetworkKey;
  /** What it shares with its replicate. */
  readonly trial: Trial;
  /** The architecture. */
  readonly layout: NetworkLayout;
  /** Its mask. */
  readonly mask: Uint32Array<ArrayBuffer>;
  /** What its training starts from, or goes on with. */
  readonly start: StartValues;
  /** Its batches. */
  readonly order: DataOrder;
  /** Two words that key its dropout's random numbers. */
  readonly dropoutKey: Uint32Array<ArrayBuffer>;
  readonly #firstIteration: number;
  readonly #initial: Float32Array<ArrayBuffer>;
  readonly #rewind: Float32Array<ArrayBuffer> | undefined;
  readonly #evaluations: Evaluation[];
  #divergedAt: number | null;
  /** Where its training begins or goes on. */
  readonly iteration: number;
  /** Wall-clock seconds before an interruption, its share of what trained in lockstep. */
  readonly seconds: number;
  /** Median milliseconds of a step before an interruption. */
  readonly stepMs: number;
  /** What later levels are rewound to, once it has been there. */
  rewindPoint: Float32Array<ArrayBuffer> | undefined;

  /** @param begun where an earlier run left it within the level */
  constructor(
    key: NetworkKey,
    config: LotteryConfig,
    layout: NetworkLayout,
    trial: Trial,
    { mask, values, initial, rewind }: Branch,
    begun: PartialNetwork | undefined,
  ) {
    this.key = key;
    this.trial = trial;
    this.layout = layout;
    this.mask = mask;
    const { arm, level, draw } = key;
    this.#initial = initial;
    this.#rewind = rewind;
    this.#firstIteration = firstIterationOf(config, level);
    this.start = begun ? { values: begun.parameters, mask, training: begun } : { values, mask };
    this.iteration = begun?.iteration ?? this.#firstIteration;
    this.seconds = begun?.seconds ?? 0;
    this.stepMs = begun?.stepMs ?? 0;
    this.rewindPoint = begun?.rewind;
    this.#evaluations = [...begun?.evaluations ?? []];
    this.#divergedAt = begun ? divergedAtOf(begun.state) : null;
    const stream = { arm: armCode(arm), level, draw };
    const { augment } = config;
    this.order = new DataOrder(trial.split.train, config.batchSize, trial.seed, stream, { augment });
    // A level's order begins anew wherever the level starts.
    this.order.skip(this.iteration - this.#firstIteration);
    const random = new RandomStream(trial.seed, "dropout", stream.arm, level, draw);
    this.dropoutKey = Uint32Array.of(random.uint32(), random.uint32());
  }

  /** Its replicate's seed. */
  get seed(): number {
    return this.trial.seed;
  }

  /** The iteration of its last evaluation. */
  get evaluatedAt(): number | undefined {
    return this.#evaluations.at(-1)?.iteration;
  }

  /** What it takes to go on with it. */
  partial(
    state: TrainingState,
    now: Pick<PartialNetwork, "iteration" | "seconds" | "stepMs">,
  ): PartialNetwork {
    const rewind = this.rewindPoint ? { rewind: this.rewindPoint } : {};
    return { ...this.key, ...now, ...state, evaluations: [...this.#evaluations], ...rewind };
  }

  /** @throws {Error} when what the GPU counts is not what the mask says */
  assertMask(kept: readonly number[], violations: number, iteration: number): void {
    const planned = countKept(this.layout, this.mask);
    if (violations > 0 || planned.some((count, index) => count !== kept[index])) {
      throw new Error(
        `The mask of ${describe(this.key)} does not hold at iteration ${iteration}: ${
          kept.join(", ")
        } weights survive where ` +
          `${
            planned.join(", ")
          } were planned, and ${violations} pruned positions are not zero. Run \`deno task doctor\`.`,
      );
    }
  }

  /** Notes an evaluation. */
  evaluated(record: EvaluationResult["records"][number]): Evaluation {
    const { split: { validation }, testSize } = this.trial;
    const steps = record.iteration - (this.#evaluations.at(-1)?.iteration ?? this.#firstIteration);
    const evaluation: Evaluation = {
      ...this.key,
      iteration: record.iteration,
      trainLoss: steps > 0 ? finite(record.trainLossSum / steps) : null,
      validationLoss: finite(record.validationLossSum / validation.length),
      validationAccuracy: record.validationCorrect / validation.length,
      testLoss: finite(record.testLossSum / testSize),
      testAccuracy: record.testCorrect / testSize,
    };
    this.#evaluations.push(evaluation);
    if (record.divergedAt > 0) this.#divergedAt = record.divergedAt;
    return evaluation;
  }

  /** What it came to. */
  record(
    correct: { readonly atEnd: number; readonly atEarlyStop: number } | undefined,
    config: LotteryConfig,
  ): LevelRecord {
    const kept = countKept(this.layout, this.mask);
    const best = earlyStop(this.#evaluations);
    const last = this.#evaluations.at(-1);
    return {
      ...this.key,
      seed: this.seed,
      status: this.#divergedAt === null ? "ok" : "diverged",
      divergedAt: this.#divergedAt,
      remaining: total(kept) / this.layout.weights,
      layers: layerCounts(this.layout, kept),
      earlyStopIteration: best?.iteration ?? null,
      validationLossAtEarlyStop: best?.validationLoss ?? null,
      testAccuracyAtEarlyStop: best?.testAccuracy ?? null,
      trainAccuracyAtEarlyStop: best && correct ? correct.atEarlyStop / config.trainSize : null,
      testAccuracyAtEnd: last?.testAccuracy ?? null,
      trainAccuracyAtEnd: correct ? correct.atEnd / config.trainSize : null,
    };
  }

  /** Its ticket, and what training made of it. */
  trained(final: Float32Array): TrainedNetwork {
    const { layout } = this;
    const masks = unpackMask(layout, this.mask);
    const values = [this.#initial, final, this.#rewind].map((arena) => arena && fromArena(layout, arena));
    const statistics = [this.#initial, final, this.#rewind].map((arena) => arena && normsFromArena(layout, arena));
    return {
      ...this.key,
      network: layout.spec,
      firstIteration: this.#firstIteration,
      layers: layout.layers.map(({ name, inputs, outputs }, index) => {
        const mask = masks[index];
        const [initial, trained, rewind] = values.map((own) => own?.[index]);
        if (!mask || !initial || !trained) throw new Error("unreachable: one entry per layer");
        return {
          name,
          inputs,
          outputs,
          mask,
          initial: initial.weight,
          final: trained.weight,
          initialBias: initial.bias,
          finalBias: trained.bias,
          ...(rewind ? { rewind } : {}),
        };
      }),
      norms: layout.norms.map(({ name }, index) => {
        const [initial, trained, rewind] = statistics.map((own) => own?.[index]);
        if (!initial || !trained) throw new Error("unreachable: one entry per batch norm");
        return { name, initial, final: trained, ...(rewind ? { rewind } : {}) };
      }),
      normalization: this.trial.normalization,
    };
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
