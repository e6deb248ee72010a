/** The page of adapters, by requests, with adapters that answer, do not, and take their time. */
import assert from "node:assert/strict";
import { driverWords } from "../../src/dashboard/words.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { testApp } from "./app.ts";
import { recordLargeRun } from "./fixtures.ts";

/** No adapter answers. */
const none = { requestAdapter: () => Promise.resolve(null) };

Deno.test("/adapter lists the adapters that computed runs, those with most runs first, with links", async () => {
  using folder = new TemporaryFolder();
  // The fixtures compute seed 3 on another adapter than the rest.
  const ids: string[] = [];
  for (const seed of [1, 2, 3]) ids.push(await recordLargeRun(folder.path, { levels: 1, evaluations: 3, seed }));
  await using app = await testApp(folder.path, { entry: none });
  const response = await app.get("/adapter");
  assert.equal(response.status, 200);
  const html = await response.text();
  for (const id of ids) assert.ok(html.includes(`href="/runs/${id}"`), id);
  const table = html.slice(html.indexOf('aria-label="Table of adapters"'));
  assert.ok(table.indexOf("llvmpipe") < table.indexOf("Radeon"), "the one with two runs is not first");
  assert.match(plain(html), /Runs were computed on 2 adapters/);
  assert.doesNotMatch(html, / style="/);
});

Deno.test("where no adapter answers the page says so, what to do, and stands with its runs", async () => {
  using folder = new TemporaryFolder();
  const id = await recordLargeRun(folder.path, { levels: 1, evaluations: 3 });
  await using app = await testApp(folder.path, { entry: none });
  const response = await app.get("/adapter");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("refresh"), null);
  const text = plain(await response.text());
  assert.match(text, /Nothing can be trained here now\. No WebGPU adapter answers/);
  assert.match(text, /install a Vulkan driver/);
  assert.match(text, /deno task doctor/);
  assert.ok(text.includes(id));
});

Deno.test("an adapter that throws does not fail the page", async () => {
  using folder = new TemporaryFolder();
  await using app = await testApp(folder.path, {
    entry: { requestAdapter: () => Promise.reject(new Error("the driver fell over")) },
  });
  const response = await app.get("/adapter");
  assert.equal(response.status, 200);
  assert.match(plain(await response.text()), /the driver fell over/);
});

Deno.test("an adapter that takes its time does not hold the page up: it comes without it and asks again", async () => {
  using folder = new TemporaryFolder();
  const id = await recordLargeRun(folder.path, { levels: 1, evaluations: 3 });
  const { promise, resolve } = Promise.withResolvers<null>();
  await using app = await testApp(folder.path, { entry: { requestAdapter: () => promise } });
  const began = performance.now();
  const response = await app.get("/adapter");
  assert.ok(performance.now() - began < 5_000);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("refresh") ?? "", /^\d+$/);
  const text = plain(await response.text());
  assert.match(text, /has not answered yet/);
  assert.ok(text.includes(id), "the runs wait for the adapter");
  resolve(null);
  const again = await app.get("/adapter");
  assert.equal(again.headers.get("refresh"), null);
  assert.match(plain(await again.text()), /Nothing can be trained here now/);
});

Deno.test("an empty folder has no adapter to list, and versions are there", async () => {
  using folder = new TemporaryFolder();
  await using app = await testApp(folder.path, { entry: none });
  const text = plain(await (await app.get("/adapter")).text());
  assert.match(text, /No run says who computed it/);
  assert.ok(text.includes(Deno.version.deno));
  assert.ok(text.includes(Deno.version.v8));
});

Deno.test("a driver that is a vendor's number is said with the vendor's name, where that is known", () => {
  // VK_VENDOR_ID_MESA of the Vulkan specification, and NVIDIA's number of the PCI-SIG.
  assert.equal(driverWords(String(0x10005)), "Mesa (vendor 65541)");
  assert.equal(driverWords(String(0x10de)), "NVIDIA (vendor 4318)");
  assert.equal(driverWords("7"), "vendor 7");
  assert.equal(driverWords("llvmpipe Mesa 25.0.7"), "llvmpipe Mesa 25.0.7");
  assert.equal(driverWords(""), "does not say");
});

function plain(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll("&#39;", "'").replaceAll("&amp;", "&").replaceAll(/\s+/g, " ");
}
