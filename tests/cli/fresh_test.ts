/** Two equal configurations meet in the same run; `--fresh` makes another beside it, and `runs show` says how to make it again. */
import assert from "node:assert/strict";
import { lotteryCommand } from "../../src/cli/lottery.ts";
import { runsCommand } from "../../src/cli/runs.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { runIds } from "../../src/store/index.ts";
import { fakeLottery } from "../store/fake_lottery.ts";
import { filesBelow, TemporaryFolder } from "../store/folders.ts";
import { type Remembered, rememberingConsole } from "./console.ts";

const dataset = await syntheticDataset({ height: 4, width: 4, train: 300, test: 50 });
const small = "--dataset synthetic --train-size 200 --validation-size 100 --iterations 50 --eval-every 20 --levels 1"
  .split(" ");

/** Runs `lottery`, or its beginning: `levels` are trained before it fails. */
async function run(args: readonly string[], levels = Infinity): Promise<Remembered> {
  const console = rememberingConsole();
  await lotteryCommand(args, {
    console,
    async *lottery(config, { snapshot, signal }) {
      let done = 0;
      for await (
        const event of fakeLottery(config, { ...(snapshot ? { snapshot } : {}), ...(signal ? { signal } : {}) })
      ) {
        yield event;
        if (event.type === "snapshot" && ++done >= levels) throw new Error("The power went.");
      }
    },
    loadDataset: () => Promise.resolve(dataset),
    signal: new AbortController().signal,
  });
  return console;
}

Deno.test("--fresh makes a run beside the finished one of the same settings, with a number, and changes nothing of it", async () => {
  using runs = new TemporaryFolder();
  const args = [...small, "--runs", runs.path];
  await run([...args, "--fresh"]);
  const [id = "", ...none] = runIds(runs.path);
  assert.deepEqual(none, [], "where there is none yet, the run has no number");
  assert.match((await run(args)).errors(), new RegExp(`Run ${id} is finished already .*--fresh`));
  const before = await filesBelow(`${runs.path}/${id}`);
  await run([...args, "--fresh"]);
  await run([...args, "--fresh"]);
  assert.deepEqual(runIds(runs.path), [id, `${id}-2`, `${id}-3`]);
  assert.deepEqual(await filesBelow(`${runs.path}/${id}`), before);
  const metrics = (own: string): Promise<string> => Deno.readTextFile(`${runs.path}/${own}/metrics.jsonl`);
  assert.equal(await metrics(`${id}-2`), await metrics(id));
  const summary = JSON.parse(await Deno.readTextFile(`${runs.path}/${id}-2/summary.json`));
  assert.equal(summary.id, `${id}-2`);
  const console = rememberingConsole();
  await runsCommand(["show", `${id}-2`, "--runs", runs.path], { console });
  assert.match(console.output(), /^again +deno task lottery lenet-quick .* --fresh$/m);
});

Deno.test("an unfinished run offers --resume and --fresh; --fresh --resume goes on with the newest", async () => {
  using runs = new TemporaryFolder();
  const args = [...small, "--runs", runs.path];
  await assert.rejects(run(args, 1), /power/);
  const [id = ""] = runIds(runs.path);
  await assert.rejects(run(args), /with 1 of 3 networks trained .*--resume .*--fresh/);
  await assert.rejects(run([...args, "--fresh"], 1), /power/);
  await run([...args, "--fresh", "--resume"]);
  const isFinished = async (own: string): Promise<boolean> =>
    (await filesBelow(`${runs.path}/${own}`)).has("summary.json");
  assert.deepEqual([await isFinished(id), await isFinished(`${id}-2`)], [false, true]);
  await run([...args, "--resume"]);
  assert.equal(await isFinished(id), true);
  // A number in between that was freed is not given to another run.
  await run([...args, "--fresh"]);
  await Deno.remove(`${runs.path}/${id}-2`, { recursive: true });
  await run([...args, "--fresh"]);
  assert.deepEqual(runIds(runs.path), [id, `${id}-3`, `${id}-4`]);
});

Deno.test("the command that `runs show` prints meets the run that it was printed for", async () => {
  using runs = new TemporaryFolder();
  const settings: readonly (readonly string[])[] = [
    [],
    ["--controls", "none", "--lr", "3e-7", "--rewind", "30"],
    ["--optimizer", "sgd", "--momentum", "0.9", "--lr-drops", "10,20", "--augment", "true", "--seed", "0"],
    ["conv2", "--width", "0.25", "--dropout", "0.5", "--prune-conv", "0"],
  ];
  for (const own of settings) {
    const { errors } = await run([...own, ...small, "--replicates", "1", "--runs", runs.path]);
    const id = /Run (\S+) \(/.exec(errors())?.[1] ?? "";
    const console = rememberingConsole();
    await runsCommand(["show", id, "--runs", runs.path, "--json"], { console });
    const { command } = JSON.parse(console.output());
    const again = await run([...command.split(" ").slice(3), "--runs", runs.path], 0);
    assert.match(again.errors(), new RegExp(`Run ${id} is finished already`), command);
  }
});

Deno.test("a network of one's own is made again from the run's config.json", async () => {
  using runs = new TemporaryFolder();
  const file = `${runs.path}/my own.json`;
  const network = { name: "mine", layers: [{ type: "dense", units: 10, activation: "none" }] };
  await Deno.writeTextFile(file, JSON.stringify({ network }));
  await run([...small, "--config", file, "--runs", runs.path]);
  const [id = ""] = runIds(runs.path);
  const console = rememberingConsole();
  await runsCommand(["show", id, "--runs", runs.path, "--json"], { console });
  const { command } = JSON.parse(console.output());
  assert.equal(command, `deno task lottery --config ${runs.path}/${id}/config.json`);
  const again = await run([...command.split(" ").slice(3), "--runs", runs.path]);
  assert.match(again.errors(), new RegExp(`Run ${id} is finished already`));
});
