/**
 * The dashboard's app, for the runs that the command line names. `dev.ts` builds and serves it.
 *
 * @module
 */
import { createApp } from "./src/dashboard/app.ts";
import { openFromCommandLine } from "./src/dashboard/settings.ts";

/** The runs, and where to listen. */
export const opened = await openFromCommandLine(Deno.args);

/** The app. */
export const app = createApp(opened.dashboard);
