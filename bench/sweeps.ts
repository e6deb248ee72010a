/**
 * What sweeps of 1,000 runs cost beside the training: expanding a file's axes and giving the runs their ids, with as many runs on
 * disk; and the commands `sweep … --dry-run` and `sweep status` as processes of their own, their start included. The runs are
 * finished, with summaries as large as the paper's: 20 levels, three replicates, two arms.
 *
 * Run: `deno task bench:sweeps`
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { summarize } from "../src/analysis/summary.ts";
import { planChooser } from "../src/cli/lottery_plan.ts";
import { sha256 } from "../src/data/sha256.ts";
import { loadDataset } from "../src/data/load.ts";
import type { LotteryConfig } from "../src/lottery/config.ts";
import { planHashOf } from "../src/lottery/plan_table.ts";
import { wantedNetworks } from "../src/lottery/wanted.ts";
import { planTable } from "../src/nn/plan.ts";
import type { Manifest } from "../src/store/manifest.ts";
import { writeSweep } from "../src/store/sweeps.ts";
import { expandDefinition } from "../src/sweeps/definition.ts";
import { identifyRuns } from "../src/sweeps/identify.ts";
import type { SweepRun } from "../src/sweeps/sweep.ts";
import { spread } from "./spread.ts";

/** How often each is timed. */
const rounds = 7;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const definition = {
  name: "thousand",
  preset: "lenet",
  base: { levels: 19, replicates: 3, reinitDraws: 1 },
  axes: {
    lr: { from: 0.0001, to: 0.01, count: 10, spacing: "log" },
    batchSize: { from: 20, to: 200, step: 20 },
    pruneDense: { from: 0.05, to: 0.5, step: 0.05 },
  },
};

const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "winnow-bench-" });
try {
  const runs = join(folder, "runs");
  const file = join(folder, "thousand.json");
  await Deno.writeTextFile(file, JSON.stringify(definition));
  const data = await loadDataset("mnist");
  const identify = async (): Promise<SweepRun[]> => {
    const choose = await planChooser(runs, undefined);
    return await identifyRuns(expandDefinition(definition, "thousand").runs, {
      digests: new Map([["mnist", data.digest]]),
      planHashOfRun: async ({ config }, digest) => (await choose(config, digest)).hash,
    });
  };
  const list = await identify();
  const planHash = await planHashOf(planTable);
  for (const { id, config } of list) await record(runs, id, config, planHash, data);
  await writeSweep(runs, { key: "thousand", title: "Bench", source: { type: "file", definition }, runs: list });
  console.log(`${list.length} runs, all of them on disk. Medians and ranges of ${rounds}:`);
  await time("expanding the file's axes", () => Promise.resolve(expandDefinition(definition, "thousand")));
  await time("expanding, and giving the runs their ids", identify);
  await time("sweep FILE --dry-run, as a process", () => sweep(file, "--dry-run", "--runs", runs));
  await time("sweep status, as a process", () => sweep("status", "thousand", "--runs", runs));
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function time(what: string, work: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const began = performance.now();
    await work();
    // The first one compiles, and brings the files into memory.
    if (round > 0) times.push(performance.now() - began);
  }
  const { median, minimum, maximum } = spread(times);
  console.log(`- ${what}: ${median.toFixed(0)} ms (${minimum.toFixed(0)}–${maximum.toFixed(0)})`);
}

async function sweep(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command("deno", {
    args: ["run", "--no-prompt", "--allow-read", "src/cli/winnow.ts", "sweep", ...args],
    cwd: root,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`sweep ${args.join(" ")} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
}

/** A finished run. What its networks came to is made up; only how much it is matters. */
async function record(
  runs: string,
  id: string,
  config: LotteryConfig,
  planHash: string,
  { name, digest, original, files }: Manifest["data"],
): Promise<void> {
  const adapter = { name: "bench", driver: "bench", kind: "software" } as const;
  const own = join(runs, id);
  await Deno.mkdir(own, { recursive: true });
  const layers = [["dense1", 235_200], ["dense2", 30_000], ["dense3", 1_000]] as const;
  const plan = Object.fromEntries(layers.map(([layer]) => [layer, "masked-dense"]));
  const digits = new Uint8Array(new TextEncoder().encode(id));
  const accuracy = 0.97 + parseInt((await sha256(digits)).slice(0, 2), 16) / 1e4;
  const summary = summarize({ id, config, adapter }, {
    records: wantedNetworks(config).map((network) => ({
      ...network,
      seed: config.seed + network.replicate - 1,
      status: "ok" as const,
      divergedAt: null,
      remaining: 0.8 ** network.level,
      layers: layers.map(([layer, size]) => ({ name: layer, size, kept: Math.round(size * 0.8 ** network.level) })),
      earlyStopIteration: 5_000 + 100 * network.level,
      validationLossAtEarlyStop: 0.0712345678,
      testAccuracyAtEarlyStop: accuracy,
      trainAccuracyAtEarlyStop: 0.9912345,
      testAccuracyAtEnd: accuracy,
      trainAccuracyAtEnd: 1,
    })),
    timings: Array.from({ length: config.levels + 1 }, (_, level) => ({ level, seconds: 100.5, stepMs: 2.51, plan })),
  });
  const manifest: Manifest = {
    schema: 2,
    id,
    adapter,
    data: { name, digest, original, files },
    planHash,
    plan: { from: "shipped", table: planTable },
    sessions: [],
  };
  for (const [path, value] of [["config", config], ["manifest", manifest], ["summary", summary]] as const) {
    await Deno.writeTextFile(join(own, `${path}.json`), `${JSON.stringify(value, null, 2)}\n`);
  }
}
