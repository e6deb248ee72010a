/**
 * Magnitude pruning on the GPU: exactly the planned number of the smallest magnitudes among the survivors of a group of
 * layers, be it each layer by itself or all that are pruned together, ties by index.
 *
 * @module
 */
import type { Buffer } from "../gpu/buffer.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { flatGrid, type Launch } from "../gpu/program.ts";
import { maskStatistics, selectApply, selectHistogram, selectPick } from "./kernels.ts";
import { maskWords } from "./mask.ts";
import type { NetworkLayout } from "./network.ts";

/**
 * Prunes in place: clears the mask bits of the smallest magnitudes.
 *
 * @param groups the layers, by their index, whose weights are ranked together; what is in no group is not pruned
 * @param counts weights to prune: per replicate one number per group
 * @throws {RangeError} when the counts do not fit the groups, or a layer is in two of them or does not exist
 */
export async function pruneSmallest(
  gpu: Gpu,
  layout: NetworkLayout,
  groups: readonly (readonly number[])[],
  counts: readonly (readonly number[])[],
  buffers: { readonly parameters: Buffer; readonly mask: Buffer },
): Promise<void> {
  const replicates = counts.length;
  const members = groups.flatMap((layers, group) => layers.map((layer) => ({ layer: layout.layers[layer], group })));
  if (members.some(({ layer }) => !layer) || new Set(members.map(({ layer }) => layer)).size < members.length) {
    throw new RangeError(
      `Cannot prune the layers ${
        groups.map((layers) => layers.join(" + ")).join(", ")
      }: each is wanted at most once, ` +
        `from 0 to ${layout.layers.length - 1}.`,
    );
  }
  const start = new Uint32Array(replicates * groups.length * 4);
  counts.forEach((perGroup, replicate) => {
    if (perGroup.length !== groups.length || perGroup.some((count) => !Number.isInteger(count) || count < 0)) {
      throw new RangeError(
        `Cannot prune ${
          perGroup.join(", ")
        } weights: ${groups.length} whole, non-negative counts per replicate are wanted, one for each group of layers.`,
      );
    }
    perGroup.forEach((count, group) => start.set([0, 0, count, count], (replicate * groups.length + group) * 4));
  });
  if (members.length === 0) return;
  using selection = gpu.upload("selection", start);
  using histogram = gpu.buffer("selection histogram", replicates * groups.length * 256 * 4);
  const perLayer = members.flatMap(({ layer, group }) => {
    if (!layer) return [];
    const { first, count } = maskWords(layer);
    const [x, y] = flatGrid(count, 64);
    return [{
      dims: [layout.arena / 32, first, count, x * 64, group, groups.length],
      workgroups: [x, y, replicates] as const,
    }];
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
      dims: [groups.length, digit],
      buffers: [histogram, selection],
      workgroups: [groups.length, 1, replicates],
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
