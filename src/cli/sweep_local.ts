/**
 * The engine `local` of `sweep`: a queue on this machine. Each run trains in a process of its own, as many at once as there is room
 * for; a process that dies takes nothing else with it.
 *
 * A process is told to stop by the end of its standard input, which also comes when this one is killed: no signal can be lost, and
 * none reaches a process that has not yet said what to do about it.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { legible } from "../data/quoted.ts";
import { makeFolder } from "../store/files.ts";
import { isHeld } from "../store/index.ts";
import { RunLock } from "../store/lock.ts";
import { engineLock, engineStop, listAttempts, logFile, writeAttempt, writeSubmission } from "../store/sweeps.ts";
import { inOrder, type LocalRoom, type LocalTask, nextTask, overallFraction } from "../sweeps/local.ts";
import { type Submission, type SweepRun, taskExitCodes } from "../sweeps/sweep.ts";
import { userPath } from "./arguments.ts";
import type { Console } from "./console.ts";
import { bar, LiveLine } from "./live_line.ts";
import { appendToLog } from "./log_file.ts";
import { denoProgram, taskPermissions } from "./permissions.ts";
import { duration, group } from "./progress.ts";
import type { TaskProgress } from "./sweep_task.ts";

/** A task's process, as the queue sees it. */
export interface TaskProcess {
  /** Its number for the system. */
  readonly pid: number;
  /** How far it is, as it goes. */
  readonly progress: AsyncIterable<TaskProgress>;
  /** How it ended, and what it said on standard error that is in no log of its own. */
  readonly ended: Promise<{ readonly code: number; readonly signal: string | null; readonly said: string }>;
  /** Tells it to write a checkpoint and to end. */
  readonly stop: () => void;
  /** Ends it at once. */
  readonly kill: () => void;
}

/** Starts a task of a submission. */
export type StartTask = (task: { readonly index: number; readonly file: string; readonly log: string }) => TaskProcess;

/** What the engine works with; tests put their own here. */
export interface LocalTools {
  /** Where to write. */
  readonly console: Console;
  /** Stops all runs when it is aborted. */
  readonly signal: AbortSignal;
  /** Starts a task. */
  readonly startTask: StartTask;
}

/** What the engine is to do. */
export interface LocalOrder {
  /** The folder of runs. */
  readonly runs: string;
  /** What is to be trained. */
  readonly submission: Submission;
  /** What each task takes; by its number. */
  readonly tasks: readonly LocalTask[];
  /** How much of each is there, from 0 to 1, by its number. */
  readonly there: readonly number[];
  /** What there is room for. */
  readonly room: LocalRoom;
}

/** A run that did not come to its end. */
export interface FailedRun {
  /** Whether it failed, or somebody else told it to stop. */
  readonly how: "failed" | "stopped";
  /** The run. */
  readonly run: SweepRun;
  /** Why. */
  readonly error: string;
  /** Where it said more. */
  readonly log: string;
}

/** What became of the order. */
export interface LocalOutcome {
  /** Runs that came to their end. */
  readonly finished: number;
  /** Runs that did not. */
  readonly failed: readonly FailedRun[];
  /** Whether somebody stopped it, so that runs are left. */
  readonly isStopped: boolean;
}

/** The same as a heading. */
export const howWords: Readonly<Record<FailedRun["how"], string>> = { failed: "Failed", stopped: "Stopped" };

/** How often it is looked whether somebody wants the engine to stop, and whether a run in use elsewhere is free; in milliseconds. */
const lookMs = 1_000;

/** A task at work. */
interface Working {
  readonly task: LocalTask;
  readonly run: SweepRun;
  readonly process: TaskProcess;
  readonly since: number;
  /** Settles when it has ended, and all is noted. */
  readonly over: Promise<void>;
  fraction: number;
  at: TaskProgress | undefined;
}

/**
 * Trains the runs of a submission.
 *
 * @throws {Error} when no process can be started
 * @throws {StorageError} when the sweep's folder cannot be written
 */
export async function runLocally(order: LocalOrder, tools: LocalTools): Promise<LocalOutcome> {
  const { runs, submission } = order;
  const file = await writeSubmission(runs, submission);
  await makeFolder(dirname(logFile(runs, submission, 0)));
  await using _held = await RunLock.acquire(engineLock(runs, submission.sweep, submission.name));
  using queue = new Queue(order, file, tools);
  return await queue.run();
}

/** The queue while it is worked off. */
class Queue implements Disposable {
  readonly #order: LocalOrder;
  readonly #file: string;
  readonly #tools: LocalTools;
  readonly #line: LiveLine;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #working = new Map<number, Working>();
  /** Of each task, from 0 to 1. */
  readonly #fractions: number[];
  readonly #failed: FailedRun[] = [];
  readonly #began = performance.now();
  readonly #fractionBefore: number;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #onUnload = (): void => {
    for (const { process } of this.#working.values()) process.kill();
  };
  #plainAt: number;
  #waiting: LocalTask[];
  #inUse: LocalTask[] = [];
  #finished = 0;

  constructor(order: LocalOrder, file: string, tools: LocalTools) {
    this.#order = order;
    this.#file = file;
    this.#tools = tools;
    this.#line = new LiveLine(tools.console);
    this.#signal = AbortSignal.any([tools.signal, this.#stop.signal]);
    this.#waiting = inOrder(order.tasks);
    this.#fractions = order.tasks.map(({ index }) => order.there[index] ?? 0);
    this.#fractionBefore = this.#fraction();
    this.#plainAt = (Math.floor(this.#fractionBefore / plainShare) + 1) * plainShare;
    this.#timer = setInterval(() => {
      this.#lookForStop();
      this.#draw();
    }, lookMs);
    this.#signal.addEventListener("abort", () => this.#stopAll());
    // The second Ctrl-C ends this process at once, and so it does those that it started.
    globalThis.addEventListener("unload", this.#onUnload);
  }

  async run(): Promise<LocalOutcome> {
    while (!this.#isDone()) {
      if (!this.#signal.aborted) this.#begin();
      const changes = [...this.#working.values()].map(({ over }) => over);
      // Runs in use elsewhere come last, and are begun when nobody is at work in them any more.
      if (changes.length === 0) await this.#untilFree();
      else await Promise.race(changes);
    }
    const isStopped = this.#signal.aborted;
    return { finished: this.#finished, failed: this.#failed, isStopped };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    globalThis.removeEventListener("unload", this.#onUnload);
    for (const { process } of this.#working.values()) process.kill();
    this.#line[Symbol.dispose]();
  }

  #isDone(): boolean {
    if (this.#working.size > 0) return false;
    return this.#signal.aborted || this.#waiting.length === 0 && this.#inUse.length === 0;
  }

  #begin(): void {
    for (;;) {
      const working = [...this.#working.values()].map(({ task }) => task);
      const task = nextTask(this.#waiting, working, this.#order.room);
      if (!task) return;
      this.#waiting = this.#waiting.filter((own) => own !== task);
      this.#start(task);
    }
  }

  #start(task: LocalTask): void {
    const { runs, submission } = this.#order;
    const run = submission.tasks[task.index];
    if (!run) throw new Error(`unreachable: the submission has task ${task.index}`);
    const log = logFile(runs, submission, task.index);
    const process = this.#tools.startTask({ index: task.index, file: this.#file, log });
    const working: Working = {
      task,
      run,
      process,
      since: performance.now(),
      fraction: this.#order.there[task.index] ?? 0,
      at: undefined,
      over: Promise.resolve().then(() => this.#follow(working, log)).catch((error) => {
        // What cannot be written down of one run ends no other.
        this.#working.delete(task.index);
        this.#fail({
          how: "failed",
          run,
          error: legible(error instanceof Error ? error.message : String(error), 400),
          log,
        });
      }),
    };
    this.#working.set(task.index, working);
    if (!this.#tools.console.isTerminal) this.#note(`Run ${this.#numbered(task)}: ${run.name} (${run.id})`);
    this.#draw();
  }

  async #follow(working: Working, log: string): Promise<void> {
    const { task, run, process } = working;
    for await (const progress of process.progress) {
      working.at = progress;
      this.#fractions[this.#place(task)] = Math.max(working.fraction, progress.fraction);
      this.#draw();
    }
    const { code, signal, said } = await process.ended;
    await this.#account(working, { code, signal, said });
    this.#working.delete(task.index);
    const took = duration(performance.now() - working.since);
    switch (code) {
      case taskExitCodes.finished:
        this.#finished++;
        this.#fractions[this.#place(task)] = 1;
        return this.#note(`Finished: ${run.name}, after ${took}; ${this.#left()}`);
      case taskExitCodes.inUse:
        this.#inUse.push(task);
        return this.#note(`In use elsewhere: ${run.name}. It is tried again when the others are done.`);
      case taskExitCodes.stopped:
        if (this.#signal.aborted) return this.#note(`Stopped: ${run.name}, at ${this.#percentOf(task)}`);
        return this.#fail({
          how: "stopped",
          run,
          error: "somebody else told it to; it goes on from its checkpoint",
          log,
        });
      default:
        return this.#fail({ how: "failed", run, error: await this.#errorOf(working, { code, signal, said }), log });
    }
  }

  #fail(failed: FailedRun): void {
    this.#failed.push(failed);
    this.#note(`${howWords[failed.how]}: ${failed.run.name}: ${failed.error}`);
  }

  /** Whoever was killed could not write down how its attempt ended; now that it is gone, nobody else writes it. */
  async #account(
    { run, process }: Working,
    { code, signal, said }: { readonly code: number; readonly signal: string | null; readonly said: string },
  ): Promise<void> {
    const { runs, submission: { sweep, name } } = this.#order;
    const attempts = await listAttempts(runs, sweep, run.id);
    const own = attempts.find(({ pid, submission, ended }) =>
      pid === process.pid && submission === name && ended === null
    );
    if (!own) return;
    const ended = new Date().toISOString();
    const error = endingOf(code, signal, said);
    await writeAttempt(runs, sweep, { ...own, ended, outcome: "failed", error });
  }

  async #errorOf(
    { run, process }: Working,
    { code, signal, said }: { readonly code: number; readonly signal: string | null; readonly said: string },
  ): Promise<string> {
    const { runs, submission: { sweep, name } } = this.#order;
    const attempts = await listAttempts(runs, sweep, run.id);
    const own = attempts.findLast(({ pid, submission }) => pid === process.pid && submission === name);
    return legible(own?.error ?? endingOf(code, signal, said), 400);
  }

  /** Waits until a run that was in use elsewhere is free, or all is to stop. */
  async #untilFree(): Promise<void> {
    while (!this.#signal.aborted) {
      const free = this.#inUse.filter(({ index }) => {
        const id = this.#order.submission.tasks[index]?.id ?? "";
        return !isHeld(join(this.#order.runs, id, "lock"));
      });
      if (free.length > 0) {
        this.#inUse = this.#inUse.filter((task) => !free.includes(task));
        this.#waiting.push(...free);
        return;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, lookMs);
        this.#signal.addEventListener("abort", resolve, { once: true });
      });
    }
  }

  #stopAll(): void {
    this.#note(
      this.#working.size === 0
        ? "Stopping."
        : "Stopping: each run writes its checkpoint. Once more ends all at once; nothing recorded is lost.",
    );
    for (const { process } of this.#working.values()) process.stop();
  }

  /** `sweep cancel` asks by a file, from whichever machine. */
  #lookForStop(): void {
    const { runs, submission: { sweep, name } } = this.#order;
    try {
      Deno.removeSync(engineStop(runs, sweep, name));
    } catch {
      return;
    }
    this.#stop.abort(new DOMException("Stopped by `sweep cancel`", "AbortError"));
  }

  #note(text: string): void {
    this.#line.clear();
    this.#tools.console.err(text);
    this.#draw();
  }

  /** Redraws the line; where there is no terminal, writes one from time to time. */
  #draw(): void {
    if (!this.#tools.console.isTerminal) {
      const fraction = this.#fraction();
      if (fraction < this.#plainAt || fraction >= 1) return;
      this.#plainAt = (Math.floor(fraction / plainShare) + 1) * plainShare;
      this.#tools.console.err(`  ${Math.floor(fraction * 100)} % trained, ${this.#left()}`);
      return;
    }
    this.#line.draw(() => {
      const names = [...this.#working.values()].map(({ run, task, at }) =>
        `${run.name} ${this.#percentOf(task)}${at ? ` level ${at.level}` : ""}`
      );
      const fraction = this.#fraction();
      const percent = `${Math.floor(fraction * 100)} %`.padStart(5);
      return `${bar(fraction, 20)}${percent}  ${this.#left()}  ${names.join(", ")}`;
    });
  }

  /** How many runs are there, and how long the others take if they go on like this. */
  #left(): string {
    const all = this.#order.tasks.length;
    const fraction = this.#fraction();
    const gained = fraction - this.#fractionBefore;
    const there = `${group(this.#finished)} of ${group(all)} there`;
    // The first steps wait for kernels to compile and say nothing of those after them.
    if (gained < tooEarly || fraction >= 1) return there;
    return `${there}, ${duration((performance.now() - this.#began) * (1 - fraction) / gained)} left`;
  }

  #fraction(): number {
    return overallFraction(
      this.#order.tasks.map((task, place) => ({ ...task, fraction: this.#fractions[place] ?? 0 })),
    );
  }

  #percentOf(task: LocalTask): string {
    return `${Math.floor((this.#fractions[this.#place(task)] ?? 0) * 100)} %`;
  }

  #place(task: LocalTask): number {
    return this.#order.tasks.indexOf(task);
  }

  #numbered({ index }: LocalTask): string {
    return `${index + 1} of ${this.#order.submission.tasks.length}`;
  }
}

/** How much passes between two plain lines. */
const plainShare = 0.1;

/** How much must be gained before it tells how long the rest takes. */
const tooEarly = 0.005;

function endingOf(code: number, signal: string | null, said: string): string {
  if (signal !== null) return `its process was ended by ${signal}`;
  const last = said.trimEnd().split("\n").at(-1) ?? "";
  return `its process ended with exit code ${code}${last === "" ? "" : `: ${legible(last, 300)}`}`;
}

/** What Mesa says where there is no desktop. It is no error of anything. */
const noise = /^error: XDG_RUNTIME_DIR is /;

/** So much of what a process said outside of its log is kept. */
const mostSaid = 10_000;

/**
 * A way to start tasks: processes with the permissions of `lottery`, each in a session of its own, so that Ctrl-C reaches it through
 * this one alone.
 *
 * @param runs where they may write
 * @throws {Error} when Deno lets this process run no `deno`
 */
export async function taskStarter(runs: string): Promise<StartTask> {
  const deno = await denoProgram();
  if (deno === undefined) {
    throw new Error(
      "Cannot start runs: Deno does not let this process run programs. Start the sweep by `deno task sweep`, with deno on the PATH.",
    );
  }
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const here = userPath(".");
  return ({ index, file, log }) => {
    const child = new Deno.Command(deno, {
      args: [
        ...["run", "--no-prompt", ...taskPermissions(runs), join("src", "cli", "logged.ts")],
        ...[log, "sweep", "task", file, String(index), "--attached"],
      ],
      cwd: root,
      env: { INIT_CWD: here, NO_COLOR: "1" },
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const said = listen(child.stderr, log);
    return {
      pid: child.pid,
      progress: progressIn(child.stdout),
      ended: (async () => {
        const { code, signal } = await child.status;
        return { code, signal, said: await said };
      })(),
      stop: () => void child.stdin.close().catch(() => {}),
      kill: () => {
        try {
          child.kill("SIGKILL");
        } catch {
          // It has ended by itself.
        }
      },
    };
  };
}

/** Keeps what a process says beside its log there, and its end in memory. */
async function listen(stream: ReadableStream<Uint8Array<ArrayBuffer>>, log: string): Promise<string> {
  let said = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = stripVTControlCharacters(text).split("\n").filter((line) => line !== "" && !noise.test(line));
    if (lines.length === 0) continue;
    said = `${said}${lines.join("\n")}\n`.slice(-mostSaid);
    try {
      appendToLog(log, lines.join("\n"));
    } catch {
      // Its own words are in the log or nowhere, too.
    }
  }
  return said;
}

async function* progressIn(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<TaskProgress> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const progress = parsed(line);
      if (progress) yield progress;
    }
  }
}

function parsed(line: string): TaskProgress | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null) return undefined;
    const [fraction, level, iteration] = ["fraction", "level", "iteration"].map((key): unknown =>
      Reflect.get(value, key)
    );
    return typeof fraction === "number" && typeof level === "number" && typeof iteration === "number"
      ? { fraction, level, iteration }
      : undefined;
  } catch {
    return undefined;
  }
}
