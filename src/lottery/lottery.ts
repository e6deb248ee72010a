/**
 * Iterative magnitude pruning with reset (Frankle & Carbin 2019, strategy 1): train, prune the smallest survivors of each
 * layer, reset the rest to their initial values, train again; with the re-initialised control beside it.
 *
 * @module
 */
import { earlyStop } from "../analysis/early_stop.ts";
import type { Dataset } from "../data/dataset.ts";
import { DataOrder } from "../data/order.ts";
import { split } from "../data/split.ts";
import { Gpu } from "../gpu/gpu.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { Ensemble, planEnsemble, type StartValues } from "../nn/ensemble.ts";
import { glorot } from "../nn/initialize.ts";
import { applyMask, countKept, denseMask, unpackMask } from "../nn/mask.ts";
import { fromArena, layOut, lenet, type NetworkLayout, roundUp } from "../nn/network.ts";
import type { OptimizerSettings } from "../nn/optimizer.ts";
import { planOf } from "../nn/plan.ts";
import { pruneSmallest } from "../nn/selection.ts";
import type { LotteryConfig } from "./config.ts";
import { plannedWeights, type PruningRates, toPrune } from "./schedule.ts";
import type {
  ArmName,
  Evaluation,
  LayerCount,
  LevelRecord,
  LevelTiming,
  LotteryEvent,
  MemoryEntry,
  NetworkKey,
  Snapshot,
  TicketMask,
  TrainedNetwork,
} from "./types.ts";

/** With what, and from where, to run. */
export interface LotteryOptions {
  /** The data set, as `loadDataset()` gives it. */
  readonly dataset: Dataset;
  /** An open device; one is opened, and closed at the end, when left out. */
  readonly gpu?: Gpu;
  /** Where an earlier run got to: only what is wanted and not in it is trained. */
  readonly snapshot?: Snapshot;
  /** Ends the run at the next step; `lottery()` then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Numbers that tell the random streams of arms apart. Never renumbered: runs depend on them. */
const armCode: Readonly<Record<ArmName, number>> = { ticket: 0, reinit: 1 };

/** Work of one submit, in milliseconds: short enough for watchdogs and Ctrl-C, long enough to hide the submit. */
const submitMs = 100;

/** Work on its way before the CPU waits for it, in milliseconds: a stop is noticed that much later. */
const waitMs = 400;

/** Most steps of one submit; the ensemble's ring of indices holds as many. */
const maxSteps = 256;

/**
 * Finds winning tickets, level by level.
 *
 * Events arrive in order: `start`; per level `level-start`, `evaluation`s and `progress`, `level-end` and a `snapshot` to go
 * on from; `end`. The same configuration and seed give the same numbers, bit for bit, on the same adapter and driver,
 * whatever else trains beside a network.
 *
 * @throws {AdapterError} when no adapter answers or it has too little for the job
 * @throws {RangeError} when configuration and data set do not fit
 */
export async function* lottery(config: LotteryConfig, options: LotteryOptions): AsyncGenerator<LotteryEvent> {
  const { dataset, signal } = options;
  const network = networkOf(config, dataset);
  const layout = layOut(network);
  const rates: PruningRates = { dense: config.pruneDense, output: config.pruneOutput, scope: config.scope };
  const wanted = wantedNetworks(config);
  const memory = memoryPlan(config, dataset, layout, wanted);
  signal?.throwIfAborted();

  await using owned = new AsyncDisposableStack();
  const gpu = options.gpu ?? owned.use(await Gpu.open({ limits: limitsFor(memory) }));
  const work = new Work(layout, options.snapshot);
  const planned = plannedWeights(layout, config.levels, rates);
  yield {
    type: "start",
    config,
    network: { name: network.name, weights: layout.weights, layers: layerCounts(layout, layout.layers.map(sizeOf)) },
    adapter: gpu.adapter,
    memory,
    remaining: planned.map((count) => count / layout.weights),
  };

  using train = new DeviceExamples(gpu, "train", dataset, dataset.train);
  using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
  for (let level = 0; level <= config.levels; level++) {
    const keys = wanted.filter((key) => key.level === level && !work.isDone(key));
    if (keys.length === 0) continue;
    signal?.throwIfAborted();
    const members = keys.map((key) => new Member(key, config, layout, dataset, work.mask(key)));
    const [first] = members;
    if (!first) continue;
    const kept = countKept(layout, first.mask);
    yield {
      type: "level-start",
      level,
      networks: members.map(({ key, seed }) => ({ ...key, seed })),
      remaining: total(kept) / layout.weights,
      layers: layerCounts(layout, kept),
    };
    const started = performance.now();
    using ensemble = await Ensemble.open(gpu, {
      layout,
      replicates: members.length,
      batchSize: config.batchSize,
      optimizer: optimizerOf(config),
      iterations: config.iterations,
      train,
      test,
      splits: members.map((member) => member.split),
    });
    const stepMs = yield* trainLevel(gpu, ensemble, config, level, members, signal);
    const correct = await ensemble.trainingCorrect();
    const finals = await ensemble.parameters();
    const records = members.map((member, index) => member.record(correct[index], config));
    const networks = members.map((member, index) => member.trained(finals[index] ?? new Float32Array(0)));
    const timing = { level, seconds: (performance.now() - started) / 1000, stepMs, plan: planOf(layout) };
    work.add(records, timing, await nextMasks(gpu, ensemble, members, rates));
    yield { type: "level-end", level, records, networks, timing };
    yield { type: "snapshot", snapshot: work.snapshot() };
  }
  yield { type: "end", snapshot: work.snapshot() };
}

/** The network of a configuration. */
export function networkOf(
  config: Pick<LotteryConfig, "width">,
  dataset: Pick<Dataset, "channels" | "height" | "width" | "classes">,
): ReturnType<typeof lenet> {
  return lenet(dataset.channels * dataset.height * dataset.width, dataset.classes, config.width);
}

/** The optimizer of a configuration. */
export function optimizerOf(config: LotteryConfig): OptimizerSettings {
  const { lr, weightDecay, momentum } = config;
  return config.optimizer === "adam" ? { type: "adam", lr, weightDecay } : { type: "sgd", lr, momentum, weightDecay };
}

/** Every network that a configuration asks for. The dense level needs no control: re-initialised, it is another replicate. */
export function wantedNetworks(config: LotteryConfig): NetworkKey[] {
  const keys: NetworkKey[] = [];
  for (let level = 0; level <= config.levels; level++) {
    for (let replicate = 1; replicate <= config.replicates; replicate++) {
      keys.push({ arm: "ticket", level, replicate, draw: 1 });
    }
    if (level === 0) continue;
    for (const arm of config.controls) {
      for (let replicate = 1; replicate <= config.replicates; replicate++) {
        for (let draw = 1; draw <= config.reinitDraws; draw++) keys.push({ arm, level, replicate, draw });
      }
    }
  }
  return keys;
}

/** One level: steps and evaluations. Returns the median time of a step. */
async function* trainLevel(
  gpu: Gpu,
  ensemble: Ensemble,
  config: LotteryConfig,
  level: number,
  members: readonly Member[],
  signal: AbortSignal | undefined,
): AsyncGenerator<LotteryEvent, number> {
  ensemble.begin(members.map(({ start }) => start));
  await assertReset(ensemble, members);
  const pace = new Pace(gpu);
  let iteration = 0;
  yield* evaluations(ensemble, members, pace);
  while (iteration < config.iterations) {
    const until = Math.min(config.iterations, (Math.floor(iteration / config.evalEvery) + 1) * config.evalEvery);
    while (iteration < until) {
      signal?.throwIfAborted();
      const steps = Math.min(pace.stepsPerSubmit, until - iteration);
      pace.submitting(steps);
      ensemble.steps(members.map(({ order }) => order.next(steps)));
      await pace.submitted();
      iteration += steps;
      yield { type: "progress", level, iteration, iterations: config.iterations, stepMs: pace.stepMs };
    }
    signal?.throwIfAborted();
    yield* evaluations(ensemble, members, pace);
  }
  return pace.medianStepMs;
}

async function* evaluations(ensemble: Ensemble, members: readonly Member[], pace: Pace): AsyncGenerator<LotteryEvent> {
  // Settled first: work queued behind the last steps would count as theirs.
  await pace.settle();
  const { records, kept, violations } = await ensemble.evaluate();
  for (const [index, member] of members.entries()) {
    const record = records[index];
    if (!record) throw new Error("unreachable: one record per network");
    member.assertMask(kept[index] ?? [], violations[index] ?? 0, record.iteration);
    yield { type: "evaluation", evaluation: member.evaluated(record) };
  }
}

/** Survivors stand at their initial values, bit for bit, and everything else at zero. */
async function assertReset(ensemble: Ensemble, members: readonly Member[]): Promise<void> {
  const parameters = await ensemble.parameters();
  for (const [index, member] of members.entries()) {
    const wanted = new Uint32Array(applyMask(member.start.values, member.mask).buffer);
    const found = new Uint32Array(parameters[index]?.buffer ?? new ArrayBuffer(0));
    if (found.length !== wanted.length || found.some((bits, at) => bits !== wanted[at])) {
      throw new Error(
        `Could not reset ${
          describe(member.key)
        }: its weights differ from their initial values on the GPU. Run \`deno task doctor\`.`,
      );
    }
  }
}

/** Prunes the tickets that were trained, for the level after this one. */
async function nextMasks(
  gpu: Gpu,
  ensemble: Ensemble,
  members: readonly Member[],
  rates: PruningRates,
): Promise<TicketMask[]> {
  // Controls stand in the same arena; pruning nothing leaves their masks as they are.
  const counts = members.map(({ key, layout, mask }) => {
    const perGroup = toPrune(layout, countKept(layout, mask), rates);
    return key.arm === "ticket" ? perGroup : perGroup.map(() => 0);
  });
  await pruneSmallest(gpu, ensemble.layout, rates.scope, counts, {
    parameters: ensemble.buffer("parameters"),
    mask: ensemble.buffer("mask"),
  });
  const masks = await ensemble.masks();
  return members.flatMap(({ key, layout, mask }, index) => {
    const words = masks[index];
    if (key.arm !== "ticket" || !words) return [];
    const planned = total(countKept(layout, mask)) - total(counts[index] ?? []);
    const kept = total(countKept(layout, words));
    if (kept !== planned) {
      throw new Error(
        `Pruning ${describe(key)} kept ${kept} weights where ${planned} were planned. Run \`deno task doctor\`.`,
      );
    }
    return [{ level: key.level + 1, replicate: key.replicate, words }];
  });
}

/**
 * How many steps make a submit, and when to wait. Waiting costs up to 11 ms under Deno, whose waits end when everything
 * that was submitted is done, so several submits share one. Its timing decides when, never what.
 */
class Pace {
  readonly #gpu: Gpu;
  readonly #times: number[] = [];
  #waiting = 0;
  #since = 0;
  #stepMs = 0;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Steps of the next submit. */
  get stepsPerSubmit(): number {
    return this.#stepMs === 0 ? 4 : Math.max(1, Math.min(maxSteps, Math.round(submitMs / this.#stepMs)));
  }

  /** Milliseconds of a step, lately. */
  get stepMs(): number {
    return this.#stepMs;
  }

  /** Median over the waits of a level. */
  get medianStepMs(): number {
    return median(this.#times);
  }

  /** To be called right before a submit of so many steps. */
  submitting(steps: number): void {
    if (this.#waiting === 0) this.#since = performance.now();
    this.#waiting += steps;
  }

  /** Waits when enough is on its way. */
  async submitted(): Promise<void> {
    if (this.#waiting * this.#stepMs >= waitMs || this.#stepMs === 0) await this.settle();
  }

  /** Waits for everything that was submitted. */
  async settle(): Promise<void> {
    if (this.#waiting === 0) return;
    await this.#gpu.done();
    this.#stepMs = (performance.now() - this.#since) / this.#waiting;
    this.#times.push(this.#stepMs);
    this.#waiting = 0;
  }
}

/** One network of a level: what it starts from, what it sees, what was measured. */
class Member {
  readonly key: NetworkKey;
  readonly seed: number;
  readonly layout: NetworkLayout;
  readonly mask: Uint32Array<ArrayBuffer>;
  readonly start: StartValues;
  readonly split: { readonly train: Uint32Array; readonly validation: Uint32Array };
  readonly order: DataOrder;
  readonly #testSize: number;
  readonly #evaluations: Evaluation[] = [];
  #divergedAt: number | null = null;

  constructor(
    key: NetworkKey,
    config: LotteryConfig,
    layout: NetworkLayout,
    dataset: Dataset,
    mask: Uint32Array<ArrayBuffer>,
  ) {
    this.key = key;
    this.seed = seedOf(config, key.replicate);
    this.layout = layout;
    this.mask = mask;
    const values = key.arm === "ticket"
      ? glorot(layout, this.seed)
      : glorot(layout, this.seed, { purpose: "reinit", level: key.level, draw: key.draw });
    this.start = { values, mask };
    this.split = split(dataset.train.count, this.seed, {
      validationSize: config.validationSize,
      trainSize: config.trainSize,
    });
    this.order = new DataOrder(this.split.train, config.batchSize, this.seed, {
      arm: armCode[key.arm],
      level: key.level,
      draw: key.draw,
    });
    this.#testSize = dataset.test.count;
  }

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

  evaluated(record: Awaited<ReturnType<Ensemble["evaluate"]>>["records"][number]): Evaluation {
    const steps = record.iteration - (this.#evaluations.at(-1)?.iteration ?? 0);
    const evaluation: Evaluation = {
      ...this.key,
      iteration: record.iteration,
      trainLoss: steps > 0 ? finite(record.trainLossSum / steps) : null,
      validationLoss: finite(record.validationLossSum / this.split.validation.length),
      validationAccuracy: record.validationCorrect / this.split.validation.length,
      testLoss: finite(record.testLossSum / this.#testSize),
      testAccuracy: record.testCorrect / this.#testSize,
    };
    this.#evaluations.push(evaluation);
    if (record.divergedAt > 0) this.#divergedAt = record.divergedAt;
    return evaluation;
  }

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

  trained(final: Float32Array): TrainedNetwork {
    const masks = unpackMask(this.layout, this.mask);
    const initials = fromArena(this.layout, new Float32Array(this.start.values));
    const finals = fromArena(this.layout, final);
    return {
      ...this.key,
      layers: this.layout.layers.map(({ name, inputs, outputs }, index) => {
        const mask = masks[index];
        const initial = initials[index];
        const trained = finals[index];
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
        };
      }),
    };
  }
}

/** What is done, and the masks to go on with. */
class Work {
  readonly #layout: NetworkLayout;
  readonly #records: LevelRecord[];
  readonly #timings: LevelTiming[];
  readonly #masks: TicketMask[];

  constructor(layout: NetworkLayout, snapshot: Snapshot | undefined) {
    this.#layout = layout;
    this.#records = [...snapshot?.records ?? []];
    this.#timings = [...snapshot?.timings ?? []];
    this.#masks = [...snapshot?.masks ?? []];
  }

  isDone(key: NetworkKey): boolean {
    return this.#records.some((record) => isSame(record, key));
  }

  mask({ level, replicate }: NetworkKey): Uint32Array<ArrayBuffer> {
    if (level === 0) return denseMask(this.#layout);
    const found = this.#masks.find((mask) => mask.level === level && mask.replicate === replicate);
    if (!found) {
      throw new RangeError(
        `Cannot train level ${level} of replicate ${replicate}: the snapshot has its earlier level, but not its mask. ` +
          "Start without a snapshot, or from a whole one.",
      );
    }
    return found.words;
  }

  add(records: readonly LevelRecord[], timing: LevelTiming, masks: readonly TicketMask[]): void {
    this.#records.push(...records);
    this.#timings.push(timing);
    this.#masks.push(...masks);
  }

  snapshot(): Snapshot {
    return { records: [...this.#records], timings: [...this.#timings], masks: [...this.#masks] };
  }
}

function memoryPlan(
  config: LotteryConfig,
  dataset: Dataset,
  layout: NetworkLayout,
  wanted: readonly NetworkKey[],
): MemoryEntry[] {
  if (config.trainSize + config.validationSize > dataset.train.count) {
    throw new RangeError(
      `Cannot split ${dataset.name}: ${config.trainSize} training and ${config.validationSize} validation images were asked for, ` +
        `and it has ${dataset.train.count}. Lower --train-size to at most ${
          dataset.train.count - config.validationSize
        }.`,
    );
  }
  const perLevel = Array.from(
    { length: config.levels + 1 },
    (_, level) => wanted.filter((key) => key.level === level).length,
  );
  const pixels = layout.spec.inputs;
  return [
    { name: "train images", bytes: DeviceExamples.bytes(pixels, dataset.train.count) },
    { name: "test images", bytes: DeviceExamples.bytes(pixels, dataset.test.count) },
    ...planEnsemble({
      layout,
      replicates: Math.max(...perLevel),
      batchSize: config.batchSize,
      optimizer: optimizerOf(config),
      iterations: config.iterations,
      trainSize: config.trainSize,
      validationSize: config.validationSize,
      testSize: dataset.test.count,
    }),
  ];
}

/** The device limits that a memory plan asks for. */
function limitsFor(memory: readonly MemoryEntry[]): { maxStorageBufferBindingSize: number; maxBufferSize: number } {
  // Buffers are rounded up to whole vec4.
  const largest = roundUp(Math.max(...memory.map(({ bytes }) => bytes)), 16);
  return { maxStorageBufferBindingSize: largest, maxBufferSize: largest };
}

/** The seed of a replicate: replicate r of seed s is what a run with seed s + r − 1 trains first. */
function seedOf(config: LotteryConfig, replicate: number): number {
  return (config.seed + replicate - 1) >>> 0;
}

function isSame(a: NetworkKey, b: NetworkKey): boolean {
  return a.arm === b.arm && a.level === b.level && a.replicate === b.replicate && a.draw === b.draw;
}

function describe({ arm, level, replicate, draw }: NetworkKey): string {
  return `${arm} of level ${level}, replicate ${replicate}, draw ${draw}`;
}

function layerCounts(layout: NetworkLayout, kept: readonly number[]): LayerCount[] {
  return layout.layers.map((layer, index) => ({ name: layer.name, size: sizeOf(layer), kept: kept[index] ?? 0 }));
}

function sizeOf({ inputs, outputs }: { readonly inputs: number; readonly outputs: number }): number {
  return inputs * outputs;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return 0;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
