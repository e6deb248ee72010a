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
// The first page that somebody asks for is then as fast as the others: the runs are listed, and what draws them is compiled.
await (await app.handler()(new Request("http://127.0.0.1/"))).body?.cancel();
await opened.serve((options) => app.listen(options));
