/** The overview's table under a reader's hands: sorting, filtering, tags, deletion. */
import assert from "node:assert/strict";
import type { Browser, Page } from "npm:playwright-core@1.65.1";
import { recordManyRuns } from "../dashboard/fixtures.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { browserTest } from "./chromium.ts";
import { ServedDashboard } from "./served.ts";
import { type Visit, visiting, type VisitOptions } from "./visit.ts";

let sixty: Promise<{ readonly served: ServedDashboard; readonly runs: TemporaryFolder }> | undefined;

Deno.test.afterAll(async () => {
  const { served, runs } = await sixty ?? {};
  await served?.stop();
  runs?.[Symbol.dispose]();
});

async function openSixty(): Promise<{ readonly served: ServedDashboard; readonly runs: TemporaryFolder }> {
  const runs = new TemporaryFolder();
  await recordManyRuns(runs.path, 60);
  return { served: await ServedDashboard.open(runs.path), runs };
}

/** Visits the overview of sixty runs, of which a page shows fifty; nothing is changed there. */
async function visitingSixty(
  browser: Browser,
  { isStranger = false }: { readonly isStranger?: boolean },
  use: (visit: Visit) => Promise<void>,
): Promise<void> {
  const { served } = await (sixty ??= openSixty());
  await visiting(browser, served.origin, "/", isStranger ? {} : { cookie: served.cookie }, use);
}

/** Visits the overview of a few runs that may be changed. */
async function visitingFew(
  browser: Browser,
  options: VisitOptions,
  use: (visit: Visit, runs: string) => Promise<void>,
): Promise<void> {
  using runs = new TemporaryFolder();
  await recordManyRuns(runs.path, 4);
  await using served = await ServedDashboard.open(runs.path);
  await visiting(browser, served.origin, "/", { ...options, cookie: served.cookie }, (visit) => use(visit, runs.path));
}

/** The rows' names, in order, once the table is at rest. */
async function names(page: Page): Promise<string[]> {
  await page.locator(`table.runs[aria-busy="false"]`).waitFor();
  return await page.locator("table.runs tbody th.name > a").allInnerTexts();
}

/** The numbers of a column, in order; without those that are missing. */
async function numbers(page: Page, label: string): Promise<number[]> {
  await page.locator(`table.runs[aria-busy="false"]`).waitFor();
  const texts = await page.locator(`table.runs td[data-label="${label}"]`).allInnerTexts();
  return texts.map((text) => Number.parseFloat(text.replace("−", "-"))).filter((value) => !Number.isNaN(value));
}

function query(page: Page): Record<string, string> {
  return Object.fromEntries(new URL(page.url()).searchParams);
}

browserTest(
  "the table sorts by click and by keyboard, and the order survives a reload and a step back",
  async (browser) => {
    await visitingSixty(browser, {}, async (visit) => {
      const { page } = visit;
      const usual = await names(page);
      assert.equal(usual.length, 50);
      await page.getByRole("columnheader", { name: "Test accuracy" }).getByRole("link").click();
      await page.waitForURL(/sort=accuracy/);
      const descending = await numbers(page, "Test accuracy");
      assert.ok(descending.length > 30);
      assert.deepEqual(descending, descending.toSorted((a, b) => b - a));
      assert.equal(
        await page.getByRole("columnheader", { name: "Test accuracy" }).getAttribute("aria-sort"),
        "descending",
      );
      const sorted = await names(page);
      assert.notDeepEqual(sorted, usual);

      await page.getByRole("columnheader", { name: "Best ticket" }).getByRole("link").focus();
      await page.keyboard.press("Enter");
      await page.waitForURL(/sort=remaining/);
      const ascending = await numbers(page, "Best ticket");
      assert.deepEqual(ascending, ascending.toSorted((a, b) => a - b));
      await page.keyboard.press("Enter");
      await page.waitForURL(/order=desc/);
      const turned = await numbers(page, "Best ticket");
      assert.deepEqual(turned, turned.toSorted((a, b) => b - a));

      await page.goBack();
      await page.waitForURL((url) => url.searchParams.get("sort") === "remaining" && !url.searchParams.has("order"));
      assert.deepEqual(await numbers(page, "Best ticket"), ascending);
      await page.goBack();
      await page.waitForURL(/sort=accuracy/);
      assert.deepEqual(await names(page), sorted);
      await page.reload();
      await visit.hydrated();
      assert.deepEqual(await names(page), sorted);
    });
  },
);

browserTest("the filter takes words and choices, stands in the address, and is one step back", async (browser) => {
  await visitingSixty(browser, {}, async (visit) => {
    const { page } = visit;
    const all = await names(page);
    await page.getByLabel("Filter", { exact: true }).pressSequentially("conv4");
    await page.waitForURL(/q=conv4/);
    await page.waitForFunction(() =>
      [...document.querySelectorAll("table.runs tbody th.name > a")].every((own) =>
        own.textContent?.startsWith("conv4")
      )
    );
    const conv = await names(page);
    assert.ok(conv.length > 5 && conv.every((name) => name.startsWith("conv4-")));
    await page.locator(`select[name="state"]`).selectOption("unfinished");
    await page.waitForURL(/state=unfinished/);
    await page.getByText(/of 60/).first().waitFor();
    await page.reload();
    await visit.hydrated();
    assert.deepEqual(query(page), { q: "conv4", state: "unfinished" });
    assert.equal(await page.getByLabel("Filter", { exact: true }).inputValue(), "conv4");
    assert.equal(await page.locator(`select[name="state"]`).inputValue(), "unfinished");
    await page.getByRole("link", { name: "Clear the filter" }).click();
    await page.waitForURL((url) => url.search === "");
    assert.deepEqual(await names(page), all);
    await page.goBack();
    await page.waitForURL(/state=unfinished/);
    assert.equal(await page.getByLabel("Filter", { exact: true }).inputValue(), "conv4");
    assert.ok((await names(page)).length < conv.length);
  });
});

browserTest("a table of many runs has pages, and selected runs are compared", async (browser) => {
  await visitingSixty(browser, {}, async ({ page }) => {
    const first = await names(page);
    await page.getByRole("link", { name: "Next" }).click();
    await page.waitForURL(/page=2/);
    const second = await names(page);
    assert.equal(second.length, 10);
    assert.equal(new Set([...first, ...second]).size, 60);
    await page.getByRole("checkbox").nth(0).check();
    await page.getByRole("checkbox").nth(1).check();
    await page.getByRole("link", { name: "Compare 2 runs" }).click();
    await page.waitForURL(/\/compare\?runs=/);
    assert.deepEqual(query(page)["runs"]?.split(","), second.slice(0, 2));
    assert.match(await page.locator("main").innerText(), new RegExp(second[1] ?? ""));
  });
});

for (const width of [390, 1440] as const) {
  browserTest(`tags are put on a run and stay, at ${width} px`, async (browser) => {
    await visitingFew(browser, { width }, async (visit) => {
      const { page } = visit;
      const [name = ""] = await names(page);
      await page.getByRole("link", { name: `Add tags to ${name}` }).click();
      const field = page.getByRole("textbox", { name: /^Tags/ });
      assert.ok(await field.evaluate((own) => own === document.activeElement), "the field has the focus");
      await field.fill("first try, keep");
      await page.keyboard.press("Enter");
      const row = page.locator("tr", { has: page.locator(`a[href="/runs/${name}"]`) });
      await row.getByText("first try", { exact: true }).waitFor();
      await page.reload();
      await visit.hydrated();
      assert.deepEqual(await row.locator(".tag").allInnerTexts(), ["first try", "keep"]);
      await row.getByText("keep", { exact: true }).click();
      await page.waitForURL(/tag=keep/);
      await page.waitForFunction(() => document.querySelectorAll("table.runs tbody th.name").length === 1);
      assert.deepEqual(await names(page), [name]);
    });
  });

  browserTest(`a run is deleted only when that is confirmed, at ${width} px`, async (browser) => {
    await visitingFew(browser, { width }, async ({ page }, runs) => {
      const [name = "", next = ""] = await names(page);
      const isThere = (): Promise<boolean> => Deno.stat(`${runs}/${name}`).then(() => true, () => false);
      const dialog = page.getByRole("dialog");
      for (const keep of ["Escape", "Keep it"]) {
        await page.getByRole("link", { name: `Delete ${name}` }).click();
        await dialog.waitFor();
        assert.match(await dialog.innerText(), /goes for good/);
        if (keep === "Escape") await page.keyboard.press("Escape");
        else await dialog.getByRole("link", { name: keep }).click();
        await dialog.waitFor({ state: "detached" });
        assert.ok(await isThere(), keep);
      }
      await page.getByRole("link", { name: `Delete ${name}` }).click();
      await dialog.getByRole("button", { name: /^Delete/ }).click();
      await dialog.waitFor({ state: "detached" });
      await page.locator(`a[href="/runs/${name}"]`).first().waitFor({ state: "detached" });
      assert.equal((await names(page))[0], next);
      assert.ok(!await isThere());
    });
  });
}

browserTest(
  "on a phone every page's link is in view, and a card is a name, two lines of figures and one of facts",
  async (browser) => {
    using runs = new TemporaryFolder();
    await recordManyRuns(runs.path, 3);
    // With one more page than those that only read.
    await using served = await ServedDashboard.open(runs.path, { canControl: true });
    await visiting(browser, served.origin, "/", { width: 390, cookie: served.cookie }, async ({ page }) => {
      const links = page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link");
      assert.equal(await links.last().innerText(), "New run");
      for (const link of await links.all()) {
        const box = await link.boundingBox();
        assert.ok(box && box.x >= 0 && box.x + box.width <= 390, `${await link.innerText()}: ${JSON.stringify(box)}`);
      }
      const shown = await page.locator("table.runs tbody tr").first().locator("td[data-label]:visible").evaluateAll((
        cells,
      ) => cells.map((cell) => cell.getAttribute("data-label") ?? ""));
      assert.deepEqual(
        shown,
        ["Data, network", "Arms", "State", "Best ticket", "Test accuracy", "vs. dense", "vs. control", "Began", "Size"],
      );
    });
  },
);

browserTest("a reader without the token is offered nothing that writes", async (browser) => {
  await visitingSixty(browser, { isStranger: true }, async ({ page }) => {
    assert.equal((await names(page)).length, 50);
    assert.equal(await page.getByRole("link", { name: /^(?:Delete|Add tags|Change the tags)/ }).count(), 0);
    assert.equal(await page.getByRole("button", { name: "Stop" }).count(), 0);
    assert.match(await page.locator("main").innerText(), /open the address with the token/);
  });
});
