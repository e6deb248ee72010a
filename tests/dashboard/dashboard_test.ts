/** Runs as routes reach them: rows and views that are what the files say, whatever stands in them, and writes that stay inside. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { bestLevel, describeOutcome, figuresOf } from "../../src/analysis/outcome.ts";
import { secondsPerStep, workOf } from "../../src/analysis/progress.ts";
import { Dashboard } from "../../src/dashboard/dashboard.ts";
import { Lru } from "../../src/dashboard/lru.ts";
import type { RunRow } from "../../src/dashboard/types.ts";
import { wantedNetworks } from "../../src/lottery/wanted.ts";
import { listRuns } from "../../src/store/index.ts";
import { RunLock } from "../../src/store/lock.ts";
import { armFolders, readRun } from "../../src/store/run_files.ts";
import { verifyRun } from "../../src/store/verify.ts";
import { damage, damaged, holds } from "../fuzz/support.ts";
import { isNightly } from "../nightly.ts";
import { tinyConfig } from "../store/fake_lottery.ts";
import { filesBelow, link, TemporaryFolder } from "../store/folders.ts";
import { age, recordRun } from "../store/recorded_runs.ts";
import { recordLargeRun, recordManyRuns } from "./fixtures.ts";

function open(runs: string, others: Partial<Parameters<typeof Dashboard.open>[0]> = {}): Dashboard {
  return Dashboard.open({ runs, token: "t", canControl: false, host: "127.0.0.1", ...others });
}

/** A row without what only a page adds. */
function withoutExtras({ tags: _, progress: _progress, ...row }: RunRow): unknown {
  return row;
}

const ticket = { arm: "ticket", level: 1, replicate: 1, draw: 1 } as const;

Deno.test("rows are the index's, and views have what a run that is read whole has, finished, unfinished and within a level", async () => {
  using runs = new TemporaryFolder();
  await recordRun(runs.path, { replicates: 2 });
  await recordRun(runs.path, { seed: 2 }, { levels: 2 });
  await recordRun(runs.path, { seed: 3, controls: [] }, { levels: 7, partial: true });
  await using dashboard = open(runs.path);
  const rows = await dashboard.listRuns();
  assert.deepEqual(rows.map(withoutExtras), await listRuns(runs.path));
  assert.equal(rows.length, 3);
  for (const row of rows) {
    const view = await dashboard.readRun(row.id);
    const whole = await readRun(runs.path, row.id);
    assert.ok(view && whole.summary);
    assert.deepEqual(view.row, row);
    assert.deepEqual(view.summary, whole.summary);
    assert.deepEqual(view.config, whole.config);
    assert.deepEqual(view.manifest, whole.manifest);
    assert.deepEqual(view.figures, figuresOf(whole.summary));
    assert.deepEqual(view.outcome, describeOutcome(whole.summary));
    assert.deepEqual([view.state, view.problems], [whole.state, []]);
    assert.equal(row.denseAccuracy, view.figures[0]?.ticket.accuracyAtEarlyStop?.mean);
    assert.equal(
      row.controlAccuracy,
      bestLevel(view.figures)?.controls[0]?.accuracyAtEarlyStop?.mean ?? null,
    );
  }
});

Deno.test("what is no run's id is undefined, and no path is made of it", async () => {
  using folder = new TemporaryFolder();
  const runs = `${folder.path}/runs`;
  await Deno.mkdir(runs);
  const id = await recordRun(runs);
  await recordRun(folder.path, { seed: 9 }); // beside the folder of runs
  await using dashboard = open(runs);
  const [outside = ""] = [...Deno.readDirSync(folder.path)].map(({ name }) => name).filter((name) => name !== "runs");
  await link(`../${outside}`, `${runs}/${outside}`);
  for (
    const name of [
      "",
      ".",
      "..",
      `../${outside}`,
      `${id}/`,
      `${id}/../${id}`,
      `${id}\0`,
      `/${id}`,
      id.toUpperCase(),
      "a".repeat(5000),
      outside,
      "lenet-0123456789",
    ]
  ) {
    assert.equal(await dashboard.readRun(name), undefined, name);
    assert.equal(await dashboard.readTicket(name, ticket), undefined);
    assert.equal(await dashboard.readHistograms(name, ticket), undefined);
    assert.equal(
      await dashboard.readCurves(name, { metric: "testLoss", arms: [], levels: [], networks: "each" }),
      undefined,
    );
    assert.deepEqual(
      [await dashboard.setTags(name, []), await dashboard.removeRun(name), await dashboard.stopRun(name)],
      [false, false, false],
    );
  }
  assert.deepEqual((await dashboard.listRuns()).map((row) => row.id), [id]);
  assert.ok(
    await filesBelow(`${folder.path}/${outside}`).then((files) => files.size > 5),
    "the run outside is untouched",
  );
});

Deno.test("tickets, trained values and histograms are those of the files, and of nothing that a link leads to", async () => {
  using runs = new TemporaryFolder();
  using elsewhere = new TemporaryFolder();
  const id = await recordRun(runs.path, { saveFinals: "all", reinitDraws: 2 });
  await using dashboard = open(runs.path);
  const control = { arm: "reinit", level: 2, replicate: 1, draw: 2 } as const;
  for (const network of [ticket, control]) {
    const found = await dashboard.readTicket(id, network);
    assert.equal(found?.metadata["level"], String(network.level));
    assert.equal(found.metadata["draw"], String(network.draw));
    assert.equal(await dashboard.readTicket(id, network), found, "parsed once");
    assert.deepEqual((await dashboard.readFinal(id, network))?.layers.length, 2);
    const histograms = await dashboard.readHistograms(id, network);
    assert.deepEqual(histograms?.map(({ layer, arm, draw }) => [layer, arm, draw]), [
      ["dense1", network.arm, network.draw],
      ["dense2", network.arm, network.draw],
    ]);
  }
  assert.equal(await dashboard.readTicket(id, { ...ticket, level: 9 }), undefined);
  assert.equal(await dashboard.readTicket(id, { ...ticket, level: NaN }), undefined);
  assert.deepEqual(await dashboard.readHistograms(id, { ...ticket, replicate: 9 }), []);
  const path = `${runs.path}/${id}/tickets/ticket-level-01-replicate-1.safetensors`;
  await Deno.writeFile(path, (await Deno.readFile(path)).subarray(0, 200));
  await assert.rejects(dashboard.readTicket(id, ticket), SyntaxError);
  const other = `${runs.path}/${id}/tickets/ticket-level-02-replicate-1.safetensors`;
  await Deno.rename(other, `${elsewhere.path}/ticket`);
  await link(`${elsewhere.path}/ticket`, other);
  assert.equal(await dashboard.readTicket(id, { ...ticket, level: 2 }), undefined);
});

Deno.test("tags are kept in the run's folder, whole or not at all, seen by every dashboard, and no change of the run", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await age(`${runs.path}/${id}`);
  const before = await listRuns(runs.path);
  await using dashboard = open(runs.path);
  assert.equal(await dashboard.setTags(id, ["baseline", " to keep ", "élan vital", "v1.2_a-b", "baseline"]), true);
  const tags = ["baseline", "to keep", "élan vital", "v1.2_a-b"];
  assert.deepEqual((await dashboard.readRun(id))?.row.tags, tags);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(`${runs.path}/${id}/tags.json`)), { schema: 1, tags });
  await using another = open(runs.path);
  assert.deepEqual((await another.listRuns()).map((row) => row.tags), [tags]);
  assert.deepEqual(await listRuns(runs.path), before, "the index reads nothing again");
  assert.deepEqual((await verifyRun(runs.path, id)).problems, []);
  await Deno.writeTextFile(`${runs.path}/${id}/tags.json`, '{"schema": 1, "tags": ["other"]}');
  assert.deepEqual((await another.readRun(id))?.row.tags, ["other"]);
  for (
    const text of ["{", "[]", '{"schema":2,"tags":["a"]}', '{"schema":1,"tags":["\\u0000"]}', '{"schema":1,"tags":"a"}']
  ) {
    await Deno.writeTextFile(`${runs.path}/${id}/tags.json`, text);
    assert.deepEqual((await another.readRun(id))?.row.tags, [], text);
  }
  for (
    const wrong of [
      [""],
      ["  "],
      ["-a"],
      ["a\nb"],
      ["a\tb"],
      ["<b>"],
      ["a/b"],
      ["a".repeat(41)],
      ["a\u202eb"],
      Array.from({ length: 21 }, (_, at) => `t${at}`),
    ]
  ) {
    await assert.rejects(
      dashboard.setTags(id, wrong),
      (error) => error instanceof RangeError && /^Cannot .*\.$/.test(error.message),
    );
  }
  assert.equal(await dashboard.setTags(id, ["a".repeat(40), "7"]), true);
  assert.equal(await dashboard.setTags(id, []), true);
  assert.deepEqual((await dashboard.readRun(id))?.row.tags, []);
});

Deno.test("a run is removed with its tags unless a process is at work in it, and only such a run can be asked to stop", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, {}, { levels: 1 });
  await using dashboard = open(runs.path);
  await dashboard.setTags(id, ["x"]);
  await assert.rejects(dashboard.stopRun(id), /no process is at work in it/);
  {
    await using _lock = await RunLock.acquire(`${runs.path}/${id}/lock`);
    await assert.rejects(dashboard.removeRun(id), { name: "RunInUseError" });
    assert.equal((await dashboard.readRun(id))?.state, "running");
    assert.equal(await dashboard.stopRun(id), true);
    assert.ok(Deno.statSync(`${runs.path}/${id}/stop`).isFile);
  }
  assert.equal(await dashboard.removeRun(id), true);
  assert.deepEqual([...Deno.readDirSync(runs.path)].filter(({ isDirectory }) => isDirectory), []);
  assert.equal(await dashboard.readRun(id), undefined);
  assert.deepEqual(await dashboard.listRuns(), []);
});

Deno.test("progress and time left follow from records, the networks in training, and the newest level's speed", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 4, replicates: 2, evaluations: 20, trained: 2, created: 0 });
  await using _lock = await RunLock.acquire(`${runs.path}/${id}/lock`);
  const run = await readRun(runs.path, id);
  const { config, snapshot } = run;
  assert.ok(config && snapshot?.partial);
  const metrics = `${runs.path}/${id}/metrics.jsonl`;
  const evaluatedAt = Deno.statSync(metrics).mtime?.getTime() ?? NaN;
  let now = evaluatedAt;
  await using dashboard = open(runs.path, { now: () => now });
  const row = (await dashboard.readRun(id))?.row;
  // Levels 0 and 1 of 2,000 iterations: 2 and 2 + 2 networks; half of level 2, evaluated at 0 to 1,000.
  const done = 2 * 2_000 + 4 * 2_000 + 4 * 1_000;
  const wanted = 2 * 2_000 + 4 * 4 * 2_000;
  assert.equal(row?.progress.fraction, done / wanted);
  assert.deepEqual([row.state, row.progress.level, row.progress.iteration], ["running", 2, 1_000]);
  const seconds = snapshot.partial.reduce((sum, own) => sum + own.seconds, 0);
  const left = (wanted - done) * seconds / (4 * 1_000);
  assert.ok(Math.abs((row.progress.secondsLeft ?? NaN) - left) < 1e-6);
  now += 10_000;
  const later = (await dashboard.readRun(id))?.row.progress.secondsLeft ?? NaN;
  assert.ok(Math.abs(later - Math.max(0, left - 10)) < 1e-6);
  now += 1e9;
  assert.equal((await dashboard.readRun(id))?.row.progress.secondsLeft, 0);
  // A process that goes on with it now has not used that time.
  const manifest = JSON.parse(await Deno.readTextFile(`${runs.path}/${id}/manifest.json`));
  manifest.sessions.push({ ...manifest.sessions[0], started: new Date(now).toISOString() });
  await Deno.writeTextFile(`${runs.path}/${id}/manifest.json`, JSON.stringify(manifest));
  const resumed = (await dashboard.readRun(id))?.row.progress.secondsLeft ?? NaN;
  assert.ok(Math.abs(resumed - left) < 1, `${resumed} seconds left`);
  // More evaluations than the checkpoint knows of move it on.
  const text = await Deno.readTextFile(metrics);
  const line = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
  for (const replicate of [1, 2]) {
    await Deno.writeTextFile(metrics, `${JSON.stringify({ ...line, replicate, iteration: 1_500 })}\n`, {
      append: true,
    });
  }
  const moved = (await dashboard.readRun(id))?.row.progress;
  assert.equal(moved?.fraction, (done + 2 * 500) / wanted);
});

Deno.test("work counts every wanted network's steps once, whatever is there twice or not wanted", () => {
  const config = tinyConfig({ levels: 3, replicates: 2, reinitDraws: 2, rewind: 10, iterations: 50 });
  const all = wantedNetworks(config);
  assert.equal(workOf(config, []).wanted, all.length);
  const whole = workOf(config, [...all, ...all, { ...ticket, level: 9 }, { ...ticket, replicate: 3 }]);
  assert.deepEqual([whole.done, whole.fraction, whole.stepsLeft, whole.level], [all.length, 1, 0, 3]);
  const some = workOf(config, all.slice(0, 2), [{ ...ticket, iteration: 30 }, { ...ticket, iteration: 50 }]);
  assert.equal(some.steps, 2 * 50 + 20);
  assert.equal(some.stepsLeft, (all.length - 2) * 40 - 20);
  assert.deepEqual([some.level, some.iteration], [1, 30]);
  assert.equal(secondsPerStep(config, { trained: [], timings: [], partial: [] }), undefined);
  const timings = [{ level: 0, seconds: 10 }, { level: 1, seconds: 8 }, { level: 1, seconds: 8 }];
  const trained = all.filter(({ level }) => level < 2);
  assert.equal(secondsPerStep(config, { trained, timings, partial: [] }), 16 / (6 * 40));
});

Deno.test("a damaged checkpoint leaves the one before it, then summary.json, then problems; never an error", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  const folder = `${runs.path}/${id}`;
  await using dashboard = open(runs.path);
  const whole = await dashboard.readRun(id);
  await Deno.writeTextFile(`${folder}/checkpoint.safetensors`, "no");
  const before = await dashboard.readRun(id);
  assert.match(before?.problems.join() ?? "", /^checkpoint.safetensors: /);
  assert.ok((before?.figures.length ?? 0) > 0);
  await Deno.writeTextFile(`${folder}/checkpoint.previous.safetensors`, "no");
  const summarized = await dashboard.readRun(id);
  assert.equal(summarized?.state, "damaged");
  assert.deepEqual(summarized.figures, whole?.figures);
  assert.match(summarized.problems.join(), /from summary\.json/);
  await Deno.writeTextFile(`${folder}/summary.json`, '{"arms": 3}');
  const nothing = await dashboard.readRun(id);
  assert.deepEqual([nothing?.figures, nothing?.outcome, nothing?.summary], [[], [], undefined]);
  assert.match(nothing?.problems.join() ?? "", /None of its checkpoints can be read\./);
});

Deno.test("whatever is in a run's files, there is a row, a view and curves, and no error", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, {}, { levels: 5, partial: true });
  const folder = `${runs.path}/${id}`;
  const config = tinyConfig();
  const [, control] = await armFolders(folder, config);
  const names = [...(await filesBelow(folder)).keys()].filter((name) => !name.startsWith("tickets/"));
  const originals = new Map((await filesBelow(folder)).entries());
  const garbage = fc.oneof(
    fc.record({ kind: fc.constant("damage" as const), damage }),
    fc.record({
      kind: fc.constant("text" as const),
      text: fc.oneof(
        fc.json(),
        fc.string(),
        fc.constantFrom("", "{}", "[]", "null", "{", "\n\n\n", "\uFEFF{}", '{"schema":1}'),
      ),
    }),
    fc.record({ kind: fc.constant("absent" as const) }),
  );
  await using dashboard = open(runs.path);
  await holds(
    fc.asyncProperty(fc.constantFrom(...names, "tags.json", "summary.json"), garbage, async (name, what) => {
      const path = `${folder}/${name}`;
      const original = originals.get(name);
      if (what.kind === "absent") await Deno.remove(path).catch(() => {});
      else {
        const bytes = what.kind === "text"
          ? new TextEncoder().encode(what.text)
          : damaged(Uint8Array.from(original ?? []), what.damage);
        await Deno.writeFile(path, bytes);
      }
      try {
        const view = await dashboard.readRun(id);
        assert.ok(view, "no view");
        assert.ok(view.state === "damaged" || view.config);
        assert.ok(view.problems.every((problem) => problem.length < 1_000));
        JSON.stringify(view);
        const curves = await dashboard.readCurves(id, {
          metric: "trainLoss",
          arms: [],
          levels: [0, 1, 2],
          networks: "mean",
        });
        assert.ok(curves?.every(({ values }) => values.every((value) => value === null || Number.isFinite(value))));
        assert.ok(Array.isArray(await dashboard.readHistograms(id, ticket)));
        assert.equal((await dashboard.listRuns()).length, 1);
      } finally {
        if (original) await Deno.writeFile(path, original);
        else await Deno.remove(path).catch(() => {});
      }
    }),
    { cases: 150, nightly: 3_000 },
  );
  assert.ok(control);
  assert.equal((await dashboard.readRun(id))?.state, "unfinished");
});

Deno.test("folders of anything else, files, links to files and an unreadable folder are no runs and no errors", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await Deno.mkdir(`${runs.path}/lenet-0123456789`);
  await Deno.mkdir(`${runs.path}/something`);
  await Deno.writeTextFile(`${runs.path}/lenet-0123456780`, "");
  await Deno.mkdir(`${runs.path}/lenet-0123456781`);
  for (const name of ["config.json", "manifest.json"]) {
    await link(`${runs.path}/${id}/${name}`, `${runs.path}/lenet-0123456781/${name}`);
  }
  await using dashboard = open(runs.path);
  assert.deepEqual((await dashboard.listRuns()).map((row) => row.id), [id]);
  assert.equal(await dashboard.readRun("lenet-0123456781"), undefined);
  await using nowhere = open(`${runs.path}/nowhere`);
  assert.deepEqual(await nowhere.listRuns(), []);
  await using file = open(`${runs.path}/lenet-0123456780`);
  assert.deepEqual(await file.listRuns(), []);
});

Deno.test("adapters are those of the manifests with their runs, and what does not answer is a sentence", async () => {
  using runs = new TemporaryFolder();
  const ids = await recordManyRuns(runs.path, 12);
  await using dashboard = open(runs.path, { entry: { requestAdapter: () => Promise.resolve(null) } });
  const { recorded, live, problem } = await dashboard.adapter();
  assert.deepEqual(recorded.flatMap((own) => [...own.runs]).sort(), ids.toSorted());
  assert.deepEqual(recorded.map(({ kind }) => kind), ["software", "gpu"]);
  assert.equal(live, undefined);
  assert.match(problem ?? "", /^No WebGPU adapter answers/);
  await using failing = open(runs.path, { entry: { requestAdapter: () => Promise.reject(new Error("no driver")) } });
  assert.deepEqual((await failing.adapter()).problem, "no driver");
});

Deno.test("what is kept stays within its bytes, and what was asked for longest ago goes first", () => {
  const kept = new Lru<string>(10);
  kept.set("a", "A", 4);
  kept.set("b", "B", 4);
  assert.equal(kept.get("a"), "A");
  kept.set("c", "C", 4);
  assert.deepEqual([kept.get("a"), kept.get("b"), kept.get("c"), kept.bytes], ["A", undefined, "C", 8]);
  kept.set("d", "D", 11);
  assert.deepEqual([kept.get("d"), kept.bytes], [undefined, 8]);
  kept.set("a", "A2", 1);
  assert.deepEqual([kept.get("a"), kept.bytes], ["A2", 5]);
});

Deno.test("a thousand runs and one of the paper's size are answered whole, the second time as the first", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path);
  const others = await recordManyRuns(runs.path, isNightly ? 999 : 300);
  await using dashboard = open(runs.path);
  const levels = Array.from({ length: 21 }, (_, level) => level);
  const first = await dashboard.readRun(id);
  assert.deepEqual(first?.figures.map(({ level }) => level), levels);
  assert.deepEqual(await dashboard.readRun(id), first);
  const query = { metric: "testLoss", arms: [], levels, networks: "each" } as const;
  const curves = await dashboard.readCurves(id, query);
  // Five tickets a level, and from level 1 on a control of each.
  assert.equal(curves?.length, 21 * 5 + 20 * 5);
  assert.ok(curves.every(({ iterations }) => iterations[0] === 0 && iterations.at(-1) === 50_000));
  assert.deepEqual(await dashboard.readCurves(id, query), curves);
  assert.deepEqual((await dashboard.listRuns()).map((run) => run.id).sort(), [id, ...others].sort());
});
