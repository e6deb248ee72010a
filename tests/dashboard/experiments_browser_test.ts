/** An experiment's page in a real browser: it follows runs that had not begun when it was opened. */
import assert from "node:assert/strict";
import { fig29 } from "../../src/experiments/figures/fig29.ts";
import { keyOf, type ScaleOptions } from "../../src/experiments/scale.ts";
import { writeExperiment } from "../../src/store/experiments.ts";
import { browserTest } from "../browser/chromium.ts";
import { visiting } from "../browser/visit.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { testApp } from "./app.ts";
import { type LargeRun, recordLargeRun } from "./fixtures.ts";

browserTest("the next run of an experiment appears on its page by itself", async (browser) => {
  using runs = new TemporaryFolder();
  const options: ScaleOptions = { scale: 0.02, levels: 1, replicates: 1 };
  const key = keyOf("fig29", options);
  const size: LargeRun = { levels: 1, replicates: 1, evaluations: 10, controls: [] };
  using elsewhere = new TemporaryFolder();
  const first = await recordLargeRun(runs.path, size);
  const second = await recordLargeRun(elsewhere.path, { ...size, seed: 2 });
  // As the command does: the record names all runs, and then they begin one after another.
  const ids = [first, second];
  await writeExperiment(runs.path, {
    name: "fig29",
    key,
    options,
    runs: fig29.runs.map(({ name }, index) => ({ name, id: ids[index] ?? null })),
  });
  await using app = await testApp(runs.path);
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    return app.handler(request);
  });
  await visiting(browser, `http://127.0.0.1:${server.addr.port}`, `/experiments/${key}`, {}, async ({ page }) => {
    const table = page.locator(`[data-live="runs"]`);
    assert.match(await table.innerText(), new RegExp(first));
    await page.waitForSelector(".live-note.live", { state: "attached" });
    assert.equal(await table.locator(`a[href="/runs/${second}"]`).count(), 0);
    await Deno.rename(`${elsewhere.path}/${second}`, `${runs.path}/${second}`);
    await table.locator(`a[href="/runs/${second}"]`).waitFor();
  });
});
