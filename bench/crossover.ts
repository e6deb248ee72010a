/**
 * Where compact kernels overtake dense ones: both on the same dense layer, density after density, all launches of a run in turn on one
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
import { compactForward, compactInputGradient, compactWeightGradient } from "../src/nn/compact_dense.ts";
import { compactStructure } from "../src/nn/compact_structure.ts";
import { densePartialWords, type DenseShape, forward, inputGradient, weightGradient } from "../src/nn/dense.ts";
import { flat, layOut, roundUp } from "../src/nn/network.ts";
import { optimizerStep, stepScalars } from "../src/nn/optimizer.ts";
import { formatTable } from "../src/cli/table.ts";
import { spread } from "./spread.ts";

/** What is compared. */
export interface CrossoverOptions {
  /** Inputs of the layer. */
  readonly inputs: number;
  /** Its outputs. */
  readonly outputs: number;
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
export const usualDensities = [0.02, 0.036, 0.08, 0.13, 0.2, 0.3, 0.4, 0.5, 0.6] as const;

const adam = { type: "adam", lr: 1e-3 } as const;

/**
 * Measures.
 *
 * @throws {RangeError} when the adapter has no timestamps
 */
export async function crossover(
  gpu: Gpu,
  { inputs, outputs, batch, densities, runs, signal }: CrossoverOptions,
): Promise<Crossover> {
  if (!gpu.hasTimestamps) {
    throw new RangeError("Cannot time single kernels: the adapter has no timestamps. Use another adapter.");
  }
  const dense = denseLayer(inputs, outputs, batch);
  const random = new RandomStream(1, "synthetic");
  using stack = new DisposableStack();
  const upload = (values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Buffer =>
    stack.use(gpu.upload("crossover", values));
  const zeros = (values: number): Buffer => stack.use(gpu.buffer("crossover", values * 4));
  const normals = (count: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: count }, () => random.normal());
  const { outputQuads } = dense.layer;
  const shared = {
    // Half of it zeros, as a ReLU leaves it.
    input: upload(normals(roundUp(inputs, 4) * batch).map((value) => Math.max(0, value))),
    outputGradient: upload(normals(outputQuads * 4 * batch)),
    output: zeros(outputQuads * 4 * batch),
    schedule: upload(stepScalars(adam, 1)),
    state: zeros(8),
    below: zeros(roundUp(inputs, 4) * batch),
  };
  const arenas = (length: number) => ({
    parameters: upload(normals(length)),
    gradient: zeros(length),
    moments: [zeros(length), zeros(length)],
  });
  const denseArenas = arenas(dense.layout.arena);
  const denseMask = upload(new Uint32Array(dense.layout.arena / 32).fill(0xffff_ffff));
  const programs: Launch[][][] = [[
    forward(dense, { ...denseArenas, ...shared, partials: zeros(Math.max(4, densePartialWords(dense))) }),
    [inputGradient(dense, true, { ...denseArenas, ...shared, gradient: shared.below })],
    [weightGradient(dense, true, { ...shared, ...denseArenas, mask: denseMask })],
    [optimizerStep(dense.layout, 1, adam, { ...shared, ...denseArenas, mask: denseMask })],
  ]];
  for (const density of densities) {
    const bits = Uint8Array.from({ length: inputs * outputs }, () => Number(random.uniform() < density));
    const indices = compactStructure([bits], inputs, outputs);
    const structure = {
      rows: upload(indices.rows),
      positions: upload(indices.positions),
      rowOf: upload(indices.rowOf),
      columns: upload(indices.columns),
      entries: upload(indices.entries),
      quads: indices.quads,
      entryCount: indices.entryCount,
    };
    const bias = roundUp(indices.quads * 4, 64);
    const arena = bias + roundUp(outputs, 64);
    const compact: DenseShape = {
      ...dense,
      layout: { ...dense.layout, arena, trained: arena },
      layer: { ...dense.layer, bias },
    };
    const own = arenas(arena);
    const mask = upload(new Uint32Array(arena / 32).fill(0xffff_ffff));
    programs.push([
      [compactForward(compact, structure, { ...own, ...shared })],
      [compactInputGradient(compact, structure, true, { ...own, ...shared, gradient: shared.below })],
      [compactWeightGradient(compact, structure, { ...shared, ...own, mask })],
      [optimizerStep(compact.layout, 1, adam, { ...shared, ...own, mask })],
    ]);
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

function denseLayer(inputs: number, outputs: number, batch: number): DenseShape {
  const layout = layOut({
    name: "crossover",
    input: flat(inputs),
    layers: [{ type: "dense", units: outputs, activation: "none" }],
  });
  const layer = layout.layers[0];
  if (!layer) throw new Error("unreachable: one layer was laid out");
  return { layout, layer: { ...layer, activation: "relu" }, replicates: 1, batch };
}
