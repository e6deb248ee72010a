/**
 * A process of its own that records the run of `recording.ts` into a folder, and says on one line how that ended.
 *
 * `writer.ts RUNS`: records it to its end. `writer.ts RUNS wait`: when it has begun, says so, and goes on when it is told to.
 *
 * @module
 */
import { record } from "./recording.ts";

const [runs = "", mode] = Deno.args;
try {
  await record(runs, {
    warn: (message) => console.log(`Warning: ${message}`),
    async after(event) {
      if (mode !== "wait" || event !== 3) return;
      console.log("begun");
      await Deno.stdin.read(new Uint8Array(1));
    },
  });
  console.log("done");
} catch (error) {
  console.log(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  Deno.exitCode = 1;
}
