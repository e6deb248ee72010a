import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { CompactArena } from "../../src/nn/compact.ts";
import { countKept, maskWords, packMask } from "../../src/nn/mask.ts";
import { layOut, type NetworkLayout } from "../../src/nn/network.ts";
import { bits, normals } from "../reference/tensors.ts";

/** A network with everything that has a place in an arena. */
const layout: NetworkLayout = layOut({
  name: "mixed",
  input: { channels: 2, height: 4, width: 4 },
  layers: [
    { type: "conv", channels: 5, activation: "none", bias: false },
    { type: "batch-norm", activation: "relu" },
    { type: "dense", units: 13, activation: "relu" },
    { type: "dense", units: 7, activation: "relu" },
    { type: "dense", units: 3, activation: "none" },
  ],
});

function masksOf(seed: number, density: number): Uint32Array<ArrayBuffer> {
  return packMask(
    layout,
    layout.layers.map(({ inputs, outputs }, index) => bits(seed + index, inputs * outputs, density)),
  );
}

/** An arena's values with zeros where the mask, the padding included, has none. */
function under(mask: Uint32Array, values: Float32Array): Float32Array {
  return values.map((value, at) => (((mask[at >>> 5] ?? 0) >>> (at & 31)) & 1) === 1 ? value : 0);
}

Deno.test("what a compact arena packs comes back at its place, whatever the masks and whichever layers are compact", () => {
  const which = fc.subarray([0, 1, 2, 3], { minLength: 1 });
  fc.assert(fc.property(fc.nat(1000), fc.constantFrom(0, 0.05, 0.3, 0.9, 1), which, (seed, density, layers) => {
    const masks = [masksOf(seed, density), masksOf(seed + 50, density)];
    const arena = new CompactArena(layout, masks, layers);
    masks.forEach((mask, network) => {
      const values = under(mask, Float32Array.from(normals(seed + 100 + network, layout.arena, 1)));
      assert.deepEqual(arena.unpack(arena.pack(values, network), network), values);
      const packed = arena.packMask(mask, network);
      assert.deepEqual(arena.unpackMask(packed, network), mask);
      // Survivors are counted where the compact layer says that they are.
      assert.deepEqual(countKept(arena.layout, packed), countKept(layout, mask));
    });
    for (const layer of layers) assert.equal(maskWords(arena.layout.layers[layer] ?? assert.fail()).first % 2, 0);
    assert.equal(arena.layout.arena % 64, 0);
    assert.equal(arena.layout.trained % 64, 0);
  }));
});

Deno.test("a compact arena is smaller by what its layers lost", () => {
  const mask = masksOf(7, 0.1);
  const arena = new CompactArena(layout, [mask], [0, 2]);
  const lost = [0, 2].reduce((sum, index) => {
    const dense = layout.layers[index];
    const compact = arena.layout.layers[index];
    return sum + Math.ceil((dense?.inputs ?? 0) * (dense?.outputQuads ?? 0) * 4 / 64) * 64 - (compact?.stored ?? 0);
  }, 0);
  assert.ok(lost > 0);
  assert.equal(arena.layout.arena, layout.arena - lost);
  assert.equal(arena.layout.trained, layout.trained - lost);
});

Deno.test("no two layers of a compact arena share a place", () => {
  const { layers, norms, arena } = new CompactArena(layout, [masksOf(3, 0.2), masksOf(9, 0.2)], [0, 1, 2, 3]).layout;
  const places = [
    ...layers.map(({ weight, stored, inputs, outputQuads }) => [weight, stored ?? inputs * outputQuads * 4] as const),
    ...layers.map(({ bias, outputQuads }) => [bias, outputQuads * 4] as const),
    ...norms.flatMap(({ scale, shift, mean, variance }) =>
      [scale, shift, mean, variance].map((at) => [at, 5] as const)
    ),
  ].toSorted(([a], [b]) => a - b);
  places.forEach(([at, length], index) => {
    assert.equal(at % 64, 0);
    assert.ok(at + length <= (places[index + 1]?.[0] ?? arena), `place ${index}`);
  });
});

Deno.test("a compact arena refuses a mask that it was not made for, and a layer that is not there", () => {
  const arena = new CompactArena(layout, [masksOf(3, 0.2)], [1]);
  assert.throws(() => arena.packMask(masksOf(4, 0.2), 0), /another mask/);
  assert.throws(() => arena.pack(new Float32Array(layout.arena), 1), /no network 2/);
  assert.throws(() => new CompactArena(layout, [masksOf(3, 0.2)], [4]), /there are 4 layers/);
});
