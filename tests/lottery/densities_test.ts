import assert from "node:assert/strict";
import { densitiesOf } from "../../src/lottery/densities.ts";
import { pruningGroups } from "../../src/lottery/schedule.ts";
import { flat, layOut } from "../../src/nn/network.ts";

/** Layers of 20, 40, 80 and 20 weights. */
const layout = layOut({
  name: "four",
  input: flat(4),
  layers: [
    { type: "dense", units: 5, activation: "relu" },
    { type: "dense", units: 8, activation: "relu" },
    { type: "dense", units: 10, activation: "relu", prunable: false },
    { type: "dense", units: 2, activation: "none" },
  ],
});
const kept = [5, 30, 80, 5];

Deno.test("with layer-wise pruning a layer goes by its own density", () => {
  const groups = pruningGroups(layout, { conv: 0, dense: 0.2, output: 0.1, scope: "layer" });
  assert.deepEqual(densitiesOf(layout, kept, groups), [5 / 20, 30 / 40, 1, 5 / 20]);
  assert.deepEqual(densitiesOf(layout, kept, []), [5 / 20, 30 / 40, 1, 5 / 20]);
});

Deno.test("with global pruning the layers of the pool go by the pool's density, the others by their own", () => {
  const all = pruningGroups(layout, { conv: 0, dense: 0.2, output: 0.1, scope: "global" });
  assert.deepEqual(densitiesOf(layout, kept, all), [40 / 80, 40 / 80, 1, 40 / 80]);
  const hidden = pruningGroups(layout, { conv: 0, dense: 0.2, output: 0, scope: "global" });
  assert.deepEqual(densitiesOf(layout, [5, 30, 80, 20], hidden), [35 / 60, 35 / 60, 1, 1]);
});
