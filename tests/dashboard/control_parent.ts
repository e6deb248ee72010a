/**
 * A process that starts a run as the dashboard does, for a test that ends it: prints what became of that, and waits.
 *
 * Run: `deno run … control_parent.ts RUNS SETTINGS`, with settings as an address of the form has them
 *
 * @module
 */
import { Control, NoControlError } from "../../src/dashboard/control.ts";
import { formOf } from "../../src/dashboard/run_form.ts";

const [runs = "", query = ""] = Deno.args;
const { form, request } = await formOf(new URLSearchParams(query));
if (!request) throw new Error(JSON.stringify(form.problems));
try {
  console.log(await new Control({ runs }).start(request));
} catch (error) {
  if (!(error instanceof NoControlError)) throw error;
  console.log(`${await Control.isAllowed()} ${error.message}`);
}
await new Promise((resolve) => setTimeout(resolve, 120_000));
