/** A level's page: its figures in words, its networks, layers, weights and pictures. */
import assert from "node:assert/strict";
import { describeLevel } from "../../src/dashboard/level_words.ts";
import { unbroken } from "../../src/dashboard/components/run_words.ts";
import type { ArmFigures, LevelFigures } from "../../src/analysis/outcome.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { testApp } from "./app.ts";
import { compactFrom, recordLargeRun } from "./fixtures.ts";
import { textOf } from "./page_text.ts";

function arm(
  own: Partial<ArmFigures> & { readonly stop: number; readonly there: number; readonly end: number },
): ArmFigures {
  const one = (mean: number) => ({ mean, minimum: mean, maximum: mean, count: 1 });
  return {
    arm: "ticket",
    earlyStop: one(own.stop),
    validationLoss: one(0.1),
    accuracyAtEarlyStop: one(own.there),
    accuracyAtEnd: one(own.end),
    censored: 0,
    diverged: 0,
    stepMs: 1,
    ...own,
  };
}

Deno.test("a level in words has its differences to the dense network and to the control, with the right signs", () => {
  const figures: LevelFigures[] = [
    { level: 0, remaining: 1, ticket: arm({ stop: 1000, there: 0.97, end: 0.98 }), controls: [] },
    {
      level: 2,
      remaining: 0.641,
      ticket: arm({ stop: 600, there: 0.975, end: 0.98 }),
      controls: [arm({ arm: "reinit", stop: 1200, there: 0.965, end: 0.97, censored: 1, diverged: 2 })],
    },
  ];
  assert.deepEqual(describeLevel(figures, 0), [
    "The dense network: early stop at iteration 1,000, test accuracy 97.00 % there and 98.00 % at the end.",
  ]);
  assert.deepEqual(describeLevel(figures, 2), [
    "With 64.1 % of the weights: early stop at iteration 600 (dense 1,000: 40 % earlier), test accuracy 97.50 % " +
    "(dense 97.00 %: +0.50 pp) there and 98.00 % (dense 98.00 %: ±0.00 pp) at the end.",
    "Reinit (ticket's mask, re-initialised): early stop at iteration 1,200 (the tickets' 600: 100 % later), test accuracy " +
    "96.50 % (the tickets' 97.50 %: −1.00 pp) there and 97.00 % (the tickets' 98.00 %: −1.00 pp) at the end.",
    "1 early stop fell on the last evaluation: the true one is there or later.",
    "2 networks diverged and count in no mean.",
  ]);
  assert.deepEqual(describeLevel(figures, 5), []);
  const [dense, pruned] = figures;
  assert.ok(dense && pruned);
  const controls = [
    arm({ arm: "reinit", stop: 1200, there: 0.965, end: 0.97 }),
    arm({ arm: "snip", stop: 600, there: 0.975, end: 0.97 }),
    arm({ arm: "er", stop: 450, there: 0.98, end: 0.97 }),
  ];
  assert.equal(
    describeLevel([dense, { ...pruned, controls }], 2)[1],
    "The controls' early stop and their test accuracy there, beside the tickets': reinit (ticket's mask, re-initialised) " +
      "100 % later, −1.00 pp; snip (SNIP) no later, ±0.00 pp; er (random, Erdős–Rényi densities) 25 % earlier, +0.50 pp.",
  );
});

Deno.test("a level's page has its words, every network with its numbers, every layer, and the levels beside it", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 3, replicates: 3, draws: 2, evaluations: 60, tickets: [2] });
  await using app = await testApp(runs.path);
  const run = await app.dashboard.readRun(id);
  const html = await (await app.get(`/runs/${id}/levels/2`)).text();
  const text = textOf(html);
  const sentences = describeLevel(run?.figures ?? [], 2);
  assert.ok(sentences.length >= 2);
  for (const sentence of sentences) assert.ok(text.includes(unbroken(sentence).replace(/\s+/g, " ")), sentence);
  let networks = 0;
  for (const { name, levels } of run?.summary?.arms ?? []) {
    for (const own of levels.find(({ level }) => level === 2)?.replicates ?? []) {
      networks++;
      assert.ok(text.includes(`${name} ${own.replicate}${name === "ticket" ? "" : `, draw ${own.draw}`}`));
      assert.ok(text.includes(own.earlyStopIteration?.toLocaleString("en") ?? "?"));
      assert.ok(text.includes(own.validationLossAtEarlyStop?.toFixed(4) ?? "?"));
    }
  }
  assert.equal(networks, 9);
  for (const { name, kept } of run?.summary?.arms[0]?.levels[2]?.layers ?? []) {
    assert.ok(text.includes(name) && text.includes(kept.toLocaleString("en")));
  }
  assert.ok(html.includes(`href="/runs/${id}/levels/1" rel="prev"`));
  assert.ok(html.includes(`href="/runs/${id}/levels/3" rel="next"`));
  assert.ok(!/<[^>]* style="/.test(html.replace(/<script[\s\S]*?<\/script>/g, "")), "no inline style");
});

Deno.test("a level's page says which kernels each layer ran", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 3, replicates: 1, evaluations: 20 });
  await using app = await testApp(runs.path);
  const kernels = async (level: number): Promise<string[]> => {
    const html = await (await app.get(`/runs/${id}/levels/${level}`)).text();
    const [, ...rows] = (/<table class="layers">[\s\S]*?<\/table>/.exec(html)?.[0] ?? "").split("<tr").slice(1);
    return rows.map((row) => textOf(row.split("<td").at(-1) ?? "").replace(/^[^>]*>/, "").trim());
  };
  assert.deepEqual(await kernels(2), ["masked-dense", "masked-dense", "masked-dense"]);
  assert.deepEqual(await kernels(compactFrom), ["compact", "compact", "masked-dense"]);
});

Deno.test("the network whose weights are shown is chosen in the address; one that there is none of is the first ticket", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 2, replicates: 2, evaluations: 30, tickets: [0, 1] });
  await using app = await testApp(runs.path);
  const picture = async (query: string): Promise<string> => {
    const html = await (await app.get(`/runs/${id}/levels/1${query}`)).text();
    return /\/figures\/weights\.svg\?([^"]*)"/.exec(html)?.[1]?.replaceAll("&amp;", "&") ?? "";
  };
  assert.equal(await picture(""), "arm=ticket&level=1&replicate=1&draw=1");
  assert.equal(await picture("?arm=reinit&replicate=2"), "arm=reinit&level=1&replicate=2&draw=1");
  assert.equal(await picture("?layer=dense2"), "arm=ticket&level=1&replicate=1&draw=1&layer=dense2");
  for (const query of ["?arm=nothing", "?replicate=9", "?arm=reinit&draw=7", "?replicate=../../x"]) {
    assert.equal(await picture(query), "arm=ticket&level=1&replicate=1&draw=1", query);
  }
  const dense = await (await app.get(`/runs/${id}/levels/0?arm=reinit`)).text();
  assert.match(dense, /figures\/weights\.svg\?arm=ticket/, "the dense level has no control");
});

Deno.test("a level in training has its curves and how far it is; one that has not begun is not found", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 4, replicates: 1, trained: 2, evaluations: 100 });
  await using app = await testApp(runs.path);
  const training = await app.get(`/runs/${id}/levels/2`);
  assert.equal(training.status, 200);
  const html = await training.text();
  assert.match(textOf(html), /This level is not trained yet: it is at iteration [\d,]+ of 10,000/);
  assert.match(html, /data-shown="networks"[^>]*hidden|hidden[^>]*data-shown="networks"/);
  for (const level of ["3", "77", "-1", "x", "1e0", "0x1", "%2e%2e"]) {
    const response = await app.get(`/runs/${id}/levels/${level}`);
    assert.equal(response.status, 404, level);
    assert.ok((await response.text()).includes("There is nothing here"), level);
  }
});

Deno.test("a network that diverged is told with when, and its weights' absence is said", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 2, replicates: 2, diverges: true, evaluations: 60 });
  await using app = await testApp(runs.path);
  const text = textOf(await (await app.get(`/runs/${id}/levels/2`)).text());
  assert.match(text, /diverged at [\d,]+/);
  assert.match(text, /1 network diverged and counts in no mean/);
  assert.match(text, /There are no histograms of ticket, level 2, replicate 1/);
});
