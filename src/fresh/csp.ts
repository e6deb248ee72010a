/**
 * The content security policy.
 *
 * @module
 */
import { nonces } from "./context.ts";
import type { Middleware } from "./types.ts";

/** What the policy says beyond the defaults. */
export interface CSPOptions {
  /** Directives that are added. */
  csp?: string[];
  /** Whether inline scripts and styles need the nonce that rendering gives them, instead of being allowed. */
  useNonce?: boolean;
}

const defaults: readonly string[] = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "upgrade-insecure-requests",
];

/** A middleware that sets the header. A response that was not rendered has no nonce, and keeps what is inline allowed. */
export function csp<State>({ csp: more = [], useNonce = false }: CSPOptions = {}): Middleware<State> {
  return async (ctx) => {
    const response = await ctx.next();
    const nonce = useNonce ? nonces.get(response) : undefined;
    const directives = [...defaults, ...more].map((directive) =>
      nonce === undefined ? directive : directive.replace("'unsafe-inline'", `'nonce-${nonce}'`)
    );
    response.headers.set("content-security-policy", directives.join("; "));
    return response;
  };
}
