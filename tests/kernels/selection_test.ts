import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { denseMask, maskWords, packMask, unpackMask } from "../../src/nn/mask.ts";
import { lenet } from "../../src/nn/architectures.ts";
import { flat, fromArena, layOut, type NetworkLayout, toArena } from "../../src/nn/network.ts";
import { layerTable, pruneSmallest, statistics } from "../../src/nn/selection.ts";
import { maskStatistics } from "../../src/reference/mask_statistics.ts";
import { selectMagnitude } from "../../src/reference/select_magnitude.ts";
import { bits, integers, normals, withValues } from "../reference/tensors.ts";
import { assertSameBits, closeTestGpu, replicate, Scratch, testGpu } from "./support.ts";

Deno.test.afterAll(closeTestGpu);

function network(...sizes: readonly number[]): NetworkLayout {
  const [inputs = 1, ...units] = sizes;
  return layOut({
    name: "test",
    input: flat(inputs),
    layers: units.map((count) => ({ type: "dense", units: count, activation: "none" })),
  });
}

/** Per replicate and layer, `[I][O]` each. */
interface Layers {
  readonly weights: Float64Array[][];
  readonly masks: Uint8Array<ArrayBuffer>[][];
}

/** Weights with many equal magnitudes of both signs, zeros of both signs, denormals, NaN and infinity. */
function tiedLayers(layout: NetworkLayout, replicates: number): Layers {
  const weights = Array.from({ length: replicates }, (_, r) =>
    layout.layers.map(({ inputs, outputs }, index) => {
      const values = normals(10 * r + index, inputs * outputs).map((value) => Math.round(value * 2) / 2);
      const extremes = [-0, 0, Math.fround(1e-40), Math.fround(-1e-40), NaN, Infinity, -Infinity];
      return values.map((value, at) => at % 5 === 2 ? extremes[at % extremes.length] ?? 0 : value);
    }));
  const masks = weights.map((layers, r) => layers.map(({ length }, index) => bits(100 + 10 * r + index, length, 0.8)));
  return { weights, masks };
}

/** Arenas of all replicates; biases and padding hold zeros, the smallest magnitude of all, which must never be pruned. */
function pack(layout: NetworkLayout, { weights, masks }: Layers): {
  readonly parameters: Float32Array<ArrayBuffer>;
  readonly mask: Uint32Array<ArrayBuffer>;
} {
  const arenas = weights.map((layers) =>
    toArena(
      layout,
      layers.map((weight, index) => ({
        weight: Float32Array.from(weight),
        bias: new Float32Array(layout.layers[index]?.outputs ?? 0),
      })),
    )
  );
  const words = masks.map((layers) => packMask(layout, layers));
  return {
    parameters: Float32Array.from(arenas.flatMap((arena) => [...arena])),
    mask: Uint32Array.from(words.flatMap((own) => [...own])),
  };
}

/** Weights are ranked within each layer, or over the network. */
type Scope = "layer" | "global";

function groupsOf(layout: NetworkLayout, scope: Scope): number[][] {
  const all = layout.layers.map((_, layer) => layer);
  return scope === "global" ? [all] : all.map((layer) => [layer]);
}

async function prune(
  gpu: Gpu,
  layout: NetworkLayout,
  scope: Scope,
  counts: readonly (readonly number[])[],
  layers: Layers,
): Promise<Uint32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const packed = pack(layout, layers);
  const mask = scratch.upload(packed.mask);
  await pruneSmallest(gpu, layout, groupsOf(layout, scope), counts, {
    parameters: scratch.upload(packed.parameters),
    mask,
  });
  return scratch.words(mask);
}

/** The masks that the reference leaves, as words of all replicates. */
function reference(
  layout: NetworkLayout,
  scope: Scope,
  counts: readonly (readonly number[])[],
  { weights, masks }: Layers,
): Uint32Array<ArrayBuffer> {
  const words = weights.flatMap((layers, r) => {
    const own = masks[r] ?? [];
    const count = counts[r] ?? [];
    if (scope === "layer") {
      return [
        ...packMask(
          layout,
          layers.map((w, index) => selectMagnitude(w, own[index] ?? new Uint8Array(), [count[index] ?? 0])),
        ),
      ];
    }
    const all = selectMagnitude(
      Float64Array.from(layers.flatMap((w) => [...w])),
      Uint8Array.from(own.flatMap((m) => [...m])),
      [count[0] ?? 0],
    );
    let from = 0;
    return [...packMask(layout, layers.map(({ length }) => all.slice(from, from += length)))];
  });
  return Uint32Array.from(words);
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

const layouts = [network(1, 1), network(3, 7, 5), network(9, 8, 7, 3), network(31, 33, 2)];

for (const scope of ["layer", "global"] as const) {
  Deno.test(`selection prunes exactly what its reference prunes, ties included: scope ${scope}`, async () => {
    const gpu = await testGpu();
    for (const layout of layouts) {
      for (const replicates of [1, 3]) {
        const layers = tiedLayers(layout, replicates);
        const survivors = layers.masks.map((own) => scope === "layer" ? own.map(sum) : [sum(own.map(sum))]);
        for (const rate of [0, 0.2, 0.63, 1]) {
          // Every replicate and layer its own count; at a rate of 0 none, then at least one, then all.
          const counts = survivors.map((own, r) =>
            own.map((kept) => rate % 1 === 0 ? kept * rate : Math.min(kept, Math.ceil(kept * rate) + r))
          );
          const actual = await prune(gpu, layout, scope, counts, layers);
          const what = `${layout.layers.map(({ inputs }) => inputs).join("–")}, R = ${replicates}, rate ${rate}`;
          assertSameBits(actual, reference(layout, scope, counts, layers), what);
        }
      }
    }
  });
}

Deno.test("selection prunes exactly the planned count when all magnitudes tie, the lowest indices first", async () => {
  const gpu = await testGpu();
  const layout = network(7, 11);
  const weights = [[Float64Array.from({ length: 77 }, (_, at) => at % 2 ? 0.5 : -0.5)]];
  const masks = [[new Uint8Array(77).fill(1)]];
  const words = await prune(gpu, layout, "layer", [[30]], { weights, masks });
  const [mask] = unpackMask(layout, words);
  assert.deepEqual(mask, Uint8Array.from({ length: 77 }, (_, at) => at < 30 ? 0 : 1));
});

Deno.test("three replicates of a selection give bit for bit what three runs of one give", async () => {
  const gpu = await testGpu();
  const layout = network(31, 33, 2);
  const layers = tiedLayers(layout, 3);
  const counts = [[100, 3], [0, 40], [511, 1]];
  const together = await prune(gpu, layout, "layer", counts, layers);
  for (let r = 0; r < 3; r++) {
    const own = { weights: layers.weights.slice(r, r + 1), masks: layers.masks.slice(r, r + 1) };
    const alone = await prune(gpu, layout, "layer", counts.slice(r, r + 1), own);
    assertSameBits(replicate(together, 3, r), alone, `replicate ${r + 1}`);
  }
});

Deno.test("selection prunes LeNet-300-100 by 20, 20 and 10 % down to the paper's second and third row", async () => {
  const gpu = await testGpu();
  using scratch = new Scratch(gpu);
  const layout = layOut(lenet(784, 10));
  const weights = layout.layers.map(({ inputs, outputs }, index) => normals(index, inputs * outputs, 0.05));
  const values = weights.map((weight, index) => ({
    weight: Float32Array.from(weight),
    bias: new Float32Array(layout.layers[index]?.outputs ?? 0),
  }));
  const parameters = scratch.upload(toArena(layout, values));
  const mask = scratch.upload(denseMask(layout));
  let expected = weights.map(({ length }) => new Uint8Array(length).fill(1));
  for (const remaining of ["80.04", "64.06"]) {
    const counts = expected.map((own, index) => Math.round(sum(own) * (index === 2 ? 0.1 : 0.2)));
    await pruneSmallest(gpu, layout, groupsOf(layout, "layer"), [counts], { parameters, mask });
    expected = weights.map((weight, index) =>
      selectMagnitude(weight, expected[index] ?? new Uint8Array(), [counts[index] ?? 0])
    );
    const actual = unpackMask(layout, await scratch.words(mask));
    assert.deepEqual(actual, expected);
    assert.equal((100 * sum(actual.map(sum)) / layout.weights).toFixed(2), remaining);
  }
});

Deno.test("mask_statistics agrees with its reference, and no value but zero passes for pruned", async () => {
  const gpu = await testGpu();
  for (const layout of layouts) {
    for (const replicates of [1, 3]) {
      for (const moments of [1, 2]) {
        using scratch = new Scratch(gpu);
        const size = layout.arena;
        const masks = Array.from(
          { length: replicates },
          (_, r) => layout.layers.map(({ inputs, outputs }, index) => bits(7 * r + index, inputs * outputs, 0.5)),
        );
        // Clean tensors first; then everywhere one of the values below, which stand at surviving and pruned places alike.
        const strange = [0, -0, 0, 0, 1e-40, NaN, 0, -Infinity, 0, 0, 0, 3];
        const tensors = Array.from(
          { length: 2 + moments },
          (_, which) => Float32Array.from(integers(which, replicates * size, 12), (choice) => strange[choice] ?? 0),
        );
        const [parameters, gradient, ...rest] = tensors.map((tensor) => scratch.upload(tensor));
        assert.ok(parameters && gradient);
        const counts = scratch.upload(new Uint32Array(replicates * layout.layers.length * 2));
        await scratch.run(statistics(layout, replicates, {
          mask: scratch.upload(Uint32Array.from(masks.flatMap((own) => [...packMask(layout, own)]))),
          parameters,
          gradient,
          moments: rest,
          layers: scratch.upload(layerTable(layout)),
          counts,
        }));
        const actual = await scratch.words(counts);
        for (let r = 0; r < replicates; r++) {
          const values = tensors.map((tensor) => fromArena(layout, replicate(tensor, replicates, r)));
          const words = packMask(layout, masks[r] ?? []);
          layout.layers.forEach((layer, index) => {
            const own = masks[r]?.[index] ?? new Uint8Array();
            const [wanted] = maskStatistics(1, own, values.map((layers) => layers[index]?.weight ?? []));
            assert.ok(wanted);
            // Padding counts as pruned: what stands there is a violation too.
            const isPadding = (at: number): boolean => {
              const place = at - layer.weight;
              return place >= layer.inputs * layer.outputQuads * 4 || place % (layer.outputQuads * 4) >= layer.outputs;
            };
            const { first, count } = maskWords(layer);
            let padding = 0;
            for (let at = first * 32; at < (first + count) * 32; at++) {
              assert.ok(!isPadding(at) || (((words[at >>> 5] ?? 0) >>> (at & 31)) & 1) === 0);
              if (isPadding(at) && tensors.some((tensor) => tensor[r * size + at] !== 0)) padding++;
            }
            const at = (r * layout.layers.length + index) * 2;
            const what = `layer ${index + 1}, replicate ${r + 1} of ${replicates}, ${moments} moments`;
            assert.equal(actual[at], wanted.survivors, `${what}: survivors`);
            assert.equal(actual[at + 1], wanted.violations + padding, `${what}: violations`);
          });
        }
      }
    }
  }
});

Deno.test("mask_statistics finds a single weight that came back, in any of the tensors", async () => {
  const gpu = await testGpu();
  const layout = network(9, 7);
  const mask = bits(1, 63, 0.5);
  const pruned = mask.indexOf(0, 40);
  for (const place of [0, 1, 2, 3, undefined]) {
    using scratch = new Scratch(gpu);
    const clean = Float64Array.from(mask, (bit) => bit * 0.5);
    const tensors = [0, 1, 2, 3].map((which) => {
      const weight = Float32Array.from(which === place ? withValues(clean, { [pruned]: 1e-30 }) : clean);
      return scratch.upload(toArena(layout, [{ weight, bias: new Float32Array(7).fill(1) }]));
    });
    const [parameters, gradient, ...moments] = tensors;
    assert.ok(parameters && gradient);
    const counts = scratch.upload(new Uint32Array(2));
    await scratch.run(statistics(layout, 1, {
      mask: scratch.upload(packMask(layout, [mask])),
      parameters,
      gradient,
      moments,
      layers: scratch.upload(layerTable(layout)),
      counts,
    }));
    assert.deepEqual([...(await scratch.words(counts)).subarray(0, 2)], [sum(mask), place === undefined ? 0 : 1]);
  }
});
