/**
 * The plan: which kernels a layer runs, as a function of its kind and size, its density and a table. The table's hash is part of a
 * run's identity, and nothing is measured while a run goes on: what a timer says must not reach numbers.
 *
 * @module
 */
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { LayerLayout, NetworkLayout } from "./network.ts";

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
  readonly type: LayerLayout["type"];
  /** The row holds for layers with at least so many weights, pruned ones included; of several the one with the most does. */
  readonly fromWeights: number;
  /** The density below which a layer is compact; 0 for never. */
  readonly compactBelow: number;
  /** Which tiles masked-dense kernels have. */
  readonly tiles: TilesPlan;
}

/** A plan table, by the kind of adapter. */
export interface PlanTable {
  /** Of this form; other forms have other numbers. */
  readonly version: 3;
  /** For adapters that compute on the CPU. */
  readonly software: readonly PlanRow[];
  /** For graphics cards. */
  readonly gpu: readonly PlanRow[];
}

/**
 * The table that ships with the source. Of a GPU none is at hand; there a gather of rows costs more beside a dense tile, so that
 * compact has to begin later.
 */
export const planTable: PlanTable = {
  version: 3,
  software: [
    { type: "dense", fromWeights: 0, compactBelow: 0.28, tiles: "register" },
    { type: "conv", fromWeights: 0, compactBelow: 0, tiles: "register" },
  ],
  gpu: [
    { type: "dense", fromWeights: 0, compactBelow: 0.05, tiles: "register" },
    { type: "conv", fromWeights: 0, compactBelow: 0, tiles: "register" },
  ],
};

/** All weights, with the tiles that every adapter runs: what a layer has without a plan. */
export const plainPlan: LayerPlan = { weights: "masked-dense", tiles: "register" };

/**
 * Which kernels each layer runs, by its index.
 *
 * @param densities per layer the surviving fraction of its weights
 */
export function planOf(
  layout: NetworkLayout,
  densities: readonly number[],
  kind: AdapterInfo["kind"],
  table: PlanTable = planTable,
): LayerPlan[] {
  return layout.layers.map(({ type, inputs, outputs }, index): LayerPlan => {
    const row = table[kind]
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
