/** Several processes at one run: one writes, the others are told who; and what a killed one leaves behind is taken over. */
import assert from "node:assert/strict";
import { isNightly } from "../nightly.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { folderOf, lasting, record } from "./recording.ts";

/** A script of this folder in a process of its own. */
function start(script: string, folder: string, ...args: readonly string[]): Deno.ChildProcess {
  const path = new URL(script, import.meta.url).pathname;
  const permissions = ["--no-prompt", "--no-check", "--allow-read", `--allow-write=${folder}`, "--allow-sys=hostname"];
  return new Deno.Command("deno", {
    args: ["run", ...permissions, path, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What it printed, once it has ended. */
async function toldBy(process: Deno.ChildProcess): Promise<string> {
  await using _stdin = { [Symbol.asyncDispose]: () => process.stdin.close().catch(() => {}) };
  const { stdout, stderr } = await process.output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

Deno.test("while one process writes, others are told which one it is, and its run is as if they had not been there", async () => {
  using runs = new TemporaryFolder();
  using whole = new TemporaryFolder();
  await record(whole.path);
  const first = start("writer.ts", runs.path, runs.path, "wait");
  const reader = first.stdout.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "begun\n");
  for (const told of await Promise.all([0, 1].map(() => toldBy(start("writer.ts", runs.path, runs.path))))) {
    assert.match(
      told,
      new RegExp(
        `^RunInUseError: Cannot use the run: process ${first.pid} on .+ \\(since [-\\dT:.]+Z\\) is at work in it ` +
          "\\(.*/lock\\)\\. Wait for it, stop it with Ctrl-C, or choose another folder with --runs\\.\n$",
      ),
    );
  }
  const stdin = first.stdin.getWriter();
  await stdin.write(new Uint8Array(1));
  await stdin.close();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "done\n");
  await reader.cancel();
  assert.ok((await first.status).success);
  await first.stderr.cancel();
  assert.deepEqual(await lasting(runs.path), await lasting(whole.path));
});

Deno.test("processes that start at once on one run end with one whole run between them", async () => {
  using runs = new TemporaryFolder();
  using whole = new TemporaryFolder();
  await record(whole.path);
  const told = await Promise.all(
    Array.from({ length: isNightly ? 8 : 3 }, () => toldBy(start("writer.ts", runs.path, runs.path))),
  );
  for (const text of told) {
    assert.match(text, /^(?:done|RunInUseError: Cannot (?:use the run|go on with run .*): .*)\n$/);
  }
  assert.ok(told.includes("done\n"), told.join());
  assert.deepEqual(await lasting(runs.path), await lasting(whole.path));
});

Deno.test("the lock that a killed process leaves behind is taken over, with a word of whose it was", async () => {
  using runs = new TemporaryFolder();
  using whole = new TemporaryFolder();
  await record(whole.path);
  const killed = start("writer.ts", runs.path, runs.path, "wait");
  const reader = killed.stdout.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "begun\n");
  killed.kill("SIGKILL");
  await killed.status;
  await Promise.all([reader.cancel(), killed.stderr.cancel(), killed.stdin.close().catch(() => {})]);
  assert.ok((await Deno.stat(`${await folderOf(runs.path)}/lock`)).isFile, "the file is still there");
  const warnings: string[] = [];
  await record(runs.path, { warn: (message) => warnings.push(message) });
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? "",
    new RegExp(`^The lock of run .* was left behind by process ${killed.pid} on .+, which is gone: taken over\\.$`),
  );
  assert.deepEqual(await lasting(runs.path), await lasting(whole.path));
});

Deno.test("never two processes hold a lock, however fast it changes hands", async () => {
  using folder = new TemporaryFolder();
  const counter = `${folder.path}/counter`;
  await Deno.writeTextFile(counter, "0");
  const rounds = isNightly ? "1000" : "50";
  const counted = await Promise.all(
    [0, 1, 2].map(() => toldBy(start("lock_holder.ts", folder.path, `${folder.path}/lock`, counter, rounds))),
  );
  const sum = counted.reduce((total, text) => total + Number(text), 0);
  assert.ok(sum > 0);
  assert.equal(Number(await Deno.readTextFile(counter)), sum);
});
