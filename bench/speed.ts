/**
 * How long whole networks take, at levels of the paper's schedule, as a run trains them: steps, and images of an evaluation. What runs
 * are estimated by.
 *
 * @module
 */
import type { Gpu } from "../src/gpu/gpu.ts";
import { largestLockstep } from "../src/lottery/lockstep.ts";
import type { PruningRates } from "../src/lottery/schedule.ts";
import { planEnsemble } from "../src/nn/ensemble.ts";
import { evaluationImages } from "../src/nn/graph.ts";
import type { NetworkLayout } from "../src/nn/network.ts";
import type { OptimizerSettings } from "../src/nn/optimizer.ts";
import { forwardWork, type PlanTable, type SpeedRow } from "../src/nn/plan.ts";
import { spread } from "./spread.ts";
import { imageCount, mostSteps, plannedLevel, randomExamples, randomMasks, startValues, Training } from "./training.ts";

/** The levels: dense, and two that lie where most of a run's sparse levels do. LeNet has 17 % of its weights at the one, 2.8 % at the other. */
export const speedLevels = [0, 8, 16] as const;

/** Most turns of each measurement, whose median counts. */
const mostTurns = 5;

/** Where one takes longer than all turns should, three are enough: one of them may be disturbed. */
const slowTurns = 3;

/** Networks in lockstep are not timed where a step of one that trains alone says that theirs would take longer than this, in milliseconds. */
const longestStepMs = 1000;

/** What is timed. */
export interface SpeedOptions {
  /** The network. */
  readonly layout: NetworkLayout;
  /** How it is pruned. */
  readonly rates: PruningRates;
  /** Its optimizer. */
  readonly optimizer: OptimizerSettings;
  /** Images of one step. */
  readonly batchSize: number;
  /** As many in lockstep as pay, beside one that trains alone. */
  readonly lockstep: number;
  /** Which kernels its layers run. */
  readonly table: PlanTable;
  /** Most turns of each measurement. */
  readonly runs: number;
  /** How long a turn lasts, in milliseconds. */
  readonly sampleMs: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** Times a network, alone and in lockstep, at each of {@linkcode speedLevels}. */
export async function timeSpeed(gpu: Gpu, options: SpeedOptions): Promise<SpeedRow[]> {
  const alone = await timeTogether(gpu, 1, options);
  const [dense] = alone;
  const together = Math.min(options.lockstep, fitting(gpu, options));
  if (together === 1 || !dense || dense.stepMs * together > longestStepMs) return alone;
  return [...alone, ...await timeTogether(gpu, together, options)];
}

/** The most networks of which every buffer fits into what the device allows. */
function fitting(gpu: Gpu, { layout, batchSize, optimizer, lockstep }: SpeedOptions): number {
  const memory = (replicates: number) =>
    planEnsemble({
      layout,
      replicates,
      batchSize,
      optimizer,
      iterations: mostSteps,
      trainSize: imageCount,
      validationSize: imageCount,
      testSize: imageCount,
    });
  return largestLockstep(lockstep, memory, gpu.limits) ?? 1;
}

async function timeTogether(gpu: Gpu, networks: number, options: SpeedOptions): Promise<SpeedRow[]> {
  const { layout, rates, optimizer, batchSize, table, signal } = options;
  const images = evaluationImages({ layout, replicates: networks }, imageCount);
  const rows: SpeedRow[] = [];
  using examples = randomExamples(gpu, layout.spec.input);
  for (const level of speedLevels) {
    signal?.throwIfAborted();
    const planned = plannedLevel(layout, level, rates, gpu.adapter.kind, table);
    const masks = randomMasks(layout, planned, networks);
    using training = await Training.open(gpu, {
      layout,
      examples,
      optimizer,
      batchSize,
      masks,
      plan: planned.plan,
      dropsDead: true,
    });
    training.begin(startValues(layout, masks));
    rows.push({
      network: layout.spec.name,
      work: forwardWork(layout, batchSize),
      batchSize,
      networks,
      remaining: planned.remaining,
      stepMs: await median((times) => training.stepMs(times), options),
      evaluationMsPerThousandImages: await median((times) => training.evaluationMs(times), options) * 1000 / images,
    });
  }
  return rows;
}

/** Milliseconds of one of something, of which so many are done with one wait. */
async function median(
  measure: (times: number) => Promise<number>,
  { runs, sampleMs, signal }: SpeedOptions,
): Promise<number> {
  const turns = Math.min(runs, mostTurns);
  // The first one compiles.
  await measure(1);
  signal?.throwIfAborted();
  const one = await measure(1);
  const isSlow = one > turns * sampleMs;
  // A wait comes back up to 11 ms late: where that is much, several at once tell how long each takes.
  const each = one < 50 ? Math.min(one, await measure(8)) : one;
  const times = Math.max(1, Math.min(mostSteps, Math.round(sampleMs / each)));
  const found = isSlow ? [one] : [];
  while (found.length < (isSlow ? Math.min(slowTurns, turns) : turns)) {
    signal?.throwIfAborted();
    found.push(await measure(times));
  }
  return spread(found).median;
}
