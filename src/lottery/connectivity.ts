/**
 * Errors along the line between two trained networks of one mask: what linear mode connectivity is read from (Frankle, Dziugaite,
 * Roy & Carbin 2020, arXiv 1912.05671, section 2; `instabilityOf()` says what they come to).
 *
 * The networks of the line stand side by side in an ensemble that is evaluated and never trained. Everything of the arena is
 * interpolated: weights, biases, batch norms, and with them their running statistics, which are not estimated anew.
 *
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Split } from "../data/split.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { DeviceExamples } from "../nn/batches.ts";
import { Ensemble, planEnsemble } from "../nn/ensemble.ts";
import { evaluationImages } from "../nn/graph.ts";
import { countKept } from "../nn/mask.ts";
import type { NetworkLayout } from "../nn/network.ts";
import type { OptimizerSettings } from "../nn/optimizer.ts";
import { forwardWork, type LayerPlan, lockstepOf, planOf } from "../nn/plan.ts";
import { densitiesOf } from "./densities.ts";
import { largestBuffer, largestLockstep } from "./lockstep.ts";
import type { PruningGroup } from "./schedule.ts";

/** The paper's number of points (1912.05671, section 2). */
export const linePoints = 30;

/** The ends of a line, and what it is evaluated on. */
export interface LineOptions {
  /** The architecture. */
  readonly layout: NetworkLayout;
  /** Where the images are. */
  readonly dataset: Dataset;
  /** The replicate's split: which images trained, and which validate. */
  readonly split: Split;
  /** (scale, shift) of each channel, as the networks were trained with. */
  readonly normalization: Float32Array<ArrayBuffer>;
  /** The mask that both were trained with, one bit per value of the arena. */
  readonly mask: Uint32Array<ArrayBuffer>;
  /** The arena at α = 0; `toArena()` makes one. */
  readonly from: Float32Array<ArrayBuffer>;
  /** The arena at α = 1. */
  readonly to: Float32Array<ArrayBuffer>;
  /** How many evenly spaced points, both ends included; {@linkcode linePoints} when left out. */
  readonly points?: number;
  /** Whether errors on the training split are wanted too: as many images more as it has, twice. False when left out. */
  readonly training?: boolean;
  /**
   * Layers that the run ranks together, by whose densities it plans its kernels: with global pruning the ends are what it evaluated,
   * bit for bit, only where they are given. Each layer by itself when left out.
   */
  readonly groups?: readonly PruningGroup[];
  /** Which kernels layers run; as the shipped plan table says for the mask's densities when left out. */
  readonly plan?: readonly LayerPlan[];
  /** Most networks side by side; as many as memory and the plan table allow when left out. No number depends on it. */
  readonly lockstep?: number;
  /** Ends the evaluation between two of its turns, with its reason. */
  readonly signal?: AbortSignal;
}

/** The network at one point of the line. Errors are fractions of wrong predictions; losses mean cross-entropies in nats. */
export interface LinePoint {
  /** Where it is: (1 − α) · from + α · to. */
  readonly alpha: number;
  /** On the test set. */
  readonly testError: number;
  /** On the validation split. */
  readonly validationError: number;
  /** On the training split; null unless asked for. */
  readonly trainError: number | null;
  /** On the test set; null when not finite. */
  readonly testLoss: number | null;
  /** On the validation split; null when not finite. */
  readonly validationLoss: number | null;
}

/**
 * Evaluates the networks on the line between two, in order of α.
 *
 * The ends are evaluated as they are, bit for bit as the run that trained them evaluated them, given the groups that it prunes; a run
 * that had a plan table of its own needs its plan as well.
 *
 * @throws {RangeError} when there are fewer than two points, an arena or the mask does not fit the layout, or not even one network
 * fits on the device
 */
export async function lineErrors(gpu: Gpu, options: LineOptions): Promise<LinePoint[]> {
  const { layout, dataset, split, normalization, mask, groups = [], signal } = options;
  const alphas = alphasOf(options);
  const plan = options.plan ?? planOf(layout, densitiesOf(layout, countKept(layout, mask), groups), gpu.adapter.kind);
  const common = { layout, plan, batchSize: 1, optimizer: noOptimizer, iterations: 1 };
  const sizes = {
    trainSize: split.train.length,
    validationSize: split.validation.length,
    testSize: dataset.test.count,
  };
  const together = togetherOf(gpu, alphas.length, options.lockstep, (replicates) => ({
    ...common,
    ...sizes,
    replicates,
  }));
  using train = new DeviceExamples(gpu, "train", dataset, dataset.train);
  using test = new DeviceExamples(gpu, "test", dataset, dataset.test);
  using ensemble = await Ensemble.open(gpu, {
    ...common,
    replicates: together,
    train,
    test,
    splits: times(together, split),
    normalization: times(together, normalization),
    masks: times(together, mask),
    dropsDead: true,
  });
  const line: LinePoint[] = [];
  for (let start = 0; start < alphas.length; start += together) {
    signal?.throwIfAborted();
    const turn = alphas.slice(start, start + together);
    // An ensemble has one size: the last turn is filled up with its last point, which is left out of what it brings back.
    const filled = [...turn, ...times(together - turn.length, turn.at(-1) ?? 0)];
    ensemble.begin(filled.map((alpha) => ({ values: between(options, alpha), mask })));
    const { records } = await ensemble.evaluate();
    const correct = options.training ? await ensemble.trainingCorrect() : [];
    turn.forEach((alpha, index) => {
      const record = records[index];
      if (!record) throw new Error("unreachable: one record per network");
      const trainCorrect = correct[index]?.atEnd;
      line.push({
        alpha,
        testError: 1 - record.testCorrect / sizes.testSize,
        validationError: 1 - record.validationCorrect / sizes.validationSize,
        trainError: trainCorrect === undefined ? null : 1 - trainCorrect / sizes.trainSize,
        testLoss: finite(record.testLossSum / sizes.testSize),
        validationLoss: finite(record.validationLossSum / sizes.validationSize),
      });
    });
  }
  return line;
}

/** No step is ever taken. */
const noOptimizer: OptimizerSettings = { type: "sgd", lr: 0 };

function alphasOf({ layout, mask, from, to, points = linePoints }: LineOptions): number[] {
  if (!Number.isInteger(points) || points < 2) {
    throw new RangeError(`Cannot evaluate a line at ${points} points: both ends are, so give an integer from 2 on.`);
  }
  const { arena, spec: { name } } = layout;
  if (from.length !== arena || to.length !== arena || mask.length !== arena / 32) {
    throw new RangeError(
      `Cannot evaluate a line of ${name}: its ends have ${from.length} and ${to.length} values and the mask ${mask.length} words, ` +
        `where ${arena} and ${arena / 32} are wanted. Give arenas of this layout.`,
    );
  }
  return Array.from({ length: points }, (_, index) => index / (points - 1));
}

/** (1 − α) · from + α · to, in float64 before it is rounded once; the ends as they are. */
function between({ from, to }: LineOptions, alpha: number): Float32Array<ArrayBuffer> {
  if (alpha === 0) return from;
  if (alpha === 1) return to;
  return from.map((value, index) => (1 - alpha) * value + alpha * (to[index] ?? NaN));
}

/**
 * How many networks stand side by side: all, or equal parts of them, no larger than asked for or than the plan table says, and than the
 * device has room for.
 */
function togetherOf(
  { adapter, limits }: Gpu,
  count: number,
  asked: number | undefined,
  sizesOf: (replicates: number) => Parameters<typeof planEnsemble>[0],
): number {
  const { layout, testSize } = sizesOf(1);
  const launch = evaluationImages({ layout, replicates: 1 }, testSize);
  const most = Math.max(1, Math.min(count, asked ?? lockstepOf(forwardWork(layout, launch), adapter.kind)));
  const largest = largestLockstep(most, (replicates) => planEnsemble(sizesOf(replicates)), limits);
  if (largest === undefined) {
    throw new RangeError(
      `Cannot evaluate ${layout.spec.name}: a buffer of one network is larger than the ${
        largestBuffer(limits).toLocaleString("en")
      } bytes that this device allows. Open it with the limits that the run was trained with.`,
    );
  }
  return Math.ceil(count / Math.ceil(count / largest));
}

function times<Item>(count: number, item: Item): Item[] {
  return new Array<Item>(count).fill(item);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
