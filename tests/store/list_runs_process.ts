/**
 * A process that lists the runs of a folder: what it got, as JSON, with what it was warned of.
 *
 * @module
 */
import { listRuns } from "../../src/store/index.ts";

const [runs = ""] = Deno.args;
const warnings: string[] = [];
const listed = await listRuns(runs, { warn: (message) => warnings.push(message) });
console.log(JSON.stringify({ listed, warnings }));
