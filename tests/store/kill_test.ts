/**
 * Real processes of the real command, killed at random moments and resumed: what a run leaves behind is, byte for byte, what an
 * uninterrupted one leaves.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isNightly } from "../nightly.ts";
import { filesBelow, TemporaryFolder } from "./folders.ts";
import { seeded } from "./seeded.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Two levels with everything that has a state, a second or two of training each, and a checkpoint with every wait. */
const settings = [
  ...["--dataset", "synthetic", "--width", "0.1", "--dropout", "0.2", "--augment", "true", "--rewind", "30"],
  ...["--iterations", "200", "--eval-every", "20", "--levels", "1", "--replicates", "1", "--batch-size", "20"],
  ...[
    "--train-size",
    "1500",
    "--validation-size",
    "500",
    "--lr",
    "0.005",
    "--save-finals",
    "all",
    "--checkpoint-seconds",
    "0",
  ],
];

/** The command as its task starts it, with the same permissions; the folder is the one the user is in. */
function start(folder: string, ...more: readonly string[]): Deno.ChildProcess {
  return new Deno.Command("deno", {
    args: [
      ...["run", "--no-check", "--no-prompt", "--allow-env=INIT_CWD", "--allow-sys=hostname", "--allow-read"],
      ...[`--allow-write=${folder}`, join("src", "cli", "winnow.ts"), "lottery", ...settings],
      ...["--runs", join(folder, "runs"), ...more],
    ],
    cwd: root,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

async function errorsOf(child: Deno.ChildProcess): Promise<string> {
  return (await new Response(child.stderr).text()).replaceAll(/^.*XDG_RUNTIME_DIR.*\n/gm, "");
}

/** Starts it and waits for its end, or kills it by SIGKILL before. */
async function session(folder: string, kill?: number): Promise<{ readonly killed: boolean; readonly errors: string }> {
  const child = start(folder, "--resume");
  const timer = kill === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), kill);
  const [errors, { signal, code }] = await Promise.all([errorsOf(child), child.status]);
  clearTimeout(timer);
  if (signal !== "SIGKILL") assert.equal(code, 0, errors);
  return { killed: signal === "SIGKILL", errors };
}

/** The only run's folder; undefined while there is none. */
async function runFolder(folder: string): Promise<string | undefined> {
  try {
    for await (const { name } of Deno.readDir(join(folder, "runs"))) {
      await Deno.stat(join(folder, "runs", name, "config.json"));
      return join(folder, "runs", name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return undefined;
}

/** Everything that must be equal: all files but those of sessions and times and the index, and the summary without its times. */
async function lasting(folder: string): Promise<Map<string, Uint8Array | string>> {
  const files = new Map<string, Uint8Array | string>(await filesBelow(folder));
  for (const [name, bytes] of files) {
    if (/checkpoint|manifest\.json$|timings\.jsonl$|index\.sqlite/.test(name)) files.delete(name);
    if (!name.endsWith("summary.json") || typeof bytes === "string") continue;
    const isTime = /^(timing|stepMs)$/;
    const summary: unknown = JSON.parse(
      new TextDecoder().decode(bytes),
      (key, value: unknown) => isTime.test(key) ? null : value,
    );
    files.set(name, JSON.stringify(summary));
  }
  return files;
}

/** Where a run's last checkpoint stands, as its metadata say: what a kill hit. */
async function positionOf(run: string): Promise<string> {
  try {
    const text = new TextDecoder().decode(await Deno.readFile(join(run, "checkpoint.safetensors")));
    const level = /\\"partial\\":\[\{[^}]*?\\"level\\":(\d+)[^}]*?\\"iteration\\":(\d+)/.exec(text);
    return level ? `level ${level[1]} iteration ${level[2]}` : "between levels";
  } catch {
    return "no checkpoint";
  }
}

/** What a power loss may do: the newest checkpoint or the end of the metrics did not reach the disk. */
async function losePower(
  run: string,
  what: "metrics" | "checkpoint",
  random: () => number,
): Promise<string | undefined> {
  try {
    const synced = await syncedBytes(run);
    const unsynced = (await Deno.stat(join(run, "metrics.jsonl"))).size - synced;
    const [name, covered] = unsynced > 0 && what === "metrics"
      ? ["metrics.jsonl", synced]
      : ["checkpoint.safetensors", 0];
    const { size } = await Deno.stat(join(run, name));
    const end = covered + Math.floor(random() * (size - covered));
    await Deno.truncate(join(run, name), end);
    return `${name} cut to ${end} of ${size} bytes`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** How much of the metrics was on the disk for good before the checkpoint was: the lines that it counts on. */
async function syncedBytes(run: string): Promise<number> {
  const position = await positionOf(run);
  const [, level, iteration] = /level (\d+) iteration (\d+)/.exec(position) ?? [];
  const lines = (await readText(join(run, "metrics.jsonl"))).split(/(?<=\n)/);
  let end = 0;
  let bytes = 0;
  for (const line of lines) {
    bytes += new TextEncoder().encode(line).length;
    if (!line.endsWith("\n")) break;
    const at: { readonly level: number; readonly iteration: number } = JSON.parse(line);
    const isCovered = level === undefined
      ? position === "between levels"
      : at.level < Number(level) || at.level === Number(level) && at.iteration <= Number(iteration);
    if (isCovered) end = bytes;
  }
  return end;
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}

const uninterrupted = new TemporaryFolder();
Deno.test.afterAll(() => uninterrupted[Symbol.dispose]());
let whole: Promise<{ readonly files: Map<string, Uint8Array | string>; readonly ms: number }> | undefined;

/** The run that nobody disturbs, once for all tests of this file. */
function undisturbed(): NonNullable<typeof whole> {
  whole ??= (async () => {
    const began = performance.now();
    await session(uninterrupted.path);
    return { files: await lasting(uninterrupted.path), ms: performance.now() - began };
  })();
  return whole;
}

const kills = isNightly ? 20 : 3;

Deno.test(`killed by SIGKILL ${kills} times at random moments, a run ends with the bytes of an undisturbed one`, async () => {
  const { files, ms } = await undisturbed();
  const random = seeded();
  const hit: string[] = [];
  for (let done = 0; done < kills;) {
    using folder = new TemporaryFolder();
    // One run after the other until all kills are spent, because each session brings it further.
    for (let isKilled = true; isKilled;) {
      const left = kills - done;
      const { killed } = await session(folder.path, left > 0 ? ms * (0.1 + random()) : undefined);
      isKilled = killed;
      if (!killed) continue;
      done++;
      const run = await runFolder(folder.path);
      hit.push(run ? await positionOf(run) : "before the start");
    }
    assert.deepEqual(await lasting(folder.path), files, hit.join("; "));
  }
  console.log(`  killed at: ${hit.join("; ")}`);
});

Deno.test("power lost at random moments, with the newest checkpoint or the end of the metrics cut off, loses no more", async () => {
  const { files, ms } = await undisturbed();
  const random = seeded();
  const losses = isNightly ? 10 : 2;
  const hit: string[] = [];
  for (let done = 0; done < losses;) {
    using folder = new TemporaryFolder();
    for (let isKilled = true; isKilled;) {
      const { killed } = await session(folder.path, done < losses ? ms * (0.3 + 0.6 * random()) : undefined);
      isKilled = killed;
      if (!killed) continue;
      const run = await runFolder(folder.path);
      const lost = run && await losePower(run, done % 2 ? "checkpoint" : "metrics", random);
      hit.push(lost ?? "nothing there yet");
      done++;
    }
    assert.deepEqual(await lasting(folder.path), files, hit.join("; "));
  }
  console.log(`  lost: ${hit.join("; ")}`);
});

Deno.test(
  "SIGINT, SIGTERM, SIGUSR1, SIGUSR2 and a file `stop` make a checkpoint and end the run with 130; it goes on to the same bytes",
  { ignore: Deno.build.os === "windows" },
  async () => {
    const { files } = await undisturbed();
    using folder = new TemporaryFolder();
    for (const how of ["SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "stop"] as const) {
      const child = start(folder.path, "--resume");
      const errors = errorsOf(child);
      // Once it writes checkpoints of its own, it is within a level.
      const before = await newest(folder.path);
      for (let waited = 0; await newest(folder.path) === before; waited += 20) {
        assert.ok(waited < 60_000, "it trains");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const run = await runFolder(folder.path);
      assert.ok(run);
      if (how === "stop") await Deno.writeTextFile(join(run, "stop"), "");
      else child.kill(how);
      const { code, signal } = await child.status;
      const told = await errors;
      assert.deepEqual([code, signal], [130, null], told);
      assert.match(told, /Stopped\. .*--resume goes on from iteration \d+ of level \d\./, how);
      await assert.rejects(Deno.stat(join(run, "stop")), Deno.errors.NotFound);
    }
    await session(folder.path);
    assert.deepEqual(await lasting(folder.path), files);
  },
);

/** When the newest checkpoint was written. */
async function newest(folder: string): Promise<number | undefined> {
  const run = await runFolder(folder);
  if (!run) return undefined;
  try {
    return (await Deno.stat(join(run, "checkpoint.safetensors"))).mtime?.getTime();
  } catch {
    return undefined;
  }
}
