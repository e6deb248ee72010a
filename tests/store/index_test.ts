/** The index over runs: always what the files say, whatever becomes of it. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type IndexedRun, indexName, listRuns, runIds } from "../../src/store/index.ts";
import { IndexFile, indexFileName } from "../../src/store/index_file.ts";
import { RunLock } from "../../src/store/lock.ts";
import { link, TemporaryFolder } from "./folders.ts";
import { age, recordRun, writeIndexedFiles } from "./recorded_runs.ts";

/** Runs as they are listed without an index that knew anything before. */
async function readAnew(runs: string): Promise<IndexedRun[]> {
  using elsewhere = new TemporaryFolder();
  const copy = `${elsewhere.path}/runs`;
  await Deno.mkdir(copy);
  for (const id of runIds(runs)) await copyFolder(`${runs}/${id}`, `${copy}/${id}`);
  return (await listRuns(copy)).map((run) => ({ ...run, updated: "" }));
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

async function list(
  runs: string,
  options: { readonly isShared?: boolean } = {},
): Promise<{ readonly rows: IndexedRun[]; readonly warnings: string[] }> {
  const warnings: string[] = [];
  return { rows: await listRuns(runs, { ...options, warn: (message) => warnings.push(message) }), warnings };
}

async function listInProcess(
  runs: string,
  permissions: readonly string[],
  ...args: readonly string[]
): Promise<{ readonly listed: IndexedRun[]; readonly warnings: string[] }> {
  const script = new URL("./list_runs_process.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "--no-check", "--no-prompt", "--allow-read", ...permissions, script, runs, ...args],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("a run is listed with its settings, its progress and its best ticket", async () => {
  using runs = new TemporaryFolder();
  const finished = await recordRun(runs.path, { replicates: 2 });
  const begun = await recordRun(runs.path, { seed: 5, controls: [] }, { levels: 2 });
  const { rows, warnings } = await list(runs.path);
  assert.deepEqual(warnings, []);
  assert.deepEqual(rows.map(({ id }) => id), [begun, finished].sort());
  const row = rows.find(({ id }) => id === finished);
  assert.ok(row);
  const { created, updated, bytes, bestRemaining, bestAccuracy, denseAccuracy, controlAccuracy, ...rest } = row;
  assert.deepEqual(rest, {
    id: finished,
    state: "finished",
    preset: "lenet-quick",
    dataset: "synthetic",
    network: "lenet",
    done: 10,
    wanted: 10,
    levels: 2,
    replicates: 2,
    arms: ["ticket", "reinit"],
    fraction: 1,
    level: 2,
    iteration: 50,
    adapter: "paper and pencil",
    problem: null,
  });
  // The stand-in's losses rise with the level, so level 1 is the best: 4 of 6 and 3 of 4 weights; 0.96, and 0.001 and 0.002.
  assert.equal(bestRemaining, 0.7);
  assert.ok(Math.abs((bestAccuracy ?? 0) - 0.9615) < 1e-12);
  assert.ok(Math.abs((denseAccuracy ?? 0) - 0.9515) < 1e-12);
  assert.ok(Math.abs((controlAccuracy ?? 0) - 0.9015) < 1e-12);
  assert.ok(
    Math.abs(Date.parse(created ?? "") - Date.now()) < 60_000 && Date.parse(updated) >= Date.parse(created ?? ""),
  );
  let size = 0;
  const add = (folder: string): void => {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      if (isDirectory) add(`${folder}/${name}`);
      else size += Deno.statSync(`${folder}/${name}`).size;
    }
  };
  add(`${runs.path}/${finished}`);
  assert.equal(bytes, size);
  const other = rows.find(({ id }) => id === begun);
  assert.deepEqual([other?.state, other?.done, other?.wanted, other?.arms], ["unfinished", 2, 3, ["ticket"]]);
});

Deno.test("300 runs: the index says what the files do, and goes on saying it as runs come, go, change and break", async () => {
  using runs = new TemporaryFolder();
  const wanted = new Map<string, [state: string, done: number]>();
  for (let seed = 1; seed <= 300; seed++) {
    const levels = seed % 4;
    const id = await writeIndexedFiles(runs.path, { seed, levels: 2, controls: [] }, levels);
    wanted.set(id, [levels === 3 ? "finished" : "unfinished", levels]);
  }
  for (const id of wanted.keys()) await age(`${runs.path}/${id}`);
  const check = async (): Promise<IndexedRun[]> => {
    const { rows, warnings } = await list(runs.path);
    assert.deepEqual(warnings, []);
    assert.deepEqual(new Map(rows.map(({ id, state, done }) => [id, [state, done]])), new Map([...wanted].sort()));
    return rows;
  };
  const first = await check();
  assert.deepEqual(await check(), first, "known already");
  const ids = [...wanted.keys()];
  for (const [index, id] of ids.entries()) {
    if (index % 10 === 3) {
      await Deno.writeTextFile(`${runs.path}/${id}/config.json`, "{");
      wanted.set(id, ["damaged", 0]);
    } else if (index % 10 === 5) {
      await Deno.remove(`${runs.path}/${id}`, { recursive: true });
      wanted.delete(id);
    } else if (index % 10 === 7) {
      await Deno.remove(`${runs.path}/${id}`, { recursive: true });
      await writeIndexedFiles(runs.path, { seed: index + 1, levels: 2, controls: [] }, 3);
      wanted.set(id, ["finished", 3]);
    }
  }
  for (let seed = 301; seed <= 310; seed++) {
    wanted.set(await writeIndexedFiles(runs.path, { seed, levels: 2, controls: [] }, 1), ["unfinished", 1]);
  }
  const second = await check();
  assert.deepEqual(second.map((run) => ({ ...run, updated: "" })), await readAnew(runs.path));
});

Deno.test("a run whose files have not changed is not opened again, and one that has is", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await age(`${runs.path}/${id}`);
  await list(runs.path);
  {
    using index = new DatabaseSync(`${runs.path}/${indexName}`);
    index.exec("UPDATE runs SET adapter = 'from the index'");
  }
  assert.equal((await list(runs.path)).rows[0]?.adapter, "from the index");
  const path = `${runs.path}/${id}/summary.json`;
  await Deno.writeTextFile(path, await Deno.readTextFile(path));
  assert.equal((await list(runs.path)).rows[0]?.adapter, "paper and pencil");
});

Deno.test("an index that is missing, cut, overwritten, of another version or without its table is made anew", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await age(`${runs.path}/${id}`);
  const { rows: wanted } = await list(runs.path);
  const path = `${runs.path}/${indexName}`;
  const whole = await Deno.readFile(path);
  const damages: readonly (readonly [name: string, damage: () => Promise<void> | void, warns: boolean])[] = [
    ["missing", () => Deno.remove(path), false],
    ["empty", () => Deno.writeFile(path, new Uint8Array(0)), false],
    ["text", () => Deno.writeTextFile(path, "no database ".repeat(1000)), true],
    ["cut", () => Deno.writeFile(path, whole.subarray(0, 5000)), true],
    ["pages of noise", () => Deno.writeFile(path, whole.map((byte, at) => at < 100 ? byte : (at * 37) & 255)), true],
    ["another version", () => statement(path, "PRAGMA user_version = 99"), false],
    ["without its table", () => statement(path, "DROP TABLE runs"), true],
    [
      "another table",
      () => statement(path, "DROP TABLE runs; CREATE TABLE runs (id TEXT); INSERT INTO runs VALUES (7)"),
      true,
    ],
  ];
  for (const [name, damage, warns] of damages) {
    await damage();
    const { rows, warnings } = await list(runs.path);
    assert.deepEqual(rows, wanted, name);
    if (warns) assert.match(warnings.join(), /damaged|not brought up to date/, name);
    else assert.deepEqual(warnings, [], name);
    const again = await list(runs.path);
    assert.deepEqual([again.rows, again.warnings], [wanted, []], `${name}, the second time`);
  }
  assert.ok((await Deno.stat(`${path}.damaged`)).isFile, "moved aside");
});

function statement(path: string, sql: string): void {
  using index = new DatabaseSync(path);
  index.exec(sql);
}

Deno.test("where the folder of runs cannot be written, runs are listed without an index", async () => {
  using runs = new TemporaryFolder();
  await recordRun(runs.path);
  const { listed, warnings } = await listInProcess(runs.path, []);
  assert.equal(listed[0]?.state, "finished");
  assert.match(warnings.join(), /Cannot use .*index\.sqlite/);
  assert.ok(![...Deno.readDirSync(runs.path)].some(({ name }) => name.startsWith(indexName)));
});

Deno.test("several processes list at once, with no index, a damaged one and a fresh one, and all see every run", async () => {
  using runs = new TemporaryFolder();
  const ids = [];
  for (let seed = 1; seed <= 20; seed++) {
    ids.push(await writeIndexedFiles(runs.path, { seed, levels: 2, controls: [] }, 3));
  }
  for (const id of ids) await age(`${runs.path}/${id}`);
  const damage = (): Promise<void> => Deno.writeTextFile(`${runs.path}/${indexName}`, "x".repeat(9000));
  for (const prepare of [() => {}, damage, () => {}]) {
    await prepare();
    const all = await Promise.all(
      Array.from({ length: 4 }, () => listInProcess(runs.path, [`--allow-write=${runs.path}`])),
    );
    for (const { listed } of all) assert.deepEqual(listed.map(({ id }) => id), ids.toSorted());
  }
  const { rows, warnings } = await list(runs.path);
  assert.deepEqual([rows.length, warnings], [20, []]);
  {
    using index = new DatabaseSync(`${runs.path}/${indexName}`);
    assert.equal(index.prepare("SELECT count(*) AS n FROM runs WHERE state = 'finished'").get()?.["n"], 20);
  }
});

/** The index of this machine's readers, in a folder that machines share. */
const ownIndex = indexFileName(Deno.hostname());

Deno.test("on a file system that machines share each reader keeps its own index, which says what the files do", async () => {
  using runs = new TemporaryFolder();
  const ids = [await recordRun(runs.path), await recordRun(runs.path, { seed: 5, controls: [] }, { levels: 2 })];
  for (const id of ids) await age(`${runs.path}/${id}`);
  const shared = { isShared: true };
  const { rows, warnings } = await list(runs.path, shared);
  assert.deepEqual(warnings, []);
  assert.deepEqual(rows.map((run) => ({ ...run, updated: "" })), await readAnew(runs.path));
  const others = [...Deno.readDirSync(runs.path)].map(({ name }) => name).filter((name) => !ids.includes(name));
  assert.deepEqual(others, [ownIndex], "no database, and nothing left of writing");
  const path = `${runs.path}/${ownIndex}`;
  const text = await Deno.readTextFile(path);
  // What is known is not read again.
  await Deno.writeTextFile(path, text.replaceAll("paper and pencil", "from the index"));
  assert.deepEqual((await list(runs.path, shared)).rows.map(({ adapter }) => adapter), ids.map(() => "from the index"));
  const [changed = "", gone = ""] = ids;
  await Deno.writeTextFile(`${runs.path}/${changed}/config.json`, "{");
  await Deno.remove(`${runs.path}/${gone}`, { recursive: true });
  assert.deepEqual((await list(runs.path, shared)).rows.map(({ id, state }) => [id, state]), [[changed, "damaged"]]);
  assert.doesNotMatch(await Deno.readTextFile(path), new RegExp(gone));
  const whole = (await list(runs.path, shared)).rows;
  const damages = [
    "",
    "{",
    "[]",
    '{"version":99,"rows":[{}]}',
    '{"version":2,"rows":[null,7,{"id":1}]}',
    text.slice(0, 300),
  ];
  for (const damage of damages) {
    await Deno.writeTextFile(path, damage);
    assert.deepEqual(await list(runs.path, shared), { rows: whole, warnings: [] }, damage);
  }
});

Deno.test("several processes list at once where machines share the folder, and one that cannot write does", async () => {
  using runs = new TemporaryFolder();
  const ids: string[] = [];
  for (let seed = 1; seed <= 8; seed++) {
    ids.push(await writeIndexedFiles(runs.path, { seed, levels: 2, controls: [] }, 3));
  }
  for (const id of ids) await age(`${runs.path}/${id}`);
  const permissions = [`--allow-write=${runs.path}`, "--allow-sys=hostname"];
  const all = await Promise.all(
    [permissions, permissions, permissions, []].map((own) => listInProcess(runs.path, own, "shared")),
  );
  for (const [index, { listed, warnings }] of all.entries()) {
    assert.deepEqual(listed.map(({ id }) => id), ids.toSorted());
    if (index < 3) assert.deepEqual(warnings, []);
    else {assert.match(
        warnings.join(),
        /^The index of runs was not brought up to date\. Cannot write .* complete all the same\.$/,
      );}
  }
  const left = [...Deno.readDirSync(runs.path)].map(({ name }) => name).filter((name) => !ids.includes(name));
  assert.deepEqual(left, [ownIndex]);
  assert.equal(JSON.parse(await Deno.readTextFile(`${runs.path}/${ownIndex}`)).rows.length, 8);
});

Deno.test("an index that cannot be written is remembered by its process", async () => {
  using runs = new TemporaryFolder();
  const open = (folder: string): IndexFile<{ readonly id: string }> =>
    new IndexFile(folder, {
      host: "node07",
      version: 1,
      parse: ({ id }) => typeof id === "string" ? { id } : undefined,
      format: (row) => row,
    });
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  await open(`${runs.path}/nowhere`).write([{ id: "a" }, { id: "b" }], [], warn);
  await open(`${runs.path}/nowhere`).write([{ id: "c" }], ["a"], warn);
  assert.equal(warnings.length, 2);
  assert.deepEqual([...open(`${runs.path}/nowhere`).read().keys()], ["b", "c"]);
  await Deno.mkdir(`${runs.path}/nowhere`);
  await open(`${runs.path}/nowhere`).write([], ["b"], warn);
  assert.deepEqual([warnings.length, [...open(`${runs.path}/nowhere`).read().keys()]], [2, ["c"]]);
  assert.equal(indexFileName("../a b\n"), ".index-.._a_b_.json");
  assert.equal(indexFileName(undefined), ".index.json");
});

Deno.test("a run is running while its lock is held, and not when a killed process left the file", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, {}, { levels: 1 });
  const path = `${runs.path}/${id}/lock`;
  {
    await using _lock = await RunLock.acquire(path);
    assert.equal((await list(runs.path)).rows[0]?.state, "running");
  }
  await Deno.writeTextFile(path, "{}");
  assert.equal((await list(runs.path)).rows[0]?.state, "unfinished");
  // A glance at the lock does not keep anybody from taking it.
  await using _again = await RunLock.acquire(path);
});

Deno.test("a run that a process on another machine works on is running while its lock shows signs of life", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, {}, { levels: 1 });
  const path = `${runs.path}/${id}/lock`;
  const holder = {
    pid: 7,
    host: `not-${Deno.hostname()}`,
    since: "2026-11-26T00:00:00.000Z",
    nonce: crypto.randomUUID(),
  };
  await Deno.writeTextFile(path, JSON.stringify(holder));
  assert.equal((await list(runs.path)).rows[0]?.state, "running");
  await age(`${runs.path}/${id}`);
  assert.equal((await list(runs.path)).rows[0]?.state, "unfinished");
});

Deno.test("what is no run is not listed: files, folders of anything else, empty ones, links", async () => {
  using runs = new TemporaryFolder();
  using elsewhere = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await Deno.writeTextFile(`${runs.path}/notes-0123456789`, "");
  await Deno.mkdir(`${runs.path}/lenet-0123456789`);
  await Deno.mkdir(`${runs.path}/photos`);
  await Deno.writeTextFile(`${runs.path}/photos/config.json`, "{}");
  await Deno.mkdir(`${runs.path}/.${id}.removed`);
  await Deno.rename(`${runs.path}/${id}`, `${elsewhere.path}/${id}`);
  await link(`${elsewhere.path}/${id}`, `${runs.path}/${id}`);
  assert.deepEqual(runIds(runs.path), []);
  assert.deepEqual(await list(runs.path), { rows: [], warnings: [] });
  assert.deepEqual(await list(`${runs.path}/nowhere`), { rows: [], warnings: [] });
  await assert.rejects(Deno.stat(`${runs.path}/nowhere`), Deno.errors.NotFound);
});

Deno.test("a damaged checkpoint with a whole one before it is a warning; with none the run is damaged", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { controls: [] });
  const folder = `${runs.path}/${id}`;
  await Deno.writeTextFile(`${folder}/checkpoint.safetensors`, "x");
  const [row] = (await list(runs.path)).rows;
  assert.deepEqual([row?.state, row?.done, row?.wanted], ["unfinished", 2, 3]);
  assert.match(row?.problem ?? "", /Going back to the one before/);
  await Deno.writeTextFile(`${folder}/checkpoint.previous.safetensors`, "x");
  const [lost] = (await list(runs.path)).rows;
  assert.deepEqual([lost?.state, lost?.done], ["damaged", 0]);
  assert.match(lost?.problem ?? "", /None of its checkpoints can be read/);
});
