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
import type { Dataset } from "../data/dataset.ts";
import { Gpu } from "../gpu/gpu.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { Ensemble } from "../nn/ensemble.ts";
import { applyMask, countKept } from "../nn/mask.ts";
import { layOut } from "../nn/network.ts";
import { planOf, type PlanTable, planTable, planWords } from "../nn/plan.ts";
import { arms, prunerOf } from "./arms/registry.ts";
import { branchOf } from "./branches.ts";
import { CheckpointClock } from "./checkpoint_clock.ts";
import { type LotteryConfig, networkOf } from "./config.ts";
import { layerCounts, total, weightsOf } from "./counts.ts";
import { densitiesOf } from "./densities.ts";
import { batchGradient } from "./gradient.ts";
import { describe, isSame } from "./keys.ts";
import { limitsFor, memoryPlanner, planLockstep, widestLevel } from "./lockstep.ts";
import { Member } from "./member.ts";
import { optimizerOf } from "./optimizer.ts";
import { Pace } from "./pace.ts";
import { plannedWeights, type PruningGroup, pruningGroups, ratesOf, toPrune } from "./schedule.ts";
import { traceKernels, type TraceListener } from "./trace.ts";
import { type Trial, Trials } from "./trials.ts";
import type { LotteryEvent, NetworkKey, RewindPoint, Snapshot, TicketMask } from "./types.ts";
import { firstIterationOf, wantedNetworks } from "./wanted.ts";
import { Work } from "./work.ts";

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

/** Seconds between two snapshots within a level. */
const defaultCheckpointSeconds = 60;

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
  const wishes = limitsFor(memoryPlanner(config, dataset, layout)(widestLevel(config)));
  signal?.throwIfAborted();

  await using owned = new AsyncDisposableStack();
  const entry = options.entry ? { entry: options.entry } : {};
  const gpu = options.gpu ?? owned.use(await Gpu.open({ wishes, ...entry }));
  const { kind } = gpu.adapter;
  // Refused before anything is trained, where the table has no rows for this kind.
  const { lockstep, lockstepBy, memory } = planLockstep(config, dataset, layout, {
    kind,
    table,
    limits: gpu.limits,
    asked: options.lockstep,
  });
  const work = new Work(layout, config, options.snapshot);
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
    memory,
    lockstep,
    lockstepBy,
    remaining: planned.map((count) => count / layout.weights),
  };

  using train = new DeviceExamples(gpu, "train", dataset, dataset.train);
  using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
  const trials = new Trials(config, dataset, layout);
  const gradient = (trial: Trial, values: Float32Array<ArrayBuffer>) =>
    batchGradient(gpu, { config, layout, train, test }, trial, values);
  const branches = { config, layout, groups, trials, work, gradient };
  const clock = new CheckpointClock(options.checkpointSeconds ?? defaultCheckpointSeconds);
  const missing = wanted.filter((key) => !work.isDone(key));
  for (const keys of turns(missing, work, config, lockstep)) {
    const [{ level, arm, replicate }] = keys;
    signal?.throwIfAborted();
    const members: Member[] = [];
    for (const key of keys) {
      const branch = await branchOf(key, branches);
      members.push(new Member(key, config, layout, trials.of(key.replicate), branch, work.takePartial(key, config)));
    }
    const [first] = members;
    if (!first) continue;
    // The tickets' counts, whoever trains here: no network's kernels depend on its arm, or on who trains beside it.
    const kept = countKept(layout, work.mask({ arm: "ticket", level, replicate }));
    yield {
      type: "level-start",
      level,
      networks: members.map(({ key, seed }) => ({ ...key, seed })),
      iteration: first.iteration,
      remaining: total(kept) / layout.weights,
      layers: layerCounts(layout, kept),
    };
    const plan = planOf(layout, densitiesOf(layout, kept, groups), kind, table);
    const opened = performance.now();
    const started = opened - members.reduce((sum, { seconds }) => sum + seconds, 0) * 1000;
    using ensemble = await Ensemble.open(gpu, {
      layout,
      replicates: members.length,
      batchSize: config.batchSize,
      optimizer: optimizerOf(config, arms[arm].rate),
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
    work.add({
      records,
      timing,
      masks: await nextMasks(ensemble, members, groups),
      rewinds: rewindPoints(members),
      trained: members.flatMap(({ key }, index) => {
        const values = finals[index];
        return values ? [{ arm: key.arm, level, replicate: key.replicate, values }] : [];
      }),
    });
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
  return members.flatMap(({ key: { arm, replicate }, rewindPoint: values }) =>
    values && arm === "ticket" ? [{ replicate, values }] : []
  );
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

/** Prunes the tickets that were trained, and what else prunes for itself, for the level after this one. */
async function nextMasks(
  ensemble: Ensemble,
  members: readonly Member[],
  groups: readonly PruningGroup[],
): Promise<TicketMask[]> {
  // Other arms stand in the same arena; pruning nothing leaves their masks as they are.
  const counts = members.map(({ key, layout, mask }) => {
    const perGroup = toPrune(groups, countKept(layout, mask), key.level + 1);
    return prunes(key) ? perGroup : perGroup.map(() => 0);
  });
  const masks = await ensemble.prune(groups.map(({ layers }) => layers), counts);
  return members.flatMap(({ key, layout, mask }, index) => {
    const words = masks[index];
    if (!prunes(key) || !words) return [];
    const planned = total(countKept(layout, mask)) - total(counts[index] ?? []);
    const kept = total(countKept(layout, words));
    if (kept !== planned) {
      throw new Error(
        `Pruning ${describe(key)} kept ${kept} weights where ${planned} were planned. Run \`deno task doctor\`.`,
      );
    }
    return [{ arm: key.arm, level: key.level + 1, replicate: key.replicate, words }];
  });
}

/** Whether the next level's mask of its arm is made of what this network was trained to. */
function prunes({ arm, level }: NetworkKey): boolean {
  return prunerOf(arm, level + 1) === arm;
}

/**
 * What trains together, in order: first what an earlier run left within a level, at one iteration each, then the rest. What was
 * left may be less than what the level now wants, or more than fits in lockstep; no network's numbers depend on it.
 */
function turns(
  missing: readonly NetworkKey[],
  work: Work,
  config: LotteryConfig,
  lockstep: number,
): [NetworkKey, ...NetworkKey[]][] {
  const byIteration = Map.groupBy(missing, (key) => work.partial.find((own) => isSame(own, key))?.iteration);
  const begun = [...byIteration].flatMap(([iteration, keys]) => iteration === undefined ? [] : [keys]);
  return [...begun, byIteration.get(undefined) ?? []].flatMap((keys) => [...inTurns(keys, config, lockstep)]);
}

/**
 * Level by level, parts of equal size of what trains together, none larger than the largest lockstep. Arms with other learning
 * rates train by themselves: a lockstep has one table of them.
 */
export function* inTurns(
  keys: readonly NetworkKey[],
  config: Pick<LotteryConfig, "warmup" | "lrDrops">,
  lockstep: number,
): Generator<[NetworkKey, ...NetworkKey[]]> {
  const isSteady = config.warmup === 0 && config.lrDrops.length === 0;
  const togetherOf = ({ level, arm }: NetworkKey): string =>
    `${level} ${isSteady ? "schedule" : arms[arm].rate ?? "schedule"}`;
  for (const own of Map.groupBy(keys, togetherOf).values()) {
    const turns = Math.ceil(own.length / lockstep);
    const size = Math.ceil(own.length / turns);
    for (let start = 0; start < own.length; start += size) {
      const [first, ...rest] = own.slice(start, start + size);
      if (first) yield [first, ...rest];
    }
  }
}
