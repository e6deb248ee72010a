import assert from "node:assert/strict";
import { crossing, crossover, formatCrossover, type TimedLayer } from "../../bench/crossover.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";

Deno.test.afterAll(closeTestGpu);

Deno.test("crossing() lies where the line between two densities reaches the dense time, in whatever order they come", () => {
  const points = [{ density: 0.4, ratio: 1.5 }, { density: 0.1, ratio: 0.5 }, { density: 0.2, ratio: 0.75 }];
  const at = crossing(points);
  assert.ok(at !== null && Math.abs(at - 4 / 15) < 1e-12);
});

Deno.test("crossing() is null where compact is slower at the lowest density, or at none", () => {
  assert.equal(crossing([{ density: 0.1, ratio: 1.1 }, { density: 0.2, ratio: 2 }]), null);
  assert.equal(crossing([{ density: 0.1, ratio: 0.1 }, { density: 0.2, ratio: 1 }]), null);
  assert.equal(crossing([]), null);
});

Deno.test("crossover() times every pass at every density, and its table has a row for each choice", async () => {
  const gpu = await testGpu();
  if (!gpu.hasTimestamps) return;
  for (const layer of layers) await timesEveryPass(gpu, layer);
});

const layers: readonly TimedLayer[] = [
  { type: "dense", inputs: 9, outputs: 6 },
  { type: "conv", channels: 3, outputs: 6, size: 5 },
];

async function timesEveryPass(gpu: Gpu, layer: TimedLayer): Promise<void> {
  const found = await crossover(gpu, { layer, batch: 8, densities: [0.5, 0.1], runs: 2 });
  assert.deepEqual(found.compact.map(({ density }) => density), [0.5, 0.1]);
  for (const ms of [found.dense, ...found.compact.map(({ ms }) => ms)]) {
    for (const time of Object.values(ms)) assert.ok(time >= 0 && Number.isFinite(time));
  }
  const [heading, ...rows] = formatCrossover(found);
  assert.match(heading ?? "", /^pass +dense ms +10 % +50 % +crossing$/);
  assert.equal(rows.length, 7);
}
