/**
 * The training step at levels of the paper's schedule: with the kernels that a run would plan, beside masked-dense ones on the
 * same masks, all in turn on one device.
 *
 * @module
 */
import type { Gpu } from "../src/gpu/gpu.ts";
import type { PruningRates } from "../src/lottery/schedule.ts";
import type { NetworkLayout } from "../src/nn/network.ts";
import type { OptimizerSettings } from "../src/nn/optimizer.ts";
import { compactLayers, type LayerPlan } from "../src/nn/plan.ts";
import { medianRatio, type Spread, spread } from "./spread.ts";
import {
  inTurns,
  type PlannedLevel,
  plannedLevel,
  randomExamples,
  randomMasks,
  startValues,
  Training,
  type Turn,
  type TurnOptions,
} from "./training.ts";

/** What is timed. */
export interface LevelsOptions extends TurnOptions {
  /** The network. */
  readonly layout: NetworkLayout;
  /** How it is pruned. */
  readonly rates: PruningRates;
  /** Its optimizer. */
  readonly optimizer: OptimizerSettings;
  /** Images of one step. */
  readonly batchSize: number;
  /** Networks in lockstep. */
  readonly replicates: number;
  /** Which levels, ascending. */
  readonly levels: readonly number[];
}

/** The training step at one level. */
export interface LevelTime {
  /** 0 is dense. */
  readonly level: number;
  /** The surviving fraction of the network. */
  readonly remaining: number;
  /** Layers that keep their survivors alone. */
  readonly compact: readonly string[];
  /** Milliseconds of one step of all networks, with the planned kernels. */
  readonly ms: Spread;
  /** The same with masked-dense kernels alone. */
  readonly maskedDenseMs: Spread;
  /** Planned by masked-dense, the median of the rounds. */
  readonly byMaskedDense: number;
  /** Planned by planned at the level before in the list, the median of the rounds; null for the first one. */
  readonly byLevelBefore: number | null;
}

/** A level that takes more than this many times as long as the one before is slower. */
export const slowerFrom = 1.1;

/** Times the levels. Where nothing is compact, the plan is masked-dense, and both are one measurement. */
export async function timeLevels(gpu: Gpu, options: LevelsOptions): Promise<LevelTime[]> {
  const { layout, rates, optimizer, batchSize, replicates } = options;
  const planned = options.levels.map((level) => plannedLevel(layout, level, rates, gpu.adapter.kind));
  const masksOf = planned.map((level) => randomMasks(layout, level, replicates));
  using stack = new DisposableStack();
  const examples = stack.use(randomExamples(gpu, layout.spec.input));
  const open = async (
    masks: readonly Uint32Array<ArrayBuffer>[],
    plan: readonly LayerPlan[],
  ): Promise<Training> => stack.use(await Training.open(gpu, { layout, examples, optimizer, batchSize, masks, plan }));
  // One serves all levels: masked-dense kernels know of no density.
  const maskedDense = await open(masksOf[0] ?? [], []);
  const turns: Turn[] = [];
  const places: { readonly planned: number; readonly maskedDense: number }[] = [];
  for (const [index, { plan }] of planned.entries()) {
    options.signal?.throwIfAborted();
    const masks = masksOf[index] ?? [];
    const starts = startValues(layout, masks);
    turns.push({ training: maskedDense, starts });
    const at = turns.length - 1;
    if (compactLayers(plan).length > 0) turns.push({ training: await open(masks, plan), starts });
    places.push({ planned: turns.length - 1, maskedDense: at });
  }
  const times = await inTurns(turns, options);
  const timesAt = (place: number | undefined): number[] => times[place ?? -1] ?? [];
  return planned.map(({ level, remaining, plan }: PlannedLevel, index): LevelTime => {
    const own = timesAt(places[index]?.planned);
    const dense = timesAt(places[index]?.maskedDense);
    return {
      level,
      remaining,
      compact: compactLayers(plan).map((layer) => layout.layers[layer]?.name ?? ""),
      ms: spread(own),
      maskedDenseMs: spread(dense),
      byMaskedDense: medianRatio(own, dense),
      byLevelBefore: index === 0 ? null : medianRatio(own, timesAt(places[index - 1]?.planned)),
    };
  });
}
