/** The command `sweep`, in process, with a stand-in for the training; `sweep_local_test.ts` has the real processes. */
import assert from "node:assert/strict";
import { experimentCommand } from "../../src/cli/experiment.ts";
import { sweepCommand, type SweepTools } from "../../src/cli/sweep.ts";
import type { StartTask } from "../../src/cli/sweep_local.ts";
import { sweepTaskCommand, type TaskProgress } from "../../src/cli/sweep_task.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import type { LotteryConfig } from "../../src/lottery/config.ts";
import type { LotteryOptions } from "../../src/lottery/lottery.ts";
import type { LotteryEvent } from "../../src/lottery/types.ts";
import { listExperiments } from "../../src/store/experiments.ts";
import { runIds } from "../../src/store/index.ts";
import { RunLock } from "../../src/store/lock.ts";
import { listAttempts, listSubmissions, listSweeps, readSweep } from "../../src/store/sweeps.ts";
import { fakeLottery } from "../store/fake_lottery.ts";
import { filesBelow, TemporaryFolder } from "../store/folders.ts";
import { type Remembered, rememberingConsole } from "./console.ts";

const dataset = await syntheticDataset({ height: 4, width: 4, train: 300, test: 50 });
const others = await syntheticDataset({ height: 4, width: 4, train: 600, test: 50 });

const definition = {
  name: "rates",
  preset: "lenet-quick",
  base: {
    dataset: "synthetic",
    trainSize: 200,
    validationSize: 100,
    iterations: 50,
    evalEvery: 20,
    levels: 1,
    controls: [],
    saveFinals: "none",
  },
  axes: { lr: [0.001, 0.002, 0.004] },
};

type Lottery = (config: LotteryConfig, options: LotteryOptions) => AsyncGenerator<LotteryEvent>;

const lottery: Lottery = (config, { snapshot, signal }) =>
  fakeLottery(config, { ...(snapshot ? { snapshot } : {}), ...(signal ? { signal } : {}) });

/** Tasks in this process, as if they were others. */
function inProcess(own: Lottery, loaded = dataset): StartTask {
  return ({ index, file, log }) => {
    const gone = Promise.withResolvers<void>();
    const stream = new TransformStream<TaskProgress, TaskProgress>();
    const writer = stream.writable.getWriter();
    const console = rememberingConsole();
    const ended = sweepTaskCommand([file, String(index), "--attached"], {
      console,
      signal: new AbortController().signal,
      lottery: own,
      loadDataset: () => Promise.resolve(loaded),
      report: (line) => void writer.write(JSON.parse(line)),
      parentGone: () => gone.promise,
    }).then(async (code) => {
      await Deno.writeTextFile(log, console.errors());
      await writer.close();
      return { code, signal: null, said: "" };
    });
    return { pid: Deno.pid, progress: stream.readable, ended, stop: () => gone.resolve(), kill: () => gone.resolve() };
  };
}

interface Outcome extends Remembered {
  readonly code: number;
}

async function run(
  args: readonly string[],
  { lottery: own = lottery, ...tools }: Partial<SweepTools> = {},
  isTerminal = false,
): Promise<Outcome> {
  const console = rememberingConsole(isTerminal);
  const code = await sweepCommand(args, {
    console,
    lottery: own,
    loadDataset: () => Promise.resolve(dataset),
    signal: new AbortController().signal,
    machine: () => Promise.resolve({ kind: "software", cores: 2, freeBytes: 2 ** 34, cardBytes: null }),
    starter: () => Promise.resolve(inProcess(own)),
    ...tools,
  });
  return { ...console, code };
}

/** A folder with the sweep's file in it; its runs go below. */
class Workplace extends TemporaryFolder {
  readonly file = `${this.path}/rates.json`;
  readonly runs = `${this.path}/runs`;
  readonly args = [this.file, "--runs", this.runs];

  constructor(own: unknown = definition) {
    super();
    Deno.writeTextFileSync(this.file, JSON.stringify(own));
  }
}

const noTraining: Lottery = () => {
  throw new Error("trained again");
};

Deno.test("a file's runs are trained, and the command ends with a table, the best and worst, and pictures", async () => {
  using place = new Workplace();
  const { code, output, errors } = await run(place.args);
  assert.equal(code, 0);
  assert.match(errors(), /^Sweep rates: 3 runs to train, at most 2 at once, one for each processor/m);
  assert.match(errors(), /^Run 1 of 3: lr 0\.001 \(lenet-quick-[0-9a-f]{10}\)$/m);
  assert.match(errors(), /^Finished: lr 0\.00\d, after \d+ s; 3 of 3 there$/m);
  assert.match(output(), /^3 runs: 3 finished; 100 % trained\.$/m);
  assert.match(
    output(),
    /^2 +lr 0\.002 +lenet-quick-[0-9a-f]{10} +finished +100 % +95\.10 % +96\.10 % +50\.0 % +50\.0 %$/m,
  );
  assert.match(
    output(),
    /^Of 3 by the best ticket's accuracy: best lr 0\.001 \(96\.10 % with 50\.0 % of the weights\), worst/m,
  );
  const record = await readSweep(place.runs, "rates") ?? assert.fail("no record");
  assert.deepEqual(record.runs.map(({ id }) => id).sort(), runIds(place.runs));
  for (const name of ["levels.svg", "levels.md", "levels-numbers.json", "settings.svg"]) {
    assert.ok((await Deno.stat(`${place.runs}/sweeps/rates/${name}`)).size > 100, name);
  }
  const attempts = await listAttempts(place.runs, "rates");
  assert.deepEqual(
    attempts.map(({ outcome, engine, job }) => [outcome, engine, job]),
    Array(3).fill(["finished", "local", null]),
  );
  assert.ok(attempts.every(({ trained, ended }) => trained !== null && ended !== null));
});

Deno.test("what is there is not trained again: by the same sweep, or by another that shares runs with it", async () => {
  using place = new Workplace();
  await run(place.args);
  const again = await run(place.args, { lottery: noTraining });
  assert.equal(again.code, 0);
  assert.match(again.errors(), /^Everything that is wanted is there\.$/m);
  await Deno.writeTextFile(place.file, JSON.stringify({ ...definition, name: "more", axes: { lr: [0.002, 0.008] } }));
  const { errors } = await run(place.args);
  assert.match(errors(), /^Sweep more: 1 run to train/m);
  assert.equal(runIds(place.runs).length, 4);
});

Deno.test("--only trains some of the runs, flags go over the file's own settings, and such a sweep is another one", async () => {
  using place = new Workplace();
  const { output, errors } = await run([...place.args, "--only", "lr 0.001,lr 0.004", "--levels", "0"]);
  assert.match(errors(), /^Sweep rates-levels-0: 2 runs to train/m);
  assert.match(output(), /^3 runs: 2 finished, 1 absent; 66 % trained\.$/m);
});

Deno.test("an experiment's sweep is the experiment: its record, its figure, its runs", async () => {
  using place = new Workplace();
  const small = [
    "--dataset",
    "synthetic",
    "--scale",
    "0.01",
    "--levels",
    "1",
    "--replicates",
    "1",
    "--runs",
    place.runs,
  ];
  const loadDataset = (): Promise<typeof others> => Promise.resolve(others);
  const { code, output } = await run(["fig26", ...small], {
    loadDataset,
    starter: () => Promise.resolve(inProcess(lottery, others)),
  });
  assert.equal(code, 0);
  const key = "fig26-scale-0.01-levels-1-replicates-1-dataset-synthetic";
  assert.match(output(), /^lr 0\.0012: early stop$/m);
  const [record] = await listExperiments(place.runs);
  assert.equal(record?.key, key);
  assert.deepEqual(record.runs.map(({ id }) => id).sort(), runIds(place.runs));
  const picture = await Deno.readTextFile(`${place.runs}/experiments/${key}.svg`);
  const console = rememberingConsole();
  const tools = {
    console,
    lottery: noTraining,
    loadDataset,
    signal: new AbortController().signal,
    measureLines: () => Promise.reject(new Error("no line is wanted")),
  };
  assert.equal(await experimentCommand(["fig26", ...small], tools), 0);
  assert.equal(await Deno.readTextFile(`${place.runs}/experiments/${key}.svg`), picture);
});

Deno.test("a run that fails stops no other, is told with its error, and resubmit trains it alone", async () => {
  using place = new Workplace();
  const failing: Lottery = async function* (config, options) {
    for await (const event of lottery(config, options)) {
      yield event;
      if (config.lr === 0.002 && event.type === "level-end") throw new Error("the disk is full of\u0007 frogs");
    }
  };
  const { code, output, errors } = await run(place.args, { lottery: failing });
  assert.equal(code, 1);
  assert.match(
    errors(),
    /^Failed: lr 0\.002 \(lenet-quick-\w+\): the disk is full of\\u0007 frogs\. Its log is .*-1\.log$/m,
  );
  assert.match(errors(), /deno task sweep resubmit rates/);
  assert.match(output(), /^3 runs: 2 finished, 1 failed; /m);
  const logs = await run(["logs", "rates", "2", "--runs", place.runs]);
  assert.match(logs.errors(), /^Error: the disk is full of/m);
  assert.match(logs.output(), /Level 0 of 1/);
  const again = await run(["resubmit", "rates", "--runs", place.runs]);
  assert.equal(again.code, 0);
  assert.match(again.errors(), /^Sweep rates: 1 run to train/m);
  assert.match(again.output(), /^3 runs: 3 finished; 100 % trained\.$/m);
});

Deno.test("stopped, all runs write checkpoints, the command ends with 130, and the same command goes on to the same bits", async () => {
  using place = new Workplace();
  const controller = new AbortController();
  const stopping: Lottery = async function* (config, options) {
    for await (const event of lottery(config, options)) {
      yield event;
      if (event.type === "progress" && event.iteration === 40) {
        controller.abort(new DOMException("stop", "AbortError"));
        // Until this run hears of it too.
        while (options.signal?.aborted === false) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  };
  const { code, output, errors } = await run(place.args, { lottery: stopping, signal: controller.signal });
  assert.equal(code, 130);
  assert.match(errors(), /^Stopping: each run writes its checkpoint\./m);
  assert.match(errors(), /^Stopped\. The same command goes on, and so does `deno task sweep resubmit rates`\.$/m);
  assert.match(output(), /^3 runs: 2 stopped, 1 absent; /m);
  assert.equal((await run(place.args)).code, 0);
  using whole = new Workplace();
  await run(whole.args);
  const lines = async (folder: string): Promise<[string, Uint8Array][]> =>
    [...await filesBelow(folder)].filter(([name]) => name.endsWith("metrics.jsonl") || name.endsWith(".safetensors"));
  const bits = (all: [string, Uint8Array][]): [string, Uint8Array][] =>
    all.filter(([name]) => !name.includes("/checkpoint"));
  assert.deepEqual(bits(await lines(place.runs)), bits(await lines(whole.runs)));
});

Deno.test("a run that somebody else is at work in is trained when that one has gone, after all others", async () => {
  using place = new Workplace();
  await run([...place.args, "--only", "lr 0.001"], {
    // Only so that its folder is there.
    lottery: async function* (config, options) {
      for await (const event of lottery(config, options)) {
        yield event;
        if (event.type === "snapshot") throw new Error("enough");
      }
    },
  });
  const [id = ""] = runIds(place.runs);
  const lock = await RunLock.acquire(`${place.runs}/${id}/lock`);
  const console = rememberingConsole();
  const { code, errors } = await run(place.args, {
    console: {
      ...console,
      err: (text) => {
        console.err(text);
        if (text.startsWith("In use elsewhere")) void lock[Symbol.asyncDispose]();
      },
    },
  }).then((outcome) => ({ ...outcome, errors: console.errors }));
  assert.equal(code, 0);
  assert.match(errors(), /^In use elsewhere: lr 0\.001\. It is tried again when the others are done\.$/m);
  assert.match(errors(), /^Finished: lr 0\.001, .*; 3 of 3 there$/m);
  const outcomes = (await listAttempts(place.runs, "rates", id)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["failed", "in-use", "finished"]);
});

Deno.test("on a terminal one line shows all runs at work, and is taken away at the end", async () => {
  using place = new Workplace();
  const { errors } = await run(place.args, {}, true);
  assert.ok(errors().includes("\x1b[?25l\r\x1b[K─"));
  assert.ok(errors().includes("lr 0.001 0 %"));
  assert.match(errors().slice(errors().lastIndexOf("\x1b[?25h")), /^[^─━]*$/);
});

Deno.test("status, list and logs tell of what is there, as text and as JSON", async () => {
  using place = new Workplace();
  const there = ["--runs", place.runs];
  assert.match((await run(["list", ...there])).output(), /^There are no sweeps in /);
  await run([...place.args, "--only", "lr 0.004"]);
  assert.match(
    (await run(["list", ...there])).output(),
    /^rates +3 +1 +0 +20\d\d-\d\d-\d\d \d\d:\d\d +lenet-quick by lr$/m,
  );
  const status = JSON.parse((await run(["status", "rates", "--json", ...there])).output());
  assert.equal(status.schema, 1);
  assert.deepEqual(status.counts, { finished: 1, running: 0, waiting: 0, stopped: 0, failed: 0, absent: 2 });
  assert.deepEqual(status.runs.map(({ name, state }: { name: string; state: string }) => [name, state]), [
    ["lr 0.001", "absent"],
    ["lr 0.002", "absent"],
    ["lr 0.004", "finished"],
  ]);
  assert.equal(status.runs[2].attempt.outcome, "finished");
  assert.match(
    (await run(["status", "rates", ...there])).output(),
    /\n\n`deno task sweep resubmit rates` goes on with what is not finished\.\n$/,
  );
  const listed = JSON.parse((await run(["list", "--json", ...there])).output());
  assert.deepEqual([listed.schema, listed.sweeps[0].key, listed.sweeps[0].counts.finished], [1, "rates", 1]);
  assert.match((await run(["logs", "rates", ...there])).output(), /^3 +lr 0\.004 +finished +1 +.*\.log$/m);
  const id: string = status.runs[2].id;
  for (const name of ["lr 0.004", "3", id, id.slice(0, -2)]) {
    assert.match((await run(["logs", "rates", name, "--lines", "2", ...there])).output(), /^.*\n.*\n$/, name);
  }
  await assert.rejects(run(["logs", "rates", "lr 0.001", ...there]), /Nobody has worked on lr 0\.001/);
  assert.equal((await run(["cancel", "rates", ...there])).output(), "Nothing of rates waits or is at work.\n");
  await run(place.args);
  assert.match(
    (await run(["status", "rates", ...there])).output(),
    /\n\n`deno task sweep draw rates` draws what came of it\.\n$/,
  );
});

Deno.test("of many runs those that want to be looked at are shown, and all with --all", async () => {
  using place = new Workplace({ ...definition, axes: {}, seeds: { from: 1, count: 45 } });
  const failing: Lottery = (config, options) => {
    if (config.seed === 44) throw new Error("no");
    return lottery(config, options);
  };
  const { output, errors } = await run([...place.args, "--only", "seed 43,seed 44"], { lottery: failing });
  assert.match(
    errors(),
    /one run with "seed": 1 and "replicates": 45 trains the same networks, bit for bit, in lockstep/,
  );
  assert.match(output(), /^44 +seed 44 .* failed /m);
  assert.doesNotMatch(output(), /^43 /m);
  assert.match(output(), /^--all shows every run\.$/m);
  assert.match((await run(["status", "rates", "--all", "--runs", place.runs])).output(), /^43 +seed 43 .* finished /m);
});

Deno.test("--dry-run tells what runs would take, also of data that is not here, and --print an experiment's file; nothing is written", async () => {
  using place = new Workplace();
  const { output, code } = await run([...place.args, "--dry-run", "--only", "lr 0.002"]);
  assert.equal(code, 0);
  assert.match(output(), /^lr 0\.002 +lenet-quick-[0-9a-f]{10} /m);
  assert.doesNotMatch(output(), /^lr 0\.001 /m);
  const without = await run([...place.args, "--dry-run", "--card", "A100"], {
    loadDataset: () => Promise.reject(new Error("there is no such folder")),
  });
  assert.match(without.output(), /^lr 0\.002 +– /m);
  assert.match(without.output(), /^synthetic is not here, so its runs' ids are not known: there is no such folder$/m);
  const printed = await run(["fig26", "--print", "--scale", "0.5"]);
  assert.equal(JSON.parse(printed.output()).scale, 0.5);
  await Deno.writeTextFile(place.file, printed.output());
  assert.match(
    (await run([...place.args, "--dry-run"], {
      loadDataset: () => Promise.reject(new Error("no")),
    })).output(),
    /^lr 0\.0012 /m,
  );
  assert.deepEqual([...Deno.readDirSync(place.path)].map(({ name }) => name), ["rates.json"]);
});

Deno.test("--json leaves one object on standard output", async () => {
  using place = new Workplace();
  const { output, errors } = await run([...place.args, "--json"]);
  assert.equal(JSON.parse(output()).counts.finished, 3);
  assert.match(errors(), /^3 runs: 3 finished/m);
});

Deno.test("a task refuses to train another run than the submission says, and names what differs", async () => {
  using place = new Workplace();
  const { code, errors } = await run(place.args, { starter: () => Promise.resolve(inProcess(lottery, others)) });
  assert.equal(code, 1);
  assert.match(
    errors(),
    /Cannot go on with run lenet-quick-\w+: its settings would make lenet-quick-\w+ here, since the files of synthetic here have the digest \w{16}, and it was made with \w{16}\. Give those with --data-dir/,
  );
  assert.deepEqual(runIds(place.runs), []);
  const [submission] = await listSubmissions(place.runs, "rates");
  const path = `${place.runs}/sweeps/rates/submissions/${submission?.name}.json`;
  const plan = `${place.path}/plan.json`;
  await Deno.writeTextFile(
    plan,
    JSON.stringify({ version: 3, software: [{ type: "dense", fromWeights: 0, compactBelow: 0.5, tiles: "register" }] }),
  );
  await Deno.writeTextFile(path, JSON.stringify({ ...submission, plan }));
  const other = await run(["task", path, "0"]);
  assert.equal(other.code, 1);
  assert.match(
    other.errors(),
    /since the plan table here \(plan\.json\) has the hash \w+, and it was made with another\. Use one/,
  );
});

Deno.test("a task says by its exit code and its attempt how it ended: in use, stopped before it began", async () => {
  using place = new Workplace();
  await run([...place.args, "--only", "lr 0.001"]);
  const [submission] = await listSubmissions(place.runs, "rates");
  const path = `${place.runs}/sweeps/rates/submissions/${submission?.name}.json`;
  assert.equal((await run(["task", path, "0"], { lottery: noTraining })).code, 0);
  const more = {
    ...submission,
    tasks: submission?.tasks.map((own) => ({ ...own, config: { ...own.config, levels: 2 } })),
  };
  await Deno.writeTextFile(path, JSON.stringify(more));
  const [id = ""] = runIds(place.runs);
  {
    await using _lock = await RunLock.acquire(`${place.runs}/${id}/lock`);
    assert.equal(
      (await run(["task", path, "0", "--attached"], { parentGone: () => new Promise(() => {}), report: () => {} }))
        .code,
      75,
    );
    const controller = new AbortController();
    const waiting = await run(["task", path, "0"], {
      signal: controller.signal,
      pause: (_ms, signal) => {
        controller.abort(new DOMException("stop", "AbortError"));
        signal.throwIfAborted();
        return Promise.resolve();
      },
    });
    assert.equal(waiting.code, 130);
    assert.match(waiting.errors(), /Trying again in 3 s\.\nStopped before training began\./);
  }
  assert.equal((await run(["task", path, "0"])).code, 0);
  const attempts = await listAttempts(place.runs, "rates", id);
  assert.deepEqual(attempts.map(({ outcome, trained }) => [outcome, trained !== null]), [
    ["finished", true],
    ["finished", false],
    ["in-use", false],
    ["stopped", false],
    ["finished", true],
  ]);
  await assert.rejects(run(["task", path, "1"]), /task 1 of .* it has 1 tasks, from 0 to 0/);
});

Deno.test("--engine slurm hands the runs over and says how to follow them", async () => {
  using place = new Workplace();
  const calls: string[] = [];
  const { code, errors } = await run([...place.args, "--engine", "slurm", "--partition", "gpu"], {
    runProgram: (program, args) => {
      calls.push(program);
      const out = program === "sbatch" ? "4711\n" : program === "scontrol" ? "MaxArraySize = 1001\n" : "";
      return Promise.resolve({ code: args.length > 0 ? 0 : 1, out, err: "" });
    },
  });
  assert.equal(code, 0);
  assert.equal(calls.filter((program) => program === "sbatch").length, 1);
  assert.match(
    errors(),
    /^Sweep rates: 3 runs submitted as job 4711\. `deno task sweep status rates` says how they stand\.$/m,
  );
  const [submission] = await listSubmissions(place.runs, "rates");
  assert.deepEqual([submission?.engine, submission?.job, submission?.tasks.length], ["slurm", "4711", 3]);
  const silent = await run(["status", "rates", "--runs", place.runs], {
    runProgram: () => Promise.reject(new Error("Slurm is asleep.")),
  });
  assert.match(silent.errors(), /^Warning: Slurm is asleep\. What follows is from the runs' files alone\.$/m);
  assert.match(silent.output(), /^3 runs: 3 absent/m);
});

Deno.test("wrong arguments get one line that says what is wanted, and nothing is written", async () => {
  using place = new Workplace();
  await Deno.writeTextFile(`${place.path}/broken.json`, "{");
  const there = ["--runs", place.runs];
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Name a sweep: an experiment such as fig26/],
    [["fig266"], /There is no experiment "fig266", and no file of that name\. Did you mean fig26\?/],
    [["gone.json"], /Cannot read the sweep .*gone\.json/],
    [[`${place.path}/broken.json`], /Cannot use the sweep .*broken\.json: it is not JSON/],
    [[...place.args, "--engine", "slrum"], /--engine is "slrum"\. Did you mean slurm\? Choose one of local, slurm\./],
    [[...place.args, "--jobs", "0"], /--jobs is "0", and it must be a whole number of at least 1/],
    [[...place.args, "--only", "lr 0.1"], /Cannot train the run "lr 0\.1" of rates: there is none/],
    [[...place.args, "--scale", "2"], /--scale is "2"/],
    [[...place.args, "--card", "A100"], /Cannot take --card without --dry-run/],
    [[...place.args, "--checkpoint-seconds=-1"], /--checkpoint-seconds is "-1"/],
    [["nothing.json", "--print"], /Cannot print "nothing\.json" as a sweep's file: There is no experiment/],
    [["status", ...there], /Name a sweep: sweep status KEY/],
    [["status", "../x", ...there], /There is no sweep "\.\.\/x"/],
    [["resubmit", "rates", ...there], /There is no sweep "rates"/],
    [["task", "file"], /give the submission's file and the task's number/],
    [["task", "file", "-1"], /There is no flag|give the submission's file/],
  ];
  for (const [args, message] of wrong) {
    await assert.rejects(run(args), (error) => {
      assert.ok(error instanceof Error);
      assert.equal(error.name, "UsageError", args.join(" "));
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }
  assert.deepEqual(await listSweeps(place.runs), []);
});

Deno.test("--help names every flag and every command", async () => {
  const { output } = await run(["--help"]);
  for (
    const word of [
      "--engine",
      "--jobs",
      "--dry-run",
      "--profile",
      "status KEY",
      "logs KEY [RUN]",
      "cancel KEY",
      "draw KEY",
    ]
  ) {
    assert.ok(output().includes(word), word);
  }
  assert.match((await run(["status", "--help"])).output(), /^Usage {2}deno task sweep status KEY \[flags\]$/m);
});
