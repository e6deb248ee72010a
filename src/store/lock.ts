/**
 * One writer per run. The lock itself is the system's (it ends with its process, whatever kills it); the file says whose it is.
 *
 * @module
 */
import { RunInUseError } from "./errors.ts";
import { explain, writeAll } from "./files.ts";

/** Who holds a lock, as its file says. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/** A held lock. */
export class RunLock implements AsyncDisposable {
  /** Set when an earlier holder ended without releasing it: who that was, in words. */
  readonly takenOverFrom: string | undefined;
  readonly #path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile, takenOverFrom: string | undefined) {
    this.#path = path;
    this.#file = file;
    this.takenOverFrom = takenOverFrom;
  }

  /**
   * Takes the lock of a file, creating it.
   *
   * @throws {RunInUseError} when another process holds it
   * @throws {StorageError} when the file cannot be created
   */
  static async acquire(path: string): Promise<RunLock> {
    for (;;) {
      let file: Deno.FsFile;
      try {
        file = await Deno.open(path, { read: true, write: true, create: true });
      } catch (cause) {
        throw explain(cause, "lock", path);
      }
      try {
        const held = await tryLock(file);
        if (!held) {
          const holder = await readHolder(path);
          throw new RunInUseError(
            `Cannot use the run: ${holder ? describe(holder) : "another process"} is at work in it (${path}). ` +
              "Wait for it, stop it with Ctrl-C, or choose another folder with --runs.",
          );
        }
        // The holder before may have removed the file between our opening and locking it; then this lock guards nothing.
        if (!(await isStill(path, file))) {
          file.close();
          continue;
        }
        const stale = await readHolder(path);
        await file.truncate();
        await writeAll(file, new TextEncoder().encode(`${JSON.stringify(thisProcess())}\n`));
        return new RunLock(path, file, stale ? describe(stale) : undefined);
      } catch (error) {
        file.close();
        throw error instanceof RunInUseError ? error : explain(error, "lock", path);
      }
    }
  }

  /**
   * Whether a process holds the lock of a file, without taking it for longer than a glance.
   *
   * @throws {StorageError} when the file cannot be read
   */
  static isHeld(path: string): boolean {
    try {
      using file = Deno.openSync(path, { read: true });
      return !file.tryLockSync(false);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return false;
      throw explain(cause, "read", path);
    }
  }

  /** Releases the lock and removes its file. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await Deno.remove(this.#path);
    } catch {
      // Without the file there is nothing to release; with a file that cannot be removed, the next holder takes it over.
    }
    this.#file.close();
  }
}

/** Somebody who only looks whether the lock is held ({@linkcode RunLock.isHeld}) shares it for an instant; that is waited out. */
async function tryLock(file: Deno.FsFile): Promise<boolean> {
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await file.tryLock(true)) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

function thisProcess(): Holder {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return {
    pid: Deno.pid,
    host: state === "granted" ? Deno.hostname() : "this machine",
    since: new Date().toISOString(),
  };
}

function describe({ pid, host, since }: Holder): string {
  return `process ${pid} on ${host} (since ${since})`;
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const holder: unknown = JSON.parse(await Deno.readTextFile(path));
    return isHolder(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  return typeof value === "object" && value !== null && "pid" in value && typeof value.pid === "number" &&
    "host" in value && typeof value.host === "string" && "since" in value && typeof value.since === "string";
}

async function isStill(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    return (await Deno.stat(path)).ino === (await file.stat()).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
