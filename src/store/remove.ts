/**
 * Removing a run.
 *
 * @module
 */
import { join } from "node:path";
import { RunInUseError } from "./errors.ts";
import { explain } from "./files.ts";
import { RunLock } from "./lock.ts";

/**
 * Removes a run's folder while holding its lock. Its name goes first, so that a kill leaves a whole run or none; links within
 * are removed, not followed.
 *
 * @param id of a run that is there: one of `runIds()`
 * @throws {RunInUseError} when a process is at work in it
 * @throws {StorageError} when it cannot be removed
 */
export async function removeRun(runs: string, id: string): Promise<void> {
  const folder = join(runs, id);
  const going = join(runs, `.${id}.removed`);
  try {
    {
      await using _lock = await RunLock.acquire(join(folder, "lock"));
      // What a kill left of an earlier removal.
      await removeOptional(going);
      await Deno.rename(folder, going);
    }
    // Under this name nobody looks for a run. Over NFS no folder can be removed in which a file is open, as the lock was.
    await Deno.remove(going, { recursive: true });
  } catch (cause) {
    throw cause instanceof RunInUseError ? cause : explain(cause, "write", folder);
  }
}

async function removeOptional(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
