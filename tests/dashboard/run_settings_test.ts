/** The page of a run's settings, and the files it gives away, by requests. */
import assert from "node:assert/strict";
import { settings } from "../../src/lottery/config.ts";
import { parseConfig } from "../../src/lottery/config.ts";
import { commandOf } from "../../src/cli/lottery_command_line.ts";
import { planHashOf } from "../../src/lottery/plan_table.ts";
import { planTable } from "../../src/nn/plan.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { type TestApp, testApp } from "./app.ts";
import { dataDigest, recordLargeRun } from "./fixtures.ts";

async function withRun(body: (app: TestApp, id: string, folder: string) => Promise<void>): Promise<void> {
  using folder = new TemporaryFolder();
  const id = await recordLargeRun(folder.path, { levels: 2, replicates: 3, evaluations: 10, seed: 41 });
  await using app = await testApp(folder.path);
  await body(app, id, folder.path);
}

Deno.test("the page has the command, every setting, and marks exactly those that are not the preset's", async () => {
  await withRun(async (app, id, folder) => {
    const response = await app.get(`/runs/${id}/settings`);
    assert.equal(response.status, 200);
    const html = await response.text();
    assert.doesNotMatch(html, / style="/);
    const config = parseConfig(JSON.parse(await Deno.readTextFile(`${folder}/${id}/config.json`)));
    const command = commandOf(config, "config.json");
    const [, pre = ""] = /<pre[^>]*>(.*?)<\/pre>/s.exec(html) ?? [];
    assert.equal(pre.replaceAll(/<[^>]*>/g, ""), command);
    // A line ends between options, never within one.
    for (const option of command.split(/ (?=--)/).slice(1)) {
      assert.ok(pre.includes(`<span class="nowrap">${option}</span>`));
    }
    const table = html.slice(html.indexOf('aria-label="Table of settings"'), html.indexOf("</table>"));
    const rows = table.split("<tr").slice(2);
    assert.equal(rows.length, settings.length);
    for (const { flag } of settings) {
      const row = rows.find((own) => own.includes(`>${flag}</code>`));
      assert.ok(row, flag);
      assert.equal(row.includes('class="changed"'), command.includes(`${flag} `), flag);
    }
    const seed = rows.find((own) => own.includes(">--seed</code>"));
    assert.match(plain(seed ?? ""), /41 1 seed of replicate 1/);
  });
});

Deno.test("the page has what else it takes to make the run again", async () => {
  await withRun(async (app, id) => {
    const text = plain(await (await app.get(`/runs/${id}/settings`)).text());
    assert.match(text, /3 replicates, of seeds 41 to 43/);
    assert.match(text, /llvmpipe|Radeon/);
    assert.match(text, new RegExp(dataDigest), "the digest of the data");
    assert.match(text, new RegExp(`Plan table ${await planHashOf(planTable)} ?, shipped with the source`));
    assert.match(text, /1 process trained for it/);
    assert.match(text, /15\.1\.27\.0/, "V8's version");
    assert.match(text, /dense1 235,200 /);
    assert.match(text, /all 266,200 /);
    assert.match(text, /config\.json/);
    assert.match(text, /tickets\/ 0 files/);
  });
});

Deno.test("a run by a plan table of its own says where it came from, and its command takes it from the manifest", async () => {
  await withRun(async (app, id, folder) => {
    const own = { ...planTable, adapter: "<b>a card</b>", software: [] };
    const path = `${folder}/${id}/manifest.json`;
    const manifest = JSON.parse(await Deno.readTextFile(path));
    const changed = { ...manifest, planHash: await planHashOf(own), plan: { from: "<i>mine</i>.json", table: own } };
    await Deno.writeTextFile(path, JSON.stringify(changed));
    for (const page of [`/runs/${id}`, `/runs/${id}/settings`]) {
      const html = await (await app.get(page)).text();
      assert.doesNotMatch(html, /<[ib]>/, "what a file says is text");
      const text = plain(html).replaceAll("&lt;", "<").replaceAll("&gt;", ">");
      assert.ok(text.includes(`Plan table ${await planHashOf(own)} , from <i>mine</i>.json`), page);
    }
    const html = await (await app.get(`/runs/${id}/settings`)).text();
    assert.match(plain(html), /measured on &lt;b>a card|measured on &lt;b&gt;a card/);
    assert.match(plain(/<pre[^>]*>(.*?)<\/pre>/s.exec(html)?.[1] ?? ""), /--plan manifest\.json ?$/);
    assert.match(plain(html), /goes by a plan table of its own/);
  });
});

Deno.test("settings, manifest and summary are given away byte for byte, and no other file is", async () => {
  await withRun(async (app, id, folder) => {
    for (const name of ["config.json", "manifest.json", "summary.json"]) {
      const response = await app.get(`/runs/${id}/files/${name}`);
      assert.equal(response.status, 200, name);
      assert.deepEqual(await response.bytes(), await Deno.readFile(`${folder}/${id}/${name}`));
      assert.match(response.headers.get("content-disposition") ?? "", /^attachment/);
    }
    await Deno.writeTextFile(`${folder}/secret.json`, "{}");
    for (
      const path of [
        `${id}/files/metrics.jsonl`,
        `${id}/files/..%2fsecret.json`,
        `${id}/files/%2e%2e/secret.json`,
        `..%2f${id}/files/config.json`,
        "nope/files/config.json",
        `${id}/files/`,
      ]
    ) {
      const response = await app.get(`/runs/${path}`);
      assert.equal(response.status, 404, path);
      await response.body?.cancel();
    }
    await Deno.remove(`${folder}/${id}/summary.json`);
    const missing = await app.get(`/runs/${id}/files/summary.json`);
    assert.equal(missing.status, 404);
    assert.match(await missing.text(), /written at the end/);
  });
});

Deno.test("a run whose configuration cannot be read still has its page, with what is wrong and its files", async () => {
  await withRun(async (app, id, folder) => {
    await Deno.writeTextFile(`${folder}/${id}/config.json`, "{ torn");
    await using again = await testApp(folder);
    const response = await again.get(`/runs/${id}/settings`);
    assert.equal(response.status, 200);
    const text = plain(await response.text());
    assert.match(text, /config\.json/);
    assert.match(text, /What can be read of the run stands below/);
    assert.match(text, /llvmpipe|Radeon/, "the manifest is whole, and not shown");
    assert.doesNotMatch(text, /The command that makes it again/);
    const raw = await again.get(`/runs/${id}/files/config.json`);
    assert.equal(await raw.text(), "{ torn");
    assert.equal((await app.get(`/runs/${id}-2/settings`)).status, 404);
  });
});

Deno.test("an unknown run has no settings", async () => {
  await withRun(async (app) => {
    for (const id of ["lenet-0000000000", "..%2f..", "%00"]) {
      const response = await app.get(`/runs/${id}/settings`);
      assert.equal(response.status, 404, id);
      await response.body?.cancel();
    }
  });
});

function plain(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll("&#39;", "'").replaceAll("&amp;", "&").replaceAll(/\s+/g, " ");
}
