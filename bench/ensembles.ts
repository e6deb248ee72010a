/**
 * Networks trained per hour against how many train in lockstep, all in turn on one device.
 *
 * @module
 */
import type { Gpu } from "../src/gpu/gpu.ts";
import { compactLayers, type PlanTable } from "../src/nn/plan.ts";
import { medianRatio, type Spread, spread } from "./spread.ts";
import type { LevelsOptions } from "./levels.ts";
import { inTurns, plannedLevel, randomExamples, randomMasks, startValues, Training, type Turn } from "./training.ts";

/** What is timed. */
export interface EnsemblesOptions extends Omit<LevelsOptions, "levels" | "replicates"> {
  /** Networks in lockstep, one measurement for each entry. */
  readonly replicates: readonly number[];
  /** At which level of the schedule; 0 is dense. */
  readonly level: number;
  /** Steps that a network trains for. */
  readonly iterations: number;
  /** The plan table; the shipped one when left out. */
  readonly table?: PlanTable;
}

/** So many networks in lockstep. */
export interface EnsembleTime {
  /** How many. */
  readonly replicates: number;
  /** Milliseconds of one step of all of them. */
  readonly ms: Spread;
  /** Networks that are trained in an hour; what evaluations take is left out. */
  readonly networksPerHour: number;
  /** How many times as many as one after the other, the median of the rounds. */
  readonly bySingle: number;
}

/** What came of it. */
export interface Ensembles {
  /** The surviving fraction of the network. */
  readonly remaining: number;
  /** Layers that keep their survivors alone. */
  readonly compact: readonly string[];
  /** Milliseconds of a step of a network that trains alone, the median. */
  readonly singleMs: number;
  /** In the order that was asked for. */
  readonly ensembles: readonly EnsembleTime[];
}

/** Times ensembles, and a single network with them in any case. */
export async function timeEnsembles(gpu: Gpu, options: EnsemblesOptions): Promise<Ensembles> {
  const { layout, rates, optimizer, batchSize, level, iterations } = options;
  const planned = plannedLevel(layout, level, rates, gpu.adapter.kind, options.table);
  const { remaining, plan } = planned;
  const counts = [...new Set([1, ...options.replicates])];
  using stack = new DisposableStack();
  const examples = stack.use(randomExamples(gpu, layout.spec.input));
  const turns: Turn[] = [];
  for (const count of counts) {
    options.signal?.throwIfAborted();
    const masks = randomMasks(layout, planned, count);
    const training = stack.use(
      await Training.open(gpu, { layout, examples, optimizer, batchSize, masks, plan }),
    );
    turns.push({ training, starts: startValues(layout, masks) });
  }
  const times = await inTurns(turns, options);
  const single = times[0] ?? [];
  return {
    remaining,
    compact: compactLayers(plan).map((layer) => layout.layers[layer]?.name ?? ""),
    singleMs: spread(single).median,
    ensembles: options.replicates.map((replicates): EnsembleTime => {
      const own = times[counts.indexOf(replicates)] ?? [];
      const ms = spread(own);
      return {
        replicates,
        ms,
        networksPerHour: replicates * 3_600_000 / (ms.median * iterations),
        bySingle: medianRatio(single.map((ms) => ms * replicates), own),
      };
    }),
  };
}
