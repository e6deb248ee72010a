/**
 * Builds the dashboard and serves it: what `deno task dashboard` runs.
 *
 * @module
 */
import { Builder } from "fresh/dev";
import type { State } from "./utils.ts";
import { app, opened } from "./main.ts";

const apply = await new Builder<State>({ root: import.meta.dirname ?? "." }).build({ snapshot: "memory" });
apply(app);
await opened.serve((options) => app.listen(options));
