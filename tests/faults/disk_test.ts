/** Full, read-only and forbidden disks, at every byte and every call: a clear error, and a run that goes on afterwards. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { StorageError } from "../../src/store/errors.ts";
import { LineLog } from "../../src/store/line_log.ts";
import { holds } from "../fuzz/support.ts";
import { isNightly } from "../nightly.ts";
import { filesBelow, TemporaryFolder } from "../store/folders.ts";
import { type Fault, FaultyDisk } from "./disk.ts";
import { lasting, record } from "./recording.ts";

// As the system calls them: what Deno's errors say on Linux.
const full = (): Error => new Error("No space left on device (os error 28)");
const readOnly = (): Error => new Error("Read-only file system (os error 30)");
const denied = (): Error => new Deno.errors.PermissionDenied("Permission denied (os error 13)");
const messages: readonly (readonly [() => Error, RegExp])[] = [
  [full, /: the disk is full\. Make room and go on with --resume; what was recorded before is whole\.$/],
  [readOnly, /: the file system is read-only\. Choose another folder with --runs\.$/],
  [denied, /: the system does not allow it\. Change the folder's permissions, or choose another with --runs\.$/],
];

/** What a run comes to that nothing happened to, and how many calls and bytes that takes. */
const undisturbed = await (async () => {
  using runs = new TemporaryFolder();
  using disk = new FaultyDisk();
  await record(runs.path);
  return { files: await lasting(runs.path), calls: disk.calls, bytes: disk.bytes };
})();

/** Whole lines of the metrics, by file. */
async function recorded(runs: string): Promise<Map<string, string>> {
  const files = [...await filesBelow(runs)].filter(([name]) => name.endsWith("metrics.jsonl"));
  return new Map(files.map(([name, bytes]) => {
    const text = new TextDecoder().decode(bytes);
    return [name, text.slice(0, text.lastIndexOf("\n") + 1)];
  }));
}

/** Records a run until the fault, checks the error, and goes on without the fault: all must come out as undisturbed. */
async function drill(fault: Fault, message: RegExp): Promise<void> {
  using runs = new TemporaryFolder();
  {
    using _disk = new FaultyDisk(fault);
    await assert.rejects(record(runs.path), (error) => {
      assert.ok(error instanceof StorageError, String(error));
      assert.match(error.message, /^Cannot (?:write|create|lock) \//);
      assert.match(error.message, message);
      return true;
    });
  }
  const left = [...(await filesBelow(runs.path)).keys()];
  assert.deepEqual(left.filter((name) => /(?:^|\/)\.[^/]*\.new$/.test(name)), [], "no half of a file stays");
  const before = await recorded(runs.path);
  const warnings: string[] = [];
  using _disk = new FaultyDisk();
  await record(runs.path, { warn: (warning) => warnings.push(warning) });
  assert.deepEqual(warnings, [], "nothing of what is there is damaged");
  for (const [name, lines] of before) {
    const after = new TextDecoder().decode((await filesBelow(runs.path)).get(name));
    assert.ok(after.startsWith(lines), `${name} kept what was recorded`);
  }
  assert.deepEqual([...(await lasting(runs.path)).keys()], [...undisturbed.files.keys()]);
  assert.deepEqual(await lasting(runs.path), undisturbed.files);
}

Deno.test("a disk that is full after any byte ends the run with its remedy, and with room it goes on to the same bytes", async () => {
  const [[error, message] = [full, /./]] = messages;
  await holds(
    fc.asyncProperty(fc.nat(undisturbed.bytes - 1), (capacity) => drill({ error, capacity }, message)),
    { cases: 6, nightly: 200 },
  );
});

Deno.test("whichever call to the disk fails, and however, the run says so and goes on to the same bytes", async () => {
  const { length } = undisturbed.calls;
  assert.ok(length > 50, "a run of many calls");
  // All of them in the nightly form; a few otherwise, the first and the last among them.
  for (let call = 0; call < length; call += isNightly ? 1 : Math.ceil(length / 7)) {
    const [error, message] = messages[call % messages.length] ?? [full, /./];
    await drill({ error, call }, message);
  }
  await drill({ error: full, call: length - 1 }, /disk is full/);
});

Deno.test("a disk that fails at one write does not spoil what is written after it", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/log`;
  using log = await LineLog.read(path, (value) => String(value));
  await log.append([{ key: "1", text: "1" }]);
  {
    using _disk = new FaultyDisk({ error: full, capacity: 3 });
    await assert.rejects(log.append([{ key: "22", text: "22" }, { key: "33", text: "33" }]), StorageError);
  }
  assert.equal(await Deno.readTextFile(path), "1\n22\n", "half of what was to be written is there");
  await log.append([{ key: "44", text: "44" }]);
  await log.append([{ key: "22", text: "22" }]);
  assert.equal(await Deno.readTextFile(path), "1\n44\n22\n");
});

/** A shell in a user namespace of its own, where a file system may be mounted; undefined where the system does not allow it. */
async function mounting(script: string, ...args: readonly string[]): Promise<Deno.CommandOutput> {
  return await new Deno.Command("/bin/sh", {
    args: ["-c", `exec unshare --map-root-user --mount /bin/sh -c "$0" "$@"`, script, "sh", ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
}

const canMount = Deno.build.os === "linux" && await (async () => {
  using folder = new TemporaryFolder();
  return (await mounting('mount -t tmpfs -o size=64k tmpfs "$1"', folder.path)).success;
})();
const writer = new URL("writer.ts", import.meta.url).pathname;

Deno.test({
  name: "a file system that is really full, then really read-only, then larger: errors, and in the end the same bytes",
  ignore: !canMount,
  async fn() {
    using folder = new TemporaryFolder();
    using copy = new TemporaryFolder();
    // Pages of 4 KB, one for the folder itself at least: the run needs about 30 of them.
    const script = `
      mount -t tmpfs -o size=48k tmpfs "$1" || exit 9
      run() { deno run --no-prompt --allow-read --allow-write="$1" "$2" "$1/runs"; echo "code $?"; }
      run "$1" "$2"
      mount -o remount,ro "$1" || exit 9
      run "$1" "$2"
      mount -o remount,rw,size=8m "$1" || exit 9
      run "$1" "$2"
      cp -R "$1/runs" "$3/runs"
    `;
    const { success, stdout, stderr } = await mounting(script, folder.path, writer, copy.path);
    const told = new TextDecoder().decode(stdout);
    assert.ok(success, new TextDecoder().decode(stderr));
    assert.match(
      told,
      /^StorageError: Cannot \w+ \S+: the disk is full\. Make room and go on with --resume; what was recorded before is whole\.\ncode 1\nStorageError: Cannot \w+ \S+: the file system is read-only\. Choose another folder with --runs\.\ncode 1\ndone\ncode 0\n$/,
    );
    assert.deepEqual(await lasting(`${copy.path}/runs`), undisturbed.files);
  },
});

/** The superuser may write anywhere. */
const mayWriteAnywhere = ((): boolean => {
  using folder = new TemporaryFolder();
  if (Deno.build.os !== "windows") Deno.chmodSync(folder.path, 0o555);
  try {
    Deno.mkdirSync(`${folder.path}/folder`);
    return true;
  } catch {
    return false;
  }
})();

Deno.test({
  name: "a folder whose permissions forbid writing is named with its remedy",
  ignore: mayWriteAnywhere,
  async fn() {
    using runs = new TemporaryFolder();
    await Deno.chmod(runs.path, 0o555);
    await assert.rejects(record(runs.path), { name: "StorageError", message: /^Cannot create .*permissions.*--runs/ });
    await Deno.chmod(runs.path, 0o755);
    await record(runs.path);
    assert.deepEqual(await lasting(runs.path), undisturbed.files);
  },
});
