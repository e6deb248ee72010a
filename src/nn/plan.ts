/**
 * The plan: which kernels a layer runs, as a function of its shape and density and a table. One family exists so far, dense
 * kernels with the mask in gradient and optimizer, so the table has one entry; its hash is part of a run's identity all the same.
 *
 * @module
 */
import type { NetworkLayout } from "./network.ts";

/** The table that ships with the source. */
export const planTable = { version: 1, dense: [{ from: 0, kernels: "masked-dense" }] } as const;

/** Which kernels each layer runs, by its name. */
export function planOf(layout: NetworkLayout): Record<string, string> {
  return Object.fromEntries(layout.layers.map(({ name }) => [name, planTable.dense[0].kernels]));
}
