/**
 * Starts runs: the command `lottery` in a process of its own, with the permissions of its task and in a session of its own, so that
 * neither the end of the dashboard nor Ctrl-C in its terminal reaches it. What the run says is kept in a log below the folder
 * of runs, in `.started`, by the run itself.
 *
 * @module
 */
import { isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { userPath } from "../cli/arguments.ts";
import { appendToLog, endLine, exitCodeOf } from "../cli/log_file.ts";
import { quote } from "../cli/lottery_command_line.ts";
import { denoProgram, lotteryPermissions } from "../cli/permissions.ts";
import { legible } from "../data/quoted.ts";
import { type LotteryConfig, parseConfig } from "../lottery/config.ts";
import { wantedNetworks } from "../lottery/wanted.ts";
import { planHashOf } from "../lottery/plan_table.ts";
import { planTable } from "../nn/plan.ts";
import { equalRuns, isNumbered } from "../store/equal_runs.ts";
import type { IndexedRun } from "../store/index.ts";
import { makeFolder } from "../store/files.ts";
import { readJson } from "../store/run_files.ts";
import { nameOf } from "../store/run_store.ts";
import { configFileOf, formAddress, lotteryArguments, type RunRequest } from "./run_form.ts";

/** The folder of logs, below the folder of runs. No run's id begins with a dot. */
export const startedFolder = ".started";

/** So many starts are kept; older ones go with the next. */
const mostStarts = 50;

/** A start as its page shows it. */
export interface Start {
  /** What it is called: when, and the preset. */
  readonly name: string;
  /** When it was started, in UTC; null when its log does not say. */
  readonly started: string | null;
  /** The command line that does the same in a terminal. */
  readonly command: string;
  /** The address of the form with its settings. */
  readonly form: string;
  /** How it stands. */
  readonly state: StartState;
  /** The run's id, as soon as the run has said it. */
  readonly id: string | undefined;
  /** What it is, or what is being waited for, in a sentence. */
  readonly sentence: string;
  /** The last lines that it said, printable. */
  readonly lines: readonly string[];
}

/**
 * `waiting`: the run's folder is not there yet. `running`: it is. `finished`: all that was asked for is there. `stopped`: it was
 * asked to. `failed`: it ended with an error. `exists`: a run of these settings was there, and nobody said what to do.
 */
export type StartState = "waiting" | "running" | "finished" | "stopped" | "failed" | "exists";

/** Runs cannot be started from here. */
export class NoControlError extends Error {
  /** The class's name. */
  override readonly name = "NoControlError";
}

/** Lines of a log that a page shows. */
const mostLines = 30;

/** Characters of one line that a page shows. */
const mostLineCharacters = 400;

/** `2026-11-25T18-40-00-123Z-conv2`. */
const namePattern = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[a-z0-9-]{1,40}$/;

/** What `lottery` says about the run that it opens, before anything else (`tests/dashboard/control_test.ts` holds it to that). */
const runLine = /^(Run|Going on with run) ([a-z0-9-]+-[0-9a-f]{10}(?:-[1-9]\d*)?) \(/m;
const finishedLine = /^Run ([a-z0-9-]+-[0-9a-f]{10}(?:-[1-9]\d*)?) is finished already/m;
const existsLine = /^Error: Run ([a-z0-9-]+-[0-9a-f]{10}(?:-[1-9]\d*)?) is there already/m;

/** Lines of a log that the run did not say. */
const ownLine = /^# (?:Started from|deno task|\/new\?|Lines are left|Ended with)/;

/** What Mesa says where there is no desktop. It is no error of anything. */
const noise = /^error: XDG_RUNTIME_DIR is /;

/** How to have a run started. */
export interface ControlOptions {
  /** The folder of runs. */
  readonly runs: string;
  /** Milliseconds since 1970; a test gives its own. */
  readonly now?: () => number;
}

/** Starts runs and says how they began. */
export class Control {
  readonly #runs: string;
  readonly #now: () => number;
  /** Processes of this dashboard that have not ended, by the name of their start. */
  readonly #working = new Set<string>();

  /** Nothing is started or read yet. */
  constructor({ runs, now = Date.now }: ControlOptions) {
    this.#runs = runs;
    this.#now = now;
  }

  /** Whether this process may start runs: whether Deno lets it run `deno`. */
  static async isAllowed(): Promise<boolean> {
    return await denoProgram() !== undefined;
  }

  /**
   * Starts a run. It goes on by itself, whatever becomes of this process.
   *
   * @returns the name of the start, for {@linkcode read}
   * @throws {NoControlError} when this process may not, or the run could not write there
   */
  async start(request: RunRequest): Promise<string> {
    const deno = await denoProgram();
    if (deno === undefined) {
      throw new NoControlError(
        "Cannot start a run: Deno does not let this dashboard run programs. Start it by `deno task dashboard:control`, with " +
          "deno on the PATH.",
      );
    }
    const here = userPath(".");
    const below = relative(here, this.#runs);
    if (below.startsWith("..") || isAbsolute(below)) {
      throw new NoControlError(
        `Cannot start a run in ${this.#runs}: a run may write in the folder that its command was given in, which is ${here}. ` +
          "Start the dashboard in a folder that has the runs in it.",
      );
    }
    if (here.includes(",")) {
      throw new NoControlError(
        `Cannot start a run in ${here}: Deno's permission flags take a comma for the end of a folder's name. Rename it.`,
      );
    }
    const folder = join(this.#runs, startedFolder);
    await makeFolder(folder);
    await this.#forgetOld(folder);
    const name = await this.#newLog(folder, request.config.preset);
    const log = join(folder, `${name}.log`);
    const configFile = configFileOf(request.config);
    const configPath = configFile === undefined ? undefined : join(folder, `${name}.json`);
    if (configFile !== undefined && configPath !== undefined) await Deno.writeTextFile(configPath, configFile);
    const args = lotteryArguments(request, this.#runs, configPath);
    appendToLog(log, `# ${["deno task lottery", ...args.map((own) => quote(own))].join(" ")}`);
    appendToLog(log, `# ${formAddress(request)}`);
    this.#spawn(deno, name, log, here, args);
    return name;
  }

  /** How a start stands; undefined when there is none of that name. */
  async read(name: string): Promise<Start | undefined> {
    if (!namePattern.test(name)) return undefined;
    let text: string;
    try {
      text = await Deno.readTextFile(join(this.#runs, startedFolder, `${name}.log`));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    const id = runLine.exec(text)?.[2] ?? finishedLine.exec(text)?.[1] ?? existsLine.exec(text)?.[1];
    const ended = exitCodeOf(text);
    const [, started = null] = /^# Started from the dashboard at (\S+)\.$/m.exec(text) ?? [];
    const [, command = ""] = /^# (deno task lottery .*)$/m.exec(text) ?? [];
    const [, form = "/new"] = /^# (\/new\?.*)$/m.exec(text) ?? [];
    const said = text.split("\n").filter((line) => line !== "" && !ownLine.test(line) && !noise.test(line));
    const state = ended === undefined
      ? id !== undefined && hasBegun(said) && await isRun(join(this.#runs, id))
        ? "running"
        : this.#isGone(name, started)
        ? "failed"
        : "waiting"
      : ended === 0
      ? "finished"
      : ended === 130
      ? "stopped"
      : existsLine.test(text)
      ? "exists"
      : "failed";
    return {
      name,
      started,
      command,
      form,
      state,
      id,
      sentence: sentenceOf(state, id, said, ended),
      lines: said.slice(-mostLines).map((line) => legible(line, mostLineCharacters)),
    };
  }

  /** The newest starts, newest first, without what they said. */
  async newest(most: number): Promise<string[]> {
    return (await names(join(this.#runs, startedFolder))).slice(0, most);
  }

  /** A process that is not ours any more and says nothing for a minute will not come to a folder. */
  #isGone(name: string, started: string | null): boolean {
    if (this.#working.has(name)) return false;
    return started === null || this.#now() - Date.parse(started) > 60_000;
  }

  #spawn(deno: string, name: string, log: string, here: string, args: readonly string[]): void {
    const append = (text: string): void => {
      try {
        appendToLog(log, text);
      } catch (error) {
        console.error(`Cannot write ${log}: ${messageOf(error)}`);
      }
    };
    const root = fileURLToPath(new URL("../../", import.meta.url));
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(deno, {
        args: [
          ...["run", "--no-prompt", ...lotteryPermissions(here)],
          ...[join("src", "cli", "logged.ts"), log, "lottery", ...args],
        ],
        cwd: root,
        env: { INIT_CWD: here, NO_COLOR: "1" },
        detached: true,
        stdin: "null",
        stdout: "null",
        // The command writes to its log. Here comes what Deno itself says when it does not get that far; when this process ends
        // before, nobody misses it: a broken pipe is no error to Deno.
        stderr: "piped",
      }).spawn();
    } catch (error) {
      append(`Error: Cannot run ${deno}: ${messageOf(error)}`);
      append(endLine(1));
      return;
    }
    this.#working.add(name);
    child.unref();
    const errors = (async () => {
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        append(stripVTControlCharacters(text).replace(/\n$/, ""));
      }
    })();
    Promise.allSettled([errors, child.status]).then(async () => {
      const { code, signal } = await child.status;
      if (exitCodeOf(await Deno.readTextFile(log)) === undefined) {
        if (signal !== null) append(`Error: The process was ended by ${signal}.`);
        append(endLine(code));
      }
    }).catch((error: unknown) => {
      // A log that somebody took away has nobody to tell.
      if (error instanceof Deno.errors.NotFound) return;
      console.error(`Cannot tell how ${name} ended: ${messageOf(error)}`);
    })
      .finally(() => this.#working.delete(name));
  }

  /** Makes a log of a name that is not there yet. */
  async #newLog(folder: string, preset: string): Promise<string> {
    for (let later = 0;; later++) {
      const started = new Date(this.#now() + later).toISOString();
      const name = `${started.replaceAll(/[:.]/g, "-")}-${preset}`;
      try {
        const header = `# Started from the dashboard at ${started}.\n`;
        await Deno.writeTextFile(join(folder, `${name}.log`), header, { createNew: true });
        return name;
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  }

  async #forgetOld(folder: string): Promise<void> {
    for (const name of (await names(folder)).slice(mostStarts - 1)) {
      if (this.#working.has(name)) continue;
      for (const kind of ["log", "json"]) await Deno.remove(join(folder, `${name}.${kind}`)).catch(() => {});
    }
  }
}

/** Each dashboard has one, which knows the processes that it started. */
const controls = new WeakMap<object, Control>();

/** The control of a dashboard. */
export function controlOf(dashboard: { readonly runs: string }): Control {
  const control = controls.get(dashboard) ?? new Control({ runs: dashboard.runs });
  controls.set(dashboard, control);
  return control;
}

/** A run of the same settings that is there already. */
export interface ExistingRun {
  /** The first of them, which `--resume` goes on with. */
  readonly run: IndexedRun;
  /** How many there are, with those made by `--fresh`. */
  readonly count: number;
  /** Whether everything that is asked for is trained. */
  readonly isComplete: boolean;
}

/**
 * The run that `lottery` would meet, or go on with: one of the same settings on the same data, rather by the plan table that ships
 * than by one of its own. Nothing is loaded for that: what the data's digest is, the manifests of the runs on that data set say.
 *
 * @param rows all runs of the folder
 */
export async function existingRun(
  config: LotteryConfig,
  runs: string,
  rows: readonly IndexedRun[],
): Promise<ExistingRun | undefined> {
  const candidates = rows.filter((own) => own.preset === config.preset && own.dataset === config.dataset);
  const shipped = await planHashOf(planTable);
  const equal = (await equalRuns(runs, candidates.map(({ id }) => id), config)).filter(({ id, base }) => id === base);
  const id = (equal.find(({ manifest }) => manifest.planHash === shipped) ?? equal[0])?.id;
  const run = rows.find((own) => own.id === id);
  if (!run) return undefined;
  const count = rows.filter((own) => own.id === run.id || isNumbered(own.id, run.id)).length;
  return { run, count, isComplete: run.state === "finished" && await holdsAll(join(runs, run.id), config) };
}

/** Whether what a finished run was asked for has all that is asked for now. */
async function holdsAll(folder: string, config: LotteryConfig): Promise<boolean> {
  try {
    const before = new Set(wantedNetworks(parseConfig(await readJson(join(folder, "config.json")))).map(nameOf));
    return wantedNetworks(config).every((key) => before.has(nameOf(key)));
  } catch {
    return false;
  }
}

/** A run that is gone on with has its folder already: it has begun when it says more than that it goes on. */
function hasBegun(said: readonly string[]): boolean {
  const at = said.findIndex((line) => runLine.test(line));
  return at >= 0 && (said[at]?.startsWith("Run ") === true || said.length > at + 1);
}

function sentenceOf(
  state: StartState,
  id: string | undefined,
  said: readonly string[],
  code: number | undefined,
): string {
  switch (state) {
    case "waiting":
      return id === undefined
        ? "The program is starting and reads the data set. Its run's folder comes next."
        : `Run ${id} opens the adapter and compiles its kernels. Training comes next.`;
    case "running":
      return `Run ${id} is training.`;
    case "finished":
      return id === undefined
        ? "It ended, and nothing was left to do."
        : `Everything that was asked of run ${id} is there.`;
    case "stopped":
      return "It was stopped before it was finished. What was trained is kept.";
    case "exists":
      return `Run ${id} has these settings, and was there already.`;
    case "failed": {
      const error = said.findLast((line) => /^error: /i.test(line))?.replace(/^error: /i, "");
      return error !== undefined
        ? legible(error, 1200)
        : code === undefined
        ? "It ended without a word: it was killed, or the machine was restarted. Start it again, or run the command in a terminal."
        : `It ended with exit code ${code} without saying why. Run the command in a terminal to see more.`;
    }
  }
}

async function isRun(folder: string): Promise<boolean> {
  try {
    return (await Deno.stat(join(folder, "config.json"))).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Starts by name, newest first. */
async function names(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".log") && namePattern.test(name.slice(0, -4))) found.push(name.slice(0, -4));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort().reverse();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
