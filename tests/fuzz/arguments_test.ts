/** Command lines and --config files: whatever comes, a configuration or a UsageError, before anything starts. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { type Flag, parseArguments, UsageError } from "../../src/cli/arguments.ts";
import { lotteryCommand } from "../../src/cli/lottery.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { changed, flagOf, type LotteryConfig, parseConfig, presetNames, settings } from "../../src/lottery/config.ts";
import { rememberingConsole } from "../cli/console.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { likelyChanges } from "./settings.ts";
import { assertRefusal, awkwardJson, awkwardNumber, awkwardText, deeplyNested, holds, Outcomes } from "./support.ts";

const refusal =
  /^(?:Cannot (?:take|use|read|lay out|train) |There is no |--[a-z-]+ is |The configuration is not |The network of one's own is wrong: )/;

/** What a command line has instead of a run: its configuration reached the training. */
class Reached extends Error {
  constructor(readonly config: LotteryConfig) {
    super("reached");
  }
}

/** Large enough for every split that is asked for. */
const dataset: Dataset = {
  name: "synthetic",
  channels: 1,
  height: 28,
  width: 28,
  classes: 10,
  train: { images: new Uint8Array(0), labels: new Uint8Array(0), count: 10_000_000 },
  test: { images: new Uint8Array(0), labels: new Uint8Array(0), count: 1 },
  files: [],
  digest: "d",
  original: true,
};

/** The configuration that a command line comes to, "help", or how it is refused. */
async function outcomeOf(args: readonly string[]): Promise<LotteryConfig | "help" | UsageError> {
  const console = rememberingConsole();
  try {
    const code = await lotteryCommand(args, {
      console,
      // deno-lint-ignore require-yield
      lottery: async function* (config) {
        await Promise.resolve();
        throw new Reached(config);
      },
      loadDataset: () => Promise.resolve(dataset),
      signal: new AbortController().signal,
    });
    assert.equal(code, 0);
    return "help";
  } catch (error) {
    if (error instanceof Reached) return error.config;
    assertRefusal(error, [UsageError], refusal);
    assert.equal(console.output(), "", "nothing was printed as a result");
    assert.ok(error instanceof UsageError);
    return error;
  }
}

function kindOf(outcome: Awaited<ReturnType<typeof outcomeOf>>): string {
  return outcome instanceof UsageError ? "refused" : outcome === "help" ? "help" : "reached";
}

/** A value as a flag takes it. */
function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(",") || "none" : String(value);
}

const flags: readonly Flag[] = [
  { flag: "--levels", value: "N", description: "" },
  { flag: "--train-size", value: "N", description: "" },
  { flag: "--json", description: "" },
  { flag: "--help", description: "" },
];
const argument = fc.oneof(
  fc.constantFrom("--levels", "--train-size", "--json", "--help", "--levels=3", "--json=1", "--", "-", "-x", "-h"),
  fc.constantFrom("--__proto__", "--constructor=1", "--toString", "--no-json", "--=", "--=3", "-levels", "---levels"),
  awkwardText,
  awkwardText.map((text) => `--${text}`),
  awkwardText.map((text) => `--levels=${text}`),
);

Deno.test("any arguments are taken apart into what was given, or refused", async () => {
  const outcomes = new Outcomes();
  await holds(fc.property(fc.array(argument, { maxLength: 5 }), fc.nat(2), (args, most) => {
    try {
      const { positionals, values } = parseArguments(args, flags, most);
      assert.ok(positionals.length <= most);
      for (const positional of positionals) assert.ok(args.includes(positional));
      for (const [flag, value] of values) {
        const known = flags.find((own) => own.flag === flag);
        assert.ok(known, `${flag} is unknown`);
        if (known.value === undefined) assert.ok(args.includes(flag) && value === "");
        else assert.ok(args.includes(`${flag}=${value}`) || args[args.indexOf(flag) + 1] === value);
      }
      outcomes.count("taken");
    } catch (error) {
      assertRefusal(error, [UsageError], /^(?:Cannot take |There is no flag )/);
      outcomes.count("refused");
    }
  }));
  outcomes.assertSeen("taken", "refused");
});

Deno.test("settings given as flags come to the configuration that they say", async () => {
  using runs = new TemporaryFolder();
  const outcomes = new Outcomes();
  await holds(fc.asyncProperty(
    fc.constantFrom(...presetNames),
    likelyChanges,
    fc.boolean(),
    async (name, changes, equalSigns) => {
      const given = Object.entries(changes).flatMap(([key, value]) =>
        equalSigns ? [`${flagOf(key)}=${textOf(value)}`] : [flagOf(key), textOf(value)]
      );
      const outcome = await outcomeOf([name, ...given, "--runs", runs.path]);
      outcomes.count(kindOf(outcome));
      let wanted: LotteryConfig;
      try {
        wanted = parseConfig(changed(name, changes));
      } catch (error) {
        assert.ok(error instanceof Error && outcome instanceof UsageError);
        return assert.equal(outcome.message, error.message);
      }
      assert.deepEqual(outcome, wanted);
    },
  ));
  outcomes.assertSeen("reached", "refused");
});

Deno.test("flags of any values reach a configuration in its ranges or are refused, and nothing is written", async () => {
  using runs = new TemporaryFolder();
  const outcomes = new Outcomes();
  const value = fc.oneof(
    awkwardNumber.map(String),
    awkwardText,
    fc.constantFrom("none", "true", "lenet", "0x10", "1e3", "1_000", "٣", "1,2,3", "1,,2", "3,2,1", "reinit,reinit"),
    fc.array(awkwardNumber, { maxLength: 4 }).map((list) => list.join(",")),
  ).map((text) => text.replaceAll("\0", "")); // no program is given one in its arguments
  const flag = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...settings.map(({ flag }) => flag)) },
    { weight: 1, arbitrary: fc.constantFrom("--json", "--help", "--resume", "--verbose", "--no-such-flag") },
  );
  await holds(fc.asyncProperty(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...presetNames) }, { weight: 1, arbitrary: value }),
    fc.array(fc.tuple(flag, value), { maxLength: 3 }),
    async (name, given) => {
      const outcome = await outcomeOf([name, ...given.map(([flag, text]) => `${flag}=${text}`), "--runs", runs.path]);
      if (kindOf(outcome) === "reached") parseConfig(outcome);
      outcomes.count(kindOf(outcome));
    },
  ));
  outcomes.assertSeen("reached", "refused");
  assert.deepEqual([...Deno.readDirSync(runs.path)], []);
});

Deno.test("a --config file of any contents reaches a configuration or is refused, and nothing is written", async () => {
  using runs = new TemporaryFolder();
  using folder = new TemporaryFolder();
  const path = `${folder.path}/config.json`;
  const outcomes = new Outcomes();
  const lenet = JSON.stringify(changed("lenet", {}));
  const contents = fc.oneof(
    awkwardText,
    awkwardJson.map((value) => JSON.stringify(value)),
    fc.tuple(
      fc.oneof(fc.constantFrom("preset", "network", ...settings.map(({ key }) => key)), awkwardText),
      awkwardJson,
    )
      .map(([key, value]) => JSON.stringify(Object.fromEntries([[key, value]]))),
    likelyChanges.map((changes) => JSON.stringify(changes)),
    fc.nat(lenet.length).map((length) => lenet.slice(0, length)),
    fc.constantFrom(
      deeplyNested(50_000),
      deeplyNested(50_000, "{"),
      `{"preset":${deeplyNested(50_000)}}`,
      '{"preset":{"toString":1,"valueOf":1}}',
      '{"preset":{"toString":null}}',
      `{"preset":"${"x".repeat(100_000)}"}`,
      `{"${"x".repeat(100_000)}":1}`,
      `{"lrDrops":[${"7,".repeat(20_000)}7]}`,
      '{"levels":1e999}',
      '{"levels":-0}',
    ),
  );
  await holds(fc.asyncProperty(contents, async (text) => {
    await Deno.writeTextFile(path, text);
    outcomes.count(kindOf(await outcomeOf(["--config", path, "--runs", runs.path])));
  }));
  outcomes.assertSeen("reached", "refused");
  assert.deepEqual([...Deno.readDirSync(runs.path)], []);
});
