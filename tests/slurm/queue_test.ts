/**
 * What Slurm 22.05 answered (`squeue` on the little cluster; `sacct` as its manual has it), and what is made of it. Then a sweep
 * handed to a Slurm that only remembers what it was asked.
 */
import assert from "node:assert/strict";
import { cancelOnSlurm, resubmitOnSlurm, startOnSlurm, statusWithSlurm } from "../../src/cli/sweep_slurm.ts";
import { preset } from "../../src/lottery/config.ts";
import { runProgram } from "../../src/slurm/programs.ts";
import { parseAccounting, parseQueue, readQueue } from "../../src/slurm/queue.ts";
import type { ProgramOutput, RunProgram } from "../../src/slurm/slurm.ts";
import { listSubmissions, readSubmission, submissionPath, writeAttempt, writeSweep } from "../../src/store/sweeps.ts";
import type { Attempt, Submission, SweepRun } from "../../src/sweeps/sweep.ts";
import { TemporaryFolder } from "../store/folders.ts";

/** `squeue --noheader --array --states=all --name=winnow-drive --format='%F|%K|%T|%N|%k|%r'` */
const squeue = `24|1|COMPLETING|vm|winnow:drive:2026-11-26T04-04-06-687Z|None
24|2|PENDING||winnow:drive:2026-11-26T04-04-06-687Z|Resources
24|4|PENDING||winnow:drive:2026-11-26T04-04-06-687Z|JobHeldAdmin
24|0|RUNNING|vm|winnow:drive:2026-11-26T04-04-06-687Z|None
18|0|CANCELLED|vm|winnow:drive:2026-11-26T04-00-38-117Z|None
10|7|COMPLETED|vm|winnow:drive:2026-11-26T04-00-05-433Z|None
`;

/** `sacct --allocations --noheader --parsable2 --format=JobID,State,ExitCode` */
const sacct = `24_0|RUNNING|0:0
24_1|TIMEOUT|0:0
24_2|CANCELLED by 1000|0:0
24_3|OUT_OF_MEMORY|0:125
24_4|FAILED|1:0
24_5|NODE_FAIL|1:0
24_[6-7%2]|PENDING|0:0
`;

Deno.test("parseQueue() reads tasks of arrays, and passes over what is none", () => {
  const lines = parseQueue(squeue);
  assert.equal(lines.length, 6);
  assert.deepEqual(lines[1], {
    ...{ job: "24", index: 2, state: "PENDING", nodes: "", reason: "Resources" },
    comment: "winnow:drive:2026-11-26T04-04-06-687Z",
  });
  const odd = [
    "",
    "24|[6-7%2]|PENDING||c|Priority",
    "24|N/A|RUNNING|vm|c|None",
    "x|1|RUNNING|vm|c|None",
    "24|1|\u001b[2J|vm|c|None",
    "24|1",
    "slurm_load_jobs error: Invalid job id specified",
    "24|3|SOME_NEW_STATE|a,b|c|(a reason|with a bar)",
  ];
  assert.deepEqual(parseQueue(odd.join("\n")), [
    { job: "24", index: 3, state: "SOME_NEW_STATE", nodes: "a,b", comment: "c", reason: "(a reason|with a bar)" },
  ]);
});

Deno.test("parseAccounting() reads how tasks ended, and passes over steps and what has not begun", () => {
  const lines = parseAccounting(`${sacct}24_1.batch|CANCELLED|0:15\n24_8|TIMEOUT|what\n24_9|\u0007|0:0\n`);
  assert.deepEqual(lines.map(({ job, state, exitCode }) => `${job} ${state} ${exitCode}`), [
    "24_0 RUNNING 0:0",
    "24_1 TIMEOUT 0:0",
    "24_2 CANCELLED 0:0",
    "24_3 OUT_OF_MEMORY 0:125",
    "24_4 FAILED 1:0",
    "24_5 NODE_FAIL 1:0",
    "24_8 TIMEOUT ",
  ]);
});

const ok = (out = ""): ProgramOutput => ({ code: 0, out, err: "" });
const accountingOff = { code: 1, out: "", err: "Slurm accounting storage is disabled\n" };

/** A Slurm that gives numbers from 50 on to jobs, and otherwise answers as it is told. */
function cluster(
  answers: Partial<Record<string, ProgramOutput>> = {},
): { readonly run: RunProgram; readonly asked: string[] } {
  const asked: string[] = [];
  let job = 50;
  const usual: Record<string, () => ProgramOutput> = {
    sbatch: () => ok(`${job++}\n`),
    squeue: () => ok(),
    sacct: () => accountingOff,
    scancel: () => ok(),
    scontrol: () => ok("MaxArraySize            = 3\nMaxJobCount             = 10000\n"),
  };
  return {
    asked,
    run: (program, args) => {
      asked.push([program, ...args].join(" "));
      return Promise.resolve(answers[program] ?? usual[program]?.() ?? ok());
    },
  };
}

/** Runs with a control each but the first. */
const runs: readonly SweepRun[] = Array.from({ length: 5 }, (_, index) => ({
  name: `seed ${index + 1}`,
  id: `lenet-quick-000000000${index}`,
  config: { ...preset("lenet-quick"), seed: index + 1, controls: index === 0 ? [] : ["reinit"] },
}));

const sweep = { key: "drive", title: "Drive", source: { type: "file", definition: {} }, runs } as const;

function submissionOf(name: string, job?: string): Submission {
  return { schema: 1, sweep: "drive", name, engine: "slurm", tasks: runs, ...(job === undefined ? {} : { job }) };
}

Deno.test("readQueue() knows tasks by their submission's comment, whatever other jobs of the name there are", async () => {
  const { run, asked } = cluster({ squeue: ok(squeue) });
  const name = "2026-11-26T04-04-06-687Z";
  const { queued, ended, jobs } = await readQueue(run, "drive", [submissionOf(name)]);
  assert.deepEqual(queued, [
    { id: "lenet-quick-0000000001", job: "24_1", state: "waiting", detail: "COMPLETING" },
    { id: "lenet-quick-0000000002", job: "24_2", state: "waiting", detail: "Resources" },
    { id: "lenet-quick-0000000004", job: "24_4", state: "waiting", detail: "JobHeldAdmin" },
    { id: "lenet-quick-0000000000", job: "24_0", state: "running", detail: "vm" },
  ]);
  assert.deepEqual(ended, []);
  assert.deepEqual([...jobs], [[name, "24"]], "a number that nobody wrote down");
  assert.match(asked[0] ?? "", /^squeue .*--name=winnow-drive /);
});

Deno.test("readQueue() passes on how tasks ended where accounting is on, prints nothing raw, and asks nobody without need", async () => {
  const wicked = `24|0|RUNNING|\u001b[2J|winnow:drive:2026-11-26T04-04-06-687Z|None\n`;
  const { run } = cluster({ sacct: ok(sacct), squeue: ok(wicked) });
  const { queued, ended } = await readQueue(run, "drive", [submissionOf("2026-11-26T04-04-06-687Z", "24")]);
  assert.deepEqual(queued.map(({ detail }) => detail), ["\\u001b[2J"]);
  assert.deepEqual(ended.map(({ id, state }) => `${id.at(-1)} ${state}`), [
    "1 TIMEOUT",
    "2 CANCELLED",
    "3 OUT_OF_MEMORY",
    "4 FAILED",
  ]);
  const idle = cluster();
  assert.deepEqual((await readQueue(idle.run, "drive", [])).queued, []);
  assert.deepEqual(idle.asked, []);
  const away = cluster({
    squeue: { code: 1, out: "", err: "slurm_load_jobs error: Unable to contact slurm controller\n" },
  });
  await assert.rejects(readQueue(away.run, "drive", [submissionOf("2026-11-26T04-04-06-687Z")]), {
    message: "Slurm's squeue ended with exit code 1: slurm_load_jobs error: Unable to contact slurm controller",
  });
});

const start = {
  sweep: "drive",
  tasks: runs,
  profile: { atOnce: 2 },
  controls: "beside",
  options: { checkpointSeconds: 5 },
} as const;

Deno.test("a sweep is submitted in arrays of as many tasks as the cluster takes, each with its script and its job's number", async () => {
  using folder = new TemporaryFolder();
  const { run, asked } = cluster();
  const { submissions, queued } = await startOnSlurm({ ...start, runs: folder.path }, run);
  assert.equal(queued, 0);
  assert.deepEqual(submissions.map(({ job, tasks }) => [job, tasks.map(({ name }) => name)]), [
    ["50", ["seed 1", "seed 2", "seed 3"]],
    ["51", ["seed 4", "seed 5"]],
  ]);
  assert.deepEqual(await listSubmissions(folder.path, "drive"), submissions);
  for (const { name, checkpointSeconds } of submissions) {
    const script = submissionPath(folder.path, "drive", name).replace(/json$/, "sh");
    assert.ok(asked.includes(`sbatch --parsable ${script}`), asked.join("\n"));
    assert.equal(checkpointSeconds, 5);
  }
  assert.match(
    await Deno.readTextFile(submissionPath(folder.path, "drive", submissions[1]?.name ?? "").replace(/json$/, "sh")),
    /^#SBATCH --array=0-1%2$/m,
  );
  assert.ok((await Deno.stat(`${folder.path}/sweeps/drive/logs`)).isDirectory);
});

Deno.test("controls that come after their tickets are a second array of the same runs, which waits for the first task by task", async () => {
  using folder = new TemporaryFolder();
  const { run, asked } = cluster({ scontrol: ok("MaxArraySize = 1001\n") });
  const { submissions } = await startOnSlurm({ ...start, controls: "after", runs: folder.path }, run);
  assert.deepEqual(submissions.map(({ tasks }) => tasks.map(({ config }) => config.controls.length)), [
    [0, 0, 0, 0, 0],
    [0, 1, 1, 1, 1],
  ]);
  const [, second = ""] = asked.filter((own) => own.startsWith("sbatch"));
  assert.match(second, /^sbatch --parsable --dependency=aftercorr:50 --kill-on-invalid-dep=yes /);
  assert.match(
    await Deno.readTextFile(second.split(" ").at(-1) ?? ""),
    /^#SBATCH --array=1-4%2$/m,
    "the first run has none",
  );
});

Deno.test("what waits or computes is not submitted twice, also when the job's number was never written down", async () => {
  using folder = new TemporaryFolder();
  const { submissions: [first] } = await startOnSlurm(
    { ...start, tasks: runs.slice(0, 3), runs: folder.path },
    cluster().run,
  );
  assert.ok(first);
  // As a process leaves it that dies between `sbatch` and the writing.
  const { job: _, ...lost } = first;
  const path = submissionPath(folder.path, "drive", first.name);
  await Deno.writeTextFile(path, JSON.stringify(lost));
  const queue = [0, 1, 2].map((index) => `50|${index}|PENDING||winnow:drive:${first.name}|Priority\n`).join("");
  const { run, asked } = cluster({ squeue: ok(queue) });
  const again = await startOnSlurm({ ...start, tasks: runs.slice(0, 3), runs: folder.path }, run);
  assert.deepEqual(again, { submissions: [], queued: 3 });
  assert.doesNotMatch(asked.join("\n"), /sbatch/);
  assert.equal((await readSubmission(path)).job, "50", "and it is written down now");
  const more = await startOnSlurm({ ...start, runs: folder.path }, run);
  assert.deepEqual(more.submissions.map(({ tasks }) => tasks.map(({ name }) => name)), [["seed 4", "seed 5"]]);
});

Deno.test("what Slurm refuses is said with its words, and with what was submitted before", async () => {
  using folder = new TemporaryFolder();
  const err =
    "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified\n";
  await assert.rejects(
    startOnSlurm({ ...start, runs: folder.path }, cluster({ sbatch: { code: 1, out: "", err } }).run),
    {
      message: "Slurm's sbatch ended with exit code 1: sbatch: error: invalid partition specified: nope " +
        "sbatch: error: Batch job submission failed: Invalid partition name specified",
    },
  );
  const { run } = cluster();
  let calls = 0;
  const limited: RunProgram = (program, args) =>
    program === "sbatch" && ++calls === 2
      ? Promise.resolve({ code: 1, out: "", err: "sbatch: error: QOSMaxSubmitJobPerUserLimit\n" })
      : run(program, args);
  await assert.rejects(startOnSlurm({ ...start, runs: folder.path }, limited), {
    message:
      /QOSMaxSubmitJobPerUserLimit Submitted before that: job 50\. For the rest: deno task sweep resubmit drive$/,
  });
  await assert.rejects(startOnSlurm({ ...start, runs: `${folder.path}/a,b` }, run), {
    name: "UsageError",
    message: /comma/,
  });
});

Deno.test("a program of Slurm's that is not there is named, with the remedy", async () => {
  // The tests may run no program of that name.
  await assert.rejects(runProgram("sbatch", ["--version"]), {
    message: /^Slurm's sbatch is not on the PATH: .*--engine local/,
  });
});

Deno.test("status, resubmit and cancel: a run is what its files say, and Slurm says why it is not finished", async () => {
  using folder = new TemporaryFolder();
  const record = await writeSweep(folder.path, sweep);
  const { run: first } = cluster({ scontrol: ok("MaxArraySize = 1001\n") });
  const { submissions: [submission] } = await startOnSlurm({ ...start, runs: folder.path }, first);
  assert.ok(submission);
  const attempt = (index: number, changes: Partial<Attempt>): Promise<string> =>
    writeAttempt(folder.path, "drive", {
      ...{ schema: 1, id: runs[index]?.id ?? "", submission: submission.name, engine: "slurm", job: `50_${index}` },
      ...{
        restarts: 0,
        host: "node7",
        pid: 4711,
        started: "2026-11-26T01:00:00.000Z",
        trained: "2026-11-26T01:00:01.000Z",
      },
      ...{ ended: null, outcome: null, error: null, ...changes },
    });
  await attempt(0, {});
  await attempt(1, {});
  await attempt(2, { ended: "2026-11-26T01:00:02.000Z", outcome: "failed", error: "no adapter" });
  const accounts = "50_0|TIMEOUT|0:0\n50_1|CANCELLED by 0|0:0\n50_2|FAILED|1:0\n50_3|FAILED|127:0\n";
  const waiting = `50|4|PENDING||winnow:drive:${submission.name}|Priority\n`;
  const { run, asked } = cluster({ squeue: ok(waiting), sacct: ok(accounts), scontrol: ok("MaxArraySize = 1001\n") });
  const { runs: stand } = await statusWithSlurm(folder.path, record, run);
  assert.deepEqual(stand.map(({ state, detail, job }) => [state, detail, job]), [
    ["failed", "TIMEOUT: raise --time, or have it stopped ahead of it by --signal-seconds", "50_0"],
    ["stopped", "CANCELLED", "50_1"],
    ["failed", "no adapter", "50_2"],
    ["failed", "FAILED 127:0", "50_3"],
    ["waiting", "Priority", "50_4"],
  ]);
  assert.equal(await cancelOnSlurm(folder.path, "drive", new Set([runs[0]?.id ?? ""]), run), 0);
  assert.equal(await cancelOnSlurm(folder.path, "drive", undefined, run), 1);
  assert.deepEqual(asked.filter((own) => own.startsWith("scancel")), ["scancel 50_4"]);
  const { submissions, queued } = await resubmitOnSlurm(folder.path, record, new Map([["--time", "4:00:00"]]), run);
  assert.equal(queued, 0);
  assert.deepEqual(
    submissions.map(({ tasks, checkpointSeconds }) => [tasks.map(({ name }) => name), checkpointSeconds]),
    [
      [["seed 1", "seed 2", "seed 3", "seed 4"], 5],
    ],
  );
  const script = await Deno.readTextFile(
    submissionPath(folder.path, "drive", submissions[0]?.name ?? "").replace(/json$/, "sh"),
  );
  assert.match(script, /^#SBATCH --array=0-3%2$/m, "as it was submitted before");
  assert.match(script, /^#SBATCH --time=4:00:00$/m, "and as the flags say");
});

Deno.test("controls whose tickets failed are taken out of the queue before their run is submitted once more", async () => {
  using folder = new TemporaryFolder();
  const record = await writeSweep(folder.path, sweep);
  const wide = ok("MaxArraySize = 1001\n");
  const { submissions } = await startOnSlurm(
    { ...start, controls: "after", runs: folder.path },
    cluster({ scontrol: wide }).run,
  );
  const name = submissions[1]?.name ?? "";
  const queue =
    `51|1|PENDING||winnow:drive:${name}|DependencyNeverSatisfied\n51|2|PENDING||winnow:drive:${name}|Dependency\n`;
  const { run, asked } = cluster({ squeue: ok(queue), scontrol: wide });
  const { runs: stand } = await statusWithSlurm(folder.path, record, run);
  assert.deepEqual(stand.slice(0, 3).map(({ state, detail }) => [state, detail]), [
    ["absent", null],
    ["failed", "waits for tickets whose task failed"],
    ["waiting", "Dependency"],
  ]);
  const again = await resubmitOnSlurm(folder.path, record, new Map(), run);
  assert.ok(asked.includes("scancel 51_1"), asked.join("\n"));
  assert.deepEqual(again.submissions.map(({ tasks }) => tasks.length), [4, 4], "after, as before");
});
