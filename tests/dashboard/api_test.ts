/** The routes for programs: curves, exports and events, and what they answer to what nobody should ask. */
import assert from "node:assert/strict";
import { parse } from "npm:csv-parse@6.1.0/sync";
import { runsCommand } from "../../src/cli/runs.ts";
import { curvesCsv } from "../../src/dashboard/responses.ts";
import { recordRun } from "../store/recorded_runs.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { rememberingConsole } from "../cli/console.ts";
import { testApp } from "./app.ts";
import { recordLargeRun } from "./fixtures.ts";

/** What `runs export` prints. */
async function exported(runs: string, ...args: string[]): Promise<string> {
  const console = rememberingConsole();
  assert.equal(await runsCommand(["export", ...args, "--runs", runs], { console }), 0);
  return console.output();
}

Deno.test("exports are those of `runs export`, of one run and of all, as CSV and as JSON", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { replicates: 2 });
  await recordRun(runs.path, { seed: 5 }, { levels: 1 });
  const damaged = await recordRun(runs.path, { seed: 6 });
  await Deno.writeTextFile(`${runs.path}/${damaged}/config.json`, "{");
  await using app = await testApp(runs.path);
  const text = async (path: string): Promise<string> => {
    const response = await app.get(path);
    assert.equal(response.status, 200, path);
    const type = path.includes("csv") ? "text/csv; charset=utf-8" : "application/json; charset=utf-8";
    assert.equal(response.headers.get("content-type"), type);
    assert.match(response.headers.get("content-disposition") ?? "", /^attachment; filename="[\w.-]+\.(?:csv|json)"$/);
    return await response.text();
  };
  for (const table of ["levels", "metrics"]) {
    assert.equal(
      await text(`/api/runs/${id}/export?table=${table}&format=csv`),
      await exported(runs.path, id, "--table", table),
    );
  }
  assert.equal(await text("/api/runs?format=csv"), await exported(runs.path, "--all"));
  const both = JSON.parse(await exported(runs.path, id, "--format", "json"));
  const [{ levels, metrics, ...about }] = both.runs;
  assert.ok(levels.length > 0 && metrics.length > 0);
  assert.deepEqual(JSON.parse(await text(`/api/runs/${id}/export`)), { schema: 1, runs: [{ ...about, levels }] });
  assert.deepEqual(JSON.parse(await text(`/api/runs/${id}/export?table=metrics&format=json`)), {
    schema: 1,
    runs: [{ ...about, metrics }],
  });
  const all = JSON.parse(await text("/api/runs?format=json"));
  assert.deepEqual(all.runs.length, 2);
  const refused = await app.get(`/api/runs/${damaged}/export`);
  assert.equal(refused.status, 409);
  assert.match(await refused.text(), /^Cannot export .*config\.json/);
});

Deno.test("JSON that is written in pieces is what JSON.stringify() writes at once, with no run and with empty tables too", async () => {
  using runs = new TemporaryFolder();
  const none = await exported(runs.path, "--all", "--format", "json");
  assert.equal(none.trimEnd(), JSON.stringify({ schema: 1, runs: [] }, null, 2));
  await recordRun(runs.path);
  const empty = await recordRun(runs.path, { seed: 2, controls: [] }, { levels: 1 });
  for (const name of ["checkpoint.safetensors", "metrics.jsonl"]) await Deno.remove(`${runs.path}/${empty}/${name}`);
  const text = await exported(runs.path, "--all", "--format", "json");
  assert.equal(text.trimEnd(), JSON.stringify(JSON.parse(text), null, 2));
  assert.match(text, /"levels": \[\],\n {6}"metrics": \[\]\n/);
});

Deno.test("a large run's metrics come in many pieces", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 3, replicates: 2, evaluations: 500 });
  await using app = await testApp(runs.path);
  const response = await app.get(`/api/runs/${id}/export?table=metrics&format=csv`);
  let pieces = 0;
  let longest = 0;
  let lines = 0;
  for await (const piece of response.body ?? []) {
    pieces++;
    longest = Math.max(longest, piece.length);
    lines += piece.filter((byte) => byte === 0x0a).length;
  }
  assert.equal(lines, 1 + (4 * 2 + 3 * 2) * 501);
  assert.ok(pieces > 5 && longest < 400_000, `${pieces} pieces, the longest of ${longest} bytes`);
});

Deno.test("curves are answered as JSON and as CSV of the same points", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 2, replicates: 2, evaluations: 20, diverges: true });
  await using app = await testApp(runs.path);
  const path = `/api/runs/${id}/curves?metric=validationLoss&arms=ticket,reinit&levels=0,2&networks=mean`;
  const { curves, query, run } = await (await app.get(path)).json();
  assert.deepEqual([run, query], [
    id,
    { metric: "validationLoss", arms: ["ticket", "reinit"], levels: [0, 2], networks: "mean" },
  ]);
  assert.deepEqual(
    curves,
    await app.dashboard.readCurves(id, {
      metric: "validationLoss",
      arms: ["ticket", "reinit"],
      levels: [0, 2],
      networks: "mean",
    }),
  );
  const csv = await (await app.get(`${path}&format=csv`)).text();
  assert.equal(csv, curvesCsv(curves ?? [], "validationLoss"));
  const [header = [], ...rows]: string[][] = parse(csv);
  assert.deepEqual(header, [
    "arm",
    "level",
    "remaining",
    "replicate",
    "draw",
    "iteration",
    "validationLoss",
    "minimum",
    "maximum",
  ]);
  assert.equal(rows.length, 3 * 21);
  const each = await (await app.get(`/api/runs/${id}/curves?networks=each&levels=2&arms=ticket&metric=trainLoss`))
    .json();
  const [first, second] = each.curves;
  assert.equal(first.divergedAt, 700);
  assert.ok(first.values.slice(7).every((value: number | null) => value === null));
  assert.equal(second.divergedAt, null);
});

Deno.test("what is asked wrongly is a line that says what is wanted, and an unknown run is not found", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await using app = await testApp(runs.path);
  const wrong: [path: string, status: number, message: RegExp][] = [
    [`/api/runs/${id}/curves?metric=loss`, 400, /^metric is "loss": give one of testAccuracy, .*\.\n$/],
    [`/api/runs/${id}/curves?arms=tickets`, 400, /^arms has "tickets": give some of ticket, reinit/],
    [`/api/runs/${id}/curves?levels=1,-2`, 400, /^levels has "-2": give whole numbers/],
    [`/api/runs/${id}/curves?levels=1e9`, 400, /^levels has "1e9"/],
    [`/api/runs/${id}/curves?networks=some`, 400, /^networks is "some": give one of mean, each/],
    [`/api/runs/${id}/curves?format=xml`, 400, /^format is "xml": give one of json, csv/],
    [`/api/runs/${id}/export?table=runs`, 400, /^table is "runs": give one of levels, metrics/],
    ["/api/runs?table=%0Ametrics", 400, /^table is "\\nmetrics": give one of levels, runs/],
    ["/api/runs/lenet-0123456789/curves", 404, /^There is no run "lenet-0123456789"/],
    ["/api/runs/..%2f..%2fetc/curves", 404, /./],
    ["/api/runs/..%5c../export", 404, /^There is no run/],
    [`/api/runs/${id}%00/export`, 404, /^There is no run/],
    [`/api/runs/${"a".repeat(3000)}/curves`, 404, /^There is no run/],
  ];
  for (const [path, status, message] of wrong) {
    const response = await app.get(path);
    const text = await response.text();
    assert.equal(response.status, status, path);
    assert.match(text, message, path);
    assert.ok(text.length < 20_000);
  }
});

Deno.test("the rows of all runs come with the version that their events go on from", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path);
  await using app = await testApp(runs.path);
  const { version, runs: rows } = await (await app.get("/api/runs?table=runs")).json();
  assert.deepEqual(rows, await app.dashboard.listRuns());
  assert.equal(version, app.dashboard.version);
  const controller = new AbortController();
  const headers = { cookie: `winnow-${app.token.slice(0, 6)}=${app.token}` };
  const request = new Request(`http://127.0.0.1:8000/api/events?runs=${id},..,none`, {
    headers,
    signal: controller.signal,
  });
  const response = await app.handler(request);
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("hello")) text += (await reader?.read())?.value ?? "";
  assert.match(text, new RegExp(`event: hello\\ndata: {"type":"hello","version":"${version}"}`));
  await reader?.cancel();
  assert.equal(app.dashboard.listeners, 0);
});
