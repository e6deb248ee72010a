/**
 * Serves scripts and static files.
 *
 * @module
 */
import { Context } from "./context.ts";
import type { Middleware } from "./types.ts";

/** A middleware that serves what was built and what lies below `static/`. Nothing else can be asked for: the list is closed. */
export function staticFiles<State>(): Middleware<State> {
  return async (ctx) => {
    const { files, buildId } = Context.snapshotOf(ctx);
    const file = files.get(ctx.url.pathname);
    if (!file) return await ctx.next();
    if (ctx.req.method !== "GET" && ctx.req.method !== "HEAD") {
      return new Response("Files are only read.\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const isVersioned = file.isImmutable || ctx.url.searchParams.get("__frsh_c") === buildId;
    const headers = new Headers({
      "cache-control": isVersioned ? "public, max-age=31536000, immutable" : "no-cache",
      "content-type": file.type,
      etag: `"${file.etag}"`,
    });
    const known = ctx.req.headers.get("if-none-match")?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
    if (known?.includes(`"${file.etag}"`)) return new Response(null, { status: 304, headers });
    return new Response(await file.read(), { headers });
  };
}
