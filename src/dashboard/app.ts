/**
 * The dashboard as an app.
 *
 * @module
 */
import { App, csp, staticFiles } from "fresh";
import type { State } from "../../utils.ts";
import type { Dashboard } from "./dashboard.ts";
import { admission, securityHeaders } from "./security.ts";

/** The app that shows these runs; it answers when a build is applied to it. */
export function createApp(dashboard: Dashboard): App<State> {
  return new App<State>()
    .use(securityHeaders(), csp({ useNonce: true }), admission(dashboard), staticFiles())
    .fsRoutes();
}
