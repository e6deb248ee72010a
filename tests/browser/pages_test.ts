/**
 * Every page in a real browser, at both widths and in both colour schemes. `deno task screenshots --runs DIR` runs the same with
 * `--screenshots` over real runs and keeps pictures in `docs/screenshots`.
 */
import assert from "node:assert/strict";
import { browserTest } from "./chromium.ts";
import { type Dashboards, dashboards } from "./dashboards.ts";
import { recordSweep } from "../dashboard/sweep_fixtures.ts";
import { ServedDashboard } from "./served.ts";
import { rememberingConsole } from "../cli/console.ts";
import { reportCommand } from "../../src/cli/report_command.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { schemes, Visit, visiting, widths } from "./visit.ts";

/** A page, and the state that it is in. */
interface PageUnderTest {
  /** Of its pictures. */
  readonly name: string;
  /** Its address. */
  readonly path: (runs: Dashboards) => string;
  /** Who serves it; the dashboard with runs when left out. */
  readonly on?: "empty" | "broken" | "states" | "sweeps";
  /** What it answers with; 200 when left out. */
  readonly status?: number;
  /** What must be seen on it. */
  readonly shows: RegExp;
  /** Whether the reader came without the token. */
  readonly isStranger?: boolean;
}

const pages: readonly PageUnderTest[] = [
  { name: "overview", path: () => "/", shows: /lenet/ },
  { name: "overview-empty", path: () => "/", on: "empty", shows: /lottery/ },
  { name: "run", path: ({ finished }) => `/runs/${finished}`, shows: /Pruning (?:helped|did not help)/ },
  { name: "run-diverged", path: ({ diverged }) => `/runs/${diverged}`, on: "states", shows: /diverged/i },
  { name: "run-unfinished", path: ({ unfinished }) => `/runs/${unfinished}`, on: "states", shows: /unfinished/ },
  { name: "level", path: ({ finished }) => `/runs/${finished}/levels/6`, shows: /Level 6/i },
  { name: "level-dense", path: ({ finished }) => `/runs/${finished}/levels/0`, shows: /dense/ },
  { name: "settings", path: ({ finished }) => `/runs/${finished}/settings`, shows: /deno task lottery/ },
  { name: "experiments", path: () => "/experiments", shows: /Figure 4/ },
  { name: "experiments-empty", path: () => "/experiments", on: "empty", shows: /task experiment/ },
  { name: "experiment", path: ({ experiment }) => `/experiments/${experiment}`, shows: /The paper:/ },
  { name: "sweeps", path: () => "/sweeps", on: "sweeps", shows: /Runs by state/ },
  { name: "sweeps-empty", path: () => "/sweeps", on: "empty", shows: /task sweep/ },
  { name: "sweep", path: ({ sweep }) => `/sweeps/${sweep}`, on: "sweeps", shows: /Best and worst/ },
  { name: "compare", path: ({ finished, otherSeed }) => `/compare?runs=${finished},${otherSeed}`, shows: /seed/ },
  { name: "compare-empty", path: () => "/compare", on: "empty", shows: /run/ },
  { name: "tickets", path: ({ finished }) => `/tickets?run=${finished}`, shows: /chance/ },
  { name: "tickets-empty", path: () => "/tickets", on: "empty", shows: /run/ },
  { name: "adapter", path: () => "/adapter", shows: /llvmpipe/ },
  { name: "adapter-empty", path: () => "/adapter", on: "empty", shows: /adapter/i },
  { name: "new-run", path: () => "/new", shows: /Start the run/ },
  { name: "new-run-stranger", path: () => "/new", isStranger: true, shows: /token/ },
  { name: "new-run-closed", path: () => "/new", on: "empty", shows: /dashboard:control/ },
  { name: "try", path: () => "/try", shows: /WebGPU/ },
  { name: "not-found", path: () => "/nowhere", status: 404, shows: /There is nothing here/ },
  { name: "run-not-found", path: () => "/runs/lenet-0000000000", status: 404, shows: /lenet-0000000000/ },
  { name: "error", path: () => "/", on: "broken", status: 500, shows: /failed/ },
];

/** Kept in `docs/screenshots`: every page at a desk, and what shows the other width and scheme. */
const kept: readonly RegExp[] = [
  /^(?!.*-(?:stranger|closed|dense|diverged|unfinished)|run-not-found|adapter-empty).*-1440-light$/,
  /^(?:overview|level|experiment|sweep|try)-390-light$/,
  /^(?:overview|run)-1440-dark$/,
  /^run-390-dark$/,
];

const folder = Deno.args.includes("--screenshots") ? new URL("../../docs/screenshots/", import.meta.url) : undefined;
if (folder) await Deno.mkdir(folder, { recursive: true });

/** Every address that any page leads to, by the page. */
const links = new Map<string, string>();

/** Most script that a page may load, after gzip. */
const mostScriptBytes = 100_000;

for (const { name, path, on = "all", status = 200, shows, isStranger = false } of pages) {
  browserTest(`${name}: no errors, no barriers, nobody else asked, nothing that sticks out`, async (browser) => {
    const runs = await dashboards();
    const served: ServedDashboard = runs[on];
    const cookie = isStranger ? {} : { cookie: served.cookie };
    const address = path(runs);
    // What the server says about its failure goes into its terminal, which is the tests'.
    using _quiet = status === 500 ? silence() : undefined;
    // States of a page share its style: two of the four combinations show them.
    const isState = /-(?!run$)/.test(name) && !folder;
    for (const width of widths) {
      await visiting(browser, served.origin, address, { width, status, ...cookie }, async (visit) => {
        const text = await visit.page.locator("main").innerText();
        assert.match(text, shows);
        assert.match(await visit.page.title(), /^(?:.+ · )?Winnow$/);
        assert.equal(await visit.page.locator("h1").count(), 1);
        for (const scheme of schemes) {
          if (isState && (width === 390) !== (scheme === "dark")) continue;
          const where = `${name}-${width}-${scheme}`;
          if (scheme === "dark") {
            await visit.page.emulateMedia({ colorScheme: scheme });
            await visit.goTo(address, status);
          }
          assert.deepEqual(await visit.barriers(), [], `barriers on ${where}`);
          assert.deepEqual(await visit.overflow(), [], `overflow on ${where}`);
          if (folder && kept.some((pattern) => pattern.test(where))) {
            await keep(visit, new URL(`${where}.png`, folder), served.runs);
          }
        }
        const scripts = await visit.scripts();
        const bytes = scripts.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0);
        assert.ok(bytes < mostScriptBytes, `${bytes} bytes of script on ${name}: ${JSON.stringify(scripts)}`);
        if (on === "all" && status === 200) await collectLinks(visit, name);
      });
    }
  });
}

browserTest(
  "a report opens from a file: no errors, no barriers, nothing asked for, nothing that sticks out",
  async (browser) => {
    const { all, experiment } = await dashboards();
    using folder = new TemporaryFolder();
    const path = `${folder.path}/report.html`;
    await reportCommand([experiment, "--runs", all.runs, "--out", path], { console: rememberingConsole() });
    for (const width of widths) {
      await using context = await browser.newContext({ viewport: { width, height: 900 } });
      const asked: string[] = [];
      context.on("request", (request) => asked.push(request.url()));
      // Files have no origin.
      const visit = new Visit(await context.newPage(), context, "null", {});
      await visit.page.goto(`file://${path}`);
      assert.deepEqual(await visit.problems(), [], `at ${width}`);
      assert.deepEqual(asked, [`file://${path}`]);
      assert.deepEqual(await visit.overflow(), [], `overflow at ${width}`);
      if (width === 1440) assert.deepEqual(await visit.barriers(), []);
      assert.equal(await visit.page.locator("h1").count(), 1);
    }
  },
);

browserTest("a sweep's page follows its runs, one that begins and one that fails included", async (browser) => {
  using folder = new TemporaryFolder();
  const sweep = await recordSweep(folder.path, {
    ...{ key: "rates", rates: [0.0012], seeds: [1, 2], states: ["running", "absent"] },
  });
  await using served = await ServedDashboard.open(folder.path);
  await visiting(browser, served.origin, "/sweeps/rates", { cookie: served.cookie }, async ({ page }) => {
    const states = (): Promise<string[]> => page.locator(".sweep-runs .badge").allInnerTexts();
    await page.getByText("Live").waitFor();
    assert.deepEqual(await states(), ["running", "absent"]);
    assert.equal(await page.getByRole("heading", { name: "Failed" }).count(), 0);
    // Its process is gone, and has left no word.
    await sweep[Symbol.asyncDispose]();
    await page.getByRole("heading", { name: "Failed" }).waitFor();
    assert.deepEqual(await states(), ["failed", "absent"]);
    assert.match(await page.locator(".sweep-failed").innerText(), /killed/);
    await recordSweep(folder.path, { key: "rates", rates: [0.0012], seeds: [1, 2], states: ["failed", "finished"] });
    await page.locator(".sweep-runs .badge.finished").waitFor();
    assert.match(await page.locator("#grid").innerText(), /1 finished, 1 failed/);
  });
});

browserTest("every link and picture of every page leads somewhere", async () => {
  const { all } = await dashboards();
  const broken: string[] = [];
  for (const [address, page] of links) {
    const response = await fetch(`${all.origin}${address}`, {
      headers: { cookie: `${all.cookie.name}=${all.cookie.value}` },
      redirect: "manual",
    });
    await response.body?.cancel();
    if (response.status >= 400) broken.push(`${address} on ${page}: ${response.status}`);
  }
  assert.ok(links.size > 20, `${links.size} links`);
  assert.deepEqual(broken, []);
});

/** Keeps a picture of a page, without the name of this machine's temporary folder. */
async function keep(visit: Visit, file: URL, runs: string): Promise<void> {
  await visit.page.evaluate((path) => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { currentNode } = texts;
      currentNode.nodeValue = currentNode.nodeValue?.replaceAll(path, "/home/ada/winnow/runs") ?? null;
    }
  }, runs);
  await visit.screenshot(file.pathname);
}

function silence(): Disposable {
  const { error } = console;
  console.error = () => {};
  return { [Symbol.dispose]: () => void (console.error = error) };
}

async function collectLinks({ page }: Visit, name: string): Promise<void> {
  const addresses = await page.evaluate(() =>
    [...document.querySelectorAll("a[href], img[src]")].map((element) =>
      element instanceof HTMLAnchorElement ? element.href : element instanceof HTMLImageElement ? element.src : ""
    )
  );
  for (const address of addresses) {
    const { origin, pathname, search, protocol } = new URL(address, page.url());
    if (protocol !== "http:") continue;
    assert.equal(origin, new URL(page.url()).origin, `a link of ${name}`);
    if (!links.has(pathname + search)) links.set(pathname + search, name);
  }
}
