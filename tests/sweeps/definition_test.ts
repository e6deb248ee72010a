/** A sweep's file: what it expands to, and how it is refused. */
import assert from "node:assert/strict";
import { type LotteryConfig, preset, type PresetName, runId } from "../../src/lottery/config.ts";
import { expandDefinition, mostRuns } from "../../src/sweeps/definition.ts";

const context = { dataDigest: "data", planHash: "plan" };

function namesOf(definition: unknown): string[] {
  return expandDefinition(definition, "sweep").runs.map(({ name }) => name);
}

function ratesOf(lr: unknown): number[] {
  return expandDefinition({ axes: { lr } }, "sweep").runs.map(({ config }) => config.lr);
}

async function idsOf(definition: unknown): Promise<string[]> {
  return await Promise.all(expandDefinition(definition, "sweep").runs.map(({ config }) => runId(config, context)));
}

function alone(name: PresetName, changes: Partial<Omit<LotteryConfig, "preset">> = {}): Promise<string> {
  return runId(preset(name, changes), context);
}

function refusal(definition: unknown): string {
  let message = "";
  assert.throws(() => expandDefinition(definition, "sweep"), (error) => {
    assert.ok(error instanceof RangeError);
    message = error.message;
    return true;
  });
  return message;
}

Deno.test("base and axes expand to every combination, in the order of the axes, with the ids that runs have alone", async () => {
  const definition = {
    name: "adam-rates",
    preset: "lenet",
    base: { levels: 3, controls: [] },
    axes: { lr: [0.001, 0.002], batchSize: [60, 120] },
  };
  const { key, title, source, runs } = expandDefinition(definition, "file");
  assert.equal(key, "adam-rates");
  assert.equal(title, "lenet by lr and batchSize");
  assert.deepEqual(source, { type: "file", definition });
  assert.deepEqual(runs.map(({ name }) => name), [
    "lr 0.001, batch-size 60",
    "lr 0.001, batch-size 120",
    "lr 0.002, batch-size 60",
    "lr 0.002, batch-size 120",
  ]);
  assert.deepEqual(runs[3]?.config, preset("lenet", { levels: 3, controls: [], lr: 0.002, batchSize: 120 }));
  assert.deepEqual(await idsOf(definition), [
    await alone("lenet", { lr: 0.001 }),
    await alone("lenet", { lr: 0.001, batchSize: 120 }),
    await alone("lenet", { lr: 0.002 }),
    await alone("lenet", { lr: 0.002, batchSize: 120 }),
  ]);
});

Deno.test("the order of the axes changes no id, and sweeps share the runs that they have in common", async () => {
  const axes = { lr: [0.001, 0.002, 0.003], width: [0.5, 1] };
  const turned = { width: [1, 0.5], lr: [0.003, 0.002, 0.001] };
  const ids = await idsOf({ axes });
  assert.equal(new Set(ids).size, 6);
  assert.deepEqual((await idsOf({ axes: turned })).sort(), ids.toSorted());
  const other = await idsOf({ axes: { lr: [0.002, 0.004] } });
  assert.deepEqual(other.map((id) => ids.includes(id)), [true, false]);
});

Deno.test("a range has both its ends, and the numbers that one would write by hand", () => {
  assert.deepEqual(ratesOf({ from: 0.1, to: 0.5, step: 0.1 }), [0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual(ratesOf({ from: 0.5, to: 0.1, step: -0.2 }), [0.5, 0.3, 0.1]);
  assert.deepEqual(ratesOf({ from: 1e-7, to: 3e-7, step: 1e-7 }), [1e-7, 2e-7, 3e-7]);
  assert.deepEqual(ratesOf({ from: 0.1, to: 0.3, count: 3 }), [0.1, 0.2, 0.3]);
  assert.deepEqual(ratesOf({ from: 1e-4, to: 0.1, count: 4, spacing: "log" }), [1e-4, 1e-3, 1e-2, 1e-1]);
  assert.deepEqual(ratesOf({ from: 0.1, to: 0.1, step: 1 }), [0.1]);
  const hundredths = ratesOf({ from: 0.01, to: 1, step: 0.01 });
  assert.deepEqual(hundredths, Array.from({ length: 100 }, (_, index) => (index + 1) / 100));
  const sizes = expandDefinition({ axes: { trainSize: { from: 100, to: 8000, count: 4, spacing: "log" } } }, "sweep");
  assert.deepEqual(sizes.runs.map(({ config }) => config.trainSize), [100, 431, 1857, 8000]);
});

Deno.test("a range whose steps pass its end, or lead away from it, is refused with where they lead", () => {
  assert.equal(
    refusal({ axes: { lr: { from: 0.1, to: 0.5, step: 0.15 } } }),
    '"axes.lr" goes from 0.1 by 0.15, and never comes to 0.5: end at 0.4 or 0.55.',
  );
  assert.match(refusal({ axes: { lr: { from: 0.5, to: 0.1, step: 0.1 } } }), /leads away from its end/);
  assert.match(refusal({ axes: { lr: { from: 0.5, to: 0.1, step: 0 } } }), /leads away from its end/);
  assert.match(refusal({ axes: { lr: { from: 0, to: 0.1, count: 3, spacing: "log" } } }), /both must be above 0/);
  assert.match(refusal({ axes: { lr: { from: 0.1, to: 0.5 } } }), /^"axes\.lr" is .* and a range is \{"from"/);
  assert.match(refusal({ axes: { scope: { from: 0.1, to: 0.5, step: 0.1 } } }), /must be a list of values\.$/);
});

Deno.test("points of an axis can change several settings, the preset among them, and be called what one likes", () => {
  const { runs } = expandDefinition({
    axes: {
      recipe: [{ lr: 0.1, warmup: 0 }, { label: "warm", lr: 0.1, warmup: 100 }, { label: "as it is" }],
      preset: ["lenet", "conv2"],
    },
  }, "sweep");
  assert.deepEqual(runs.map(({ name }) => name), [
    "lr 0.1, warmup 0, lenet",
    "lr 0.1, warmup 0, conv2",
    "warm, lenet",
    "warm, conv2",
    "as it is, lenet",
    "as it is, conv2",
  ]);
  assert.deepEqual(runs[3]?.config, preset("conv2", { lr: 0.1, warmup: 100 }));
  assert.deepEqual(runs[4]?.config, preset("lenet"));
});

Deno.test("networks of one's own are values of an axis", () => {
  const layers = [{ type: "dense", units: 10, activation: "none" }];
  const definition = { axes: { network: ["lenet", { name: "one layer", layers }] } };
  assert.deepEqual(namesOf(definition), ["network lenet", "network one layer"]);
  assert.deepEqual(expandDefinition(definition, "sweep").runs[1]?.config.network, { name: "one layer", layers });
});

Deno.test("seeds are the last axis", () => {
  assert.deepEqual(namesOf({ seeds: { from: 7, count: 2 }, axes: { lr: [0.1, 0.2] } }), [
    "lr 0.1, seed 7",
    "lr 0.1, seed 8",
    "lr 0.2, seed 7",
    "lr 0.2, seed 8",
  ]);
  assert.deepEqual(expandDefinition({ seeds: 3 }, "sweep").runs.map(({ config }) => config.seed), [1, 2, 3]);
});

Deno.test("figures bring their runs, with base and axes over them, and options hold as for experiments", () => {
  const { runs, title } = expandDefinition(
    {
      figures: ["fig27", "fig4"],
      base: { batchSize: 30, controls: ["random"] },
      seeds: 2,
      scale: 0.1,
      levels: 2,
      replicates: 1,
    },
    "sweep",
  );
  assert.equal(title, "fig27, fig4 by seed");
  assert.equal(runs.length, 14);
  assert.deepEqual(runs[0], {
    name: "fig27 lr 0.05, seed 1",
    config: preset("lenet", {
      ...{ optimizer: "sgd", lr: 0.05, controls: ["random"], saveFinals: "all", batchSize: 30, seed: 1 },
      ...{ levels: 2, replicates: 1, iterations: 5_000, trainSize: 5_500 },
    }),
  });
  assert.equal(runs.at(-1)?.name, "fig4 LeNet, seed 2");
  assert.deepEqual(namesOf({ figures: ["fig4"] }), ["LeNet"]);
});

Deno.test("a point that comes twice is one run, and two of one name are refused", () => {
  assert.deepEqual(namesOf({ axes: { lr: [0.1, 0.2, 0.1] } }), ["lr 0.1", "lr 0.2"]);
  assert.match(
    refusal({ axes: { recipe: [{ label: "a", lr: 0.1 }, { label: "a", lr: 0.2 }] } }),
    /^Two points of "axes\.recipe" are called "a", .* give each a "label"/,
  );
  const axes = {
    first: [{ label: "a", lr: 0.1 }, { label: "a, b", lr: 0.2 }],
    second: [{ label: "b, c", levels: 1 }, { label: "c", levels: 2 }],
  };
  assert.match(refusal({ axes }), /^Cannot expand the sweep: two different runs would be called "a, b, c"/);
});

Deno.test("a wrong value is refused with its axis, what is wanted and what to do", () => {
  assert.match(
    refusal({ axes: { lr: [0.1, 0] } }),
    /^Cannot use axes\.lr\[1\]: --lr is 0, and it must be a number above 0 and at most 100/,
  );
  assert.match(
    refusal({ axes: { lr: { from: -0.1, to: 0.1, step: 0.1 } } }),
    /^Cannot use axes\.lr\[0\]: --lr is -0\.1/,
  );
  assert.match(refusal({ base: { lr: "fast" } }), /^Cannot use base: --lr is "fast"/);
  assert.match(refusal({ base: { preset: "lenet" } }), /^"base" has "preset", .* beside "base"\.$/);
  assert.match(
    refusal({ axes: { momentum: [0, 0.9] } }),
    /^Cannot use the run "momentum 0\.9": --momentum is 0\.9, and --optimizer adam has none/,
  );
  assert.match(
    refusal({ axes: { recipe: [{ warmpu: 1 }] } }),
    /^Cannot use axes\.recipe\[0\]: There is no setting "warmpu"/,
  );
  assert.match(refusal({ axes: { recipe: [0.1] } }), /^"axes\.recipe\[0\]" is 0\.1, and "recipe" is no setting/);
  assert.match(refusal({ axes: { recipe: [{}] } }), /neither settings nor a label/);
  assert.match(refusal({ axes: { recipe: [{ label: "a\nb" }] } }), /has the label "a\\nb"/);
  assert.match(refusal({ axes: { lr: [] } }), /^"axes\.lr" is \[\], and it must be a list/);
  assert.match(refusal({ axes: { preset: ["conv3"] } }), /has the preset "conv3", .* choose one of lenet-quick, lenet/);
  assert.match(
    refusal(JSON.parse('{"axes":{"__proto__":[1]}}')),
    /^"axes" has "__proto__", which cannot be an axis's name/,
  );
  assert.match(refusal(JSON.parse('{"base":{"__proto__":1}}')), /^Cannot use base: There is no setting "__proto__"/);
});

Deno.test("a wrong key, or one of a wrong kind, is refused with what is wanted", () => {
  assert.match(
    refusal({ sees: 3 }),
    /^There is no key "sees" in a sweep's file\. Its keys are name, title, preset, base/,
  );
  assert.match(refusal({ seeds: 0 }), /^"seeds" is 0, and it must be how many seeds from 1 on, or /);
  assert.match(refusal({ scale: 2 }), /^"scale" is 2, and it must be a number above 0 and at most 1/);
  assert.match(refusal({ figures: ["fig2"] }), /^"figures" is \["fig2"\], and it must be a list of experiments/);
  assert.match(refusal({ name: "../up" }), /^"name" is "\.\.\/up", and it must be lower-case letters/);
  assert.match(
    refusal({ name: "fig26-scale-0.1" }),
    /"fig26-scale-0\.1", which an experiment is: give it another "name"/,
  );
  assert.match(refusal([]), /^A sweep's file holds an object such as /);
  assert.match(refusal("lr"), /^A sweep's file holds an object such as .* and this is "lr"\.$/);
});

Deno.test("what would be decided by the order of keys is refused", () => {
  assert.match(
    refusal({ axes: { lr: [0.1], recipe: [{ lr: 0.2 }] } }),
    /^"axes\.recipe" sets lr, and so does "axes\.lr"/,
  );
  assert.match(refusal({ axes: { seed: [1] }, seeds: 2 }), /^"axes\.seed" sets seed, and so does "axes\.seed"/);
  assert.match(refusal({ seed: 4, seeds: 2 }), /^"seed" is 4, and "seeds" gives seeds too/);
  assert.match(
    refusal({ axes: { dataset: ["mnist"] }, dataset: "mnist" }),
    /^"axes\.dataset" sets dataset, and so does "dataset"/,
  );
  assert.match(refusal({ preset: "lenet", figures: ["fig4"] }), /^"preset" is "lenet", and "figures" bring presets/);
  assert.match(
    refusal({ axes: { preset: ["lenet"] }, figures: ["fig4"] }),
    /^An axis has "preset", and "figures" bring/,
  );
});

Deno.test("a sweep of more runs than anybody wants is refused before they are made", () => {
  assert.equal(expandDefinition({ seeds: mostRuns }, "sweep").runs.length, mostRuns);
  assert.match(
    refusal({ seeds: mostRuns + 1 }),
    /^The sweep would have 10,001 runs \("seeds" 10,001\), and there are at most 10,000/,
  );
  assert.match(
    refusal({ axes: { lr: { from: 0.001, to: 0.2, step: 0.001 }, width: [1, 2] }, figures: ["fig26"], seeds: 10 }),
    /24,000 runs \("figures" 6 times "axes\.lr" 200 times "axes\.width" 2 times "seeds" 10\)/,
  );
  assert.match(
    refusal({ axes: { lr: { from: 0, to: 1, step: 5e-324 } } }),
    /^The sweep would have more than 1,000,000,000 runs/,
  );
  assert.match(refusal({ axes: { lr: { from: 0, to: 1e308, count: 2 ** 50 } } }), /more than 1,000,000,000 runs/);
  const layers = Array.from({ length: 999 }, () => ({ type: "conv", channels: 4, activation: "relu" }));
  const network = { name: "long", layers: [...layers, { type: "dense", units: 10, activation: "none" }] };
  assert.match(refusal({ base: { network }, seeds: mostRuns }), /more than 64 MB to write down/);
});

Deno.test("a sweep without a name is called after its file", () => {
  assert.equal(expandDefinition({}, "Adam Rates (2)").key, "adam-rates-2");
  assert.equal(expandDefinition({}, "../..").key, "sweep");
  assert.throws(() => expandDefinition({}, "fig26"), /give it another "name", such as "my-fig26"/);
  assert.deepEqual(namesOf({}), ["lenet-quick"]);
});

Deno.test("the examples expand, each to runs that differ", async () => {
  const folder = new URL("../../examples/sweeps/", import.meta.url);
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    names.push(name);
    const value: unknown = JSON.parse(await Deno.readTextFile(new URL(name, folder)));
    assert.equal(`${expandDefinition(value, "other").key}.json`, name);
    const ids = await idsOf(value);
    assert.ok(ids.length >= 4, name);
    assert.equal(new Set(ids).size, ids.length, name);
  }
  assert.ok(names.includes("adam-rates.json"));
});
