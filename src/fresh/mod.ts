/**
 * The part of Fresh 2's public API that this project uses, for machines that reach npm and not JSR. Written from Fresh's
 * documentation; what is exported here is documented there, and means the same. `deno.fresh.json` puts the original in its
 * place.
 *
 * @module
 */
export { App, type ListenOptions } from "./app.ts";
export { Context, Context as FreshContext } from "./context.ts";
export { csp, type CSPOptions } from "./csp.ts";
export { HttpError } from "./error.ts";
export { staticFiles } from "./static_files.ts";
export {
  createDefine,
  type Define,
  type FreshConfig,
  type HandlerByMethod,
  type HandlerFn,
  type Method,
  type Middleware,
  page,
  type PageProps,
  type PageResponse,
  type RouteHandler,
} from "./types.ts";
