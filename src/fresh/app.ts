/**
 * An app: middlewares and the routes below `routes/`, in front of a build of the project's files.
 *
 * @module
 */
import type { ComponentType } from "preact";
import { Context } from "./context.ts";
import { HttpError } from "./error.ts";
import { bySpecificity, folderPattern, patternOf } from "./patterns.ts";
import type { RouteFile, Snapshot } from "./snapshot.ts";
import type { FreshConfig, HandlerFn, Method, Middleware, PageProps, RouteModule } from "./types.ts";

/** How to listen: what `Deno.serve` takes. */
export type ListenOptions = Partial<Deno.ServeTcpOptions>;

/** Something that can answer a request. */
interface Route<State> {
  readonly pattern: string;
  readonly matcher: URLPattern;
  readonly module: RouteModule<State>;
}

/** An app. Middlewares come before routes that are added after them. */
export class App<State> {
  /** How it is set up. */
  readonly config: FreshConfig = { basePath: "" };
  readonly #before: Middleware<State>[] = [];
  #hasRoutes = false;
  #snapshot: Snapshot<State> | undefined;

  /** Adds middlewares in front of what is added after them. */
  use(...middlewares: Middleware<State>[]): this {
    if (this.#hasRoutes) throw new Error("Cannot add a middleware behind the routes: call use() before fsRoutes().");
    this.#before.push(...middlewares);
    return this;
  }

  /** Adds the routes below `routes/`. */
  fsRoutes(): this {
    this.#hasRoutes = true;
    return this;
  }

  /** For the builder: has an app serve a build. */
  static apply<State>(app: App<State>, snapshot: Snapshot<State>): void {
    app.#snapshot = snapshot;
  }

  /** What answers requests. @throws when no build was applied to the app */
  handler(): (request: Request, info?: Deno.ServeHandlerInfo) => Promise<Response> {
    const snapshot = this.#snapshot;
    if (!snapshot) throw new Error("Cannot answer requests before a build: apply what Builder.build() returns.");
    const files = this.#hasRoutes ? snapshot.routes : [];
    const routes = files.filter(({ path }) => !/(?:^|\/)_[^/]*$/.test(path)).map(({ path, module }): Route<State> => {
      const pattern = patternOf(path);
      return { pattern, matcher: new URLPattern({ pathname: pattern }), module };
    }).sort((a, b) => bySpecificity(a.pattern, b.pattern));
    const middlewares = files.filter(({ path }) => /(?:^|\/)_middleware$/.test(path))
      .map((file) => ({ matcher: folderMatcher(file.path), handlers: middlewaresOf(file) }))
      .toSorted((a, b) => a.matcher.pathname.length - b.matcher.pathname.length);
    const special = (name: string): RouteModule<State> | undefined => files.find(({ path }) => path === name)?.module;
    return async (request, info = nobody) => {
      const { pathname } = new URL(request.url);
      const found = routes.find(({ matcher }) => matcher.test({ pathname }));
      const ctx = new Context<State>(request, {
        config: this.config,
        info,
        route: found?.pattern ?? null,
        params: paramsOf(found?.matcher.exec({ pathname })),
        // What it holds is for the first middleware to say.
        state: Object.create(null),
        snapshot,
      });
      const answer: Middleware<State> = (own) => found ? answerRoute(own, found.module) : notFound();
      const inFolders = middlewares.filter(({ matcher }) => matcher.test({ pathname })).flatMap((own) => own.handlers);
      const guarded: Middleware<State> = (own) =>
        chain(own, [...inFolders, answer]).catch((error: unknown) =>
          answerError(own, error, special("_404"), special("_error"))
        );
      try {
        return withoutBody(request, await chain(ctx, [...this.#before, guarded]));
      } catch (error) {
        return plainError(error);
      }
    };
  }

  /** Serves the app until the signal in the options, or for good. */
  async listen(options: ListenOptions = {}): Promise<void> {
    const handler = this.handler();
    await Deno.serve(options, (request, info) => handler(request, info)).finished;
  }
}

/** Who asks when a test does. */
const nobody: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
  completed: Promise.resolve(),
};

/** Runs middlewares one within the other; an exception is a rejection, wherever it is thrown. */
async function chain<State>(ctx: Context<State>, middlewares: readonly Middleware<State>[]): Promise<Response> {
  const [first, ...rest] = middlewares;
  if (!first) throw new HttpError(404);
  ctx.next = () => chain(ctx, rest);
  return await first(ctx);
}

async function answerRoute<State>(ctx: Context<State>, module: RouteModule<State>): Promise<Response> {
  const { handler, default: component } = module;
  const own = handler === undefined ? undefined : handlerFor(handler, ctx.req.method);
  if (own) {
    const answer = await own(ctx);
    if (answer instanceof Response) return answer;
    if (!component) throw new Error(`The route ${ctx.route} has data, and no page to show it.`);
    return await Context.renderComponent(ctx, component, answer);
  }
  const isRead = ctx.req.method === "GET" || ctx.req.method === "HEAD";
  const hasRead = handler !== undefined && handlerFor(handler, "GET") !== undefined;
  if (!component || !isRead || hasRead) return notFound();
  return await Context.renderComponent(ctx, component, { data: undefined });
}

function handlerFor<State>(
  handler: NonNullable<RouteModule<State>["handler"]>,
  method: string,
): HandlerFn<unknown, State> | undefined {
  if (typeof handler === "function") return handler;
  if (Array.isArray(handler)) return undefined;
  if (!isMethod(method)) return undefined;
  return handler[method] ?? (method === "HEAD" ? handler.GET : undefined);
}

const methods: readonly string[] = ["HEAD", "GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"] satisfies Method[];

function isMethod(name: string): name is Method {
  return methods.includes(name);
}

function notFound(): never {
  throw new HttpError(404, "There is no such page.");
}

async function answerError<State>(
  ctx: Context<State>,
  error: unknown,
  missing: RouteModule<State> | undefined,
  failed: RouteModule<State> | undefined,
): Promise<Response> {
  ctx.error = error;
  const status = error instanceof HttpError ? error.status : 500;
  if (status === 500) console.error(error);
  if (status === 404 && missing) return await answerAs(ctx, missing, status);
  if (failed) return await answerAs(ctx, failed, status);
  throw error;
}

/** Renders an error page, whose handler, if it has one, says the status. */
async function answerAs<State>(ctx: Context<State>, module: RouteModule<State>, status: number): Promise<Response> {
  const own = module.handler === undefined ? undefined : handlerFor(module.handler, "GET");
  const answer = own ? await own(ctx) : { data: undefined, status };
  if (answer instanceof Response) return answer;
  const component: ComponentType<PageProps<unknown, State>> | undefined = module.default;
  return component
    ? await Context.renderComponent(ctx, component, { status, ...answer })
    : new Response(null, { status });
}

function plainError(error: unknown): Response {
  if (error instanceof HttpError) return new Response(`${error.message}\n`, { status: error.status });
  console.error(error);
  return new Response("The server failed to answer.\n", { status: 500 });
}

function withoutBody(request: Request, response: Response): Response {
  if (request.method !== "HEAD" || response.body === null) return response;
  response.body.cancel().catch(() => {});
  return new Response(null, response);
}

function middlewaresOf<State>({ module: { handler }, path }: RouteFile<State>): readonly Middleware<State>[] {
  if (Array.isArray(handler)) return handler;
  if (typeof handler !== "function") {
    throw new TypeError(`${path} must export a handler: a function or a list of them.`);
  }
  return [async (ctx) => {
    const answer = await handler(ctx);
    if (answer instanceof Response) return answer;
    throw new TypeError(`${path} must answer with a response.`);
  }];
}

function folderMatcher(path: string): URLPattern {
  const pattern = folderPattern(path);
  return new URLPattern({ pathname: pattern === "/" ? "/*" : `${pattern}{/*}?` });
}

function paramsOf(match: URLPatternResult | null | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(match?.pathname.groups ?? {}).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, decoded(value)]]
    ),
  );
}

/** A path that is no text stays as it is, and names nothing. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
