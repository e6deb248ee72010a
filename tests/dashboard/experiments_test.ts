/** Experiments on the dashboard: which there are, what came out of one, and its files. */
import assert from "node:assert/strict";
import { parse } from "npm:csv-parse@6.1.0/sync";
import type { ReplicateSummary, Summary } from "../../src/analysis/summary.ts";
import { unbroken } from "../../src/dashboard/components/run_words.ts";
import { experimentCommandLine, fullScale } from "../../src/dashboard/experiments.ts";
import { directionOf, experimentAnswer } from "../../src/dashboard/experiments_answer.ts";
import type { PaperClaim } from "../../src/experiments/experiment.ts";
import { fig3 } from "../../src/experiments/figures/fig3.ts";
import { fig4 } from "../../src/experiments/figures/fig4.ts";
import type { LoadedRun } from "../../src/experiments/loaded_run.ts";
import { experimentOf, experiments } from "../../src/experiments/registry.ts";
import { keyOf, scaledConfig, type ScaleOptions } from "../../src/experiments/scale.ts";
import { titleOf } from "../../src/experiments/view.ts";
import { experimentsFolder, writeExperiment } from "../../src/store/experiments.ts";
import { RunLock } from "../../src/store/lock.ts";
import { link, TemporaryFolder } from "../store/folders.ts";
import { testApp } from "./app.ts";
import { type LargeRun, recordLargeRun } from "./fixtures.ts";
import { textOf } from "./page_text.ts";

/** Small, and as {@linkcode size} has it: 6,000 iterations are 0.12 of the paper's. */
const options: ScaleOptions = { scale: 0.12, levels: 6, replicates: 2, reinitDraws: 1 };
const size: LargeRun = {
  levels: 6,
  replicates: 2,
  evaluations: 60,
  controls: ["reinit", "oneshot", "oneshot-reinit"],
};
const key = "fig4-scale-0.12-levels-6-replicates-2-reinit-draws-1";

/** Records Figure 4 over a run of four arms. Returns the run's id. */
async function recordFig4(runs: string, more: LargeRun = {}, own: ScaleOptions = options): Promise<string> {
  const id = await recordLargeRun(runs, { ...size, ...more });
  await writeExperiment(runs, {
    name: "fig4",
    key: keyOf("fig4", own),
    options: own,
    runs: [{ name: "LeNet", id }],
  });
  return id;
}

/** What a sentence looks like in {@linkcode textOf}. */
function said(sentence: string): string {
  return unbroken(sentence).replace(/\s+/g, " ");
}

/** The cells of a page's table by its class, row by row. */
function tableOf(html: string, name: string): string[][] {
  const table = new RegExp(`<table class="${name}"[\\s\\S]*?</table>`).exec(html)?.[0] ?? "";
  return table.split("<tr").slice(1).map((row) =>
    [...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell = ""]) => textOf(cell).trim())
  );
}

Deno.test("without results the page of experiments says so, how to start one, and what each trains", async () => {
  using runs = new TemporaryFolder();
  await using app = await testApp(runs.path);
  const response = await app.get("/experiments");
  assert.equal(response.status, 200);
  const html = await response.text();
  const text = textOf(html);
  assert.ok(text.includes(`None of the ${experiments.length} experiments has results here yet.`));
  assert.ok(text.includes("./denow task experiment fig4 --scale 0.1"));
  assert.match(html, /<a href="\/experiments" aria-current="page">Experiments<\/a>/);
  const rows = tableOf(html, "reflow experiments");
  assert.deepEqual(rows[0], ["Name", "What it shows", "Runs", "Networks", "Results here"]);
  assert.deepEqual(rows.slice(1).map(([name]) => name), experiments.map(({ name }) => name));
  // LeNet: 5 dense networks, and at each of 20 levels 5 tickets, 5 one-shot ones, and three draws of each.
  assert.equal(fullScale(fig4).networks, 5 + 20 * 5 * (1 + 1 + 3 + 3));
  assert.deepEqual(
    rows.find(([name]) => name === "fig4")?.slice(1),
    ["Figure 4. LeNet under iterative and one-shot pruning", "1", "805", ""],
  );
  for (const { name } of experiments) assert.ok(html.includes(`href="/experiments/${name}"`));
});

Deno.test("experiments with results are listed in the paper's order with how far they are", async () => {
  using runs = new TemporaryFolder();
  const id = await recordFig4(runs.path);
  await recordFig4(runs.path, { seed: 50, trained: 2 }, { ...options, seed: 50 });
  await writeExperiment(runs.path, { name: "fig3", key: "fig3", options: {}, runs: [{ name: "LeNet", id }] });
  await using app = await testApp(runs.path);
  const html = await (await app.get("/experiments")).text();
  assert.ok(textOf(html).includes(`2 experiments of ${experiments.length} have results here.`));
  const rows = tableOf(html, "reflow experiments").slice(1);
  // Seven levels of two replicates; the three controls have none of the dense level.
  const networks = 7 * 2 + 3 * 6 * 2;
  assert.deepEqual(rows.map(([title, state, done, settings]) => [title, state, done, settings]), [
    // Of Figure 3's own 405 networks the run has the tickets and one of three draws of the controls.
    [`${titleOf(fig3)} fig3`, "unfinished", "26 of 405", "nothing"],
    [
      `${titleOf(fig4)} ${key}`,
      "finished",
      `${networks} of ${networks}`,
      "scale 0.12, levels 6, replicates 2, reinit draws 1",
    ],
    [
      `${titleOf(fig4)} ${key}-seed-50`,
      "unfinished",
      `${2 * 2 + 3 * 2} of ${networks}`,
      "scale 0.12, levels 6, replicates 2, reinit draws 1, seed 50",
    ],
  ]);
  for (const own of [key, `${key}-seed-50`, "fig3"]) assert.ok(html.includes(`href="/experiments/${own}"`));
});

Deno.test("an experiment's page says what the paper says and what came out before it shows anything else", async () => {
  using runs = new TemporaryFolder();
  const id = await recordFig4(runs.path);
  await using app = await testApp(runs.path);
  const result = await app.dashboard.readExperiment(key);
  assert.ok(result?.view);
  const response = await app.get(`/experiments/${key}`);
  assert.equal(response.status, 200);
  const html = await response.text();
  const text = textOf(html);
  const sentences = [
    titleOf(fig4),
    "finished",
    "not the paper's scale",
    ...result.view.settings.map(([name, value]) => `${name} ${value}`),
    fig4.about,
    fig4.reading,
    ...experimentAnswer(fig4, result.runs),
    ...result.view.notes,
  ];
  assert.ok(result.view.notes.length >= 2, "what was scaled, and what there is fewer of");
  let from = 0;
  for (const sentence of sentences) {
    const at = text.indexOf(said(sentence), from);
    assert.ok(at >= 0, `the page says, in this order: ${sentence}`);
    from = at;
  }
  assert.ok(html.indexOf('class="answer"') < html.indexOf("<svg"), "the answer stands above the pictures");
  assert.ok(!/<[^>]* style="/.test(html.replace(/<script[\s\S]*?<\/script>/g, "")), "no inline style");
  assert.ok(html.includes(`href="/runs/${id}"`));
  assert.ok(text.includes("deno task experiment fig4 --scale 0.12 --levels 6 --replicates 2 --reinit-draws 1"));
  const panels = [...html.matchAll(/<figure id="(panel-\d+)"/g)].map(([, panel]) => panel);
  assert.deepEqual(panels, fig4.panels.map((_, index) => `panel-${index + 1}`));
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, own]) => own);
  assert.equal(new Set(ids).size, ids.length, "ids are unique");
});

Deno.test("the paper's numbers stand beside ours, with which way ours point", async () => {
  using runs = new TemporaryFolder();
  const deeper: ScaleOptions = { ...options, levels: 7 };
  const id = await recordFig4(runs.path, { levels: 7 }, deeper);
  await using app = await testApp(runs.path);
  const html = await (await app.get(`/experiments/${keyOf("fig4", deeper)}`)).text();
  const rows = tableOf(html, "claims").slice(1);
  assert.equal(rows.length, fig4.paper.length);
  const arms = (await app.dashboard.readRun(id))?.summary?.arms ?? [];
  const tickets = arms.find(({ name }) => name === "ticket")?.levels ?? [];
  const [dense, level7] = [tickets[0]?.replicates ?? [], tickets[7]?.replicates ?? []];
  assert.equal(level7.length, 2);
  // How much earlier than its own dense network a ticket stops, by hand.
  const earlier = level7.map(({ replicate, earlyStopIteration }) => {
    const before = dense.find((own) => own.replicate === replicate)?.earlyStopIteration ?? NaN;
    return (before - (earlyStopIteration ?? NaN)) / before * 100;
  }).sort((a, b) => a - b);
  const [least = NaN, most = NaN] = earlier;
  const words = (value: number): string => `${value.toFixed(0)} % earlier`;
  assert.ok(least > 0, "both stop earlier");
  assert.deepEqual(rows[0], [
    "early stop, against dense",
    "21.1 %",
    "38 % earlier",
    `${words((least + most) / 2)} (${words(least)} to ${words(most)}, of 2)`,
    "21.1 %",
    "same way",
  ]);
  assert.deepEqual(rows.at(3)?.slice(1), ["13.5 %", "+0.30 pp", "–", "–", "not measured"]);
});

Deno.test("which way ours points is told from the networks, and not where they disagree or stop last", () => {
  const network = (replicate: number, stop: number, accuracy: number): ReplicateSummary => ({
    ...{ replicate, draw: 1, seed: replicate, divergedAt: null, earlyStopIteration: stop },
    ...{ validationLossAtEarlyStop: 0.1, testAccuracyAtEarlyStop: accuracy, trainAccuracyAtEarlyStop: 1 },
    ...{ testAccuracyAtEnd: accuracy, trainAccuracyAtEnd: 1 },
    status: "ok",
  });
  const config = scaledConfig({ name: "LeNet", preset: "lenet", changes: { controls: [] } }, { levels: 1 });
  /** Two networks at two levels: early stops of the tickets, their accuracies beside 0.97. */
  const runOf = (stops: readonly [number, number], accuracies: readonly [number, number]): LoadedRun => {
    const level = (index: number, remaining: number, own: readonly number[], test: readonly number[]) => ({
      ...{ level: index, remaining, layers: [], plan: {}, stepMs: null },
      replicates: own.map((stop, at) => network(at + 1, stop, test[at] ?? 0)),
    });
    const summary: Summary = {
      ...{
        schema: 1,
        id: "lenet-0000000000",
        preset: "lenet",
        config,
        adapter: { name: "a", driver: "d", kind: "gpu" },
      },
      timing: { totalSeconds: 1, secondsByLevel: [1, 1] },
      arms: [{
        name: "ticket",
        levels: [level(0, 1, [5_000, 5_000], [0.97, 0.97]), level(1, 0.2, stops, accuracies)],
      }],
    };
    const nothing = { evaluations: [], tickets: [], lines: [], hasLineEnds: true };
    return { name: "LeNet", id: null, config, state: "finished", done: 4, wanted: 4, summary, ...nothing };
  };
  const claim = (more: Partial<PaperClaim> = {}): PaperClaim => ({
    ...{ run: "LeNet", remaining: 0.2, measure: "earlier-than-dense", value: 0.3, ...more },
  });
  const earlier = runOf([3_000, 4_000], [0.98, 0.96]);
  assert.equal(directionOf(claim(), [earlier]), "same");
  assert.equal(directionOf(claim({ measure: "times-earlier-than-dense", value: 1.4 }), [earlier]), "same");
  assert.equal(directionOf(claim({ measure: "times-earlier-than-dense", value: 0.9 }), [earlier]), "other");
  assert.equal(directionOf(claim(), [runOf([6_000, 7_000], [0.98, 0.98])]), "other");
  assert.equal(directionOf(claim({ measure: "accuracy-over-dense", value: 0.01 }), [earlier]), "undecided");
  assert.equal(directionOf(claim(), [runOf([3_000, 5_000], [0.98, 0.98])]), "undecided", "one stops as the dense one");
  assert.equal(directionOf(claim(), [runOf([3_000, config.iterations], [0.98, 0.98])]), "censored");
  assert.equal(directionOf(claim({ remaining: 0.01 }), [earlier]), "missing");
  assert.equal(directionOf(claim(), []), "missing");
  assert.equal(directionOf(claim({ value: 0 }), [earlier]), null, "the paper's value points nowhere");
  assert.equal(directionOf(claim({ measure: "accuracy-at-end", value: 0.98 }), [earlier]), null);
  const paper = [claim(), claim({ value: -0.1 }), claim({ remaining: 0.01 })];
  assert.equal(
    experimentAnswer({ ...fig4, paper }, [earlier])[0],
    "Of the 3 numbers of the paper that say what is earlier or more accurate, 1 points the same way here, 1 the other way " +
      "and 1 is not measured.",
  );
  assert.equal(
    experimentAnswer({ ...fig4, paper: [claim(), claim()] }, [{ ...earlier, state: "unfinished" }])[0],
    "So far: of the 2 numbers of the paper that say what is earlier or more accurate, all 2 point the same way here.",
  );
});

Deno.test("an experiment's figures are files: SVG that stands alone, and the numbers as CSV and JSON", async () => {
  using runs = new TemporaryFolder();
  const id = await recordFig4(runs.path);
  await using app = await testApp(runs.path);
  const run = await app.dashboard.readRun(id);
  const path = `/experiments/${key}/figures`;
  const svg = await app.get(`${path}/panel-2.svg`);
  assert.equal(svg.headers.get("content-type"), "image/svg+xml");
  assert.equal(svg.headers.get("content-disposition"), `attachment; filename="${key}-panel-2.svg"`);
  assert.match(await svg.text(), /^<\?xml [^>]*>\n<svg [^>]*width="\d+"[\s\S]*<style>[\s\S]*<\/svg>\n$/);
  const whole = await (await app.get(`${path}/figure.svg`)).text();
  for (const { title } of fig4.panels) assert.ok(whole.includes(title));
  const rows: Record<string, string>[] = parse(await (await app.get(`${path}/panel-2.csv`)).text(), { columns: true });
  const expected = run?.figures.map(({ level, ticket }) => [`${level}`, ticket.accuracyAtEarlyStop?.mean]) ?? [];
  assert.deepEqual(
    rows.filter(({ arm }) => arm === "ticket").map(({ level, mean }) => [level, Number(mean)]),
    expected,
  );
  const json = await (await app.get(`${path}/panel-2.json`)).json();
  assert.equal(json.experiment, key);
  assert.equal(json.rows.length, rows.length);
  const all: Record<string, string>[] = parse(await (await app.get(`${path}/figure.csv`)).text(), { columns: true });
  assert.deepEqual([...new Set(all.map(({ panel }) => panel))], fig4.panels.map(({ title }) => title));
  for (const name of ["panel-0.svg", "panel-7.svg", "panel-2.pdf", "figure", "panel-2.svg.csv", "..%2fx.svg"]) {
    assert.equal((await app.get(`${path}/${name}`)).status, 404, name);
  }
});

Deno.test("curves have the evaluations behind them as rows, histograms their bins", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { ...size, controls: ["reinit"], tickets: [4] });
  for (const name of ["fig3", "fig15"]) {
    await writeExperiment(runs.path, { name, key: keyOf(name, options), options, runs: [{ name: "LeNet", id }] });
  }
  await using app = await testApp(runs.path);
  const rows: Record<string, string>[] = parse(
    await (await app.get(`/experiments/${keyOf("fig3", options)}/figures/panel-1.csv`)).text(),
    { columns: true },
  );
  const dense = rows.filter(({ level }) => level === "0");
  assert.deepEqual(
    dense.filter(({ replicate }) => replicate === "1").map(({ iteration }) => Number(iteration)),
    Array.from({ length: 61 }, (_, at) => at * 100),
  );
  const [curve] = await app.dashboard.readCurves(id, {
    ...{ metric: "testAccuracy", arms: ["ticket"], levels: [0], networks: "each" },
  }) ?? [];
  assert.equal(Number(dense.findLast(({ replicate }) => replicate === "1")?.["testAccuracy"]), curve?.values.at(-1));
  const path = `/experiments/${keyOf("fig15", options)}`;
  const html = await (await app.get(path)).text();
  assert.ok(
    textOf(html).includes("Its run is trained: what the figure shows of it stands in words below each picture."),
  );
  assert.ok(html.includes(`href="${path}/figures/panel-1.svg"`));
  assert.ok(html.includes(`href="${path}/figures/panel-1.csv"`));
  const bins: Record<string, string>[] = parse(
    await (await app.get(`${path}/figures/panel-1.csv`)).text(),
    { columns: true },
  );
  assert.deepEqual([...new Set(bins.map(({ level, series }) => `${level} ${series}`))], ["4 surviving"]);
  for (const { name, kept } of (await app.dashboard.readRun(id))?.summary?.arms[0]?.levels[4]?.layers ?? []) {
    const own = bins.filter(({ layer }) => layer === name);
    assert.equal(own.reduce((sum, { count }) => sum + Number(count), 0), 2 * kept, "of two replicates");
    assert.ok(own.slice(1).every(({ from }, index) => Number(from) === Number(own[index]?.["to"])));
  }
});

Deno.test("an experiment that is not finished shows what is there, and one that is running renews itself", async () => {
  using runs = new TemporaryFolder();
  const id = await recordFig4(runs.path, { trained: 2 });
  await using app = await testApp(runs.path);
  const text = textOf(await (await app.get(`/experiments/${key}`)).text());
  assert.ok(text.includes("So far: of the"));
  assert.ok(text.includes("LeNet has 10 of 50 networks"));
  await using _lock = await RunLock.acquire(`${runs.path}/${id}/lock`);
  const html = await (await app.get(`/experiments/${key}`)).text();
  assert.match(html, /<span class="badge running">running<\/span>/);
  assert.match(html, /class="live-note/);
  // Where no run goes on, as between two of them, the page still waits for the next.
  const finished = await recordFig4(runs.path, { seed: 5 }, { ...options, seed: 5 });
  await writeExperiment(runs.path, { name: "fig3", key: "fig3", options: {}, runs: [{ name: "LeNet", id: finished }] });
  const waits = await (await app.get("/experiments/fig3")).text();
  const { state, rows } = await app.dashboard.readExperiment("fig3") ?? {};
  assert.deepEqual([state, [...rows?.values() ?? []].map((row) => row.state)], ["unfinished", ["finished"]]);
  assert.match(waits, /class="live-note/);
  assert.doesNotMatch(await (await app.get(`/experiments/${key}-seed-5`)).text(), /class="live-note/);
  assert.match(await (await app.get("/experiments")).text(), /<span class="badge small running">running<\/span>/);
});

Deno.test("an experiment without results is there by its name: what it would take, and the paper's numbers", async () => {
  using runs = new TemporaryFolder();
  await recordFig4(runs.path);
  await using app = await testApp(runs.path);
  const html = await (await app.get("/experiments/fig4")).text();
  const text = textOf(html);
  assert.ok(text.includes("It has no results of the paper's scale here yet."));
  assert.ok(text.includes("805 networks in 1 run"));
  assert.ok(text.includes("38 % earlier"));
  assert.ok(html.includes(`href="/experiments/${key}"`), "other results of it");
  assert.ok(!html.includes("<figure"));
  assert.ok(textOf(await (await app.get("/experiments/fig9")).text()).includes("It has no results here yet."));
});

Deno.test("what is no experiment's key is not found, and nothing is looked for by it", async () => {
  using runs = new TemporaryFolder();
  using elsewhere = new TemporaryFolder();
  const id = await recordFig4(runs.path);
  const outside = await recordFig4(elsewhere.path, { seed: 5 }, { ...options, seed: 5 });
  await Deno.writeTextFile(`${runs.path}/secret.json`, "secret");
  await link(
    `${elsewhere.path}/${experimentsFolder}/${key}-seed-5.json`,
    `${runs.path}/${experimentsFolder}/${key}-seed-5.json`,
  );
  await using app = await testApp(runs.path);
  const wrong = [
    ...["nothing", "fig4-scale-0.2", "FIG4", `${key}.json`, `${key}-seed-5`, "%2e%2e%2fsecret", "..%5csecret", "%00"],
    ...["constructor", "__proto__", `${"a".repeat(5_000)}`, encodeURIComponent(`../${id}/config`)],
  ];
  for (const own of wrong) {
    for (const path of [`/experiments/${own}`, `/experiments/${own}/figures/figure.svg`, `/api/experiments/${own}`]) {
      const response = await app.get(path);
      assert.equal(response.status, 404, path);
      assert.ok(!(await response.text()).includes("secret\n"));
    }
  }
  // A record may name what it likes.
  await writeExperiment(runs.path, {
    ...{ name: "fig4", key: `${key}-seed-7`, options: { ...options, seed: 7 } },
    runs: [{ name: "LeNet", id: `../${elsewhere.path.split("/").at(-1)}/${outside}` }],
  });
  const html = await (await app.get(`/experiments/${key}-seed-7`)).text();
  assert.match(html, /not started/);
  assert.ok(!html.includes(outside));
});

Deno.test("an experiment whose record makes no sense is told, and the others are shown all the same", async () => {
  using runs = new TemporaryFolder();
  await recordFig4(runs.path);
  await writeExperiment(runs.path, { name: "fig5", key: "fig5-scale-5", options: { scale: 5 }, runs: [] });
  await writeExperiment(runs.path, { name: "fig99", key: "fig99", options: {}, runs: [] });
  await Deno.writeTextFile(`${runs.path}/${experimentsFolder}/fig6.json`, "{");
  await using app = await testApp(runs.path);
  const response = await app.get("/experiments/fig5-scale-5");
  assert.equal(response.status, 200);
  const text = textOf(await response.text());
  assert.ok(text.includes("Its results cannot be read"));
  assert.ok(text.includes("--scale is 5"));
  const api = await app.get("/api/experiments/fig5-scale-5");
  assert.equal(api.status, 409);
  assert.match(await api.text(), /^Cannot export fig5-scale-5: --scale is 5/);
  const rows = tableOf(await (await app.get("/experiments")).text(), "reflow experiments").slice(1);
  assert.deepEqual(rows.map(([, state]) => state), ["finished", "damaged"]);
  assert.equal((await app.get("/experiments/fig99")).status, 404);
});

Deno.test("an experiment's results are given to programs, as the command prints them", async () => {
  using runs = new TemporaryFolder();
  const id = await recordFig4(runs.path);
  await using app = await testApp(runs.path);
  const json = await (await app.get(`/api/experiments/${key}`)).json();
  assert.equal(json.key, key);
  assert.deepEqual(json.runs, [{ name: "LeNet", id, state: "finished", done: 50, wanted: 50 }]);
  assert.equal(json.paper.length, fig4.paper.length);
  assert.ok(!JSON.stringify(json).includes("<svg"));
  const response = await app.get(`/api/experiments/${key}?format=csv`);
  assert.equal(response.headers.get("content-type"), "text/csv; charset=utf-8");
  const rows: Record<string, string>[] = parse(await response.text(), { columns: true });
  const stops = rows.filter(({ panel, arm }) => panel === fig4.panels[0]?.title && arm === "reinit");
  const run = await app.dashboard.readRun(id);
  assert.deepEqual(
    stops.map(({ mean }) => Number(mean)),
    run?.figures.slice(1).map(({ controls }) => controls.find(({ arm }) => arm === "reinit")?.earlyStop?.mean),
  );
  assert.equal((await app.get(`/api/experiments/${key}?format=xml`)).status, 400);
});

Deno.test("experimentCommandLine() has a flag for every option", () => {
  const all: ScaleOptions = {
    ...{ scale: 0.5, levels: 3, replicates: 2, reinitDraws: 4, width: 0.25, dataset: "synthetic", seed: 9 },
  };
  assert.equal(
    experimentCommandLine("fig4", all),
    "deno task experiment fig4 --scale 0.5 --levels 3 --replicates 2 --reinit-draws 4 --width 0.25 --dataset synthetic --seed 9",
  );
  assert.equal(experimentCommandLine("fig4", {}), "deno task experiment fig4");
  assert.ok(experimentOf("fig4") === fig4);
});
