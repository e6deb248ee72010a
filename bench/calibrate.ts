/**
 * A plan table for the adapter that answers: on each kind and size of layer of some networks, which tiles of masked-dense kernels are
 * faster, and below which density compact kernels overtake them; then, with whole networks, how many in lockstep still pay. All
 * that is compared is timed in turn on one device, so that what disturbs one disturbs the others, and compared round by round. What is
 * faster by less than {@linkcode margin} does not count: a tie stays with what needs no reason. At the end whole networks are timed with
 * the kernels that were found, which decides nothing and is what runs are estimated by.
 *
 * Run: `deno task bench calibrate`
 *
 * @module
 */
import type { AdapterInfo, Gpu } from "../src/gpu/gpu.ts";
import type { PruningRates } from "../src/lottery/schedule.ts";
import { denseMask } from "../src/nn/mask.ts";
import { flat, type LayerLayout, type LayerSpec, layOut, type NetworkLayout } from "../src/nn/network.ts";
import type { OptimizerSettings } from "../src/nn/optimizer.ts";
import {
  forwardWork,
  type LayerPlan,
  lockstepOf,
  type LockstepRow,
  plainPlan,
  type PlanRow,
  type PlanTable,
  planTable,
  type SpeedRow,
  type TilesPlan,
} from "../src/nn/plan.ts";
import { crossing } from "./crossover.ts";
import { timeEnsembles } from "./ensembles.ts";
import { timeSpeed } from "./speed.ts";
import { medianRatio, spread } from "./spread.ts";
import { randomExamples, randomMasks, startValues, Training } from "./training.ts";

/** What has to be gained, as a fraction, before anything but the usual is chosen. */
export const margin = 0.05;

/** The same for networks in lockstep, where fewer mean more turns, each with a beginning and an end. */
const lockstepMargin = 0.1;

/** Densities at which compact is timed. Above a half it has nothing to win anywhere. */
export const densities = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5] as const;

/** Most rounds of networks in lockstep, whose turns are long. */
const lockstepRounds = 7;

/** Levels of the schedule that lockstep is timed at: dense, and where most of a run's levels are. */
const lockstepLevels = [0, 12] as const;

/** What is slower than this many times the usual when it is first timed is not timed again. */
const hopeless = 2;

/** A network to calibrate on. */
export interface CalibratedNetwork {
  /** Its layers are timed, but for the output layer, which is small and stays dense; then the whole of it. */
  readonly layout: NetworkLayout;
  /** The one whose steps are timed in lockstep, rather narrower than the first where that one is large. */
  readonly inLockstep: NetworkLayout;
  /** How it is pruned. */
  readonly rates: PruningRates;
  /** Its optimizer. */
  readonly optimizer: OptimizerSettings;
  /** Images of one step. */
  readonly batchSize: number;
  /** Steps that one network trains for. */
  readonly iterations: number;
}

/** How to calibrate. */
export interface CalibrationOptions {
  /** The networks. */
  readonly networks: readonly CalibratedNetwork[];
  /** Networks in lockstep, ascending. */
  readonly replicates: readonly number[];
  /** Most rounds of each comparison. */
  readonly runs: number;
  /** Fewer rounds, but at least three, where they take longer than this. */
  readonly secondsEach: number;
  /** How long a turn of networks in lockstep lasts, in milliseconds. */
  readonly sampleMs: number;
  /** Told what is timed next. */
  readonly tell?: (what: string) => void;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** What was found of a layer. */
export interface CalibratedLayer {
  /** The kind of layer. */
  readonly type: PlanRow["type"];
  /** What it looks like: `784 × 300`, or `3 × 3, 64 → 64, 32 × 32`. */
  readonly shape: string;
  /** Its weights. */
  readonly weights: number;
  /** Rounds that were timed. */
  readonly rounds: number;
  /** Milliseconds of all passes of a step, the optimizer's with them, masked-dense with register tiles. */
  readonly registerMs: number;
  /** Workgroup tiles by register tiles. */
  readonly workgroup: number;
  /** Compact by masked-dense with the better tiles, at each density. */
  readonly compact: readonly { readonly density: number; readonly ratio: number }[];
  /** What to do with it. */
  readonly tiles: TilesPlan;
  /** The density below which it is compact; 0 for never. */
  readonly compactBelow: number;
}

/** What was found of networks in lockstep. */
export interface CalibratedLockstep {
  /** The network. */
  readonly network: string;
  /** Its {@linkcode forwardWork}. */
  readonly work: number;
  /** Time of one network by that of one that trains alone, over the timed levels. */
  readonly costs: readonly { readonly replicates: number; readonly cost: number }[];
  /** The most that pay; null for as many as there are. */
  readonly atMost: number | null;
}

/** What came of it. */
export interface Calibration {
  /** The table. */
  readonly table: PlanTable;
  /** Per kind and size of layer. */
  readonly layers: readonly CalibratedLayer[];
  /** Per network. */
  readonly lockstep: readonly CalibratedLockstep[];
  /** Per network, by how many train in lockstep and by level. */
  readonly speed: readonly SpeedRow[];
}

/** Measures. */
export async function calibrate(gpu: Gpu, options: CalibrationOptions): Promise<Calibration> {
  const { networks, tell, signal } = options;
  const layers: CalibratedLayer[] = [];
  for (const probe of probesOf(networks)) {
    signal?.throwIfAborted();
    tell?.(`${probe.layer.type} ${shapeOf(probe.layer)}`);
    layers.push(await timeLayer(gpu, probe, options));
  }
  const { adapter } = gpu;
  const rows = rowsOf(layers, adapter.kind);
  const table: PlanTable = { version: planTable.version, adapter: adapter.name, [adapter.kind]: rows };
  const lockstep: CalibratedLockstep[] = [];
  for (const network of networks) {
    signal?.throwIfAborted();
    tell?.(`${network.inLockstep.spec.name} in lockstep`);
    lockstep.push(await timeLockstep(gpu, network, table, options));
  }
  const limits = lockstepRows(lockstep);
  const planned = limits.length > 0 ? { ...table, lockstep: { [adapter.kind]: limits } } : table;
  const speed: SpeedRow[] = [];
  for (const { layout, rates, optimizer, batchSize } of networks) {
    signal?.throwIfAborted();
    tell?.(`${layout.spec.name}, steps and evaluations`);
    const pays = Math.min(
      lockstepOf(forwardWork(layout, batchSize), adapter.kind, planned),
      ...options.replicates.slice(-1),
    );
    const { runs, sampleMs } = options;
    const settings = { layout, rates, optimizer, batchSize, lockstep: pays, table: planned, runs, sampleMs, signal };
    speed.push(...await timeSpeed(gpu, settings));
  }
  return { table: { ...planned, speed: { [adapter.kind]: speed } }, layers, lockstep, speed };
}

/** A layer to be timed, in a network of its own. */
interface Probe {
  /** Where in that network it stands. */
  readonly index: number;
  readonly layer: LayerLayout;
  /** The network: what comes before the layer, so that its input needs a gradient where it did; the layer; what makes logits of it. */
  readonly layout: NetworkLayout;
  readonly optimizer: OptimizerSettings;
  readonly batchSize: number;
}

/** Every kind and size of layer that the networks have, smallest first. */
function probesOf(networks: readonly CalibratedNetwork[]): Probe[] {
  const probes = new Map<string, Probe>();
  for (const { layout, optimizer, batchSize } of networks) {
    for (const [index, layer] of layout.layers.entries()) {
      const key = `${layer.type} ${shapeOf(layer)}`;
      if (layer.role === "output" || probes.has(key)) continue;
      const { channels, height, width } = layer.input;
      const isDense = layer.type === "dense";
      // Cheap, and behind it the layer's input needs a gradient.
      const before: LayerSpec[] = index === 0
        ? []
        : isDense
        ? [{ type: "dense", units: layer.inputs, activation: "relu" }]
        : [{ type: "conv", channels, size: 1, activation: "relu" }];
      const input = index === 0 ? layer.input : isDense ? flat(8) : { channels: 1, height, width };
      const own: LayerSpec = isDense ? { type: "dense", units: layer.outputs, activation: "relu" } : {
        type: "conv",
        channels: layer.outputs,
        size: layer.size === 1 ? 1 : 3,
        stride: layer.stride === 1 ? 1 : 2,
        activation: "relu",
      };
      const after: LayerSpec[] = isDense ? [] : [{ type: "global-average-pool" }];
      const probed = layOut({
        name: key,
        input,
        layers: [...before, own, ...after, { type: "dense", units: 10, activation: "none" }],
      });
      const found = probed.layers[before.length];
      if (!found) throw new Error("unreachable: the layer was laid out");
      probes.set(key, { index: before.length, layer: found, layout: probed, optimizer, batchSize });
    }
  }
  return [...probes.values()].toSorted((a, b) => weightsOf(a.layer) - weightsOf(b.layer));
}

/** Kernels that a layer may run. */
interface Candidate {
  readonly training: Training;
  readonly times: number[];
  /** Whether it is still in the race. */
  isTimed: boolean;
}

async function timeLayer(
  gpu: Gpu,
  { index: at, layer, layout, optimizer, batchSize }: Probe,
  { runs, secondsEach, signal }: CalibrationOptions,
): Promise<CalibratedLayer> {
  using stack = new DisposableStack();
  const examples = stack.use(randomExamples(gpu, layout.spec.input));
  const open = async (plan: LayerPlan, density: number): Promise<Candidate> => {
    const kept = layout.layers.map((own, index) => {
      const weights = weightsOf(own);
      return index === at ? Math.max(1, Math.round(weights * density)) : weights;
    });
    const masks = density === 1 ? [denseMask(layout)] : randomMasks(layout, { level: 1, kept }, 1);
    const training = stack.use(
      await Training.open(gpu, {
        layout,
        examples,
        optimizer,
        batchSize,
        masks,
        plan: layout.layers.map((_, index) => index === at ? plan : plainPlan),
      }),
    );
    training.begin(startValues(layout, masks));
    return { training, times: [], isTimed: true };
  };
  const register = await open(plainPlan, 1);
  const workgroup = await open({ weights: "masked-dense", tiles: "workgroup" }, 1);
  const compact: Candidate[] = [];
  for (const density of densities) compact.push(await open({ weights: "compact", tiles: "register" }, density));
  const candidates = [register, workgroup, ...compact];
  // What the plan does not change is left out.
  const labels = register.training.ensemble.program.dispatches.map(({ label }) => label);
  const others = new Set(labels.filter((label) => !label.startsWith(`${layer.name} `) && label !== optimizer.type));
  const measure = async ({ training }: Candidate): Promise<number> => {
    signal?.throwIfAborted();
    const { program } = training.ensemble;
    const times = await gpu.time(program);
    if (!times) return await training.stepMs(16);
    return program.dispatches.reduce((sum, { label }, own) => others.has(label) ? sum : sum + (times[own] ?? 0), 0);
  };
  // The first one compiles.
  await measure(register);
  for (const candidate of candidates.slice(1)) {
    await measure(candidate);
    const ratio = await leastRatio(() => measure(candidate), () => measure(register));
    if (ratio <= hopeless) continue;
    candidate.isTimed = false;
    candidate.times.push(ratio);
  }
  const until = performance.now() + secondsEach * 1000;
  let rounds = 0;
  for (; rounds < runs && (rounds < 3 || performance.now() < until); rounds++) {
    for (const candidate of candidates) if (candidate.isTimed) candidate.times.push(await measure(candidate));
  }
  const by = (candidate: Candidate, other: Candidate): number =>
    candidate.isTimed ? medianRatio(candidate.times, other.times) : candidate.times[0] ?? NaN;
  const byRegister = by(workgroup, register);
  const tiles = byRegister <= 1 - margin ? "workgroup" : "register";
  const best = tiles === "workgroup" ? workgroup : register;
  const ratios = densities.map((density, index) => {
    const own = compact[index];
    return { density, ratio: own ? by(own, own.isTimed ? best : register) : NaN };
  });
  return {
    type: layer.type,
    shape: shapeOf(layer),
    weights: weightsOf(layer),
    rounds,
    registerMs: spread(register.times).median,
    workgroup: byRegister,
    compact: ratios,
    tiles,
    compactBelow: compactFrom(ratios),
  };
}

/**
 * How many times as long as another thing one takes, at the least of three tries, so that something else that the machine does once
 * puts nobody out of the race. One that is not hopeless is known at once, and a slow one is believed at once.
 */
async function leastRatio(measure: () => Promise<number>, other: () => Promise<number>): Promise<number> {
  let least = Infinity;
  for (let tries = 0; tries < 3 && least > hopeless; tries++) {
    const ms = await measure();
    least = Math.min(least, ms / await other());
    if (ms > 2000) break;
  }
  return least;
}

/** The density below which compact is faster by more than the margin, to whole percents; 0 for nowhere. */
export function compactFrom(points: readonly { readonly density: number; readonly ratio: number }[]): number {
  const gained = points.map(({ density, ratio }) => ({ density, ratio: ratio / (1 - margin) }));
  const most = gained.every(({ ratio }) => ratio <= 1) ? Math.max(...points.map(({ density }) => density)) : null;
  return Math.floor((most ?? crossing(gained) ?? 0) * 100) / 100;
}

/**
 * Rows for layers of all sizes: each holds from halfway, by ratio, between the size that it was found at and the next smaller one.
 * A kind that was not measured keeps the rows that ship.
 */
export function rowsOf(layers: readonly CalibratedLayer[], kind: AdapterInfo["kind"]): PlanRow[] {
  return (["dense", "conv"] as const).flatMap((type): PlanRow[] => {
    const own = layers.filter((layer) => layer.type === type).toSorted((a, b) => a.weights - b.weights);
    if (own.length === 0) return planTable[kind].filter((row) => row.type === type);
    const rows = own.map(({ weights, compactBelow, tiles }, index): PlanRow => ({
      type,
      fromWeights: halfway(own[index - 1]?.weights, weights),
      compactBelow,
      tiles,
    }));
    return rows.filter((row, index) => {
      const before = rows[index - 1];
      return before?.compactBelow !== row.compactBelow || before.tiles !== row.tiles;
    });
  });
}

/** The same for lockstep; nothing where as many as there are pay everywhere. */
export function lockstepRows(found: readonly CalibratedLockstep[]): LockstepRow[] {
  const ascending = found.toSorted((a, b) => a.work - b.work);
  const rows = ascending.map(({ work, atMost }, index) => ({
    fromWork: halfway(ascending[index - 1]?.work, work),
    atMost,
  }));
  return rows.filter(({ atMost }, index) => atMost !== (index === 0 ? null : rows[index - 1]?.atMost));
}

function halfway(smaller: number | undefined, size: number): number {
  return smaller === undefined ? 0 : Math.round(Math.sqrt(smaller * size));
}

/**
 * How many networks in lockstep pay: as many as there are, unless the most that were timed cost more than the best by more than the
 * margin; then the most that do not.
 */
export function lockstepLimit(
  costs: readonly { readonly replicates: number; readonly cost: number }[],
): number | null {
  const best = Math.min(...costs.map(({ cost }) => cost));
  const paying = costs.filter(({ cost }) => cost * (1 - lockstepMargin) <= best).map(({ replicates }) => replicates);
  const most = Math.max(...paying);
  return most === Math.max(...costs.map(({ replicates }) => replicates)) ? null : most;
}

async function timeLockstep(
  gpu: Gpu,
  { inLockstep: layout, rates, optimizer, batchSize, iterations }: CalibratedNetwork,
  table: PlanTable,
  { replicates, runs, sampleMs, signal }: CalibrationOptions,
): Promise<CalibratedLockstep> {
  const sums = replicates.map(() => 0);
  let alone = 0;
  for (const level of lockstepLevels) {
    const options = { layout, rates, optimizer, batchSize, replicates, level, iterations, sampleMs, table };
    const { ensembles, singleMs } = await timeEnsembles(gpu, {
      ...options,
      runs: Math.min(runs, lockstepRounds),
      signal,
    });
    alone += singleMs;
    ensembles.forEach(({ bySingle }, index) => sums[index] = (sums[index] ?? 0) + singleMs / bySingle);
  }
  const costs = replicates.map((count, index) => ({ replicates: count, cost: (sums[index] ?? NaN) / alone }));
  return { network: layout.spec.name, work: forwardWork(layout, batchSize), costs, atMost: lockstepLimit(costs) };
}

function shapeOf({ type, inputs, outputs, size, stride, input }: LayerLayout): string {
  if (type === "dense") return `${inputs} × ${outputs}`;
  const stepped = stride === 1 ? "" : `, stride ${stride}`;
  return `${size} × ${size}, ${input.channels} → ${outputs}, ${input.height} × ${input.width}${stepped}`;
}

function weightsOf({ inputs, outputs }: Pick<LayerLayout, "inputs" | "outputs">): number {
  return inputs * outputs;
}
