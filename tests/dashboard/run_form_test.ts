/** The form that a run is started with: the schema's settings, judged by the code that judges flags. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { type Flag, parseArguments, UsageError } from "../../src/cli/arguments.ts";
import { lotteryCommand } from "../../src/cli/lottery.ts";
import { settingText } from "../../src/cli/lottery_command_line.ts";
import {
  configFileOf,
  formAddress,
  formOf,
  lotteryArguments,
  readRunForm,
  type RunForm,
  type RunRequest,
} from "../../src/dashboard/run_form.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { changed, type LotteryConfig, parseConfig, presetNames, presets, settings } from "../../src/lottery/config.ts";
import { rememberingConsole } from "../cli/console.ts";
import { likelyChanges } from "../fuzz/settings.ts";
import { awkwardText, holds, Outcomes } from "../fuzz/support.ts";
import { TemporaryFolder } from "../store/folders.ts";

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

/** The configuration that a command line comes to, or what it says is wrong. */
async function onCommandLine(args: readonly string[]): Promise<LotteryConfig | string> {
  try {
    await lotteryCommand(args, {
      console: rememberingConsole(),
      // deno-lint-ignore require-yield
      lottery: async function* (config) {
        await Promise.resolve();
        throw new Reached(config);
      },
      loadDataset: () => Promise.resolve(dataset),
      signal: new AbortController().signal,
    });
  } catch (error) {
    if (error instanceof Reached) return error.config;
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("It neither trained nor refused.");
}

/** What a browser sends when the form is sent as it stands, with some fields typed over. */
function sent(form: RunForm, typed: Readonly<Record<string, string>> = {}): FormData {
  const data = new FormData();
  data.append("preset", form.preset);
  data.append("filledFor", form.filledFor);
  for (const { key, kind, text: stands } of form.groups.flatMap(({ fields }) => fields)) {
    const text = typed[key] ?? stands;
    // Check boxes have a hidden field before them.
    if (kind === "boolean") data.append(key, "false");
    if (kind === "list") data.append(key, "none");
    if (kind === "list") { for (const one of text.split(",").filter((own) => own !== "none")) data.append(key, one); }
    else if (kind !== "boolean" || text !== "false") data.append(key, text);
  }
  for (const name of ["ownNetwork", "dataDir", "checkpointSeconds"]) data.append(name, typed[name] ?? "");
  return data;
}

async function requestOf(data: FormData): Promise<RunRequest> {
  const { form, request } = await readRunForm(data);
  assert.ok(request, JSON.stringify(form.problems));
  return request;
}

function only(entries: Readonly<Record<string, string>>): FormData {
  const data = new FormData();
  for (const [name, text] of Object.entries(entries)) data.set(name, text);
  return data;
}

async function problemOf(entries: Readonly<Record<string, string>>, name: string): Promise<string> {
  const { form, request } = await readRunForm(only(entries));
  assert.equal(request, undefined);
  const own = form.problems.find((problem) => problem.name === name);
  assert.ok(own, `no problem of ${name}: ${JSON.stringify(form.problems)}`);
  return own.message;
}

Deno.test("every setting is one field, with its flag, its description, its range and the preset's value", async () => {
  for (const name of presetNames) {
    const { form } = await formOf(new URLSearchParams({ preset: name }));
    const fields = form.groups.flatMap((group) => group.fields);
    assert.deepEqual(fields.map(({ key }) => key).toSorted(), settings.map(({ key }) => key).toSorted());
    for (const { label, usual, text, problem, ...own } of fields) {
      assert.deepEqual(own, settings.find(({ key }) => key === own.key));
      assert.equal(text, usual);
      assert.equal(usual, settingText(presets[name].config[own.key]));
      assert.equal(problem, undefined);
      assert.match(label, /^[a-z]+(?: [a-z]+)*$/);
    }
  }
});

Deno.test("a preset's form, sent as it stands, is that preset, and nothing but its name is passed on", async () => {
  for (const name of presetNames) {
    const { form } = await formOf(new URLSearchParams({ preset: name }));
    const request = await requestOf(sent(form));
    assert.deepEqual(request, {
      config: presets[name].config,
      dataDir: undefined,
      checkpointSeconds: undefined,
      existing: "ask",
    });
    assert.deepEqual(lotteryArguments(request, "/r"), [name, "--runs=/r"]);
  }
});

Deno.test("an address without a preset, or with one that there is not, has the first", async () => {
  for (const query of ["", "preset=conv3", "nothing=1"]) {
    assert.equal((await formOf(new URLSearchParams(query))).form.preset, presetNames[0]);
  }
});

Deno.test("any valid settings come through the address, the form and the command line as they were", async () => {
  const outcomes = new Outcomes();
  await holds(
    fc.asyncProperty(fc.constantFrom(...presetNames), likelyChanges, async (name, changes) => {
      let config: LotteryConfig;
      try {
        config = parseConfig(changed(name, changes));
      } catch {
        return outcomes.count("refused");
      }
      outcomes.count("valid");
      const { form, request } = await formOf(new URL(formAddress({ config }), "http://127.0.0.1").searchParams);
      assert.deepEqual(request?.config, config);
      const posted = await requestOf(sent(form));
      assert.deepEqual(posted.config, config);
      const typed = Object.fromEntries(settings.map(({ key }) => [key, settingText(config[key])]));
      const fresh = await formOf(new URLSearchParams({ preset: name, dataset: config.dataset }));
      assert.deepEqual((await requestOf(sent(fresh.form, typed))).config, config);
      assert.deepEqual(await onCommandLine(lotteryArguments(posted, "/nowhere")), config);
    }),
    { cases: 120, nightly: 3_000 },
  );
  outcomes.assertSeen("valid", "refused");
});

Deno.test("another data set brings its own split, unless another size was typed", async () => {
  const { form } = await formOf(new URLSearchParams({ preset: "lenet" }));
  const { config } = await requestOf(sent(form, { dataset: "synthetic" }));
  assert.deepEqual([config.trainSize, config.validationSize], [1_500, 500]);
  assert.deepEqual(config, parseConfig(changed("lenet", { dataset: "synthetic" })));
  const typed = await requestOf(sent(form, { dataset: "synthetic", trainSize: "1000" }));
  assert.deepEqual([typed.config.trainSize, typed.config.validationSize], [1_000, 500]);
});

Deno.test("whatever is typed into one or two fields is judged as the command line judges it, in the same words", async () => {
  const outcomes = new Outcomes();
  // A form cannot hold halves of characters.
  const wellFormed = awkwardText.map((text) => text.toWellFormed());
  const range = fc.constantFrom(
    ...[
      "0",
      "-1",
      "1",
      "0.5",
      "1.5",
      "1e9",
      "1e-3",
      " 7 ",
      "NaN",
      "Infinity",
      "0x10",
      "true",
      "none",
      "sgd",
      "global",
      "reinit",
    ],
    ...["100,200", "200,100", "reinit,reinit", "all", "conv2", "cifar10", "mnist"],
  );
  const typed = fc.uniqueArray(fc.tuple(fc.constantFrom(...settings), fc.oneof(range, range, wellFormed)), {
    minLength: 1,
    maxLength: 2,
    selector: ([{ key }]) => key,
  });
  await holds(
    fc.asyncProperty(fc.constantFrom(...presetNames), typed, async (preset, entries) => {
      const flags = entries.map(([{ flag }, text]) => `${flag}=${text}`);
      const expected = await onCommandLine([preset, "--runs=/nowhere", ...flags]);
      const texts = Object.fromEntries(entries.map(([{ key }, text]) => [key, text]));
      const { form, request } = await readRunForm(only({ preset, ...texts }));
      if (typeof expected === "string") {
        outcomes.count("refused");
        assert.equal(request, undefined);
        assert.ok(
          form.problems.some(({ message }) => message === expected),
          `${expected}\n${JSON.stringify(form.problems)}`,
        );
        // What was typed stands where it was typed.
        const fields = form.groups.flatMap((group) => group.fields);
        for (const [{ key }, text] of entries) assert.equal(fields.find((own) => own.key === key)?.text, text);
      } else {
        outcomes.count("read");
        assert.deepEqual(request?.config, expected);
      }
    }),
    { cases: 400 },
  );
  outcomes.assertSeen("read", "refused");
});

Deno.test("several values out of their ranges are each told at their field", async () => {
  const { form } = await readRunForm(only({ preset: "lenet", lr: "fast", levels: "61", width: "0", dataset: "mnst" }));
  assert.deepEqual(form.problems.map(({ name }) => name).toSorted(), ["dataset", "levels", "lr", "width"]);
  const fields = form.groups.flatMap((group) => group.fields);
  assert.equal(
    fields.find(({ key }) => key === "lr")?.problem,
    '--lr is "fast", and it must be a number above 0 and at most 100 (learning rate).',
  );
});

Deno.test("settings that contradict each other are told at the field that the command line names", async () => {
  const cases: readonly [Readonly<Record<string, string>>, string, RegExp][] = [
    [{ iterations: "50", evalEvery: "60" }, "evalEvery", /^--eval-every is 60, more than the 50 iterations/],
    [
      { batchSize: "2000", trainSize: "1000" },
      "batchSize",
      /^--batch-size is 2000, more than the 1000 training images/,
    ],
    [{ momentum: "0.9" }, "momentum", /^--momentum is 0.9, and --optimizer adam has none/],
    [{ warmup: "3000" }, "warmup", /^--warmup is 3000, more than the 2400 iterations/],
    [{ lrDrops: "20,10" }, "lrDrops", /^--lr-drops is 20,10, and 10 does not ascend/],
    [{ rewind: "2400" }, "rewind", /^--rewind is 2400/],
    [{ network: "conv2", scope: "global" }, "pruneConv", /^--prune-conv is 0.2 and --prune-dense is 0.4/],
    [{ seed: "4294967295", replicates: "2" }, "seed", /^--seed is 4294967295/],
  ];
  for (const [entries, name, message] of cases) {
    assert.match(await problemOf({ preset: "lenet-quick", ...entries }, name), message);
  }
});

Deno.test("a network of one's own takes the place of the named one, and is given by a file", async () => {
  const network = { name: "own", layers: [{ type: "dense", units: 10, activation: "none" }] };
  const request = await requestOf(only({ preset: "lenet", ownNetwork: JSON.stringify(network), levels: "2" }));
  assert.deepEqual(request.config.network, network);
  using folder = new TemporaryFolder();
  const path = `${folder.path}/own.json`;
  await Deno.writeTextFile(path, configFileOf(request.config) ?? "");
  const args = lotteryArguments(request, "/nowhere", path);
  assert.deepEqual(args, ["lenet", `--config=${path}`, "--levels=2", "--runs=/nowhere"]);
  assert.deepEqual(await onCommandLine(args), request.config);
  const { form } = await formOf(new URL(formAddress(request), "http://127.0.0.1").searchParams);
  assert.deepEqual((await requestOf(sent(form, { ownNetwork: form.ownNetwork.text }))).config, request.config);
});

Deno.test("a wrong network of one's own is told in the words of the command line", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/own.json`;
  for (
    const network of [
      { name: "x", layers: [] },
      { name: "x", layers: [{ type: "dens" }] },
      { layers: [{ type: "dense", units: 10, activation: "none" }] },
      { name: "x", layers: [{ type: "conv", channels: 0, activation: "relu" }] },
    ]
  ) {
    await Deno.writeTextFile(path, JSON.stringify({ network }));
    const expected = await onCommandLine(["lenet", "--runs=/nowhere", `--config=${path}`]);
    assert.equal(typeof expected, "string");
    assert.equal(await problemOf({ preset: "lenet", ownNetwork: JSON.stringify(network) }, "ownNetwork"), expected);
  }
  assert.match(
    await problemOf({ preset: "lenet", ownNetwork: "{" }, "ownNetwork"),
    /^The network of one's own is not JSON/,
  );
  assert.match(await problemOf({ preset: "lenet", ownNetwork: "3" }, "ownNetwork"), /it must be an object/);
  const { form } = await readRunForm(only({ preset: "lenet", ownNetwork: "{", lr: "0" }));
  assert.deepEqual(form.problems.map(({ name }) => name), ["ownNetwork", "lr"]);
});

Deno.test("a data folder is one that is there", async () => {
  using folder = new TemporaryFolder();
  const file = `${folder.path}/file`;
  await Deno.writeTextFile(file, "");
  const request = await requestOf(only({ preset: "lenet", dataDir: folder.path }));
  assert.equal(request.dataDir, folder.path);
  assert.deepEqual(lotteryArguments(request, "/r"), ["lenet", "--runs=/r", `--data-dir=${folder.path}`]);
  const cases: readonly [string, RegExp][] = [
    [`${folder.path}/none`, /there is nothing of that name/],
    [file, /that is no folder/],
    ["a\0b", /a path has no such character/],
    ["a".repeat(5000), /at most 4096 characters/],
    [`${file}/below`, /it cannot be looked at|there is nothing/],
  ];
  for (const [dataDir, message] of cases) assert.match(await problemOf({ dataDir }, "dataDir"), message);
});

Deno.test("checkpoint seconds are judged as the command line judges them", async () => {
  assert.equal((await requestOf(only({ checkpointSeconds: "2.5" }))).checkpointSeconds, 2.5);
  for (const text of ["soon", "-1", " ", "Infinity"]) {
    const expected = await onCommandLine(["--runs=/nowhere", `--checkpoint-seconds=${text}`]);
    assert.equal(await problemOf({ checkpointSeconds: text }, "checkpointSeconds"), expected);
  }
});

Deno.test("what no form of ours holds is refused as a whole", async () => {
  const malformed = async (fill: (data: FormData) => void, message: RegExp): Promise<void> => {
    const data = only({ preset: "lenet" });
    fill(data);
    await assert.rejects(readRunForm(data), { name: "MalformedFormError", message });
  };
  await malformed((data) => data.set("verbose", "1"), /there is no field "verbose"/);
  await malformed((data) => data.set("__proto__", "1"), /there is no field "__proto__"/);
  await malformed((data) => data.set("constructor", "1"), /there is no field/);
  await malformed((data) => data.set("lr", new Blob(["1"])), /"lr" with a file/);
  await malformed((data) => data.append("preset", "conv2"), /the field preset is there 2 times/);
  await malformed((data) => ["1", "2"].forEach((text) => data.append("lr", text)), /the field lr is there 2 times/);
  await malformed(
    (data) => ["true", "false"].forEach((own) => data.append("augment", own)),
    /augment is there 2 times/,
  );
  await malformed((data) => data.set("preset", "conv3"), /there is no preset "conv3"/);
  await malformed((data) => data.set("existing", "overwrite"), /there is no choice "overwrite"/);
});

Deno.test("no value becomes a flag: each argument is a preset or a flag with its value", async () => {
  using folder = new TemporaryFolder();
  const dataDir = `${folder.path}/--fresh`;
  await Deno.mkdir(dataDir);
  const request = await requestOf(only({ preset: "lenet", dataDir, lrDrops: "100", existing: "resume" }));
  const args = lotteryArguments(request, `${folder.path}/--json`);
  const flags: readonly Flag[] = [
    ...settings.map(({ flag }) => ({ flag, value: "X", description: "" })),
    ...["--runs", "--data-dir", "--config"].map((flag) => ({ flag, value: "X", description: "" })),
    ...["--fresh", "--resume", "--json"].map((flag) => ({ flag, description: "" })),
  ];
  assert.deepEqual(parseArguments(args, flags, 1), {
    positionals: ["lenet"],
    values: new Map([
      ["--lr-drops", "100"],
      ["--runs", `${folder.path}/--json`],
      ["--data-dir", dataDir],
      ["--resume", ""],
    ]),
  });
  await holds(
    fc.asyncProperty(fc.constantFrom(...settings), fc.constantFrom("--fresh", "--json", "-h", "--lr=1"), async (
      { key },
      text,
    ) => {
      const { request } = await readRunForm(only({ preset: "lenet", [key]: text }));
      assert.equal(request, undefined);
    }),
  );
});
