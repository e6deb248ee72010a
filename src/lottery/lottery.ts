/**
 * Iterative magnitude pruning with reset (Frankle & Carbin 2019, strategy 1): train, prune the smallest survivors of each
 * layer, reset the rest to their initial values, train again; with the re-initialised control beside it.
 *
 * With late rewinding (Frankle et al. 2019, "Stabilizing the Lottery Ticket Hypothesis") survivors are reset to what the dense
 * network was at iteration k, running statistics of batch norms included, and train from iteration k to the end of the same
 * schedule, with a fresh optimizer. The re-initialised control then starts from its fresh draw at iteration k too, so that it
 * takes as many steps at the same learning rates as the ticket beside it.
 *
 * @module
 */
import { earlyStop } from "../analysis/early_stop.ts";
import type { Dataset } from "../data/dataset.ts";
import { normalizationOf } from "../data/normalization.ts";
import { DataOrder } from "../data/order.ts";
import { RandomStream } from "../data/random.ts";
import { type Split, split } from "../data/split.ts";
import { Gpu } from "../gpu/gpu.ts";
import type { Limits } from "../gpu/limits.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { Ensemble, planEnsemble, type StartValues, type TrainingState } from "../nn/ensemble.ts";
import { glorot } from "../nn/initialize.ts";
import { applyMask, countKept, denseMask, unpackMask } from "../nn/mask.ts";
import { fromArena, layOut, type NetworkLayout, normsFromArena, roundUp, sizeOf } from "../nn/network.ts";
import type { OptimizerSettings } from "../nn/optimizer.ts";
import { forwardWork, type LayerPlan, lockstepOf, planOf, type PlanTable, planTable, planWords } from "../nn/plan.ts";
import { divergedAtOf } from "../nn/state.ts";
import { CheckpointClock } from "./checkpoint_clock.ts";
import { type LotteryConfig, networkOf } from "./config.ts";
import { plannedWeights, type PruningGroup, pruningGroups, type PruningRates, toPrune } from "./schedule.ts";
import { traceKernels, type TraceListener, type TraceSpan } from "./trace.ts";
import type {
  ArmName,
  Evaluation,
  LayerCount,
  LevelRecord,
  LevelTiming,
  LockstepBy,
  LotteryEvent,
  MemoryEntry,
  NetworkKey,
  PartialNetwork,
  RewindPoint,
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
  /** The WebGPU entry point to open a device with; `navigator.gpu` when left out. */
  readonly entry?: Pick<GPU, "requestAdapter">;
  /** Where an earlier run got to: only what is wanted and not in it is trained. */
  readonly snapshot?: Snapshot;
  /**
   * Most networks to train in lockstep; as many as the device's limits allow, and the plan table says, when left out. No number
   * depends on it.
   */
  readonly lockstep?: number;
  /**
   * Which kernels layers run, by kind, size and density; what ships when left out. Numbers depend on it in their last bits: who goes
   * on from a snapshot gives the table that it began with.
   */
  readonly plan?: PlanTable;
  /**
   * Seconds between two snapshots within a level, 60 when left out; more where they would take over 2 % of the time. 0: with
   * every wait, whatever it costs.
   */
  readonly checkpointSeconds?: number;
  /** Told of spans for a timeline. At the end of each level a step and an evaluation more are timed, which changes no number. */
  readonly trace?: TraceListener;
  /** Ends the run at the next step: `lottery()` yields a snapshot of where it stands and throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Numbers that tell the random streams of arms apart. Never renumbered: runs depend on them. */
const armCode: Readonly<Record<ArmName, number>> = { ticket: 0, reinit: 1 };

/** Work of one submit, in milliseconds: short enough for watchdogs and Ctrl-C, long enough to hide the submit. */
const submitMs = 100;

/** Work on its way before the CPU waits for it, in milliseconds: a stop is noticed that much later. */
const waitMs = 400;

/** Seconds between two snapshots within a level. */
const defaultCheckpointSeconds = 60;

/** Most steps of one submit; the ensemble's ring of indices holds as many. */
const maxSteps = 256;

/**
 * Finds winning tickets, level by level.
 *
 * Events arrive in order: `start`; per level `level-start`, `evaluation`s, `progress` and now and then a `snapshot`,
 * `level-end` and another `snapshot` to go on from; `end`. The same configuration and seed give the same numbers, bit for
 * bit, on the same adapter and driver, whatever else trains beside a network.
 *
 * @throws {AdapterError} when no adapter answers or it has too little for the job
 * @throws {RangeError} when configuration and data set do not fit, or the plan table is for another kind of adapter
 */
export async function* lottery(config: LotteryConfig, options: LotteryOptions): AsyncGenerator<LotteryEvent> {
  const { dataset, signal, trace, plan: table = planTable } = options;
  const layout = layOut(networkOf(config, dataset));
  const rates = ratesOf(config);
  const groups = pruningGroups(layout, rates);
  const wanted = wantedNetworks(config);
  const widest = Math.max(...levelSizes(config, wanted));
  const wishes = limitsFor(memoryPlanner(config, dataset, layout)(widest));
  signal?.throwIfAborted();

  await using owned = new AsyncDisposableStack();
  const entry = options.entry ? { entry: options.entry } : {};
  const gpu = options.gpu ?? owned.use(await Gpu.open({ wishes, ...entry }));
  const { kind } = gpu.adapter;
  // Refused before anything is trained, where the table has no rows for this kind.
  const plan = memoryPlanner(config, dataset, layout, planOf(layout, [], kind, table));
  const byPlan = lockstepOf(forwardWork(layout, config.batchSize), kind, table);
  const most = Math.max(1, Math.min(widest, options.lockstep ?? widest, byPlan));
  const lockstep = largestLockstep(most, plan, layout, config, gpu.limits);
  const lockstepBy: LockstepBy = lockstep === widest
    ? "level"
    : lockstep < most
    ? "memory"
    : most === byPlan
    ? "plan"
    : "caller";
  const work = new Work(layout, options.snapshot);
  const planned = plannedWeights(layout, config.levels, rates);
  yield {
    type: "start",
    config,
    network: {
      spec: layout.spec,
      weights: layout.weights,
      layers: layerCounts(layout, layout.layers.map(weightsOf)),
    },
    adapter: gpu.adapter,
    memory: plan(lockstep),
    lockstep,
    lockstepBy,
    remaining: planned.map((count) => count / layout.weights),
  };

  using train = new DeviceExamples(gpu, "train", dataset, dataset.train);
  using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
  const trials = new Trials(config, dataset);
  const clock = new CheckpointClock(options.checkpointSeconds ?? defaultCheckpointSeconds);
  const missing = wanted.filter((key) => !work.isDone(key));
  for (const keys of turns(missing, work, lockstep)) {
    const [{ level }] = keys;
    signal?.throwIfAborted();
    const members = keys.map((key) => {
      const rewind = key.arm === "ticket" ? work.rewind(key, config) : undefined;
      return new Member(
        key,
        config,
        layout,
        trials.of(key.replicate),
        work.mask(key),
        rewind,
        work.takePartial(key, config),
      );
    });
    const [first] = members;
    if (!first) continue;
    const kept = countKept(layout, first.mask);
    yield {
      type: "level-start",
      level,
      networks: members.map(({ key, seed }) => ({ ...key, seed })),
      iteration: first.iteration,
      remaining: total(kept) / layout.weights,
      layers: layerCounts(layout, kept),
    };
    const plan = planOf(layout, densitiesOf(layout, kept, groups, config.scope), kind, table);
    const opened = performance.now();
    const started = opened - members.reduce((sum, { seconds }) => sum + seconds, 0) * 1000;
    using ensemble = await Ensemble.open(gpu, {
      layout,
      replicates: members.length,
      batchSize: config.batchSize,
      optimizer: optimizerOf(config),
      iterations: config.iterations,
      firstIteration: firstIterationOf(config, level),
      train,
      test,
      splits: members.map(({ trial }) => trial.split),
      normalization: members.map(({ trial }) => trial.normalization),
      dropoutKeys: members.map(({ dropoutKey }) => dropoutKey),
      augment: config.augment,
      masks: members.map(({ mask }) => mask),
      plan,
      dropsDead: true,
    });
    const stepMs = yield* trainLevel({ ensemble, config, level, members, work, clock, started, trace, signal });
    const correct = await ensemble.trainingCorrect();
    const finals = await ensemble.parameters();
    const records = members.map((member, index) => member.record(correct[index], config));
    const networks = members.map((member, index) => member.trained(finals[index] ?? new Float32Array(0)));
    const timing = { level, seconds: (performance.now() - started) / 1000, stepMs, plan: planWords(layout, plan) };
    work.add(records, timing, await nextMasks(ensemble, members, groups), rewindPoints(members));
    if (trace) {
      // From here on nothing is read from the ensemble.
      const ended = performance.now();
      trace({ name: `level ${level}`, track: "levels", level, startMs: opened, durationMs: ended - opened });
      await traceKernels(gpu, ensemble, members.map(({ start }) => start), level, trace);
    }
    yield { type: "level-end", level, records, networks, timing };
    yield { type: "snapshot", snapshot: work.snapshot() };
    clock.reset();
  }
  yield { type: "end", snapshot: work.snapshot() };
}

/**
 * The surviving fraction of each layer that the plan goes by: with global pruning, where it differs from replicate to
 * replicate, that of the whole pool.
 */
function densitiesOf(
  layout: NetworkLayout,
  kept: readonly number[],
  groups: readonly PruningGroup[],
  scope: LotteryConfig["scope"],
): number[] {
  const densities = layout.layers.map((layer, index) => (kept[index] ?? 0) / weightsOf(layer));
  if (scope === "layer") return densities;
  for (const { layers } of groups) {
    const size = total(layers.map((index) => weightsOf(layout.layers[index] ?? { inputs: 0, outputs: 0 })));
    for (const index of layers) densities[index] = total(layers.map((own) => kept[own] ?? 0)) / size;
  }
  return densities;
}

/** The optimizer of a configuration, with its schedule of learning rates. */
export function optimizerOf(config: LotteryConfig): OptimizerSettings {
  const { lr, weightDecay, momentum, warmup, lrDrops: drops, lrDropFactor: dropFactor } = config;
  const common = { lr, weightDecay, warmup, drops, dropFactor };
  return config.optimizer === "adam" ? { type: "adam", ...common } : { type: "sgd", momentum, ...common };
}

/** The pruning rates of a configuration. */
export function ratesOf({ pruneConv, pruneDense, pruneOutput, scope }: LotteryConfig): PruningRates {
  return { conv: pruneConv, dense: pruneDense, output: pruneOutput, scope };
}

/** The iteration at which a level's training starts. */
export function firstIterationOf({ rewind }: Pick<LotteryConfig, "rewind">, level: number): number {
  return level === 0 ? 0 : rewind;
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

/** What training a level takes. */
interface LevelTraining {
  readonly ensemble: Ensemble;
  readonly config: LotteryConfig;
  readonly level: number;
  readonly members: readonly Member[];
  readonly work: Work;
  readonly clock: CheckpointClock;
  /** When the level began, by `performance.now()`. */
  readonly started: number;
  readonly trace: TraceListener | undefined;
  readonly signal: AbortSignal | undefined;
}

/** One level, from its beginning or from within: steps, evaluations, snapshots. Returns the median time of a step in ms. */
async function* trainLevel(training: LevelTraining): AsyncGenerator<LotteryEvent, number> {
  const { ensemble, config, level, members, clock, trace, signal } = training;
  const [first] = members;
  if (!first) throw new Error("unreachable: a level has networks");
  ensemble.begin(members.map(({ start }) => start), first.evaluatedAt);
  await assertReset(ensemble, members);
  const pace = new Pace(ensemble, first.stepMs, (span) => trace?.({ ...span, track: "waits", level }));
  const { iterations, evalEvery } = config;
  const firstIteration = firstIterationOf(config, level);
  const rewindAt = level === 0 && config.rewind > 0 ? config.rewind : Infinity;
  let iteration = first.iteration;
  for (;;) {
    if (iteration === rewindAt) {
      await pace.settle();
      await readRewindPoints(ensemble, members);
    }
    if (signal?.aborted || (pace.isSettled && clock.isDue)) {
      await pace.settle();
      const began = performance.now();
      yield { type: "snapshot", snapshot: await snapshotWithin(training, iteration, pace.medianStepMs) };
      clock.taken(began);
      signal?.throwIfAborted();
    }
    const isEvaluated = iteration === firstIteration || iteration % evalEvery === 0 || iteration === iterations;
    if (isEvaluated && first.evaluatedAt !== iteration) {
      yield* evaluations(training, pace, iteration);
      continue;
    }
    if (iteration === iterations) return pace.medianStepMs;
    const until = Math.min(iterations, (Math.floor(iteration / evalEvery) + 1) * evalEvery);
    const stop = iteration < rewindAt ? Math.min(until, rewindAt) : until;
    const steps = Math.min(pace.stepsPerSubmit, stop - iteration);
    pace.submitting(steps);
    ensemble.steps(members.map(({ order }) => order.next(steps)));
    await pace.submitted();
    iteration += steps;
    const { stepMs, trainLoss } = pace;
    yield { type: "progress", level, firstIteration, iteration, iterations, stepMs, trainLoss };
  }
}

/** What is done, and where the networks in training stand. */
async function snapshotWithin(
  { ensemble, members, work, started }: LevelTraining,
  iteration: number,
  stepMs: number,
): Promise<Snapshot> {
  const states = await ensemble.training();
  const seconds = (performance.now() - started) / 1000 / members.length;
  return work.snapshot(members.flatMap((member, index) => {
    const state = states[index];
    return state ? [member.partial(state, { iteration, seconds, stepMs })] : [];
  }));
}

/** Notes what the networks are now, unless that was done before an interruption. */
async function readRewindPoints(ensemble: Ensemble, members: readonly Member[]): Promise<void> {
  if (members.every(({ rewindPoint }) => rewindPoint)) return;
  const arenas = await ensemble.parameters();
  for (const [index, member] of members.entries()) member.rewindPoint = arenas[index];
}

/** Where later levels are rewound to, of the dense networks. */
function rewindPoints(members: readonly Member[]): RewindPoint[] {
  return members.flatMap(({ key: { replicate }, rewindPoint: values }) => values ? [{ replicate, values }] : []);
}

async function* evaluations(
  { ensemble, members, level, trace }: LevelTraining,
  pace: Pace,
  iteration: number,
): AsyncGenerator<LotteryEvent> {
  // Settled first: work queued behind the last steps would count as theirs.
  await pace.settle();
  const startMs = performance.now();
  const { records, kept, violations } = await ensemble.evaluate();
  const durationMs = performance.now() - startMs;
  trace?.({ name: `evaluation at iteration ${iteration}`, track: "evaluations", level, startMs, durationMs });
  for (const [index, member] of members.entries()) {
    const record = records[index];
    if (!record) throw new Error("unreachable: one record per network");
    member.assertMask(kept[index] ?? [], violations[index] ?? 0, record.iteration);
    yield { type: "evaluation", evaluation: member.evaluated(record) };
  }
}

/** Survivors stand at their initial values, or at those they are rewound to, bit for bit, and everything else at zero. */
async function assertReset(ensemble: Ensemble, members: readonly Member[]): Promise<void> {
  const parameters = await ensemble.parameters();
  for (const [index, member] of members.entries()) {
    const wanted = new Uint32Array(applyMask(member.start.values, member.mask).buffer);
    const found = new Uint32Array(parameters[index]?.buffer ?? new ArrayBuffer(0));
    if (found.length !== wanted.length || found.some((bits, at) => bits !== wanted[at])) {
      throw new Error(
        `Could not reset ${
          describe(member.key)
        }: its weights differ from the values to start from on the GPU. Run \`deno task doctor\`.`,
      );
    }
  }
}

/** Prunes the tickets that were trained, for the level after this one. */
async function nextMasks(
  ensemble: Ensemble,
  members: readonly Member[],
  groups: readonly PruningGroup[],
): Promise<TicketMask[]> {
  // Controls stand in the same arena; pruning nothing leaves their masks as they are.
  const counts = members.map(({ key, layout, mask }) => {
    const perGroup = toPrune(groups, countKept(layout, mask));
    return key.arm === "ticket" ? perGroup : perGroup.map(() => 0);
  });
  const masks = await ensemble.prune(groups.map(({ layers }) => layers), counts);
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
  readonly #ensemble: Ensemble;
  readonly #times: number[] = [];
  #waiting = 0;
  #since = 0;
  #stepMs = 0;
  #trainLoss: number | null = null;
  readonly #stepMsBefore: number;
  readonly #waited: (span: Pick<TraceSpan, "name" | "startMs" | "durationMs">) => void;

  /**
   * @param stepMsBefore median time of a step before an interruption, in milliseconds; 0 when there was none
   * @param waited told of every wait
   */
  constructor(
    ensemble: Ensemble,
    stepMsBefore: number,
    waited: (span: Pick<TraceSpan, "name" | "startMs" | "durationMs">) => void,
  ) {
    this.#ensemble = ensemble;
    this.#stepMsBefore = stepMsBefore;
    this.#waited = waited;
  }

  /** Steps of the next submit. */
  get stepsPerSubmit(): number {
    return this.#stepMs === 0 ? 4 : Math.max(1, Math.min(maxSteps, Math.round(submitMs / this.#stepMs)));
  }

  /** Milliseconds of a step, lately. */
  get stepMs(): number {
    return this.#stepMs;
  }

  /** Mean training loss of the first network since the last evaluation, as of the last wait. */
  get trainLoss(): number | null {
    return this.#trainLoss;
  }

  /** Median over the waits of a level; what it was before an interruption while there are none since. */
  get medianStepMs(): number {
    return this.#times.length > 0 ? median(this.#times) : this.#stepMsBefore;
  }

  /** Whether nothing that was submitted is still on its way. */
  get isSettled(): boolean {
    return this.#waiting === 0;
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
    // A read waits for everything before it, so that the running loss comes for nothing.
    const startMs = performance.now();
    const [loss] = await this.#ensemble.runningLosses();
    const ended = performance.now();
    this.#waited({ name: `wait for ${this.#waiting} steps`, startMs, durationMs: ended - startMs });
    this.#trainLoss = loss === undefined ? null : finite(loss);
    this.#stepMs = (ended - this.#since) / this.#waiting;
    this.#times.push(this.#stepMs);
    this.#waiting = 0;
  }
}

/** What the networks of a replicate share, whatever their level and arm. */
interface Trial {
  readonly seed: number;
  readonly split: Split;
  /** (scale, shift) of each channel, by the training split. */
  readonly normalization: Float32Array<ArrayBuffer>;
  readonly testSize: number;
}

/** The trials of a run, each made once: normalising CIFAR-10 looks at every pixel of its split. */
class Trials {
  readonly #config: LotteryConfig;
  readonly #dataset: Dataset;
  readonly #made = new Map<number, Trial>();

  constructor(config: LotteryConfig, dataset: Dataset) {
    this.#config = config;
    this.#dataset = dataset;
  }

  of(replicate: number): Trial {
    const known = this.#made.get(replicate);
    if (known) return known;
    const { validationSize, trainSize } = this.#config;
    const seed = seedOf(this.#config, replicate);
    const parts = split(this.#dataset.train.count, seed, { validationSize, trainSize });
    const trial: Trial = {
      seed,
      split: parts,
      normalization: normalizationOf(this.#dataset, parts.train),
      testSize: this.#dataset.test.count,
    };
    this.#made.set(replicate, trial);
    return trial;
  }
}

/** One network of a level: what it starts from, what it sees, what was measured. */
class Member {
  readonly key: NetworkKey;
  readonly trial: Trial;
  readonly layout: NetworkLayout;
  readonly mask: Uint32Array<ArrayBuffer>;
  readonly start: StartValues;
  readonly order: DataOrder;
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

  /**
   * @param rewind the arena to start from instead of the initial values
   * @param begun where an earlier run left it within the level
   */
  constructor(
    key: NetworkKey,
    config: LotteryConfig,
    layout: NetworkLayout,
    trial: Trial,
    mask: Uint32Array<ArrayBuffer>,
    rewind: Float32Array<ArrayBuffer> | undefined,
    begun: PartialNetwork | undefined,
  ) {
    this.key = key;
    this.trial = trial;
    this.layout = layout;
    this.mask = mask;
    const { arm, level, draw } = key;
    this.#initial = arm === "ticket"
      ? glorot(layout, trial.seed)
      : glorot(layout, trial.seed, { purpose: "reinit", level, draw });
    this.#rewind = rewind;
    this.#firstIteration = firstIterationOf(config, level);
    this.start = begun
      ? { values: begun.parameters, mask, training: begun }
      : { values: rewind ?? this.#initial, mask };
    this.iteration = begun?.iteration ?? this.#firstIteration;
    this.seconds = begun?.seconds ?? 0;
    this.stepMs = begun?.stepMs ?? 0;
    this.rewindPoint = begun?.rewind;
    this.#evaluations = [...begun?.evaluations ?? []];
    this.#divergedAt = begun ? divergedAtOf(begun.state) : null;
    const stream = { arm: armCode[arm], level, draw };
    const { augment } = config;
    this.order = new DataOrder(trial.split.train, config.batchSize, trial.seed, stream, { augment });
    // A level's order begins anew wherever the level starts.
    this.order.skip(this.iteration - this.#firstIteration);
    const random = new RandomStream(trial.seed, "dropout", stream.arm, level, draw);
    this.dropoutKey = Uint32Array.of(random.uint32(), random.uint32());
  }

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

/** What is done, and the masks and values to go on with. */
class Work {
  readonly #layout: NetworkLayout;
  readonly #records: LevelRecord[];
  readonly #timings: LevelTiming[];
  readonly #masks: TicketMask[];
  readonly #rewinds: RewindPoint[];
  #partial: readonly PartialNetwork[];

  constructor(layout: NetworkLayout, snapshot: Snapshot | undefined) {
    this.#layout = layout;
    this.#records = [...snapshot?.records ?? []];
    this.#timings = [...snapshot?.timings ?? []];
    this.#masks = [...snapshot?.masks ?? []];
    this.#rewinds = [...snapshot?.rewinds ?? []];
    this.#partial = (snapshot?.partial ?? []).filter((network) => !this.isDone(network));
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

  add(
    records: readonly LevelRecord[],
    timing: LevelTiming,
    masks: readonly TicketMask[],
    rewinds: readonly RewindPoint[],
  ): void {
    this.#records.push(...records);
    this.#timings.push(timing);
    this.#masks.push(...masks);
    this.#rewinds.push(...rewinds);
  }

  /** @param training where the networks in training stand */
  snapshot(training: readonly PartialNetwork[] = []): Snapshot {
    const partial = [...training, ...this.#partial];
    return {
      records: [...this.#records],
      timings: [...this.#timings],
      masks: [...this.#masks],
      rewinds: [...this.#rewinds],
      ...(partial.length > 0 ? { partial } : {}),
    };
  }
}

/** How many networks each level has. */
function levelSizes(config: LotteryConfig, wanted: readonly NetworkKey[]): number[] {
  return Array.from({ length: config.levels + 1 }, (_, level) => wanted.filter((key) => key.level === level).length);
}

/**
 * What trains together, in order: first what an earlier run left within a level, at one iteration each, then the rest. What was
 * left may be less than what the level now wants, or more than fits in lockstep; no network's numbers depend on it.
 */
function turns(
  missing: readonly NetworkKey[],
  work: Work,
  lockstep: number,
): [NetworkKey, ...NetworkKey[]][] {
  const byIteration = Map.groupBy(missing, (key) => work.partial.find((own) => isSame(own, key))?.iteration);
  const begun = [...byIteration].flatMap(([iteration, keys]) => iteration === undefined ? [] : [keys]);
  return [...begun, byIteration.get(undefined) ?? []].flatMap((keys) => [...inTurns(keys, lockstep)]);
}

/** Level by level, parts of equal size of what trains together, none larger than the largest lockstep. */
function* inTurns(keys: readonly NetworkKey[], lockstep: number): Generator<[NetworkKey, ...NetworkKey[]]> {
  for (const own of Map.groupBy(keys, ({ level }) => level).values()) {
    const turns = Math.ceil(own.length / lockstep);
    const size = Math.ceil(own.length / turns);
    for (let start = 0; start < own.length; start += size) {
      const [first, ...rest] = own.slice(start, start + size);
      if (first) yield [first, ...rest];
    }
  }
}

/** What a training takes on the device, by the number of networks in lockstep and the batch size. */
type MemoryPlanner = (replicates: number, batchSize?: number) => MemoryEntry[];

function memoryPlanner(
  config: LotteryConfig,
  dataset: Dataset,
  layout: NetworkLayout,
  plan: readonly LayerPlan[] = [],
): MemoryPlanner {
  if (config.trainSize + config.validationSize > dataset.train.count) {
    throw new RangeError(
      `Cannot split ${dataset.name}: ${config.trainSize} training and ${config.validationSize} validation images were asked for, ` +
        `and it has ${dataset.train.count}. Lower --train-size to at most ${
          dataset.train.count - config.validationSize
        }.`,
    );
  }
  const pixels = sizeOf(layout.spec.input);
  const images = [
    ...DeviceExamples.plan("train", pixels, dataset.train.count),
    ...DeviceExamples.plan("test", pixels, dataset.test.count),
  ];
  return (replicates, batchSize = config.batchSize) => [
    ...images,
    ...planEnsemble({
      layout,
      replicates,
      batchSize,
      optimizer: optimizerOf(config),
      iterations: config.iterations,
      trainSize: config.trainSize,
      validationSize: config.validationSize,
      testSize: dataset.test.count,
      plan,
    }),
  ];
}

/**
 * The most networks that can train in lockstep: all of a level, or equal parts of them where a buffer of all would be larger
 * than the device allows. How many there are changes no number.
 *
 * @throws {RangeError} when not even one fits, with the batch size that would
 */
function largestLockstep(
  widest: number,
  plan: MemoryPlanner,
  layout: NetworkLayout,
  { batchSize }: LotteryConfig,
  { maxStorageBufferBindingSize, maxBufferSize }: Required<Limits>,
): number {
  const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  const largest = (memory: readonly MemoryEntry[]): MemoryEntry =>
    memory.reduce((a, b) => b.bytes > a.bytes ? b : a, { name: "nothing", bytes: 0 });
  const fits = (memory: readonly MemoryEntry[]): boolean => roundUp(largest(memory).bytes, 16) <= most;
  for (let turns = 1; turns <= widest; turns++) {
    const replicates = Math.ceil(widest / turns);
    if (fits(plan(replicates))) return replicates;
  }
  let smaller = batchSize - 1;
  while (smaller > 0 && !fits(plan(1, smaller))) smaller--;
  const { name, bytes } = largest(plan(1));
  throw new RangeError(
    `Cannot train ${layout.spec.name} in batches of ${batchSize}: "${name}" needs ${
      bytes.toLocaleString("en")
    } bytes, ` +
      `and this adapter allows ${most.toLocaleString("en")} in one buffer. ` +
      (smaller > 0
        ? `Batches of ${smaller} would fit: use --batch-size ${smaller}, or a smaller --width.`
        : "No batch size would fit: use a smaller --width."),
  );
}

/** The device limits that let a memory plan be carried out. */
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
  return layout.layers.map((layer, index) => ({ name: layer.name, size: weightsOf(layer), kept: kept[index] ?? 0 }));
}

function weightsOf({ inputs, outputs }: { readonly inputs: number; readonly outputs: number }): number {
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
