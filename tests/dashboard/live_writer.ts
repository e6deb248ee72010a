/**
 * A process that records a run slowly: an evaluation, a wait, and so on. Prints the run's id when it has started, and a line per
 * evaluation with the time after it was written.
 *
 * Run: `deno run live_writer.ts RUNS WAIT_MS`
 *
 * @module
 */
import { runId } from "../../src/lottery/config.ts";
import { RunStore } from "../../src/store/run_store.ts";
import { tinyConfig } from "../store/fake_lottery.ts";
import { plannedLottery } from "../store/recorded_runs.ts";

const [runs = "", wait = "100"] = Deno.args;
const config = tinyConfig({ seed: 4242, replicates: 2 });
const id = await runId(config, { dataDigest: "d", planHash: "p" });
const dataset = { name: config.dataset, digest: "d", original: true, files: [] };
await using store = await RunStore.open(runs, { id, config, dataset, planHash: "p" });
for await (const event of plannedLottery(config)) {
  await store.record(event);
  if (event.type === "start") console.log(`start ${id} ${Date.now()}`);
  if (event.type === "level-end") console.log(`level ${event.level} ${Date.now()}`);
  if (event.type !== "evaluation") continue;
  console.log(`evaluation ${event.evaluation.iteration} ${Date.now()}`);
  await new Promise((resolve) => setTimeout(resolve, Number(wait)));
  if (await store.stopRequested()) break;
}
