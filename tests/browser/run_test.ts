/** A run's pages under a reader's hands: curves, and everything that can be taken along. */
import assert from "node:assert/strict";
import type { Locator, Page } from "npm:playwright-core@1.65.1";
import { parse } from "npm:csv-parse@6.1.0/sync";
import { browserTest } from "./chromium.ts";
import { dashboards } from "./dashboards.ts";
import { type Visit, visiting } from "./visit.ts";

function query(page: Page): Record<string, string> {
  return Object.fromEntries(new URL(page.url()).searchParams);
}

/** A choice above the chart. Its label's text has all options in it. */
function choice(page: Page, label: string): Locator {
  return page.locator(".curves-choices label", { has: page.getByText(label, { exact: true }) }).locator("select");
}

/** A picture of the chart: equal for equal drawings. */
function picture(page: Page): Promise<string> {
  return page.locator(".curves-canvas canvas").first().evaluate((canvas) =>
    canvas instanceof HTMLCanvasElement ? canvas.toDataURL() : ""
  );
}

/** Waits until the curves are there and drawn, and have stopped changing. */
async function drawn({ page }: Visit): Promise<void> {
  await page.locator(".curves-legend li").first().waitFor();
  await page.locator(".curves-canvas canvas").first().waitFor();
  let before = "";
  for (let look = 0; look < 40; look++) {
    await page.waitForTimeout(150);
    const now = await picture(page);
    if (now === before) return;
    before = now;
  }
  throw new Error("The chart does not come to rest.");
}

browserTest("the curves' choices change the chart, stand in the address and survive a reload", async (browser) => {
  const { all, finished } = await dashboards();
  await visiting(browser, all.origin, `/runs/${finished}`, {}, async (visit) => {
    const { page } = visit;
    await drawn(visit);
    const blank = await page.locator(".curves-canvas canvas").first().evaluate((canvas) => {
      if (!(canvas instanceof HTMLCanvasElement)) throw new TypeError("There is no canvas.");
      const { width, height } = canvas;
      return Object.assign(document.createElement("canvas"), { width, height }).toDataURL();
    });
    const seen = new Set([blank]);
    assert.ok(!seen.has(await picture(page)), "something is drawn");
    seen.add(await picture(page));
    const choices = [
      ["Curves of", "testLoss", { metric: "testLoss" }],
      ["Values", "log", { metric: "testLoss", y: "log" }],
      ["Iterations", "log", { metric: "testLoss", y: "log", x: "log" }],
      ["Smoothing", "0.85", { metric: "testLoss", y: "log", x: "log", smoothing: "0.85" }],
      ["Networks", "each", { metric: "testLoss", y: "log", x: "log", smoothing: "0.85", networks: "each" }],
    ] as const;
    for (const [label, value, expected] of choices) {
      await choice(page, label).selectOption(value);
      await drawn(visit);
      assert.deepEqual(query(page), expected);
      const now = await picture(page);
      assert.ok(!seen.has(now), `${label} changes the chart`);
      seen.add(now);
    }
    const before = await page.locator(".curves-legend li").allInnerTexts();
    await page.reload();
    await visit.hydrated();
    await drawn(visit);
    assert.deepEqual(query(page), choices[4][2]);
    assert.deepEqual(await page.locator(".curves-legend li").allInnerTexts(), before);
    for (const [label, value] of choices) {
      assert.equal(await choice(page, label).inputValue(), value);
    }
  });
});

browserTest("levels and arms are switched by keyboard, and the cursor reads values aloud", async (browser) => {
  const { all, finished } = await dashboards();
  await visiting(browser, all.origin, `/runs/${finished}`, {}, async (visit) => {
    const { page } = visit;
    await drawn(visit);
    const box = page.getByRole("checkbox", { name: /^5\b/ });
    await box.focus();
    await page.keyboard.press("Space");
    await page.waitForURL(/levels=/);
    await drawn(visit);
    assert.ok((query(page)["levels"] ?? "").split(",").includes("5"));
    await page.getByRole("checkbox", { name: "reinit", exact: true }).uncheck();
    await page.waitForURL(/arms=ticket/);
    await drawn(visit);
    assert.ok(!(await page.locator(".curves-legend").innerText()).includes("reinit"));

    const chart = page.getByRole("slider");
    const last = await chart.getAttribute("aria-valuetext");
    await chart.focus();
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(
      (text) => document.querySelector("[role=slider]")?.getAttribute("aria-valuetext") !== text,
      last,
    );
    assert.match(await chart.getAttribute("aria-valuetext") ?? "", /^iteration 14,900: .*\d %/);
    await page.keyboard.press("Home");
    await page.waitForFunction(() =>
      document.querySelector("[role=slider]")?.getAttribute("aria-valuetext")?.startsWith("iteration 0:")
    );
  });
});

browserTest("every file that a run's pages offer is what its name says, and not empty", async (browser) => {
  const { all, finished } = await dashboards();
  let count = 0;
  for (const path of [`/runs/${finished}`, `/runs/${finished}/levels/6`]) {
    await visiting(browser, all.origin, path, {}, async ({ page }) => {
      const addresses = await page.locator("a[download]").evaluateAll((links) =>
        links.map((link) => link instanceof HTMLAnchorElement ? link.href : "")
      );
      // A page of its own: this one's content-security-policy is not the files'.
      const parser = await page.context().newPage();
      for (const address of new Set(addresses)) {
        const response = await fetch(address);
        const name = new URL(address).pathname + new URL(address).search;
        assert.equal(response.status, 200, name);
        const type = response.headers.get("content-type") ?? "";
        const bytes = await response.bytes();
        const text = new TextDecoder().decode(bytes);
        if (type.startsWith("text/csv")) {
          const rows: string[][] = parse(text);
          assert.ok(rows.length > 1, name);
          assert.ok(rows.every((row) => row.length === rows[0]?.length), name);
        } else if (type.startsWith("application/json")) JSON.parse(text);
        else if (type.startsWith("image/svg+xml")) {
          const problem = await parser.evaluate((svg) => {
            const { documentElement } = new DOMParser().parseFromString(svg, "image/svg+xml");
            return documentElement.localName === "svg" && !documentElement.querySelector("parsererror")
              ? null
              : documentElement.outerHTML.slice(0, 200);
          }, text);
          assert.equal(problem, null, name);
        } else if (type.startsWith("image/png")) {
          assert.deepEqual([...bytes.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47], name);
        } else assert.match(type, /octet-stream|safetensors/, name);
        assert.ok(bytes.length > 50, name);
        count++;
      }
    });
  }
  assert.ok(count >= 10, `${count} files`);
});

browserTest(
  "a run that nobody trains is not called live, and each of its curves is read at its own end",
  async (browser) => {
    const { states, unfinished } = await dashboards();
    await visiting(browser, states.origin, `/runs/${unfinished}`, {}, async (visit) => {
      const { page } = visit;
      await drawn(visit);
      await page.locator(".live-note.live").waitFor({ state: "attached" });
      assert.ok(!await page.locator(".live-note").isVisible(), "it listens, and says nothing of it");
      const entries = await page.locator(".curves-legend li").allInnerTexts();
      assert.ok(entries.length >= 4);
      for (const entry of entries) assert.match(entry, /\d\d\.\d\d\s%/, "no curve is without a value");
      const behind = entries.filter((entry) => /at 7,500/.test(entry));
      assert.equal(behind.length, 2, "the level that was begun, of both arms, says where it is");
      assert.match(await page.locator(".curves").innerText(), /The last value of each curve/);
      const chart = page.getByRole("slider");
      await chart.focus();
      await page.keyboard.press("Home");
      await page.waitForFunction(() => document.querySelector(".curves")?.textContent?.includes("At iteration 0"));
      assert.ok(
        !(await page.locator(".curves-legend").innerText()).includes("at 7,500"),
        "under a cursor all are read there",
      );
    });
  },
);

browserTest("on a narrow screen every level's tab is there without scrolling", async (browser) => {
  const { all, finished } = await dashboards();
  await visiting(browser, all.origin, `/runs/${finished}/levels/12`, { width: 390 }, async ({ page }) => {
    const outside = await page.locator(".run-tabs a").evaluateAll((tabs) =>
      tabs.filter((tab) => {
        const { left, right } = tab.getBoundingClientRect();
        return left < 0 || right > innerWidth;
      }).map((tab) => tab.textContent)
    );
    assert.deepEqual(outside, []);
    assert.equal(await page.locator(".run-tabs a[aria-current]").innerText(), "12");
  });
});

browserTest(
  "the pictures of a level's weights have their headings on one line where they stand side by side",
  async (browser) => {
    const { all, finished } = await dashboards();
    await visiting(browser, all.origin, `/runs/${finished}/levels/6`, { width: 1440 }, async ({ page }) => {
      const tops = await page.locator(".level-weights h3").evaluateAll((headings) =>
        headings.slice(0, 2).map((heading) => heading.getBoundingClientRect().top)
      );
      assert.equal(tops.length, 2);
      assert.ok(Math.abs((tops[0] ?? 0) - (tops[1] ?? Infinity)) < 1, tops.join());
    });
  },
);

browserTest("a figure is saved as a PNG that the page makes", async (browser) => {
  const { all, finished } = await dashboards();
  await visiting(browser, all.origin, `/runs/${finished}`, {}, async ({ page }) => {
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: /^PNG/ }).first().click();
    const download = await downloading;
    assert.match(download.suggestedFilename(), /\.png$/);
    const bytes = await Deno.readFile(await download.path());
    assert.deepEqual([...bytes.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
    const view = new DataView(bytes.buffer);
    assert.ok(view.getUint32(16) >= 400 && view.getUint32(20) >= 200 && bytes.length > 5000);
  });
});
