/** One writer per run: among machines that see nothing of each other but a shared folder, whatever its locks are worth. */
import assert from "node:assert/strict";
import { type LotteryConfig, runId } from "../../src/lottery/config.ts";
import { RunInUseError, StorageError } from "../../src/store/errors.ts";
import { nameOfFileSystem, sharedFileSystem } from "../../src/store/file_system.ts";
import { type LockOptions, RunLock } from "../../src/store/lock.ts";
import { type RunDescription, RunStore } from "../../src/store/run_store.ts";
import { FaultyDisk } from "../faults/disk.ts";
import { isNightly } from "../nightly.ts";
import { fakeLottery, tinyConfig } from "./fake_lottery.ts";
import { filesBelow, link, TemporaryFolder } from "./folders.ts";

/** The machines of these tests. */
const here = { host: "node08" } satisfies LockOptions;
const minute = 60_000;

/** Writes a lock as a process on another machine would have left it. Returns its number. */
async function leave(path: string, { host = "node07", job, ageMs = 0 }: Left = {}): Promise<string> {
  const nonce = crypto.randomUUID();
  const since = "2026-11-26T00:00:00.000Z";
  await Deno.writeTextFile(path, JSON.stringify({ pid: 7, host, since, nonce, ...(job ? { job } : {}) }));
  await age(path, ageMs);
  return nonce;
}

interface Left {
  readonly host?: string;
  readonly job?: string;
  readonly ageMs?: number;
}

/** Makes a file's last sign of life as old as that. */
async function age(path: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms);
  await Deno.utime(path, then, then);
}

async function describe(config: LotteryConfig): Promise<RunDescription> {
  const id = await runId(config, { dataDigest: "d", planHash: "p" });
  return { id, config, dataset: { name: config.dataset, digest: "d", original: true, files: [] }, planHash: "p" };
}

async function refused(path: string, options: LockOptions, message: RegExp): Promise<void> {
  await assert.rejects(RunLock.acquire(path, options), (error) => {
    assert.ok(error instanceof RunInUseError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

/** Takes a lock that must be free, looks at what it says of itself, and releases it. Returns whose it was. */
async function takenFrom(path: string, options: LockOptions): Promise<string | undefined> {
  await using lock = await RunLock.acquire(path, options);
  assert.ok(RunLock.isHeld(path, { host: "node99" }), "who comes next finds it held");
  const { host, job } = JSON.parse(await Deno.readTextFile(path));
  assert.deepEqual([host, job], [options.host, options.job]);
  return lock.takenOverFrom;
}

Deno.test("a lock of another machine is held while it shows signs of life, and taken over ten minutes after the last", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/lock`;
  for (const ageMs of [-5 * minute, 0, 9 * minute]) {
    await leave(path, { ageMs });
    assert.ok(RunLock.isHeld(path, here));
    // Nobody on this machine has the system's lock on it, which must not be taken for an answer.
    await refused(
      path,
      here,
      /^Cannot use the run: process 7 on node07 \(since \S+\) is at work in it \(.*lock\), its last sign of life \d+ (?:seconds?|minutes) ago\. Wait .* taken over once 10 minutes have passed/,
    );
  }
  await leave(path, { ageMs: 11 * minute });
  assert.ok(!RunLock.isHeld(path, here));
  assert.match(
    await takenFrom(path, here) ?? "",
    /^process 7 on node07 \(since \S+\), its last sign of life 11 minutes ago$/,
  );
  assert.deepEqual([...(await filesBelow(folder.path)).keys()], [], "nothing stays");
});

Deno.test("the same task of the scheduler's goes on at once, on whatever machine; another task does not", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/lock`;
  await leave(path, { job: "12_3" });
  await refused(path, here, /process 7 on node07 \(task 12_3, since /);
  await refused(path, { ...here, job: "12_4" }, /task 12_3/);
  assert.match(await takenFrom(path, { ...here, job: "12_3" }) ?? "", /^process 7 on node07 \(task 12_3, /);
  await using _held = await RunLock.acquire(path, { ...here, job: "12_3" });
  await refused(path, { ...here, job: "12_3" }, /is at work in it \(.*lock\)\. Wait for it/);
});

Deno.test("of this machine's processes the system's lock tells at once who lives; where it has none, signs of life do", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/lock`;
  await leave(path, here);
  assert.match(await takenFrom(path, here) ?? "", /^process 7 on node08 \(since \S+\)$/);
  await leave(path, here);
  const without = { ...here, flock: "none" } as const;
  assert.ok(RunLock.isHeld(path, without));
  await refused(path, without, /its last sign of life \d+ seconds? ago/);
  await age(path, 11 * minute);
  assert.ok(!RunLock.isHeld(path, without));
  assert.match(await takenFrom(path, without) ?? "", /^process 7 on node08/);
  {
    await using _held = await RunLock.acquire(path, here);
    await age(path, 11 * minute);
    assert.ok(RunLock.isHeld(path, here), "a process that is still for long is alive all the same");
    await refused(path, here, /at work/);
  }
});

Deno.test("a lock that does not say whose it is counts by its age where other machines may have written it", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/lock`;
  const whole = JSON.stringify({ pid: 7, host: "node07", since: "", nonce: crypto.randomUUID() });
  const contents = [
    "",
    whole.slice(0, 30),
    "[]",
    whole.replace(/"nonce":"[^"]*"/, `"nonce":"../../x"`),
    "x".repeat(5000),
  ];
  for (const content of contents) {
    await Deno.writeTextFile(path, content);
    assert.ok(RunLock.isHeld(path, { ...here, isShared: true }));
    await refused(path, { ...here, isShared: true }, /another process is at work in it .* \d+ seconds? ago/);
    await age(path, 11 * minute);
    assert.equal(await takenFrom(path, { ...here, isShared: true }), undefined);
    await Deno.writeTextFile(path, content);
    assert.ok(!RunLock.isHeld(path, { ...here, isShared: false }));
    assert.equal(await takenFrom(path, { ...here, isShared: false }), undefined);
  }
});

Deno.test("a lock that is a link to nothing, or a folder, is refused with its path", async () => {
  using folder = new TemporaryFolder();
  await link(`${folder.path}/nowhere`, `${folder.path}/lock`);
  await refused(
    `${folder.path}/lock`,
    here,
    /its lock \(.*\/lock\) comes and goes, or leads nowhere\. Look at that file/,
  );
  assert.ok(!RunLock.isHeld(`${folder.path}/lock`, here));
  await Deno.mkdir(`${folder.path}/folder`);
  await assert.rejects(RunLock.acquire(`${folder.path}/folder`, here), { name: "StorageError", message: /\/folder: / });
  await assert.rejects(RunLock.acquire(`${folder.path}/none/lock`, here), {
    name: "StorageError",
    message: /none\/lock/,
  });
});

Deno.test("a held lock shows signs of life, and its bytes stay", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/lock`;
  await using lock = await RunLock.acquire(path, { ...here, beatMs: 5 });
  const before = await Deno.readTextFile(path);
  await age(path, 60 * minute);
  const isFresh = async (): Promise<boolean> => Date.now() - Number((await Deno.stat(path)).mtime) < minute;
  while (!await isFresh()) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await Deno.readTextFile(path), before);
  await lock.assertHeld();
});

Deno.test("whoever lost its lock is told to whom, and leaves the other's alone", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/lock`;
  {
    await using other = await (async () => {
      await using lost = await RunLock.acquire(path, { host: "node07", beatMs: 5 });
      await lost.assertHeld();
      // As if it had stood still: its last sign of life is taken to be that old by a machine that has no patience.
      const other = await RunLock.acquire(path, { ...here, patienceMs: 0 });
      const message = /^Cannot go on with the run: process \d+ on node08 \(since \S+\) took it over \(.*lock\)/;
      await assert.rejects(lost.assertHeld(), { name: "RunInUseError", message });
      await assert.rejects(lost.assertHeld(), { name: "RunInUseError", message });
      return other;
    })();
    await other.assertHeld();
    assert.equal(JSON.parse(await Deno.readTextFile(path)).host, "node08");
    await Deno.remove(path);
    await assert.rejects(other.assertHeld(), {
      name: "RunInUseError",
      message: /its lock \(.*lock\) was removed or overwritten/,
    });
    await leave(path);
  }
  assert.equal(JSON.parse(await Deno.readTextFile(path)).host, "node07");
});

/** What is recorded in a folder, without what some file systems make of files that were removed while they were open. */
async function recorded(folder: string): Promise<Map<string, Uint8Array>> {
  return new Map([...await filesBelow(folder)].filter(([name]) => !/(?:^|\/)\.(?:fuse_hidden|nfs)/.test(name)));
}

Deno.test("a run that was taken over is not written to any more, whatever comes next", async () => {
  const config = tinyConfig({ levels: 1 });
  const events = [];
  for await (const event of fakeLottery(config, { partial: true })) events.push(event);
  const types = new Set<string>();
  for (const [index, event] of events.entries()) {
    // One of each kind will do, the last of them the end.
    if (index === 0 || types.has(event.type)) continue;
    types.add(event.type);
    using runs = new TemporaryFolder();
    const run = await describe(config);
    let left: Map<string, Uint8Array>;
    {
      await using store = await RunStore.open(runs.path, run);
      for (const before of events.slice(0, index)) await store.record(before);
      await using _other = await RunLock.acquire(`${store.folder}/lock`, { host: "another", patienceMs: 0 });
      left = await recorded(runs.path);
      await assert.rejects(store.record(event), { name: "RunInUseError", message: /on another .* took it over/ });
      assert.deepEqual(await recorded(runs.path), left, event.type);
    }
    left.delete(`${run.id}/lock`);
    assert.deepEqual(await recorded(runs.path), left);
    if (event.type !== "snapshot") continue;
    // And it goes on from what was there.
    await using again = await RunStore.open(runs.path, run);
    const snapshot = again.snapshot ? { snapshot: again.snapshot } : {};
    for await (const next of fakeLottery(config, { ...snapshot, partial: true })) await again.record(next);
    assert.ok((await filesBelow(again.folder)).has("summary.json"));
  }
  assert.ok(types.has("evaluation") && types.has("level-end") && types.has("snapshot") && types.has("end"));
});

Deno.test("a run that a scheduler starts again on another machine is opened at once", async () => {
  using runs = new TemporaryFolder();
  const config = tinyConfig({ levels: 1, controls: [] });
  const run = await describe(config);
  await Deno.mkdir(`${runs.path}/${run.id}`);
  await leave(`${runs.path}/${run.id}/lock`, { job: "12_3" });
  const record = async (job: string): Promise<void> => {
    await using store = await RunStore.open(runs.path, run, { job });
    for await (const event of fakeLottery(config)) await store.record(event);
  };
  await assert.rejects(record("12_4"), { name: "RunInUseError" });
  await record("12_3");
});

Deno.test("whichever call to the disk fails while a lock is taken, it says so, leaves nothing, and the next one gets it", async () => {
  for (const isThere of [false, true]) {
    let failed = 0;
    for (let call = 0, isTaken = false; !isTaken; call++) {
      using folder = new TemporaryFolder();
      const path = `${folder.path}/lock`;
      if (isThere) await leave(path, { ageMs: 11 * minute });
      const before = await recorded(folder.path);
      {
        using _disk = new FaultyDisk({ error: () => new Error("No space left on device (os error 28)"), call });
        try {
          await using _lock = await RunLock.acquire(path, here);
          isTaken = true;
        } catch (error) {
          assert.ok(error instanceof StorageError, String(error));
          assert.match(error.message, /^Cannot lock .*lock: the disk is full\./);
          failed++;
        }
      }
      if (!isTaken) {
        assert.deepEqual(await recorded(folder.path), before, `call ${call}`);
        await takenFrom(path, here);
      }
    }
    assert.ok(failed >= (isThere ? 5 : 2), `${failed} calls failed`);
  }
});

Deno.test("of any number of takers at once one gets the lock, with what was left of another taker or without", async () => {
  using folder = new TemporaryFolder();
  const rounds = isNightly ? 500 : 20;
  for (let round = 0; round < rounds; round++) {
    const path = `${folder.path}/lock-${round}`;
    const nonce = await leave(path, { ageMs: 11 * minute });
    if (round % 2 === 1) {
      // A taker that was killed, and another that was killed while it took over from that one.
      const second = await leave(`${path}.${nonce}.takeover`, { ageMs: 2 * minute });
      if (round % 4 === 3) await leave(`${path}.${second}.takeover`, { ageMs: 2 * minute });
    }
    const takers = Array.from({ length: 6 }, (_, index) => RunLock.acquire(path, { host: `taker${index}` }));
    const got = (await Promise.allSettled(takers)).flatMap((taker) => {
      if (taker.status === "fulfilled") return [taker.value];
      assert.ok(taker.reason instanceof RunInUseError, String(taker.reason));
      return [];
    });
    assert.equal(got.length, 1, `round ${round}`);
    for (const lock of got) await lock[Symbol.asyncDispose]();
  }
  assert.deepEqual([...(await filesBelow(folder.path)).keys()], [], "nothing stays");
  const nonce = await leave(`${folder.path}/lock`, { ageMs: 11 * minute });
  await leave(`${folder.path}/lock.${nonce}.takeover`);
  await refused(`${folder.path}/lock`, here, /process 7 on node07 .* is just taking it over/);
});

Deno.test("of several processes that take locks over at once, each lock has one new holder", async () => {
  using folder = new TemporaryFolder();
  const rounds = isNightly ? 1000 : 40;
  for (let round = 1; round <= rounds; round++) {
    await Deno.mkdir(`${folder.path}/${round}`);
    await leave(`${folder.path}/${round}/lock`, { ageMs: 11 * minute });
  }
  const script = new URL("./lock_taker.ts", import.meta.url).pathname;
  const takers = Array.from({ length: isNightly ? 6 : 3 }, (_, index) =>
    new Deno.Command("deno", {
      args: [
        ...["run", "--no-check", "--no-prompt", "--allow-read", `--allow-write=${folder.path}`, script],
        ...[folder.path, `taker${index}`, String(rounds)],
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn());
  const told = takers.map((taker) => taker.stdout.pipeThrough(new TextDecoderStream()).getReader());
  for (const reader of told) assert.equal((await reader.read()).value, "ready\n");
  for (const taker of takers) {
    const stdin = taker.stdin.getWriter();
    await stdin.write(new Uint8Array(1));
    await stdin.close();
  }
  const got = await Promise.all(told.map(async (reader) => {
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    return text.trim().split(",").filter((round) => round !== "").map(Number);
  }));
  for (const taker of takers) assert.ok((await taker.status).success);
  assert.deepEqual(got.flat().toSorted((a, b) => a - b), Array.from({ length: rounds }, (_, index) => index + 1));
});

Deno.test("file systems that machines share are known by their numbers, whatever the sign", () => {
  assert.equal(nameOfFileSystem(0x6969), "NFS");
  assert.equal(nameOfFileSystem(0x0bd00bd0), "Lustre");
  assert.equal(nameOfFileSystem(0xff534d42), "CIFS");
  assert.equal(nameOfFileSystem(0xff534d42 | 0), "CIFS");
  // ext4, tmpfs, XFS, Btrfs, overlayfs.
  for (const own of [0xef53, 0x01021994, 0x58465342, 0x9123683e, 0x794c7630]) {
    assert.equal(nameOfFileSystem(own), undefined);
  }
  // Without the permission to ask, nobody can say.
  assert.equal(sharedFileSystem("/"), undefined);
});
