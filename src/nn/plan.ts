/**
 * The plan: which kernels a layer runs, as a function of its kind and size, its density and a table. The table's hash is part of a
 * run's identity, and nothing is measured while a run goes on: what a timer says must not reach numbers.
 *
 * @module
 */
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { NetworkLayout } from "./network.ts";

/** What a layer computes with: all its weights, with a mask in gradient and optimizer, or its survivors alone. */
export type WeightsPlan = "masked-dense" | "compact";

/**
 * Where a masked-dense kernel keeps what its tile reads again: `register` in registers alone (few invocations that do much, as a
 * CPU wants them), `workgroup` in workgroup memory too (many that do little, as a graphics card wants them).
 */
export type TilesPlan = "register" | "workgroup";

/** Which kernels one layer runs. */
export interface LayerPlan {
  /** What it computes with. */
  readonly weights: WeightsPlan;
  /** Which tiles its masked-dense kernels have; compact ones have one kind. */
  readonly tiles: TilesPlan;
}

/** What holds for layers of a kind, from some size on. */
export interface PlanRow {
  /** The kind of layer. */
  readonly type: "dense" | "conv";
  /** The row holds for layers with at least so many weights, pruned ones included; of several the one with the most does. */
  readonly fromWeights: number;
  /** The density below which a layer is compact; 0 for never. */
  readonly compactBelow: number;
  /** Which tiles masked-dense kernels have. */
  readonly tiles: TilesPlan;
}

/** How many networks train in lockstep at most, for steps from some size on. */
export interface LockstepRow {
  /** The row holds for networks with at least so much {@linkcode forwardWork}; of several the one with the most does. */
  readonly fromWork: number;
  /** More networks than this are trained in turns; null for as many as memory allows. */
  readonly atMost: number | null;
}

/** How long networks in lockstep take at one level, as it was measured: what runs are estimated by. */
export interface SpeedRow {
  /** What the network is called. */
  readonly network: string;
  /** Its {@linkcode forwardWork}, which tells widths and batch sizes apart. */
  readonly work: number;
  /** Images of one step. */
  readonly batchSize: number;
  /** Networks in lockstep. */
  readonly networks: number;
  /** The surviving fraction of their weights. */
  readonly remaining: number;
  /** Milliseconds of a training step of all of them. */
  readonly stepMs: number;
  /** Milliseconds that all of them take to evaluate 1,000 images each. */
  readonly evaluationMsPerThousandImages: number;
}

/** A plan table, by the kind of adapter. */
export interface PlanTable {
  /** Of this form; other forms have other numbers. */
  readonly version: 3;
  /** Name of the adapter that it was measured on; left out where it is meant for all of a kind. */
  readonly adapter?: string;
  /** For adapters that compute on the CPU; left out where the table is not meant for them. */
  readonly software?: readonly PlanRow[];
  /** For graphics cards; left out where the table is not meant for them. */
  readonly gpu?: readonly PlanRow[];
  /** How many networks train in lockstep at most: as many as memory allows where nothing is said. No number depends on it. */
  readonly lockstep?: { readonly software?: readonly LockstepRow[]; readonly gpu?: readonly LockstepRow[] };
  /** How long networks take, where it was measured. Nothing but estimates of time depends on it. */
  readonly speed?: { readonly software?: readonly SpeedRow[]; readonly gpu?: readonly SpeedRow[] };
}

/**
 * The table that ships with the source. Of a GPU none is at hand; there a gather of rows costs more beside a dense tile, so that
 * compact has to begin later, and tiles are those that give thousands of invocations at LeNet's size (docs/kernels.md).
 *
 * On a CPU more networks in lockstep save launches, of which small steps have a share: throughput by single networks was 0.99 to
 * 1.09 for LeNet dense and 1.36 to 1.63 at 3.6 %, with 2 to 10. Where a step fills the caches they crowd each other out: Conv-2,
 * with 2 and 5, 0.94, at 8.8 % 0.96 (`bench ensemble`, lavapipe on two cores, 2026-11-25). So such networks train one by one.
 */
export const planTable: PlanTable & Required<Pick<PlanTable, "software" | "gpu">> = {
  version: 3,
  software: [
    { type: "dense", fromWeights: 0, compactBelow: 0.28, tiles: "register" },
    { type: "dense", fromWeights: 1_000_000, compactBelow: 0.25, tiles: "register" },
    { type: "conv", fromWeights: 0, compactBelow: 0, tiles: "register" },
    { type: "conv", fromWeights: 4000, compactBelow: 0.12, tiles: "register" },
    { type: "conv", fromWeights: 100_000, compactBelow: 0.15, tiles: "register" },
  ],
  gpu: [
    { type: "dense", fromWeights: 0, compactBelow: 0.05, tiles: "workgroup" },
    { type: "conv", fromWeights: 0, compactBelow: 0.02, tiles: "workgroup" },
  ],
  lockstep: { software: [{ fromWork: 1_000_000_000, atMost: 1 }] },
};

/** All weights, with the tiles that every adapter runs: what a layer has without a plan. */
export const plainPlan: LayerPlan = { weights: "masked-dense", tiles: "register" };

/**
 * The part of a table that numbers depend on, which a run's identity holds: the rows of its layers, and neither whom it was measured
 * on nor how many networks train together, nor how long they take.
 */
export function numericsOf({ version, software, gpu }: PlanTable): Pick<PlanTable, "version" | "software" | "gpu"> {
  return { version, ...(software ? { software } : {}), ...(gpu ? { gpu } : {}) };
}

/**
 * Which kernels each layer runs, by its index.
 *
 * @param densities per layer the surviving fraction of its weights
 * @throws {RangeError} when the table is not meant for this kind of adapter
 */
export function planOf(
  layout: NetworkLayout,
  densities: readonly number[],
  kind: AdapterInfo["kind"],
  table: PlanTable = planTable,
): LayerPlan[] {
  const rows = table[kind];
  if (!rows) {
    throw new RangeError(
      `Cannot plan for ${
        kind === "gpu" ? "a graphics card" : "a software adapter"
      }: the plan table has no rows for it. ` +
        "Measure one on this adapter with `deno task bench calibrate`, or go on with the one that ships.",
    );
  }
  return layout.layers.map(({ type, inputs, outputs }, index): LayerPlan => {
    const row = rows
      .filter((row) => row.type === type && row.fromWeights <= inputs * outputs)
      .toSorted((a, b) => a.fromWeights - b.fromWeights)
      .at(-1);
    if (!row) return plainPlan;
    return { weights: (densities[index] ?? 1) < row.compactBelow ? "compact" : "masked-dense", tiles: row.tiles };
  });
}

/** A plan in words, by the layer's name: `compact`, `masked-dense`, or `masked-dense, workgroup tiles`. */
export function planWords(layout: NetworkLayout, plan: readonly LayerPlan[]): Record<string, string> {
  return Object.fromEntries(layout.layers.map(({ name }, index) => {
    const { weights, tiles } = plan[index] ?? plainPlan;
    return [name, weights === "masked-dense" && tiles === "workgroup" ? `${weights}, workgroup tiles` : weights];
  }));
}

/** The layers that keep their survivors alone, by index. */
export function compactLayers(plan: readonly LayerPlan[]): number[] {
  return plan.flatMap(({ weights }, index) => weights === "compact" ? [index] : []);
}

/** Multiplications of a training step's forward pass, for one dense network: what its size is measured by where lockstep is. */
export function forwardWork({ layers }: NetworkLayout, batchSize: number): number {
  return batchSize *
    layers.reduce((sum, { inputs, outputs, output }) => sum + inputs * outputs * output.height * output.width, 0);
}

/** The most networks that train in lockstep by a table; `Infinity` where it says nothing. */
export function lockstepOf(
  work: number,
  kind: AdapterInfo["kind"],
  { lockstep }: PlanTable = planTable,
): number {
  return lockstep?.[kind]
    ?.filter(({ fromWork }) => fromWork <= work)
    .toSorted((a, b) => a.fromWork - b.fromWork)
    .at(-1)?.atMost ?? Infinity;
}
