/**
 * An ensemble: networks of one architecture that train in lockstep, each with its own weights, mask, data order and
 * metrics. Everything on the GPU has a leading replicate dimension, and no network's numbers depend on the others.
 *
 * @module
 */
import type { DatasetSize } from "../data/sizes.ts";
import { Buffer } from "../gpu/buffer.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Launch, Program } from "../gpu/program.ts";
import { place, type Placement } from "./activations.ts";
import { type DeviceExamples, gatherBatch, type GatheredExamples, plannedExamples } from "./batches.ts";
import {
  backwardPass,
  evaluationImages,
  evaluationLifetimes,
  forwardPass,
  lanes,
  partialWords,
  type PassShape,
  savedWords,
  type TrainingBuffers,
  trainingLifetimes,
} from "./graph.ts";
import type { CompactIndices } from "./compact_structure.ts";
import { LevelArena } from "./level_arena.ts";
import { copyIfBest, crossEntropy, endOfStep, sums } from "./loss.ts";
import { applyMask } from "./mask.ts";
import { classesOf, type NetworkLayout, roundUp } from "./network.ts";
import { momentsOf, type OptimizerSettings, optimizerStep, stepScalars } from "./optimizer.ts";
import { compactLayers, type LayerPlan } from "./plan.ts";
import { layerTable, pruneSmallest, statistics } from "./selection.ts";
import {
  type EvaluationRecord,
  hasBest,
  initialState,
  parseRecords,
  parseRunningLosses,
  recordSlot,
  recordWords,
  stateWords,
  stepOf,
} from "./state.ts";

/** What an ensemble trains, on what, and for how long. */
export interface EnsembleOptions {
  /** The architecture. */
  readonly layout: NetworkLayout;
  /** Networks in lockstep. */
  readonly replicates: number;
  /** Images of one step. */
  readonly batchSize: number;
  /** The optimizer. */
  readonly optimizer: OptimizerSettings;
  /** The iteration at which a level ends: the length of the scalars' table. */
  readonly iterations: number;
  /** The iteration at which it begins; 0 when left out. */
  readonly firstIteration?: number;
  /** Where training and validation images come from. */
  readonly train: DeviceExamples;
  /** The test set. */
  readonly test: DeviceExamples;
  /** Per replicate: which of `train` to train on and which to validate on. All replicates have equally many. */
  readonly splits: readonly { readonly train: Uint32Array; readonly validation: Uint32Array }[];
  /** Per replicate, (scale, shift) of each channel for byte values. */
  readonly normalization: readonly Float32Array[];
  /** Per replicate, two words that key the random numbers of dropout; zeros when left out. */
  readonly dropoutKeys?: readonly Uint32Array[];
  /** Whether the batches of {@linkcode Ensemble.steps} say how each image is flipped and shifted. */
  readonly augment?: boolean;
  /** Per replicate, the mask that it trains with, where layers are compact or what is dead is dropped. */
  readonly masks?: readonly Uint32Array[];
  /**
   * Whether units and pixels that the masks leave unread are dropped from the computation, which changes no number but makes
   * tensors smaller; false when left out.
   */
  readonly dropsDead?: boolean;
  /** Which kernels each layer runs, by its index; when left out, masked-dense ones with register tiles. */
  readonly plan?: readonly LayerPlan[];
  /** Whether what is dead gives its memory to what comes later; true when left out. False to look at activations afterwards. */
  readonly sharesMemory?: boolean;
}

/** Where one network starts. */
export interface StartValues {
  /** Arena of values; what the mask prunes is left out. */
  readonly values: Float32Array;
  /** One bit per parameter. */
  readonly mask: Uint32Array;
  /** What training had made of it beside its values, to go on within a level; left out at a level's beginning. */
  readonly training?: Omit<TrainingState, "parameters">;
}

/** What training has made of one network: with its mask, all that it takes to go on bit for bit. */
export interface TrainingState {
  /** The arena as it is: weights, biases, batch norms and their running statistics. */
  readonly parameters: Float32Array<ArrayBuffer>;
  /** The arena at the minimum of validation loss so far; zeros before the first evaluation. */
  readonly best: Float32Array<ArrayBuffer>;
  /** The optimizer's moments, one arena each. */
  readonly moments: readonly Float32Array<ArrayBuffer>[];
  /** The words of `State`: step, running loss with its compensation, best loss. */
  readonly state: Uint32Array<ArrayBuffer>;
}

/** What one evaluation brings back. */
export interface EvaluationResult {
  /** Per replicate: losses and correct counts. */
  readonly records: readonly EvaluationRecord[];
  /** Per replicate and layer: weights that survive by the mask. */
  readonly kept: readonly (readonly number[])[];
  /** Per replicate: pruned positions where weight, gradient or moment was not exactly zero. */
  readonly violations: readonly number[];
}

/** Correct predictions on the whole training split. */
export interface TrainingCorrect {
  /** With the weights at the end of the level. */
  readonly atEnd: number;
  /** With the weights at the minimum of validation loss. */
  readonly atEarlyStop: number;
}

/** Batches that the ring of indices holds: the most steps of one submit. */
const ringSlots = 256;

/** What {@linkcode planEnsemble} needs to know. */
export type EnsemblePlanOptions =
  & Pick<EnsembleOptions, "layout" | "replicates" | "batchSize" | "optimizer" | "iterations" | "sharesMemory" | "plan">
  & {
    /** By the layer's index: where the survivors of compact layers stand; `layout` is the compact arena's then. */
    readonly structures?: ReadonlyMap<number, CompactIndices>;
    /** The network with what is dead, where `layout` is without. */
    readonly whole?: NetworkLayout;
    /** Per replicate the pixels that are left, where some are not. */
    readonly pixels?: readonly Uint32Array[] | undefined;
    readonly trainSize: number;
    readonly validationSize: number;
    readonly testSize: number;
  };

/** One buffer of an ensemble. */
export interface PlannedBuffer {
  /** What it holds. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
}

/** Every buffer that an ensemble needs, before anything is allocated. */
export function planEnsemble(options: EnsemblePlanOptions): PlannedBuffer[] {
  return plan(options).buffers.map(({ name, words }) => ({ name, bytes: words * 4 }));
}

function plan(
  options: EnsemblePlanOptions,
): { readonly buffers: { readonly name: string; readonly words: number }[]; readonly activations: Placement } {
  const { layout, replicates, optimizer } = options;
  const batch = roundUp(options.batchSize, lanes);
  const chunk = chunkOf(options);
  const arenas = replicates * layout.arena;
  const losses = replicates * lossStride(options, chunk);
  const kernels = options.plan ? { plan: options.plan } : {};
  const training = { layout, replicates, images: options.batchSize, ...kernels };
  // Evaluations run between steps, so that they can have the same places.
  const step = trainingLifetimes(training);
  const end = Math.max(...step.map(({ last }) => last)) + 1;
  const evaluating = { layout, replicates, images: chunk, ...kernels };
  const evaluation = evaluationLifetimes(evaluating)
    .map((lifetime) => ({ ...lifetime, first: lifetime.first + end, last: lifetime.last + end }));
  const activations = place([...step, ...evaluation], options.sharesMemory ?? true);
  const buffers = [
    { name: "parameters", words: arenas },
    { name: "best parameters", words: arenas },
    { name: "gradient", words: arenas },
    ...Array.from({ length: momentsOf(optimizer) }, (_, index) => ({ name: `moment ${index + 1}`, words: arenas })),
    { name: "mask", words: arenas / 32 },
    { name: "schedule", words: options.iterations * 4 },
    { name: "state", words: replicates * stateWords },
    { name: "dropout keys", words: replicates * 2 },
    { name: "normalization", words: replicates * layout.spec.input.channels * 2 },
    { name: "record", words: replicates * recordWords },
    { name: "training record", words: replicates * recordWords },
    { name: "layer table", words: layout.layers.length * 2 },
    { name: "mask counts", words: replicates * layout.layers.length * 2 },
    { name: "batch indices", words: replicates * ringSlots * options.batchSize },
    { name: "training indices", words: replicates * options.trainSize },
    { name: "validation indices", words: replicates * options.validationSize },
    { name: "test indices", words: options.testSize },
    ...options.pixels ? [{ name: "pixel words", words: pixelWords(options.pixels).length }] : [],
    { name: "batch labels", words: replicates * batch },
    { name: "batch losses", words: replicates * batch },
    { name: "batch correct", words: replicates * batch },
    { name: "evaluation labels", words: replicates * chunk },
    { name: "evaluation losses", words: losses },
    { name: "evaluation correct", words: losses },
    { name: "no gradient", words: 4 },
    { name: "partial sums", words: Math.max(partialWords(training), partialWords(evaluating)) },
    ...[...options.structures ?? []].flatMap(([index, structure]) =>
      structureParts.map((part) => ({ name: structureName(index, part), words: structure[part].length }))
    ),
    ...savedWords(training).map((words, index) => ({ name: `norm ${index + 1} statistics`, words })),
    ...activations.places.map((words, index) => ({ name: activationsName(index), words })),
  ];
  return { buffers, activations };
}

/** The launches of an ensemble, as {@linkcode Ensemble.open} records them. */
export interface PlannedLaunches {
  /** One training step. */
  readonly step: readonly Launch[];
  /** One evaluation, a list for each submit. */
  readonly evaluation: readonly (readonly Launch[])[];
  /** The training split, with the final weights and with the best ones. */
  readonly training: readonly (readonly Launch[])[];
}

/**
 * The launches of an ensemble that is not on any GPU: to be counted. Its layers are masked-dense.
 *
 * @throws {RangeError} when the plan has a compact layer, whose launches depend on masks
 */
export function planLaunches(
  options:
    & Omit<EnsemblePlanOptions, "structures" | "whole" | "pixels" | "testSize">
    & Pick<EnsembleOptions, "augment">
    & { readonly dataset: Pick<DatasetSize, "channels" | "height" | "width" | "train" | "test"> },
): PlannedLaunches {
  const { plan: layers = [], dataset } = options;
  if (compactLayers(layers).length > 0) {
    throw new RangeError("Cannot plan launches of compact layers without masks: plan them masked-dense.");
  }
  const sizes = { ...options, testSize: dataset.test.count };
  const { buffers, activations } = plan(sizes);
  const planned = new Map(buffers.map(({ name, words }) => [name, new Buffer(undefined, name, words * 4)]));
  shareActivations(planned, activations);
  const builder = new Builder(
    {
      ...options,
      train: plannedExamples("train", dataset, dataset.train.count),
      test: plannedExamples("test", dataset, dataset.test.count),
    },
    sizes,
    planned,
  );
  return {
    step: [...builder.gather(), ...builder.trainingStep()],
    evaluation: builder.evaluation(),
    training: builder.trainingAccuracy(),
  };
}

/** Tensors are found by their own names as well. */
function shareActivations(buffers: Map<string, Buffer>, { placeOf }: Placement): void {
  for (const [name, at] of placeOf) {
    const buffer = buffers.get(activationsName(at));
    if (buffer) buffers.set(name, buffer);
  }
}

/** The lists that say where a compact layer's survivors stand; a buffer each. */
const structureParts = ["rows", "positions", "rowOf", "columns", "entries"] as const;

function structureName(layer: number, part: (typeof structureParts)[number]): string {
  return `compact ${layer} ${part}`;
}

function activationsName(place: number): string {
  return `activations ${place + 1}`;
}

/** Which words of four pixels are gathered, for all replicates. */
function pixelWords(pixels: readonly Uint32Array[]): Uint32Array<ArrayBuffer> {
  return concatenated(pixels.map((own) => own.filter((_, at) => at % 4 === 0).map((pixel) => pixel / 4)));
}

/** Images of one evaluation launch: as many as with what is dead, so that it takes no more memory than is planned without. */
function chunkOf({ whole, layout, ...options }: EnsemblePlanOptions): number {
  const { trainSize, validationSize, testSize } = options;
  return evaluationImages({ ...options, layout: whole ?? layout }, Math.max(trainSize, validationSize, testSize));
}

function lossStride(options: EnsemblePlanOptions, chunk: number): number {
  return roundUp(Math.max(options.trainSize, options.validationSize, options.testSize), chunk);
}

/** Networks that train in lockstep on one device. */
export class Ensemble implements Disposable {
  /** The architecture. */
  readonly layout: NetworkLayout;
  /** Networks in lockstep. */
  readonly replicates: number;
  readonly #gpu: Gpu;
  readonly #options: EnsembleOptions;
  readonly #buffers: ReadonlyMap<string, Buffer>;
  readonly #owned: DisposableStack;
  readonly #step: Program;
  readonly #afterGather: Program;
  readonly #evaluation: readonly Program[];
  readonly #training: readonly Program[];
  readonly #arena: LevelArena;
  /** Per replicate, where something is dropped: its arena as the level found it. */
  #begun: readonly Float32Array[] = [];
  #stepsDone = 0;
  #evaluatedAt = 0;

  private constructor(
    gpu: Gpu,
    options: EnsembleOptions,
    buffers: ReadonlyMap<string, Buffer>,
    programs: {
      readonly step: Program;
      readonly afterGather: Program;
      readonly evaluation: readonly Program[];
      readonly training: readonly Program[];
    },
    arena: LevelArena,
    owned: DisposableStack,
  ) {
    this.#gpu = gpu;
    this.#options = options;
    this.#arena = arena;
    this.layout = options.layout;
    this.replicates = options.replicates;
    this.#buffers = buffers;
    this.#step = programs.step;
    this.#afterGather = programs.afterGather;
    this.#evaluation = programs.evaluation;
    this.#training = programs.training;
    this.#owned = owned;
  }

  /** Allocates everything, compiles every kernel and records every program. */
  static async open(gpu: Gpu, options: EnsembleOptions): Promise<Ensemble> {
    using stack = new DisposableStack();
    const [first] = options.splits;
    const { replicates, normalization, dropoutKeys, firstIteration = 0 } = options;
    for (const [what, list] of [["splits", options.splits], ["normalizations", normalization]] as const) {
      if (list.length === replicates) continue;
      throw new RangeError(`Cannot train ${replicates} networks with ${list.length} ${what}: one for each is wanted.`);
    }
    if (!first) throw new RangeError("Cannot train no network: give at least one.");
    const arena = new LevelArena(options);
    const { layout, compact, shrunk } = arena;
    const sizes = {
      ...options,
      layout,
      ...(compact ? { structures: compact.structures } : {}),
      ...(shrunk ? { whole: options.layout, pixels: shrunk.pixels } : {}),
      trainSize: first.train.length,
      validationSize: first.validation.length,
      testSize: options.test.count,
    };
    const buffers = new Map<string, Buffer>();
    const planned = plan(sizes);
    for (const { name, words } of planned.buffers) buffers.set(name, stack.use(gpu.buffer(name, words * 4)));
    shareActivations(buffers, planned.activations);
    const builder = new Builder({ ...options, layout }, sizes, buffers);
    for (const [index, structure] of compact?.structures ?? []) {
      for (const part of structureParts) gpu.write(builder.buffer(structureName(index, part)), structure[part]);
    }
    if (shrunk?.pixels) gpu.write(builder.buffer("pixel words"), pixelWords(shrunk.pixels));
    gpu.write(builder.buffer("schedule"), stepScalars(options.optimizer, options.iterations, firstIteration));
    gpu.write(builder.buffer("normalization"), Float32Array.from(normalization.flatMap((values) => [...values])));
    if (dropoutKeys) gpu.write(builder.buffer("dropout keys"), concatenated(dropoutKeys));
    gpu.write(builder.buffer("layer table"), layerTable(layout));
    gpu.write(builder.buffer("test indices"), Uint32Array.from({ length: sizes.testSize }, (_, index) => index));
    gpu.write(builder.buffer("training indices"), concatenated(options.splits.map(({ train }) => train)));
    gpu.write(builder.buffer("validation indices"), concatenated(options.splits.map(({ validation }) => validation)));
    const record = async (label: string, launches: readonly Launch[]): Promise<Program> =>
      stack.use(await gpu.record(label, launches));
    const afterGather = builder.trainingStep();
    const [step, rest, evaluation, training] = await Promise.all([
      record("step", [...builder.gather(), ...afterGather]),
      record("step after gather", afterGather),
      Promise.all(builder.evaluation().map((launches) => record("evaluation", launches))),
      Promise.all(builder.trainingAccuracy().map((launches) => record("training accuracy", launches))),
    ]);
    await gpu.settled();
    return new Ensemble(
      gpu,
      options,
      buffers,
      { step, afterGather: rest, evaluation, training },
      arena,
      stack.move(),
    );
  }

  /**
   * Starts a level: survivors at their values, pruned weights and all moments at zero, at the first iteration. Or goes on within
   * one, where every start says what training had made of its network; all then stand at the same iteration.
   *
   * @param evaluatedAt the iteration of the last evaluation, when going on
   * @throws {RangeError} when the starts are not one for each network, or do not fit each other or the optimizer
   */
  begin(starts: readonly StartValues[], evaluatedAt?: number): void {
    if (starts.length !== this.replicates) {
      throw new RangeError(`Cannot begin: ${starts.length} starts for ${this.replicates} networks. Give one for each.`);
    }
    const begun = starts.map(({ values, mask }, replicate) => {
      const own = applyMask(values, mask);
      this.#writeArena("parameters", own, replicate);
      const words = this.#arena.packMask(mask, replicate);
      this.#gpu.write(this.buffer("mask"), words, replicate * words.byteLength);
      return own;
    });
    this.#begun = this.#arena.shrunk ? begun : [];
    this.#gpu.clear(this.buffer("gradient"), this.buffer("best parameters"), ...this.#moments());
    const { firstIteration = 0 } = this.#options;
    this.#gpu.write(this.buffer("state"), initialState(this.replicates, firstIteration));
    this.#stepsDone = firstIteration;
    this.#evaluatedAt = evaluatedAt ?? firstIteration;
    const training = starts.flatMap(({ training }) => training ?? []);
    if (training.length > 0) this.#goOn(training);
  }

  #goOn(begun: readonly Omit<TrainingState, "parameters">[]): void {
    const { arena } = this.layout;
    const moments = this.#moments();
    const steps = new Set(begun.map(({ state }) => stepOf(state)));
    const isWhole = begun.every(({ best, moments: own, state }) =>
      state.length === stateWords && own.length === moments.length &&
      [best, ...own].every(({ length }) => length === arena)
    );
    const [step] = steps;
    if (begun.length !== this.replicates || steps.size !== 1 || step === undefined || !isWhole) {
      throw new RangeError(
        `Cannot go on: ${begun.length} of ${this.replicates} networks were in training, at iteration ` +
          `${
            [...steps].join(", ")
          }. All at the same one are wanted, with ${moments.length} moments of ${arena} values.`,
      );
    }
    begun.forEach(({ best, moments: own, state }, replicate) => {
      this.#writeArena("best parameters", best, replicate);
      own.forEach((values, index) => this.#writeArena(momentName(index), values, replicate));
      this.#gpu.write(this.buffer("state"), state, replicate * stateWords * 4);
    });
    this.#stepsDone = step;
  }

  /**
   * Submits steps without waiting for them.
   *
   * @param batches per replicate, the examples of these steps in order, `batchSize` for each
   * @throws {RangeError} when they are not equally many, or more than fit in one submit
   */
  steps(batches: readonly Uint32Array[]): void {
    const { batchSize } = this.#options;
    const count = (batches[0]?.length ?? 0) / batchSize;
    if (batches.length !== this.replicates || batches.some(({ length }) => length !== count * batchSize)) {
      throw new RangeError(
        `Cannot step: ${this.replicates} lists of equally many whole batches of ${batchSize} are wanted.`,
      );
    }
    if (!Number.isInteger(count) || count < 1 || count > ringSlots) {
      throw new RangeError(`Cannot submit ${count} steps at once: 1 to ${ringSlots} whole steps fit.`);
    }
    const slot = this.#stepsDone % ringSlots;
    const beforeWrap = Math.min(count, ringSlots - slot) * batchSize;
    batches.forEach((indices, replicate) => {
      const base = replicate * ringSlots * batchSize;
      const ring = this.buffer("batch indices");
      this.#gpu.write(ring, indices.slice(0, beforeWrap), (base + slot * batchSize) * 4);
      if (beforeWrap < indices.length) this.#gpu.write(ring, indices.slice(beforeWrap), base * 4);
    });
    this.#gpu.submit([this.#step, count]);
    this.#stepsDone += count;
  }

  /**
   * One step on inputs and labels that the caller has written into `activation 0` and `batch labels`.
   *
   * @throws {RangeError} when pixels are dropped, so that there is no room for them
   */
  stepOnWrittenBatch(): void {
    if (this.#arena.shrunk?.pixels) {
      throw new RangeError("Cannot step on a written batch: pixels that nothing reads are dropped. Keep what is dead.");
    }
    this.#gpu.submit(this.#afterGather);
    this.#stepsDone++;
  }

  /** Evaluates validation and test, keeps the best weights, counts survivors; resolves when the numbers are back. */
  async evaluate(): Promise<EvaluationResult> {
    for (const program of this.#evaluation) this.#gpu.submit(program);
    this.#evaluatedAt = this.#stepsDone;
    const [records, counts] = await this.#gpu.read([
      { buffer: this.buffer("record"), bytes: this.replicates * recordWords * 4 },
      { buffer: this.buffer("mask counts"), bytes: this.replicates * this.layout.layers.length * 8 },
    ]);
    const pairs = new Uint32Array(counts ?? new ArrayBuffer(0));
    const layers = this.layout.layers.length;
    const perReplicate = Array.from(
      { length: this.replicates },
      (_, replicate) => pairs.subarray(replicate * layers * 2, (replicate + 1) * layers * 2),
    );
    return {
      records: parseRecords(records ?? new ArrayBuffer(0)),
      kept: perReplicate.map((own, replicate) =>
        this.layout.layers.map((_, layer) => (own[layer * 2] ?? 0) + this.#arena.droppedOf(replicate, layer))
      ),
      violations: perReplicate.map((own) => own.reduce((sum, count, index) => index % 2 ? sum + count : sum, 0)),
    };
  }

  /** Per replicate: the mean training loss since the last evaluation. Waits for everything that was submitted. */
  async runningLosses(): Promise<number[]> {
    const [bytes] = await this.#gpu.read([
      { buffer: this.buffer("state"), bytes: this.replicates * stateWords * 4 },
    ]);
    const words = new Uint32Array(bytes ?? new ArrayBuffer(0));
    return parseRunningLosses(words).map((sum) => sum / (this.#stepsDone - this.#evaluatedAt));
  }

  /** Correct predictions on the training split, with the final weights and with the best ones. */
  async trainingCorrect(): Promise<TrainingCorrect[]> {
    for (const program of this.#training) this.#gpu.submit(program);
    const [bytes] = await this.#gpu.read([
      { buffer: this.buffer("training record"), bytes: this.replicates * recordWords * 4 },
    ]);
    return parseRecords(bytes ?? new ArrayBuffer(0)).map((record) => ({
      atEnd: record.validationCorrect,
      atEarlyStop: record.testCorrect,
    }));
  }

  /** The arena of each network, as it is now. */
  parameters(): Promise<Float32Array<ArrayBuffer>[]> {
    return this.#arenas(this.buffer("parameters"), this.#begun);
  }

  /** The gradient of each network's last step, an arena each; zero where pruned. */
  gradients(): Promise<Float32Array<ArrayBuffer>[]> {
    return this.#arenas(this.buffer("gradient"));
  }

  /** What training has made of each network, as it is now. */
  async training(): Promise<TrainingState[]> {
    // One buffer after the other: a staging buffer for all of them could be larger than the device allows.
    const parameters = await this.parameters();
    const [bytes] = await this.#gpu.read([{ buffer: this.buffer("state"), bytes: this.replicates * stateWords * 4 }]);
    const states = partsOf(new Uint32Array(bytes ?? new ArrayBuffer(0)), this.replicates, stateWords);
    // Before the first evaluation nothing was best, what is dropped included.
    const wereBest = this.#begun.map((own, index) => hasBest(states[index]) ? own : undefined);
    const best = await this.#arenas(this.buffer("best parameters"), wereBest);
    const moments: Float32Array<ArrayBuffer>[][] = [];
    for (const moment of this.#moments()) moments.push(await this.#arenas(moment));
    return parameters.map((own, index) => ({
      parameters: own,
      best: best[index] ?? new Float32Array(0),
      moments: moments.flatMap((arenas) => arenas[index] ?? []),
      state: states[index] ?? new Uint32Array(0),
    }));
  }

  /** The mask of each network, as it is now. */
  async masks(): Promise<Uint32Array<ArrayBuffer>[]> {
    const all = await this.#gpu.readUint32(this.buffer("mask"));
    const own = partsOf(all, this.replicates, this.#arena.layout.arena / 32);
    return own.map((words, replicate) => this.#arena.unpackMask(words, replicate));
  }

  /**
   * Prunes the weights as they are now, by {@linkcode pruneSmallest}.
   *
   * @returns the mask of each network, for its next level
   */
  async prune(
    groups: readonly (readonly number[])[],
    counts: readonly (readonly number[])[],
  ): Promise<Uint32Array<ArrayBuffer>[]> {
    if (this.#arena.isDense) {
      const buffers = { parameters: this.buffer("parameters"), mask: this.buffer("mask") };
      await pruneSmallest(this.#gpu, this.layout, groups, counts, buffers);
      return await this.masks();
    }
    // Ranked in the dense arena, whose order settles ties.
    const arenas = (await this.parameters()).map(({ buffer }) => new Uint32Array(buffer));
    using parameters = this.#gpu.upload("dense parameters", concatenated(arenas));
    using mask = this.#gpu.upload("dense mask", concatenated(await this.masks()));
    await pruneSmallest(this.#gpu, this.layout, groups, counts, { parameters, mask });
    return partsOf(await this.#gpu.readUint32(mask), this.replicates, this.layout.arena / 32);
  }

  /** One of the buffers that {@linkcode planEnsemble} lists. */
  buffer(name: string): Buffer {
    const buffer = this.#buffers.get(name);
    if (!buffer) {
      throw new RangeError(`There is no buffer "${name}". It is one of ${[...this.#buffers.keys()].join(", ")}.`);
    }
    return buffer;
  }

  /** The recorded training step, for timing. */
  get program(): Program {
    return this.#step;
  }

  /** The recorded evaluation, in the order of its submits, for timing. */
  get evaluationPrograms(): readonly Program[] {
    return this.#evaluation;
  }

  /** Waits until what was submitted is done. */
  done(): Promise<void> {
    return this.#gpu.done();
  }

  /** Releases buffers and programs. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  /** @param rest per replicate, what stands where something is dropped; zeros when left out */
  async #arenas(
    buffer: Buffer,
    rest: readonly (Float32Array | undefined)[] = [],
  ): Promise<Float32Array<ArrayBuffer>[]> {
    const all = await this.#gpu.readFloats(buffer);
    const own = partsOf(all, this.replicates, this.#arena.layout.arena);
    return own.map((values, replicate) => this.#arena.unpack(values, replicate, rest[replicate]));
  }

  #writeArena(name: string, values: Float32Array<ArrayBuffer>, replicate: number): void {
    const own = this.#arena.pack(values, replicate);
    this.#gpu.write(this.buffer(name), own, replicate * own.byteLength);
  }

  #moments(): Buffer[] {
    return Array.from({ length: momentsOf(this.#options.optimizer) }, (_, index) => this.buffer(momentName(index)));
  }
}

/** What launches follow from, beside their buffers. */
interface BuilderOptions
  extends Pick<EnsembleOptions, "layout" | "replicates" | "batchSize" | "optimizer" | "augment" | "plan"> {
  readonly train: GatheredExamples;
  readonly test: GatheredExamples;
}

/** Which kernels, in which order, on which buffers. */
class Builder {
  readonly #options: BuilderOptions;
  readonly #sizes: EnsemblePlanOptions;
  readonly #buffers: ReadonlyMap<string, Buffer>;

  constructor(
    options: BuilderOptions,
    sizes: EnsemblePlanOptions,
    buffers: ReadonlyMap<string, Buffer>,
  ) {
    this.#options = options;
    this.#sizes = sizes;
    this.#buffers = buffers;
  }

  buffer(name: string): Buffer {
    const buffer = this.#buffers.get(name);
    if (!buffer) throw new Error(`unreachable: "${name}" is in the plan`);
    return buffer;
  }

  /** Which kernels layers run, and where the survivors of compact ones stand. */
  #kernels(): Pick<PassShape, "plan" | "compact"> {
    const compact = new Map(
      [...this.#sizes.structures ?? []].map(([index, { quads, entryCount }]) => {
        const part = (name: (typeof structureParts)[number]): Buffer => this.buffer(structureName(index, name));
        return [index, {
          quads,
          entryCount,
          rows: part("rows"),
          positions: part("positions"),
          rowOf: part("rowOf"),
          columns: part("columns"),
          entries: part("entries"),
        }];
      }),
    );
    return { plan: this.#options.plan ?? [], compact };
  }

  /** How many pixels are gathered, where not all are. */
  #pixels(): number | undefined {
    return this.#sizes.pixels?.[0]?.length;
  }

  #pixelWords(): Buffer | undefined {
    return this.#sizes.pixels && this.buffer("pixel words");
  }

  gather(): Launch[] {
    const { replicates, batchSize, train, augment = false } = this.#options;
    return gatherBatch(
      {
        replicates,
        images: batchSize,
        batch: roundUp(batchSize, lanes),
        start: 0,
        indexStride: ringSlots * batchSize,
        slots: ringSlots,
        augment,
        pixels: this.#pixels(),
      },
      train,
      {
        words: this.#pixelWords(),
        indices: this.buffer("batch indices"),
        normalization: this.buffer("normalization"),
        state: this.buffer("state"),
        output: this.buffer("activation 0"),
        labels: this.buffer("batch labels"),
      },
    );
  }

  /** Forward, loss, backward, optimizer, end of step. */
  trainingStep(): Launch[] {
    const { layout, replicates, batchSize, optimizer } = this.#options;
    const batch = roundUp(batchSize, lanes);
    const parameters = this.buffer("parameters");
    const gradient = this.buffer("gradient");
    const mask = this.buffer("mask");
    const state = this.buffer("state");
    const losses = { losses: this.buffer("batch losses"), correct: this.buffer("batch correct") };
    const shape: PassShape = { layout, replicates, images: batchSize, ...this.#kernels() };
    const buffers: TrainingBuffers = {
      parameters,
      activation: (tensor) => this.buffer(`activation ${tensor}`),
      saved: (norm) => this.buffer(`norm ${norm + 1} statistics`),
      partials: this.buffer("partial sums"),
      dropoutKeys: this.buffer("dropout keys"),
      state,
    };
    const last = layout.tensors.length - 1;
    return [
      ...forwardPass(shape, buffers),
      crossEntropy(
        {
          outputs: classesOf(layout),
          replicates,
          batch,
          start: 0,
          lossStride: batch,
          scale: 1 / batchSize,
        },
        {
          logits: this.buffer(`activation ${last}`),
          labels: this.buffer("batch labels"),
          gradient: this.buffer(`gradient ${last}`),
          ...losses,
        },
      ),
      ...backwardPass(shape, { ...buffers, gradientOf: (tensor) => this.buffer(`gradient ${tensor}`), mask, gradient }),
      optimizerStep(layout, replicates, optimizer, {
        mask,
        gradient,
        schedule: this.buffer("schedule"),
        state,
        parameters,
        moments: Array.from({ length: momentsOf(optimizer) }, (_, index) => this.buffer(`moment ${index + 1}`)),
      }),
      endOfStep({ replicates, batch, images: batchSize }, { ...losses, state }),
    ];
  }

  /** One list of launches per submit: chunks of validation, its sums, chunks of test, its sums, mask statistics. */
  evaluation(): Launch[][] {
    const { layout, replicates, train, test, optimizer } = this.#options;
    const parameters = this.buffer("parameters");
    const state = this.buffer("state");
    const validation = this.#over(train, "validation indices", this.#sizes.validationSize, true, parameters);
    validation.at(-1)?.push(
      this.#sums(this.#sizes.validationSize, recordSlot.validation, true, "record"),
      copyIfBest(layout, replicates, { state, parameters, best: this.buffer("best parameters") }),
    );
    const testing = this.#over(test, "test indices", this.#sizes.testSize, false, parameters);
    testing.at(-1)?.push(
      this.#sums(this.#sizes.testSize, recordSlot.test, false, "record"),
      statistics(layout, replicates, {
        mask: this.buffer("mask"),
        parameters,
        gradient: this.buffer("gradient"),
        moments: Array.from({ length: momentsOf(optimizer) }, (_, index) => this.buffer(`moment ${index + 1}`)),
        layers: this.buffer("layer table"),
        counts: this.buffer("mask counts"),
      }),
    );
    return [...validation, ...testing];
  }

  /** The training split with the final weights, then with the best ones. */
  trainingAccuracy(): Launch[][] {
    const { train } = this.#options;
    const slots = [[recordSlot.validation, "parameters"], [recordSlot.test, "best parameters"]] as const;
    return slots.flatMap(([slot, parameters]) => {
      const chunks = this.#over(train, "training indices", this.#sizes.trainSize, true, this.buffer(parameters));
      chunks.at(-1)?.push(this.#sums(this.#sizes.trainSize, slot, false, "training record"));
      return chunks;
    });
  }

  #over(
    examples: GatheredExamples,
    indices: string,
    count: number,
    perReplicate: boolean,
    parameters: Buffer,
  ): Launch[][] {
    const { layout, replicates } = this.#options;
    const chunk = chunkOf(this.#sizes);
    const chunks: Launch[][] = [];
    for (let start = 0; start < count; start += chunk) {
      const images = Math.min(chunk, count - start);
      const batch = roundUp(images, lanes);
      chunks.push([
        ...gatherBatch(
          {
            replicates,
            images,
            batch,
            start,
            indexStride: perReplicate ? count : 0,
            pixels: this.#pixels(),
          },
          examples,
          {
            words: this.#pixelWords(),
            indices: this.buffer(indices),
            normalization: this.buffer("normalization"),
            state: this.buffer("state"),
            output: this.buffer("evaluation 0"),
            labels: this.buffer("evaluation labels"),
          },
        ),
        ...forwardPass({ layout, replicates, images, ...this.#kernels() }, {
          parameters,
          activation: (tensor) => this.buffer(`evaluation ${tensor}`),
          partials: this.buffer("partial sums"),
        }),
        crossEntropy(
          {
            outputs: classesOf(layout),
            replicates,
            batch,
            start,
            lossStride: lossStride(this.#sizes, chunk),
          },
          {
            logits: this.buffer(`evaluation ${layout.tensors.length - 1}`),
            labels: this.buffer("evaluation labels"),
            gradient: this.buffer("no gradient"),
            losses: this.buffer("evaluation losses"),
            correct: this.buffer("evaluation correct"),
          },
        ),
      ]);
    }
    return chunks;
  }

  #sums(count: number, slot: number, keepsBest: boolean, record: string): Launch {
    // Only the first `count` losses are this evaluation's; rounding up takes in padding lanes, which hold zeros.
    return sums({
      replicates: this.#options.replicates,
      lossStride: lossStride(this.#sizes, chunkOf(this.#sizes)),
      quads: roundUp(count, lanes) / 4,
      slot,
      keepsBest,
    }, {
      losses: this.buffer("evaluation losses"),
      correct: this.buffer("evaluation correct"),
      state: this.buffer("state"),
      record: this.buffer(record),
    });
  }
}

function momentName(index: number): string {
  return `moment ${index + 1}`;
}

/** The parts of a buffer, so many values each, a copy each. The buffer may be longer: it is rounded up to whole vec4. */
function partsOf<List extends Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(
  all: List,
  count: number,
  length: number,
): List[];
function partsOf(
  all: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
  count: number,
  length: number,
): (Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>)[] {
  return Array.from({ length: count }, (_, index) => all.slice(index * length, (index + 1) * length));
}

function concatenated(lists: readonly Uint32Array[]): Uint32Array<ArrayBuffer> {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}
