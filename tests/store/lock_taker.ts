/**
 * A process of its own that tries to take locks over from a machine that is gone, as if it were on a machine of its own.
 * `lock_taker.ts FOLDER HOST ROUNDS` says when it is ready, waits to be told to begin, tries `FOLDER/1/lock`, `FOLDER/2/lock`, …
 * once each, and prints which it got. It releases none, and ends all the same.
 *
 * @module
 */
import { RunInUseError } from "../../src/store/errors.ts";
import { RunLock } from "../../src/store/lock.ts";

const [folder = "", host = "", rounds = "0"] = Deno.args;
console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
const got: number[] = [];
for (let round = 1; round <= Number(rounds); round++) {
  try {
    await RunLock.acquire(`${folder}/${round}/lock`, { host, flock: "none" });
    got.push(round);
  } catch (error) {
    if (!(error instanceof RunInUseError)) throw error;
  }
}
console.log(got.join());
