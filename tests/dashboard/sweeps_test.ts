/** Sweeps on the dashboard: which there are, how one stands, what came of it, and its files. */
import assert from "node:assert/strict";
import { parse } from "npm:csv-parse@6.1.0/sync";
import { overallState } from "../../src/dashboard/components/SweepParts.tsx";
import { SweepViews } from "../../src/dashboard/sweeps.ts";
import { writeExperiment } from "../../src/store/experiments.ts";
import { writeAttempt, writeSubmission, writeSweep } from "../../src/store/sweeps.ts";
import { sweepRunStates } from "../../src/sweeps/status.ts";
import type { Attempt } from "../../src/sweeps/sweep.ts";
import { link, TemporaryFolder } from "../store/folders.ts";
import { testApp } from "./app.ts";
import { textOf } from "./page_text.ts";
import { everyState, type RecordedSweep, recordSweep, settle, type SweepFixture } from "./sweep_fixtures.ts";

const rates = [0.0004, 0.0012, 0.0036, 0.0108];
const error = "The data set is <gone>\u001b[31m, fetch it again.";

function record(folder: string, more: Partial<SweepFixture> = {}): Promise<RecordedSweep> {
  return recordSweep(folder, { key: "rates", rates, seeds: [1, 2, 3], states: everyState, error, ...more });
}

/** The cells of a page's table by its class, row by row. */
function tableOf(html: string, name: string, index = 0): string[][] {
  const table = [...html.matchAll(new RegExp(`<table class="reflow ${name}"[\\s\\S]*?</table>`, "g"))][index]?.[0] ??
    "";
  return table.split("<tr").slice(1).map((row) =>
    [...row.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)].map(([, cell = ""]) => textOf(cell).trim())
  );
}

Deno.test("without a sweep the page says so, and how to start one", async () => {
  using runs = new TemporaryFolder();
  await using app = await testApp(runs.path);
  const response = await app.get("/sweeps");
  assert.equal(response.status, 200);
  const html = await response.text();
  const text = textOf(html);
  assert.ok(text.includes("There is no sweep here yet."));
  assert.ok(text.includes("./denow task sweep fig26 --scale 0.1"));
  assert.match(html, /<a href="\/sweeps" aria-current="page">Sweeps<\/a>/);
});

Deno.test("sweeps are listed with how many runs are in which state, and how far they are", async () => {
  using runs = new TemporaryFolder();
  await using _rates = await record(runs.path);
  await using _done = await record(runs.path, {
    key: "a-done",
    title: "Done",
    rates: [0.0012],
    seeds: [7],
    states: [],
  });
  await Deno.mkdir(`${runs.path}/sweeps/Not a key`);
  await Deno.mkdir(`${runs.path}/sweeps/empty`);
  await using app = await testApp(runs.path);
  const html = await (await app.get("/sweeps")).text();
  assert.ok(textOf(html).includes("2 sweeps, 1 not finished."));
  const rows = tableOf(html, "sweeps").slice(1);
  assert.deepEqual(rows.map((row) => row.slice(0, 4)), [
    ["Done a-done", "finished", "1", "1 finished"],
    [
      "Learning rates and seeds rates",
      "running",
      "12",
      "6 finished, 1 running, 2 waiting, 1 stopped, 1 failed and 1 absent",
    ],
  ]);
  assert.equal(rows[0]?.[4], "100.0 %");
  // Each segment of a bar is as long as it has runs.
  const widths = [...html.matchAll(/<g class="state-(\w+)"><rect class="block" x="(\d+)" width="(\d+)"/g)]
    .map(([, state, x, width]) => [state, Number(x), Number(width)]);
  assert.deepEqual(widths.slice(1), [
    ["finished", 0, 6],
    ["running", 6, 1],
    ["waiting", 7, 2],
    ["stopped", 9, 1],
    ["failed", 10, 1],
  ]);
});

Deno.test("a sweep's page says what failed, then how all runs stand, which are best and worst, and each run", async () => {
  using runs = new TemporaryFolder();
  await using sweep = await record(runs.path);
  await using app = await testApp(runs.path);
  const response = await app.get("/sweeps/rates");
  assert.equal(response.status, 200);
  const html = await response.text();
  const text = textOf(html);
  const view = await app.dashboard.readSweep("rates");
  assert.ok(view);
  assert.deepEqual(view.runs.map(({ state }) => state), everyState);
  assert.deepEqual(view.counts, { finished: 6, running: 1, waiting: 2, stopped: 1, failed: 1, absent: 1 });
  assert.equal(overallState(view), "running");

  const order = ["Learning rates and seeds", "the best ticket is of", "Failed", "How its runs stand"];
  let from = 0;
  for (const part of [...order, "Settings and what came of them", "Best and worst", "Commands"]) {
    const at = text.indexOf(part, from);
    assert.ok(at >= 0, `the page says, in this order: ${part}`);
    from = at;
  }
  assert.deepEqual(tableOf(html, "sweep-failed")[1], [
    "lr 0.0036, seed 3",
    "The data set is <gone>\\u001b[31m, fetch it again.",
    "job 812_8, gpu00",
    "1",
  ]);
  assert.ok(!html.includes("<gone>") && !html.includes("\u001b"), "what files say is no markup and moves no cursor");

  const rows = tableOf(html, "sweep-runs").slice(1);
  assert.deepEqual(rows.map(([name]) => name), sweep.runs.map(({ name }) => name));
  assert.deepEqual(rows[5]?.slice(1, 5), ["running", "50 %", "1", "job 812_5, gpu01"]);
  assert.deepEqual(rows[9]?.slice(1, 5), ["waiting handed to the scheduler", "0 %", "–", "job 813_0"]);
  assert.deepEqual(rows[11]?.slice(1, 5), ["absent", "0 %", "–", "–"]);
  const [begun, waits] = [sweep.runs[7]?.id, sweep.runs[9]?.id];
  assert.ok(html.includes(`<a href="/runs/${begun}">`));
  assert.ok(!html.includes(`"/runs/${waits}"`), "no link to a run that is not there");

  // The best of the finished runs, by hand.
  const finished = view.runs.filter(({ state }) => state === "finished")
    .sort((a, b) => (b.result?.bestAccuracy ?? 0) - (a.result?.bestAccuracy ?? 0));
  const ranked = tableOf(html, "sweep-ranking").filter((row) => row.length > 1).slice(1);
  assert.deepEqual(ranked.map(([, name]) => name), finished.map(({ run }) => run.name));
  const [best] = finished;
  assert.equal(
    ranked[0]?.[2],
    `${((best?.result?.bestAccuracy ?? 0) * 100).toFixed(2)} % of ${
      ((best?.result?.bestRemaining ?? 0) * 100).toFixed(1)
    } %`,
  );
  for (const command of ["resubmit rates", "cancel rates", "status rates", "logs rates RUN"]) {
    assert.ok(text.includes(`deno task sweep ${command}`), command);
  }
  assert.match(html, /class="live-note/, "a sweep that is not finished renews itself");
  assert.ok(!/<[^>]* style="/.test(html.replace(/<script[\s\S]*?<\/script>/g, "")), "no inline style");
  const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, own]) => own);
  assert.equal(new Set(ids).size, ids.length, "ids are unique");
  const targets = new Set(
    [...html.matchAll(/ href="(\/[^"#]*)/g)].map(([, path = ""]) => path.replaceAll("&amp;", "&")),
  );
  assert.ok(targets.size > 15);
  for (const path of targets) {
    const answer = await app.get(path);
    await answer.body?.cancel();
    assert.equal(answer.status, 200, path);
  }
});

Deno.test("a sweep of an experiment leads to the experiment, where there is one, and says the command that makes it again", async () => {
  using runs = new TemporaryFolder();
  await using sweep = await record(runs.path, { rates: [0.0012], seeds: [1], states: [] });
  const options = { scale: 0.1 };
  const write = async (name: string, key: string): Promise<void> => {
    const source = { type: "experiment", name, options } as const;
    await writeSweep(runs.path, { key, title: "", source, runs: sweep.runs });
  };
  await write("fig26", "fig26-scale-0.1");
  await write("paper", "paper-scale-0.1");
  await write("<gone>", "gone");
  await using app = await testApp(runs.path);
  const page = async (key: string): Promise<string> => await (await app.get(`/sweeps/${key}`)).text();
  const html = await page("fig26-scale-0.1");
  assert.match(html, /<h1>fig26-scale-0\.1<\/h1>/, "without a title it has its key");
  // Nothing is recorded of it as an experiment; by its name it is there all the same.
  assert.ok(html.includes('href="/experiments/fig26"'));
  assert.ok(textOf(html).includes("deno task sweep fig26 --scale 0.1"));
  assert.ok(!textOf(html).includes("resubmit"), "nothing is left of it");
  const own = [{ name: "LeNet", id: sweep.runs[0]?.id ?? null }];
  await writeExperiment(runs.path, { name: "fig26", key: "fig26-scale-0.1", options, runs: own });
  assert.ok((await page("fig26-scale-0.1")).includes('href="/experiments/fig26-scale-0.1"'));
  assert.ok((await (await app.get("/experiments/fig26-scale-0.1")).text()).includes('href="/sweeps/fig26-scale-0.1"'));
  assert.ok(!(await (await app.get("/experiments/fig26")).text()).includes('href="/sweeps/fig26'));
  assert.ok(textOf(await page("paper-scale-0.1")).includes("All figures of the paper"));
  const gone = await page("gone");
  assert.ok(!gone.includes("<gone>") && !gone.includes('href="/experiments/'));
});

Deno.test("the table of runs shows those of a state, a hundred at a time", async () => {
  using runs = new TemporaryFolder();
  const seeds = Array.from({ length: 250 }, (_, index) => index + 1);
  await using _sweep = await record(runs.path, {
    ...{ rates: [0.0012], seeds, states: seeds.map((seed) => seed === 1 ? "stopped" : "absent") },
  });
  await using app = await testApp(runs.path);
  const rowsAt = async (query: string): Promise<string[]> =>
    tableOf(await (await app.get(`/sweeps/rates${query}`)).text(), "sweep-runs").slice(1).map(([name]) => name ?? "");
  assert.equal((await rowsAt("")).length, 100);
  assert.deepEqual(await rowsAt("?state=stopped"), ["lr 0.0012, seed 1"]);
  const last = await rowsAt("?state=absent&page=3");
  assert.deepEqual([last.length, last.at(-1)], [49, "lr 0.0012, seed 250"]);
  assert.deepEqual(await rowsAt("?state=absent&page=99"), last, "beyond the last page is the last");
  assert.deepEqual(await rowsAt("?state=failed"), ["No run is failed."]);
  assert.equal((await rowsAt("?state=nonsense&page=-1")).length, 100);
});

Deno.test("a sweep's figures are files, and all of it is one for programs", async () => {
  using runs = new TemporaryFolder();
  await using sweep = await record(runs.path);
  await using app = await testApp(runs.path);
  const path = "/sweeps/rates/figures";
  for (const name of ["grid", "coordinates"]) {
    const svg = await app.get(`${path}/${name}.svg`);
    assert.equal(svg.headers.get("content-type"), "image/svg+xml");
    assert.equal(svg.headers.get("content-disposition"), `attachment; filename="rates-${name}.svg"`);
    const file = await svg.text();
    assert.match(file, /^<\?xml [^>]*>\n<svg [^>]*width="\d+"[\s\S]*<style>[\s\S]*<\/svg>\n$/);
    assert.ok(!file.includes("href="), "a file has no page to lead to");
    const { rows } = await (await app.get(`${path}/${name}.json`)).json();
    assert.equal(rows.length, 12);
  }
  const states: Record<string, string>[] = parse(await (await app.get(`${path}/grid.csv`)).text(), { columns: true });
  assert.deepEqual(states.map(({ state }) => state), everyState);
  const all: Record<string, string>[] = parse(
    await (await app.get("/api/sweeps/rates?format=csv")).text(),
    { columns: true },
  );
  const view = await app.dashboard.readSweep("rates");
  assert.deepEqual(all.map(({ run, id, lr, seed, bestAccuracy }) => [run, id, lr, seed, bestAccuracy]), [
    ...sweep.runs.map(({ name, id, config }, index) => [
      name,
      id,
      `${config.lr}`,
      `${config.seed}`,
      `${view?.runs[index]?.result?.bestAccuracy ?? ""}`,
    ]),
  ]);
  const json = await (await app.get("/api/sweeps/rates")).json();
  assert.deepEqual([json.key, json.counts.failed, json.runs[8].attempt.error], ["rates", 1, error]);
  assert.deepEqual(json.runs[8].settings, { lr: 0.0036, seed: 3 });
  for (const name of ["grid.pdf", "grid", "other.svg", "grid.svg.csv", "..%2fgrid.svg"]) {
    assert.equal((await app.get(`${path}/${name}`)).status, 404, name);
  }
  assert.equal((await app.get("/api/sweeps/rates?format=xml")).status, 400);
});

Deno.test("what is no sweep is not found, whatever its key", async () => {
  using runs = new TemporaryFolder();
  await using _sweep = await record(runs.path, { rates: [0.0012], seeds: [1], states: ["absent"] });
  await Deno.writeTextFile(`${runs.path}/sweep.json`, await Deno.readTextFile(`${runs.path}/sweeps/rates/sweep.json`));
  await using app = await testApp(runs.path);
  assert.equal((await app.get("/sweeps/rates")).status, 200);
  for (
    const key of ["nothing", "..%2fsweeps%2frates", "RATES", "rates%00", "rates%2fattempts", "%ff"]
  ) {
    for (const path of [`/sweeps/${key}`, `/sweeps/${key}/figures/grid.svg`, `/api/sweeps/${key}`]) {
      const { status } = await app.get(path);
      assert.ok(status === 404 || status === 400, `${path} gave ${status}`);
    }
  }
});

Deno.test("only the runs that have changed are read again", async () => {
  using runs = new TemporaryFolder();
  await using sweep = await record(runs.path, { seeds: [1] });
  const stateOf = (name: string): string => everyState[sweep.runs.findIndex((run) => run.name === name)] ?? "";
  assert.equal(stateOf("lr 0.0004, seed 1"), "finished");
  for (const { id } of sweep.runs) {
    await Deno.stat(`${runs.path}/${id}`).then(() => settle(`${runs.path}/${id}`), () => {});
  }
  await using app = await testApp(runs.path);
  const rows = new Map((await app.dashboard.listRuns()).map((row) => [row.id, row]));
  const views = new SweepViews(runs.path);
  const first = await views.read("rates", rows);
  const again = await views.read("rates", rows);
  assert.ok(first && again);
  first.runs.forEach((status, index) => assert.equal(again.runs[index], status, "the very same"));
  const [one, other] = sweep.runs;
  assert.ok(one && other);
  const attempt: Attempt = {
    ...{ schema: 1, id: one.id, submission: "2026-11-25T11-00-00-000Z", engine: "local", job: null, restarts: 0 },
    ...{ host: "desk", pid: 1, started: "2026-11-25T11:00:00.000Z", trained: null },
    ...{ ended: "2026-11-25T11:00:01.000Z", outcome: "failed", error: "No." },
  };
  await writeAttempt(runs.path, "rates", attempt);
  const third = await views.read("rates", rows);
  assert.equal(third?.runs[0]?.attempt?.host, "desk");
  assert.equal(third?.runs[1], first.runs[1], "nothing happened to the other");
  await writeSweep(runs.path, { key: "rates", title: "Fewer", source: first.record.source, runs: [other] });
  assert.deepEqual((await views.read("rates", rows))?.runs.map(({ run }) => run.name), [other.name]);
  views.clear();
});

Deno.test("what waits for the scheduler is what the newest submission says and no attempt has begun", async () => {
  using runs = new TemporaryFolder();
  await using sweep = await record(runs.path, {
    rates: [0.0012],
    seeds: [1, 2, 3],
    states: ["failed", "absent", "absent"],
  });
  const submit = async (name: string, engine: "slurm" | "local", job?: string): Promise<void> => {
    await writeSubmission(runs.path, {
      ...{
        schema: 1,
        sweep: "rates",
        name,
        engine,
        tasks: sweep.runs.slice(0, 2),
        ...(job === undefined ? {} : { job }),
      },
    });
  };
  await using app = await testApp(runs.path);
  const states = async (): Promise<(string | null | undefined)[][]> =>
    (await app.dashboard.readSweep("rates"))?.runs.map(({ state, job }) => [state, job]) ?? [];
  assert.deepEqual(await states(), [["failed", "812_0"], ["absent", null], ["absent", null]]);
  await submit("2026-11-25T08-00-00-000Z", "slurm", "800");
  assert.deepEqual(
    await states(),
    [["failed", "812_0"], ["waiting", "800_1"], ["absent", null]],
    "older than the attempt",
  );
  await submit("2026-11-25T12-00-00-000Z", "slurm", "900");
  assert.deepEqual(await states(), [["waiting", "900_0"], ["waiting", "900_1"], ["absent", null]]);
  // Nobody carries this one out any more, and it is the newest.
  await submit("2026-11-25T13-00-00-000Z", "local");
  assert.deepEqual(await states(), [["failed", "812_0"], ["absent", null], ["absent", null]]);
});

Deno.test("nothing is read that a link leads to", async () => {
  using runs = new TemporaryFolder();
  using elsewhere = new TemporaryFolder();
  await using sweep = await record(runs.path, { rates: [0.0012], seeds: [1, 2], states: ["failed", "finished"] });
  const folder = `${runs.path}/sweeps/rates`;
  const [failed, finished] = sweep.runs;
  assert.ok(failed && finished);
  const move = async (path: string): Promise<void> => {
    const away = `${elsewhere.path}/${path.replaceAll("/", "-")}`;
    await Deno.rename(`${runs.path}/${path}`, away);
    await link(away, `${runs.path}/${path}`);
  };
  await using app = await testApp(runs.path);
  const read = async () => (await app.dashboard.readSweep("rates"))?.runs;
  assert.deepEqual((await read())?.map(({ state }) => state), ["failed", "finished"]);
  await move(finished.id);
  assert.deepEqual((await read())?.map(({ state, result }) => [state, result === undefined]).at(1), ["absent", true]);
  await move(`sweeps/rates/attempts/${failed.id}`);
  assert.deepEqual((await read())?.map(({ attempt }) => attempt), [undefined, undefined]);
  assert.match((await read())?.[0]?.detail ?? "", /a link is in its place/);
  await move("sweeps/rates/sweep.json");
  assert.equal(await read(), undefined);
  await Deno.remove(`${folder}/sweep.json`);
  await Deno.rename(`${elsewhere.path}/sweeps-rates-sweep.json`, `${folder}/sweep.json`);
  assert.equal((await read())?.length, 2);
  await move("sweeps/rates");
  assert.equal(await read(), undefined);
  assert.equal((await app.get("/sweeps/rates")).status, 404);
  assert.ok(textOf(await (await app.get("/sweeps")).text()).includes("There is no sweep here yet."));
});

Deno.test("every state of a run has its word in the order of the tables", () => {
  assert.deepEqual([...new Set(everyState)].toSorted(), [...sweepRunStates].toSorted(), "the fixture has all of them");
});
