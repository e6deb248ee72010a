/**
 * The batch script, run by `/bin/sh` with stand-ins for what it calls: a `deno` that trains nothing and ends as it is told, `scontrol`,
 * and a `sleep` that is soon over.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { preset } from "../../src/lottery/config.ts";
import { refusesAgain } from "../../src/slurm/again.ts";
import { type BatchScript, batchScript, ranges, restartVariables } from "../../src/slurm/script.ts";
import type { SlurmProfile } from "../../src/slurm/slurm.ts";
import { writeAttempt, writeSubmission } from "../../src/store/sweeps.ts";
import { TemporaryFolder } from "../store/folders.ts";

const submission = { sweep: "adam-rates", name: "2026-11-26T04-05-06-789Z" };

/**
 * A Deno that says its arguments, then does what `$TASK` says; or, asked whether the task may go on, what `$AGAIN` says. The task takes
 * signals as a real one does.
 */
const denoStub = `#!/bin/sh
case "$*" in
  *sweep_again.ts*)
    echo "asked: $*"
    eval "$AGAIN"
    exit 0
    ;;
esac
for argument; do echo "argument: $argument"; done
signals=0
stop() {
  echo "signal: $1"
  signals=$((signals + 1))
  if [ "$1" = TERM ] && [ "$signals" -gt 1 ]; then exit 99; fi
}
trap 'stop USR2' USR2
trap 'stop TERM' TERM
until_stopped() {
  echo "training: $$"
  while [ "$signals" -eq 0 ]; do command -p sleep 0.01; done
  command -p sleep 0.1 # the checkpoint
}
eval "$TASK"
`;

/** A requeue that works at the second time, as if the controller had been away. */
const scontrolStub = `#!/bin/sh
echo "scontrol: $*"
[ -e "$0.called" ] || { : >"$0.called"; exit 1; }
`;

/** A tenth of a second for any time: two signals are told apart by it, and nobody waits for the rest. */
const sleepStub = "#!/bin/sh\nexec /bin/sleep 0.1\n";

interface Ending {
  readonly code: number;
  readonly said: string;
}

class Stage implements Disposable {
  readonly #folder = new TemporaryFolder();
  readonly path = `${this.#folder.path}/a b/it`;

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }

  async script(changes: Partial<BatchScript> = {}): Promise<string> {
    await Deno.mkdir(this.path, { recursive: true });
    for (const [name, text] of [["deno", denoStub], ["scontrol", scontrolStub], ["sleep", sleepStub]] as const) {
      await Deno.writeTextFile(join(this.path, name), text, { mode: 0o755 });
    }
    const text = batchScript({
      submission,
      file: `${this.path}/runs/sweeps/adam-rates/submissions/${submission.name}.json`,
      log: `${this.path}/logs/${submission.name}-%a.log`,
      tasks: [0, 1, 2, 3],
      profile: {},
      project: this.path,
      deno: ["sh", join(this.path, "deno")],
      permissions: ["--allow-env=INIT_CWD", `--allow-write=${this.path}/runs`],
      ...changes,
    });
    const file = join(this.path, "script.sh");
    await Deno.writeTextFile(file, text);
    return file;
  }

  /** Runs task 3; once it trains, does something with the script's process and the task's. */
  async run(
    { task, again = "", profile = {}, env = {} }: {
      readonly task: string;
      readonly again?: string;
      readonly profile?: SlurmProfile;
      readonly env?: Readonly<Record<string, string>>;
    },
    disturb?: (script: Deno.ChildProcess, task: number) => void | Promise<unknown>,
  ): Promise<Ending> {
    const script = new Deno.Command("/bin/sh", {
      args: [await this.script({ profile })],
      env: {
        ...{ TASK: task, AGAIN: again, PATH: `${this.path}:/usr/bin:/bin` },
        ...{ SLURM_ARRAY_JOB_ID: "77", SLURM_ARRAY_TASK_ID: "3" },
        ...env,
      },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let said = "";
    let isDisturbed = false;
    const listen = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        said += text;
        const [, pid] = isDisturbed ? [] : /^training: (\d+)$/m.exec(said) ?? [];
        if (pid === undefined) continue;
        isDisturbed = true;
        await disturb?.(script, Number(pid));
      }
    };
    const [{ code }] = await Promise.all([script.status, listen(script.stdout), listen(script.stderr)]);
    return { code, said };
  }
}

async function send(signal: string, pid: number): Promise<void> {
  await new Deno.Command("/bin/sh", { args: ["-c", 'kill -s "$0" "$1"', signal, String(pid)] }).output();
}

Deno.test("the script is POSIX sh, and says what the profile wants in options that Slurm reads", async () => {
  using stage = new Stage();
  const file = await stage.script({
    tasks: [0, 1, 2, 5, 7, 8],
    log: "/runs/100%% of it/%a.log",
    profile: {
      ...{ partition: "gpu", account: "lab", qos: "high", constraint: "a100|h100", gres: "gpu:1", cpus: 2 },
      ...{ memory: "8G", time: "4:00:00", signalSeconds: 120, atOnce: 5, options: ["--nice=10"] },
      ...{ environment: { A: "it's $HOME" }, setup: ["B=$A", "export B"] },
    },
  });
  const { code, stderr } = await new Deno.Command("/bin/sh", { args: ["-n", file] }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const lines = (await Deno.readTextFile(file)).split("\n");
  assert.equal(lines[0], "#!/bin/sh");
  assert.deepEqual(lines.filter((line) => line.startsWith("#SBATCH")), [
    "#SBATCH --job-name=winnow-adam-rates",
    `#SBATCH --comment=winnow:adam-rates:${submission.name}`,
    "#SBATCH --array=0-2,5,7-8%5",
    `#SBATCH --chdir="${stage.path}"`,
    '#SBATCH --output="/runs/100%% of it/%a.log"',
    "#SBATCH --open-mode=append",
    "#SBATCH --requeue",
    "#SBATCH --partition=gpu",
    "#SBATCH --account=lab",
    "#SBATCH --qos=high",
    "#SBATCH --constraint=a100|h100",
    "#SBATCH --gres=gpu:1",
    "#SBATCH --cpus-per-task=2",
    "#SBATCH --mem=8G",
    "#SBATCH --time=4:00:00",
    "#SBATCH --signal=B:USR1@120",
    "#SBATCH --nice=10",
  ]);
  for (const line of ["export A='it'\\''s $HOME'", "B=$A", "export B"]) assert.ok(lines.includes(line), line);
});

Deno.test("a task is told ahead of its time limit unless the profile says never", async () => {
  using stage = new Stage();
  const signalIn = async (profile: SlurmProfile): Promise<string | undefined> =>
    /^#SBATCH (--signal.*)$/m.exec(await Deno.readTextFile(await stage.script({ profile })))?.[1];
  assert.equal(await signalIn({}), "--signal=B:USR1@180");
  assert.equal(await signalIn({ time: "4" }), "--signal=B:USR1@60");
  assert.equal(await signalIn({ signalSeconds: 0 }), undefined);
});

Deno.test("a folder that cannot stand in an option is refused", async () => {
  using stage = new Stage();
  for (const project of ['/a"b', "/a\\b", "/a\nb", "/it's"]) {
    await assert.rejects(stage.script({ project }), {
      name: "RangeError",
      message: /^Cannot submit from or to .* Rename it/,
    });
  }
});

Deno.test("ranges() writes every number once, in order", () => {
  assert.equal(ranges([]), "");
  assert.equal(ranges([4]), "4");
  assert.equal(ranges([0, 1, 2, 3]), "0-3");
  assert.equal(ranges([0, 2, 3, 9]), "0,2-3,9");
});

Deno.test("the task gets its submission, number and permissions, and its exit code is the script's", async () => {
  using stage = new Stage();
  const file = `${stage.path}/runs/sweeps/adam-rates/submissions/${submission.name}.json`;
  const { code, said } = await stage.run({ task: "exit 0" });
  assert.equal(code, 0, said);
  assert.equal(
    said,
    ["run", "--quiet", "--no-prompt", "--allow-env=INIT_CWD", `--allow-write=${stage.path}/runs`]
      .concat(["src/cli/winnow.ts", "sweep", "task", file, "3"]).map((own) => `argument: ${own}\n`).join(""),
  );
  for (const expected of [1, 130]) {
    const ended = await stage.run({ task: `exit ${expected}` });
    assert.equal(ended.code, expected);
    assert.doesNotMatch(ended.said, /scontrol|asked/);
  }
});

Deno.test("Deno's folder is on the machine's own disk, with links to the packages in the usual one, unless DENO_DIR says where", async () => {
  using stage = new Stage();
  const [home, local] = [`${stage.path}/home`, `${stage.path}/local disk`];
  for (const folder of [`${home}/.cache/deno/npm`, `${home}/.cache/deno/remote`, local]) {
    await Deno.mkdir(folder, { recursive: true });
  }
  const task = 'echo "folder: ${DENO_DIR:-none}"';
  const env = { HOME: home, TMPDIR: local };
  const own = `${local}/winnow-deno-${Deno.statSync(local).uid}`;
  // The second time it is there already.
  for (const _ of [1, 2]) {
    const { code, said } = await stage.run({ task, env });
    assert.deepEqual([code, /^folder: (.*)$/m.exec(said)?.[1]], [0, own]);
  }
  assert.equal(((await Deno.stat(own)).mode ?? 0) & 0o777, 0o700);
  for (const part of ["npm", "remote"]) {
    assert.equal(await Deno.readLink(`${own}/${part}`), `${home}/.cache/deno/${part}`);
  }
  const said = [
    await stage.run({ task, env: { ...env, DENO_DIR: "/elsewhere" } }),
    await stage.run({ task, env, profile: { environment: { DENO_DIR: "/elsewhere" } } }),
    await stage.run({ task }),
  ].map((ending) => /^folder: (.*)$/m.exec(ending.said)?.[1]);
  assert.deepEqual(said, ["/elsewhere", "/elsewhere", "none"]);
});

Deno.test("told by USR1 ahead of the time limit, the task writes its checkpoint and is queued again, however long Slurm is away", async () => {
  using stage = new Stage();
  const { code, said } = await stage.run({ task: "until_stopped; exit 130" }, (script) => script.kill("SIGUSR1"));
  assert.equal(code, 130, said);
  assert.match(said, /^signal: USR2$/m);
  assert.match(said, new RegExp(`^asked: .* --allow-read=${stage.path}/runs/sweeps/adam-rates .* 3 stopped 3$`, "m"));
  assert.deepEqual(said.match(/^scontrol: .*$/gm), ["scontrol: requeue 77_3", "scontrol: requeue 77_3"]);
});

Deno.test("a task that is ready all the same when it was told to stop is not queued again", async () => {
  using stage = new Stage();
  const { code, said } = await stage.run({ task: "until_stopped; exit 0" }, (script) => script.kill("SIGUSR1"));
  assert.equal(code, 0, said);
  assert.doesNotMatch(said, /scontrol|asked/);
});

Deno.test("a task that was stopped too often before it trained fails with the reason", async () => {
  using stage = new Stage();
  const again = "echo 'raise --time' >&2; exit 1";
  // Before it has set up anything it dies of the signal, which is a stop too.
  for (const task of ["until_stopped; exit 130", "trap - USR2; until_stopped"]) {
    const { code, said } = await stage.run({ task, again }, (script) => script.kill("SIGUSR1"));
    assert.equal(code, 1, said);
    assert.match(said, /raise --time/);
    assert.doesNotMatch(said, /scontrol/);
  }
});

Deno.test("cancelled, the task writes its checkpoint and is not queued again, whether TERM reaches it itself or not", async () => {
  using stage = new Stage();
  const task = "until_stopped; exit 130";
  const alone = await stage.run({ task }, (script) => script.kill("SIGTERM"));
  assert.equal(alone.code, 130, alone.said);
  assert.deepEqual(alone.said.match(/^signal: .*$/gm), ["signal: USR2"]);
  const both = await stage.run({ task }, async (script, pid) => {
    await send("TERM", pid);
    script.kill("SIGTERM");
  });
  assert.equal(both.code, 130, both.said);
  assert.match(both.said, /^signal: TERM$/m);
  assert.doesNotMatch(alone.said + both.said, /scontrol|asked/);
});

Deno.test("told before it begins, a task does not begin: it is queued again by USR1, and cancelled by TERM", async () => {
  using stage = new Stage();
  const task = "exit 0";
  const profile = { setup: ['echo "training: $$"', 'until [ -n "$told" ]; do /bin/sleep 0.01; done'] };
  const stopped = await stage.run({ task, profile }, (script) => script.kill("SIGUSR1"));
  assert.equal(stopped.code, 130, stopped.said);
  assert.match(stopped.said, /^scontrol: requeue 77_3$/m);
  const cancelled = await stage.run({ task, profile }, (script) => script.kill("SIGTERM"));
  assert.equal(cancelled.code, 130, cancelled.said);
  assert.doesNotMatch(cancelled.said, /scontrol|asked/);
  assert.doesNotMatch(stopped.said + cancelled.said, /argument/);
});

Deno.test("cancelled while it writes the checkpoint of its time limit, a task is not queued again", async () => {
  using stage = new Stage();
  const { code, said } = await stage.run({ task: "until_stopped; exit 130" }, (script) => {
    script.kill("SIGUSR1");
    script.kill("SIGTERM");
  });
  assert.equal(code, 130, said);
  assert.doesNotMatch(said, /scontrol|asked/);
});

Deno.test("a task that was killed is queued again, until it was so too often", async () => {
  using stage = new Stage();
  const killed = await stage.run({ task: "kill -9 $$" });
  assert.equal(killed.code, 137, killed.said);
  assert.match(killed.said, /^asked: .* 3 killed 3$/m);
  assert.match(killed.said, /^scontrol: requeue 77_3$/m);
  const refused = await stage.run({ task: "kill -9 $$", again: "exit 1" });
  assert.equal(refused.code, 137);
  assert.doesNotMatch(refused.said, /scontrol/);
});

Deno.test("a task whose run is in use is queued again, until it was so too often", async () => {
  using stage = new Stage();
  const inUse = await stage.run({ task: "exit 75" });
  assert.equal(inUse.code, 75, inUse.said);
  assert.match(inUse.said, /^asked: .* 3 in-use 3$/m);
  assert.match(inUse.said, /^scontrol: requeue 77_3$/m);
  const refused = await stage.run({ task: "exit 75", again: "exit 1" });
  assert.equal(refused.code, 75);
  assert.doesNotMatch(refused.said, /scontrol/);
});

Deno.test("the script learns from the task's attempts whether it may go on", async () => {
  using folder = new TemporaryFolder();
  const id = "lenet-quick-0000000000";
  const tasks = [{ name: "only", id, config: preset("lenet-quick") }];
  const file = await writeSubmission(folder.path, { schema: 1, ...submission, engine: "slurm", tasks });
  const attempt = (job: string, restarts: number): Promise<string> =>
    writeAttempt(folder.path, submission.sweep, {
      ...{
        schema: 1,
        id,
        submission: submission.name,
        engine: "slurm",
        job,
        restarts,
        host: "node7",
        pid: 100 + restarts,
      },
      ...{ started: `2026-11-26T01:00:0${restarts}.000Z`, trained: null, ended: null, outcome: null, error: null },
    });
  await attempt("76_0", 0);
  await attempt("77_0", 0);
  await attempt("77_0", 1);
  const ask = async (restarts: number, retries: number): Promise<Ending> => {
    const { code, stderr } = await new Deno.Command("deno", {
      args: [
        ...["run", "--no-check", "--no-prompt", `--allow-env=${restartVariables.join()}`],
        ...[`--allow-read=${folder.path}/sweeps/${submission.sweep}`, "src/cli/sweep_again.ts"],
        ...[file, "0", "killed", String(retries)],
      ],
      cwd: new URL("../../", import.meta.url),
      env: { SLURM_ARRAY_JOB_ID: "77", SLURM_RESTART_COUNT: String(restarts) },
    }).output();
    return { code, said: new TextDecoder().decode(stderr) };
  };
  assert.deepEqual(await ask(1, 2), { code: 0, said: "" });
  const refused = await ask(1, 1);
  assert.equal(refused.code, 1);
  assert.match(refused.said, /^Task 0 is not queued again\. It was killed 2 times in a row, and --retries allows 1\./);
});

Deno.test("refusesAgain() counts in a row, and what left no attempt behind too", () => {
  const trained = "2026-11-26T04:05:06.789Z";
  const stop = { trained, outcome: "stopped" } as const;
  const kill = { trained, outcome: null } as const;
  const idle = { trained: null, outcome: "stopped" } as const;
  const refused = (
    ending: "stopped" | "killed",
    history: readonly (typeof stop | typeof kill | typeof idle | null)[],
  ) =>
    refusesAgain({
      ending,
      restarts: history.length - 1,
      attempts: history.flatMap((own, restarts) => own ? [{ ...own, restarts }] : []),
      retries: 2,
    });
  assert.equal(refused("stopped", [stop, stop, stop, stop, stop]), undefined);
  assert.equal(refused("stopped", [idle, idle]), undefined);
  assert.equal(refused("stopped", [idle, idle, stop]), undefined);
  assert.match(
    refused("stopped", [stop, idle, null, idle]) ?? "",
    /^It was stopped 3 times in a row before .* raise --time/,
  );
  assert.equal(refused("killed", [kill, kill]), undefined);
  assert.equal(refused("killed", [kill, kill, stop, kill]), undefined);
  assert.match(
    refused("killed", [kill, null, kill]) ?? "",
    /^It was killed 3 times in a row, and --retries allows 2\./,
  );
  const inUse = [0, 1, 2].map((restarts) => ({ restarts, trained: null, outcome: "in-use" }) as const);
  const again = { ending: "in-use", restarts: 2, attempts: inUse } as const;
  assert.equal(refusesAgain({ ...again, retries: 3 }), undefined);
  assert.equal(
    refusesAgain({ ...again, retries: 2 }),
    "Its run was in use elsewhere 3 times in a row, and --retries allows 2.",
  );
  assert.match(
    refusesAgain({ ending: "killed", restarts: 0, attempts: [], retries: 0 }) ?? "",
    /^It was killed once, and --retries allows 0\./,
  );
});
