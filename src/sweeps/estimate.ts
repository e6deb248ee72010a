/**
 * How long a run takes and how much memory, before it is started and where nothing that it would run on is at hand: its steps and
 * evaluations, level by level and turn by turn as `lottery()` would train them, times what one of them takes. That comes from
 * measurements of the same or of another network, or from what somebody else expects.
 *
 * @module
 */
import { type DatasetSize, publishedSizes } from "../data/sizes.ts";
import { type LotteryConfig, networkOf } from "../lottery/config.ts";
import { densitiesOf } from "../lottery/densities.ts";
import { planLockstep } from "../lottery/lockstep.ts";
import { inTurns } from "../lottery/lottery.ts";
import { plannedSurvivors, pruningGroups, ratesOf } from "../lottery/schedule.ts";
import { firstIterationOf, wantedNetworks } from "../lottery/wanted.ts";
import { layOut, type NetworkLayout } from "../nn/network.ts";
import { compactLayers, forwardWork, planOf, type PlanTable, planTable, type SpeedRow } from "../nn/plan.ts";
import { type DeviceContext, deviceContext } from "./memory.ts";

/** Networks in lockstep at a level. */
export interface LockstepAt {
  /** How many. */
  readonly networks: number;
  /** The surviving fraction of their weights. */
  readonly remaining: number;
  /** Whether a layer keeps its survivors alone by then. */
  readonly isCompact: boolean;
}

/** What networks in lockstep take, all of them together. */
export interface LockstepTimes {
  /** Milliseconds of a training step. */
  readonly stepMs: number;
  /** Milliseconds to evaluate 1,000 images of each. */
  readonly evaluationMsPerThousandImages: number;
}

/** Where a network's times come from: it was measured; another one was, and this has more or less work; a card's figures say so. */
export type TimesBasis = "measured" | "scaled" | "expected";

/** What a network takes. */
export interface NetworkTimes {
  /** Where that comes from. */
  readonly basis: TimesBasis;
  /** By how many train in lockstep, and the level. */
  readonly at: (at: LockstepAt) => LockstepTimes;
}

/** What a run takes beside steps and evaluations. */
export interface Overhead {
  /** Seconds to start: the program, the data set, the device. */
  readonly runSeconds: number;
  /** Seconds of each turn of a level: allocating, compiling, reading back, pruning, writing tickets. */
  readonly turnSeconds: number;
  /** Milliseconds that are lost in waiting for an evaluation, and for what was submitted before it. */
  readonly waitMs: number;
}

/** How long things take on some device. */
export interface Times {
  /** Where they come from, in a sentence. */
  readonly source: string;
  /** The device, as far as the plan depends on it. */
  readonly device: DeviceContext;
  /** What a run takes beside steps and evaluations. */
  readonly overhead: Overhead;
  /** What a run's network takes. */
  readonly of: (config: LotteryConfig, layout: NetworkLayout, size: DatasetSize) => NetworkTimes;
}

/** What a run is estimated to take. */
export interface RunEstimate {
  /** Seconds on one device. */
  readonly seconds: number;
  /** Bytes on it, with as many networks in lockstep as there ever are. */
  readonly bytes: number;
  /** Networks that it trains. */
  readonly networks: number;
  /** Most of them in lockstep. */
  readonly lockstep: number;
  /** Training steps, those of networks in lockstep counted for each. */
  readonly steps: number;
  /** Where the times come from. */
  readonly basis: TimesBasis;
}

/**
 * Estimates a run from its beginning to its end.
 *
 * @param size of the data set; as it was published when left out
 * @throws {RangeError} when not even one network fits, or the data set has too few images for the run's split
 */
export function estimateRun(
  config: LotteryConfig,
  times: Times,
  size: DatasetSize = publishedSizes[config.dataset],
): RunEstimate {
  const layout = layOut(networkOf(config, size));
  const device = deviceContext(times.device);
  const { lockstep, memory } = planLockstep(config, size, layout, device);
  const { basis, at } = times.of(config, layout, size);
  const rates = ratesOf(config);
  const groups = pruningGroups(layout, rates);
  const levels = plannedSurvivors(layout, config.levels, rates).map((kept) => ({
    remaining: kept.reduce((sum, count) => sum + count, 0) / layout.weights,
    isCompact: compactLayers(planOf(layout, densitiesOf(layout, kept, groups), device.kind, device.table)).length > 0,
  }));
  const { trainSize, validationSize, iterations } = config;
  const { runSeconds, turnSeconds, waitMs } = times.overhead;
  const wanted = wantedNetworks(config);
  let steps = 0;
  let ms = runSeconds * 1000;
  for (const turn of inTurns(wanted, config, lockstep)) {
    const [{ level }] = turn;
    const planned = levels[level];
    if (!planned) throw new Error("unreachable: every level is planned");
    const own = at({ networks: turn.length, ...planned });
    const ownSteps = iterations - firstIterationOf(config, level);
    const evaluations = evaluationsOf(config, level);
    // The training split is evaluated twice at the end: with the final weights, and with those of early stop.
    const images = evaluations * (validationSize + size.test.count) + 2 * trainSize;
    steps += ownSteps * turn.length;
    ms += ownSteps * own.stepMs + images / 1000 * own.evaluationMsPerThousandImages + evaluations * waitMs +
      turnSeconds * 1000;
  }
  return {
    seconds: ms / 1000,
    bytes: memory.reduce((sum, { bytes }) => sum + bytes, 0),
    networks: wanted.length,
    lockstep,
    steps,
    basis,
  };
}

/** Evaluations of a network's training at a level: at its first iteration, at every multiple of the interval, and at the end. */
export function evaluationsOf(
  config: Pick<LotteryConfig, "iterations" | "evalEvery" | "rewind">,
  level: number,
): number {
  const { iterations, evalEvery } = config;
  const first = firstIterationOf(config, level);
  const multiples = Math.floor(iterations / evalEvery) - Math.floor(first / evalEvery);
  return 1 + multiples + Number(iterations % evalEvery !== 0);
}

/**
 * What a run takes beside steps and evaluations, on two cores with llvmpipe (2026-11-26): LeNet's shortest run took 1.2 s of processor
 * time, each further level 0.65 s, of which 0.5 s were its evaluations. An evaluation waits twice for the device, each time up to 11 ms
 * longer than it works (Deno 2.9.6). Larger networks take longer between levels, and so much longer for steps that it does not matter.
 */
export const measuredOverhead: Overhead = { runSeconds: 1, turnSeconds: 0.3, waitMs: 11 };

/** What measured times hold for. */
export interface MeasuredContext extends Omit<Times, "of" | "overhead"> {
  /** What a run takes beside steps and evaluations; as it was measured with the usual table when left out. */
  readonly overhead?: Overhead;
}

/**
 * Times by measurements. Of a network that was measured they are those, between measured fractions of weights and numbers in lockstep
 * in proportion; of another one those of the network with the most similar work, or of the same one at another width, in proportion to
 * the work.
 *
 * @throws {RangeError} when there is no measurement
 */
export function measuredTimes(rows: readonly SpeedRow[], context: MeasuredContext): Times {
  if (rows.length === 0) throw new RangeError("Cannot estimate from no measurement: give at least one row of speed.");
  return {
    overhead: measuredOverhead,
    ...context,
    of({ batchSize }, layout) {
      const work = forwardWork(layout, batchSize);
      const isOwn = (row: SpeedRow): boolean => row.network === layout.spec.name;
      const nearest =
        rows.toSorted((a, b) =>
          Number(isOwn(b)) - Number(isOwn(a)) || Math.abs(Math.log(a.work / work)) - Math.abs(Math.log(b.work / work))
        )[0];
      if (!nearest) throw new Error("unreachable: there is a row");
      const own = rows.filter((row) =>
        row.network === nearest.network && row.work === nearest.work && row.batchSize === nearest.batchSize
      );
      const isMeasured = isOwn(nearest) && nearest.work === work && nearest.batchSize === batchSize;
      const steps = work / nearest.work;
      const images = steps * nearest.batchSize / batchSize;
      const stepsAt = timesAt(own, ({ stepMs }) => stepMs);
      const evaluationsAt = timesAt(own, ({ evaluationMsPerThousandImages: ms }) => ms);
      return {
        basis: isMeasured ? "measured" : "scaled",
        at: (at) => ({
          stepMs: stepsAt(at) * steps,
          evaluationMsPerThousandImages: evaluationsAt(at) * images,
        }),
      };
    },
  };
}

/**
 * The paper's networks on two cores with llvmpipe (LLVM 15.0.6), with the shipped plan table (`bench calibrate` measures the same; 2026-11-26).
 * Other jobs ran beside them. So what counts is the least of several passes; and of the convolutional networks, whose steps are too long
 * for a quiet moment, processor time over 1.65 where that is less: so many cores Conv-2's step keeps busy, whose 720 ms of processor
 * time took 440 ms when nothing else ran (docs/kernels.md).
 */
export const usualSpeed: readonly SpeedRow[] = [
  ...speeds("lenet-300-100", 15_972_000, 60, 1, [[1, 4.65, 20.2], [0.1688, 3.2, 19.6], [0.0287, 1.13, 4.45]]),
  ...speeds("lenet-300-100", 15_972_000, 60, 8, [[1, 34.2, 120], [0.1688, 28.9, 129], [0.0287, 4.21, 38.9]]),
  ...speeds("conv-2", 2_626_836_480, 60, 1, [[1, 436, 1_960], [0.1703, 442, 2_180], [0.0297, 394, 1_990]]),
  ...speeds("conv-4", 5_898_393_600, 60, 1, [[1, 772, 3_890], [0.1962, 789, 3_890], [0.0451, 775, 4_520]]),
  ...speeds("conv-6", 9_232_865_280, 60, 1, [[1, 1_560, 8_520], [0.2211, 1_410, 6_200], [0.0517, 806, 4_210]]),
  ...speeds("resnet-18", 5_224_087_552, 128, 1, [[1, 891, 2_770], [0.1776, 1_090, 2_960], [0.0396, 788, 2_000]]),
  ...speeds("vgg-19", 25_480_724_480, 64, 1, [[1, 4_080, 24_100], [0.168, 4_770, 23_000], [0.0284, 976, 5_920]]),
];

/** A network's rows: per level the remaining fraction, and the times as {@linkcode SpeedRow} has them. */
function speeds(
  network: string,
  work: number,
  batchSize: number,
  networks: number,
  levels: readonly (readonly [remaining: number, stepMs: number, evaluationMsPerThousandImages: number])[],
): SpeedRow[] {
  return levels.map(([remaining, stepMs, evaluationMsPerThousandImages]) => {
    return { network, work, batchSize, networks, remaining, stepMs, evaluationMsPerThousandImages };
  });
}

/** Times by {@linkcode usualSpeed}: where nothing else is known. */
export function usualTimes(table: PlanTable = planTable): Times {
  return measuredTimes(usualSpeed, {
    source:
      "those of llvmpipe on two cores, measured on 2026-11-26: another machine takes others (`deno task bench calibrate` " +
      "measures this one, --plan FILE goes by it, and --card NAME tells of graphics cards)",
    device: { kind: "software", table },
  });
}

/** A quantity between measured ones: of numbers in lockstep, and for each of them of remaining fractions. */
function timesAt(rows: readonly SpeedRow[], quantity: (row: SpeedRow) => number): (at: LockstepAt) => number {
  const byNetworks = [...Map.groupBy(rows, ({ networks }) => networks)].toSorted(([a], [b]) => a - b);
  return ({ networks, ...level }) => {
    const points = byNetworks.map(([count, own]): Point => [count, atLevel(own, level, quantity)]);
    const [least, leastMs] = points[0] ?? [1, NaN];
    const [most, mostMs] = points.at(-1) ?? [1, NaN];
    // Outside of what was measured each network takes as long as at its end.
    if (networks <= least) return leastMs * networks / least;
    if (networks >= most) return mostMs * networks / most;
    return between(points, networks);
  };
}

/**
 * Of levels. While all layers are masked-dense, kernels do the same whatever is pruned, so that the densest measurement holds. Below
 * the last one nothing is known: it holds.
 */
function atLevel(
  rows: readonly SpeedRow[],
  { remaining, isCompact }: Omit<LockstepAt, "networks">,
  quantity: (row: SpeedRow) => number,
): number {
  const points = rows.map((row): Point => [row.remaining, quantity(row)]).toSorted(([a], [b]) => a - b);
  const [densest, ms] = points.at(-1) ?? [1, NaN];
  return !isCompact || remaining >= densest ? ms : between(points, Math.max(remaining, points[0]?.[0] ?? remaining));
}

type Point = readonly [at: number, value: number];

/** In proportion between two of ascending points. */
function between(points: readonly Point[], at: number): number {
  const above = points.findIndex(([own]) => own >= at);
  const [high, highValue] = points[above] ?? points.at(-1) ?? [at, NaN];
  const [low, lowValue] = points[above - 1] ?? [high, highValue];
  return high === low ? highValue : lowValue + (highValue - lowValue) * (at - low) / (high - low);
}

/**
 * How long so many devices take for indivisible runs: each takes the longest that is left as soon as it has nothing to do (Graham
 * 1969: at most 4/3 of what is possible).
 */
export function makespan(seconds: readonly number[], devices: number): number {
  const busy = Array.from({ length: Math.max(1, Math.min(devices, seconds.length)) }, () => 0);
  for (const own of seconds.toSorted((a, b) => b - a)) {
    const free = busy.indexOf(Math.min(...busy));
    busy[free] = (busy[free] ?? 0) + own;
  }
  return Math.max(...busy);
}
