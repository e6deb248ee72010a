import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { keptUnits, readUnits, shrunkLayout } from "../../src/nn/dead_structure.ts";
import { packMask, unpackMask } from "../../src/nn/mask.ts";
import { type LayerSpec, layOut, type NetworkLayout, sizeOf } from "../../src/nn/network.ts";
import type { LayerPlan } from "../../src/nn/plan.ts";
import { bits } from "../reference/tensors.ts";
import { perceptron } from "./networks.ts";

const dense = layOut(perceptron([14, 9, 6, 3]));
const pooled = layOut({
  name: "pooled",
  input: { channels: 2, height: 5, width: 4 },
  layers: [
    { type: "conv", channels: 6, activation: "relu" },
    { type: "conv", channels: 9, activation: "relu", size: 1 },
    { type: "max-pool" },
    { type: "dense", units: 7, activation: "relu" },
    { type: "dense", units: 3, activation: "none" },
  ],
});
const masked: LayerPlan = { weights: "masked-dense", tiles: "register" };
const compact: LayerPlan = { weights: "compact", tiles: "register" };
const shared: LayerPlan = { weights: "masked-dense", tiles: "workgroup" };

/** All but the layers that are named, which have these survivors. */
function maskOf(layout: NetworkLayout, layers: Readonly<Record<number, (row: number, column: number) => boolean>>) {
  return packMask(
    layout,
    layout.layers.map(({ inputs, outputs }, index) =>
      Uint8Array.from(
        { length: inputs * outputs },
        (_, at) => Number(layers[index]?.(Math.floor(at / outputs), at % outputs) ?? true),
      )
    ),
  );
}

function randomMask(layout: NetworkLayout, seed: number, density: number): Uint32Array<ArrayBuffer> {
  return packMask(layout, layout.layers.map((layer, at) => bits(seed + at, layer.inputs * layer.outputs, density)));
}

/** By its definition: whether a path of survivors leads from a unit to the logits, tried from each unit by itself. */
function leadsOn(layout: NetworkLayout, masks: readonly Uint8Array[], tensor: number, unit: number): boolean {
  if (tensor === layout.tensors.length - 1) return true;
  const operation = layout.operations.find(({ input }) => input === tensor);
  assert.ok(operation);
  if (!("layer" in operation)) return leadsOn(layout, masks, operation.output, unit);
  const { inputs, outputs, type, size, input } = layout.layers[operation.layer] ?? assert.fail();
  // Pixels are units of their own; a channel's rows are its taps or its pixels.
  const rows = tensor === 0 && type === "dense" ? 1 : type === "conv" ? size * size : input.height * input.width;
  assert.ok((unit + 1) * rows <= inputs);
  return Array.from({ length: outputs }, (_, o) => o).some((o) =>
    Array.from({ length: rows }, (_, row) => (unit * rows + row) * outputs + o)
      .some((at) => masks[operation.layer]?.[at] === 1) && leadsOn(layout, masks, operation.output, o)
  );
}

for (const layout of [dense, pooled]) {
  Deno.test(`a unit is read where a path of survivors leads from it to the logits: ${layout.spec.name}`, () => {
    fc.assert(fc.property(fc.nat(1000), fc.constantFrom(0, 0.02, 0.1, 0.3, 1), (seed, density) => {
      const mask = randomMask(layout, seed, density);
      const masks = unpackMask(layout, mask);
      readUnits(layout, mask).forEach((read, tensor) => {
        const wanted = Array.from(read, (_, unit) => Number(leadsOn(layout, masks, tensor, unit)));
        assert.deepEqual([...read], wanted, `tensor ${tensor}`);
      });
    }));
  });

  Deno.test(`what stays holds all that is read, equally much in all networks and as little as that allows: ${layout.spec.name}`, () => {
    const plans = fc.array(fc.constantFrom(masked, compact), { minLength: 5, maxLength: 5 });
    fc.assert(fc.property(fc.nat(1000), fc.constantFrom(0, 0.02, 0.1, 0.3), plans, (seed, density, plan) => {
      const masks = [randomMask(layout, seed, density), randomMask(layout, seed + 50, density)];
      const kept = keptUnits(layout, masks, plan);
      const read = masks.map((mask) => readUnits(layout, mask));
      kept?.forEach((lists, tensor) => {
        const [first, second] = lists;
        assert.ok(first && second && first.length > 0 && first.length === second.length);
        lists.forEach((own, network) => {
          assert.deepEqual([...own], [...new Set(own)].toSorted((a, b) => a - b));
          const units = read[network]?.[tensor] ?? assert.fail();
          units.forEach((isRead, unit) => assert.ok(isRead === 0 || own.includes(unit)));
        });
        const most = Math.max(...read.map((own) => own[tensor]?.reduce((sum, isRead) => sum + isRead, 0) ?? 0));
        const all = read[0]?.[tensor]?.length ?? 0;
        // By four at most: three more for each that is read, and a last group of fewer.
        assert.ok(first.length === all || first.length <= Math.max(1, most) * 4 + 3);
      });
    }));
  });
}

Deno.test("nothing is dropped while each unit is read", () => {
  assert.equal(keptUnits(dense, [maskOf(dense, {})], [masked, masked, masked]), undefined);
});

Deno.test("units go one by one between compact layers, and by four behind a masked-dense layer that hands a gradient on", () => {
  // Units 1, 2 and 3 of the second layer are not read, and units 4 to 7 of the first.
  const mask = maskOf(dense, { 1: (row) => row < 4 || row > 7, 2: (row) => row < 1 || row > 3 });
  const units = (...plan: readonly LayerPlan[]) => keptUnits(dense, [mask], plan)?.map(([own]) => own?.join(" "));
  const all = "0 1 2 3 4 5 6 7 8 9 10 11 12 13";
  const hidden = "0 1 2 3 8";
  assert.deepEqual(units(compact, compact, compact), [all, hidden, "0 4 5", "0 1 2"]);
  assert.deepEqual(units(masked, compact, compact), [all, hidden, "0 4 5", "0 1 2"]);
  // One of the four is read, so that all of them stay.
  assert.deepEqual(units(masked, masked, masked), [all, hidden, "0 1 2 3 4 5", "0 1 2"]);
  // Tiles in workgroup memory have an order of their own.
  assert.deepEqual(units(masked, shared, masked), undefined);
  assert.deepEqual(units(compact, compact, shared), [all, hidden, "0 1 2 3 4 5", "0 1 2"]);
});

Deno.test("pixels go in words of four, of which a last one of fewer stays", () => {
  const pixels = (rows: readonly number[]) =>
    keptUnits(dense, [maskOf(dense, { 0: (row) => !rows.includes(row) })], [masked, masked, masked])?.[0]?.[0]?.join(
      " ",
    );
  assert.equal(pixels([0, 1, 2]), undefined);
  assert.equal(pixels([0, 1, 2, 3, 4, 5, 12, 13]), "4 5 6 7 8 9 10 11 12 13");
});

Deno.test("where networks differ in how much is dead, dead units fill up the smaller one", () => {
  const first = maskOf(dense, { 1: (row) => row > 4 });
  const second = maskOf(dense, { 1: (row) => row !== 2 && row !== 8 });
  const kept = keptUnits(dense, [first, second], [compact, compact, compact]);
  assert.deepEqual(kept?.[1]?.map((own) => own.join(" ")), ["0 1 2 5 6 7 8", "0 1 3 4 5 6 7"]);
});

Deno.test("a pooling's channels go with those that it pools, and a flattened channel with all its pixels", () => {
  // Channels 4 to 6 of the second convolution: four pixels each are left of them behind the pooling. Only they read channel 1.
  const mask = maskOf(pooled, {
    1: (row, column) => row !== 1 || (column > 3 && column < 7),
    2: (row) => row < 16 || row > 27,
  });
  for (const own of [masked, compact]) {
    const kept = keptUnits(pooled, [mask], pooled.layers.map(() => own)) ?? assert.fail();
    const channels = "0 1 2 3 7 8";
    assert.deepEqual(kept.slice(0, 4).map(([list]) => list?.join(" ")), ["0 1", "0 2 3 4 5", channels, channels]);
    const { layers, tensors } = shrunkLayout(pooled, kept);
    assert.deepEqual(tensors.map(({ extent }) => sizeOf(extent)), [40, 100, 120, 24, 7, 3]);
    assert.deepEqual(layers.map(({ inputs, outputs }) => [inputs, outputs]), [[18, 5], [5, 6], [24, 7], [7, 3]]);
    assert.deepEqual(layers.map(({ whole }) => whole), pooled.layers);
  }
});

Deno.test("what dropouts, batch norms, sums and parts of a long sum stand beside stays whole", () => {
  const layers: LayerSpec[] = [
    { type: "dense", units: 8, activation: "relu" },
    { type: "dropout", rate: 0.5 },
    { type: "dense", units: 3, activation: "none" },
  ];
  const dropped = layOut({ name: "dropout", input: { channels: 8, height: 1, width: 1 }, layers });
  // Half of the hidden units, and with them half of the pixels, are not read.
  const halves = { 0: (row: number, column: number) => row < 4 === column < 4, 1: (row: number) => row < 4 };
  const kept = keptUnits(dropped, [maskOf(dropped, halves)], [compact, compact]);
  assert.deepEqual(kept?.map(([own]) => own?.length), [4, 8, 8, 3]);

  const normed = layOut({
    name: "norms",
    input: { channels: 1, height: 2, width: 4 },
    layers: [
      { type: "conv", channels: 8, activation: "none" },
      { type: "batch-norm", activation: "relu" },
      { type: "global-average-pool" },
      { type: "dense", units: 3, activation: "none" },
    ],
  });
  assert.equal(keptUnits(normed, [maskOf(normed, { 1: (row) => row < 4 })], [masked, masked]), undefined);

  const long = layOut(perceptron([2052, 3]));
  const mask = maskOf(long, { 0: (row) => row > 7 });
  assert.equal(keptUnits(long, [mask], [masked]), undefined);
  assert.equal(keptUnits(long, [mask], [compact])?.[0]?.[0]?.length, 2044);
});
