/** The page that starts runs, in a real browser: what it looks like, and that its form, sent as browsers send forms, starts one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Browser } from "npm:playwright-core@1.65.1";
import { Control } from "../../src/dashboard/control.ts";
import { runIds } from "../../src/store/index.ts";
import { browserTest } from "../browser/chromium.ts";
import { schemes, type Visit, visiting, type VisitOptions, widths } from "../browser/visit.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { testApp } from "./app.ts";

/** Visits a page of a dashboard that may start runs, in a folder that the user is in. */
async function visitTo(
  browser: Browser,
  path: string,
  options: readonly VisitOptions[],
  use: (visit: Visit, runs: string) => Promise<void>,
): Promise<void> {
  using folder = new TemporaryFolder();
  const runs = join(folder.path, "runs");
  await Deno.mkdir(runs);
  const before = Deno.env.get("INIT_CWD");
  Deno.env.set("INIT_CWD", folder.path);
  try {
    await using app = await testApp(runs, { canControl: true });
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      return app.handler(request);
    });
    const cookie = { name: `winnow-${app.token.slice(0, 6)}`, value: app.token };
    for (const own of options) {
      await visiting(browser, `http://127.0.0.1:${server.addr.port}`, path, { cookie, ...own }, (visit) => {
        return use(visit, runs);
      });
    }
  } finally {
    if (before === undefined) Deno.env.delete("INIT_CWD");
    else Deno.env.set("INIT_CWD", before);
  }
}

browserTest("/new, and what it says of wrong values, has no barriers and does not scroll sideways", async (browser) => {
  const expected = [/status of 422/];
  const all = widths.flatMap((width) => schemes.map((scheme) => ({ width, scheme, expected })));
  await visitTo(browser, "/new", all, async (visit, runs) => {
    const look = async (): Promise<void> => {
      assert.deepEqual(await visit.barriers(), []);
      assert.deepEqual(await visit.overflow(), []);
    };
    await look();
    await visit.page.fill("#field-lr", "fast");
    // Enter in a field presses the form's first button: that must be the one that starts.
    await visit.page.press("#field-lr", "Enter");
    await visit.page.waitForSelector("#problem-lr");
    assert.equal(await visit.page.inputValue("#field-lr"), "fast");
    assert.match(await visit.page.textContent("#problem-lr") ?? "", /^--lr is "fast", and it must be a number above 0/);
    await look();
    assert.deepEqual([...Deno.readDirSync(runs)], []);
  });
});

browserTest(
  "the form of another preset has its values, and a run that is started leads to its page",
  async (browser) => {
    await visitTo(browser, "/new?preset=conv2", [{}], async ({ page }, runs) => {
      assert.equal(await page.inputValue("#field-iterations"), "20000");
      await page.selectOption("#preset", "lenet-quick");
      await page.click("text=Fill in its values");
      await page.waitForURL(/preset=lenet-quick/);
      assert.equal(await page.inputValue("#field-iterations"), "2400");
      await page.selectOption("#field-dataset", "synthetic");
      for (const [key, text] of Object.entries({ width: "0.1", iterations: "300", evalEvery: "100", levels: "0" })) {
        await page.fill(`#field-${key}`, text);
      }
      await page.click("button.primary");
      await page.waitForURL(/\/starts\//);
      assert.equal(await page.textContent("h1"), "The run is starting");
      await page.waitForURL(/\/runs\//, { timeout: 30_000 });
      const [id = ""] = runIds(runs);
      assert.ok(page.url().endsWith(`/runs/${id}`), page.url());
      // Its folder goes with the test, and not before the run is done with it.
      const control = new Control({ runs });
      const [name = ""] = await control.newest(1);
      while ((await control.read(name))?.state === "running") await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal((await control.read(name))?.state, "finished");
    });
  },
);
