import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { countKept, denseMask, packMask, unpackMask } from "../../src/nn/mask.ts";
import { type LayerValues, layOut, type NetworkLayout, toArena } from "../../src/nn/network.ts";
import { pruneSmallest } from "../../src/nn/selection.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { bits, normals } from "../reference/tensors.ts";
import { perceptron } from "./networks.ts";

Deno.test.afterAll(closeTestGpu);

const layout = layOut(perceptron([13, 11, 7, 5]));

/** One network's weights and mask. */
interface Network {
  readonly values: readonly LayerValues[];
  readonly masks: readonly Uint8Array<ArrayBuffer>[];
}

function network(seed: number, kept = 1, magnitude?: number): Network {
  return {
    values: layout.layers.map(({ inputs, outputs }, index) => ({
      weight: Float32Array.from(normals(seed * 10 + index, inputs * outputs), (value) => magnitude ?? value),
      bias: new Float32Array(outputs),
    })),
    masks: layout.layers.map(({ inputs, outputs }, index) => bits(seed * 20 + index, inputs * outputs, kept)),
  };
}

/** Weights are ranked within each layer, over the network, or within groups of layers. */
type Scope = "layer" | "global" | readonly (readonly number[])[];

function groupsOf({ layers }: NetworkLayout, scope: Scope): readonly (readonly number[])[] {
  const all = layers.map((_, layer) => layer);
  return scope === "global" ? [all] : scope === "layer" ? all.map((layer) => [layer]) : scope;
}

/** Prunes on the GPU. */
async function prune(
  gpu: Gpu,
  scope: Scope,
  counts: readonly (readonly number[])[],
  networks: readonly Network[],
  on: NetworkLayout = layout,
): Promise<Uint8Array<ArrayBuffer>[][]> {
  const arenas = new Float32Array(networks.length * on.arena);
  const words = new Uint32Array(networks.length * on.arena / 32);
  networks.forEach(({ values, masks }, index) => {
    arenas.set(toArena(on, values), index * on.arena);
    words.set(packMask(on, masks), index * on.arena / 32);
  });
  using parameters = gpu.upload("parameters", arenas);
  using mask = gpu.upload("mask", words);
  await pruneSmallest(gpu, on, groupsOf(on, scope), counts, { parameters, mask });
  const found = await gpu.readUint32(mask);
  assert.deepEqual(new Uint32Array((await gpu.readFloats(parameters)).buffer), new Uint32Array(arenas.buffer));
  return networks.map((_, index) => unpackMask(on, found.subarray(index * on.arena / 32, (index + 1) * on.arena / 32)));
}

/** The same by sorting on the CPU: by magnitude, then by layer, then by index. */
function sorted(scope: Scope, counts: readonly number[], { values, masks }: Network): Uint8Array[] {
  const result = masks.map((mask) => mask.slice());
  const candidates = values.flatMap(({ weight }, layer) =>
    [...weight].flatMap((value, index) => masks[layer]?.[index] ? [{ layer, index, magnitude: Math.abs(value) }] : [])
  );
  const order = candidates.sort((a, b) => a.magnitude - b.magnitude || a.layer - b.layer || a.index - b.index);
  counts.forEach((count, group) => {
    const own = order.filter(({ layer }) => groupsOf(layout, scope)[group]?.includes(layer));
    for (const { layer, index } of own.slice(0, count)) result[layer]?.fill(0, index, index + 1);
  });
  return result;
}

Deno.test("pruneSmallest() takes what a sort by magnitude takes, dense or already pruned, per layer and global", async () => {
  const gpu = await testGpu();
  for (const kept of [1, 0.4]) {
    const own = network(3, kept);
    const survivors = countKept(layout, packMask(layout, own.masks));
    const total = survivors.reduce((sum, count) => sum + count, 0);
    const perLayer = survivors.map((count) => Math.round(count * 0.2));
    assert.deepEqual(await prune(gpu, "layer", [perLayer], [own]), [sorted("layer", perLayer, own)]);
    const all = [Math.round(total * 0.35)];
    assert.deepEqual(await prune(gpu, "global", [all], [own]), [sorted("global", all, own)]);
  }
});

Deno.test("where all magnitudes are equal, whatever their sign, the lowest indices go first", async () => {
  const gpu = await testGpu();
  const equal = network(1, 1, 0.5);
  for (const { weight } of equal.values) weight.forEach((value, index) => weight[index] = index % 3 ? value : -value);
  const counts = [50, 1, 34];
  const [masks] = await prune(gpu, "layer", [counts], [equal]);
  masks?.forEach((mask, layer) => {
    assert.deepEqual([...mask], [...mask.keys()].map((index) => Number(index >= (counts[layer] ?? 0))));
  });
  const [global] = await prune(gpu, "global", [[13 * 11 + 7]], [equal]);
  assert.deepEqual(global?.map((mask) => mask.reduce((sum, bit) => sum + bit, 0)), [0, 11 * 7 - 7, 7 * 5]);
  assert.ok(global?.[1]?.subarray(0, 7).every((bit) => bit === 0));
});

Deno.test("ties at the threshold give up exactly as many as are missing", async () => {
  const gpu = await testGpu();
  const own = network(5);
  // Rounded to one decimal, most magnitudes occur several times, zero too.
  for (const { weight } of own.values) weight.forEach((value, index) => weight[index] = Math.round(value * 10) / 10);
  for (const count of [1, 2, 3, 17, 34, 35]) {
    const counts = [count, count, count];
    assert.deepEqual(await prune(gpu, "layer", [counts], [own]), [sorted("layer", counts, own)]);
  }
});

Deno.test("a count of zero prunes nothing, a count of all prunes everything, and biases stay", async () => {
  const gpu = await testGpu();
  const own = network(7);
  const [masks] = await prune(gpu, "layer", [[0, 77, 0]], [own]);
  assert.deepEqual(masks, [own.masks[0], new Uint8Array(77), own.masks[2]]);
  assert.deepEqual(await prune(gpu, "global", [[0]], [own]), [own.masks]);
  const [none] = await prune(gpu, "global", [[layout.weights]], [own]);
  assert.ok(none?.every((mask) => mask.every((bit) => bit === 0)));

  using parameters = gpu.upload("parameters", toArena(layout, own.values));
  using mask = gpu.upload("mask", denseMask(layout));
  await pruneSmallest(gpu, layout, groupsOf(layout, "layer"), [[143, 77, 35]], { parameters, mask });
  const empty = packMask(layout, layout.layers.map(({ inputs, outputs }) => new Uint8Array(inputs * outputs)));
  assert.deepEqual((await gpu.readUint32(mask)).subarray(0, empty.length), empty);
});

Deno.test("weights that are infinite or not a number count as the largest, so they go last", async () => {
  const gpu = await testGpu();
  const own = network(9);
  own.values[2]?.weight.set([NaN, -Infinity, Infinity, 1e38, -3e-39, 0, -0]);
  const [masks] = await prune(gpu, "layer", [[0, 0, 32]], [own]);
  assert.deepEqual([...masks?.[2] ?? []].flatMap((bit, index) => bit ? [index] : []), [0, 1, 2]);
  const [small] = await prune(gpu, "layer", [[0, 0, 3]], [own]);
  assert.deepEqual([...small?.[2] ?? []].flatMap((bit, index) => bit ? [] : [index]), [4, 5, 6]);
});

Deno.test("three networks with different masks and counts are pruned as each of them is alone", async () => {
  const gpu = await testGpu();
  const three = [network(11), network(12, 0.6), network(13, 0.2)];
  for (
    const [scope, counts] of [["layer", [[20, 10, 3], [0, 5, 7], [9, 0, 1]]], ["global", [[100], [0], [13]]]] as const
  ) {
    const together = await prune(gpu, scope, counts, three);
    for (const [index, own] of three.entries()) {
      const alone = await prune(gpu, scope, [counts[index] ?? []], [own]);
      assert.deepEqual([together[index]], alone);
      assert.deepEqual(alone, [sorted(scope, counts[index] ?? [], own)]);
    }
  }
});

Deno.test("layers in no group are left as they are, however small their weights", async () => {
  const gpu = await testGpu();
  const own = network(15);
  own.values[1]?.weight.fill(1e-6);
  for (const [groups, counts] of [[[[0, 2]], [90]], [[[2], [0]], [9, 40]], [[], []]] as const) {
    const [masks] = await prune(gpu, groups, [counts], [own]);
    assert.deepEqual(masks, sorted(groups, counts, own));
    assert.deepEqual(masks?.[1], own.masks[1]);
  }
});

Deno.test("counts that do not fit the groups, and groups that do not fit the network, are refused, and nothing is left allocated", async () => {
  const gpu = await testGpu();
  gpu.trim();
  const before = gpu.allocatedBytes;
  using parameters = gpu.buffer("parameters", layout.arena * 4);
  using mask = gpu.buffer("mask", layout.arena / 8);
  const buffers = { parameters, mask };
  for (const counts of [[[1, 2]], [[1, 2, -1]], [[1, 2, 0.5]], [[1, 2, 3], [1]]]) {
    await assert.rejects(pruneSmallest(gpu, layout, groupsOf(layout, "layer"), counts, buffers), {
      name: "RangeError",
      message: /3 whole, non-negative counts/,
    });
  }
  await assert.rejects(pruneSmallest(gpu, layout, [[0, 1, 2]], [[1, 2, 3]], buffers), { name: "RangeError" });
  for (const groups of [[[0], [0, 1]], [[1, 1]], [[3]]]) {
    await assert.rejects(pruneSmallest(gpu, layout, groups, [groups.map(() => 1)], buffers), {
      name: "RangeError",
      message: /each is wanted at most once, from 0 to 2/,
    });
  }
  assert.equal(gpu.allocatedBytes - before, parameters.bytes + mask.bytes);
});
