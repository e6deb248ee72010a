/** Settings: presets, validation, and what a run's id depends on. */
import assert from "node:assert/strict";
import {
  changed,
  controlId,
  flagOf,
  type LotteryConfig,
  parseConfig,
  preset,
  presets,
  runId,
  settings,
} from "../../src/lottery/config.ts";

const context = { dataDigest: "data", planHash: "plan" };

Deno.test("every preset is valid, and every setting has a flag, a description and a range in words", () => {
  for (const { config, description } of Object.values(presets)) {
    assert.deepEqual(parseConfig(config), config);
    assert.ok(description.length > 20);
  }
  const keys = settings.map(({ key }) => key);
  assert.deepEqual([...keys, "preset"].sort(), Object.keys(presets.lenet.config).sort());
  for (const { key, flag, description, wanted } of settings) {
    assert.equal(flag, flagOf(key));
    assert.ok(description !== "" && !/undefined|Infinity|NaN/.test(wanted), `${flag}: ${wanted}`);
  }
});

Deno.test("lenet is the paper's configuration", () => {
  const { dataset, trainSize, validationSize, iterations, batchSize, optimizer, lr, pruneDense, pruneOutput, levels } =
    presets.lenet.config;
  assert.deepEqual(
    [dataset, trainSize, validationSize, iterations, batchSize, optimizer, lr, pruneDense, pruneOutput, levels],
    ["mnist", 55_000, 5_000, 50_000, 60, "adam", 1.2e-3, 0.2, 0.1, 20],
  );
});

Deno.test("preset() changes what it is told to, and gives synthetic data a split that fits", () => {
  const config = preset("lenet", { levels: 2, lr: 0.01 });
  assert.deepEqual(config, { ...presets.lenet.config, levels: 2, lr: 0.01 });
  const { trainSize, validationSize } = preset("lenet", { dataset: "synthetic" });
  assert.ok(trainSize + validationSize <= 2000);
  assert.equal(changed("lenet", { dataset: "synthetic", trainSize: 7 })["trainSize"], 7);
});

Deno.test("each setting's bounds are accepted, and what lies beyond is refused by its flag, value and range", () => {
  const base = preset("lenet-quick", { optimizer: "sgd", batchSize: 1, evalEvery: 1 });
  const cases: readonly [keyof LotteryConfig, unknown, boolean][] = [
    ["lr", 0, false],
    ["lr", 1e-9, true],
    ["lr", 100, true],
    ["lr", 101, false],
    ["lr", NaN, false],
    ["lr", Infinity, false],
    ["lr", "0.1", false],
    ["momentum", 0, true],
    ["momentum", 1, false],
    ["levels", 0, true],
    ["levels", -1, false],
    ["levels", 61, false],
    ["levels", 1.5, false],
    ["iterations", 0, false],
    ["batchSize", 0, false],
    ["batchSize", 4097, false],
    ["pruneDense", 1, false],
    ["replicates", 0, false],
    ["seed", 2 ** 32 - 1, true],
    ["seed", 2 ** 32, false],
    ["seed", -1, false],
    ["width", 0, false],
    ["controls", [], true],
    ["controls", ["random"], false],
    ["controls", ["reinit", "reinit"], false],
    ["controls", "reinit", false],
    ["dataset", "cifar10", false],
    ["saveFinals", null, false],
  ];
  for (const [key, value, isFine] of cases) {
    const config = { ...base, [key]: value };
    if (isFine) assert.doesNotThrow(() => parseConfig(config), `${key} ${value}`);
    else assert.throws(() => parseConfig(config), new RegExp(flagOf(key)), `${key} ${value}`);
  }
});

Deno.test("settings that do not fit each other are refused", () => {
  assert.throws(() => preset("lenet", { evalEvery: 50_001 }), /--eval-every is 50001/);
  assert.throws(() => preset("lenet", { trainSize: 59 }), /--batch-size is 60/);
  assert.throws(() => preset("lenet", { momentum: 0.9 }), /--momentum/);
  assert.throws(() => preset("lenet", { seed: 2 ** 32 - 2 }), /--seed/);
});

Deno.test("what is no configuration is refused: nothing, a list, a missing key, an unknown one", () => {
  for (const value of [undefined, null, 3, "lenet", [], {}]) assert.throws(() => parseConfig(value));
  const { lr: _, ...rest } = presets.lenet.config;
  assert.throws(() => parseConfig(rest), /--lr is missing/);
  assert.throws(() => parseConfig({ ...presets.lenet.config, learningRate: 1 }), /learningRate/);
});

Deno.test("a run's id holds for what can be added to it, and changes with whatever determines its tickets", async () => {
  const base = preset("lenet", { optimizer: "sgd" });
  const id = await runId(base, context);
  assert.match(id, /^lenet-[0-9a-f]{10}$/);
  const added: readonly Partial<LotteryConfig>[] = [
    { levels: 3 },
    { replicates: 2 },
    { controls: [] },
    { reinitDraws: 9 },
    { saveFinals: "all" },
  ];
  for (const changes of added) assert.equal(await runId({ ...base, ...changes }, context), id, JSON.stringify(changes));
  const determining: readonly Partial<LotteryConfig>[] = [
    { dataset: "fashion-mnist" },
    { trainSize: 100 },
    { validationSize: 100 },
    { iterations: 100 },
    { batchSize: 10 },
    { optimizer: "adam" },
    { lr: 0.001 },
    { momentum: 0.9 },
    { weightDecay: 1e-4 },
    { pruneDense: 0.3 },
    { pruneOutput: 0.3 },
    { scope: "global" },
    { width: 2 },
    { seed: 2 },
    { evalEvery: 50 },
  ];
  const ids = await Promise.all(determining.map((changes) => runId({ ...base, ...changes }, context)));
  ids.push(
    await runId(base, { ...context, dataDigest: "other" }),
    await runId(base, { ...context, planHash: "other" }),
  );
  assert.equal(new Set([id, ...ids]).size, ids.length + 1, "each of them has its own");
});

Deno.test("a run's id does not depend on the order of keys, nor does the preset's name enter the hash", async () => {
  const config = preset("lenet");
  const shuffled = parseConfig(Object.fromEntries(Object.entries(config).reverse()));
  assert.equal(await runId(shuffled, context), await runId(config, context));
  const renamed = await runId({ ...config, preset: "lenet-quick" }, context);
  assert.equal(renamed.split("-").at(-1), (await runId(config, context)).split("-").at(-1));
});

Deno.test("a control's folder has its name and a hash of its settings", async () => {
  assert.match(await controlId("reinit"), /^reinit-[0-9a-f]{10}$/);
});
