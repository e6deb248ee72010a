/** The page that starts runs, by requests: what it shows, what it refuses, and where it leads. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Control, startedFolder } from "../../src/dashboard/control.ts";
import { controlGroups, controlWords } from "../../src/lottery/arms/groups.ts";
import { settings } from "../../src/lottery/config.ts";
import { runIds } from "../../src/store/index.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { origin, type TestApp, testApp } from "./app.ts";

/** A second of training, on 1,500 images that are made up. */
const tiny: Readonly<Record<string, string>> = {
  ...{ preset: "lenet-quick", dataset: "synthetic", width: "0.1", iterations: "300", evalEvery: "100", levels: "0" },
  ...{ controls: "none", batchSize: "20", saveFinals: "none" },
};

/** The app in a folder that the user is in, with the runs below it. */
async function inFolder(
  body: (app: TestApp, runs: string) => Promise<void>,
  options: Parameters<typeof testApp>[1] = { canControl: true },
): Promise<void> {
  using folder = new TemporaryFolder();
  const runs = join(folder.path, "runs");
  await Deno.mkdir(runs);
  const before = Deno.env.get("INIT_CWD");
  Deno.env.set("INIT_CWD", folder.path);
  try {
    await using app = await testApp(runs, options);
    await body(app, runs);
  } finally {
    if (before === undefined) Deno.env.delete("INIT_CWD");
    else Deno.env.set("INIT_CWD", before);
  }
}

/** The page as text, without tags and with entities resolved. */
function plain(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">").replaceAll("&amp;", "&").replaceAll(/\s+/g, " ");
}

/** The opening tag of the field of that id. */
function field(html: string, key: string): string {
  const tag = new RegExp(`<[a-z]+ [^>]*id="field-${key}"[^>]*>`).exec(html)?.[0];
  assert.ok(tag, `no field ${key}`);
  return tag;
}

Deno.test("/new has a field for every setting, labelled, with its flag, its range and the preset's value", async () => {
  await inFolder(async (app) => {
    const response = await app.get("/new?preset=conv2");
    assert.equal(response.status, 200);
    const html = await response.text();
    for (const { key, flag, wanted, kind } of settings) {
      assert.match(field(html, key), new RegExp(`aria-describedby="hint-${key}"`));
      assert.ok(html.includes(`<code>${flag}</code>`), flag);
      if (kind === "integer") assert.ok(plain(html).toLowerCase().includes(wanted), wanted);
    }
    assert.match(field(html, "lr"), /value="0.0002"/);
    assert.match(field(html, "iterations"), /value="20000"/);
    assert.match(html, /<option [^>]*selected[^>]*>conv2</);
    assert.doesNotMatch(html, / style="/);
    assert.match(html, /<form method="post" action="\/new"/);
  });
});

Deno.test("/new has a box for every control beside its title, and only groups with a chosen one are open", async () => {
  await inFolder(async (app) => {
    const html = await (await app.get("/new?preset=lenet&controls=snip,er")).text();
    const groups = html.slice(html.indexOf('id="field-controls"')).split("<details").slice(1, controlGroups.length + 1);
    for (const [index, { title, controls }] of controlGroups.entries()) {
      const group = groups[index] ?? "";
      assert.ok(plain(group).includes(title), title);
      assert.equal(/^[^>]* open/.test(group), controls.includes("snip") || controls.includes("er"), title);
      for (const control of controls) {
        const box = new RegExp(
          `<label[^>]*><input type="checkbox" name="controls" value="${control}"([^>]*)>(.*?)</label>`,
        )
          .exec(group);
        assert.equal(box?.[1]?.includes("checked"), control === "snip" || control === "er", control);
        assert.equal(plain(box?.[2] ?? "").trim(), `${control} ${controlWords(control)}`);
      }
    }
  });
});

Deno.test("without the permission, and without the token, /new says how to get it and has no form", async () => {
  await inFolder(async (app) => {
    const response = await app.get("/new");
    assert.equal(response.status, 200);
    const html = await response.text();
    assert.match(html, /deno task dashboard:control/);
    assert.doesNotMatch(html, /method="post"/);
    const refused = await app.post("/new", tiny);
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /deno task dashboard:control/);
  }, { canControl: false });
  await inFolder(async (app, runs) => {
    const html = await (await app.get("/new", { isTrusted: false })).text();
    assert.match(plain(html), /open the address that it printed/);
    assert.doesNotMatch(html, /method="post"/);
    assert.equal((await app.post("/new", tiny, { isTrusted: false })).status, 403);
    assert.equal((await app.post("/new", tiny, { headers: { origin: "http://elsewhere.example" } })).status, 403);
    assert.deepEqual([...Deno.readDirSync(runs)], []);
  });
});

Deno.test("a wrong value comes back with the command line's message at its field, and with all that was typed", async () => {
  await inFolder(async (app, runs) => {
    const response = await app.post("/new", { ...tiny, lr: "<b>fast</b>", levels: "3" });
    assert.equal(response.status, 422);
    const html = await response.text();
    const message = '--lr is "<b>fast</b>", and it must be a number above 0 and at most 100 (learning rate).';
    assert.equal(plain(html).split(message).length, 3, "at the top and at the field");
    assert.match(html, /<p class="problem" id="problem-lr">/);
    assert.match(field(html, "lr"), /aria-invalid="true"/);
    assert.match(field(html, "lr"), /aria-describedby="problem-lr hint-lr"/);
    assert.ok(html.includes('value="&lt;b>fast&lt;/b>"'));
    assert.match(field(html, "levels"), /value="3"/);
    assert.match(field(html, "iterations"), /value="300"/);
    assert.doesNotMatch(html, /<b>fast/);
    assert.deepEqual([...Deno.readDirSync(runs)], []);
  });
});

Deno.test("oversized and malformed bodies are refused, and nothing is started", async () => {
  await inFolder(async (app, runs) => {
    const send = async (body: BodyInit, headers: Readonly<Record<string, string>> = {}): Promise<number> => {
      const cookie = `winnow-${app.token.slice(0, 6)}=${app.token}`;
      const request = new Request(`${origin}/new`, { method: "POST", headers: { cookie, origin, ...headers }, body });
      return (await app.handler(request)).status;
    };
    const form = "application/x-www-form-urlencoded";
    assert.equal(await send(`preset=lenet&lr=${"1".repeat(300_000)}`, { "content-type": form }), 413);
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(97)),
    });
    assert.equal(await send(endless, { "content-type": form }), 413);
    assert.equal(await send("{}", { "content-type": "application/json" }), 400);
    assert.equal(await send("x", { "content-type": "multipart/form-data; boundary=y" }), 400);
    assert.equal(await send("preset=lenet&preset=conv2", { "content-type": form }), 400);
    assert.equal(await send("preset=lenet&runs=/etc", { "content-type": form }), 400);
    assert.equal(await send("preset=none", { "content-type": form }), 400);
    const file = new FormData();
    file.set("lr", new Blob(["1"]));
    assert.equal(await send(file), 400);
    assert.deepEqual([...Deno.readDirSync(runs)], []);
  });
});

// What the run says last is written before its process has ended, which nobody waits for.
const unwatched = { sanitizeOps: false, sanitizeResources: false };

Deno.test("a start leads to its run as soon as there is one, and the same once more is told", unwatched, async () => {
  await inFolder(async (app, runs) => {
    const response = await app.post("/new", tiny);
    assert.equal(response.status, 303, plain(await response.clone().text()));
    const path = response.headers.get("location") ?? "";
    assert.match(path, /^\/starts\/[0-9TZ-]+-lenet-quick$/);
    let waited = 0;
    for (let tries = 0;; tries++) {
      const start = await app.get(path);
      const html = await start.text();
      if (start.status === 303) {
        assert.equal(start.headers.get("location"), `/runs/${runIds(runs)[0]}`);
        break;
      }
      assert.equal(start.status, 200);
      if (start.headers.get("refresh") === null) {
        // So small a run may have ended between two looks.
        assert.match(plain(html), /Everything that was asked of run lenet-quick-/);
        break;
      }
      waited++;
      assert.match(html, /The run is starting/);
      assert.ok(tries < 1200, plain(html));
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.ok(waited > 0, "the first look comes before the folder");
    const [id = ""] = runIds(runs);
    const control = new Control({ runs });
    for (let tries = 0; (await control.read(path.slice("/starts/".length)))?.state !== "finished"; tries++) {
      assert.ok(tries < 600);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // Who opens the start later sees what it said; who was waiting for the run is led there, however quick it was.
    assert.equal((await app.get(path)).status, 200);
    const followed = await app.get(`${path}?follow`);
    assert.deepEqual([followed.status, followed.headers.get("location")], [303, `/runs/${id}`]);
    const again = await app.post("/new", tiny);
    assert.equal(again.status, 409);
    const html = await again.text();
    assert.match(plain(html), new RegExp(`A run of these settings is there already: ${id} , with everything`));
    assert.match(html, /name="existing" value="fresh"/);
    assert.doesNotMatch(html, /value="resume"/);
    const more = await (await app.post("/new", { ...tiny, levels: "1" })).text();
    assert.match(more, /name="existing" value="resume"/);
    assert.match(plain(more), /finished, with fewer levels/);
    assert.deepEqual(runIds(runs), [id]);
    const listed = await (await app.get("/new")).text();
    assert.match(plain(listed), /Started from here lately/);
    assert.equal([...Deno.readDirSync(join(runs, startedFolder))].length, 1);
  });
});

Deno.test("a start that there is not is a 404", async () => {
  await inFolder(async (app) => {
    for (const name of ["x", "2026-11-25T18-40-00-123Z-lenet", "..%2f..%2fetc"]) {
      assert.equal((await app.get(`/starts/${name}`)).status, 404);
    }
  });
});
