/** Settings: presets, validation, and what a run's id depends on. */
import assert from "node:assert/strict";
import {
  changed,
  controlId,
  flagOf,
  type LotteryConfig,
  networkOf,
  parseChanges,
  parseConfig,
  preset,
  presetNames,
  presets,
  runId,
  settings,
} from "../../src/lottery/config.ts";
import type { CustomNetwork } from "../../src/lottery/network_schema.ts";
import { architectureNames } from "../../src/nn/architectures.ts";
import { layOut } from "../../src/nn/network.ts";

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
    ["controls", ["random", "oneshot"], true],
    ["controls", ["randomly"], false],
    ["controls", ["ticket"], false],
    ["controls", ["continued"], false],
    ["controls", ["continued", "lr-rewind"], true],
    ["controls", ["reinit", "reinit"], false],
    ["controls", "reinit", false],
    ["dataset", "cifar100", false],
    ["network", "lenet-300-100", false],
    ["network", 3, false],
    ["network", "conv6", true],
    ["dropout", 0, true],
    ["dropout", 1, false],
    ["densities", [], true],
    ["densities", [0.5, 0.25, 0.1], true],
    ["densities", [0.5, 0.5, 0.1], false],
    ["densities", [0.5, 0.25], false],
    ["densities", [1, 0.5, 0.1], false],
    ["densities", [0.5, 0.1, 0], false],
    ["densities", 0.5, false],
    ["initScale", 0, false],
    ["initScale", 0.25, true],
    ["initScale", undefined, true],
    ["augment", true, true],
    ["augment", "true", false],
    ["pruneConv", 0, true],
    ["pruneConv", 1, false],
    ["warmup", 0, true],
    ["warmup", 2400, true],
    ["warmup", 2401, false],
    ["warmup", -1, false],
    ["lrDrops", [], true],
    ["lrDrops", [1, 2399], true],
    ["lrDrops", [2400], false],
    ["lrDrops", [0], false],
    ["lrDrops", [7, 7], false],
    ["lrDrops", [8, 7], false],
    ["lrDrops", [1.5], false],
    ["lrDrops", 7, false],
    ["lrDropFactor", 0, false],
    ["lrDropFactor", 1, true],
    ["lrDropFactor", 1.1, false],
    ["rewind", 0, true],
    ["rewind", 2399, true],
    ["rewind", 2400, false],
    ["rewind", -1, false],
    ["saveFinals", null, false],
  ];
  for (const [key, value, isFine] of cases) {
    const config = { ...base, [key]: value };
    if (isFine) assert.doesNotThrow(() => parseConfig(config), `${key} ${value}`);
    else assert.throws(() => parseConfig(config), new RegExp(flagOf(key)), `${key} ${value}`);
  }
});

/** One of everything. */
const own: CustomNetwork = {
  name: "mine",
  layers: [
    { type: "conv", channels: 8, activation: "none", bias: false },
    { type: "batch-norm", activation: "relu" },
    {
      type: "residual",
      branch: [{ type: "conv", channels: 8, activation: "relu" }, { type: "conv", channels: 8, activation: "none" }],
      shortcut: [],
    },
    { type: "max-pool" },
    { type: "dropout", rate: 0.25 },
    { type: "dense", units: 12, activation: "relu" },
    { type: "dense", units: 10, activation: "none" },
  ],
};

Deno.test("the presets of ResNet-18, VGG-19 and the convolutional networks are the paper's", () => {
  assert.deepEqual(presetNames, ["lenet-quick", ...architectureNames]);
  for (const name of architectureNames) assert.equal(presets[name].config.network, name);
  const numbers = (name: "conv2" | "conv4" | "conv6" | "resnet18" | "vgg19"): unknown[] => {
    const { iterations, batchSize, optimizer, lr, warmup, lrDrops, pruneConv, scope, augment, replicates } =
      presets[name].config;
    return [iterations, batchSize, optimizer, lr, warmup, lrDrops, pruneConv, scope, augment, replicates];
  };
  assert.deepEqual(numbers("conv2"), [20_000, 60, "adam", 2e-4, 0, [], 0.1, "layer", false, 5]);
  assert.deepEqual(numbers("conv4"), [25_000, 60, "adam", 3e-4, 0, [], 0.1, "layer", false, 5]);
  assert.deepEqual(numbers("conv6"), [30_000, 60, "adam", 3e-4, 0, [], 0.15, "layer", false, 5]);
  const drops = [20_000, 25_000];
  assert.deepEqual(numbers("resnet18"), [30_000, 128, "sgd", 0.03, 20_000, drops, 0.2, "global", true, 3]);
  // 703 batches of 64 in 45,000 images; 160, 80 and 120 epochs.
  assert.deepEqual(numbers("vgg19"), [112_480, 64, "sgd", 0.1, 10_000, [56_240, 84_360], 0.2, "global", true, 3]);
  for (const name of ["conv2", "conv4", "conv6", "resnet18", "vgg19"] as const) {
    const { dataset, trainSize, validationSize, lrDropFactor, momentum, weightDecay, pruneOutput } =
      presets[name].config;
    assert.deepEqual([dataset, trainSize, validationSize, lrDropFactor], ["cifar10", 45_000, 5_000, 0.1]);
    const isDeep = name === "resnet18" || name === "vgg19";
    assert.deepEqual([momentum, weightDecay, pruneOutput], isDeep ? [0.9, 1e-4, 0] : [0, 0, 0.1]);
  }
});

Deno.test("a preset on CIFAR-10 gets a split that fits its 50,000 images", () => {
  assert.equal(preset("lenet", { dataset: "cifar10" }).trainSize, 45_000);
  assert.equal(preset("lenet-quick", { dataset: "cifar10" }).trainSize, 8_000);
});

Deno.test("a network of one's own is taken as it is, scaled, and gets its dropout like the named ones", () => {
  const config = preset("lenet", { network: own });
  assert.deepEqual(config.network, own);
  assert.deepEqual(parseConfig(JSON.parse(JSON.stringify(config))), config);
  const data = { name: "synthetic", channels: 2, height: 9, width: 9, classes: 10 } as const;
  const spec = networkOf(config, data);
  assert.deepEqual(spec, { ...own, input: { channels: 2, height: 9, width: 9 } });
  const scaled = networkOf({ ...config, width: 0.5, dropout: 0.5 }, data);
  assert.deepEqual(layOut(scaled).layers.map(({ outputs }) => outputs), [4, 4, 4, 6, 10]);
  assert.equal(scaled.layers.filter((layer) => layer.type === "dropout" && layer.rate === 0.5).length, 2);
  assert.throws(
    () => networkOf(config, { ...data, classes: 5 }),
    /mine on synthetic: its last layer has 10 units.*Give it 5/,
  );
});

Deno.test("a network of one's own that is wrong is refused, with the place in it", () => {
  const refused = (network: unknown, message: RegExp): void =>
    assert.throws(() => parseConfig({ ...presets.lenet.config, network }), { name: "RangeError", message });
  refused({ layers: own.layers }, /The network .*name: /);
  refused({ name: "mine", layers: [] }, /layers: /);
  refused({ ...own, input: {} }, /unrecognized key: "input"/);
  refused({ ...own, layers: [{ type: "attention" }] }, /layers\.0\.type: .*'dense'/);
  refused({ ...own, layers: [{ type: "conv", channels: 0, activation: "relu" }] }, /layers\.0\.channels: /);
  refused({ ...own, layers: [{ type: "conv", channels: 1, size: 5, activation: "relu" }] }, /layers\.0\.size: /);
  refused(
    { ...own, layers: [{ type: "residual", branch: [{ type: "max-pool" }], shortcut: [] }] },
    /layers\.0\.branch\.0\.type: /,
  );
  // Each layer by itself is right; that they do not follow one another is seen when they are laid out.
  const config = preset("lenet", { network: { name: "mine", layers: own.layers.slice(0, -1) } });
  const data = { name: "synthetic", channels: 1, height: 9, width: 9, classes: 12 } as const;
  assert.throws(() => layOut(networkOf(config, data)), /last layer must be dense with activation none/);
});

Deno.test("one pool has one rate", () => {
  const changes = { scope: "global", pruneConv: 0.1, pruneDense: 0.2 } as const;
  assert.throws(() => preset("conv2", changes), /--prune-conv is 0\.1 and --prune-dense is 0\.2.*--scope global/);
  assert.throws(() => preset("lenet", { ...changes, network: own }), /--scope global/);
  assert.doesNotThrow(() => preset("conv2", { ...changes, pruneConv: 0.2 }));
  assert.doesNotThrow(() => preset("conv2", { ...changes, pruneDense: 0 }));
  assert.doesNotThrow(() => preset("conv2", { ...changes, pruneConv: 0 }));
  // Without convolutions, or without hidden dense layers, there is nothing to disagree.
  assert.doesNotThrow(() => preset("lenet", changes));
  assert.doesNotThrow(() => preset("resnet18", changes));
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

Deno.test("some settings are validated each for itself, and those that are left out stay out", () => {
  assert.deepEqual(parseChanges({}), {});
  // More warmup than the iterations of a preset: these may come from elsewhere.
  const changes = { lr: 0.1, warmup: 1_000_000, densities: [0.5], network: presets.conv2.config.network };
  assert.deepEqual(parseChanges(changes), changes);
  assert.throws(() => parseChanges({ lr: 0.1, seed: -1 }), /^RangeError: --seed is -1, and it must be a whole number/);
  assert.throws(() => parseChanges({ preset: "lenet" }), /^RangeError: There is no setting "preset"/);
  assert.throws(() => parseChanges({ network: {} }), /^RangeError: The network of one's own is wrong/);
  for (const value of [undefined, null, [], "lr"]) {
    assert.throws(() => parseChanges(value), /^RangeError: The configuration is not an object of settings/);
  }
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
    { warmup: 5 },
    { lrDrops: [40] },
    { lrDrops: [40], lrDropFactor: 0.5 },
    { network: "conv2" },
    { network: "conv2", pruneConv: 0.5 },
    { network: own },
    { network: { ...own, name: "yours" } },
    { network: { ...own, layers: own.layers.slice(1) } },
    { dropout: 0.5 },
    { augment: true },
    { rewind: 20 },
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

Deno.test("a run's id does not change with what the other settings make meaningless", async () => {
  const same = async (config: LotteryConfig, changes: Partial<LotteryConfig>): Promise<void> =>
    assert.equal(
      await runId({ ...config, ...changes }, context),
      await runId(config, context),
      JSON.stringify(changes),
    );
  const lenet = preset("lenet");
  await same(lenet, { pruneConv: 0.5 });
  await same(lenet, { lrDropFactor: 0.5 });
  await same(lenet, { momentum: 0.5 });
  await same(preset("resnet18"), { pruneDense: 0.5 });
});

Deno.test("equal networks have equal ids, however they are written down", async () => {
  const short = preset("lenet", { network: own });
  const long = preset("lenet", {
    network: {
      name: "mine",
      layers: own.layers.map((layer) =>
        layer.type === "conv"
          ? { bias: true, size: 3, stride: 1, prunable: true, ...layer }
          : layer.type === "residual"
          ? { ...layer, branch: layer.branch.map((inner) => ({ ...inner, stride: 1 as const })) }
          : layer
      ),
    },
  });
  assert.notDeepEqual(short.network, long.network);
  assert.equal(await runId(short, context), await runId(long, context));
  const unordered = { ...short, network: { layers: own.layers, name: own.name } };
  assert.equal(await runId(unordered, context), await runId(short, context));
  // A width that changes no layer is no other network.
  const wide = (width: number): Promise<string> => runId(preset("lenet", { width }), context);
  assert.equal(await wide(1.0001), await wide(1));
});

Deno.test("a control's folder has its name and a hash of its settings", async () => {
  assert.match(await controlId("reinit"), /^reinit-[0-9a-f]{10}$/);
});
