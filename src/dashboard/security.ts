/**
 * Who may read and who may write. The token of this start is shown once, in the address that is printed; it becomes a cookie
 * that other sites' requests do not carry. Reading needs it only where other machines can reach the dashboard; every write
 * needs it, a Host of our own, and an Origin that is that Host.
 *
 * @module
 */
import { HttpError, type Middleware } from "fresh";
import type { State } from "../../utils.ts";
import type { Dashboard } from "./dashboard.ts";

/** Directives of the content security policy: what the pages use, and nothing else. */
const policy: readonly string[] = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "worker-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
];

/** Largest body of a request. Forms have a few kilobytes. */
const mostBytes = 256 * 1024;

/** Headers of every response; in front of Fresh's `csp()`, whose nonce goes into a policy that is stricter than its own. */
export function securityHeaders(): Middleware<State> {
  return async (ctx) => {
    const response = await ctx.next();
    const nonce = /'nonce-[^']+'/.exec(response.headers.get("content-security-policy") ?? "")?.[0];
    const directives = policy.map((own) =>
      nonce !== undefined && /^(?:script|style)-src/.test(own) ? `${own} ${nonce}` : own
    );
    response.headers.set("content-security-policy", directives.join("; "));
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
    return response;
  };
}

const headers: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // With `no-referrer` browsers send forms with `Origin: null`, which is nobody's; this tells other sites as little.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

/** Lets through what may read or write, and says in the state whether the request is trusted to write. */
export function admission(dashboard: Dashboard): Middleware<State> {
  const isOpen = isLoopback(dashboard.host);
  const cookie = `winnow-${dashboard.token.slice(0, 6)}`;
  return async (ctx) => {
    const { req: request, url } = ctx;
    ctx.state.dashboard = dashboard;
    const host = request.headers.get("host") ?? url.host;
    // A name that was made to point here would let its pages read: the browser takes them for one site.
    if (isOpen && !isLoopback(hostnameOf(host))) {
      return refusal(421, `This dashboard does not answer to the name ${JSON.stringify(host)}: open it as 127.0.0.1.`);
    }
    const isRead = request.method === "GET" || request.method === "HEAD";
    const shown = url.searchParams.get("token");
    if (shown !== null && isRead) {
      if (!isSame(shown, dashboard.token)) return refusal(403, wrongToken);
      url.searchParams.delete("token");
      return new Response(null, {
        status: 303,
        headers: {
          location: `${url.pathname}${url.search}`,
          "set-cookie": `${cookie}=${dashboard.token}; Path=/; HttpOnly; SameSite=Strict`,
        },
      });
    }
    const token = request.headers.get("x-winnow-token") ?? cookieOf(request, cookie) ?? "";
    ctx.state.isTrusted = isSame(token, dashboard.token);
    if (!isOpen && !ctx.state.isTrusted) return refusal(401, missingToken);
    if (!isRead) {
      const problem = refusalOfWrite(request, host, ctx.state.isTrusted);
      if (problem) return problem;
    }
    return await ctx.next();
  };
}

const wrongToken =
  "This token is not the one of this start: open the address that the dashboard printed when it started.";
const missingToken = "This needs the token of this start: open the address that the dashboard printed when it started.";

function refusalOfWrite(request: Request, host: string, isTrusted: boolean): Response | undefined {
  const origin = request.headers.get("origin");
  // Programs that are no browsers send none; they show the token in a header, which no page of another site can.
  if (origin === null ? !request.headers.has("x-winnow-token") : hostOf(origin) !== host) {
    return refusal(403, "This request comes from another site, and is not carried out.");
  }
  if (!isTrusted) return refusal(403, missingToken);
  const length = Number(request.headers.get("content-length") ?? 0);
  return length > mostBytes ? refusal(413, `The request is larger than ${mostBytes} bytes.`) : undefined;
}

/**
 * A request's form.
 *
 * @throws {HttpError} 413 when it is larger than 256 KiB, however it is sent; 400 when it is no form
 */
export async function readForm(request: Request): Promise<FormData> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new HttpError(413, `The form is larger than ${mostBytes} bytes.`);
    chunks.push(chunk);
  }
  try {
    const type = request.headers.get("content-type") ?? "";
    return await new Response(new Blob(chunks.map((chunk) => new Uint8Array(chunk))), {
      headers: { "content-type": type },
    })
      .formData();
  } catch {
    throw new HttpError(400, "The request holds no form.");
  }
}

function refusal(status: number, message: string): Response {
  return new Response(`${message}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, "");
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}

function cookieOf(request: Request, name: string): string | undefined {
  for (const pair of request.headers.get("cookie")?.split(";") ?? []) {
    const [own, value] = pair.trim().split("=", 2);
    if (own === name) return value;
  }
  return undefined;
}

/** Compares in a time that does not tell where they differ. */
function isSame(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index % b.length);
  return difference === 0 && b !== "";
}
