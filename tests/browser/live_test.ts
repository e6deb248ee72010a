/** Pages that are open while a run in another process goes on, and while the dashboard comes and goes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Page } from "npm:playwright-core@1.65.1";
import type { Evaluation } from "../../src/lottery/types.ts";
import { RunLock } from "../../src/store/lock.ts";
import { recordLargeRun } from "../dashboard/fixtures.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { browserTest } from "./chromium.ts";
import { startLottery } from "./lottery_process.ts";
import { ServedDashboard } from "./served.ts";
import { visiting } from "./visit.ts";

/** News must be on a page after this long. */
const latestMs = 2_000;

/** Pages and files are looked at this often. */
const everyMs = 50;

/** What requests come to while the server is gone. */
const connectionEnded = /net::ERR_(?:INCOMPLETE_CHUNKED_ENCODING|CONNECTION_\w+|FAILED)/;

/**
 * The longest task of a page that a reader may meet: browsers call 50 ms long, and none of the updates took as much (measured
 * 2026-11-25 on two busy cores); the rest is for machines that are busier still.
 */
const longestTaskMs = 150;

/** Asks again and again until there is an answer; returns it with when it came. */
async function until<Value>(
  what: string,
  ask: () => Promise<Value | undefined>,
  limitMs = 20_000,
): Promise<{ readonly value: Value; readonly at: number }> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const value = await ask();
    if (value !== undefined) return { value, at: performance.now() };
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`${what}: not within ${limitMs / 1000} s.`);
}

/** The only run in a folder, as soon as it says what it is. */
async function runIn(folder: string): Promise<string | undefined> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory && await Deno.stat(join(folder, name, "manifest.json")).then(() => true, () => false)) return name;
  }
  return undefined;
}

/** How far a run is, as one number that only grows: its level and the iteration in it. */
function standing(level: number, iteration: number): number {
  return level * 1e6 + iteration;
}

/** How far its last recorded evaluation is; undefined before the first. */
async function recorded(folder: string, run: string): Promise<number | undefined> {
  const text = await Deno.readTextFile(join(folder, run, "metrics.jsonl")).catch(() => "");
  const last = text.split("\n").at(-2);
  if (last === undefined) return undefined;
  const line: { readonly level: number; readonly iteration: number } = JSON.parse(last);
  return standing(line.level, line.iteration);
}

/** How far its page says that it is; undefined where it does not say. */
async function shown(page: Page): Promise<number | undefined> {
  const text = await page.locator(`[data-live="state"]`).innerText();
  const [, level, iteration] = /level (\d+), iteration ([\d,]+)/.exec(text) ?? [];
  return level === undefined || iteration === undefined
    ? undefined
    : standing(Number(level), Number(iteration.replaceAll(",", "")));
}

/** A run that is stopped, as Ctrl-C does it, when its scope ends. It must not have ended by itself before. */
function stopping(run: Deno.ChildProcess): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      run.kill("SIGINT");
      assert.equal((await run.status).code, 130);
    },
  };
}

browserTest(
  "a run that another process starts is in the overview within two seconds, and its page follows it",
  async (browser) => {
    using runs = new TemporaryFolder();
    await using served = await ServedDashboard.open(runs.path);
    await visiting(browser, served.origin, "/", {}, async (visit) => {
      const { page } = visit;
      await using _run = stopping(startLottery(runs.path, 3000));
      const { value: id, at: began } = await until("the run's folder", () => runIn(runs.path));
      const link = page.locator(`a[href="/runs/${id}"]`).first();
      const { at: seen } = await until("its row", async () => await link.isVisible() || undefined);
      assert.ok(seen - began <= latestMs, `its row came after ${Math.round(seen - began)} ms`);
      await link.click();
      await page.waitForURL(`${served.origin}/runs/${id}`);
      await visit.hydrated();

      const files: { readonly at: number; readonly value: number }[] = [];
      const views: { readonly at: number; readonly value: number }[] = [];
      const end = performance.now() + 5_000;
      while (performance.now() < end) {
        const [file, view] = await Promise.all([recorded(runs.path, id), shown(page)]);
        const at = performance.now();
        if (file !== undefined) files.push({ at, value: file });
        if (view !== undefined) views.push({ at, value: view });
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      const last = views.at(-1)?.at ?? 0;
      const delays = files.filter(({ at }) => at < last - latestMs).map(({ at, value }) =>
        (views.find((view) => view.value >= value && view.at >= at)?.at ?? Infinity) - at
      );
      assert.ok(new Set(views.map(({ value }) => value)).size >= 4, "the page moves again and again");
      assert.ok(delays.length >= 10, `${delays.length} looks`);
      assert.ok(
        Math.max(...delays) <= latestMs,
        `an evaluation was shown ${Math.round(Math.max(...delays))} ms late`,
      );
    });
  },
);

browserTest(
  "a page whose dashboard was stopped and started again comes back by itself, up to date",
  async (browser) => {
    using runs = new TemporaryFolder();
    await using served = await ServedDashboard.open(runs.path);
    await using _run = stopping(startLottery(runs.path, 6000));
    const { value: id } = await until("the run's first evaluation", async () => {
      const id = await runIn(runs.path);
      return id !== undefined && await recorded(runs.path, id) !== undefined ? id : undefined;
    });
    await visiting(browser, served.origin, `/runs/${id}`, { expected: [connectionEnded] }, async ({ page }) => {
      const note = page.locator(".live-note");
      await until("the connection", async () => (await note.innerText()) === "Live" || undefined);
      // A renewal fails just before: what is told all the same is that the connection is lost.
      await page.route(`**/runs/${id}`, (route) => route.abort());
      await until("a renewal that fails", async () => (await note.innerText()) !== "Live" || undefined);
      await served.stop();
      await until("its loss", async () => /lost/i.test(await note.innerText()) || undefined);
      await page.unroute(`**/runs/${id}`);
      const before = await shown(page) ?? 0;
      await until("progress", async () => ((await recorded(runs.path, id)) ?? 0) > before || undefined);
      await served.start();
      await until("the connection once more", async () => (await note.innerText()) === "Live" || undefined);
      const known = await recorded(runs.path, id) ?? Infinity;
      await until("what was missed", async () => ((await shown(page)) ?? 0) >= known || undefined);
      assert.ok(known > before);
    });
  },
);

browserTest("neither the end of a page nor that of the dashboard disturbs the run", async (browser) => {
  using runs = new TemporaryFolder();
  const served = await ServedDashboard.open(runs.path);
  const run = startLottery(runs.path, 800);
  const { value: id } = await until("the run's folder", () => runIn(runs.path));
  await visiting(browser, served.origin, `/runs/${id}`, {}, async ({ page }) => {
    await until("progress on its page", () => shown(page));
  });
  await served.stop();
  assert.equal((await run.status).code, 0);
  const summary: { readonly id: string } = JSON.parse(await Deno.readTextFile(join(runs.path, id, "summary.json")));
  assert.equal(summary.id, id);
});

browserTest("curves of a thousand points take over news without holding up the page", async (browser) => {
  using runs = new TemporaryFolder();
  const size = { levels: 2, replicates: 2, evaluations: 2000, trained: 1 } as const;
  const id = await recordLargeRun(runs.path, size);
  // Whoever writes the run's files holds its lock, and so do we.
  await using _lock = await RunLock.acquire(join(runs.path, id, "lock"));
  await using served = await ServedDashboard.open(runs.path);
  await visiting(browser, served.origin, `/runs/${id}?levels=1&networks=each`, {}, async ({ page }) => {
    await page.locator(".curves-legend li").first().waitFor();
    await until("the connection", async () => (await page.locator(".live-note").innerText()) === "Live" || undefined);
    await page.waitForTimeout(500);
    await page.evaluate(() => {
      const tasks: number[] = [];
      Reflect.set(globalThis, "longTasks", tasks);
      new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: "longtask" });
      // The observer itself is shown to work.
      setTimeout(() => {
        const end = performance.now() + 200;
        while (performance.now() < end);
      });
    });
    const longTasks = (): Promise<number[]> => page.evaluate(() => Reflect.get(globalThis, "longTasks"));
    const { value: provoked } = await until("a long task", async () => (await longTasks()).find((ms) => ms >= 190));
    const file = join(runs.path, id, "metrics.jsonl");
    const lines = (await Deno.readTextFile(file)).trimEnd().split("\n");
    const last: Evaluation = JSON.parse(lines.at(-1) ?? "");
    const legend = await page.locator(".curves-legend").innerText();
    for (let step = 1; step <= 25; step++) {
      const more = { ...last, iteration: last.iteration + 100 * step, testAccuracy: 0.5 + step / 100 };
      await Deno.writeTextFile(file, `${JSON.stringify(more)}\n`, { append: true });
      await page.waitForTimeout(200);
    }
    await until(
      "the last value",
      async () => (await page.locator(".curves-legend").innerText()) !== legend || undefined,
    );
    const tasks = (await longTasks()).filter((ms) => ms !== provoked);
    assert.ok(tasks.every((ms) => ms <= longestTaskMs), `tasks of ${tasks.join(", ")} ms`);
  });
});
