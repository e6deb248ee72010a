import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { keptUnits } from "../../src/nn/dead_structure.ts";
import { countKept, packMask, unpackMask } from "../../src/nn/mask.ts";
import { fromArena, layOut, type NetworkLayout } from "../../src/nn/network.ts";
import { ShrunkArena } from "../../src/nn/shrunk.ts";
import { bits, normals } from "../reference/tensors.ts";

/** A network with everything that dead units are dropped from. */
const layout: NetworkLayout = layOut({
  name: "mixed",
  input: { channels: 2, height: 4, width: 4 },
  layers: [
    { type: "conv", channels: 5, activation: "relu", bias: false },
    { type: "max-pool" },
    { type: "dense", units: 13, activation: "relu" },
    { type: "dense", units: 7, activation: "relu" },
    { type: "dense", units: 3, activation: "none" },
  ],
});
const plan = layout.layers.map(({ type }) => ({
  weights: type === "dense" ? "compact" as const : "masked-dense" as const,
  tiles: "register" as const,
}));

function masksOf(seed: number, density: number): Uint32Array<ArrayBuffer> {
  return packMask(layout, layout.layers.map(({ inputs, outputs }, at) => bits(seed + at, inputs * outputs, density)));
}

/** An arena's values with zeros where the mask, the padding included, has none. */
function under(mask: Uint32Array, values: Float32Array): Float32Array<ArrayBuffer> {
  return values.map((value, at) => (((mask[at >>> 5] ?? 0) >>> (at & 31)) & 1) === 1 ? value : 0);
}

Deno.test("what a shrunk arena packs comes back at its place, and what it drops as it was, whatever the masks", () => {
  let shrunken = 0;
  fc.assert(fc.property(fc.nat(1000), fc.constantFrom(0, 0.05, 0.1, 0.3), (seed, density) => {
    const masks = [masksOf(seed, density), masksOf(seed + 50, density)];
    const kept = keptUnits(layout, masks, plan);
    if (!kept) return;
    shrunken++;
    const arena = new ShrunkArena(layout, masks, kept);
    assert.ok(arena.layout.arena <= layout.arena && arena.layout.arena % 64 === 0);
    masks.forEach((mask, network) => {
      const values = under(mask, Float32Array.from(normals(seed + 100 + network, layout.arena, 1)));
      const packed = arena.pack(values, network);
      assert.deepEqual(arena.unpack(packed, network, values), values);
      // Without them there are zeros: everything that comes back is what was packed.
      const back = arena.unpack(packed, network);
      assert.ok(back.every((value, at) => value === values[at] || value === 0));
      assert.deepEqual(arena.pack(back, network), packed);
      const words = arena.packMask(mask, network);
      assert.deepEqual(arena.unpackMask(words, network), mask);
      const left = countKept(arena.layout, words);
      const counted = left.map((count, layer) => count + (arena.dropped[network]?.[layer] ?? 0));
      assert.deepEqual(counted, countKept(layout, mask));
      // A layer's weights are the rows and columns of its units, in order.
      const lists = kept.map((own) => own[network] ?? assert.fail());
      const dense = fromArena(layout, values);
      fromArena(arena.layout, packed).forEach(({ weight, bias }, index) => {
        const operation = layout.operations.find((operation) => "layer" in operation && operation.layer === index);
        const { inputs, outputs } = layout.layers[index] ?? assert.fail();
        const input = lists[operation?.input ?? -1] ?? assert.fail();
        const output = lists[operation?.output ?? -1] ?? assert.fail();
        // Taps of a channel, pixels of a pooled channel, or the unit itself.
        const rows = [9, 4, 1, 1][index] ?? assert.fail();
        const wanted = [...input].flatMap((unit) =>
          Array.from(
            { length: rows },
            (_, row) => [...output].map((o) => dense[index]?.weight[(unit * rows + row) * outputs + o]),
          )
            .flat()
        );
        assert.equal(inputs % rows, 0);
        assert.deepEqual([...weight], wanted);
        assert.deepEqual([...bias], [...output].map((o) => dense[index]?.bias[o]));
      });
    });
  }));
  assert.ok(shrunken > 50);
});

Deno.test("a mask that lost survivors on the way comes back so, and what was dropped is not touched", () => {
  const masks = [masksOf(3, 0.1)];
  const arena = new ShrunkArena(layout, masks, keptUnits(layout, masks, plan) ?? assert.fail());
  const none = unpackMask(layout, arena.unpackMask(new Uint32Array(arena.layout.arena / 32), 0));
  assert.deepEqual(none.map((own) => own.reduce((sum, bit) => sum + bit, 0)), arena.dropped[0]);
});

Deno.test("a shrunk arena refuses a mask that it was not made for, and a network that it does not have", () => {
  const masks = [masksOf(3, 0.1)];
  const arena = new ShrunkArena(layout, masks, keptUnits(layout, masks, plan) ?? assert.fail());
  assert.throws(() => arena.packMask(masksOf(4, 0.1), 0), { name: "RangeError", message: /another mask/ });
  assert.throws(() => arena.pack(new Float32Array(layout.arena), 1), { name: "RangeError", message: /no network 2/ });
});
