/** The memory that a run is expected to take, beside what it plans and allocates. */
import assert from "node:assert/strict";
import { loadDataset } from "../../src/data/load.ts";
import { type DatasetSize, publishedSizes } from "../../src/data/sizes.ts";
import { cifar10FileBytes, cifar10FileNames } from "../../src/data/cifar10.ts";
import { type LotteryConfig, preset, presetNames } from "../../src/lottery/config.ts";
import { lottery } from "../../src/lottery/lottery.ts";
import { type PlanTable, planTable } from "../../src/nn/plan.ts";
import { lockstepPlan, memoryOf } from "../../src/sweeps/memory.ts";
import { closeTestGpu, testGpu } from "../kernels/support.ts";
import { dataset, smallConfig } from "../lottery/runs.ts";

Deno.test.afterAll(closeTestGpu);

const two: PlanTable = { ...planTable, lockstep: { software: [{ fromWork: 0, atMost: 2 }] } };

/** Configurations of several sizes, with and without controls, turns and momentum. */
const cases: readonly { readonly config: LotteryConfig; readonly table: PlanTable; readonly lockstep: number }[] = [
  { config: smallConfig(), table: planTable, lockstep: 1 },
  { config: smallConfig({ replicates: 3, controls: ["reinit"], reinitDraws: 2 }), table: planTable, lockstep: 9 },
  { config: smallConfig({ replicates: 3, controls: ["reinit"], reinitDraws: 2 }), table: two, lockstep: 2 },
  { config: smallConfig({ network: "conv2", width: 0.1, optimizer: "sgd", momentum: 0.9 }), table: two, lockstep: 1 },
  { config: smallConfig({ levels: 0, replicates: 2, controls: ["twin"] }), table: planTable, lockstep: 4 },
];

Deno.test("a run takes the memory that is expected of it, buffer by buffer", async () => {
  const gpu = await testGpu();
  for (const { config, table, lockstep } of cases) {
    const expected = lockstepPlan(config, dataset, { kind: gpu.adapter.kind, table });
    gpu.trim();
    const before = gpu.allocatedBytes;
    for await (const event of lottery(config, { dataset, gpu, plan: table })) {
      if (event.type === "start") {
        assert.deepEqual([event.lockstep, event.lockstepBy, event.memory], [
          expected.lockstep,
          expected.lockstepBy,
          expected.memory,
        ]);
        assert.equal(event.lockstep, lockstep);
        assert.equal(memoryOf(config, dataset, { table }), event.memory.reduce((sum, { bytes }) => sum + bytes, 0));
      }
      if (event.type !== "evaluation") continue;
      if (event.evaluation.level < Math.min(1, config.levels)) continue;
      const allocated = new Map(gpu.allocations().map(({ label, bytes }) => [label, bytes]));
      // The level's own networks may be fewer than the widest's where it trains in turns.
      for (const { name, bytes } of expected.memory) {
        const own = allocated.get(name);
        assert.ok(own !== undefined && own <= Math.max(16, Math.ceil(bytes / 16) * 16), `${name}: ${own} of ${bytes}`);
      }
      // Beside them there are settings of launches and what is read back.
      const known = memoryOf(config, dataset, { table });
      assert.ok(gpu.allocatedBytes - before < known * 1.3 + 300_000, `${gpu.allocatedBytes - before} of ${known}`);
      break;
    }
  }
});

Deno.test("more networks never take less memory, nor do larger ones", () => {
  const base = preset("lenet", { replicates: 1, controls: [] });
  const bytes = (changes: Partial<LotteryConfig>, kind: "software" | "gpu" = "gpu"): number =>
    memoryOf({ ...base, ...changes }, undefined, { kind });
  const growing: readonly (readonly Partial<LotteryConfig>[])[] = [
    [1, 2, 5, 10, 100].map((replicates) => ({ replicates })),
    [0.25, 0.5, 1, 3].map((width) => ({ width })),
    [[], ["reinit"], ["reinit", "random"]].map((controls) => ({ controls } as Partial<LotteryConfig>)),
    [8, 60, 512].map((batchSize) => ({ batchSize })),
  ];
  for (const changes of growing) {
    const all = changes.map((own) => bytes(own));
    for (const [index, own] of all.entries()) {
      assert.ok(own > (all[index - 1] ?? 0), `${JSON.stringify(changes[index])}`);
    }
  }
  // Turns keep a buffer within what the device allows, so that memory stops growing.
  assert.ok(bytes({ replicates: 1000 }, "software") < bytes({ replicates: 1000 }, "gpu"));
});

Deno.test("every preset fits on a software adapter and on a card, and has the paper's networks at a level", () => {
  for (const name of presetNames) {
    const config = preset(name);
    const card = lockstepPlan(config, undefined, { kind: "gpu" });
    const perTicket = 1 + config.reinitDraws;
    assert.equal(card.lockstep, config.replicates * perTicket, name);
    const software = lockstepPlan(config);
    assert.ok(software.lockstep >= 1 && software.lockstep <= card.lockstep, name);
    for (const { name: buffer, bytes } of software.memory) assert.ok(bytes <= 128 * 2 ** 20, `${name}, ${buffer}`);
  }
});

Deno.test("what no device could hold, or no data set has, is refused", () => {
  const limits = { maxStorageBufferBindingSize: 2 ** 20, maxBufferSize: 2 ** 20 };
  assert.throws(() => memoryOf(preset("conv2"), undefined, { limits }), {
    name: "RangeError",
    message: /Cannot train conv-2 in batches of 60/,
  });
  const few: DatasetSize = { ...publishedSizes.mnist, train: { count: 59_999 } };
  assert.throws(() => memoryOf(preset("lenet"), few), { name: "RangeError", message: /Cannot split mnist: 55000/ });
});

Deno.test("published sizes are those of the data sets themselves", async () => {
  for (const name of ["mnist", "synthetic"] as const) {
    const { channels, height, width, classes, train, test } = await loadDataset(name);
    assert.deepEqual(publishedSizes[name], {
      name,
      channels,
      height,
      width,
      classes,
      train: { count: train.count },
      test: { count: test.count },
    });
  }
  const { channels, height, width, train, test } = publishedSizes.cifar10;
  const bytes = (train.count + test.count) * (1 + channels * height * width);
  assert.equal(bytes, cifar10FileBytes * cifar10FileNames.length);
  assert.deepEqual({ ...publishedSizes["fashion-mnist"], name: "mnist" }, publishedSizes.mnist);
});
