/** A run's folder: what is in it, and that a kill at any moment loses nothing that was recorded. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runId } from "../../src/lottery/config.ts";
import type { LotteryConfig } from "../../src/lottery/config.ts";
import { loadModel, loadTicket } from "../../src/lottery/ticket.ts";
import { formatSafetensors, parseSafetensors } from "../../src/data/safetensors.ts";
import { sha256 } from "../../src/data/sha256.ts";
import type { Snapshot } from "../../src/lottery/types.ts";
import { formatCheckpoint, parseCheckpoint } from "../../src/store/checkpoint.ts";
import { CorruptRunError, RunInUseError } from "../../src/store/errors.ts";
import { RunLock } from "../../src/store/lock.ts";
import { type RunDescription, RunStore } from "../../src/store/run_store.ts";
import { adapter, fakeLottery, type FakeOptions, iterationsOf, tinyConfig } from "./fake_lottery.ts";
import { isNightly } from "../nightly.ts";
import { filesBelow, TemporaryFolder } from "./folders.ts";
import { seeded } from "./seeded.ts";

async function describe(config: LotteryConfig): Promise<RunDescription> {
  return {
    id: await runId(config, { dataDigest: "d", planHash: "p" }),
    config,
    dataset: { name: config.dataset, digest: "d", original: true, files: [{ name: "images", sha256: "00" }] },
    planHash: "p",
  };
}

interface Recording {
  readonly warnings?: string[];
  /** How many events to record before the process is killed; all when left out. */
  readonly events?: number;
  readonly lottery?: FakeOptions;
}

/** Records a run, or its beginning, from wherever the folder stands. Returns how many events there were. */
async function record(
  runs: string,
  config: LotteryConfig,
  { warnings = [], events, lottery }: Recording = {},
): Promise<number> {
  await using store = await RunStore.open(runs, await describe(config), { warn: (message) => warnings.push(message) });
  let count = 0;
  const snapshot = store.snapshot ? { snapshot: store.snapshot } : {};
  for await (const event of fakeLottery(config, { ...snapshot, ...lottery })) {
    if (count === events) break;
    await store.record(event);
    count++;
  }
  return count;
}

/** What must be equal between a run that was killed and one that was not: everything but what tells of sessions. */
async function lasting(runs: string): Promise<Map<string, Uint8Array>> {
  const files = await filesBelow(runs);
  for (const name of files.keys()) if (/manifest\.json|previous/.test(name)) files.delete(name);
  return files;
}

async function folderOf(runs: string, config: LotteryConfig): Promise<string> {
  return `${runs}/${(await describe(config)).id}`;
}

Deno.test("a run's folder holds config, metrics, tickets, finals, checkpoint and summary, and its controls a branch", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig();
  await record(runs.path, config);
  const folder = await folderOf(runs.path, config);
  const files = await filesBelow(folder);
  const names = [...files.keys()].map((name) => name.replace(/reinit-[0-9a-f]{10}/, "reinit-#"));
  assert.deepEqual(names, [
    "arms/reinit-#/config.json",
    "arms/reinit-#/finals/reinit-level-02-replicate-1-draw-1.safetensors",
    "arms/reinit-#/histograms.jsonl",
    "arms/reinit-#/metrics.jsonl",
    "arms/reinit-#/tickets/reinit-level-01-replicate-1-draw-1.safetensors",
    "arms/reinit-#/tickets/reinit-level-02-replicate-1-draw-1.safetensors",
    "checkpoint.previous.safetensors",
    "checkpoint.safetensors",
    "config.json",
    "finals/ticket-level-02-replicate-1.safetensors",
    "histograms.jsonl",
    "manifest.json",
    "metrics.jsonl",
    "summary.json",
    "tickets/ticket-level-00-replicate-1.safetensors",
    "tickets/ticket-level-01-replicate-1.safetensors",
    "tickets/ticket-level-02-replicate-1.safetensors",
    "timings.jsonl",
  ]);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(`${folder}/config.json`)), config);
  const metrics = (await Deno.readTextFile(`${folder}/metrics.jsonl`)).trimEnd().split("\n");
  assert.equal(metrics.length, 3 * iterationsOf(config).length);
  assert.ok(metrics.every((line) => !/second|ms|time/i.test(line)), "metrics tell no times");
  const ticket = loadTicket(await Deno.readFile(`${folder}/tickets/ticket-level-01-replicate-1.safetensors`));
  assert.deepEqual([...ticket.masks[0] ?? []], [1, 0, 1, 0, 1, 0]);
  assert.equal(ticket.metadata["level"], "1");
  assert.deepEqual(JSON.parse(ticket.metadata["config"] ?? ""), config);
  assert.deepEqual([ticket.firstIteration, ticket.rewind], [undefined, undefined]);
  const model = loadModel(await Deno.readFile(`${folder}/finals/ticket-level-02-replicate-1.safetensors`));
  assert.equal(model.layers[1]?.bias[0], 0.25);
  const manifest = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
  assert.deepEqual(manifest.adapter, adapter);
  assert.equal(manifest.sessions[0].deno, Deno.version.deno);
});

Deno.test("a finished run, opened again, has the snapshot and the summary that it ended with", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig({ replicates: 2, reinitDraws: 2 });
  await record(runs.path, config);
  await using store = await RunStore.open(runs.path, await describe(config));
  assert.deepEqual(store.progress, { state: "finished", done: 2 * 3 + 4 * 2, wanted: 14 });
  let last;
  for await (const event of fakeLottery(config)) last = event;
  assert.ok(last?.type === "end");
  assert.deepEqual(store.snapshot, last.snapshot);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(`${store.folder}/summary.json`)), store.summary());
});

Deno.test("a run that was killed between its end and its lock's is whole once it is looked at, and not while another holds it", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig();
  await record(runs.path, config);
  const wanted = await filesBelow(runs.path);
  const folder = await folderOf(runs.path, config);
  const open = async (): Promise<RunStore> => await RunStore.open(runs.path, await describe(config));
  await Deno.remove(join(folder, "summary.json"));
  {
    await using _ = await RunLock.acquire(join(folder, "lock"));
    await using store = await open();
    await store.completeSummary();
    assert.ok(!(await filesBelow(folder)).has("summary.json"));
  }
  await Deno.writeTextFile(join(folder, "lock"), `{"pid":1,"host":"gone","since":"2026-11-25T00:00:00.000Z"}\n`);
  await using store = await open();
  await store.completeSummary();
  assert.deepEqual(await filesBelow(runs.path), wanted);
  // With the summary there, the lock goes all the same.
  await Deno.writeTextFile(join(folder, "lock"), "");
  await store.completeSummary();
  assert.deepEqual(await filesBelow(runs.path), wanted);
});

Deno.test("a rewound run keeps where it is rewound to, in its checkpoint and in its tickets, and goes on from there", async () => {
  // 30 lies between two evaluations, 45 behind the last one before the end.
  for (const rewind of [30, 45]) {
    using runs = new TemporaryFolder();
    const config = tinyConfig({ levels: 1, replicates: 2, rewind });
    const count = await record(runs.path, config);
    const wanted = await lasting(runs.path);
    const folder = await folderOf(runs.path, config);
    await using store = await RunStore.open(runs.path, await describe(config));
    assert.deepEqual(
      store.snapshot?.rewinds,
      [1, 2].map((replicate) => ({
        replicate,
        values: Float32Array.of(replicate, 0.1, -3),
      })),
    );
    const load = async (name: string): Promise<ReturnType<typeof loadTicket>> =>
      loadTicket(await Deno.readFile(`${folder}/tickets/${name}.safetensors`));
    const ticket = await load("ticket-level-01-replicate-2");
    assert.deepEqual([ticket.firstIteration, ticket.metadata["firstIteration"]], [rewind, String(rewind)]);
    assert.deepEqual(ticket.rewind?.layers[1]?.bias, Float32Array.of(0.125, 0.125));
    assert.equal((await load("ticket-level-00-replicate-2")).rewind, undefined);
    for (let events = 5; events < count; events += 11) {
      using killed = new TemporaryFolder();
      await record(killed.path, config, { events });
      await record(killed.path, config);
      assert.deepEqual(await lasting(killed.path), wanted, `killed after ${events} events`);
    }
    // More levels, and no line is missed.
    await record(runs.path, tinyConfig({ levels: 2, replicates: 2, rewind }));
  }
});

Deno.test("opening a run writes nothing, and neither does a run that never starts", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig();
  await record(runs.path, config, { events: 0 });
  assert.equal((await filesBelow(runs.path)).size, 0);
  assert.deepEqual([...Deno.readDirSync(runs.path)], []);
});

Deno.test("killed after an event and resumed, a run ends with the same bytes as one that was not killed", async () => {
  const config = tinyConfig({ levels: 1, replicates: 2, saveFinals: "all" });
  using whole = new TemporaryFolder();
  const count = await record(whole.path, config);
  const wanted = await lasting(whole.path);
  for (let events = 1; events < count; events += 3) {
    using runs = new TemporaryFolder();
    await record(runs.path, config, { events });
    await record(runs.path, config);
    assert.deepEqual(await lasting(runs.path), wanted, `killed after ${events} events`);
  }
});

Deno.test("killed after any event of a run with checkpoints within its levels, and resumed, it ends with the same bytes", async () => {
  const config = tinyConfig({ levels: 1, replicates: 2, saveFinals: "all", rewind: 30 });
  using whole = new TemporaryFolder();
  const count = await record(whole.path, config, { lottery: { partial: true } });
  const wanted = await lasting(whole.path);
  let within = 0;
  for (let events = 4; events < count; events += isNightly ? 1 : 6) {
    using runs = new TemporaryFolder();
    await record(runs.path, config, { events, lottery: { partial: true } });
    {
      await using store = await RunStore.open(runs.path, await describe(config));
      if (store.within) within++;
      assert.deepEqual(store.within?.iteration, store.snapshot?.partial?.[0]?.iteration);
    }
    await record(runs.path, config, { lottery: { partial: true } });
    assert.deepEqual(await lasting(runs.path), wanted, `killed after ${events} events`);
  }
  assert.ok(within > 3, `${within} kills within a level`);
});

Deno.test("a checkpoint within a level goes through its file bit for bit, and none is kept of a finished run", async () => {
  const config = tinyConfig({ levels: 1, replicates: 2, rewind: 30 });
  for await (const event of fakeLottery(config, { partial: true })) {
    if (event.type !== "snapshot") continue;
    const bytes = await formatCheckpoint(event.snapshot, "run");
    assert.deepEqual(await parseCheckpoint(bytes, "run", "file"), event.snapshot);
  }
  using runs = new TemporaryFolder();
  await record(runs.path, config, { lottery: { partial: true } });
  const folder = await folderOf(runs.path, config);
  for (const name of ["checkpoint", "checkpoint.previous"]) {
    const { tensors } = parseSafetensors(await Deno.readFile(`${folder}/${name}.safetensors`), name);
    assert.deepEqual([...tensors.keys()].filter((tensor) => tensor.startsWith("partial")), [], name);
  }
});

Deno.test("a checkpoint of version 1, which knew no levels in training, is read; one of a later version is refused", async () => {
  let snapshot: Snapshot | undefined;
  for await (const event of fakeLottery(tinyConfig())) if (event.type === "end") snapshot = event.snapshot;
  assert.ok(snapshot);
  const { metadata, tensors } = parseSafetensors(await formatCheckpoint(snapshot, "run"), "file");
  const state = JSON.stringify({ records: snapshot.records, timings: snapshot.timings });
  // The checksum as version 1 made it.
  const digests: [string, string][] = [];
  for (const [name, { data }] of [...tensors].sort(([a], [b]) => a < b ? -1 : 1)) {
    digests.push([name, await sha256(data)]);
  }
  const checksum = (version: string): Promise<string> =>
    sha256(new TextEncoder().encode(JSON.stringify([metadata["format"], version, "run", state, digests])));
  for (const version of ["1", "4"]) {
    const bytes = formatSafetensors(tensors, { ...metadata, version, state, sha256: await checksum(version) });
    if (version === "1") assert.deepEqual(await parseCheckpoint(bytes, "run", "file"), snapshot);
    else {await assert.rejects(
        parseCheckpoint(bytes, "run", "file"),
        /winnow-checkpoint 4 where .* 1 or 2 or 3 is wanted/,
      );}
  }
});

Deno.test("a checkpoint within a level, cut anywhere or with any byte flipped, gives way to the one before", async () => {
  const config = tinyConfig({ levels: 1, controls: [] });
  using whole = new TemporaryFolder();
  const count = await record(whole.path, config, { lottery: { partial: true } });
  const wanted = await lasting(whole.path);
  const random = seeded();
  for (let damage = 0; damage < (isNightly ? 200 : 6); damage++) {
    using runs = new TemporaryFolder();
    // From the second snapshot on there is one before.
    const events = 9 + Math.floor(random() * (count - 11));
    await record(runs.path, config, { events, lottery: { partial: true } });
    const path = `${await folderOf(runs.path, config)}/checkpoint.safetensors`;
    const bytes = await Deno.readFile(path);
    const at = Math.floor(random() * bytes.length);
    await Deno.writeFile(path, damage % 2 ? bytes.subarray(0, at) : bytes.with(at, (bytes[at] ?? 0) ^ (1 << at % 8)));
    const warnings: string[] = [];
    await record(runs.path, config, { warnings, lottery: { partial: true } });
    assert.match(warnings.join(), /checkpoint\.safetensors.*Going back to the one before/);
    assert.deepEqual(await lasting(runs.path), wanted, `damaged at ${at} after ${events} events`);
  }
});

Deno.test("lines of a level in training that its checkpoint counts on are missed too", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig({ controls: [] });
  await record(runs.path, config, { events: 8, lottery: { partial: true } });
  const path = `${await folderOf(runs.path, config)}/metrics.jsonl`;
  const lines = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, lines.split("\n").slice(0, 1).join("\n") + "\n");
  await assert.rejects(record(runs.path, config), {
    name: "CorruptRunError",
    message: /lacks lines of ticket level 0 replicate 1, which the checkpoint has as evaluated/,
  });
});

Deno.test("a file `stop` in the folder asks the run to stop, once; one from before the start is removed with a warning", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig();
  await record(runs.path, config, { events: 5 });
  const stop = `${await folderOf(runs.path, config)}/stop`;
  await Deno.writeTextFile(stop, "");
  const warnings: string[] = [];
  await using store = await RunStore.open(runs.path, await describe(config), { warn: (text) => warnings.push(text) });
  assert.equal(await store.stopRequested(), false, "nothing runs yet");
  for await (const event of fakeLottery(config)) {
    await store.record(event);
    break;
  }
  assert.match(warnings.join(), /file "stop" was left in .* removed/);
  assert.equal(await store.stopRequested(), false);
  await Deno.writeTextFile(stop, "");
  assert.equal(await store.stopRequested(), false, "looked just now");
  await new Promise((resolve) => setTimeout(resolve, 1050));
  assert.equal(await store.stopRequested(), true);
  await assert.rejects(Deno.stat(stop), Deno.errors.NotFound);
});

Deno.test("a last line that was torn is dropped, and comes again whole", async () => {
  const config = tinyConfig({ controls: [] });
  using whole = new TemporaryFolder();
  await record(whole.path, config);
  using runs = new TemporaryFolder();
  await record(runs.path, config, { events: 15 });
  const path = `${await folderOf(runs.path, config)}/metrics.jsonl`;
  const bytes = await Deno.readFile(path);
  await Deno.writeFile(path, bytes.subarray(0, bytes.length - 9));
  await record(runs.path, config);
  assert.deepEqual(await lasting(runs.path), await lasting(whole.path));
});

Deno.test("what a killed process was just writing is removed when the run goes on, and what others write stays", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig();
  await record(runs.path, config, { events: 20 });
  const folder = await folderOf(runs.path, config);
  const before = [...(await filesBelow(folder)).keys()];
  const names = [
    "checkpoint.new.safetensors",
    "timings.jsonl",
    "tickets/ticket.safetensors",
    "tags.json",
    "lines.json",
  ];
  for (const name of names) {
    const at = name.lastIndexOf("/") + 1;
    const temporary = `${name.slice(0, at)}.${name.slice(at)}.${crypto.randomUUID()}.new`;
    await Deno.writeTextFile(join(folder, temporary), "");
  }
  await record(runs.path, config, { events: 1 });
  const left = [...(await filesBelow(folder)).keys()].filter((name) => !before.includes(name));
  assert.deepEqual(left.map((name) => name.replace(/[^.]+\.new$/, "")), [".lines.json.", ".tags.json."]);
});

Deno.test("a replay that gives another number than was recorded is refused, and what was recorded stays", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig({ controls: [] });
  await record(runs.path, config, { events: 4 });
  const path = `${await folderOf(runs.path, config)}/metrics.jsonl`;
  const before = await Deno.readTextFile(path);
  await assert.rejects(record(runs.path, config, { lottery: { error: 1e-9 } }), CorruptRunError);
  assert.equal(await Deno.readTextFile(path), before);
});

Deno.test("a damaged line within the metrics is refused by its number", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig({ controls: [] });
  await record(runs.path, config, { events: 9 });
  const path = `${await folderOf(runs.path, config)}/metrics.jsonl`;
  const lines = (await Deno.readTextFile(path)).split("\n");
  await Deno.writeTextFile(path, lines.with(1, "{}").join("\n"));
  await assert.rejects(record(runs.path, config), { name: "CorruptRunError", message: /line 2 is damaged/ });
  await Deno.writeTextFile(path, lines.with(1, lines[0] ?? "").join("\n"));
  await assert.rejects(record(runs.path, config), { name: "CorruptRunError", message: /line 2 is there twice/ });
});

Deno.test("lines that are gone though the checkpoint counts on them are noticed", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig({ controls: [] });
  await record(runs.path, config, { events: 14 });
  await Deno.remove(`${await folderOf(runs.path, config)}/metrics.jsonl`);
  await assert.rejects(record(runs.path, config), {
    name: "CorruptRunError",
    message: /lacks lines of ticket level 0/,
  });
});

Deno.test("a checkpoint cut anywhere or with any byte flipped gives way to the one before, with a warning", async () => {
  const config = tinyConfig({ controls: [] });
  using whole = new TemporaryFolder();
  await record(whole.path, config);
  const wanted = await lasting(whole.path);
  const size = (await Deno.stat(`${await folderOf(whole.path, config)}/checkpoint.safetensors`)).size;
  const damages: ((bytes: Uint8Array) => Uint8Array)[] = [
    () => new Uint8Array(0),
    ...[4, 8, 9, 300, size - 1].map((end) => (bytes: Uint8Array) => bytes.subarray(0, end)),
    ...[0, 8, 60, 400, size - 3].map((at) => (bytes: Uint8Array) => bytes.with(at, (bytes[at] ?? 0) ^ 0x10)),
  ];
  for (const [index, damage] of damages.entries()) {
    using runs = new TemporaryFolder();
    const warnings: string[] = [];
    await record(runs.path, config);
    const path = `${await folderOf(runs.path, config)}/checkpoint.safetensors`;
    await Deno.writeFile(path, damage(await Deno.readFile(path)));
    await record(runs.path, config, { warnings });
    assert.match(warnings.join(), /checkpoint\.safetensors.*Going back to the one before/, `damage ${index}`);
    assert.deepEqual(await lasting(runs.path), wanted, `damage ${index}`);
  }
});

Deno.test("without a whole checkpoint everything is trained again, and must come out as recorded", async () => {
  const config = tinyConfig();
  using runs = new TemporaryFolder();
  await record(runs.path, config);
  const wanted = await lasting(runs.path);
  const folder = await folderOf(runs.path, config);
  await Deno.writeTextFile(`${folder}/checkpoint.safetensors`, "x");
  await Deno.writeTextFile(`${folder}/checkpoint.previous.safetensors`, "x");
  const warnings: string[] = [];
  await record(runs.path, config, { warnings });
  assert.equal(warnings.length, 2);
  assert.deepEqual(await lasting(runs.path), wanted);
});

Deno.test("levels, replicates and controls are added to a finished run without training anything again", async () => {
  using runs = new TemporaryFolder();
  const small = tinyConfig({ levels: 1, controls: [] });
  const large = tinyConfig({ levels: 2, replicates: 2, reinitDraws: 2 });
  assert.equal((await describe(small)).id, (await describe(large)).id);
  await record(runs.path, small);
  const before = await Deno.readTextFile(`${await folderOf(runs.path, small)}/metrics.jsonl`);
  await using store = await RunStore.open(runs.path, await describe(large));
  assert.deepEqual(store.progress, { state: "unfinished", done: 2, wanted: 14 });
  await record(runs.path, large);
  const after = await Deno.readTextFile(`${await folderOf(runs.path, small)}/metrics.jsonl`);
  assert.ok(after.startsWith(before), "recorded lines stay where they are");
  await using again = await RunStore.open(runs.path, await describe(small));
  assert.equal(again.progress.state, "finished");
  const summary = again.summary();
  assert.equal(summary?.config.levels, 2, "a run is never less than it was asked before");
  assert.deepEqual(summary?.arms.map(({ name, levels }) => [name, levels.map(({ replicates }) => replicates.length)]), [
    ["ticket", [2, 2, 2]],
    ["reinit", [4, 4]],
  ]);
});

Deno.test("two writers at once: the second is told who is at work, and a lock left behind is taken over", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig();
  {
    await using store = await RunStore.open(runs.path, await describe(config));
    for await (const event of fakeLottery(config)) {
      await store.record(event);
      break;
    }
    await assert.rejects(record(runs.path, config), (error) => {
      assert.ok(error instanceof RunInUseError);
      assert.match(error.message, new RegExp(`process ${Deno.pid} on `));
      return true;
    });
  }
  const lock = `${await folderOf(runs.path, config)}/lock`;
  await assert.rejects(Deno.stat(lock), Deno.errors.NotFound);
  await Deno.writeTextFile(lock, JSON.stringify({ pid: 4, host: "elsewhere", since: "yesterday" }));
  const warnings: string[] = [];
  await record(runs.path, config, { warnings });
  assert.match(warnings.join(), /left behind by process 4 on elsewhere \(since yesterday\)/);
});

Deno.test("a run stays with the adapter that it began on", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig();
  await record(runs.path, config, { events: 20 });
  const other = { name: "abacus", driver: "2.0", kind: "gpu" } as const;
  await assert.rejects(record(runs.path, config, { lottery: { adapter: other } }), {
    name: "RangeError",
    message: /on abacus: it began on paper and pencil \(1\.0\)/,
  });
});

Deno.test("trained weights are kept of no level, the last or all", async () => {
  for (const [saveFinals, count] of [["none", 0], ["last", 1], ["all", 3]] as const) {
    using runs = new TemporaryFolder();
    await record(runs.path, tinyConfig({ controls: [], saveFinals }));
    const finals = [...(await filesBelow(runs.path)).keys()].filter((name) => name.includes("finals/"));
    assert.equal(finals.length, count, saveFinals);
  }
});

Deno.test("a folder that cannot be written says so, and what to do", async () => {
  using runs = new TemporaryFolder();
  await Deno.writeTextFile(`${runs.path}/file`, "");
  await assert.rejects(record(`${runs.path}/file`, tinyConfig()), { name: "StorageError", message: /--runs/ });
});
