/** Sweeps' files: whatever comes, runs that are read again as the same, or an error that says where. Never too many, and soon. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { parseConfig, presetNames, runId, settings } from "../../src/lottery/config.ts";
import { definitionKeys, expandDefinition, mostRuns } from "../../src/sweeps/definition.ts";
import { identifyRuns } from "../../src/sweeps/identify.ts";
import { parseRange } from "../../src/sweeps/range.ts";
import { layers } from "./networks.ts";
import { likelyChanges } from "./settings.ts";
import { assertRefusal, awkwardJson, awkwardNumber, awkwardText, deeplyNested, holds, Outcomes } from "./support.ts";

const refusal =
  /^(?:"[a-zA-Z]+(?:\.[\w -]+)?(?:\[\d+\])?" |Cannot (?:use|expand) |There is no key |A sweep's file holds |The sweep |Two points of |An axis )/;

/** Expands a file, or checks how it is refused. */
function outcomeOf(value: unknown, name: string): "expanded" | "refused" {
  let sweep: ReturnType<typeof expandDefinition>;
  try {
    sweep = expandDefinition(value, name);
  } catch (error) {
    assertRefusal(error, [RangeError], refusal);
    return "refused";
  }
  const { key, title, runs } = sweep;
  assert.match(key, /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/);
  assert.ok(key.length <= 80 && title.length <= 1000);
  assert.ok(runs.length > 0 && runs.length <= mostRuns);
  assert.equal(new Set(runs.map((own) => own.name)).size, runs.length);
  for (const { name, config } of runs.slice(0, 5)) {
    assert.doesNotMatch(name, /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    const text = JSON.stringify(config);
    assert.equal(JSON.stringify(parseConfig(JSON.parse(text))), text);
  }
  const again: unknown = JSON.parse(JSON.stringify(sweep.source.type === "file" ? sweep.source.definition : {}));
  // As text: JSON has no −0.
  assert.equal(
    JSON.stringify(expandDefinition(again, name)),
    JSON.stringify(sweep),
    "a file says the same when it was written and read",
  );
  return "expanded";
}

const key = fc.oneof(fc.constantFrom(...settings.map(({ key }) => key), "preset", "label"), awkwardText);
const value = fc.oneof(
  awkwardNumber,
  awkwardText,
  awkwardJson,
  fc.constantFrom<unknown>("adam", "sgd", "global", "conv2", "lenet", "fig26", true, false, [], ["reinit"], 1, 2, 0.1),
  layers.map((own): unknown => ({ name: "x", layers: own })),
  fc.constantFrom<unknown>(JSON.parse(deeplyNested(50_000)), JSON.parse(deeplyNested(50_000, "{"))),
);
const object = fc.array(fc.tuple(key, value), { maxLength: 3 }).map((own): unknown =>
  Object.defineProperties({}, Object.fromEntries(own.map(([name, value]) => [name, property(value)])))
);
const range = fc.record({
  from: awkwardNumber,
  to: awkwardNumber,
  step: awkwardNumber,
  count: fc.oneof(fc.integer({ min: 0, max: 20 }), awkwardNumber),
  spacing: fc.constantFrom("linear", "log", "ln"),
}, { requiredKeys: ["from", "to"] });
const points = fc.oneof(fc.array(fc.oneof(value, object), { maxLength: 4 }), range, value);
const axes = fc.array(fc.tuple(key, points), { maxLength: 3 }).map((own): unknown => Object.fromEntries(own));

/** As JSON has it, `__proto__` included. */
function property(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}

Deno.test("files of likely settings expand, or are refused by what contradicts what", async () => {
  const outcomes = new Outcomes();
  const rates = fc.oneof(
    fc.array(fc.double({ min: 1e-9, max: 100, noNaN: true }), { minLength: 1, maxLength: 4 }),
    fc.record({
      from: fc.double({ min: 1e-9, max: 1, noNaN: true }),
      to: fc.double({ min: 1e-9, max: 1, noNaN: true }),
      count: fc.integer({ min: 2, max: 9 }),
      spacing: fc.constantFrom("linear", "log"),
    }),
    fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 })).map(
      ([from, step, count]) => ({ from: from / 100, step: step / 100, to: (from + step * count) / 100 }),
    ),
  );
  const likely = fc.record({
    name: fc.constantFrom("a", "adam-rates"),
    preset: fc.constantFrom(...presetNames),
    base: likelyChanges.map(({ lr: _, width: __, ...base }): unknown => base),
    axes: fc.record({
      lr: rates,
      recipe: fc.array(fc.record({ label: fc.constantFrom("a", "b", "c"), width: fc.constantFrom(0.5, 1, 2) }), {
        minLength: 1,
        maxLength: 3,
      }),
    }, { requiredKeys: [] }),
    seeds: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant({ from: 5, count: 2 })),
    levels: fc.integer({ min: 0, max: 4 }),
  }, { requiredKeys: [] });
  await holds(fc.property(likely, (own) => outcomes.count(outcomeOf(JSON.parse(JSON.stringify(own)), "file"))));
  outcomes.assertSeen("expanded", "refused");
});

Deno.test("files of any keys and values expand or are refused with where the fault is", async () => {
  const outcomes = new Outcomes();
  const any = fc.record({
    name: value,
    title: value,
    preset: value,
    base: fc.oneof(object, value),
    axes: fc.oneof(axes, value),
    seeds: fc.oneof(value, fc.record({ from: awkwardNumber, count: awkwardNumber })),
    figures: fc.oneof(fc.array(fc.constantFrom("fig4", "fig26", "fig2"), { maxLength: 3 }), value),
    scale: value,
    levels: value,
    replicates: value,
    width: value,
    dataset: value,
    seed: value,
  }, { requiredKeys: [] });
  const few = fc.tuple(any, fc.subarray([...definitionKeys], { maxLength: 3 })).map(([own, keys]): unknown =>
    Object.fromEntries(Object.entries(own).filter(([name]) => keys.includes(name)))
  );
  await holds(fc.property(fc.oneof(few, any, object, value), awkwardText, (own, name) => {
    outcomes.count(outcomeOf(own, name));
  }));
  outcomes.assertSeen("expanded", "refused");
});

Deno.test("a range has as many numbers as it says, from end to end and in order, or is refused", async () => {
  const outcomes = new Outcomes();
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  const likely = fc.record({
    from: finite,
    to: finite,
    count: fc.integer({ min: 2, max: 20 }),
    spacing: fc.constantFrom("linear", "log"),
  }, { requiredKeys: ["from", "to", "count"] });
  await holds(fc.property(fc.oneof(likely, range, value), fc.boolean(), (own, isWhole) => {
    try {
      const { count, values } = parseRange(own, isWhole);
      outcomes.count("read");
      if (count > mostRuns) return;
      const numbers = values();
      assert.equal(numbers.length, count);
      assert.ok(typeof own === "object" && own !== null && "from" in own && "to" in own);
      assert.ok(numbers[0] === own.from && numbers.at(-1) === own.to, numbers.join());
      const rises = Math.sign(Number(own.to) - Number(own.from));
      for (const [index, number] of numbers.entries()) {
        assert.ok(Number.isFinite(number));
        const before = numbers[index - 1] ?? number;
        assert.ok(rises > 0 ? number >= before : number <= before, numbers.join());
      }
    } catch (error) {
      assertRefusal(error, [RangeError], /^(?:is |goes from )/);
      outcomes.count("refused");
    }
  }));
  outcomes.assertSeen("read", "refused");
});

Deno.test("runs of any settings have the ids that they have alone, each once, whatever their order", async () => {
  const digests = new Map(
    (["mnist", "fashion-mnist", "cifar10", "synthetic"] as const).map((name) => [name, `digest of ${name}`] as const),
  );
  const identify = (runs: Parameters<typeof identifyRuns>[0]): ReturnType<typeof identifyRuns> =>
    identifyRuns(runs, { digests, planHashOfRun: () => "plan" });
  await holds(
    fc.asyncProperty(
      fc.array(fc.record({ seed: fc.nat(2), levels: fc.nat(3), replicates: fc.integer({ min: 1, max: 3 }) }), {
        minLength: 1,
        maxLength: 6,
      }),
      async (changes) => {
        const runs = changes.map((own, index) => ({
          name: `run ${index}`,
          config: parseConfig({ ...expandDefinition({ base: own }, "file").runs[0]?.config }),
        }));
        const alone = await Promise.all(
          runs.map(({ config }) => runId(config, { dataDigest: "digest of mnist", planHash: "plan" })),
        );
        const found = await identify(runs);
        assert.deepEqual(found.map(({ id }) => id), [...new Set(alone)]);
        const turned = await identify(runs.toReversed());
        const sizes = (own: typeof found): unknown =>
          own.map(({ id, config: { levels, replicates } }) => [id, levels, replicates]).sort();
        assert.deepEqual(sizes(turned), sizes(found));
        for (const { id, config } of found) {
          const same = runs.filter((_, index) => alone[index] === id);
          assert.equal(config.levels, Math.max(...same.map((own) => own.config.levels)));
        }
      },
    ),
    { cases: 100, nightly: 2000 },
  );
});
