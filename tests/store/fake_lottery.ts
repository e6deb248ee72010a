/**
 * A stand-in for `lottery()` without a GPU: the same events in the same order, with numbers that depend on nothing but the
 * network they belong to.
 *
 * @module
 */
import type { LotteryConfig } from "../../src/lottery/config.ts";
import { preset } from "../../src/lottery/config.ts";
import { firstIterationOf, wantedNetworks } from "../../src/lottery/wanted.ts";
import type {
  Evaluation,
  LevelRecord,
  LevelTiming,
  LotteryEvent,
  NetworkKey,
  PartialNetwork,
  RewindPoint,
  Snapshot,
  TicketMask,
  TrainedNetwork,
} from "../../src/lottery/types.ts";
import { flat, type NetworkSpec } from "../../src/nn/network.ts";

/** Who seems to compute. */
export const adapter = { name: "paper and pencil", driver: "1.0", kind: "software" } as const;

/** What it seems to train. */
export const network: NetworkSpec = {
  name: "tiny",
  input: flat(3),
  layers: [{ type: "dense", units: 2, activation: "relu" }, { type: "dense", units: 2, activation: "none" }],
};

/** A run of a few lines. */
export function tinyConfig(changes: Partial<Omit<LotteryConfig, "preset">> = {}): LotteryConfig {
  return preset("lenet-quick", { dataset: "synthetic", levels: 2, iterations: 50, evalEvery: 20, ...changes });
}

/** What {@linkcode fakeLottery} takes. */
export interface FakeOptions {
  readonly snapshot?: Snapshot;
  readonly signal?: AbortSignal;
  /** Who computes; {@linkcode adapter} when left out. */
  readonly adapter?: { readonly name: string; readonly driver: string; readonly kind: "software" | "gpu" };
  /** Added to every loss: another machine's numbers. */
  readonly error?: number;
  /** Whether there is a snapshot after every evaluation. */
  readonly partial?: boolean;
}

/** Pretends to find tickets. */
export async function* fakeLottery(config: LotteryConfig, options: FakeOptions = {}): AsyncGenerator<LotteryEvent> {
  const records: LevelRecord[] = [...options.snapshot?.records ?? []];
  const timings: LevelTiming[] = [...options.snapshot?.timings ?? []];
  const masks: TicketMask[] = [...options.snapshot?.masks ?? []];
  const rewinds: RewindPoint[] = [...options.snapshot?.rewinds ?? []];
  const snapshot = (partial: readonly PartialNetwork[] = []): Snapshot => ({
    records: [...records],
    timings: [...timings],
    masks: [...masks],
    rewinds: [...rewinds],
    ...(partial.length > 0 ? { partial } : {}),
  });
  const remaining = Array.from({ length: config.levels + 1 }, (_, level) => 0.5 ** level);
  yield {
    type: "start",
    config,
    network: { spec: network, weights: 10, layers: layers(0) },
    adapter: options.adapter ?? adapter,
    lockstep: 1,
    lockstepBy: "level",
    memory: [{ name: "parameters", bytes: 1024 }],
    remaining,
  };
  for (let level = 0; level <= config.levels; level++) {
    const networks = wantedNetworks(config)
      .filter((key) => key.level === level && !records.some((record) => isSame(record, key)))
      .map((key) => ({ ...key, seed: config.seed + key.replicate - 1 }));
    if (networks.length === 0) continue;
    const firstIteration = firstIterationOf(config, level);
    const begun = networks.map((key) => options.snapshot?.partial?.find((own) => isSame(own, key)));
    const done = begun.every((network) => network) ? begun[0]?.iteration ?? -1 : -1;
    yield {
      type: "level-start",
      level,
      networks,
      iteration: Math.max(done, firstIteration),
      remaining: remaining[level] ?? 0,
      layers: layers(level),
    };
    const evaluations = new Map(
      networks.map((key, index): [NetworkKey, Evaluation[]] => [
        key,
        done < 0 ? [] : [
          ...begun[index]?.evaluations ?? [],
        ],
      ]),
    );
    const { iterations } = config;
    for (const iteration of iterationsOf(config, firstIteration).filter((own) => own > done)) {
      options.signal?.throwIfAborted();
      await Promise.resolve();
      if (iteration > firstIteration) {
        yield { type: "progress", level, firstIteration, iteration, iterations, stepMs: 2, trainLoss: 1 };
      }
      for (const [key, own] of evaluations) {
        const evaluation = evaluate(key, iteration, options.error ?? 0);
        own.push(evaluation);
        yield { type: "evaluation", evaluation };
      }
      if (!options.partial) continue;
      yield {
        type: "snapshot",
        snapshot: snapshot([...evaluations].map(([key, own]) => partialOf(key, iteration, own))),
      };
    }
    const finished = [...evaluations].map(([key, own]) => record(key, own, config));
    const timing = { level, seconds: 1.5, stepMs: 2, plan: { dense1: "masked-dense", dense2: "masked-dense" } };
    records.push(...finished);
    timings.push(timing);
    masks.push(
      ...networks.filter(({ arm }) => arm === "ticket").map(({ arm, replicate }) => ({
        arm,
        level: level + 1,
        replicate,
        words: Uint32Array.of(level, replicate, 0xffffffff),
      })),
    );
    if (level === 0 && config.rewind > 0) {
      rewinds.push(...networks.map(({ replicate }) => ({ replicate, values: Float32Array.of(replicate, 0.1, -3) })));
    }
    yield {
      type: "level-end",
      level,
      records: finished,
      networks: networks.map((key) => trained(key, config)),
      timing,
    };
    yield { type: "snapshot", snapshot: snapshot() };
  }
  yield { type: "end", snapshot: snapshot() };
}

/** Iterations that are evaluated, of a level that begins at `first`. */
export function iterationsOf({ iterations, evalEvery }: LotteryConfig, first = 0): number[] {
  const all = [];
  for (let at = Math.floor(first / evalEvery) * evalEvery; at < iterations; at += evalEvery) {
    all.push(Math.max(at, first));
  }
  return [...all, iterations];
}

/** The lowest loss is at the second evaluation, tickets' lower than controls'. */
function evaluate({ arm, level, replicate, draw }: NetworkKey, iteration: number, error: number): Evaluation {
  const loss = 0.5 + Math.abs(iteration - 20) / 100 + (arm === "ticket" ? 0 : 0.1) + level / 1000 + replicate / 7000 +
    error;
  return {
    arm,
    level,
    replicate,
    draw,
    iteration,
    trainLoss: iteration === 0 ? null : loss - 0.1,
    validationLoss: loss,
    validationAccuracy: 0.9,
    testLoss: loss,
    testAccuracy: (arm === "ticket" ? 0.95 + level / 100 : 0.9) + replicate / 1000,
  };
}

/** A network within its level; arenas that tell whose they are. */
function partialOf(
  { arm, level, replicate, draw }: NetworkKey,
  iteration: number,
  evaluations: readonly Evaluation[],
): PartialNetwork {
  const arena = (value: number): Float32Array<ArrayBuffer> => Float32Array.of(value, replicate, draw, iteration);
  return {
    arm,
    level,
    replicate,
    draw,
    iteration,
    seconds: 0.25,
    stepMs: 2,
    evaluations: [...evaluations],
    parameters: arena(1),
    best: arena(2),
    moments: arm === "ticket" ? [arena(3), arena(4)] : [arena(5)],
    state: Uint32Array.of(iteration, 0, 1, 2, 3, 4, 5, 6),
    ...(level === 0 && arm === "ticket" ? { rewind: arena(6) } : {}),
  };
}

function record(key: NetworkKey, own: readonly Evaluation[], config: LotteryConfig): LevelRecord {
  const { arm, level, replicate, draw } = key;
  const best = own.toSorted((a, b) => (a.validationLoss ?? 0) - (b.validationLoss ?? 0))[0];
  return {
    arm,
    level,
    replicate,
    draw,
    seed: config.seed + replicate - 1,
    status: "ok",
    divergedAt: null,
    remaining: 0.5 ** level,
    layers: layers(level),
    earlyStopIteration: best?.iteration ?? null,
    validationLossAtEarlyStop: best?.validationLoss ?? null,
    testAccuracyAtEarlyStop: best?.testAccuracy ?? null,
    trainAccuracyAtEarlyStop: 0.97,
    testAccuracyAtEnd: own.at(-1)?.testAccuracy ?? null,
    trainAccuracyAtEnd: 0.99,
  };
}

function trained({ arm, level, replicate, draw }: NetworkKey, config: LotteryConfig): TrainedNetwork {
  const firstIteration = firstIterationOf(config, level);
  const layer = (name: string, inputs: number, outputs: number): TrainedNetwork["layers"][number] => {
    const mask = Uint8Array.from({ length: inputs * outputs }, (_, index) => index % (level + 1) === 0 ? 1 : 0);
    const initial = Float32Array.from(mask, (_, index) => Math.fround((index - 2) / 10 + replicate + draw / 3));
    return {
      name,
      inputs,
      outputs,
      mask,
      initial,
      final: initial.map((value, index) => mask[index] ? value * 1.5 : 0),
      initialBias: new Float32Array(outputs),
      finalBias: new Float32Array(outputs).fill(0.25),
      ...(arm === "ticket" && firstIteration > 0
        ? { rewind: { weight: initial.map((value) => value * 1.1), bias: new Float32Array(outputs).fill(0.125) } }
        : {}),
    };
  };
  return {
    arm,
    level,
    replicate,
    draw,
    network,
    firstIteration,
    layers: [layer("dense1", 3, 2), layer("dense2", 2, 2)],
    norms: [],
    normalization: Float32Array.of(1 / 255, 0, 1 / 255, 0, 1 / 255, 0),
  };
}

function layers(level: number): { name: string; size: number; kept: number }[] {
  return [{ name: "dense1", size: 6, kept: Math.ceil(6 * 0.5 ** level) }, {
    name: "dense2",
    size: 4,
    kept: Math.ceil(4 * 0.5 ** level),
  }];
}

function isSame(a: NetworkKey, b: NetworkKey): boolean {
  return a.arm === b.arm && a.level === b.level && a.replicate === b.replicate && a.draw === b.draw;
}
