/**
 * A process of its own that takes a lock again and again, and counts in a file, which comes out right only when nobody else is
 * between its reading and its writing. `lock_holder.ts LOCK COUNTER ROUNDS` prints how many rounds it got the lock in.
 *
 * @module
 */
import { RunInUseError } from "../../src/store/errors.ts";
import { RunLock } from "../../src/store/lock.ts";

const [lock = "", counter = "", rounds = "0"] = Deno.args;
let counted = 0;
for (let round = 0; round < Number(rounds); round++) {
  try {
    await using _held = await RunLock.acquire(lock);
    const before = Number(await Deno.readTextFile(counter));
    await Deno.writeTextFile(counter, String(before + 1));
    counted++;
  } catch (error) {
    if (!(error instanceof RunInUseError)) throw error;
  }
}
console.log(counted);
