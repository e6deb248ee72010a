/**
 * A process that lists the runs of a folder: what it got, as JSON, with what it was warned of. `list_runs_process.ts RUNS shared`:
 * as if the folder were on a file system that machines share.
 *
 * @module
 */
import { listRuns } from "../../src/store/index.ts";

const [runs = "", shared] = Deno.args;
const warnings: string[] = [];
const listed = await listRuns(runs, {
  warn: (message) => warnings.push(message),
  ...(shared === undefined ? {} : { isShared: true }),
});
console.log(JSON.stringify({ listed, warnings }));
