/** The command `report`, in process, on runs that were written without a GPU. */
import assert from "node:assert/strict";
import { describeOutcome } from "../../src/analysis/outcome.ts";
import { reportCommand } from "../../src/cli/report_command.ts";
import { reportStyles } from "../../src/cli/report_page.ts";
import { main } from "../../src/cli/winnow.ts";
import { unbroken } from "../../src/dashboard/components/run_words.ts";
import { Dashboard } from "../../src/dashboard/dashboard.ts";
import { experimentPictures } from "../../src/dashboard/experiments_files.ts";
import { earlyStopOf, onPage } from "../../src/dashboard/run_figures.ts";
import { fig4 } from "../../src/experiments/figures/fig4.ts";
import { keyOf } from "../../src/experiments/scale.ts";
import { isArmName } from "../../src/lottery/arms/names.ts";
import { settings } from "../../src/lottery/config.ts";
import { writeExperiment } from "../../src/store/experiments.ts";
import { dataDigest, recordLargeRun } from "../dashboard/fixtures.ts";
import { textOf } from "../dashboard/page_text.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { rememberingConsole } from "./console.ts";

const size = { levels: 5, replicates: 2, evaluations: 40 } as const;
const options = { scale: 0.08, levels: 5, replicates: 2, reinitDraws: 1 } as const;

/** Writes a report and reads it. */
async function report(runs: string, name: string): Promise<string> {
  const path = `${runs}/report.html`;
  const console = rememberingConsole();
  assert.equal(await reportCommand([name, "--runs", runs, "--out", path], { console }), 0, console.errors());
  assert.equal(console.output(), `${path}\n`);
  return await Deno.readTextFile(path);
}

async function refusal(runs: string, ...args: string[]): Promise<string> {
  const console = rememberingConsole();
  const code = await main(["report", ...args, "--runs", runs], console, new AbortController().signal);
  assert.equal(code, 2, console.errors());
  assert.match(console.errors(), /^Error: .*\n$/, "one line");
  return console.errors();
}

/** Records Figure 4 over a run of four arms. */
async function recordFig4(runs: string, seed?: number): Promise<{ readonly id: string; readonly key: string }> {
  const controls = ["reinit", "oneshot", "oneshot-reinit"] as const;
  const own = { ...options, ...(seed === undefined ? {} : { seed }) };
  const id = await recordLargeRun(runs, { ...size, controls, seed: seed ?? 1 });
  const key = keyOf("fig4", own);
  await writeExperiment(runs, { name: "fig4", key, options: own, runs: [{ name: "LeNet", id }] });
  return { id, key };
}

const voidElements = new Set(["meta", "br", "link", "img", "input"]);

/** Fails unless the page is one whole document that asks for nothing, and whose ids are unique. */
function assertStandsAlone(html: string): void {
  assert.match(html, /^<!DOCTYPE html>\n<html lang="en"><head>/);
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? "";
  assert.ok(style.includes("prefers-color-scheme: dark") && style.includes("@media print"));
  assert.ok(!/@import|url\(\s*["']?(?!#)/.test(style), "the stylesheet asks for nothing");
  const body = html.replace(/<style>[\s\S]*?<\/style>/, "");
  assert.ok(!/<(?:script|link|img|iframe|object|embed|a|form)\b/.test(body));
  assert.ok(!/ (?:src|href|xlink:href|srcset|action|on\w+|style)="/.test(body));
  assert.ok(!/(?:https?:)?\/\/(?!www\.w3\.org\/2000\/svg)/.test(body), "no address of any other place");
  // Every element is closed, in order.
  const open: string[] = [];
  for (const [tag, slash, name = "", , end] of body.matchAll(/<(\/?)([a-zA-Z][\w-]*)((?:"[^"]*"|[^">])*?)(\/?)>/g)) {
    if (slash === "/") assert.equal(open.pop(), name, `${tag} closes what is open`);
    else if (end !== "/" && !voidElements.has(name)) open.push(name);
  }
  assert.deepEqual(open, []);
  const ids = [...body.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  assert.ok(ids.length > 10);
  assert.equal(new Set(ids).size, ids.length, "ids are unique");
  const references = [...body.matchAll(/ aria-(?:labelledby|describedby)="([^"]*)"|url\(#([^)]*)\)/g)]
    .flatMap(([, names = "", own]) => own ?? names.split(" "));
  assert.ok(references.length > 10);
  for (const reference of references) assert.ok(ids.includes(reference), `there is an element ${reference}`);
}

Deno.test("a run's report is one page that stands alone, with the pictures and words of the run's page", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, size);
  const html = await report(runs.path, id.slice(0, -3));
  assertStandsAlone(html);
  await using dashboard = Dashboard.open({ runs: runs.path, token: "", canControl: false, host: "127.0.0.1" });
  const run = await dashboard.readRun(id);
  assert.ok(run?.summary);
  const text = textOf(html.replace(/<style>[\s\S]*?<\/style>/, ""));
  const sentences = describeOutcome(run.summary);
  assert.ok(sentences.length >= 3);
  for (const sentence of sentences) assert.ok(text.includes(unbroken(sentence).replace(/\s+/g, " ")), sentence);
  assert.ok(html.includes(onPage(earlyStopOf(run), "early-stop").picture), "byte for byte");
  const figures = [...html.matchAll(/<figure id="([^"]*)"/g)].map(([, figure]) => figure);
  assert.deepEqual(figures, ["accuracy", "accuracy-end", "early-stop", "curves", "layers", "step-time"]);
  for (const { ticket } of run.figures) {
    assert.ok(text.includes(`${((ticket.accuracyAtEarlyStop?.mean ?? NaN) * 100).toFixed(2)} %`));
  }
  for (const { flag } of settings) assert.ok(text.includes(flag), flag);
  assert.ok(text.includes("deno task lottery lenet --levels 5 --iterations 4000"));
  assert.ok(text.includes(dataDigest) && text.includes("Deno 2.9.6") && text.includes("llvmpipe"));
});

Deno.test("an experiment's report has its figure, its answer, the paper's numbers and what its runs were made with", async () => {
  using runs = new TemporaryFolder();
  const { id, key } = await recordFig4(runs.path);
  const html = await report(runs.path, "fig4");
  assert.equal(await report(runs.path, key), html, "by its key as by its name, and the same each time");
  assertStandsAlone(html);
  await using dashboard = Dashboard.open({ runs: runs.path, token: "", canControl: false, host: "127.0.0.1" });
  const result = await dashboard.readExperiment(key);
  assert.ok(result?.view);
  const pictures = experimentPictures(result);
  assert.equal(pictures.length, fig4.panels.length);
  for (const { picture } of pictures) assert.ok(html.includes(picture), "byte for byte");
  const text = textOf(html.replace(/<style>[\s\S]*?<\/style>/, ""));
  for (const sentence of [fig4.about, fig4.reading, ...result.view.notes]) {
    assert.ok(text.includes(unbroken(sentence).replace(/\s+/g, " ")), sentence);
  }
  assert.ok(text.includes("not the paper's scale"));
  assert.ok(text.includes("deno task experiment fig4 --scale 0.08 --levels 5 --replicates 2 --reinit-draws 1"));
  assert.ok(text.includes("deno task lottery lenet --levels 5") && text.includes(id) && text.includes(dataDigest));
  for (const { quantity, paper } of result.view.paper) assert.ok(text.includes(quantity) && text.includes(paper));
});

Deno.test("runs and experiments of which nothing is trained have reports too", async () => {
  using runs = new TemporaryFolder();
  const begun = await recordLargeRun(runs.path, { ...size, trained: 0 });
  const html = await report(runs.path, begun);
  assert.match(html, /No network is trained yet/);
  await writeExperiment(runs.path, { name: "fig5", key: "fig5", options: {}, runs: [{ name: "Conv-2", id: null }] });
  const other = await report(runs.path, "fig5");
  assertStandsAlone(other);
  assert.match(other, /Nothing of it is trained here yet/);
});

Deno.test("the page goes into the caller's folder under the run's id, in the place of an older one", async () => {
  using runs = new TemporaryFolder();
  using folder = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { ...size, levels: 1 });
  await Deno.writeTextFile(`${folder.path}/${id}.html`, "older");
  const before = Deno.env.get("INIT_CWD");
  Deno.env.set("INIT_CWD", folder.path);
  try {
    const console = rememberingConsole();
    assert.equal(await reportCommand([id, "--runs", runs.path], { console }), 0);
    assert.equal(console.output(), `${folder.path}/${id}.html\n`);
  } finally {
    if (before === undefined) Deno.env.delete("INIT_CWD");
    else Deno.env.set("INIT_CWD", before);
  }
  assert.match(await Deno.readTextFile(`${folder.path}/${id}.html`), /^<!DOCTYPE html>/);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), [`${id}.html`]);
});

Deno.test("what cannot be reported is told with what to do", async () => {
  using runs = new TemporaryFolder();
  const { id } = await recordFig4(runs.path);
  await recordFig4(runs.path, 20);
  assert.match(await refusal(runs.path), /Name a run or an experiment/);
  assert.match(
    await refusal(runs.path, "fig4"),
    /more than one result of fig4: fig4-scale-[\w.-]+, fig4-scale-[\w.-]+-seed-20\. /,
  );
  assert.match(await refusal(runs.path, "fig9"), /no result of fig9 in .*: `experiment fig9` makes one/);
  assert.match(await refusal(runs.path, "lenet-"), /More than one run begins like "lenet-"/);
  assert.match(await refusal(runs.path, "../etc"), /There is no run "\.\.\/etc"/);
  assert.match(await refusal(runs.path, id, id), /at most one argument/);
  const console = rememberingConsole();
  const args = ["report", id, "--runs", runs.path, "--out", `${runs.path}/nowhere/x.html`];
  assert.equal(await main(args, console, new AbortController().signal), 1);
  assert.match(console.errors(), /^Error: .*nowhere.*\n$/);
  await writeExperiment(runs.path, { name: "fig5", key: "fig5-scale-5", options: { scale: 5 }, runs: [] });
  const damaged = rememberingConsole();
  assert.equal(
    await main(["report", "fig5-scale-5", "--runs", runs.path], damaged, new AbortController().signal),
    1,
  );
  assert.match(damaged.errors(), /^Error: Cannot report fig5-scale-5: --scale is 5/);
});

Deno.test("the report's stylesheet has the rules of every class that its pages use, where the dashboard has any", async () => {
  using runs = new TemporaryFolder();
  const { id, key } = await recordFig4(runs.path);
  const all = await Deno.readTextFile(new URL("../../static/styles.css", import.meta.url));
  const own = reportStyles();
  const classes = new Set<string>();
  for (const name of [id, key]) {
    const html = (await report(runs.path, name)).replace(/<style>[\s\S]*?<\/style>|<svg[\s\S]*?<\/svg>/g, "");
    for (const [, names = ""] of html.matchAll(/ class="([^"]*)"/g)) {
      names.split(" ").forEach((one) => classes.add(one));
    }
  }
  assert.ok(classes.size > 20);
  const hasRule = (styles: string, name: string): boolean => new RegExp(`\\.${name}(?![\\w-])`).test(styles);
  // What an arm looks like is said together with what it is the look of.
  for (const name of classes) assert.ok(isArmName(name) || hasRule(own, name) || !hasRule(all, name), `.${name}`);
});
