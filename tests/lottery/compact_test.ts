/** Levels that are pruned so far that dense layers keep their survivors alone: nothing that a run promises changes. */
import assert from "node:assert/strict";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { type LotteryConfig, networkOf } from "../../src/lottery/config.ts";
import type { LotteryEvent } from "../../src/lottery/types.ts";
import { architecture } from "../../src/nn/architectures.ts";
import { unpackMask } from "../../src/nn/mask.ts";
import { layOut } from "../../src/nn/network.ts";
import { planOf, type PlanTable, planTable } from "../../src/nn/plan.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { layout, numbers, only, renumbered, run, smallConfig, together } from "./runs.ts";

Deno.test.afterAll(closeTestGpu);

/** Densities of 100, 40, 16 and 6.4 % in the hidden layers. */
function deepConfig(changes: Partial<LotteryConfig> = {}): LotteryConfig {
  return smallConfig({ levels: 3, pruneDense: 0.6, controls: ["reinit"], reinitDraws: 1, ...changes });
}

Deno.test("a layer is compact from the density on that the plan table says, and the level tells so", async () => {
  const gpu = await testGpu();
  const { events } = await run(deepConfig({ controls: [] }), { gpu });
  const plans = events.flatMap((event) => event.type === "level-end" ? [event.timing.plan] : []);
  const masked = { dense1: "masked-dense", dense2: "masked-dense", dense3: "masked-dense" };
  assert.deepEqual(plans, [
    masked,
    masked,
    { ...masked, dense1: "compact", dense2: "compact" },
    { ...masked, dense1: "compact", dense2: "compact" },
  ]);
  // A GPU, on which nothing was measured, begins later.
  assert.equal(planOf(layout, [0.16, 0.16, 0.64], "gpu")[0]?.weights, "masked-dense");
  assert.equal(planOf(layout, [0.03, 0.16, 0.64], "gpu")[0]?.weights, "compact");
});

Deno.test("a run that was stopped within a compact level goes on bit for bit", async () => {
  const gpu = await testGpu();
  const config = deepConfig({ replicates: 2 });
  const whole = await run(config, { gpu });
  const abort = new AbortController();
  let events: LotteryEvent[] = [];
  const stopped = run(config, { gpu, signal: abort.signal }, (event) => {
    events = [...events, event];
    if (event.type === "progress" && event.level === 2 && event.iteration > 20) abort.abort(new Error("enough"));
    return event.type === "snapshot" && abort.signal.aborted;
  });
  const first = await stopped;
  const { partial } = first.snapshot;
  assert.ok(partial?.every(({ level, iteration }) => level === 2 && iteration > 20));
  const second = await run(config, { snapshot: structuredClone(first.snapshot) });
  assert.deepEqual(numbers(together(first, second)), numbers(whole));
});

Deno.test("three replicates whose survivors stand elsewhere train in lockstep what each of them trains alone", async () => {
  const gpu = await testGpu();
  const config = deepConfig({ replicates: 3 });
  const all = await run(config, { gpu });
  for (const replicate of [1, 2, 3]) {
    const alone = await run({ ...config, replicates: 1, seed: config.seed + replicate - 1 }, { gpu });
    const own = all.records.filter((record) => record.replicate === replicate);
    assert.deepEqual(own.map((record) => ({ ...record, replicate: 1 })), alone.records);
    const masks = all.masks.filter((mask) => mask.replicate === replicate);
    assert.deepEqual(masks.map(({ words }) => words), alone.masks.map(({ words }) => words));
  }
});

Deno.test("pruning a compact level keeps the largest of what it trained, ties by index", async () => {
  const gpu = await testGpu();
  const { networks, masks } = await run(deepConfig({ controls: [] }), { gpu });
  const trained = networks.find(({ level }) => level === 2);
  const next = masks.find(({ level }) => level === 3);
  assert.ok(trained && next);
  const unpacked = unpackMask(layout, next.words);
  trained.layers.forEach(({ mask, final, outputs, inputs }, index) => {
    const survivors = [...mask.keys()].filter((at) => mask[at] === 1);
    const kept = unpacked[index]?.reduce((sum, bit) => sum + bit, 0) ?? 0;
    assert.ok(kept > 0 && kept < survivors.length, `layer ${index + 1} of ${inputs} × ${outputs}`);
    const largest = survivors.toSorted((a, b) => Math.abs(final[b] ?? 0) - Math.abs(final[a] ?? 0) || b - a).slice(
      0,
      kept,
    );
    const wanted = new Uint8Array(mask.length);
    for (const at of largest) wanted[at] = 1;
    assert.deepEqual(unpacked[index], wanted);
  });
});

Deno.test("masks that do not fill their buffer's last vec4 are carried from level to level, masked and compact", async () => {
  const gpu = await testGpu();
  const { masks, records } = await run(deepConfig({ width: 0.2 }), { gpu });
  const words = layOut(architecture("lenet", { channels: 1, height: 9, width: 9 }, 5, { width: 0.2 })).arena / 32;
  assert.notEqual(words % 4, 0, "this network would not show it");
  assert.deepEqual([...new Set(masks.map((mask) => mask.words.length))], [words]);
  assert.deepEqual([...new Set(records.map(({ level }) => level))].sort(), [0, 1, 2, 3]);
});

const images = await syntheticDataset({ channels: 2, height: 7, width: 7, classes: 4, train: 120, test: 40 });

/** Of the paper's kinds of layers, with densities of 100 and 40 % in all but the last. */
function convolutions(changes: Partial<LotteryConfig> = {}): LotteryConfig {
  return smallConfig({
    network: {
      name: "convolutions",
      layers: [
        { type: "conv", channels: 5, activation: "relu" },
        {
          type: "residual",
          branch: [
            { type: "conv", channels: 6, stride: 2, bias: false, activation: "none" },
            { type: "batch-norm", activation: "none" },
          ],
          shortcut: [{ type: "conv", channels: 6, size: 1, stride: 2, bias: false, activation: "none" }],
        },
        { type: "max-pool" },
        { type: "dense", units: 4, activation: "none" },
      ],
    },
    width: 1,
    trainSize: 80,
    validationSize: 40,
    levels: 1,
    iterations: 8,
    evalEvery: 3,
    batchSize: 12,
    pruneConv: 0.6,
    pruneOutput: 0.6,
    ...changes,
  });
}

/** Every pruned layer compact, on whatever adapter. */
const allCompact: PlanTable = {
  ...planTable,
  software: planTable.software.map((row) => ({ ...row, compactBelow: 0.9 })),
  gpu: planTable.gpu.map((row) => ({ ...row, compactBelow: 0.9 })),
};

Deno.test("convolutions that are compact train in lockstep what they train alone, and go on bit for bit after a stop", async () => {
  const options = { gpu: await testGpu(), dataset: images, plan: allCompact };
  const both = await run(convolutions({ replicates: 2 }), options);
  const [before, after] = both.events.flatMap((event) => event.type === "level-end" ? [event.timing.plan] : []);
  assert.deepEqual(new Set(Object.values(before ?? {})), new Set(["masked-dense"]));
  assert.deepEqual(new Set(Object.values(after ?? {})), new Set(["compact"]));
  const { layers } = layOut(networkOf(convolutions(), images));
  assert.deepEqual(Object.keys(after ?? {}), layers.map(({ name }) => name));
  for (const replicate of [1, 2]) {
    const { seed } = convolutions();
    const alone = await run(convolutions({ seed: seed + replicate - 1 }), options);
    assert.deepEqual(numbers(renumbered(only(both, (key) => key.replicate === replicate), 1)), numbers(alone));
  }
  const first = await run(
    convolutions({ replicates: 2 }),
    { ...options, checkpointSeconds: 0 },
    (event) => event.type === "snapshot" && event.snapshot.partial?.[0]?.level === 1,
  );
  assert.equal(first.snapshot.partial?.length, 2);
  const second = await run(convolutions({ replicates: 2 }), {
    ...options,
    snapshot: structuredClone(first.snapshot),
  });
  assert.deepEqual(numbers(together(first, second)), numbers(both));
});
