/** Stopping `lottery` from outside, and going on by itself, in process; `tests/store/kill_test.ts` has the real signals. */
import assert from "node:assert/strict";
import { lotteryCommand, type LotteryTools } from "../../src/cli/lottery.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { DeviceLostError } from "../../src/gpu/errors.ts";
import type { LotteryOptions } from "../../src/lottery/lottery.ts";
import { fakeLottery, type FakeOptions } from "../store/fake_lottery.ts";
import { filesBelow, TemporaryFolder } from "../store/folders.ts";
import { type Remembered, rememberingConsole } from "./console.ts";

const dataset = await syntheticDataset({ height: 4, width: 4, train: 300, test: 50 });
const small = [
  ...["--dataset", "synthetic", "--train-size", "200", "--validation-size", "100"],
  ...["--iterations", "50", "--eval-every", "20", "--levels", "1"],
];

function fake({ snapshot, signal }: LotteryOptions): FakeOptions {
  return { partial: true, ...(snapshot ? { snapshot } : {}), ...(signal ? { signal } : {}) };
}

async function run(
  runs: string,
  tools: Partial<LotteryTools> = {},
  ...more: readonly string[]
): Promise<Remembered & { readonly code: number }> {
  const console = rememberingConsole();
  const code = await lotteryCommand([...small, "--runs", runs, ...more], {
    console,
    lottery: (config, options) => fakeLottery(config, fake(options)),
    loadDataset: () => Promise.resolve(dataset),
    signal: new AbortController().signal,
    ...tools,
  });
  return { ...console, code };
}

async function metricsOf(runs: string): Promise<[string, Uint8Array][]> {
  return [...await filesBelow(runs)].filter(([name]) => name.endsWith(".jsonl"));
}

Deno.test("a file `stop` in the run's folder ends the command with 130, and it says from where the run goes on", async () => {
  using runs = new TemporaryFolder();
  const tools: Partial<LotteryTools> = {
    async *lottery(config, options) {
      for await (const event of fakeLottery(config, fake(options))) {
        yield event;
        if (event.type !== "snapshot" || event.snapshot.partial?.[0]?.iteration !== 20) continue;
        const [run] = [...Deno.readDirSync(runs.path)];
        await Deno.writeTextFile(`${runs.path}/${run?.name}/stop`, "");
        // The folder is searched once a second.
        await new Promise((resolve) => setTimeout(resolve, 1100));
      }
    },
  };
  const { code, errors } = await run(runs.path, tools);
  assert.equal(code, 130);
  assert.match(errors(), /Stopping after this step/);
  assert.match(
    errors(),
    /Stopped\. What was trained is in .*; the same command with --resume goes on from iteration 40 of level 0\./,
  );
  assert.ok(![...(await filesBelow(runs.path)).keys()].some((name) => name.endsWith("/stop")));
  const resumed = await run(runs.path, {}, "--resume");
  assert.equal(resumed.code, 0);
  assert.match(resumed.errors(), /^Level 0 of 1: 100\.0 % of the weights, ticket, from iteration 40$/m);
  using whole = new TemporaryFolder();
  await run(whole.path);
  assert.deepEqual(await metricsOf(runs.path), await metricsOf(whole.path));
});

Deno.test("a lost device is a warning, and the run goes on by itself from its last checkpoint", async () => {
  using runs = new TemporaryFolder();
  let sessions = 0;
  const tools: Partial<LotteryTools> = {
    async *lottery(config, options) {
      const isFirst = sessions++ === 0;
      for await (const event of fakeLottery(config, fake(options))) {
        yield event;
        if (isFirst && event.type === "progress" && event.level === 1 && event.iteration === 40) {
          throw new DeviceLostError(
            "The GPU was lost (injected). Run again with --resume to go on from what is finished.",
          );
        }
      }
    },
  };
  const { code, errors } = await run(runs.path, tools);
  assert.equal(code, 0);
  assert.equal(sessions, 2);
  assert.match(
    errors(),
    /^Warning: The GPU was lost \(injected\)\. Opening it again, to go on from iteration 20 of level 1\.$/m,
  );
  using whole = new TemporaryFolder();
  await run(whole.path);
  assert.deepEqual(await metricsOf(runs.path), await metricsOf(whole.path));
});

Deno.test("--checkpoint-seconds reaches the loop, and is refused when it is no number of seconds", async () => {
  using runs = new TemporaryFolder();
  const seen: (number | undefined)[] = [];
  const tools: Partial<LotteryTools> = {
    lottery: (config, options) => {
      seen.push(options.checkpointSeconds);
      return fakeLottery(config, fake(options));
    },
  };
  await run(`${runs.path}/a`, tools);
  await run(`${runs.path}/b`, tools, "--checkpoint-seconds", "2.5");
  assert.deepEqual(seen, [undefined, 2.5]);
  for (const wrong of ["soon", "-1", " ", "Infinity"]) {
    await assert.rejects(run(`${runs.path}/c`, tools, `--checkpoint-seconds=${wrong}`), {
      name: "UsageError",
      message: /--checkpoint-seconds is .*a number of seconds, 0 or more/,
    });
  }
});
