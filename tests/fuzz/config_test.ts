/** Configurations: whatever comes, a complete one that survives being written, or a RangeError that names the setting. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import {
  changed,
  type LotteryConfig,
  networkOf,
  parseConfig,
  presetNames,
  runId,
  settings,
} from "../../src/lottery/config.ts";
import { parseNetwork } from "../../src/lottery/network_schema.ts";
import { layOut } from "../../src/nn/network.ts";
import { layers, network } from "./networks.ts";
import { assertRefusal, awkwardJson, awkwardNumber, awkwardText, deeplyNested, holds, Outcomes } from "./support.ts";
import { likelyChanges } from "./settings.ts";

const refusal = /^(?:--[a-z-]+ is |There is no |The configuration is not |The network of one's own is wrong: )/;

/** Reads a configuration and what it says again, or checks how it is refused. */
async function outcomeOf(value: unknown): Promise<"read" | "refused"> {
  let config: LotteryConfig;
  try {
    config = parseConfig(value);
  } catch (error) {
    assertRefusal(error, [RangeError], refusal);
    return "refused";
  }
  const text = JSON.stringify(config);
  const again = parseConfig(JSON.parse(text));
  assert.equal(JSON.stringify(again), text, "a configuration says the same when it was written and read");
  const context = { dataDigest: "d", planHash: "p" };
  assert.equal(await runId(again, context), await runId(config, context));
  assert.deepEqual(Object.keys(config).sort(), ["preset", ...settings.map(({ key }) => key)].sort());
  try {
    layOut(networkOf(config, { channels: 3, height: 8, width: 8, classes: 10, name: "synthetic" }));
  } catch (error) {
    assertRefusal(error, [RangeError], /^Cannot (?:train|lay out) /);
  }
  return "read";
}

const key = fc.oneof(fc.constantFrom(...settings.map(({ key }) => key)), awkwardText);
const value = fc.oneof(
  awkwardNumber,
  awkwardText,
  awkwardJson,
  fc.array(awkwardNumber, { maxLength: 4 }),
  fc.constantFrom("adam", "sgd", "global", "layer", "reinit", "cifar10", "all", "conv2", true, false),
  fc.constantFrom(["reinit"], ["reinit", "reinit"], Array(20_000).fill("reinit"), Array(20_000).fill(7)),
  fc.constantFrom(JSON.parse(deeplyNested(50_000)), JSON.parse(deeplyNested(50_000, "{"))),
);

Deno.test("settings in their ranges are read, written and read again as the same, or refused by name", async () => {
  const outcomes = new Outcomes();
  await holds(fc.asyncProperty(fc.constantFrom(...presetNames), likelyChanges, async (name, changes) => {
    outcomes.count(await outcomeOf(changed(name, changes)));
  }));
  outcomes.assertSeen("read", "refused");
});

Deno.test("settings of any names and values are read or refused by name", async () => {
  const outcomes = new Outcomes();
  const changes = fc.array(fc.tuple(key, value), { maxLength: 3 }).map((entries) => Object.fromEntries(entries));
  await holds(fc.asyncProperty(fc.constantFrom(...presetNames), changes, async (name, own) => {
    outcomes.count(await outcomeOf(changed(name, own)));
  }));
  outcomes.assertSeen("read", "refused");
});

Deno.test("anything else than settings is refused as such", async () => {
  await holds(fc.asyncProperty(fc.oneof(value, fc.constant(undefined)), async (own) => {
    assert.equal(await outcomeOf(own), "refused");
  }));
});

/** Settings that runs from before them lack: without them they are as they were then. */
const later: readonly string[] = ["initScale", "densities"];

Deno.test("a setting that a prototype would answer for is missing", async () => {
  const lenet = parseConfig(changed("lenet", {}));
  const needed = settings.map(({ key }) => key).filter((key) => !later.includes(key));
  await holds(fc.asyncProperty(fc.constantFrom(...needed), async (missing) => {
    const { [missing]: taken, ...rest } = lenet;
    // The prototype has it, and so would every object whose prototype a file could reach.
    const value = Object.assign(JSON.parse('{"__proto__":{}}'), rest);
    assert.equal(await outcomeOf(value), "refused");
    assert.equal(await outcomeOf(rest), "refused");
    assert.ok(taken !== undefined && Reflect.get({}, missing) === undefined);
  }));
});

Deno.test("networks of any layers are laid out or refused by the layer, residual blocks included", async () => {
  const outcomes = new Outcomes();
  const layer = fc.oneof(
    awkwardJson,
    fc.record({
      type: fc.oneof(
        fc.constantFrom("dense", "conv", "batch-norm", "residual", "dropout", "max-pool", "global-average-pool"),
        awkwardText,
      ),
      units: value,
      channels: value,
      activation: fc.oneof(fc.constantFrom("relu", "none"), value),
      branch: fc.oneof(layers, value),
      shortcut: fc.oneof(layers, value),
      rate: value,
      size: awkwardNumber,
    }, { requiredKeys: ["type"] }),
  );
  const own = fc.oneof(
    network.map(({ name, layers }): unknown => ({ name, layers })),
    fc.record({ name: fc.oneof(fc.constant("x"), awkwardText), layers }),
    fc.tuple(layers, fc.array(layer, { maxLength: 3 })).map(([a, b]) => ({ name: "x", layers: [...a, ...b] })),
    fc.tuple(network, awkwardText, value).map(([{ name, layers }, key, value]) =>
      Object.fromEntries([...Object.entries({ name, layers }), [key, value]])
    ),
    value,
  );
  const width = fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 16, noNaN: true }));
  await holds(fc.asyncProperty(own, width, fc.constantFrom(0, 0.5), async (network, width, dropout) => {
    outcomes.count(await outcomeOf(changed("lenet", { network, width, dropout })));
  }));
  outcomes.assertSeen("read", "refused");
});

Deno.test("a network from a file is itself, laid out, or refused", async () => {
  const outcomes = new Outcomes();
  const other = fc.oneof(
    awkwardJson,
    fc.tuple(network, layers).map(([spec, layers]): unknown => ({ ...spec, layers })),
    fc.tuple(network, fc.record({ channels: awkwardNumber, height: awkwardNumber, width: awkwardNumber })).map(
      ([spec, input]): unknown => ({ ...spec, input }),
    ),
  );
  await holds(fc.property(fc.oneof(network, other), (value) => {
    try {
      assert.equal(
        JSON.stringify(layOut(parseNetwork(value)).spec),
        JSON.stringify(parseNetwork(JSON.parse(JSON.stringify(value)))),
      );
      outcomes.count("read");
    } catch (error) {
      assertRefusal(error, [RangeError], /./);
      outcomes.count("refused");
    }
  }));
  outcomes.assertSeen("read", "refused");
});
