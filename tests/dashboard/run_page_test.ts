/** A run's page: the answer, the pictures, the levels, and their files. */
import assert from "node:assert/strict";
import { parse } from "npm:csv-parse@6.1.0/sync";
import { describeOutcome } from "../../src/analysis/outcome.ts";
import { unbroken } from "../../src/dashboard/components/run_words.ts";
import { armNames, controlNames } from "../../src/lottery/arms/names.ts";
import { arms } from "../../src/lottery/arms/registry.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { testApp } from "./app.ts";
import { compactFrom, recordLargeRun } from "./fixtures.ts";
import { textOf } from "./page_text.ts";

Deno.test("a run's page answers whether pruning helped before it shows anything else", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 6, replicates: 3, evaluations: 60 });
  await using app = await testApp(runs.path);
  const run = await app.dashboard.readRun(id);
  assert.ok(run?.summary);
  const response = await app.get(`/runs/${id}`);
  assert.equal(response.status, 200);
  const html = await response.text();
  const text = textOf(html);
  const sentences = describeOutcome(run.summary).map((sentence) => unbroken(sentence).replace(/\s+/g, " "));
  assert.ok(sentences.length >= 3);
  let from = 0;
  for (const sentence of sentences) {
    const at = text.indexOf(sentence, from);
    assert.ok(at >= 0, `the page says, in this order: ${sentence}`);
    from = at;
  }
  assert.ok(html.indexOf('class="answer"') < html.indexOf("<svg"), "the answer stands above the pictures");
  const order = ["accuracy", "early-stop", "curves", "layers", "step-time"].map((name) => html.indexOf(`id="${name}"`));
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
  assert.ok(!order.includes(-1));
  assert.ok(!/<[^>]* style="/.test(html.replace(/<script[\s\S]*?<\/script>/g, "")), "no inline style");
});

Deno.test("the table of levels has every arm's figures, and a link to each level", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 4, replicates: 3, evaluations: 60 });
  await using app = await testApp(runs.path);
  const html = await (await app.get(`/runs/${id}`)).text();
  const run = await app.dashboard.readRun(id);
  const table = textOf(/<table class="levels">[\s\S]*?<\/table>/.exec(html)?.[0] ?? "");
  for (const { level, ticket, controls } of run?.figures ?? []) {
    assert.ok(html.includes(`href="/runs/${id}/levels/${level}"`));
    for (const arm of [ticket, ...controls]) {
      for (const value of [arm.accuracyAtEarlyStop, arm.accuracyAtEnd]) {
        assert.ok(value && table.includes(`${(value.mean * 100).toFixed(2)} %`));
        assert.ok(table.includes(`${(value.minimum * 100).toFixed(2)} to ${(value.maximum * 100).toFixed(2)}`));
      }
      assert.ok(arm.earlyStop && table.includes(Math.round(arm.earlyStop.mean).toLocaleString("en")));
    }
  }
});

Deno.test("a run of many arms has each with its line and its title in the table, and the curves of the first ones", async () => {
  using runs = new TemporaryFolder();
  const controls = controlNames.slice(0, 9);
  const id = await recordLargeRun(runs.path, { levels: 1, replicates: 1, evaluations: 20, controls });
  await using app = await testApp(runs.path);
  const html = await (await app.get(`/runs/${id}`)).text();
  const heads = html.split('class="arm-head"').slice(1).map((part) => part.slice(0, part.indexOf("</th>")));
  const all = armNames.filter((arm) => arm === "ticket" || controls.some((control) => control === arm));
  assert.deepEqual(heads.map((head) => head.split("</svg>").at(-1)?.trim()).toSorted(), all.toSorted());
  for (const arm of all) {
    const head = heads.find((own) => own.endsWith(` ${arm}`)) ?? "";
    assert.ok(head.includes(`title="${arms[arm].title.replaceAll('"', "&quot;")}"`), arm);
    assert.ok(head.includes(`<g class="arm-${arm}"><path class="line"`), arm);
  }
  const curves = html.slice(html.indexOf('id="curves"'));
  const boxes = all.map((arm) => new RegExp(`<input type="checkbox"([^>]*)/?>\\s*${arm}<`).exec(curves)?.[1]);
  assert.deepEqual(boxes.map((box) => box?.includes("checked")), all.map((_, index) => index < 6));
  assert.ok(textOf(html).includes("2,000 iterations each, 9 controls."), "they are counted, not named");
});

Deno.test("the table of levels says which kernels each ran, and what was made with says by which plan table", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 4, replicates: 1, evaluations: 20 });
  await using app = await testApp(runs.path);
  const html = await (await app.get(`/runs/${id}`)).text();
  const rows = (/<table class="levels">[\s\S]*?<\/table>/.exec(html)?.[0] ?? "").split("<tr").slice(3).map(textOf);
  assert.equal(rows.length, 5);
  for (const [level, row] of rows.entries()) {
    const wanted = level < compactFrom ? / masked-dense $/ : / compact: dense1, dense2; masked-dense: dense3 $/;
    assert.match(row, wanted, `level ${level}`);
  }
  assert.match(textOf(html), /Plan table [0-9a-f]{10} ?, shipped with the source/);
});

Deno.test("accuracy at the end is chosen in the address, and its files follow", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 3, replicates: 2, evaluations: 60 });
  await using app = await testApp(runs.path);
  const [atStop, atEnd] = await Promise.all(
    ["", "?at=end"].map(async (query) => await (await app.get(`/runs/${id}${query}`)).text()),
  );
  assert.ok(atStop?.includes("Test accuracy at early stop: dense"));
  assert.ok(atEnd?.includes("Test accuracy at the end: dense"));
  assert.ok(atEnd?.includes(`/runs/${id}/figures/accuracy.svg?at=end`));
  const run = await app.dashboard.readRun(id);
  const json = await (await app.get(`/runs/${id}/figures/accuracy.json?at=end`)).json();
  assert.deepEqual(
    json.rows.map((row: { arm: string; testAccuracy: number }) => [row.arm, row.testAccuracy]),
    run?.figures.flatMap(({ ticket, controls }) =>
      [ticket, ...controls].map((arm) => [arm.arm, arm.accuracyAtEnd?.mean])
    ),
  );
});

Deno.test("every figure's files are there: SVG that stands alone, CSV and JSON with the same rows", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 2, replicates: 2, evaluations: 30, tickets: [1] });
  await using app = await testApp(runs.path);
  const figures = ["accuracy", "early-stop", "step-time", "layers", "density", "weights"];
  for (const figure of figures) {
    const choices = figure === "density" || figure === "weights" ? "?level=1&arm=ticket&replicate=1&draw=1" : "";
    const svg = await app.get(`/runs/${id}/figures/${figure}.svg${choices}`);
    assert.equal(svg.headers.get("content-type"), "image/svg+xml");
    assert.match(svg.headers.get("content-disposition") ?? "", /^attachment; filename="[\w.-]+\.svg"$/);
    const text = await svg.text();
    assert.ok(text.startsWith("<?xml") && text.includes("<style>") && text.trimEnd().endsWith("</svg>"), figure);
    const table: string[][] = parse(await (await app.get(`/runs/${id}/figures/${figure}.csv${choices}`)).text());
    const { rows } = await (await app.get(`/runs/${id}/figures/${figure}.json${choices}`)).json();
    assert.ok(rows.length > 0);
    assert.deepEqual(table, [
      Object.keys(rows[0]),
      ...rows.map((row: Record<string, unknown>) =>
        Object.values(row).map((value) => value === null ? "" : String(value))
      ),
    ]);
  }
  const curves = await app.get(`/runs/${id}/figures/curves.svg?metric=testLoss&networks=each&y=log`);
  assert.ok((await curves.text()).includes("Test loss (nats)"));
});

Deno.test("what is no figure of a run, and no run, is not found", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 1, replicates: 1, evaluations: 30 });
  await using app = await testApp(runs.path);
  const paths = [
    `/runs/${id}/figures/accuracy.exe`,
    `/runs/${id}/figures/nothing.svg`,
    `/runs/${id}/figures/curves.csv`,
    `/runs/${id}/figures/density.svg?level=9`,
    `/runs/${id}/figures/weights.svg?arm=..&level=0`,
    `/runs/${id}/figures/..%2f..%2fconfig.json`,
    "/runs/lenet-0000000000",
    "/runs/lenet-0000000000/figures/accuracy.svg",
    "/runs/..%2f..%2fetc",
  ];
  for (const path of paths) {
    const response = await app.get(path);
    assert.equal(response.status, 404, path);
    await response.body?.cancel();
  }
});

Deno.test("a run without a trained network shows how far it is and its curves, and no empty picture", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 3, replicates: 1, draws: 0, trained: 0, evaluations: 100 });
  await using app = await testApp(runs.path);
  const html = await (await app.get(`/runs/${id}`)).text();
  assert.match(textOf(html), /No network is trained yet. The dense network is at iteration [\d,]+ of 10,000/);
  assert.match(html, /data-shown="pictures"[^>]*hidden|hidden[^>]*data-shown="pictures"/);
  assert.match(html, /id="curves"/);
  const paper = /<section[^>]*data-shown="paper"[\s\S]*?<\/section>/.exec(html)?.[0] ?? "";
  assert.match(paper, /^<section[^>]* hidden/);
  assert.ok(!paper.includes("<table"), "no table without rows");
  assert.ok(!textOf(html).includes("Only the dense network was trained"));
});

Deno.test("a run whose dense network alone is trained says that the answer is to come", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 3, replicates: 2, trained: 1, evaluations: 60 });
  await using app = await testApp(runs.path);
  const text = textOf(await (await app.get(`/runs/${id}`)).text());
  assert.match(text, /Only the dense network is trained so far, so nothing says yet whether pruning helps/);
  assert.match(text, /The dense network: early stop at iteration [\d,]+, test accuracy/);
});

Deno.test("diverged networks are counted where they are, and explained below", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 3, replicates: 2, diverges: true, evaluations: 60 });
  await using app = await testApp(runs.path);
  const text = textOf(await (await app.get(`/runs/${id}`)).text());
  assert.match(text, /1 diverged/);
  assert.match(text, /1 network diverged and counts in no mean: lower --lr/);
  assert.match(text, /Networks whose training loss was no longer finite diverged, and count in no mean/);
  const curves = await app.dashboard.readCurves(id, {
    metric: "testAccuracy",
    arms: ["ticket"],
    levels: [3],
    networks: "each",
  });
  const [first] = curves ?? [];
  const from = first?.iterations.findIndex((iteration) => iteration >= (first.divergedAt ?? Infinity)) ?? -1;
  assert.ok(first && from > 0, "the first ticket of the last level diverged");
  assert.ok(first.values.slice(0, from).every((value) => value !== null));
  assert.ok(first.values.slice(from).every((value) => value === null), "from there on it is a gap");
});

Deno.test("a damaged run says what is wrong with it and what to do", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 1, replicates: 1, evaluations: 30 });
  for (const name of ["checkpoint.safetensors", "summary.json"]) {
    await Deno.writeTextFile(`${runs.path}/${id}/${name}`, "not what it was");
  }
  await using app = await testApp(runs.path);
  const response = await app.get(`/runs/${id}`);
  assert.equal(response.status, 200);
  const text = textOf(await response.text());
  assert.match(text, /This run is damaged/);
  assert.ok(text.includes(`runs verify ${id}`));
});

Deno.test("a page with 20 levels, 5 replicates and 500 evaluations is made without reading the evaluations", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 20, replicates: 5, evaluations: 500 });
  await using app = await testApp(runs.path);
  await (await app.get(`/runs/${id}`)).text();
  // Were they read, a page could not be made without them.
  const metrics = `${runs.path}/${id}/metrics.jsonl`;
  await Deno.rename(metrics, `${metrics}.away`);
  const began = performance.now();
  const response = await app.get(`/runs/${id}`);
  const html = await response.text();
  const took = performance.now() - began;
  assert.equal(response.status, 200);
  for (let level = 0; level <= 20; level++) assert.ok(html.includes(`/runs/${id}/levels/${level}"`));
  assert.match(textOf(html), /Pruning (?:helped|did not help|neither)/);
  assert.ok(took < 1_000, `${took} ms`);
});
