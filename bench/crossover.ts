/**
 * Where compact kernels overtake dense ones: both on the same layer, density after density, all launches of a run in turn on one
 * device, so that what disturbs one disturbs the others.
 *
 * Run: `deno task bench crossover`
 *
 * @module
 */
import { RandomStream } from "../src/data/random.ts";
import type { Buffer } from "../src/gpu/buffer.ts";
import type { Gpu } from "../src/gpu/gpu.ts";
import type { Launch } from "../src/gpu/program.ts";
import { CompactArena } from "../src/nn/compact.ts";
import {
  compactConvolutionForward,
  compactConvolutionInputGradient,
  compactConvolutionWeightGradient,
} from "../src/nn/compact_convolution.ts";
import {
  compactForward,
  compactInputGradient,
  type CompactStructure,
  compactWeightGradient,
} from "../src/nn/compact_dense.ts";
import {
  convolutionForward,
  convolutionInputGradient,
  convolutionPartialWords,
  convolutionWeightGradient,
} from "../src/nn/convolution.ts";
import { densePartialWords, type DenseShape, forward, inputGradient, weightGradient } from "../src/nn/dense.ts";
import { packMask } from "../src/nn/mask.ts";
import { flat, layOut, roundUp, sizeOf } from "../src/nn/network.ts";
import { optimizerStep, stepScalars } from "../src/nn/optimizer.ts";
import { formatTable } from "../src/cli/table.ts";
import { spread } from "./spread.ts";

/** A layer to be timed: a dense one, or a 3 × 3 convolution with stride 1 on square images. */
export type TimedLayer =
  | { readonly type: "dense"; readonly inputs: number; readonly outputs: number }
  | { readonly type: "conv"; readonly channels: number; readonly outputs: number; readonly size: number };

/** What is compared. */
export interface CrossoverOptions {
  /** The layer. */
  readonly layer: TimedLayer;
  /** Images per step, a multiple of 8. */
  readonly batch: number;
  /** Fractions of surviving weights. */
  readonly densities: readonly number[];
  /** Measurements of each launch, whose median counts. */
  readonly runs: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** The passes that are compared: what a training step does with the layer. */
export const passes = ["forward", "input gradient", "weight gradient", "optimizer"] as const;

/** Milliseconds of each pass. */
export type PassTimes = Readonly<Record<typeof passes[number], number>>;

/** What came of it. */
export interface Crossover {
  /** The dense kernels', which no density changes. */
  readonly dense: PassTimes;
  /** The compact kernels'. */
  readonly compact: readonly { readonly density: number; readonly ms: PassTimes }[];
}

/** Densities of the paper's levels, and some above. */
export const usualDensities: Readonly<Record<TimedLayer["type"], readonly number[]>> = {
  dense: [0.02, 0.036, 0.08, 0.13, 0.2, 0.3, 0.4, 0.5, 0.6],
  conv: [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.31],
};

const adam = { type: "adam", lr: 1e-3 } as const;

/**
 * Measures.
 *
 * @throws {RangeError} when the adapter has no timestamps
 */
export async function crossover(
  gpu: Gpu,
  { layer: timed, batch, densities, runs, signal }: CrossoverOptions,
): Promise<Crossover> {
  if (!gpu.hasTimestamps) {
    throw new RangeError("Cannot time single kernels: the adapter has no timestamps. Use another adapter.");
  }
  const dense = layerOf(timed, batch);
  const { layer, layout } = dense;
  const random = new RandomStream(1, "synthetic");
  using stack = new DisposableStack();
  const upload = (values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Buffer =>
    stack.use(gpu.upload("crossover", values));
  const zeros = (values: number): Buffer => stack.use(gpu.buffer("crossover", values * 4));
  const normals = (count: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, () => random.normal());
  const inputs = roundUp(sizeOf(layer.input), 4) * batch;
  const outputs = roundUp(sizeOf(layer.output), 4) * batch;
  const shared = {
    // Half of it zeros, as a ReLU leaves it.
    input: upload(normals(inputs).map((value) => Math.max(0, value))),
    outputGradient: upload(normals(outputs)),
    output: zeros(outputs),
    schedule: upload(stepScalars(adam, 1)),
    state: zeros(8),
    below: zeros(inputs),
    partials: zeros(Math.max(4, layer.type === "conv" ? convolutionPartialWords(dense) : densePartialWords(dense))),
  };
  const buffersOf = (arena: number, mask: Uint32Array<ArrayBuffer>): LayerBuffers => ({
    ...shared,
    mask: upload(mask),
    parameters: upload(normals(arena)),
    gradient: zeros(arena),
    moments: [zeros(arena), zeros(arena)],
  });
  const everything = new Uint32Array(layout.arena / 32).fill(0xffff_ffff);
  const programs: Launch[][][] = [passesOf(dense, buffersOf(layout.arena, everything))];
  for (const density of densities) {
    const bits = Uint8Array.from({ length: layer.inputs * layer.outputs }, () => Number(random.uniform() < density));
    const mask = packMask(layout, [bits]);
    const arena = new CompactArena(layout, [mask], [0]);
    const indices = arena.structures.get(0);
    const compact = arena.layout.layers[0];
    if (!indices || !compact) throw new Error("unreachable: one layer was made compact");
    const structure = {
      rows: upload(indices.rows),
      positions: upload(indices.positions),
      rowOf: upload(indices.rowOf),
      columns: upload(indices.columns),
      entries: upload(indices.entries),
      quads: indices.quads,
      entryCount: indices.entryCount,
    };
    const buffers = buffersOf(arena.layout.arena, arena.packMask(mask, 0));
    programs.push(passesOf({ ...dense, layout: arena.layout, layer: compact }, buffers, structure));
  }
  const launches = programs.flat(2);
  using program = await gpu.record("crossover", launches);
  const times: number[][] = launches.map(() => []);
  for (let run = 0; run <= runs; run++) {
    signal?.throwIfAborted();
    const measured = await gpu.time(program) ?? [];
    // The first run warms up.
    if (run > 0) measured.forEach((ms, index) => times[index]?.push(ms));
  }
  const medians = times.map((list) => spread(list).median);
  let taken = 0;
  const [denseTimes = noTimes, ...compactTimes] = programs.map((program): PassTimes => {
    const sums = program.map((pass) => {
      taken += pass.length;
      return medians.slice(taken - pass.length, taken).reduce((sum, ms) => sum + ms, 0);
    });
    return {
      forward: sums[0] ?? NaN,
      "input gradient": sums[1] ?? NaN,
      "weight gradient": sums[2] ?? NaN,
      optimizer: sums[3] ?? NaN,
    };
  });
  return {
    dense: denseTimes,
    compact: densities.map((density, index) => ({ density, ms: compactTimes[index] ?? noTimes })),
  };
}

/** What the passes of one layer work on. */
interface LayerBuffers {
  readonly parameters: Buffer;
  readonly gradient: Buffer;
  readonly moments: readonly Buffer[];
  readonly mask: Buffer;
  readonly input: Buffer;
  readonly output: Buffer;
  readonly outputGradient: Buffer;
  readonly below: Buffer;
  readonly partials: Buffer;
  readonly schedule: Buffer;
  readonly state: Buffer;
}

/** The launches of each pass. */
function passesOf(shape: DenseShape, buffers: LayerBuffers, structure?: CompactStructure): Launch[][] {
  const into = { ...buffers, gradient: buffers.below };
  const optimizer = [optimizerStep(shape.layout, 1, adam, buffers)];
  const ending = { gate: true, accumulate: false };
  if (shape.layer.type === "conv") {
    return structure
      ? [
        [compactConvolutionForward(shape, structure, buffers)],
        [compactConvolutionInputGradient(shape, structure, ending, into)],
        [compactConvolutionWeightGradient(shape, structure, buffers)],
        optimizer,
      ]
      : [
        [convolutionForward(shape, buffers)],
        convolutionInputGradient(shape, ending, into),
        convolutionWeightGradient(shape, true, buffers),
        optimizer,
      ];
  }
  return structure
    ? [
      [compactForward(shape, structure, buffers)],
      [compactInputGradient(shape, structure, true, into)],
      [compactWeightGradient(shape, structure, buffers)],
      optimizer,
    ]
    : [
      forward(shape, buffers),
      [inputGradient(shape, true, into)].flat(),
      [weightGradient(shape, true, buffers)],
      optimizer,
    ];
}

const noTimes: PassTimes = { forward: NaN, "input gradient": NaN, "weight gradient": NaN, optimizer: NaN };

/** What is weighed against each other: single passes, and those that are only chosen together. */
const choices: readonly { readonly title: string; readonly passes: readonly (keyof PassTimes)[] }[] = [
  { title: "forward", passes: ["forward"] },
  { title: "input gradient", passes: ["input gradient"] },
  { title: "weight gradient", passes: ["weight gradient"] },
  { title: "Adam", passes: ["optimizer"] },
  { title: "weight gradient + Adam", passes: ["weight gradient", "optimizer"] },
  { title: "all but input gradient", passes: ["forward", "weight gradient", "optimizer"] },
  { title: "all", passes },
];

/** The density up to which compact is at most as slow as dense, between those measured; null where that is none or all of them. */
export function crossing(points: readonly { readonly density: number; readonly ratio: number }[]): number | null {
  const ascending = points.toSorted((a, b) => a.density - b.density);
  for (const [index, point] of ascending.entries()) {
    const before = ascending[index - 1];
    if (point.ratio <= 1) continue;
    if (!before) return null;
    return before.density + (point.density - before.density) * (1 - before.ratio) / (point.ratio - before.ratio);
  }
  return null;
}

/** Compact against dense, for one choice between them. */
export interface Comparison {
  /** The passes that are chosen together. */
  readonly title: string;
  /** Milliseconds of the dense kernels. */
  readonly denseMs: number;
  /** Compact by dense at each density, ascending. */
  readonly points: readonly { readonly density: number; readonly ratio: number }[];
  /** See {@linkcode crossing}. */
  readonly crossing: number | null;
}

/** What the measurement says of each choice. */
export function comparisons({ dense, compact }: Crossover): Comparison[] {
  const total = (ms: PassTimes, names: readonly (keyof PassTimes)[]): number =>
    names.reduce((sum, name) => sum + ms[name], 0);
  const ascending = compact.toSorted((a, b) => a.density - b.density);
  return choices.map(({ title, passes }) => {
    const denseMs = total(dense, passes);
    const points = ascending.map(({ density, ms }) => ({ density, ratio: total(ms, passes) / denseMs }));
    return { title, denseMs, points, crossing: crossing(points) };
  });
}

/** The measurement as a table: milliseconds of the dense kernels, and at each density the compact ones' share of them. */
export function formatCrossover(found: Crossover): string[] {
  const rows = comparisons(found);
  return formatTable(
    [
      { title: "pass", align: "left" },
      { title: "dense ms", align: "right" },
      ...(rows[0]?.points ?? []).map(({ density }) => ({ title: percent(density), align: "right" as const })),
      { title: "crossing", align: "right" },
    ],
    rows.map(({ title, denseMs, points, crossing }) => [
      title,
      denseMs.toFixed(3),
      ...points.map(({ ratio }) => ratio.toFixed(2)),
      crossing === null ? "–" : percent(crossing),
    ]),
  );
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(2))} %`;
}

/** The layer in an arena of its own. */
function layerOf(timed: TimedLayer, batch: number): DenseShape {
  const layout = layOut({
    name: "crossover",
    input: timed.type === "dense"
      ? flat(timed.inputs)
      : { channels: timed.channels, height: timed.size, width: timed.size },
    layers: timed.type === "dense"
      ? [{ type: "dense", units: timed.outputs, activation: "none" }]
      : [{ type: "conv", channels: timed.outputs, activation: "none" }, {
        type: "dense",
        units: 1,
        activation: "none",
      }],
  });
  const [first] = layout.layers;
  if (!first) throw new Error("unreachable: a layer was laid out");
  const layer = { ...first, activation: "relu" } as const;
  const arena = layer.bias + roundUp(layer.outputQuads * 4, 64);
  return { layout: { ...layout, layers: [layer], arena, trained: arena }, layer, replicates: 1, batch };
}
