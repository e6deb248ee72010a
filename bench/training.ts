/**
 * Trainings to be timed: networks of the paper on random images, opened for steps alone, dense or at a level of the paper's
 * schedule with random masks of exactly its counts. Several of them are timed in turn on one device, so that what disturbs one
 * disturbs the others.
 *
 * @module
 */
import { unitRange } from "../src/data/normalization.ts";
import { RandomStream } from "../src/data/random.ts";
import type { AdapterInfo, Gpu } from "../src/gpu/gpu.ts";
import { plannedSurvivors, type PruningRates } from "../src/lottery/schedule.ts";
import { architecture, type ArchitectureName } from "../src/nn/architectures.ts";
import { DeviceExamples } from "../src/nn/batches.ts";
import { Ensemble, type StartValues } from "../src/nn/ensemble.ts";
import { glorot } from "../src/nn/initialize.ts";
import { packMask } from "../src/nn/mask.ts";
import { type Extent, layOut, type NetworkLayout, sizeOf } from "../src/nn/network.ts";
import type { OptimizerSettings } from "../src/nn/optimizer.ts";
import { type LayerPlan, planOf, type PlanTable } from "../src/nn/plan.ts";

/** Random images that trainings draw from. */
export const imageCount = 1024;

/** The most steps of one submit. */
export const mostSteps = 256;

/** One of the paper's networks for the images that it was made for. */
export function networkLayout(network: ArchitectureName, width = 1): NetworkLayout {
  const input = network === "lenet" ? { channels: 1, height: 28, width: 28 } : { channels: 3, height: 32, width: 32 };
  return layOut(architecture(network, input, 10, { width }));
}

/** Random images of ten classes, on the device; as many as trainings draw from, when left out. */
export function randomExamples(gpu: Gpu, input: Extent, count = imageCount): DeviceExamples {
  const random = new RandomStream(1, "synthetic");
  const images = Uint8Array.from({ length: sizeOf(input) * count }, () => random.below(256));
  const labels = Uint8Array.from({ length: count }, () => random.below(10));
  return new DeviceExamples(gpu, "train", input, { images, labels, count });
}

/** A level of a schedule: how many weights of each layer survive, and which kernels a run would plan then. */
export interface PlannedLevel {
  /** 0 is dense. */
  readonly level: number;
  /** Survivors of each layer. */
  readonly kept: readonly number[];
  /** The surviving fraction of the network. */
  readonly remaining: number;
  /** Which kernels each layer runs, by its index. */
  readonly plan: readonly LayerPlan[];
}

/** A level as a run plans it. How a pool of several layers spreads over them is a run's own affair: here evenly. */
export function plannedLevel(
  layout: NetworkLayout,
  level: number,
  rates: PruningRates,
  kind: AdapterInfo["kind"],
  table?: PlanTable,
): PlannedLevel {
  const sizes = layout.layers.map(({ inputs, outputs }) => inputs * outputs);
  const kept = plannedSurvivors(layout, level, rates).at(-1) ?? sizes;
  const plan = planOf(layout, kept.map((count, index) => count / (sizes[index] ?? 1)), kind, table);
  return {
    level,
    kept,
    remaining: kept.reduce((sum, count) => sum + count, 0) / layout.weights,
    plan,
  };
}

/** A mask that keeps exactly so many weights of each layer, each choice of them equally likely (Knuth's algorithm S). */
function randomMask(
  layout: NetworkLayout,
  kept: readonly number[],
  random: RandomStream,
): Uint32Array<ArrayBuffer> {
  return packMask(
    layout,
    layout.layers.map(({ inputs, outputs }, index) => {
      let wanted = kept[index] ?? 0;
      let left = inputs * outputs;
      if (wanted === left) return new Uint8Array(left).fill(1);
      return Uint8Array.from({ length: left }, () => {
        const isKept = random.uniform() * left-- < wanted;
        if (isKept) wanted--;
        return Number(isKept);
      });
    }),
  );
}

/** Random masks of a level for networks in lockstep. */
export function randomMasks(
  layout: NetworkLayout,
  { level, kept }: Pick<PlannedLevel, "level" | "kept">,
  replicates: number,
): Uint32Array<ArrayBuffer>[] {
  return Array.from(
    { length: replicates },
    (_, index) => randomMask(layout, kept, new RandomStream(index + 1, "synthetic", 1, level)),
  );
}

/** What a training is made of. */
export interface TrainingOptions {
  /** The network. */
  readonly layout: NetworkLayout;
  /** What it trains on. */
  readonly examples: DeviceExamples;
  /** The optimizer. */
  readonly optimizer: OptimizerSettings;
  /** Images of one step. */
  readonly batchSize: number;
  /** Per network in lockstep, its mask. */
  readonly masks: readonly Uint32Array<ArrayBuffer>[];
  /** Which kernels each layer runs, by its index; when left out, masked-dense ones with register tiles. */
  readonly plan?: readonly LayerPlan[];
  /** Whether what the masks leave unread is dropped, as in a run; false when left out. */
  readonly dropsDead?: boolean;
  /** Steps that it may go on for from a beginning; as many as one submit takes when left out. */
  readonly iterations?: number;
}

/** Networks in lockstep, opened for steps. */
export class Training implements Disposable {
  /** The networks. */
  readonly ensemble: Ensemble;
  readonly #gpu: Gpu;
  readonly #batches: readonly Uint32Array[];
  readonly #batchSize: number;

  private constructor(gpu: Gpu, ensemble: Ensemble, batchSize: number) {
    this.#gpu = gpu;
    this.ensemble = ensemble;
    this.#batchSize = batchSize;
    const random = new RandomStream(2, "synthetic");
    this.#batches = Array.from(
      { length: ensemble.replicates },
      () => Uint32Array.from({ length: batchSize * mostSteps }, () => random.below(imageCount)),
    );
  }

  /** Allocates and compiles. */
  static async open(
    gpu: Gpu,
    { layout, examples, optimizer, batchSize, masks, plan, dropsDead = false, iterations }: TrainingOptions,
  ): Promise<Training> {
    const indices = Uint32Array.from({ length: imageCount }, (_, index) => index);
    const replicates = masks.length;
    const ensemble = await Ensemble.open(gpu, {
      layout,
      replicates,
      batchSize,
      optimizer,
      iterations: iterations ?? mostSteps,
      train: examples,
      test: examples,
      splits: masks.map(() => ({ train: indices, validation: indices })),
      normalization: masks.map(() => unitRange(layout.spec.input.channels)),
      masks,
      dropsDead,
      ...(plan ? { plan } : {}),
    });
    return new Training(gpu, ensemble, batchSize);
  }

  /** Goes back to these values. */
  begin(starts: readonly StartValues[]): void {
    this.ensemble.begin(starts);
  }

  /** Submits so many steps, up to 256. */
  submit(steps: number): void {
    this.ensemble.steps(this.#batches.map((own) => own.subarray(0, steps * this.#batchSize)));
  }

  /** Milliseconds of one step, over so many of them; whatever was submitted before is waited for first. */
  async stepMs(steps: number): Promise<number> {
    await this.#gpu.done();
    const started = performance.now();
    this.submit(steps);
    await this.#gpu.done();
    return (performance.now() - started) / steps;
  }

  /** Milliseconds of the first launches of an evaluation, over so many of them; what was submitted before is waited for first. */
  async evaluationMs(times: number): Promise<number> {
    const [program] = this.ensemble.evaluationPrograms;
    if (!program) throw new Error("unreachable: an evaluation has a launch");
    await this.#gpu.done();
    const started = performance.now();
    this.#gpu.submit([program, times]);
    await this.#gpu.done();
    return (performance.now() - started) / times;
  }

  /** Releases it. */
  [Symbol.dispose](): void {
    this.ensemble[Symbol.dispose]();
  }
}

/** Where networks start: Glorot's values, one seed each. */
export function startValues(layout: NetworkLayout, masks: readonly Uint32Array<ArrayBuffer>[]): StartValues[] {
  return masks.map((mask, index) => ({ values: glorot(layout, index + 1), mask }));
}

/** A training and where it starts from whenever it is its turn. */
export interface Turn {
  /** The training; two turns may share one. */
  readonly training: Training;
  /** Values and masks. */
  readonly starts: readonly StartValues[];
}

/** How turns are timed. */
export interface TurnOptions {
  /** Rounds in which each has its turn once. */
  readonly runs: number;
  /** How long a turn lasts, in milliseconds: long enough to hide a wait's 11 ms. */
  readonly sampleMs: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

async function leastOfThree(measure: () => Promise<number>): Promise<number> {
  return Math.min(await measure(), await measure(), await measure());
}

/**
 * Times trainings in turn, after one round that is not counted.
 *
 * @returns per turn, milliseconds of a step in each round
 */
export async function inTurns(turns: readonly Turn[], options: TurnOptions): Promise<number[][]> {
  const { runs, sampleMs, signal } = options;
  const stepsOf: number[] = [];
  for (const { training, starts } of turns) {
    signal?.throwIfAborted();
    training.begin(starts);
    // The first step compiles, so that it says nothing of the others. A few more tell how long one takes, where it is shorter than a
    // wait. The least of three tries counts: with too few steps to a turn, the wait's 11 ms would be theirs.
    await training.stepMs(1);
    const one = await leastOfThree(() => training.stepMs(1));
    const ms = one < 50 ? await leastOfThree(() => training.stepMs(8)) : one;
    stepsOf.push(Math.max(1, Math.min(mostSteps, Math.round(sampleMs / ms))));
  }
  const times: number[][] = turns.map(() => []);
  for (let run = 0; run < runs; run++) {
    for (const [index, { training, starts }] of turns.entries()) {
      signal?.throwIfAborted();
      training.begin(starts);
      times[index]?.push(await training.stepMs(stepsOf[index] ?? 1));
    }
  }
  return times;
}
