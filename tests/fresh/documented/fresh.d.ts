/**
 * Fresh 2.3's public API as its documentation has it (fresh.deno.dev/docs: App, Context, Define, File routing, Error handling,
 * csp, Static files, API reference), for checking that nothing of ours needs more than that. The package itself is on JSR alone.
 *
 * @module
 */
import type { AnyComponent, FunctionComponent, VNode } from "preact";

export interface FreshConfig {
  basePath?: string;
}

export interface ResolvedFreshConfig {
  readonly basePath: string;
  readonly root: string;
  readonly mode: "development" | "production";
}

export interface LayoutConfig {
  skipAppWrapper?: boolean;
  skipInheritedLayouts?: boolean;
}

export interface RouteConfig extends LayoutConfig {
  routeOverride?: string;
}

export type Method = "HEAD" | "GET" | "POST" | "PATCH" | "PUT" | "DELETE" | "OPTIONS";

/** The object shared across all middlewares. Only Fresh makes one. */
export class Context<State> {
  private constructor();
  readonly config: ResolvedFreshConfig;
  readonly url: URL;
  readonly req: Request;
  readonly route: string | null;
  readonly params: Record<string, string>;
  readonly state: State;
  readonly error: unknown;
  readonly info: Deno.ServeHandlerInfo;
  readonly isPartial: boolean;
  Component: FunctionComponent;
  next(): Promise<Response>;
  redirect(pathOrUrl: string, status?: number): Response;
  render(vnode: VNode | null, init?: ResponseInit, config?: LayoutConfig): Promise<Response>;
}

export type FreshContext<State = unknown> = Context<State>;

export type PageProps<Data = unknown, State = unknown> =
  & Pick<
    Context<State>,
    "config" | "url" | "req" | "params" | "info" | "state" | "isPartial" | "Component" | "error"
  >
  & { data: Data };

export interface PageResponse<Data> {
  data: Data;
  headers?: HeadersInit;
  status?: number;
}

export type HandlerFn<Data, State> = (
  ctx: Context<State>,
) => Response | PageResponse<Data> | Promise<Response | PageResponse<Data>>;

export type HandlerByMethod<Data, State> = { [M in Method]?: HandlerFn<Data, State> };

export type RouteHandler<Data, State> = HandlerFn<Data, State> | HandlerByMethod<Data, State>;

export type Middleware<State> = (ctx: Context<State>) => Response | Promise<Response>;

export type ListenOptions = Partial<Deno.ServeTcpOptions> & { remoteAddress?: string };

/** Routes incoming requests to middlewares and routes. */
export class App<State> {
  constructor(config?: FreshConfig);
  use(...middlewares: Middleware<State>[]): this;
  use(path: string, ...middlewares: Middleware<State>[]): this;
  get(path: string, ...middlewares: Middleware<State>[]): this;
  post(path: string, ...middlewares: Middleware<State>[]): this;
  all(path: string, ...middlewares: Middleware<State>[]): this;
  fsRoutes(path?: string): this;
  handler(): (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response>;
  listen(options?: ListenOptions): Promise<void>;
}

export interface Define<State> {
  handlers<Data, Handlers extends RouteHandler<Data, State> = RouteHandler<Data, State>>(
    handlers: Handlers,
  ): typeof handlers;
  page<
    Handler extends RouteHandler<unknown, State> = never,
    Data = Handler extends HandlerFn<infer Own, State> ? Own
      : Handler extends HandlerByMethod<infer Own, State> ? Own
      : never,
  >(render: AnyComponent<PageProps<Data, State>>): typeof render;
  layout(render: AnyComponent<PageProps<unknown, State>>): typeof render;
  middleware<Own extends Middleware<State> | Middleware<State>[]>(middleware: Own): typeof middleware;
}

export function createDefine<State>(): Define<State>;

export function page<Data>(data: Data, options?: { headers?: HeadersInit; status?: number }): PageResponse<Data>;
export function page(): PageResponse<undefined>;

/** An error with a status. */
export class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message?: string, options?: ErrorOptions);
}

export function staticFiles<State>(): Middleware<State>;

export interface CSPOptions {
  reportOnly?: boolean;
  reportTo?: string;
  csp?: string[];
  useNonce?: boolean;
}

export function csp<State>(options?: CSPOptions): Middleware<State>;
