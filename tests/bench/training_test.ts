/** Levels and masks that are timed are those that a run would train. */
import assert from "node:assert/strict";
import { medianRatio } from "../../bench/spread.ts";
import {
  inTurns,
  networkLayout,
  plannedLevel,
  randomExamples,
  randomMasks,
  startValues,
  Training,
} from "../../bench/training.ts";
import { presets } from "../../src/lottery/config.ts";
import { optimizerOf } from "../../src/lottery/optimizer.ts";
import { ratesOf } from "../../src/lottery/schedule.ts";
import { plannedWeights } from "../../src/lottery/schedule.ts";
import { architectureNames } from "../../src/nn/architectures.ts";
import { countKept, denseMask } from "../../src/nn/mask.ts";
import { planWords } from "../../src/nn/plan.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { layout, run, smallConfig } from "../lottery/runs.ts";

Deno.test.afterAll(closeTestGpu);

Deno.test("plannedLevel() keeps as many weights of each network as its schedule plans, and never more of a layer than before", () => {
  for (const network of architectureNames) {
    const layout = networkLayout(network);
    const rates = ratesOf(presets[network].config);
    const planned = plannedWeights(layout, 20, rates);
    let before = layout.layers.map(({ inputs, outputs }) => inputs * outputs);
    for (const level of [0, 1, 7, 20]) {
      const { kept, remaining } = plannedLevel(layout, level, rates, "software");
      assert.equal(kept.reduce((sum, count) => sum + count, 0), planned[level], `${network}, level ${level}`);
      assert.equal(remaining, (planned[level] ?? NaN) / layout.weights);
      assert.ok(
        kept.every((count, index) => count >= 0 && count <= (before[index] ?? 0)),
        `${network}, level ${level}`,
      );
      before = [...kept];
    }
  }
});

Deno.test("plannedLevel() has the counts and the plan of a run", async () => {
  const gpu = await testGpu();
  const config = smallConfig({ levels: 3, pruneDense: 0.6 });
  const { events } = await run(config, { gpu });
  const begun = events.flatMap((event) => event.type === "level-start" ? [event.layers.map(({ kept }) => kept)] : []);
  const plans = events.flatMap((event) => event.type === "level-end" ? [event.timing.plan] : []);
  const levels = [0, 1, 2, 3].map((level) => plannedLevel(layout, level, ratesOf(config), gpu.adapter.kind));
  assert.deepEqual(levels.map(({ kept }) => kept), begun);
  assert.deepEqual(levels.map(({ plan }) => planWords(layout, plan)), plans);
});

Deno.test("random masks keep exactly what is planned, each replicate elsewhere", () => {
  const { level, kept } = plannedLevel(layout, 5, ratesOf(smallConfig()), "software");
  const masks = randomMasks(layout, { level, kept }, 3);
  for (const mask of masks) assert.deepEqual(countKept(layout, mask), kept);
  assert.equal(new Set(masks.map((mask) => mask.join())).size, 3);
  const [dense] = randomMasks(layout, plannedLevel(layout, 0, ratesOf(smallConfig()), "software"), 1);
  assert.deepEqual(dense, denseMask(layout));
});

Deno.test("random masks prefer no place", () => {
  const kept = layout.layers.map(({ inputs, outputs }) => Math.round(inputs * outputs / 5));
  const counts = new Float64Array(32);
  const masks = randomMasks(layout, { level: 1, kept }, 200);
  // The weights of the first layer's first word: 200 draws of probability 1/5 each, so 40 ± 5.7.
  for (const mask of masks) {
    for (let bit = 0; bit < 30; bit++) counts[bit] = (counts[bit] ?? 0) + (((mask[0] ?? 0) >>> bit) & 1);
  }
  for (const count of counts.subarray(0, 30)) assert.ok(count > 15 && count < 65, String(count));
});

Deno.test("inTurns() times each as often as there are rounds, also two that share a training", async () => {
  const gpu = await testGpu();
  const config = smallConfig();
  using examples = randomExamples(gpu, layout.spec.input);
  const masks = [denseMask(layout)];
  const optimizer = optimizerOf(config);
  using training = await Training.open(gpu, { layout, examples, optimizer, batchSize: 8, masks });
  const starts = startValues(layout, masks);
  const times = await inTurns([{ training, starts }, { training, starts }], { runs: 3, sampleMs: 2 });
  assert.deepEqual(times.map(({ length }) => length), [3, 3]);
  assert.ok(times.flat().every((ms) => ms > 0));
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(inTurns([{ training, starts }], { runs: 1, sampleMs: 2, signal }), /enough/);
});

Deno.test("medianRatio() compares round by round, so that a round in which all is slow counts once", () => {
  assert.equal(medianRatio([2, 200, 2.2], [1, 100, 1]), 2);
});
