/** The engine `local` of `sweep`: real processes on the real adapter, stopped and killed. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };
import { lotteryPermissions, taskPermissions } from "../../src/cli/permissions.ts";
import { listAttempts, readSweep, readSweepStatus } from "../../src/store/sweeps.ts";
import type { SweepStatus } from "../../src/sweeps/status.ts";
import { filesBelow, TemporaryFolder } from "../store/folders.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const definition = {
  name: "tiny",
  preset: "lenet-quick",
  base: {
    ...{ dataset: "synthetic", trainSize: 120, validationSize: 100, batchSize: 60, width: 0.02 },
    ...{ iterations: 200, evalEvery: 50, levels: 1, controls: [] },
  },
  axes: { lr: [0.001, 0.002] },
};

/** The permission flags of the task `sweep`, with the folder that the user is in. */
function sweepPermissions(folder: string): string[] {
  const { command } = project.tasks.sweep;
  return (command.match(/(?<=\s)--allow-[a-z]+(?:=(?:"[^"]*"|[^\s"]+))?/g) ?? [])
    .map((flag) => flag.replaceAll('"', "").replaceAll("$INIT_CWD", folder));
}

/** Before it is looked again. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

interface Ended {
  readonly code: number;
  readonly errors: string;
}

/** `sweep` as a process of its own. */
class Sweep implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #errors = "";

  constructor(folder: string, ...args: readonly string[]) {
    const child = new Deno.Command("deno", {
      args: [
        "run",
        "-q",
        "--no-check",
        "--no-prompt",
        ...sweepPermissions(folder),
        "src/cli/winnow.ts",
        "sweep",
        ...args,
      ],
      cwd: root,
      env: { INIT_CWD: folder, NO_COLOR: "1", XDG_RUNTIME_DIR: "/tmp" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#reading = (async () => {
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) this.#errors += text;
    })();
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<Ended> {
    const { code } = await this.#child.status;
    await this.#reading;
    return { code, errors: this.#errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#reading;
  }
}

class Workplace extends TemporaryFolder {
  readonly file = `${this.path}/tiny.json`;
  readonly runs = `${this.path}/runs`;

  constructor(changes: Readonly<Record<string, unknown>> = {}) {
    super();
    const own = { ...definition, base: { ...definition.base, ...changes } };
    Deno.writeTextFileSync(this.file, JSON.stringify(own));
  }

  async status(): Promise<SweepStatus> {
    const record = await readSweep(this.runs, "tiny");
    return await readSweepStatus(this.runs, record ?? assert.fail("no sweep"));
  }

  /** Waits until so many attempts are past a point. */
  async until(isThere: (attempts: Awaited<ReturnType<typeof listAttempts>>) => boolean): Promise<void> {
    for (;;) {
      if (isThere(await listAttempts(this.runs, "tiny"))) return;
      await pause();
    }
  }

  /** What training left, without what tells times and processes. */
  async bits(): Promise<[string, Uint8Array][]> {
    const all = [...await filesBelow(this.runs)];
    return all.filter(([name]) => /\/(?:metrics|histograms)\.jsonl$|\/(?:tickets|finals)\//.test(name));
  }
}

async function lottery(runs: string, config: unknown): Promise<void> {
  const path = `${dirname(runs)}/config.json`;
  await Deno.writeTextFile(path, JSON.stringify(config));
  const { code, stderr } = await new Deno.Command("deno", {
    args: [
      ...["run", "--no-check", "--no-prompt", ...lotteryPermissions(runs), "src/cli/winnow.ts", "lottery"],
      ...["--config", path, "--runs", runs],
    ],
    cwd: root,
    env: { NO_COLOR: "1", XDG_RUNTIME_DIR: "/tmp" },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

Deno.test("a task may do what `lottery` may, and read what the scheduler says of it", () => {
  const [env, ...rest] = taskPermissions("/runs");
  assert.equal(env, "--allow-env=INIT_CWD,SLURM_ARRAY_JOB_ID,SLURM_ARRAY_TASK_ID,SLURM_RESTART_COUNT");
  assert.deepEqual(rest, lotteryPermissions("/runs").slice(1));
});

Deno.test("a sweep trains its runs at once, in processes of their own, to the bits that lottery makes of each alone", async () => {
  using place = new Workplace();
  await using sweep = new Sweep(place.path, place.file, "--jobs", "2");
  const { code, errors } = await sweep.ended();
  assert.equal(code, 0, errors);
  const { runs } = await place.status();
  assert.deepEqual(runs.map(({ state }) => state), ["finished", "finished"]);
  const attempts = await listAttempts(place.runs, "tiny");
  const [first, second] = attempts;
  assert.ok(first?.ended && second?.ended && first.pid !== second.pid);
  assert.ok(first.started < second.ended && second.started < first.ended, "one began before the other had ended");
  using alone = new Workplace();
  for (const { run } of runs) await lottery(alone.runs, run.config);
  assert.deepEqual(await place.bits(), await alone.bits());
});

Deno.test("stopped by a signal, or killed, a sweep leaves checkpoints, and a run that is killed fails alone", async () => {
  // Until they are told to stop, these would train for minutes.
  using place = new Workplace({ iterations: 20_000, evalEvery: 10_000 });
  const areTraining = (least: number): Promise<void> =>
    place.until((attempts) =>
      attempts.filter(({ trained, ended }) => trained !== null && ended === null).length >= least
    );
  {
    await using sweep = new Sweep(place.path, place.file, "--jobs", "2", "--checkpoint-seconds", "0");
    await areTraining(2);
    while ((await place.status()).runs.some(({ fraction }) => fraction === 0)) await pause();
    sweep.kill("SIGINT");
    const { code, errors } = await sweep.ended();
    assert.equal(code, 130, errors);
    assert.match(errors, /^Stopping: each run writes its checkpoint\./m);
    assert.match(errors, /^Stopped\. The same command goes on/m);
    const { runs } = await place.status();
    assert.ok(runs.every(({ state, fraction }) => state === "stopped" && fraction > 0 && fraction < 1));
  }
  {
    // The parent is killed: its processes notice, and write checkpoints.
    await using sweep = new Sweep(place.path, "resubmit", "tiny", "--jobs", "2");
    await areTraining(2);
    sweep.kill("SIGKILL");
    await sweep.ended();
    await place.until((attempts) => attempts.every(({ ended }) => ended !== null));
    const outcomes = (await listAttempts(place.runs, "tiny")).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, Array(4).fill("stopped"));
  }
  {
    await using sweep = new Sweep(place.path, "resubmit", "tiny", "--jobs", "2");
    await areTraining(2);
    const [victim] = (await listAttempts(place.runs, "tiny")).filter(({ ended }) => ended === null);
    assert.ok(victim);
    await new Deno.Command("/bin/sh", { args: ["-c", 'kill -9 "$0"', String(victim.pid)] }).output();
    await place.until((attempts) => attempts.some(({ outcome }) => outcome === "failed"));
    const { runs } = await place.status();
    assert.deepEqual(runs.map(({ state }) => state).sort(), ["failed", "running"]);
    assert.match(runs.find(({ state }) => state === "failed")?.detail ?? "", /its process was ended by SIGKILL/);
    await using cancel = new Sweep(place.path, "cancel", "tiny");
    assert.equal((await cancel.ended()).code, 0);
    const { code, errors } = await sweep.ended();
    assert.equal(code, 130);
    assert.match(errors, /^Failed: lr 0\.00\d \(.*its process was ended by SIGKILL/m);
  }
});
