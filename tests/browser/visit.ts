/**
 * A visit to a page in a real browser, which fails when anything is not as it should be: errors and warnings in the console
 * (a violated content-security-policy is one), exceptions that nobody caught, requests that failed, and requests to anybody
 * but the server that is visited.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page, Request, Response } from "npm:playwright-core@1.65.1";
import { axe } from "./npm_in_deno.ts";
import { withFewColours } from "./small_png.ts";

/** The widths that pages are made for, in CSS pixels: a telephone and a desk. */
export const widths = [390, 1440] as const;

/** What the reader's system asks for. */
export const schemes = ["light", "dark"] as const;

/** How a page is visited. */
export interface VisitOptions {
  /** Of the window, in CSS pixels; 1440 when left out. */
  readonly width?: (typeof widths)[number];
  /** What the system asks for; `light` when left out. */
  readonly scheme?: (typeof schemes)[number];
  /** What the browser brings along. */
  readonly cookie?: { readonly name: string; readonly value: string };
  /** The status that the page must answer with; 200 when left out. */
  readonly status?: number;
  /** Whether the page puts a mark `usable` on its timeline when its islands are alive. */
  readonly marksUsable?: boolean;
  /** Problems that this visit is about, and which are therefore none. */
  readonly expected?: readonly RegExp[];
}

/** A script that was loaded. */
export interface LoadedScript {
  /** Where from, without the server's name. */
  readonly path: string;
  /** Its size as it is. */
  readonly bytes: number;
  /** Its size after gzip, which is what readers count. */
  readonly gzipBytes: number;
}

/** A page that is open in a window of its own. */
export class Visit {
  /** The page, for whatever a test does with it. */
  readonly page: Page;
  readonly #origin: string;
  readonly #scripts = new Map<string, Promise<LoadedScript>>();
  readonly #problems: string[] = [];
  readonly #expected: readonly RegExp[];

  constructor(page: Page, context: BrowserContext, origin: string, options: VisitOptions) {
    this.page = page;
    this.#origin = origin;
    this.#expected = options.expected ?? [];
    // Chromium writes every document that was not found into the console, those that must not be found too.
    const status = options.status === undefined ? undefined : `responded with a status of ${options.status} `;
    context.on("console", (message) => {
      const isProblem = message.type() === "error" || message.type() === "warning";
      const isStatus = status !== undefined && message.text().includes(status) && message.location().url === page.url();
      if (isProblem && !isStatus) {
        this.#problem(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    context.on("weberror", (error) => this.#problem(`uncaught: ${error.error().message}`));
    context.on("request", (request) => this.#asked(request));
    context.on("requestfailed", (request) => {
      const reason = request.failure()?.errorText ?? "for no known reason";
      // What a page leaves behind when it is left: event streams, downloads.
      if (reason !== "net::ERR_ABORTED") this.#problem(`request failed: ${request.url()}: ${reason}`);
    });
    context.on("response", (response) => {
      if (response.request().resourceType() === "script" && response.status() === 200) {
        const script = weigh(response);
        // Whoever asks for it is told; a visit that ends first does not ask.
        script.catch(() => {});
        this.#scripts.set(response.url(), script);
      }
    });
  }

  /** Everything that went wrong so far. */
  async problems(): Promise<readonly string[]> {
    // What was said before the answer to this has arrived before it.
    if (!this.page.isClosed()) await this.page.evaluate(() => {});
    return [...this.#problems];
  }

  /** Goes to another page of the same server, checks the status that it answers with, and waits for its islands. */
  async goTo(path: string, status = 200): Promise<void> {
    const response = await this.page.goto(`${this.#origin}${path}`, { waitUntil: "load" });
    assert.equal(response?.status(), status, `status of ${path}`);
    await this.hydrated();
  }

  /** Waits until the page's islands, if it has any, are alive. */
  async hydrated(): Promise<void> {
    await this.page.waitForFunction(() =>
      !document.getElementById("fresh-islands") || document.documentElement.dataset["hydrated"] !== undefined
    );
  }

  /** The scripts that were loaded so far, largest first. */
  async scripts(): Promise<readonly LoadedScript[]> {
    return (await Promise.all(this.#scripts.values())).sort((a, b) => b.gzipBytes - a.gzipBytes);
  }

  /** Serious and critical findings of axe-core, a line each; the elements that they are about included. */
  async barriers(): Promise<readonly string[]> {
    await this.page.evaluate(axe.source);
    const findings: Finding[] = await this.page.evaluate(
      `axe.run(document, { resultTypes: ["violations"], preload: false }).then(({ violations }) => violations.map(
        ({ id, impact, help, nodes }) => ({ id, impact, help, targets: nodes.map((node) => node.target.join(" ")) })))`,
    );
    return findings.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, impact, help, targets }) => `${id} (${impact}): ${help}: ${targets.slice(0, 5).join(", ")}`);
  }

  /** The elements that stick out of the window to the right; empty when the page does not scroll sideways. */
  overflow(): Promise<readonly string[]> {
    return this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth <= clientWidth) return [];
      const isInScroller = (element: Element): boolean => {
        const parent = element.parentElement;
        return parent !== null && parent !== document.body &&
          (getComputedStyle(parent).overflowX !== "visible" || isInScroller(parent));
      };
      const name = (element: Element): string => [element.localName, ...element.classList].join(".");
      const elements = [...document.body.querySelectorAll("*")]
        .map((element) => ({ element, right: Math.round(element.getBoundingClientRect().right) }))
        .filter(({ element, right }) => right > clientWidth && !isInScroller(element));
      return [
        `the page is ${scrollWidth} px wide, the window ${clientWidth}`,
        ...elements.slice(0, 8).map(({ element, right }) => `${name(element)} to ${right}`),
      ];
    });
  }

  /**
   * A picture of the page from its top, as PNG.
   *
   * @param file Where to.
   * @param maximumHeight Of the picture, in CSS pixels; the rest of the page is cut off.
   */
  async screenshot(file: string, maximumHeight = 1800): Promise<void> {
    const before = this.page.viewportSize();
    assert.ok(before);
    const height = await this.page.evaluate(() => document.documentElement.scrollHeight);
    await this.page.setViewportSize({ width: before.width, height: Math.min(maximumHeight, Math.max(400, height)) });
    // A hidden caret would be a style in the page, which the content-security-policy forbids.
    const png = await this.page.screenshot({ caret: "initial", animations: "disabled" });
    await Deno.writeFile(file, withFewColours(png));
    await this.page.setViewportSize(before);
  }

  #problem(text: string): void {
    if (!this.#expected.some((pattern) => pattern.test(text))) this.#problems.push(text);
  }

  #asked(request: Request): void {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && protocol !== "blob:" && origin !== this.#origin) {
      this.#problem(`request to another host: ${request.url()}`);
    }
  }
}

interface Finding {
  readonly id: string;
  readonly impact: string | null;
  readonly help: string;
  readonly targets: readonly string[];
}

async function weigh(response: Response): Promise<LoadedScript> {
  const body = new Uint8Array(await response.body());
  const packed = await new globalThis.Response(new Blob([body]).stream().pipeThrough(new CompressionStream("gzip")))
    .bytes();
  return { path: new URL(response.url()).pathname, bytes: body.length, gzipBytes: packed.length };
}

/**
 * Visits a page, does something there, and asserts that nothing went wrong meanwhile.
 *
 * @param browser The browser.
 * @param origin The server, as `http://127.0.0.1:8000`.
 * @param path The page, from its `/` on.
 * @param options The window, and what is expected.
 * @param use What to do there.
 * @returns What `use` returned.
 */
export async function visiting<Result>(
  browser: Browser,
  origin: string,
  path: string,
  options: VisitOptions,
  use: (visit: Visit) => Promise<Result>,
): Promise<Result> {
  const width = options.width ?? 1440;
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 844 : 900 },
    colorScheme: options.scheme ?? "light",
    isMobile: width < 600,
    hasTouch: width < 600,
    locale: "en-GB",
    timezoneId: "UTC",
  });
  context.setDefaultTimeout(10_000);
  try {
    if (options.cookie) await context.addCookies([{ ...options.cookie, url: origin }]);
    if (options.marksUsable) await context.addInitScript(markUsable);
    const visit = new Visit(await context.newPage(), context, origin, options);
    await visit.goTo(path, options.status);
    const result = await use(visit);
    assert.deepEqual(await visit.problems(), [], `problems on ${path}`);
    return result;
  } finally {
    await context.close();
  }
}

/** Runs in the page, before anything of its own. */
function markUsable(): void {
  const observer = new MutationObserver(() => {
    if (document.documentElement?.dataset["hydrated"] === undefined) return;
    performance.mark("usable");
    observer.disconnect();
  });
  observer.observe(document, { attributes: true, subtree: true, attributeFilter: ["data-hydrated"] });
}
