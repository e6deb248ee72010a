/**
 * What middlewares and handlers are given.
 *
 * @module
 */
import { type ComponentType, h, type JSX } from "preact";
import { renderPage } from "./render.ts";
import type { Snapshot } from "./snapshot.ts";
import type { FreshConfig, PageProps, PageResponse } from "./types.ts";

/** A request on its way, from middleware to handler. */
export class Context<State> {
  /** How the app is set up. */
  readonly config: FreshConfig;
  /** The request's URL. */
  readonly url: URL;
  /** The request. */
  readonly req: Request;
  /** Who asks. */
  readonly info: Deno.ServeHandlerInfo;
  /** The pattern of the route that answers; null when there is none. */
  readonly route: string | null;
  /** Parts of the path that the pattern names, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** What middlewares leave for those behind them. */
  readonly state: State;
  /** What was thrown, for the error page; else null. */
  error: unknown = null;
  /** Has the request answered by who comes next. */
  next: () => Promise<Response>;
  readonly #snapshot: Snapshot<State>;

  /** For the app alone. */
  constructor(
    request: Request,
    own: {
      readonly config: FreshConfig;
      readonly info: Deno.ServeHandlerInfo;
      readonly route: string | null;
      readonly params: Readonly<Record<string, string>>;
      readonly state: State;
      readonly snapshot: Snapshot<State>;
    },
  ) {
    this.req = request;
    this.url = new URL(request.url);
    this.config = own.config;
    this.info = own.info;
    this.route = own.route;
    this.params = own.params;
    this.state = own.state;
    this.#snapshot = own.snapshot;
    this.next = () => Promise.reject(new Error("Nothing comes next: ctx.next() was called by the last handler."));
  }

  /** For middlewares of this layer: the build that is served. */
  static snapshotOf<State>(ctx: Context<State>): Snapshot<State> {
    return ctx.#snapshot;
  }

  /** A redirect. A path stays on this host, however many slashes it begins with. */
  redirect(pathOrUrl: string, status = 302): Response {
    return new Response(null, { status, headers: { location: pathOrUrl.replace(/^\/[/\\]+/, "/") } });
  }

  /** Renders an element within the app wrapper. */
  render(vnode: JSX.Element, init: ResponseInit = {}): Promise<Response> {
    const wrapper = this.#snapshot.routes.find(({ path }) => path === "_app")?.module.default;
    const { html, nonce } = renderPage({
      vnode,
      snapshot: this.#snapshot,
      wrap: wrapper && ((Component) => h(wrapper, { ...this.#props(undefined), Component })),
    });
    const headers = new Headers(init.headers);
    headers.set("content-type", "text/html; charset=utf-8");
    const response = new Response(html, { ...init, headers });
    nonces.set(response, nonce);
    return Promise.resolve(response);
  }

  /** For the app alone: renders a route's page with its data. */
  static renderComponent<State>(
    ctx: Context<State>,
    component: ComponentType<PageProps<unknown, State>>,
    { data, ...init }: PageResponse<unknown>,
  ): Promise<Response> {
    return ctx.render(h(component, ctx.#props(data)), init);
  }

  #props(data: unknown): PageProps<unknown, State> {
    const { url, req, params, state, error, config } = this;
    return { data, url, req, params, state, error, config, Component: () => null };
  }
}

/** The nonce of a rendered response, for the content security policy. A header would show it to everybody. */
export const nonces: WeakMap<Response, string> = new WeakMap();
