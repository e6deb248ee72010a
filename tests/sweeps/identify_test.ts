/** Ids of a sweep's runs, runs that are one, and plan tables for many runs. */
import assert from "node:assert/strict";
import { planChooser } from "../../src/cli/lottery_plan.ts";
import { type LotteryConfig, preset, runId } from "../../src/lottery/config.ts";
import { planHashOf } from "../../src/lottery/plan_table.ts";
import { type PlanTable, planTable } from "../../src/nn/plan.ts";
import { equalRuns, scanRuns } from "../../src/store/equal_runs.ts";
import { identifyRuns, lockstepHint } from "../../src/sweeps/identify.ts";
import type { ExpandedRun } from "../../src/sweeps/sweep.ts";
import { TemporaryFolder } from "../store/folders.ts";

const digests = new Map([["mnist", "data"]] as const);
const own: PlanTable = {
  ...planTable,
  software: [{ type: "dense", fromWeights: 0, compactBelow: 0.4, tiles: "register" }],
};
const other: PlanTable = {
  ...own,
  software: [{ type: "dense", fromWeights: 0, compactBelow: 0.3, tiles: "register" }],
};

function run(name: string, changes: Partial<Omit<LotteryConfig, "preset">> = {}): ExpandedRun {
  return { name, config: preset("lenet-quick", changes) };
}

function identified(runs: readonly ExpandedRun[]): ReturnType<typeof identifyRuns> {
  return identifyRuns(runs, { digests, planHashOfRun: () => "plan" });
}

/** A run of a folder as far as its plan table goes. */
async function record(runs: string, config: LotteryConfig, table: PlanTable, number = ""): Promise<string> {
  const planHash = await planHashOf(table);
  const id = `${await runId(config, { dataDigest: "data", planHash })}${number}`;
  await Deno.mkdir(`${runs}/${id}`);
  const manifest = {
    ...{
      schema: 2,
      id,
      adapter: { name: "a", driver: "d", kind: "software" },
      planHash,
      plan: { from: "t.json", table },
    },
    ...{ data: { name: "mnist", digest: "data", original: true, files: [] }, sessions: [] },
  };
  await Deno.writeTextFile(`${runs}/${id}/manifest.json`, JSON.stringify(manifest));
  await Deno.writeTextFile(`${runs}/${id}/config.json`, JSON.stringify(config));
  return id;
}

Deno.test("runs have the ids that they have alone, in their order", async () => {
  const runs = [run("a", { lr: 0.1 }), run("b", { lr: 0.2 })];
  const context = { dataDigest: "data", planHash: "plan" };
  assert.deepEqual(await identified(runs), [
    { id: await runId(preset("lenet-quick", { lr: 0.1 }), context), ...runs[0] },
    { id: await runId(preset("lenet-quick", { lr: 0.2 }), context), ...runs[1] },
  ]);
});

Deno.test("runs of one id are one, which wants all that any of them wants", async () => {
  const runs = [
    run("first", { levels: 5, replicates: 1, controls: ["reinit"], reinitDraws: 2, saveFinals: "last" }),
    run("other", { lr: 0.1 }),
    run("second", { levels: 3, replicates: 4, controls: ["random", "reinit"], reinitDraws: 1, saveFinals: "all" }),
    // LeNet has no convolutions to prune.
    run("third", { saveFinals: "none", levels: 0, pruneConv: 0.3 }),
  ];
  const [first, second, ...others] = await identified(runs);
  assert.deepEqual(others, []);
  assert.equal(first?.name, "first = second = third");
  assert.deepEqual(first.config, {
    ...preset("lenet-quick"),
    ...{ levels: 5, replicates: 4, controls: ["reinit", "random"], reinitDraws: 2, saveFinals: "all" },
  });
  assert.equal(second?.name, "other");
  const turned = await identified(runs.toReversed());
  assert.deepEqual(new Set(turned.map(({ id }) => id)), new Set([first.id, second.id]));
});

Deno.test("many names of one run are counted", async () => {
  const runs = Array.from({ length: 30 }, (_, index) => run(`figure ${index}`));
  assert.deepEqual((await identified(runs)).map(({ name }) => name), ["figure 0 and 29 more"]);
});

Deno.test("a data set whose digest is not known is refused", async () => {
  await assert.rejects(identified([run("a", { dataset: "synthetic" })]), {
    name: "RangeError",
    message: "Cannot identify the run a: the digest of synthetic is not known. Load it first.",
  });
});

Deno.test("a run that is there keeps the table that it began with, and others get the one that ships", async () => {
  using folder = new TemporaryFolder();
  const rates = [0.1, 0.2, 0.3, 0.4].map((lr) => preset("lenet-quick", { lr }));
  const [first, second, third, fourth] = rates;
  assert.ok(first && second && third && fourth);
  await record(folder.path, first, own);
  await record(folder.path, second, planTable);
  await record(folder.path, third, own, "-2");
  await record(folder.path, third, own);
  await Deno.mkdir(`${folder.path}/lenet-quick-0123456789`);
  const choose = await planChooser(folder.path, undefined);
  const hashes = await Promise.all(rates.map(async (config) => (await choose(config, "data")).hash));
  const [ours, shipped] = [await planHashOf(own), await planHashOf(planTable)];
  assert.deepEqual(hashes, [ours, shipped, ours, shipped]);
  assert.equal((await choose(first, "data")).from, "t.json");
  assert.equal((await choose(first, "other data")).hash, shipped);

  await record(folder.path, fourth, own);
  await record(folder.path, fourth, other);
  await assert.rejects((await planChooser(folder.path, undefined))(fourth, "data"), {
    name: "UsageError",
    message:
      /^Cannot tell which run to go on with: lenet-quick-[0-9a-f]{10}, lenet-quick-[0-9a-f]{10} have these settings/,
  });
  const given = { from: "given.json", table: other, hash: await planHashOf(other) };
  assert.equal(await (await planChooser(folder.path, given))(first, "data"), given);
});

Deno.test("a folder that is read once answers for every run as one that is read for each", async () => {
  using folder = new TemporaryFolder();
  const configs = [0.1, 0.2, 0.3].map((lr) => preset("lenet-quick", { lr }));
  const ids: string[] = [];
  for (const config of configs) {
    for (const number of ["", "-2", "-10"]) {
      for (const table of [planTable, own]) ids.push(await record(folder.path, config, table, number));
    }
  }
  await Deno.writeTextFile(`${folder.path}/${ids[0]}/manifest.json`, "{");
  const scan = await scanRuns(folder.path, ids);
  for (const [index, config] of configs.entries()) {
    const found = await scan.equalTo(config);
    assert.deepEqual(found.map(({ id }) => id), ids.slice(6 * index + (index === 0 ? 1 : 0), 6 * index + 6));
    assert.deepEqual(found, await equalRuns(folder.path, ids, config));
    assert.deepEqual(await scan.equalTo(config, "other data"), []);
    for (const { id, base } of found) assert.match(id, new RegExp(`^${base}(?:-2|-10)?$`));
  }
});

Deno.test("runs that differ in consecutive seeds alone are better replicates", () => {
  const seeds = (...all: number[]): ExpandedRun[] => all.map((seed) => run(`seed ${seed}`, { seed }));
  assert.equal(
    lockstepHint(seeds(4, 2, 3)),
    'These runs differ in nothing but their seeds: one run with "seed": 2 and "replicates": 3 trains the same networks, bit for bit, ' +
      "in lockstep, and takes less time.",
  );
  assert.equal(lockstepHint(seeds(1, 2, 4)), undefined);
  assert.equal(lockstepHint(seeds(1)), undefined);
  assert.equal(lockstepHint([]), undefined);
  assert.equal(lockstepHint([...seeds(1, 2), run("lr", { lr: 0.1 })]), undefined);
  assert.equal(lockstepHint(seeds(...Array.from({ length: 1001 }, (_, seed) => seed))), undefined);
  const grid = [0.1, 0.2].flatMap((lr) => [1, 2, 3].map((seed) => run(`${lr} ${seed}`, { lr, seed })));
  assert.match(
    lockstepHint(grid) ?? "",
    /^These are 2 runs with several seeds each: 2 with "seed": 1 and "replicates": 3 train/,
  );
  // Three replicates of seed 1 have the seeds 1, 2 and 3.
  const replicated = [1, 4].map((seed) => run(`seed ${seed}`, { seed, replicates: 3 }));
  assert.match(lockstepHint(replicated) ?? "", /"seed": 1 and "replicates": 6/);
});
