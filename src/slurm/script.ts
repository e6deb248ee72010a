/**
 * The batch script of a submission: what Slurm runs for every task of its array. It is written beside the submission, and meant to be
 * read.
 *
 * @module
 */
import { dirname } from "node:path";
import { quoted } from "../data/quoted.ts";
import type { Submission } from "../sweeps/sweep.ts";
import { signalSecondsOf, usualRetries } from "./profile.ts";
import type { SlurmProfile } from "./slurm.ts";

/** What a script is made of. */
export interface BatchScript {
  /** What it carries out. */
  readonly submission: Pick<Submission, "sweep" | "name">;
  /** The submission's file, absolute. */
  readonly file: string;
  /** Where the tasks' words go, absolute; `%a` stands for the task, and any other percent sign for itself. */
  readonly log: string;
  /** Which of the submission's tasks, ascending. */
  readonly tasks: readonly number[];
  /** How it is submitted. */
  readonly profile: SlurmProfile;
  /** This project's folder, absolute. */
  readonly project: string;
  /** What runs Deno there: `deno`, or `sh ./denow` where a node may have none. */
  readonly deno: readonly string[];
  /** The permissions of a task. */
  readonly permissions: readonly string[];
}

/** What a sweep's jobs are called. */
export function jobName(sweep: string): string {
  return `winnow-${sweep}`;
}

/** By which comment a submission's job is known, also when nobody was left to write down its number. */
export function jobComment({ sweep, name }: Pick<Submission, "sweep" | "name">): string {
  return `winnow:${sweep}:${name}`;
}

/**
 * The script's text, for `sbatch`. POSIX sh.
 *
 * @throws {RangeError} when a folder's name has what cannot stand in a script's options
 */
export function batchScript(
  { submission, file, log, tasks, profile, project, deno, permissions }: BatchScript,
): string {
  const { sweep, name } = submission;
  const signalSeconds = signalSecondsOf(profile);
  const { atOnce, retries = usualRetries, environment = {}, setup = [] } = profile;
  const options = [
    `--job-name=${jobName(sweep)}`,
    `--comment=${jobComment(submission)}`,
    `--array=${ranges(tasks)}${atOnce === undefined ? "" : `%${atOnce}`}`,
    `--chdir=${option(project)}`,
    `--output=${option(log)}`,
    "--open-mode=append",
    "--requeue",
    ...given("partition", profile.partition),
    ...given("account", profile.account),
    ...given("qos", profile.qos),
    ...given("constraint", profile.constraint),
    ...given("gres", profile.gres),
    ...given("cpus-per-task", profile.cpus),
    ...given("mem", profile.memory),
    ...given("time", profile.time),
    ...given("signal", signalSeconds === 0 ? undefined : `B:USR1@${signalSeconds}`),
    ...profile.options ?? [],
  ];
  const environmentLines = Object.entries(environment).map(([own, value]) => `export ${own}=${shellQuoted(value)}`);
  return `#!/bin/sh
${options.map((own) => `#SBATCH ${own}`).join("\n")}
#
# Sweep ${sweep}, submission ${name}: task N of the array trains run N of
# ${file}
# and goes on with what is there of it. Written by \`sweep --engine slurm\`; \`sbatch\` takes it once more as it is.
#
# How a task ends: 0 when everything that is wanted of its run is there; 1 when it failed; 75 when another process is at work
# in the run; 130 when it was told to stop. It is queued again, and goes on from its checkpoint, when it was stopped ahead of
# its time limit; and when it was killed or its run was in use, up to ${retries} times in a row.

# Slurm sends USR1 ahead of the time limit (--signal) to this shell alone; and TERM when the task is cancelled or preempted, to
# this shell or, by the cluster's ProctrackType, to all of its processes. The first of either makes the task write its
# checkpoint and end with 130. A TERM that comes second would end it at once, and with USR1 Deno opens its debugger's port, so
# USR2 is what is passed on, and after a TERM only when the task's own, if there is one, has arrived.
told=
interrupted=
task=
pass_on() {
  interrupted=yes
  [ -z "$task" ] || kill -s USR2 "$task" 2>/dev/null
}
trap 'told=\${told:-USR1}; pass_on' USR1
trap 'told=TERM; sleep 1; pass_on' TERM

cd -- ${shellQuoted(project)} || exit 1
${[...environmentLines, ...setup].map((own) => `${own}\n`).join("")}
set -u
submission=${shellQuoted(file)}

# Deno keeps SQLite databases in its folder, which do not bear a file system that machines share: unless DENO_DIR says where, it is
# a folder of this machine's, with links to the packages in the usual one.
if [ -z "\${DENO_DIR:-}" ] && [ -n "\${HOME:-}" ]; then
  usual=\${XDG_CACHE_HOME:-$HOME/.cache}/deno
  DENO_DIR=\${TMPDIR:-/tmp}/winnow-deno-$(id -u)
  if mkdir -p -m 700 "$DENO_DIR" && [ -O "$DENO_DIR" ]; then
    for part in npm remote; do
      [ -e "$DENO_DIR/$part" ] || ln -s "$usual/$part" "$DENO_DIR/$part" 2>/dev/null
    done
    export DENO_DIR
  else
    unset DENO_DIR
  fi
fi

# Deno with a script of this project and the permissions that it needs.
with_deno() {
  exec ${[...deno, "run", "--quiet", "--no-prompt"].map(shellQuoted).join(" ")} "$@"
}

train() {
  with_deno ${permissions.map(shellQuoted).join(" ")} \\
    src/cli/winnow.ts sweep task "$submission" "$SLURM_ARRAY_TASK_ID"
}

# may_go_on stopped|killed|in-use: false, with the reason, when the task was so too often in a row to go on.
may_go_on() {
  (with_deno --allow-env=${restartVariables.join()} ${shellQuoted(`--allow-read=${dirname(dirname(file))}`)} \\
    src/cli/sweep_again.ts "$submission" "$SLURM_ARRAY_TASK_ID" "$1" ${retries})
}

# A signal ends \`wait\` before the task has ended, so it is waited for until none came meanwhile; 127 says that there is nobody
# left to wait for, and that its code was seen before. Who was told to stop by now does not begin.
code=130
if [ -z "$told" ]; then
  code=127
  train &
  task=$!
  [ -z "$told" ] || pass_on # what came just now
  interrupted=yes
  while [ -n "$interrupted" ]; do
    interrupted=
    wait "$task"
    status=$?
    [ "$status" -eq 127 ] || code=$status
  done
fi

# queue_again: Slurm ends this script as it queues the task again.
queue_again() {
  echo "Task $SLURM_ARRAY_TASK_ID is queued again: $1 (exit code $code)." >&2
  trap '' TERM
  for pause in 2 10 30 0; do
    scontrol requeue "\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" && exit "$code"
    sleep "$pause"
  done
  echo "Slurm does not queue it again. Once it is clear why: deno task sweep resubmit ${sweep}" >&2
  exit "$code"
}

if [ "$told" = USR1 ] && [ "$code" -ge 128 ]; then
  may_go_on stopped || exit 1
  [ "$told" = TERM ] || queue_again stopped
elif [ -z "$told" ] && [ "$code" -gt 128 ] && [ "$code" -ne 130 ]; then
  may_go_on killed || exit "$code"
  [ "$told" = TERM ] || queue_again killed
elif [ -z "$told" ] && [ "$code" -eq 75 ]; then
  may_go_on in-use || exit "$code"
  [ "$told" = TERM ] || queue_again "in use elsewhere"
fi
exit "$code"
`;
}

/** What Slurm says of a task, which decides whether it is queued again. */
export const restartVariables = ["SLURM_ARRAY_JOB_ID", "SLURM_RESTART_COUNT"] as const;

/** Ascending numbers as Slurm takes them: `0-7`, `1,3-5`. */
export function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const number of numbers) {
    const last = parts.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join();
}

function given(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`--${name}=${value}`];
}

/** A path as an option of `sbatch` takes it: it has quotation marks, and a comment's sign, but no way to write any of them. */
function option(path: string): string {
  if (/[\p{Cc}"'\\#]/u.test(path)) {
    throw new RangeError(
      `Cannot submit from or to ${
        quoted(path)
      }: Slurm does not take a folder with quotation marks, backslashes or # in its name. ` +
        "Rename it, or choose another with --runs.",
    );
  }
  return /\s/.test(path) ? `"${path}"` : path;
}

/** A word of a shell's command. */
function shellQuoted(text: string): string {
  return /^[\w./=,:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
