/** The page that compares runs, and its files, by requests. */
import assert from "node:assert/strict";
import { parse } from "npm:csv-parse@6.1.0/sync";
import { parseComparison } from "../../src/dashboard/comparison.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { type TestApp, testApp } from "./app.ts";
import { recordLargeRun } from "./fixtures.ts";

/** Two runs that differ in their seed, a third on other data with fewer levels. */
async function withRuns(body: (app: TestApp, ids: readonly string[]) => Promise<void>): Promise<void> {
  using folder = new TemporaryFolder();
  const size = { levels: 4, replicates: 2, evaluations: 20 };
  const ids = [
    await recordLargeRun(folder.path, size),
    await recordLargeRun(folder.path, { ...size, seed: 9 }),
    await recordLargeRun(folder.path, { ...size, levels: 2, dataset: "fashion-mnist", seed: 5 }),
  ];
  await using app = await testApp(folder.path);
  await body(app, ids);
}

Deno.test("/compare lays runs over each other, says the answer first and what they differ in", async () => {
  await withRuns(async (app, [a = "", b = "", c = ""]) => {
    const response = await app.get(`/compare?runs=${a},${b},${c}`);
    assert.equal(response.status, 200);
    const html = await response.text();
    assert.match(html, /class="answer">These runs are of different data/);
    assert.match(html, /<p>[^<]*(?:better|as good)/);
    const pair = await (await app.get(`/compare?runs=${a},${b}`)).text();
    assert.match(pair, /class="answer">[^<]*(?:better|as good)/);
    assert.match(pair, /Their settings differ in --seed alone\./);
    assert.doesNotMatch(html, / style="/);
    const differs = tableOf(html, "Table of differences");
    assert.match(differs, /--seed/);
    assert.match(differs, /--dataset/);
    assert.doesNotMatch(differs, /--batch-size/, "what is equal in all stands there too");
    assert.equal(tableOf(html, "Table of levels").match(/<tr>/g)?.length, 2 + 5);
    for (const id of [a, b, c]) assert.ok(html.includes(`href="/runs/${id}"`));
    assert.match(html, new RegExp(`runs=${a},${b},${c}&amp;baseline=${b}`));
    assert.match(html, new RegExp(`href="/compare\\?runs=${a},${b}"`), "no link that takes the third out");
  });
});

Deno.test("another baseline turns every difference round", async () => {
  await withRuns(async (app, [a = "", b = ""]) => {
    const differences = async (query: string): Promise<Map<string, number>> => {
      const response = await app.get(`/compare/levels.csv?${query}`);
      assert.equal(response.status, 200);
      const rows: Record<string, string>[] = parse(await response.text(), { columns: true });
      return new Map(
        rows.filter((row) => row["isBaseline"] === "false")
          .map((row) => [row["level"] ?? "", Number(row["testAccuracyDifference"])]),
      );
    };
    const first = await differences(`runs=${a},${b}`);
    const second = await differences(`runs=${a},${b}&baseline=${b}`);
    assert.equal(first.size, 5);
    for (const [level, value] of first) assert.ok(Math.abs(value + (second.get(level) ?? NaN)) < 1e-12, level);
    assert.ok([...first.values()].some((value) => value !== 0));
  });
});

Deno.test("accuracies are those at early stop or at the end, as asked", async () => {
  await withRuns(async (app, [a = "", b = ""]) => {
    const runA = await app.dashboard.readRun(a);
    for (const [at, key] of [["earlyStop", "accuracyAtEarlyStop"], ["end", "accuracyAtEnd"]] as const) {
      const response = await app.get(`/compare/comparison.json?runs=${a},${b}&at=${at}`);
      const { rows, baseline } = await response.json();
      assert.equal(baseline, a);
      for (const { levels } of rows) {
        const own = levels.find(({ run }: { run: string }) => run === a);
        assert.equal(own.testAccuracy, runA?.figures[own.level]?.ticket[key]?.mean);
      }
    }
    const html = await (await app.get(`/compare?runs=${a},${b}&at=end`)).text();
    assert.match(html, /<h2[^>]*>Test accuracy at the end/);
  });
});

Deno.test("the figures are files of SVG that stand alone, the baseline first", async () => {
  await withRuns(async (app, [a = "", b = ""]) => {
    for (const file of ["accuracy.svg", "early-stop.svg"]) {
      const response = await app.get(`/compare/${file}?runs=${a},${b}&baseline=${b}`);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type") ?? "", /^image\/svg\+xml/);
      const svg = await response.text();
      assert.match(svg, /^<\?xml /);
      assert.ok(svg.includes(`${b} (baseline)`));
    }
  });
});

Deno.test("without runs in the address the newest are offered, and what a form sends becomes a short address", async () => {
  await withRuns(async (app, ids) => {
    const html = await (await app.get("/compare")).text();
    assert.equal(html.match(/type="checkbox" name="runs"/g)?.length, 3);
    const [a = "", b = ""] = ids;
    const response = await app.get(`/compare?runs=${a}&runs=${b}&runs=&at=end`);
    assert.equal(response.status, 303);
    assert.equal(response.headers.get("location"), `/compare?runs=${a},${b}&at=end`);
  });
});

Deno.test("one run is shown and another asked for; unknown ones are said; an empty folder says what to do", async () => {
  await withRuns(async (app, [a = ""]) => {
    const alone = await app.get(`/compare?runs=${a}`);
    assert.equal(alone.status, 200);
    assert.match(await alone.text(), /Add another/);
    const unknown = await app.get(`/compare?runs=${a},lenet-0000000000`);
    assert.equal(unknown.status, 404);
    const html = await unknown.text();
    assert.match(html, /There is no run lenet-0000000000/);
    assert.ok(html.includes(`/runs/${a}`), "the run that is there is not shown");
    assert.equal((await app.get(`/compare/levels.csv?runs=${a},nope`)).status, 404);
  });
  using folder = new TemporaryFolder();
  await using app = await testApp(folder.path);
  assert.match(await (await app.get("/compare")).text(), /no run to compare yet/);
});

Deno.test("what is asked wrongly is answered with what is wanted, and changes nothing in the page", async () => {
  await withRuns(async (app, [a = ""]) => {
    const many = Array.from({ length: 13 }, (_, index) => `run-${index}`).join(",");
    for (
      const [query, wanted] of [
        [`runs=${many}`, /13 runs are more than .* at most 12/],
        [`runs=${a}&at=middle`, /at=middle, and at=earlyStop or at=end/],
        [`runs=${a}&baseline=other`, /The baseline other is not among the runs/],
      ] as const
    ) {
      const response = await app.get(`/compare?${query}`);
      assert.equal(response.status, 400, query);
      assert.match(await response.text(), wanted);
      assert.equal((await app.get(`/compare/levels.csv?${query}`)).status, 400, query);
    }
    const hostile = await app.get(`/compare?runs=${encodeURIComponent("<script>alert(1)</script>")}`);
    assert.doesNotMatch(await hostile.text(), /<script>alert/);
    assert.equal((await app.get(`/compare/other.txt?runs=${a}`)).status, 404);
    assert.equal((await app.get("/compare/levels.csv")).status, 400);
  });
});

Deno.test("a run that cannot be read is shown with what is wrong, and its settings are no differences", async () => {
  using folder = new TemporaryFolder();
  const a = await recordLargeRun(folder.path, { levels: 2, evaluations: 10 });
  const b = await recordLargeRun(folder.path, { levels: 2, evaluations: 10, seed: 2 });
  await Deno.writeTextFile(`${folder.path}/${b}/config.json`, "{}");
  await using app = await testApp(folder.path);
  const response = await app.get(`/compare?runs=${a},${b}`);
  assert.equal(response.status, 200);
  const html = await response.text();
  assert.match(html, /damaged/);
  const differs = tableOf(html, "Table of differences");
  assert.match(differs, /config\.json/);
  assert.doesNotMatch(differs, /--seed/);
});

Deno.test("parseComparison() takes each run once, in order, from lists and from repeats", () => {
  const { ids, problem } = parseComparison(new URLSearchParams("runs=b,a,&runs=a&runs= c "));
  assert.deepEqual(ids, ["b", "a", "c"]);
  assert.equal(problem, null);
});

function tableOf(html: string, label: string): string {
  const from = html.indexOf(`aria-label="${label}"`);
  assert.ok(from >= 0, `no ${label}`);
  return html.slice(from, html.indexOf("</table>", from));
}
