/** The command `lottery`, in process, with a stand-in for the training. */
import assert from "node:assert/strict";
import { describeControls } from "../../src/cli/controls.ts";
import { lotteryCommand, type LotteryTools } from "../../src/cli/lottery.ts";
import { main } from "../../src/cli/winnow.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { fakeLottery } from "../store/fake_lottery.ts";
import { filesBelow, TemporaryFolder } from "../store/folders.ts";
import { type Remembered, rememberingConsole } from "./console.ts";

const dataset = await syntheticDataset({ height: 4, width: 4, train: 300, test: 50 });
const small = ["--dataset", "synthetic", "--train-size", "200", "--validation-size", "100", "--iterations", "50"]
  .concat([
    "--eval-every",
    "20",
    "--levels",
    "2",
  ]);

interface Outcome extends Remembered {
  readonly code: number;
}

async function run(args: readonly string[], tools: Partial<LotteryTools> = {}, isTerminal = false): Promise<Outcome> {
  const console = rememberingConsole(isTerminal);
  const code = await lotteryCommand(args, {
    console,
    lottery: (config, { snapshot, signal }) =>
      fakeLottery(config, { ...(snapshot ? { snapshot } : {}), ...(signal ? { signal } : {}) }),
    loadDataset: () => Promise.resolve(dataset),
    signal: new AbortController().signal,
    ...tools,
  });
  return { ...console, code };
}

async function refusal(...args: string[]): Promise<string> {
  using runs = new TemporaryFolder();
  let message = "";
  await assert.rejects(run([...args, "--runs", runs.path]), (error) => {
    assert.ok(error instanceof Error);
    assert.equal(error.name, "UsageError");
    message = error.message;
    return true;
  });
  assert.deepEqual([...Deno.readDirSync(runs.path)], [], "nothing is written");
  assert.doesNotMatch(message, /\n/);
  return message;
}

Deno.test("lottery trains, records and ends with a table and the outcome in words", async () => {
  using runs = new TemporaryFolder();
  const { code, output, errors } = await run([...small, "--runs", runs.path]);
  assert.equal(code, 0);
  assert.match(
    output(),
    /^ *weights +early stop +test there +test at end +ms\/step\n +ticket +reinit +ticket +reinit +ticket +reinit$/m,
  );
  assert.match(output(), /Pruning helped: with 25\.0 % of the weights|Pruning helped: with 50\.0 % of the weights/);
  assert.match(output(), /Against reinit/);
  assert.match(output(), /One replicate/);
  assert.match(errors(), /Level 1 of 2: 50\.0 % of the weights, ticket, reinit/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(errors() + output(), /[\x00-\x09\x0b-\x1f]/, "no control characters where there is no terminal");
  assert.ok([...(await filesBelow(runs.path)).keys()].some((name) => name.endsWith("summary.json")));
});

Deno.test("on a terminal one line is drawn in place, and taken away before a table", async () => {
  using runs = new TemporaryFolder();
  const { errors } = await run([...small, "--runs", runs.path], {}, true);
  assert.ok(errors().includes("\r\x1b[Klevel 0/2  ━"));
  assert.ok(errors().includes("\r\x1b[K\x1b[?25hLevel 0:"));
  assert.doesNotMatch(errors(), /Level 0 of 2/);
});

Deno.test("--json leaves one object on standard output, the same as summary.json", async () => {
  using runs = new TemporaryFolder();
  const first = await run([...small, "--runs", runs.path, "--json"]);
  const [path] = [...(await filesBelow(runs.path)).entries()].filter(([name]) => name.endsWith("summary.json"));
  assert.deepEqual(JSON.parse(first.output()), JSON.parse(new TextDecoder().decode(path?.[1])));
  assert.match(first.errors(), /Pruning helped/);
  const again = await run([...small, "--runs", runs.path, "--json"]);
  assert.equal(again.output(), first.output());
});

Deno.test("a finished run is printed, not trained again", async () => {
  using runs = new TemporaryFolder();
  const first = await run([...small, "--runs", runs.path]);
  const again = await run([...small, "--runs", runs.path], {
    lottery: () => {
      throw new Error("trained again");
    },
  });
  assert.equal(again.code, 0);
  assert.match(again.errors(), /is finished already/);
  assert.equal(again.output().trim(), first.output().trim());
});

Deno.test("an unfinished run asks for --resume, and goes on with it", async () => {
  using runs = new TemporaryFolder();
  await run([...small, "--runs", runs.path, "--controls", "none"]);
  await assert.rejects(run([...small, "--runs", runs.path]), {
    name: "Error",
    message: /with 3 of 5 networks trained .*Add --resume/,
  });
  const { code, errors, output } = await run([...small, "--runs", runs.path, "--resume"]);
  assert.equal(code, 0);
  assert.match(errors(), /Going on with run/);
  assert.doesNotMatch(errors(), /Level 0 of 2/, "the dense level is not trained again");
  assert.match(output(), /Against reinit/);
});

Deno.test("stopped in the middle, the command says how to go on, and ends with 130", async () => {
  using runs = new TemporaryFolder();
  const controller = new AbortController();
  const tools: Partial<LotteryTools> = {
    signal: controller.signal,
    async *lottery(config, { signal }) {
      for await (const event of fakeLottery(config, signal ? { signal } : {})) {
        yield event;
        if (event.type === "progress" && event.level === 1) controller.abort(new DOMException("stop", "AbortError"));
      }
    },
  };
  const { code, errors } = await run([...small, "--runs", runs.path], tools);
  assert.equal(code, 130);
  assert.match(errors(), /Stopping after this step/);
  assert.match(errors(), /Stopped\. What was trained is in .* --resume goes on/);
  const resumed = await run([...small, "--runs", runs.path, "--resume"]);
  assert.equal(resumed.code, 0);
  using whole = new TemporaryFolder();
  const undisturbed = await run([...small, "--runs", whole.path]);
  assert.equal(resumed.output(), undisturbed.output());
});

Deno.test("stopped before training, nothing is written and the command says so", async () => {
  using runs = new TemporaryFolder();
  const controller = new AbortController();
  controller.abort(new DOMException("stop", "AbortError"));
  const { code, errors } = await run([...small, "--runs", runs.path], {
    signal: controller.signal,
    // deno-lint-ignore require-yield
    async *lottery(_, { signal }) {
      await Promise.resolve();
      signal?.throwIfAborted();
    },
  });
  assert.equal(code, 130);
  assert.match(errors(), /nothing was written/);
  assert.deepEqual([...Deno.readDirSync(runs.path)], []);
});

Deno.test("a failure of training passes through, and the run can be resumed", async () => {
  using runs = new TemporaryFolder();
  const failing: Partial<LotteryTools> = {
    async *lottery(config) {
      for await (const event of fakeLottery(config)) {
        yield event;
        if (event.type === "snapshot") throw new Error("The device was lost.");
      }
    },
  };
  await assert.rejects(run([...small, "--runs", runs.path], failing), /device was lost/);
  assert.equal((await run([...small, "--runs", runs.path, "--resume"])).code, 0);
});

Deno.test("--config takes settings from a file, flags override it, and a run's own config.json works", async () => {
  using runs = new TemporaryFolder();
  const file = `${runs.path}/my.json`;
  await Deno.writeTextFile(file, JSON.stringify({ preset: "lenet", dataset: "synthetic", levels: 1, iterations: 40 }));
  const args = ["--config", file, "--runs", `${runs.path}/r`, "--json", "--eval-every", "20", "--train-size", "200"];
  const first = await run([...args, "--validation-size", "100", "--replicates", "1"]);
  const { id, config } = JSON.parse(first.output());
  assert.deepEqual([config.preset, config.levels, config.evalEvery, config.reinitDraws], ["lenet", 1, 20, 3]);
  const again = await run(["--config", `${runs.path}/r/${id}/config.json`, "--runs", `${runs.path}/r`, "--json"]);
  assert.equal(again.output(), first.output());
});

Deno.test("--verbose prints what is allocated", async () => {
  using runs = new TemporaryFolder();
  assert.match((await run([...small, "--runs", runs.path, "--verbose"])).errors(), /parameters +1,024/);
});

Deno.test("--verbose prints the layers, and what a round prunes of each", async () => {
  using runs = new TemporaryFolder();
  const text = (await run([...small, "--runs", runs.path, "--verbose"])).errors();
  assert.match(text, /dense1 +6 +3 → 2 +40 %/);
  assert.match(text, /dense2 +4 +2 → 2 +20 %/);
});

Deno.test("the start of a run says which network it trains, and how", async () => {
  using runs = new TemporaryFolder();
  const { errors } = await run([
    ...small,
    "--warmup",
    "10",
    "--lr-drops",
    "30,40",
    "--rewind",
    "5",
    "--runs",
    runs.path,
  ]);
  assert.match(errors(), /^tiny, 10 weights: 2 × dense 2$/m);
  assert.match(
    errors(),
    /adam with a learning rate of 0\.0012 after 10 iterations of warmup, × 0\.1 at 30 and 40; .*iteration 5/,
  );
});

Deno.test("lists of iterations, true or false and names of networks reach the configuration", async () => {
  using runs = new TemporaryFolder();
  const args = [...small, "--runs", runs.path, "--json", "--network", "conv2", "--augment", "true", "--lr-drops"];
  const first = JSON.parse((await run([...args, "10,20", "--dropout", "0.5", "--prune-conv", "0.1"])).output());
  const { network, augment, lrDrops, dropout, pruneConv } = first.config;
  assert.deepEqual([network, augment, lrDrops, dropout, pruneConv], ["conv2", true, [10, 20], 0.5, 0.1]);
  const second = JSON.parse((await run([...args, "none"])).output());
  assert.deepEqual(second.config.lrDrops, []);
});

Deno.test("--config takes a network of one's own", async () => {
  using runs = new TemporaryFolder();
  const file = `${runs.path}/own.json`;
  const own = {
    name: "mine",
    layers: [{ type: "conv", channels: 3, activation: "relu" }, { type: "dense", units: 10, activation: "none" }],
  };
  await Deno.writeTextFile(file, JSON.stringify({ network: own }));
  const args = [...small, "--config", file, "--runs", runs.path, "--json"];
  assert.deepEqual(JSON.parse((await run(args)).output()).config.network, own);
  const write = (network: unknown): Promise<void> => Deno.writeTextFile(file, JSON.stringify({ network }));
  await write({ ...own, layers: own.layers.slice(0, 1) });
  assert.match(await refusal(...small, "--config", file), /lay out mine: .*last layer must be dense/);
  await write({ ...own, layers: [...own.layers.slice(0, 1), { ...own.layers[1], units: 7 }] });
  assert.match(await refusal(...small, "--config", file), /7 units, and there are 10 classes/);
  await write({ ...own, layers: [{ type: "conv", chanels: 3, activation: "relu" }] });
  assert.match(await refusal(...small, "--config", file), /layers\.0\.channels: /);
});

Deno.test("--help names every flag and the presets' values, with an example", async () => {
  const { code, output } = await run(["--help"]);
  assert.equal(code, 0);
  for (
    const flag of [
      "--train-size",
      "--lr",
      "--controls",
      "--save-finals",
      "--network",
      "--prune-conv",
      "--warmup",
      "--lr-drops",
      "--lr-drop-factor",
      "--dropout",
      "--augment",
      "--rewind",
      "--config",
      "--runs",
      "--plan",
      "--resume",
      "--json",
    ]
  ) {
    assert.match(output(), new RegExp(`^ {2}${flag}\\b`, "m"));
  }
  assert.match(output(), /deno task lottery lenet --iterations 20000/);
  assert.ok(output().includes(`\n${describeControls(100)}\n`), "the controls");
  assert.ok(output().split("\n").every((line) => line.length <= 110), "no line is longer than the terminal");
});

Deno.test("wrong arguments get one line that names the flag, the value and what is wanted; nothing is written", async () => {
  assert.match(await refusal("--levls", "3"), /no flag --levls\. Did you mean --levels\?/);
  assert.match(await refusal("lenet-qick"), /no preset "lenet-qick"\. Did you mean lenet-quick\?/);
  assert.match(await refusal("lenet", "again"), /"again"/);
  assert.match(await refusal("--lr", "0"), /--lr is 0, .* above 0 and at most 100/);
  assert.match(await refusal("--lr", "fast"), /--lr is "fast"/);
  assert.match(await refusal("--lr="), /--lr is ""/);
  assert.match(await refusal("--lr"), /--lr without a value: give --lr X/);
  assert.match(await refusal("--lr", "--json"), /--lr without a value/);
  assert.match(await refusal("--levels", "-1"), /--levels is -1, .* from 0 to 60/);
  assert.match(await refusal("--levels", "2.5"), /--levels is 2\.5, .* whole number/);
  assert.match(await refusal("--levels", "1", "--levels", "2"), /--levels twice/);
  assert.match(await refusal("--json=yes"), /--json has no value/);
  assert.match(await refusal("--controls", "randm"), /--controls/);
  assert.match(
    await refusal("--dataset", "imagenet"),
    /--dataset is "imagenet", .* mnist, fashion-mnist, cifar10, synthetic/,
  );
  assert.match(await refusal("--eval-every", "9999"), /--eval-every is 9999/);
  assert.match(await refusal("--batch-size", "100", "--train-size", "50"), /--batch-size is 100/);
  assert.match(await refusal("--momentum", "0.9"), /--momentum is 0\.9, and --optimizer adam has none/);
  assert.match(await refusal("--train-size", "250", "--validation-size", "51"), /--train-size 250.*has 300/);
  assert.match(await refusal("--network", "lenet5"), /--network is "lenet5", .* one of lenet, conv2, .*vgg19/);
  assert.match(await refusal("--augment", "yes"), /--augment is "yes", .* true or false/);
  assert.match(await refusal("--lr-drops", "10,x"), /--lr-drops is \[10,"x"\], .* list of whole numbers/);
  assert.match(await refusal("--lr-drops", "2400"), /--lr-drops is 2400.*from 1 to 2399, or none/);
  assert.match(await refusal("--warmup", "5000"), /--warmup is 5000, more than the 2400/);
  assert.match(await refusal("--rewind", "2400"), /--rewind is 2400.*at most 2399/);
  assert.match(await refusal(...small, "--network", "vgg19"), /lay out vgg-19: .*too small for a 2 × 2 pooling/);
  assert.match(await refusal("--config", "/nowhere.json"), /--config \/nowhere\.json/);
});

Deno.test("a config file that is not JSON, no object, or has an unknown setting is refused", async () => {
  using folder = new TemporaryFolder();
  const file = `${folder.path}/c.json`;
  for (
    const [text, wanted] of [["{", /not JSON/], ["[1]", /not an object/], [
      '{"levls": 1}',
      /no setting "levls"/,
    ]] as const
  ) {
    await Deno.writeTextFile(file, text);
    assert.match(await refusal("--config", file), wanted);
  }
});

Deno.test("exit codes: 0, 2 for wrong usage, 1 for failure, 130 when stopped", async () => {
  const { signal } = new AbortController();
  const exit = async (...args: string[]): Promise<[number, string]> => {
    const console = rememberingConsole();
    return [await main(args, console, signal), console.errors()];
  };
  assert.deepEqual(await exit("--help"), [0, ""]);
  assert.equal((await exit())[0], 2);
  assert.deepEqual(await exit("lotery"), [
    2,
    'Error: There is no command "lotery". Did you mean lottery? Choose one of lottery, experiment, sweep, runs, report, data, doctor, bench.\n',
  ]);
  assert.equal((await exit("lottery", "--lr", "0"))[0], 2);
  assert.equal((await exit("bench", "--replicates", "0"))[0], 2);
  assert.equal((await exit("doctor", "now"))[0], 2);
  const [code, message] = await exit("data", "mnist", "--data-dir", "/nowhere");
  assert.equal(code, 1);
  assert.match(message, /^Error: Cannot load mnist.*\/nowhere/);
});
