/**
 * Magnitude pruning on the GPU: exactly the planned number of the smallest magnitudes among the survivors, per layer or
 * over the whole network, ties by index.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { flatGrid, type Launch } from "../gpu/program.ts";
import { maskStatistics, selectApply, selectHistogram, selectPick } from "./kernels.ts";
import { maskWords } from "./mask.ts";
import type { NetworkLayout } from "./network.ts";

/** Which layers are ranked together. */
export type Scope = "layer" | "global";

/**
 * Prunes in place: clears the mask bits of the smallest magnitudes.
 *
 * @param counts weights to prune: per replicate one number per layer, or per replicate one number for all layers when global
 * @throws {RangeError} when the counts do not fit layers and scope
 */
export async function pruneSmallest(
  gpu: Gpu,
  layout: NetworkLayout,
  scope: Scope,
  counts: readonly (readonly number[])[],
  buffers: { readonly parameters: Buffer; readonly mask: Buffer },
): Promise<void> {
  const replicates = counts.length;
  const groups = scope === "global" ? 1 : layout.layers.length;
  const start = new Uint32Array(replicates * groups * 4);
  counts.forEach((perGroup, replicate) => {
    if (perGroup.length !== groups || perGroup.some((count) => !Number.isInteger(count) || count < 0)) {
      throw new RangeError(
        `Cannot prune ${
          perGroup.join(", ")
        } weights: ${groups} whole, non-negative counts per replicate are wanted for scope "${scope}".`,
      );
    }
    perGroup.forEach((count, group) => start.set([0, 0, count, count], (replicate * groups + group) * 4));
  });
  using selection = gpu.upload("selection", start);
  using histogram = gpu.buffer("selection histogram", replicates * groups * 256 * 4);
  const perLayer = layout.layers.map((layer, index) => {
    const { first, count } = maskWords(layer);
    const [x, y] = flatGrid(count, 64);
    return {
      dims: [layout.arena / 32, first, count, x * 64, scope === "global" ? 0 : index, groups],
      workgroups: [x, y, replicates] as const,
    };
  });
  const launches: Launch[] = [];
  for (let digit = 0; digit < 8; digit++) {
    for (const { dims, workgroups } of perLayer) {
      launches.push({
        kernel: selectHistogram,
        dims: [...dims, digit],
        buffers: [buffers.parameters, buffers.mask, selection, histogram],
        workgroups,
      });
    }
    launches.push({
      kernel: selectPick,
      dims: [groups, digit],
      buffers: [histogram, selection],
      workgroups: [groups, 1, replicates],
    });
  }
  for (const { dims, workgroups } of perLayer) {
    launches.push({
      kernel: selectApply,
      dims,
      buffers: [buffers.parameters, selection, buffers.mask],
      workgroups,
    });
  }
  using program = await gpu.record("prune smallest", launches);
  gpu.submit(program);
  await gpu.done();
}

/** What mask statistics read; arenas of all replicates. */
export interface StatisticsBuffers {
  readonly mask: Buffer;
  readonly parameters: Buffer;
  readonly gradient: Buffer;
  /** One or two moments. */
  readonly moments: readonly Buffer[];
  /** From {@linkcode layerTable}. */
  readonly layers: Buffer;
  /** `[R][layers]` (survivors, violations). */
  readonly counts: Buffer;
}

/** Where each layer's mask words stand, for {@linkcode statistics}. */
export function layerTable(layout: NetworkLayout): Uint32Array<ArrayBuffer> {
  return new Uint32Array(layout.layers.flatMap((layer) => {
    const { first, count } = maskWords(layer);
    return [first, count];
  }));
}

/** Counts, per replicate and layer, survivors and pruned positions that are not exactly zero somewhere. */
export function statistics(layout: NetworkLayout, replicates: number, buffers: StatisticsBuffers): Launch {
  const [first, second = first] = buffers.moments;
  if (!first || !second) throw new RangeError("Cannot count: an optimizer has at least one moment.");
  return {
    kernel: maskStatistics,
    dims: [layout.arena / 32, layout.layers.length],
    buffers: [buffers.mask, buffers.parameters, buffers.gradient, first, second, buffers.layers, buffers.counts],
    workgroups: [1, layout.layers.length, replicates],
    label: "mask statistics",
  };
}
