/**
 * The dashboard on a port, for a browser.
 *
 * @module
 */
import type { Dashboard, DashboardOptions } from "../../src/dashboard/dashboard.ts";
import { type TestApp, testApp } from "../dashboard/app.ts";

/** A cookie of the browser. */
export interface Cookie {
  /** Its name. */
  readonly name: string;
  /** What it says. */
  readonly value: string;
}

/** The dashboard over a folder of runs, which can be stopped and started again in the same place. */
export class ServedDashboard implements AsyncDisposable {
  /** The folder of runs. */
  readonly runs: string;
  readonly #options: Partial<Omit<DashboardOptions, "runs" | "token">>;
  #port = 0;
  #app: TestApp | undefined;
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  #closing = new AbortController();

  private constructor(runs: string, options: Partial<Omit<DashboardOptions, "runs" | "token">>) {
    this.runs = runs;
    this.#options = options;
  }

  /** Serves a folder of runs on a free port of 127.0.0.1. */
  static async open(
    runs: string,
    options: Partial<Omit<DashboardOptions, "runs" | "token">> = {},
  ): Promise<ServedDashboard> {
    const served = new ServedDashboard(runs, options);
    await served.start();
    return served;
  }

  /** Where it is: `http://127.0.0.1:8000`. */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What its routes reach runs through. */
  get dashboard(): Dashboard {
    if (!this.#app) throw new Error("The dashboard was never started.");
    return this.#app.dashboard;
  }

  /** What a browser has that was opened with the token of this start. */
  get cookie(): Cookie {
    const token = this.#app?.token ?? "";
    return { name: `winnow-${token.slice(0, 6)}`, value: token };
  }

  /** Starts it, after the first time on the port that it had. */
  async start(): Promise<void> {
    const app = await testApp(this.runs, this.#options);
    this.#app = app;
    this.#closing = new AbortController();
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: this.#port, signal: this.#closing.signal, onListen: () => {} },
      (request) => app.handler(request),
    );
    this.#port = this.#server.addr.port;
  }

  /** Stops it as Ctrl-C does: connections end, event streams too. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#app?.[Symbol.asyncDispose]();
    await this.#server?.finished;
  }

  /** Stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
