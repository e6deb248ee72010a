/**
 * One writer per run, on one machine and on a file system that many share.
 *
 * **The file.** A lock is a file that is created exclusively, which is atomic on every file system that clusters have. It says whose
 * it is, with a random number that no other lock has. While it is held it shows signs of life: every 15 seconds it is written
 * again in place with the same bytes, so that the file server dates it.
 *
 * **One machine.** There the system's own lock on the file (`flock`) says at once whether the holder lives, whatever kills it. It
 * says nothing of other machines: on NFS, Lustre and BeeGFS it may hold on one machine alone, or not exist.
 *
 * **Another machine.** A lock of a process there is taken over when its last sign of life is older than ten minutes by the file
 * server's clock: the file's time against that of a file written just now in the same folder. Or at once, when it is of the same
 * task of the scheduler's as ours, which has ended the one before.
 *
 * **Taking over** is a rename of a new file onto the old, by whoever creates a file `lock.<number of the old>.takeover`: one of
 * any number of takers. What is left of a taker that was killed is taken over like the lock itself, by the same rule.
 *
 * **Fencing.** A holder whose process stood still (a machine asleep, a long computation between two waits, a network that was
 * gone) may be taken over though it lives. So it reads its lock before it writes anything ({@linkcode RunLock.assertHeld}), and
 * ends when that is not its own any more.
 *
 * Machines are told apart by their names, which must differ.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { legible } from "../data/quoted.ts";
import { RunInUseError } from "./errors.ts";
import { sharedFileSystem } from "./file_system.ts";
import { explain, isReplaced, readUpTo, writeAll } from "./files.ts";

/** How often a held lock shows a sign of life, in milliseconds. */
const beatMs = 15_000;

/**
 * How old the last sign of life of a process on another machine must be, in milliseconds: a minute in which a client of NFS may not
 * see it, and long computations in which a process shows none (SynFlow's scores of a large network).
 */
const patienceMs = 600_000;

/** After how long somebody who takes a lock over, which takes a few calls, is taken to be gone; in milliseconds. */
const takeoverMs = 60_000;

/** How often a lock is tried that others take and release at the same time, or that is a link to nothing. */
const mostAttempts = 100;

/** The longest content that a lock can have; more is none of ours. */
const mostBytes = 4096;

/** What a machine is called without the permission to ask for its name. */
const unnamed = "this machine";

/** What a lock goes by; all but `job` are for tests. */
export interface LockOptions {
  /** The scheduler's name of the task that this process carries out, such as `1234_7`. */
  readonly job?: string | undefined;
  /** The name of the machine. */
  readonly host?: string;
  /** How old the last sign of life of a process on another machine must be, in milliseconds. */
  readonly patienceMs?: number;
  /** How often the lock shows a sign of life, in milliseconds. */
  readonly beatMs?: number;
  /** `none` where the file system has no locks. */
  readonly flock?: "system" | "none";
  /** Whether other machines may see the file; what the file system says when left out. */
  readonly isShared?: boolean;
}

/** Who holds a lock, as its file says. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
  /** Different for every lock; locks of versions before it had none. */
  readonly nonce?: string;
  /** The scheduler's name of the holder's task. */
  readonly job?: string;
}

/** What was seen of a lock's file. */
interface Sight {
  readonly holder: Holder | undefined;
  /** When it was last written, in milliseconds since 1970 by the file server's clock. */
  readonly written: number;
  /** What this content can be called in a file's name. */
  readonly name: string;
}

/** What the system's lock says: of another process, of nobody, or nothing because the file system has none. */
type Flock = "held" | "free" | "none";

/** A held lock. */
export class RunLock implements AsyncDisposable {
  /** Set when an earlier holder ended without releasing it: who that was, in words. */
  readonly takenOverFrom: string | undefined;
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #own: Holder;
  readonly #timer: ReturnType<typeof setInterval>;
  #beating: Promise<void> = Promise.resolve();
  #lost: string | undefined;

  private constructor(path: string, file: Deno.FsFile, own: Holder, from: string | undefined, options: LockOptions) {
    this.#path = path;
    this.#file = file;
    this.#own = own;
    this.takenOverFrom = from;
    this.#timer = setInterval(() => this.#beating = this.#beat(), options.beatMs ?? beatMs);
    // A process that has nothing left to do does not stay for it.
    this.#timer.unref();
  }

  /**
   * Takes the lock of a file, creating it.
   *
   * @throws {RunInUseError} when another process holds it, or may hold it
   * @throws {StorageError} when the file cannot be created
   */
  static async acquire(path: string, options: LockOptions = {}): Promise<RunLock> {
    const own: Holder = {
      pid: Deno.pid,
      host: hostOf(options),
      since: new Date().toISOString(),
      nonce: crypto.randomUUID(),
      ...(options.job === undefined ? {} : { job: options.job }),
    };
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      try {
        // Each of them comes to nothing where the file came or went meanwhile.
        const taken = await create(path, own, options) ?? await takeOver(path, own, options);
        if (taken) return new RunLock(path, taken.file, own, taken.from, options);
      } catch (error) {
        if (isReplaced(error)) continue;
        throw error instanceof RunInUseError ? error : explain(error, "lock", path);
      }
    }
    throw new RunInUseError(
      `Cannot use the run: its lock (${path}) comes and goes, or leads nowhere. Look at that file, and try again.`,
    );
  }

  /**
   * Whether a process holds the lock of a file, without taking it for longer than a glance. Of a process on another machine its
   * last sign of life says so, by this machine's clock: good enough to be shown, while {@linkcode RunLock.acquire} goes by the
   * file server's.
   *
   * @throws {StorageError} when the file cannot be read
   */
  static isHeld(path: string, options: LockOptions = {}): boolean {
    try {
      using file = Deno.openSync(path, { read: true });
      const bytes = new Uint8Array(mostBytes);
      const sight = sightOf(bytes.subarray(0, file.readSync(bytes) ?? 0), file.statSync());
      const flock = isBeyondFlock(path, sight, options) ? "none" : flockSync(file, options);
      return isHeldBy(path, sight, flock, Date.now() - sight.written, options);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return false;
      throw explain(cause, "read", path);
    }
  }

  /**
   * Makes sure that nobody has taken the lock over: to be called before anything is written.
   *
   * @throws {RunInUseError} when somebody has, or the file was removed
   */
  async assertHeld(): Promise<void> {
    await this.#look();
    if (this.#lost !== undefined) throw new RunInUseError(this.#lost);
  }

  /** Releases the lock and removes its file, when it is still this one's. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    await this.#look();
    try {
      if (this.#lost === undefined) await Deno.remove(this.#path);
    } catch {
      // Without the file there is nothing to release; with a file that cannot be removed, the next holder takes it over.
    }
    this.#file.close();
  }

  /** Notes when the file is another's or gone. Where it cannot be read, nobody can say, and what is written next will fail. */
  async #look(): Promise<void> {
    if (this.#lost !== undefined) return;
    try {
      this.#judge((await lookAt(this.#path))?.holder);
    } catch {
      // See above.
    }
  }

  #judge(holder: Holder | undefined): void {
    if (holder?.nonce === this.#own.nonce) return;
    const why = holder
      ? `${
        describe(holder)
      } took it over (${this.#path}), having seen no sign of life of this process. It was still, or cut ` +
        "off from the file system, for too long. Let the other one work"
      : `its lock (${this.#path}) was removed or overwritten. See that nobody else works on it`;
    this.#lost = `Cannot go on with the run: ${why}, and start again with --resume: what was recorded before is whole.`;
  }

  /** A sign of life. Opened anew, because a file server that was started again has forgotten files that were open. */
  async #beat(): Promise<void> {
    if (this.#lost !== undefined) return;
    try {
      const opened = await openOptional(this.#path);
      using file = opened?.file;
      this.#judge(opened?.sight.holder);
      if (this.#lost !== undefined || !file) return;
      await file.seek(0, Deno.SeekMode.Start);
      await writeAll(file, contentOf(this.#own));
    } catch {
      // The next one may get through; a system that lets nobody read a locked file (Windows) does without.
    }
  }
}

/** A lock that was just taken: its open file, and in words whose it was before. */
interface Taken {
  readonly file: Deno.FsFile;
  readonly from: string | undefined;
}

/** Creates the file; undefined where there is one. */
async function create(path: string, own: Holder, options: LockOptions): Promise<Taken | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true, write: true, createNew: true });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return undefined;
    throw error;
  }
  try {
    // Whoever found it before it says whose it is may hold it by now, and may put another in its place.
    if (await flockOf(file, options) !== "held") {
      await writeAll(file, contentOf(own));
      if (await isOwn(path, own)) return { file, from: undefined };
    }
  } catch (error) {
    if (await isStill(path, file).catch(() => false)) await Deno.remove(path).catch(() => {});
    file.close();
    throw error;
  }
  file.close();
  return undefined;
}

/** Puts a new file in the place of one whose holder is gone; undefined where the file changed meanwhile. */
async function takeOver(path: string, own: Holder, options: LockOptions): Promise<Taken | undefined> {
  const opened = await openOptional(path);
  if (!opened) return undefined;
  const { sight, file: old } = opened;
  using _old = old;
  const flock = isBeyondFlock(path, sight, options) ? "none" : await flockOf(old, options);
  if (flock === "held") throw inUse(path, sight.holder);
  // The holder before may have removed the file between our opening and locking it; then this lock guards nothing.
  if (!await isStill(path, old)) return undefined;

  // Not `performance.now()`, which stands still while a machine sleeps.
  const started = Date.now();
  const temporary = join(dirname(path), `.${basename(path)}.${own.nonce}.new`);
  const file = await Deno.open(temporary, { read: true, write: true, createNew: true });
  let isTaken = false;
  try {
    await flockOf(file, options);
    await writeAll(file, contentOf(own));
    const now = writtenOf(await file.stat());
    const age = now - sight.written;
    if (isHeldBy(path, sight, flock, age, options)) throw inUse(path, sight.holder, age);
    const guards = await guard(path, sight, own, now);
    try {
      const last = await lookAt(path);
      const isSame = last?.name === sight.name && last.written === sight.written;
      if (!isSame || isLate(started)) return undefined;
      await Deno.rename(temporary, path);
    } finally {
      if (!isLate(started)) { for (const name of guards) await Deno.remove(name).catch(() => {}); }
    }
    isTaken = await isOwn(path, own);
    if (!isTaken) return undefined;
    const since = isElsewhere(sight, options) ? `, its last sign of life ${ago(age)}` : "";
    return { file, from: sight.holder && describe(sight.holder) + since };
  } finally {
    if (!isTaken) {
      file.close();
      await Deno.remove(temporary).catch(() => {});
    }
  }
}

/** After half of the time others may be about to take this process to be gone, and what it created to be theirs. */
function isLate(started: number): boolean {
  return Math.abs(Date.now() - started) > takeoverMs / 2;
}

/**
 * Creates the file that lets this process alone take a lock over. Where somebody who did so before was killed, the same is done
 * with theirs.
 *
 * @param now by the file server's clock, in milliseconds since 1970
 * @returns the files to be removed afterwards
 * @throws {RunInUseError} when another process is taking the lock over
 */
async function guard(path: string, sight: Sight, own: Holder, now: number): Promise<readonly string[]> {
  const guards: string[] = [];
  for (let { name } = sight;;) {
    const guardPath = `${path}.${name}.takeover`;
    guards.push(guardPath);
    try {
      using file = await Deno.open(guardPath, { write: true, createNew: true });
      await writeAll(file, contentOf(own)).catch(async (error) => {
        await Deno.remove(guardPath).catch(() => {});
        throw error;
      });
      return guards;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    const other = await lookAt(guardPath);
    if (!other || now - other.written < takeoverMs) {
      const who = other?.holder ? describe(other.holder) : "another process";
      throw new RunInUseError(`Cannot use the run: ${who} is just taking it over (${path}). Try again in a minute.`);
    }
    name = other.name;
  }
}

/** Whether a lock is held, from all that is known of it. `age` is that of its last sign of life, in milliseconds. */
function isHeldBy(path: string, sight: Sight, flock: Flock, age: number, options: LockOptions): boolean {
  const { holder } = sight;
  if (flock === "held") return true;
  if (options.job !== undefined && holder?.job === options.job) return false;
  const isFresh = age < (options.patienceMs ?? patienceMs);
  if (flock === "none") return isFresh;
  // Nobody on this machine. A lock without a number is of a version that knew nothing else.
  if (holder && (holder.nonce === undefined || holder.host !== unnamed && hostOf(options) !== unnamed)) return false;
  return isFresh && isShared(path, options);
}

/**
 * Whether the system's lock is not to be asked: it says nothing of other machines, and asking takes it for an instant, in which
 * whoever has just created the file could not have it.
 */
function isBeyondFlock(path: string, sight: Sight, options: LockOptions): boolean {
  return isElsewhere(sight, options) || !sight.holder && isShared(path, options);
}

function isShared(path: string, options: LockOptions): boolean {
  return options.isShared ?? sharedFileSystem(dirname(path)) !== undefined;
}

/** Whether the holder is known to be on another machine, of whose processes the system's lock here says nothing. */
function isElsewhere({ holder }: Sight, options: LockOptions): boolean {
  const host = hostOf(options);
  return holder?.nonce !== undefined && holder.host !== host && holder.host !== unnamed && host !== unnamed;
}

function hostOf({ host }: LockOptions): string {
  return host ?? machineName() ?? unnamed;
}

/** The name of this machine; undefined without the permission to ask for it. */
export function machineName(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? Deno.hostname() : undefined;
}

/** Takes the system's lock. Somebody who only looks ({@linkcode RunLock.isHeld}) shares it for an instant; that is waited out. */
async function flockOf(file: Deno.FsFile, { flock }: LockOptions): Promise<Flock> {
  if (flock === "none") return "none";
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      if (await file.tryLock(true)) return "free";
    } catch {
      return "none";
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return "held";
}

function flockSync(file: Deno.FsFile, { flock }: LockOptions): Flock {
  if (flock === "none") return "none";
  try {
    return file.tryLockSync(false) ? "free" : "held";
  } catch {
    return "none";
  }
}

function inUse(path: string, holder: Holder | undefined, age?: number): RunInUseError {
  const who = `Cannot use the run: ${holder ? describe(holder) : "another process"} is at work in it (${path})`;
  const remedy = "Wait for it, stop it with Ctrl-C, or choose another folder with --runs.";
  if (age === undefined) return new RunInUseError(`${who}. ${remedy}`);
  return new RunInUseError(
    `${who}, its last sign of life ${ago(age)}. ${remedy} If it is gone, its lock is taken over once ` +
      `${patienceMs / 60_000} minutes have passed without one, or at once when you remove that file.`,
  );
}

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} ${seconds === 1 ? "second" : "seconds"} ago`;
  return `${Math.round(seconds / 60)} minutes ago`;
}

function describe({ pid, host, since, job }: Holder): string {
  const task = job === undefined ? "" : `task ${legible(job)}, `;
  return `process ${pid} on ${legible(host)} (${task}since ${legible(since)})`;
}

function contentOf(holder: Holder): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(holder)}\n`);
}

/** What is in a lock that is open and was not read yet. */
async function see(file: Deno.FsFile): Promise<Sight> {
  return sightOf(await readUpTo(file, mostBytes), await file.stat());
}

async function lookAt(path: string): Promise<Sight | undefined> {
  const opened = await openOptional(path, { read: true });
  opened?.file.close();
  return opened?.sight;
}

/** A lock, opened and read; undefined where there is none, or it goes meanwhile: some file systems say so of an open file. */
async function openOptional(
  path: string,
  options: Deno.OpenOptions = { read: true, write: true },
): Promise<{ readonly file: Deno.FsFile; readonly sight: Sight } | undefined> {
  let file: Deno.FsFile | undefined;
  try {
    file = await Deno.open(path, options);
    return { file, sight: await see(file) };
  } catch (error) {
    file?.close();
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function sightOf(bytes: Uint8Array, info: Deno.FileInfo): Sight {
  const written = writtenOf(info);
  const holder = parse(new TextDecoder().decode(bytes));
  return { holder, written, name: holder?.nonce ?? `of-${written}` };
}

function writtenOf({ mtime }: Deno.FileInfo): number {
  return mtime?.getTime() ?? 0;
}

function parse(text: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(text);
    return isHolder(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  return typeof value === "object" && value !== null && "pid" in value && typeof value.pid === "number" &&
    "host" in value && typeof value.host === "string" && "since" in value && typeof value.since === "string" &&
    (!("nonce" in value) || typeof value.nonce === "string" && /^[0-9a-f-]{36}$/.test(value.nonce)) &&
    (!("job" in value) || typeof value.job === "string");
}

async function isOwn(path: string, own: Holder): Promise<boolean> {
  return (await lookAt(path))?.holder?.nonce === own.nonce;
}

async function isStill(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    return (await Deno.stat(path)).ino === (await file.stat()).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
