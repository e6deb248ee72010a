/** Starting runs: real processes of the real command, which outlive whoever started them. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };
import { appendToLog, endLine, exitCodeOf, logConsole } from "../../src/cli/log_file.ts";
import { lotteryCommand, type LotteryTools } from "../../src/cli/lottery.ts";
import { lotteryPermissions } from "../../src/cli/permissions.ts";
import { main } from "../../src/cli/winnow.ts";
import { Control, existingRun, startedFolder } from "../../src/dashboard/control.ts";
import { formOf } from "../../src/dashboard/run_form.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import type { LotteryConfig } from "../../src/lottery/config.ts";
import { listRuns, runIds } from "../../src/store/index.ts";
import { fakeLottery } from "../store/fake_lottery.ts";
import { TemporaryFolder } from "../store/folders.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const dataset = await syntheticDataset({ height: 4, width: 4, train: 300, test: 50 });
const small: Readonly<Record<string, string>> = {
  ...{ preset: "lenet-quick", dataset: "synthetic", trainSize: "200", validationSize: "100" },
  ...{ iterations: "50", evalEvery: "20", levels: "1" },
};
const smallFlags = [
  ...["--dataset", "synthetic", "--train-size", "200", "--validation-size", "100"],
  ...["--iterations", "50", "--eval-every", "20", "--levels", "1"],
];

/** A second or two of training, on 1,500 images that are made up. */
const tiny = new URLSearchParams({
  ...{ preset: "lenet-quick", dataset: "synthetic", width: "0.1", iterations: "1500", evalEvery: "100", levels: "1" },
  ...{ controls: "none", batchSize: "20", saveFinals: "none" },
});

async function configOf(changes: Readonly<Record<string, string>> = {}): Promise<LotteryConfig> {
  const { request } = await formOf(new URLSearchParams({ ...small, ...changes }));
  assert.ok(request);
  return request.config;
}

/** A log as a start leaves it, in which the command then says what it says. Returns the exit code. */
async function begin(runs: string, name: string, args: readonly string[], levels = Infinity): Promise<number> {
  await Deno.mkdir(join(runs, startedFolder), { recursive: true });
  const log = join(runs, startedFolder, `${name}.log`);
  appendToLog(log, "# Started from the dashboard at 2026-11-25T18:40:00.123Z.");
  appendToLog(log, "# deno task lottery lenet-quick");
  appendToLog(log, "# /new?preset=lenet-quick&levels=1");
  const tools: LotteryTools = {
    console: logConsole(log),
    async *lottery(config, { snapshot, signal }) {
      let done = 0;
      for await (
        const event of fakeLottery(config, { ...(snapshot ? { snapshot } : {}), ...(signal ? { signal } : {}) })
      ) {
        yield event;
        if (event.type === "snapshot" && ++done >= levels) throw new Error("The power went.");
      }
    },
    loadDataset: () => Promise.resolve(dataset),
    signal: new AbortController().signal,
  };
  let code: number;
  try {
    code = await lotteryCommand([...args, "--runs", runs], tools);
  } catch (error) {
    appendToLog(log, `Error: ${error instanceof Error ? error.message : String(error)}`);
    code = 1;
  }
  appendToLog(log, endLine(code));
  return code;
}

/** The process that starts a run, in a process group of its own; what it prints first. */
async function parent(
  folder: string,
  query: URLSearchParams,
  ...permissions: readonly string[]
): Promise<{ readonly child: Deno.ChildProcess; readonly line: string }> {
  const child = new Deno.Command("deno", {
    args: [
      ...["run", "--no-prompt", "--allow-read", `--allow-write=${dirname(folder)}`, "--allow-env=INIT_CWD"],
      ...[...permissions, join("tests", "dashboard", "control_parent.ts"), join(folder, "runs"), `${query}`],
    ],
    cwd: root,
    env: { INIT_CWD: folder },
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`It ended: ${text}`);
    text += value;
  }
  await reader.cancel();
  return { child, line: text.slice(0, text.indexOf("\n")) };
}

/** Ends a process and all of its group, as Ctrl-C and the closing of a terminal do. */
async function end(child: Deno.ChildProcess, signal: "INT" | "KILL"): Promise<void> {
  const { success } = await new Deno.Command("/bin/sh", { args: ["-c", `kill -${signal} -${child.pid}`] }).output();
  assert.ok(success);
  await child.status;
}

async function until<Value>(look: () => Promise<Value | undefined>, seconds = 60): Promise<Value> {
  const latest = performance.now() + seconds * 1000;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > latest) throw new Error(`Nothing came in ${seconds} seconds.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("a run has the permissions of the task lottery, each of them and no other, in the folder that the user is in", () => {
  const words = project.tasks.lottery.command.split(" ");
  const expected = words.slice(2, words.indexOf("src/cli/winnow.ts")).map((word) =>
    word.replace('"$INIT_CWD"', () => "/a/$& b")
  );
  assert.deepEqual(words.slice(0, 2), ["deno", "run"]);
  assert.ok(expected.includes("--allow-write=/a/$& b") && expected.length > 1);
  assert.deepEqual(lotteryPermissions("/a/$& b"), expected);
});

Deno.test("in a folder with a comma in its name no run is started: its flag would let it write in another", async () => {
  using folder = new TemporaryFolder();
  const here = join(folder.path, "a,b");
  await Deno.mkdir(here);
  const { child, line } = await parent(here, tiny, "--allow-run=deno");
  assert.match(line, /^true Cannot start a run in .*a comma.* Rename it\.$/);
  await end(child, "KILL");
  assert.deepEqual([...Deno.readDirSync(here)], []);
});

Deno.test("a run that was started outlives Ctrl-C in the terminal of who started it, and finishes", async () => {
  using folder = new TemporaryFolder();
  const runs = join(folder.path, "runs");
  const { child, line: name } = await parent(folder.path, tiny, "--allow-run=deno");
  const control = new Control({ runs });
  const running = await until(async () => {
    const start = await control.read(name);
    assert.ok(start);
    assert.ok(start.state === "waiting" || start.state === "running", `${start.state}: ${start.lines.join("\n")}`);
    return start.state === "running" ? start : undefined;
  });
  await end(child, "INT");
  const before = await control.read(name);
  assert.equal(before?.state, "running", "it was in training when who started it was ended");
  const finished = await until(async () => {
    const start = await control.read(name);
    return start?.state === "running" ? undefined : start;
  });
  assert.equal(finished.state, "finished", finished.lines.join("\n"));
  assert.equal(finished.id, running.id);
  assert.deepEqual(runIds(runs), [running.id]);
  const summary = JSON.parse(await Deno.readTextFile(join(runs, running.id ?? "", "summary.json")));
  assert.equal(summary.id, running.id);
  assert.match(finished.command, /^deno task lottery lenet-quick --dataset=synthetic .*--iterations=1500/);
  assert.match(finished.lines.join("\n"), /^Run lenet-quick-/m);
});

Deno.test("a start that fails shows what the command line would say", async () => {
  using folder = new TemporaryFolder();
  const runs = join(folder.path, "runs");
  const empty = join(folder.path, "empty");
  await Deno.mkdir(empty);
  const query = new URLSearchParams({ preset: "lenet-quick", dataDir: empty });
  const { child, line: name } = await parent(folder.path, query, "--allow-run=deno");
  const control = new Control({ runs });
  const failed = await until(async () => {
    const start = await control.read(name);
    return start?.state === "waiting" ? undefined : start;
  });
  assert.equal(failed.state, "failed");
  let expected = "";
  const console = { ...logConsole("/dev/null"), err: (text: string) => void (expected += text) };
  const code = await main(
    ["lottery", "lenet-quick", "--runs", runs, "--data-dir", empty],
    console,
    new AbortController().signal,
  );
  assert.equal(code, 1);
  // The four files are read at the same time, and any of them may be missed first.
  const anyFile = (text: string): string => text.replaceAll(/(?:train|t10k)-(?:images-idx3|labels-idx1)/g, "file");
  assert.equal(anyFile(`Error: ${failed.sentence}`), anyFile(expected));
  assert.match(expected, /empty.*The folder must hold MNIST's four IDX files/);
  assert.equal(failed.form, `/new?${query}`);
  await end(child, "KILL");
});

Deno.test("without Deno's permission to run programs nothing is started, and it says how to get it", async () => {
  using folder = new TemporaryFolder();
  const { child, line } = await parent(folder.path, tiny);
  assert.match(line, /^false Cannot start a run: Deno does not let .*deno task dashboard:control/);
  await end(child, "KILL");
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("a run that could not write its folder is not started", async () => {
  using folder = new TemporaryFolder();
  const { request } = await formOf(tiny);
  assert.ok(request);
  await assert.rejects(new Control({ runs: folder.path }).start(request), {
    name: "NoControlError",
    message: /Cannot start a run in .*Start the dashboard in a folder that has the runs in it/,
  });
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("what the command says of its run is understood: new, finished already, there already, gone on with", async () => {
  using runs = new TemporaryFolder();
  const control = new Control({ runs: runs.path });
  const name = (second: number): string => `2026-11-25T18-40-0${second}-123Z-lenet-quick`;
  assert.equal(await begin(runs.path, name(1), [...smallFlags, "--controls", "none"], 1), 1);
  const [id = ""] = runIds(runs.path);
  const lost = await control.read(name(1));
  assert.deepEqual([lost?.state, lost?.id, lost?.sentence], ["failed", id, "The power went."]);
  await begin(runs.path, name(2), [...smallFlags, "--controls", "none"]);
  const there = await control.read(name(2));
  assert.deepEqual([there?.state, there?.id], ["exists", id]);
  assert.equal(there?.form, "/new?preset=lenet-quick&levels=1");
  await begin(runs.path, name(3), [...smallFlags, "--controls", "none", "--resume"]);
  const resumed = await control.read(name(3));
  assert.deepEqual([resumed?.state, resumed?.id], ["finished", id]);
  await begin(runs.path, name(4), [...smallFlags, "--controls", "none"]);
  const again = await control.read(name(4));
  assert.deepEqual([again?.state, again?.id], ["finished", id]);
  await begin(runs.path, name(5), [...smallFlags, "--controls", "none", "--fresh"]);
  assert.equal((await control.read(name(5)))?.id, `${id}-2`);
  assert.deepEqual(await control.newest(2), [name(5), name(4)]);
  assert.ok(resumed?.lines.every((line) => !line.startsWith("# ")));
});

Deno.test("a run that is gone on with is waited for until it says more, since its folder is there before", async () => {
  using runs = new TemporaryFolder();
  const id = "lenet-quick-0123456789";
  await Deno.mkdir(join(runs.path, startedFolder));
  await Deno.mkdir(join(runs.path, id));
  await Deno.writeTextFile(join(runs.path, id, "config.json"), "{}");
  const name = "2026-11-25T18-40-00-000Z-lenet-quick";
  const log = join(runs.path, startedFolder, `${name}.log`);
  const control = new Control({ runs: runs.path, now: () => Date.UTC(2026, 10, 25, 18, 40, 1) });
  appendToLog(log, "# Started from the dashboard at 2026-11-25T18:40:00.000Z.");
  assert.deepEqual([(await control.read(name))?.state, (await control.read(name))?.id], ["waiting", undefined]);
  appendToLog(log, `Going on with run ${id} (${runs.path}/${id})`);
  assert.deepEqual([(await control.read(name))?.state, (await control.read(name))?.id], ["waiting", id]);
  appendToLog(log, "error: XDG_RUNTIME_DIR is invalid or not set in the environment.");
  assert.equal((await control.read(name))?.state, "waiting", "what the driver says is not the run's");
  appendToLog(log, "Level 1 of 3: 60.0 % of the weights, ticket");
  assert.equal((await control.read(name))?.state, "running");
});

Deno.test("logs are no runs: neither the list nor the index has them", async () => {
  using runs = new TemporaryFolder();
  await begin(runs.path, "2026-11-25T18-40-01-123Z-lenet-quick", smallFlags);
  const [id] = runIds(runs.path);
  assert.deepEqual((await listRuns(runs.path)).map((run) => run.id), [id]);
  assert.deepEqual(await readProblems(runs.path), "");
});

async function readProblems(runs: string): Promise<string> {
  let warned = "";
  await listRuns(runs, { warn: (message) => void (warned += message) });
  return warned;
}

Deno.test("a start of no known name is none, wherever its name leads", async () => {
  using runs = new TemporaryFolder();
  await Deno.mkdir(join(runs.path, startedFolder));
  await Deno.writeTextFile(join(runs.path, "secret.log"), "secret");
  const control = new Control({ runs: runs.path });
  for (
    const name of [
      "",
      "secret",
      "../secret",
      "..%2fsecret",
      "2026-11-25T18-40-01-123Z-/../../secret",
      "__proto__",
      "\0",
    ]
  ) {
    assert.equal(await control.read(name), undefined);
  }
});

Deno.test("a start that nobody ended and that says nothing for a minute is lost", async () => {
  using runs = new TemporaryFolder();
  await Deno.mkdir(join(runs.path, startedFolder));
  const name = "2026-11-25T18-40-00-000Z-lenet-quick";
  const started = Date.UTC(2026, 10, 25, 18, 40);
  await Deno.writeTextFile(
    join(runs.path, startedFolder, `${name}.log`),
    `# Started from the dashboard at ${new Date(started).toISOString()}.\n`,
  );
  const at = async (ms: number): Promise<string | undefined> =>
    (await new Control({ runs: runs.path, now: () => started + ms }).read(name))?.state;
  assert.equal(await at(30_000), "waiting");
  assert.equal(await at(90_000), "failed");
});

Deno.test("the run that the command would meet is found, with what it lacks of what is asked", async () => {
  using runs = new TemporaryFolder();
  const find = async (changes: Readonly<Record<string, string>> = {}) =>
    await existingRun(await configOf(changes), runs.path, await listRuns(runs.path));
  assert.equal(await find(), undefined);
  await begin(runs.path, "2026-11-25T18-40-01-123Z-lenet-quick", smallFlags, 1);
  const [id] = runIds(runs.path);
  const unfinished = await find();
  assert.deepEqual([unfinished?.run.id, unfinished?.count, unfinished?.isComplete], [id, 1, false]);
  await begin(runs.path, "2026-11-25T18-40-02-123Z-lenet-quick", [...smallFlags, "--resume"]);
  assert.equal((await find())?.isComplete, true);
  assert.equal((await find({ levels: "0" }))?.isComplete, true);
  assert.equal((await find({ controls: "none" }))?.isComplete, true);
  for (const more of [{ levels: "2" }, { replicates: "2" }, { reinitDraws: "2" }]) {
    const found = await find(more);
    assert.deepEqual([found?.run.id, found?.isComplete], [id, false]);
  }
  for (const other of [{ seed: "2" }, { lr: "0.5" }, { preset: "lenet" }, { iterations: "51" }]) {
    assert.equal(await find(other), undefined);
  }
  await begin(runs.path, "2026-11-25T18-40-03-123Z-lenet-quick", [...smallFlags, "--fresh"]);
  const both = await find();
  assert.deepEqual([both?.run.id, both?.count], [id, 2]);
});

Deno.test("a run by a plan table of its own is met where none by the shipped one is there, and gone on with by its own", async () => {
  using runs = new TemporaryFolder();
  using files = new TemporaryFolder();
  const path = join(files.path, "mine.json");
  await Deno.writeTextFile(path, JSON.stringify({ version: 3, software: [] }));
  const find = async (): Promise<string | undefined> =>
    (await existingRun(await configOf({}), runs.path, await listRuns(runs.path)))?.run.id;
  await begin(runs.path, "2026-11-25T18-40-01-123Z-lenet-quick", [...smallFlags, "--plan", path], 1);
  const [own] = runIds(runs.path);
  assert.equal(await find(), own);
  // As the page has it started.
  await begin(runs.path, "2026-11-25T18-40-02-123Z-lenet-quick", [...smallFlags, "--resume"]);
  assert.deepEqual(runIds(runs.path), [own]);
  const manifest = JSON.parse(await Deno.readTextFile(join(runs.path, own ?? "", "manifest.json")));
  assert.deepEqual([manifest.plan.from, manifest.sessions.length], ["mine.json", 2]);
  await begin(runs.path, "2026-11-25T18-40-03-123Z-lenet-quick", smallFlags);
  const shipped = runIds(runs.path).find((id) => id !== own);
  assert.equal(await find(), shipped);
});

Deno.test("a log stays below its limit, and keeps how it began and how it ended", () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, "a.log");
  const most = 2_000;
  for (let line = 0; line < 1_000; line++) {
    appendToLog(path, `line ${line} ${"–".repeat(line % 7)}`, most);
    assert.ok(Deno.statSync(path).size <= most);
  }
  appendToLog(path, "x".repeat(5_000), most);
  assert.ok(Deno.statSync(path).size <= most);
  appendToLog(path, endLine(3), most);
  const text = Deno.readTextFileSync(path);
  assert.match(text, /^line 0 \nline 1 –\n/);
  assert.match(text, /^# Lines are left out here\.$/m);
  assert.equal(exitCodeOf(text), 3);
  assert.doesNotMatch(text, /\ufffd/);
});

Deno.test("a log that cannot be written does not end what is told about", () => {
  const console = logConsole("/nowhere/at/all.log");
  console.err("a");
  console.out("b");
});
