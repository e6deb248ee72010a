/** Sweeps on disk, and how they stand. */
import assert from "node:assert/strict";
import { RunLock } from "../../src/store/lock.ts";
import { planHashOf } from "../../src/lottery/plan_table.ts";
import { type LotteryConfig, runId } from "../../src/lottery/config.ts";
import { shippedPlan } from "../../src/store/manifest.ts";
import { runIds } from "../../src/store/index.ts";
import {
  engineLock,
  isSweepKey,
  listAttempts,
  listSubmissions,
  listSweeps,
  logFile,
  readSubmission,
  readSweep,
  readSweepStatus,
  readTask,
  runsOfSubmission,
  submissionName,
  sweepFolder,
  writeAttempt,
  writeSubmission,
  writeSweep,
} from "../../src/store/sweeps.ts";
import { countStates, type QueuedTask, type SweepRunState } from "../../src/sweeps/status.ts";
import type { Attempt, Submission, SweepRun } from "../../src/sweeps/sweep.ts";
import { tinyConfig } from "./fake_lottery.ts";
import { TemporaryFolder } from "./folders.ts";
import { recordRun } from "./recorded_runs.ts";

const identity = { dataDigest: "d", planHash: await planHashOf(shippedPlan.table) };

async function runOf(changes: Parameters<typeof tinyConfig>[0], name = "run"): Promise<SweepRun> {
  const config = tinyConfig(changes);
  return { name, config, id: await runId(config, identity) };
}

const source = { type: "experiment", name: "fig26", options: { scale: 0.1 } } as const;

function attemptAt(run: SweepRun, changes: Partial<Attempt> = {}): Attempt {
  return {
    schema: 1,
    id: run.id,
    submission: "2026-11-26T04-05-06-789Z",
    engine: "slurm",
    job: "12_0",
    restarts: 0,
    host: "gpu07",
    pid: 4711,
    started: "2026-11-26T04:05:07.000Z",
    trained: "2026-11-26T04:05:09.000Z",
    ended: null,
    outcome: null,
    error: null,
    ...changes,
  };
}

async function sweepOf(runs: string, own: readonly SweepRun[]): ReturnType<typeof writeSweep> {
  return await writeSweep(runs, { key: "rates", title: "Rates", source, runs: own });
}

function submissionOf(tasks: readonly SweepRun[], changes: Partial<Submission> = {}): Submission {
  return { schema: 1, sweep: "rates", name: "2026-11-26T04-05-06-789Z", engine: "local", tasks, ...changes };
}

Deno.test("a sweep is read as it was written, keeps when it was first made, and is no run", async () => {
  using runs = new TemporaryFolder();
  const [a, b] = [await runOf({ seed: 1 }, "seed 1"), await runOf({ seed: 2 }, "seed 2")];
  const first = await sweepOf(runs.path, [a]);
  assert.deepEqual(await readSweep(runs.path, "rates"), first);
  const second = await sweepOf(runs.path, [a, b]);
  assert.equal(second.created, first.created);
  assert.deepEqual((await readSweep(runs.path, "rates"))?.runs, [a, b]);
  await writeSweep(runs.path, {
    key: "more",
    title: "",
    source: { type: "file", definition: { seeds: 2 } },
    runs: [b],
  });
  await Deno.mkdir(`${runs.path}/sweeps/empty`);
  assert.deepEqual((await listSweeps(runs.path)).map(({ key }) => key), ["more", "rates"]);
  assert.deepEqual(runIds(runs.path), []);
});

Deno.test("what is no sweep's key never becomes a path", async () => {
  using runs = new TemporaryFolder();
  for (const key of ["", ".", "..", "../rates", "a/b", "Rates", ".hidden", "a".repeat(201)]) {
    assert.equal(isSweepKey(key), false, key);
    assert.equal(await readSweep(runs.path, key), undefined);
    assert.throws(() => sweepFolder(runs.path, key), { name: "RangeError", message: /Cannot look for the sweep/ });
  }
  await assert.rejects(listAttempts(runs.path, "rates", "../../etc"), /is no run's id/);
});

Deno.test("a damaged sweep, or one of another version, is none", async () => {
  using runs = new TemporaryFolder();
  const record = await sweepOf(runs.path, [await runOf({})]);
  const path = `${runs.path}/sweeps/rates/sweep.json`;
  const wrong = [
    "{",
    "[]",
    JSON.stringify({ ...record, schema: 2 }),
    JSON.stringify({ ...record, key: "other" }),
    JSON.stringify({ ...record, source: { type: "experiment", name: "fig26", options: { scale: "0.1" } } }),
    JSON.stringify({ ...record, runs: [{ ...record.runs[0], id: "../../x" }] }),
    JSON.stringify({ ...record, runs: [{ ...record.runs[0], config: { levels: -1 } }] }),
  ];
  for (const text of wrong) {
    await Deno.writeTextFile(path, text);
    assert.equal(await readSweep(runs.path, "rates"), undefined, text.slice(0, 80));
  }
  await Deno.writeTextFile(path, JSON.stringify(record));
  assert.deepEqual(await readSweep(runs.path, "rates"), record);
});

Deno.test("a submission is read as it was written, whole or one task of it", async () => {
  using runs = new TemporaryFolder();
  const tasks = [await runOf({ seed: 1 }, "seed 1"), await runOf({ seed: 2 }, "seed 2")];
  const submission = submissionOf(tasks, {
    dataDirs: { mnist: "/data" },
    digests: { synthetic: "d" },
    plan: "/plan.json",
    checkpointSeconds: 5,
    job: "77",
  });
  const path = await writeSubmission(runs.path, submission);
  assert.equal(runsOfSubmission(path), runs.path);
  assert.deepEqual(await readSubmission(path), submission);
  const { tasks: _, ...rest } = submission;
  assert.deepEqual(await readTask(path, 1), { submission: { ...rest, tasks: [] }, run: tasks[1] });
  await assert.rejects(readTask(path, 2), { name: "RangeError", message: /task 2 .* has 2 tasks, from 0 to 1/ });
  const later = submissionOf([], { name: submissionName(new Date(Date.UTC(2027, 0))) });
  await writeSubmission(runs.path, later);
  // What an engine keeps beside it is no submission.
  await Deno.writeTextFile(path.replace(/json$/, "slurm.json"), "{}");
  assert.deepEqual((await listSubmissions(runs.path, "rates")).map(({ name }) => name), [submission.name, later.name]);
  assert.equal(logFile(runs.path, submission, "%a"), `${runs.path}/sweeps/rates/logs/2026-11-26T04-05-06-789Z-%a.log`);
});

Deno.test("a file that is no submission is refused with its path and what is wrong", async () => {
  using runs = new TemporaryFolder();
  const submission = submissionOf([await runOf({})]);
  const path = await writeSubmission(runs.path, submission);
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ ...submission, schema: 2 }, /none of this version/],
    [{ ...submission, engine: "cron" }, /no sweep, name, engine or tasks/],
    [{ ...submission, name: "../x" }, /no sweep, name, engine or tasks/],
    [{ ...submission, dataDirs: { mnist: 3 } }, /dataDirs are \{"mnist":3\}/],
    [{ ...submission, checkpointSeconds: -1 }, /checkpointSeconds are -1/],
    [{ ...submission, tasks: [{ ...submission.tasks[0], config: { ...tinyConfig(), lr: 0 } }] }, /--lr is 0/],
  ];
  for (const [value, message] of wrong) {
    await Deno.writeTextFile(path, JSON.stringify(value));
    await assert.rejects(readSubmission(path), (error) => {
      assert.ok(error instanceof SyntaxError);
      assert.match(error.message, message);
      assert.ok(error.message.includes(path));
      return true;
    });
  }
  await assert.rejects(readSubmission(`${path}.gone`), /It is missing/);
});

Deno.test("attempts are files of their own: one that is written again replaces itself, and damage is passed over", async () => {
  using runs = new TemporaryFolder();
  const run = await runOf({});
  const other = await runOf({ seed: 9 });
  await writeAttempt(runs.path, "rates", attemptAt(run));
  const ended = attemptAt(run, { ended: "2026-11-26T04:06:00.000Z", outcome: "stopped" });
  const path = await writeAttempt(runs.path, "rates", ended);
  assert.match(path, /attempts\/.*\/2026-11-26T04-05-07-000Z-gpu07-4711\.json$/);
  const second = attemptAt(run, { started: "2026-11-26T05:00:00.000Z", host: "Some Host/..", pid: 3 });
  await writeAttempt(runs.path, "rates", second);
  await writeAttempt(runs.path, "rates", attemptAt(other, { started: "2026-11-26T04:30:00.000Z" }));
  await Deno.writeTextFile(`${runs.path}/sweeps/rates/attempts/${run.id}/9.json`, "{");
  assert.deepEqual(await listAttempts(runs.path, "rates", run.id), [ended, second]);
  assert.deepEqual((await listAttempts(runs.path, "rates")).map(({ id }) => id), [run.id, other.id, run.id]);
  assert.deepEqual(await listAttempts(runs.path, "nothing"), []);
});

Deno.test("a run is finished when its summary holds all that is wanted of it, and then tells what it came to", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { replicates: 2 });
  const states = async (changes: Partial<LotteryConfig>): Promise<unknown> => {
    const run = { ...await runOf({ replicates: 2 }), id, config: tinyConfig({ replicates: 2, ...changes }) };
    const { runs: [status] } = await readSweepStatus(runs.path, await sweepOf(runs.path, [run]));
    const { state, fraction, result } = status ?? assert.fail("no status");
    return { state, fraction: Math.round(fraction * 1000) / 1000, result };
  };
  const whole = {
    denseAccuracy: 0.9515,
    bestAccuracy: 0.9615,
    // Of 6 hidden and 4 output weights, 40 % and 20 % are pruned in each round: 4 and 3 are left, then 2 and 2.
    bestRemaining: 0.7,
    denseEarlyStop: 20,
    smallestWinning: 0.4,
  };
  const rounded = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (_, own) => typeof own === "number" ? Math.round(own * 1e4) / 1e4 : own));
  const finished = await states({});
  assert.deepEqual(rounded(finished), { state: "finished", fraction: 1, result: { ...whole } });
  // Of less that is wanted, the rest has no say.
  assert.deepEqual(rounded(await states({ levels: 1, replicates: 1, controls: [] })), {
    state: "finished",
    fraction: 1,
    result: { ...whole, denseAccuracy: 0.951, bestAccuracy: 0.961, smallestWinning: 0.7 },
  });
  assert.deepEqual(rounded(await states({ levels: 0 })), {
    state: "finished",
    fraction: 1,
    result: { ...whole, denseAccuracy: 0.9515, bestAccuracy: null, bestRemaining: null, smallestWinning: null },
  });
  // Of more that is wanted, what is there is told.
  assert.deepEqual(rounded(await states({ replicates: 4 })), { state: "stopped", fraction: 0.5, result: whole });
});

Deno.test("what is not finished waits, runs, was stopped or failed, by queue, lock and newest attempt", async () => {
  using runs = new TemporaryFolder();
  const seeds = Array.from({ length: 11 }, (_, index) => index + 1);
  const own = await Promise.all(seeds.map((seed) => runOf({ seed }, `seed ${seed}`)));
  const [queued, runningThere, killed, again, failed, stopped, inUse, locked, starting, absent, partial] = own;
  assert.ok(
    queued && runningThere && killed && again && failed && stopped && inUse && locked && starting && absent && partial,
  );
  const record = await sweepOf(runs.path, own);
  const write = (attempt: Attempt): Promise<string> => writeAttempt(runs.path, "rates", attempt);
  const ended = "2026-11-26T04:06:00.000Z";
  await write(attemptAt(killed));
  await write(attemptAt(again));
  await write(attemptAt(failed, { ended, outcome: "failed", error: "no\u001b[31m data" }));
  await write(attemptAt(stopped, { ended, outcome: "stopped" }));
  await write(attemptAt(inUse, { ended, outcome: "in-use" }));
  await write(attemptAt(locked));
  await write(attemptAt(starting, { started: new Date().toISOString(), trained: null }));
  await recordRun(runs.path, { seed: partial.config.seed }, { levels: 1 });
  await Deno.mkdir(`${runs.path}/${locked.id}`);
  const queue: QueuedTask[] = [
    { id: queued.id, job: "5_0", state: "waiting", detail: "Priority" },
    { id: runningThere.id, job: "5_1", state: "running", detail: "gpu03" },
    { id: again.id, job: "5_2", state: "waiting", detail: "BeginTime" },
    { id: again.id, job: "6_2", state: "running", detail: "gpu04" },
  ];
  await using _lock = await RunLock.acquire(`${runs.path}/${locked.id}/lock`);
  const { runs: all } = await readSweepStatus(runs.path, record, queue);
  const told = all.map(({ state, detail, job }) => [state, detail, job]);
  assert.deepEqual(told, [
    ["waiting", "Priority", "5_0"],
    ["running", "gpu03", "5_1"],
    ["failed", "killed: process 4711 on gpu07 is gone", "12_0"],
    ["running", "gpu04", "6_2"],
    ["failed", "no\\u001b[31m data", "12_0"],
    ["stopped", null, "12_0"],
    ["stopped", "was in use elsewhere", "12_0"],
    ["running", "gpu07", "12_0"],
    ["running", "gpu07", "12_0"],
    ["absent", null, null],
    ["stopped", null, null],
  ]);
  assert.deepEqual(countStates(all), { finished: 0, running: 4, waiting: 1, stopped: 3, failed: 2, absent: 1 });
  const { fraction, result, attempts } = all.at(-1) ?? assert.fail("no status");
  assert.ok(fraction > 0 && fraction < 1);
  assert.equal(attempts, 0);
  assert.ok(result?.denseAccuracy);
});

Deno.test("while the engine local is at work, what it has waits, and an attempt without an end is at work", async () => {
  using runs = new TemporaryFolder();
  const own = await Promise.all([1, 2, 3, 4].map((seed) => runOf({ seed }, `seed ${seed}`)));
  const [working, waiting, failed, other] = own;
  assert.ok(working && waiting && failed && other);
  const record = await sweepOf(runs.path, own);
  const submission = submissionOf([working, waiting, failed]);
  await writeSubmission(runs.path, submission);
  const local = { engine: "local", job: null, submission: submission.name } as const;
  await writeAttempt(runs.path, "rates", attemptAt(working, local));
  const end = { ended: "2026-11-26T04:06:00.000Z", outcome: "failed", error: "no" } as const;
  await writeAttempt(runs.path, "rates", attemptAt(failed, { ...local, ...end }));
  const states = async (): Promise<SweepRunState[]> =>
    (await readSweepStatus(runs.path, record)).runs.map(({ state }) => state);
  {
    await using _lock = await RunLock.acquire(engineLock(runs.path, "rates", submission.name));
    assert.deepEqual(await states(), ["running", "waiting", "failed", "absent"]);
  }
  assert.deepEqual(await states(), ["failed", "absent", "failed", "absent"]);
});
