/**
 * Sweeps through a real Slurm: the little cluster of `examples/slurm`, started for these tests and stopped by them. `deno task
 * test:slurm` runs them (`-- --nightly` the long ones too); the name keeps them out of `deno task test`. Left out where Slurm or
 * MUNGE is not installed.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readSettings } from "../../src/store/run_files.ts";
import { listAttempts, listSubmissions, logFile, readSweep } from "../../src/store/sweeps.ts";
import type { Attempt } from "../../src/sweeps/sweep.ts";
import { isNightly } from "../nightly.ts";
import { filesBelow } from "../store/folders.ts";
import { lotteryPermissions } from "../../src/cli/permissions.ts";
import { hasPendingUsr2, isInstalled, LittleCluster, project } from "./little_cluster.ts";

const ignore = !(await isInstalled());
if (ignore) console.log("Slurm and MUNGE are not installed here, so the tests with them are left out.");

/** Eight runs of three levels with a control, a second or two of training each, and a checkpoint with every wait. */
const definition = {
  name: "faults",
  preset: "lenet-quick",
  base: {
    ...{ dataset: "synthetic", width: 0.1, iterations: 100, evalEvery: 20, levels: 2, replicates: 1, batchSize: 20 },
    ...{ trainSize: 1500, validationSize: 500, controls: ["reinit"], reinitDraws: 1, saveFinals: "all" },
  },
  axes: { lr: [0.002, 0.004, 0.006, 0.008] },
  seeds: 2,
};
const often = ["--checkpoint-seconds", "0"];

/** What a batch script says first of all, so that its start can be told from the task's. */
const setup = ['echo "script: $(date +%s.%3N)"'];

Deno.test({
  name:
    "eight runs, one cancelled, one killed, one stopped by its time limit, the node's daemon restarted: all come out as a local sweep's",
  ignore,
  async fn() {
    await using cluster = await LittleCluster.start();
    const folder = await cluster.folder("slurm");
    const runs = join(folder, "runs");
    const file = await cluster.file("faults.json", definition);
    const profile = await cluster.file("profile.json", { time: "1", signalSeconds: 55, setup });
    const submitted = await cluster.sweep(folder, file, "--engine", "slurm", "--profile", profile, ...often);
    assert.equal(submitted.code, 0, submitted.err);
    const record = await readSweep(runs, "faults");
    assert.equal(record?.runs.length, 8, submitted.err);
    const [limited = "", killed = "", cancelled = "", daemon = ""] = record.runs.map(({ id }) => id);

    /** An attempt at a run, while it trains. */
    const atWork = async (id: string): Promise<Attempt> => {
      let found: Attempt | undefined;
      await cluster.until(`${id} trains`, async () => {
        found = (await listAttempts(runs, "faults", id)).find((own) => own.trained !== null && own.ended === null);
        return found !== undefined;
      });
      assert.ok(found);
      return found;
    };
    /** How an attempt ended. */
    const ended = async ({ id, pid }: Attempt): Promise<Attempt> => {
      let found: Attempt | undefined;
      await cluster.until(`the process ${pid} of ${id} has ended`, async () => {
        found = (await listAttempts(runs, "faults", id)).find((own) => own.pid === pid && own.ended !== null);
        return found !== undefined;
      });
      assert.ok(found);
      return found;
    };
    await Promise.all([
      // Slurm looks at time limits every half minute. Until then the process stands still; then it sees that it is to stop.
      (async () => {
        const attempt = await atWork(limited);
        await cluster.signal("STOP", attempt.pid);
        await cluster.until("Slurm tells a task of its time limit", () => hasPendingUsr2(attempt.pid));
        await cluster.signal("CONT", attempt.pid);
        assert.equal((await ended(attempt)).outcome, "stopped");
      })(),
      (async () => await cluster.signal("KILL", (await atWork(killed)).pid))(),
      (async () => {
        const attempt = await atWork(cancelled);
        await cluster.slurm("scancel", attempt.job ?? "");
        assert.equal((await ended(attempt)).outcome, "stopped");
      })(),
      (async () => {
        const attempt = await atWork(daemon);
        await cluster.restart("slurmd");
        assert.notEqual((await ended(attempt)).outcome, "failed", "the task did not hear of it");
      })(),
    ]);
    await cluster.until("the queue is empty", async () => (await queueOf(cluster)) === "", 90);
    assert.deepEqual(
      (await statusOf(cluster, folder)).map(({ id, state }) => [id, state]),
      record.runs.map(({ id }) => [id, id === cancelled ? "stopped" : "finished"]),
      await cluster.logs(),
    );

    const again = await cluster.sweep(folder, "resubmit", "faults");
    assert.equal(again.code, 0, again.err);
    await cluster.until("all runs are finished", async () => {
      return (await statusOf(cluster, folder)).every(({ state }) => state === "finished");
    });
    await cluster.until("the queue is empty", async () => (await queueOf(cluster)) === "");

    const attempts = new Map<string, Attempt[]>();
    for (const { id } of record.runs) attempts.set(id, await listAttempts(runs, "faults", id));
    for (const [id, own] of attempts) {
      assert.equal(own.at(-1)?.outcome, "finished", id);
      for (const [index, { ended, outcome }] of own.slice(0, -1).entries()) {
        assert.equal(
          outcome,
          id === killed && ended === null ? null : "stopped",
          "one is killed, some are stopped, none fails",
        );
        const next = own[index + 1];
        assert.ok(next && (ended ?? "") <= next.started, `two processes at ${id} at once`);
      }
      const { manifest } = await readSettings(join(runs, id), id);
      assert.equal(
        manifest?.sessions.length,
        own.filter(({ trained }) => trained !== null).length,
        `sessions of ${id}`,
      );
      const lines = (await Deno.readTextFile(join(runs, id, "metrics.jsonl"))).trimEnd().split("\n");
      assert.equal(new Set(lines).size, lines.length, `${id} has an evaluation twice`);
    }
    assert.equal(attempts.get(killed)?.filter(({ outcome }) => outcome === null).length, 1);
    const jobs = new Set(attempts.get(cancelled)?.map(({ job }) => job?.split("_")[0]));
    assert.equal(jobs.size, 2, "the cancelled run was submitted twice, and no other");
    const submissions = await listSubmissions(runs, "faults");
    assert.deepEqual(submissions.map(({ tasks }) => tasks.length), [8, 1]);
    for (const submission of submissions) {
      for (const [index, { id }] of submission.tasks.entries()) {
        const log = await Deno.readTextFile(logFile(runs, submission, index));
        assert.doesNotMatch(log, /debugger|inspector/i, `a signal opens a port of ${id}`);
      }
    }

    const local = await cluster.folder("local");
    const started = await cluster.sweep(local, file);
    assert.equal(started.code, 0, started.err);
    await assertEqual(join(local, "runs"), runs);

    await printOverhead(runs, [...attempts.values()].flat());
    const config = join(runs, limited, "config.json");
    console.log(
      `  the same run by \`lottery\`: ${
        (await lotteryStart(await cluster.folder("alone"), config)).toFixed(2)
      } s to training`,
    );
  },
});

Deno.test({
  name:
    "controls in tasks of their own come to the bytes of controls beside their tickets, and wait for no tickets that were cancelled",
  ignore,
  async fn() {
    await using cluster = await LittleCluster.start();
    const folder = await cluster.folder("after");
    const runs = join(folder, "runs");
    const base = { ...definition.base, levels: 1, iterations: 60 };
    const file = await cluster.file("after.json", { ...definition, name: "after", base, axes: {} });
    const submitted = await cluster.sweep(folder, file, "--engine", "slurm", "--controls-after");
    assert.equal(submitted.code, 0, submitted.err);
    const [tickets, controls] = await listSubmissions(runs, "after");
    assert.ok(tickets?.job && controls?.job, submitted.err);
    await cluster.slurm("scancel", `${tickets.job}_1`);
    await cluster.until("the queue is empty", async () => (await queueOf(cluster)) === "");
    const [first, second] = await statusOf(cluster, folder, "after");
    assert.equal(first?.state, "finished", await cluster.logs());
    assert.notEqual(second?.state, "finished", "nobody has trained its tickets");
    const jobs = (await listAttempts(runs, "after", first.id)).map(({ job }) => job);
    assert.deepEqual(jobs, [`${tickets.job}_0`, `${controls.job}_0`], "one task after the other");

    const again = await cluster.sweep(folder, "resubmit", "after");
    assert.equal(again.code, 0, again.err);
    await cluster.until("the queue is empty", async () => (await queueOf(cluster)) === "");
    const states = (await statusOf(cluster, folder, "after")).map(({ state }) => state);
    assert.deepEqual(states, ["finished", "finished"], await cluster.logs());
    const local = await cluster.folder("local");
    const started = await cluster.sweep(local, file);
    assert.equal(started.code, 0, started.err);
    // A ticket says with which settings it was made, and those had no controls then.
    await assertEqual(join(local, "runs"), runs, { metadata: false });
  },
});

Deno.test({
  name: "a thousand runs are submitted as one array, and cancelled, by one command each",
  ignore,
  async fn() {
    await using cluster = await LittleCluster.start();
    const folder = await cluster.folder("many");
    const file = await cluster.file("many.json", { ...definition, name: "many", axes: {}, seeds: 1000 });
    const profile = await cluster.file("held.json", { options: ["--hold"] });
    const began = performance.now();
    const submitted = await cluster.sweep(folder, file, "--engine", "slurm", "--profile", profile);
    assert.equal(submitted.code, 0, submitted.err);
    const submittedAfter = performance.now();
    const states = (await statusOf(cluster, folder, "many")).map(({ state }) => state);
    const knownAfter = performance.now();
    assert.deepEqual([states.length, new Set(states)], [1000, new Set(["waiting"])]);
    const cancelled = await cluster.sweep(folder, "cancel", "many");
    assert.equal(cancelled.code, 0, cancelled.err);
    await cluster.until("the queue is empty", async () => (await queueOf(cluster)) === "");
    const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`;
    console.log(
      `  1,000 tasks: submitted in ${seconds(began, submittedAfter)}, status in ${
        seconds(submittedAfter, knownAfter)
      }, ` +
        `cancelled in ${seconds(knownAfter, performance.now())}, each with its own start of Deno`,
    );
  },
});

Deno.test({
  name: "the real end of a time limit stops a task with a checkpoint, and a controller that goes away loses none",
  ignore: ignore || !isNightly,
  async fn() {
    await using cluster = await LittleCluster.start();
    const folder = await cluster.folder("limit");
    const runs = join(folder, "runs");
    const long = { ...definition, name: "limit", axes: {}, seeds: 2, base: { ...definition.base, iterations: 20_000 } };
    const file = await cluster.file("limit.json", long);
    const submitted = await cluster.sweep(
      folder,
      file,
      "--engine",
      "slurm",
      "--time",
      "1",
      "--signal-seconds",
      "0",
      ...often,
    );
    assert.equal(submitted.code, 0, submitted.err);
    await cluster.until("both train", async () => {
      return (await listAttempts(runs, "limit")).filter(({ trained }) => trained !== null).length === 2;
    });
    await cluster.restart("slurmctld");
    await cluster.until("both have run out of time", async () => {
      return (await listAttempts(runs, "limit")).every(({ outcome }) => outcome === "stopped");
    }, 150);
    await cluster.until("Slurm says why", async () => {
      const status = await statusOf(cluster, folder, "limit");
      return status.every(({ state, detail }) => state === "stopped" && detail?.startsWith("TIMEOUT") === true);
    });
  },
});

/** A run as `sweep status --json` has it. */
interface RunState {
  readonly id: string;
  readonly state: string;
  readonly detail: string | null;
}

async function statusOf(cluster: LittleCluster, folder: string, key = "faults"): Promise<RunState[]> {
  const { code, out, err } = await cluster.sweep(folder, "status", key, "--json");
  assert.equal(code, 0, err);
  const status: { readonly runs: readonly RunState[] } = JSON.parse(out);
  return status.runs.map(({ id, state, detail }) => ({ id, state, detail }));
}

/** Tasks that wait or run. */
async function queueOf(cluster: LittleCluster): Promise<string> {
  return await cluster.slurm("squeue", "--noheader", "--array", "--format=%i");
}

/** That two folders of runs have the same bytes in all files that last, perhaps but for the metadata of tickets and finals. */
async function assertEqual(folder: string, other: string, { metadata = true } = {}): Promise<void> {
  const [own, others] = await Promise.all([lasting(folder, metadata), lasting(other, metadata)]);
  assert.deepEqual([...own.keys()], [...others.keys()]);
  const differing = [...own].filter(([name, text]) => text !== others.get(name)).map(([name]) => name);
  assert.deepEqual(differing, []);
}

/** What must be equal: all files of all runs but those of sessions and times, and the summaries without their times. */
async function lasting(runs: string, metadata: boolean): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const [name, bytes] of await filesBelow(runs)) {
    if (/^sweeps\/|checkpoint|manifest\.json$|timings\.jsonl$|index\.sqlite/.test(name)) continue;
    const isTime = /^(timing|stepMs)$/;
    files.set(
      name,
      name.endsWith("summary.json")
        ? JSON.stringify(
          JSON.parse(new TextDecoder().decode(bytes), (key, value: unknown) => isTime.test(key) ? null : value),
        )
        : (metadata ? bytes : withoutMetadata(name, bytes)).toHex(),
    );
  }
  return files;
}

/** A file of tensors without its header, which has the metadata. */
function withoutMetadata(name: string, bytes: Uint8Array): Uint8Array {
  if (!name.endsWith(".safetensors")) return bytes;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return bytes.subarray(8 + length);
}

/** What tasks took beside Slurm: from the batch script's beginning to the process's, and to that of training. */
async function printOverhead(runs: string, attempts: readonly Attempt[]): Promise<void> {
  const toProcess: number[] = [];
  const toTraining: number[] = [];
  for (const submission of await listSubmissions(runs, "faults")) {
    for (const index of submission.tasks.keys()) {
      const log = await Deno.readTextFile(logFile(runs, submission, index));
      const own = attempts.filter(({ job }) => job === `${submission.job}_${index}`);
      for (const [start, match] of [...log.matchAll(/^script: ([\d.]+)$/gm)].entries()) {
        const attempt = own.find(({ restarts }) => restarts === start);
        if (attempt?.trained === undefined || attempt.trained === null) continue;
        toProcess.push(Date.parse(attempt.started) / 1000 - Number(match[1]));
        toTraining.push(Date.parse(attempt.trained) / 1000 - Number(match[1]));
      }
    }
  }
  const words = (values: number[]): string => {
    const sorted = values.toSorted((a, b) => a - b);
    return `${sorted[Math.floor(sorted.length / 2)]?.toFixed(2)} s in the median, at most ${
      sorted.at(-1)?.toFixed(2)
    } s`;
  };
  console.log(
    `  ${toTraining.length} starts: batch script to process ${words(toProcess)}; to training ${words(toTraining)}`,
  );
}

/** How long the command `lottery` takes from its process's start to its training's. */
async function lotteryStart(folder: string, config: string): Promise<number> {
  const began = performance.now();
  await using command = new Deno.Command("deno", {
    args: [
      ...["run", "--quiet", "--no-prompt", ...lotteryPermissions(folder), join(project, "src", "cli", "winnow.ts")],
      ...["lottery", "--config", config, "--runs", join(folder, "runs")],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let said = "";
  for await (const text of command.stderr.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("Level 0 of")) return (performance.now() - began) / 1000;
  }
  throw new Error(`It does not train: ${said}`);
}
