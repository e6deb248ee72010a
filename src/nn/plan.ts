/**
 * The plan: which kernels a layer runs, as a function of its kind, its density and a table. The table's hash is part of a run's
 * identity, and nothing is measured while a run goes on: what a timer says must not reach numbers.
 *
 * @module
 */
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { NetworkLayout } from "./network.ts";

/** Which kernels a layer runs: all its weights, with a mask in gradient and optimizer, or its survivors alone. */
export type PlanName = "masked-dense" | "compact";

/**
 * The table that ships with the source: by the kind of adapter, the density below which a dense layer is compact. Of a GPU none
 * is at hand; there a gather of rows costs more beside a dense tile, so that compact has to begin later.
 */
export const planTable = {
  version: 2,
  software: { dense: { compactBelow: 0.28 } },
  gpu: { dense: { compactBelow: 0.05 } },
} as const;

/**
 * Which kernels each layer runs, by its name.
 *
 * @param densities per layer the surviving fraction of its weights
 */
export function planOf(
  layout: NetworkLayout,
  densities: readonly number[],
  kind: AdapterInfo["kind"],
): Record<string, PlanName> {
  const { compactBelow } = planTable[kind].dense;
  return Object.fromEntries(layout.layers.map(({ name, type }, index): [string, PlanName] => [
    name,
    type === "dense" && (densities[index] ?? 1) < compactBelow ? "compact" : "masked-dense",
  ]));
}
