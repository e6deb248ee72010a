/**
 * The dashboard's app under test: built once per test file, then opened over as many folders of runs as there are tests. Its
 * handler takes requests as `Deno.serve` would hand them over, and no socket is opened.
 *
 * @module
 */
import { Builder } from "fresh/dev";
import { createApp } from "../../src/dashboard/app.ts";
import { Dashboard, type DashboardOptions } from "../../src/dashboard/dashboard.ts";
import type { State } from "../../utils.ts";

/** Where requests go. A test needs no port: nothing listens. */
export const origin = "http://127.0.0.1:8000";

/** How a request is made. */
export interface TestRequest {
  /** Whether it carries the token of this start; it does when left out. */
  readonly isTrusted?: boolean;
  /** Headers beyond those that the request needs. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An app over a folder of runs. */
export interface TestApp extends AsyncDisposable {
  /** What the routes reach runs through. */
  readonly dashboard: Dashboard;
  /** Answers a request. */
  readonly handler: (request: Request) => Promise<Response>;
  /** The token of this start. */
  readonly token: string;
  /** Reads a path. */
  get(path: string, options?: TestRequest): Promise<Response>;
  /** Sends a form to a path, as a page of the dashboard does. */
  post(path: string, fields: Readonly<Record<string, string>>, options?: TestRequest): Promise<Response>;
}

/** Opens the app over a folder of runs. */
export async function testApp(
  runs: string,
  { canControl = false, host = "127.0.0.1", ...others }: Partial<Omit<DashboardOptions, "runs" | "token">> = {},
): Promise<TestApp> {
  const token = "0123456789abcdef";
  const dashboard = Dashboard.open({ ...others, runs, token, canControl, host });
  const app = createApp(dashboard);
  (await built())(app);
  const handler = app.handler();
  const shown = ({ isTrusted = true, headers = {} }: TestRequest): Headers => {
    const all = new Headers(headers);
    if (isTrusted) all.set("cookie", `winnow-${token.slice(0, 6)}=${token}`);
    return all;
  };
  return {
    dashboard,
    handler,
    token,
    get: (path, options = {}) => handler(new Request(`${origin}${path}`, { headers: shown(options) })),
    post: (path, fields, options = {}) => {
      const headers = shown(options);
      if (!headers.has("origin")) headers.set("origin", origin);
      return handler(new Request(`${origin}${path}`, { method: "POST", headers, body: new URLSearchParams(fields) }));
    },
    [Symbol.asyncDispose]: () => dashboard[Symbol.asyncDispose](),
  };
}

let build: ReturnType<Builder<State>["build"]> | undefined;

/** Routes and bundled islands do not depend on the runs. */
function built(): ReturnType<Builder<State>["build"]> {
  build ??= new Builder<State>({ root: import.meta.dirname ? `${import.meta.dirname}/../..` : "." })
    .build({ snapshot: "memory" });
  return build;
}
