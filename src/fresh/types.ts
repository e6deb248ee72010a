/**
 * The types of routes, handlers and pages.
 *
 * @module
 */
import type { ComponentType, FunctionComponent } from "preact";
import type { Context } from "./context.ts";

/** How an app is set up. */
export interface FreshConfig {
  /** The path that all routes are below; empty for the root. */
  readonly basePath: string;
}

/** Methods that a route may have a handler for. */
export type Method = "HEAD" | "GET" | "POST" | "PATCH" | "PUT" | "DELETE" | "OPTIONS";

/** What a handler returns to have its page rendered. */
export interface PageResponse<Data> {
  /** The page's data. */
  data: Data;
  /** Headers of the response. */
  headers?: HeadersInit;
  /** Its status; 200 when left out. */
  status?: number;
}

/** Answers a request, with a response or with the data of a page. */
export type HandlerFn<Data, State> = (
  ctx: Context<State>,
) => Response | PageResponse<Data> | Promise<Response | PageResponse<Data>>;

/** Handlers by method. HEAD is answered as GET without the body. */
export type HandlerByMethod<Data, State> = { [M in Method]?: HandlerFn<Data, State> };

/** A route's handler: one for every method, or some by method. */
export type RouteHandler<Data, State> = HandlerFn<Data, State> | HandlerByMethod<Data, State>;

/** Stands before handlers: answers by itself, or lets `ctx.next()` answer. */
export type Middleware<State> = (ctx: Context<State>) => Response | Promise<Response>;

/** What a page, the app wrapper and the error page are given. */
export interface PageProps<Data = unknown, State = unknown> {
  /** What the handler returned. */
  readonly data: Data;
  /** The request's URL. */
  readonly url: URL;
  /** The request. */
  readonly req: Request;
  /** Parts of the path that the route's pattern names. */
  readonly params: Readonly<Record<string, string>>;
  /** What middlewares left for pages. */
  readonly state: State;
  /** What was thrown, for the error page; else null. */
  readonly error: unknown;
  /** How the app is set up. */
  readonly config: FreshConfig;
  /** For the app wrapper: what it wraps. */
  readonly Component: FunctionComponent;
}

/** Helps TypeScript along in route files; its functions return what they are given. */
export interface Define<State> {
  /** A route's handlers. */
  handlers<Data, Handlers extends RouteHandler<Data, State> = RouteHandler<Data, State>>(
    handlers: Handlers,
  ): typeof handlers;
  /** A page; `define.page<typeof handler>` has the handler's data. */
  page<
    Handler extends RouteHandler<unknown, State> = never,
    Data = Handler extends HandlerFn<infer Own, State> ? Own
      : Handler extends HandlerByMethod<infer Own, State> ? Own
      : never,
  >(render: ComponentType<PageProps<Data, State>>): typeof render;
  /** Middlewares. */
  middleware<Own extends Middleware<State> | Middleware<State>[]>(middleware: Own): typeof middleware;
}

/** A file below `routes/`, as far as its exports go. */
export interface RouteModule<State> {
  /** The page. */
  readonly default?: ComponentType<PageProps<unknown, State>>;
  /** Its handlers, or a middleware's. */
  readonly handler?: RouteHandler<unknown, State> | Middleware<State>[];
}

/** A route's data for its page. */
export function page<Data>(data: Data, options?: { headers?: HeadersInit; status?: number }): PageResponse<Data>;
export function page(): PageResponse<undefined>;
export function page(data?: unknown, options: { headers?: HeadersInit; status?: number } = {}): PageResponse<unknown> {
  return { data, ...options };
}

/** Helpers whose types know the app's state. */
export function createDefine<State>(): Define<State> {
  return {
    handlers: (handlers) => handlers,
    page: (render) => render,
    middleware: (middleware) => middleware,
  };
}
