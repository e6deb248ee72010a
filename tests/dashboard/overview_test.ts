import assert from "node:assert/strict";
import { join } from "node:path";
import { isRunId } from "../../src/store/index.ts";
import { RunLock } from "../../src/store/lock.ts";
import { readTags } from "../../src/store/tags.ts";
import { type TestApp, testApp } from "./app.ts";
import { recordLargeRun, recordManyRuns } from "./fixtures.ts";

/** An app over a folder with so many runs. */
async function withRuns(
  count: number,
  use: (app: TestApp, ids: readonly string[], runs: string) => Promise<void>,
): Promise<void> {
  const runs = await Deno.makeTempDir({ dir: "/tmp" });
  try {
    const ids = await recordManyRuns(runs, count);
    await using app = await testApp(runs);
    await use(app, ids, runs);
  } finally {
    await Deno.remove(runs, { recursive: true });
  }
}

const scripted = { headers: { accept: "application/json" } };

/** Ids that a page links to from its table, in order. */
function idsIn(html: string): string[] {
  const table = html.slice(html.indexOf("<tbody"), html.indexOf("</tbody>"));
  return [...table.matchAll(/href="\/runs\/([^"/]+)"/g)].map(([, id = ""]) => id);
}

Deno.test("the overview lists every run with links that work without script", async () => {
  await withRuns(6, async (app, ids) => {
    const response = await app.get("/");
    assert.equal(response.status, 200);
    const html = await response.text();
    assert.deepEqual(idsIn(html).toSorted(), ids.toSorted());
    assert.match(html, /6 runs/);
    assert.match(html, /aria-sort="descending"/);
    assert.match(html, /href="\/\?sort=accuracy"/);
    assert.match(html, /href="\/api\/runs\?format=csv"/);
    assert.match(html, /<form[^>]*id="compare"[^>]*action="\/compare"/);
    for (const id of ids) assert.ok(html.includes(`name="runs" value="${id}"`), id);
    assert.doesNotMatch(html, / style=/);
  });
});

Deno.test("a page that failed offers the same address again, and what cannot be done does not", async () => {
  await withRuns(1, async (app) => {
    const refused = await (await app.get("/tickets?run=lenet-0000000000")).text();
    assert.doesNotMatch(refused, /Try again/);
    app.dashboard.listRuns = () => Promise.reject(new Error("Broken for a test."));
    const { error } = console;
    console.error = () => {};
    try {
      const response = await app.get("/?q=conv2&sort=size");
      assert.equal(response.status, 500);
      const [, address = ""] = /<a href="([^"]*)">Try again<\/a>/.exec(await response.text()) ?? [];
      assert.equal(address.replaceAll("&amp;", "&"), "/?q=conv2&sort=size");
    } finally {
      console.error = error;
    }
  });
});

Deno.test("the address sorts and filters, and asking for JSON gives the same rows", async () => {
  await withRuns(10, async (app) => {
    for (const address of ["/?sort=size&order=asc", "/?preset=lenet", "/?q=conv2", "/?sort=accuracy&state=finished"]) {
      const html = await (await app.get(address)).text();
      const response = await app.get(address, scripted);
      assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
      assert.equal(response.headers.get("vary"), "accept");
      const { rows } = await response.json();
      assert.deepEqual(idsIn(html), rows.map(({ id }: { id: string }) => id), address);
      assert.ok(rows.length > 0, address);
    }
    const html = await (await app.get("/?sort=size&order=asc")).text();
    const { rows } = await (await app.get("/?sort=size&order=desc", scripted)).json();
    assert.deepEqual(idsIn(html), rows.map(({ id }: { id: string }) => id).toReversed());
    assert.match(await (await app.get("/?q=nothing-like-it")).text(), /No run is like that/);
  });
});

Deno.test("a folder without runs says what to type and where it looked", async () => {
  await withRuns(0, async (app, _, runs) => {
    const html = await (await app.get("/")).text();
    assert.match(html, /There are no runs yet/);
    assert.match(html, /\.\/denow task lottery/);
    assert.match(html, /href="\/try"/);
    assert.ok(html.includes(runs));
  });
});

Deno.test("a damaged run stands in the table with what is wrong", async () => {
  await withRuns(2, async (app, [damaged = ""], runs) => {
    await Deno.writeTextFile(join(runs, damaged, "config.json"), "{");
    const { rows } = await (await app.get("/", scripted)).json();
    const row = rows.find(({ id }: { id: string }) => id === damaged);
    assert.equal(row?.state, "damaged");
    const html = await (await app.get("/")).text();
    assert.match(html, /badge damaged/);
    assert.match(html, /class="problem"/);
    assert.match(html, /1 damaged/);
  });
});

Deno.test("what writes is offered only to those who have shown the token", async () => {
  await withRuns(2, async (app, [id = ""]) => {
    const trusted = await (await app.get(`/?remove=${id}`)).text();
    assert.match(trusted, /<dialog[^>]* open/);
    assert.match(trusted, new RegExp(`action="/api/runs/${id}/remove"`));
    assert.match(trusted, /Add tags/);
    const others = await (await app.get(`/?remove=${id}&tags=${id}`, { isTrusted: false })).text();
    assert.doesNotMatch(others, /<dialog|\/remove"|Add tags|method="post"/);
    assert.match(others, /open the address with the token/);
    for (const action of ["tags", "remove", "stop"]) {
      const response = await app.post(`/api/runs/${id}/${action}`, {}, { isTrusted: false });
      assert.equal(response.status, 403, action);
      const foreign = await app.post(`/api/runs/${id}/${action}`, {}, {
        headers: { origin: "http://elsewhere.example" },
      });
      assert.equal(foreign.status, 403, action);
      assert.equal((await app.get(`/api/runs/${id}/${action}`)).status, 404, action);
    }
    assert.ok(idsIn(await (await app.get("/")).text()).includes(id));
  });
});

Deno.test("tags are put on a run, shown, filtered by, and refused in words when they are none", async () => {
  await withRuns(3, async (app, [id = ""], runs) => {
    const form = await (await app.get(`/?tags=${id}`)).text();
    assert.match(form, new RegExp(`action="/api/runs/${id}/tags"`));
    const response = await app.post(`/api/runs/${id}/tags`, { tags: " good , paper 5,, ", back: "/?tag=good" });
    assert.deepEqual([response.status, response.headers.get("location")], [303, "/?tag=good"]);
    assert.deepEqual(await readTags(join(runs, id)), ["good", "paper 5"]);
    const html = await (await app.get("/?tag=good")).text();
    assert.deepEqual(idsIn(html), [id]);
    assert.match(html, /href="\/\?tag=paper\+5"/);
    const refused = await app.post(`/api/runs/${id}/tags`, { tags: "<script>" }, scripted);
    assert.equal(refused.status, 400);
    assert.match((await refused.json()).error, /^Cannot use the tag "<script>"/);
    assert.deepEqual(await readTags(join(runs, id)), ["good", "paper 5"]);
    const page = await app.post(`/api/runs/${id}/tags`, { tags: "<script>" });
    assert.equal(page.status, 400);
    assert.match(await page.text(), /This cannot be done/);
    const cleared = await app.post(`/api/runs/${id}/tags`, { tags: "" }, scripted);
    assert.deepEqual(await cleared.json(), { tags: [] });
    assert.deepEqual(await readTags(join(runs, id)), []);
  });
});

Deno.test("a form sends its reader back within the dashboard, and nowhere else", async () => {
  await withRuns(1, async (app, [id = ""]) => {
    const backs = {
      "//elsewhere.example/": "/",
      "https://elsewhere.example/": "/",
      "/\\elsewhere.example": "/",
      "javascript:alert(1)": "/",
      "": "/",
      "/?page=2": "/?page=2",
      [`/runs/${id}`]: `/runs/${id}`,
    };
    for (const [back, location] of Object.entries(backs)) {
      const response = await app.post(`/api/runs/${id}/tags`, { tags: "", back });
      assert.equal(response.headers.get("location"), location, back);
    }
  });
});

Deno.test("a run is deleted with its folder, and no other", async () => {
  await withRuns(3, async (app, [id = "", ...others], runs) => {
    const response = await app.post(`/api/runs/${id}/remove`, {}, scripted);
    assert.deepEqual([response.status, await response.json()], [200, { removed: id }]);
    assert.deepEqual([...Deno.readDirSync(runs)].map(({ name }) => name).filter(isRunId).sort(), others.toSorted());
    assert.equal((await app.post(`/api/runs/${id}/remove`, {}, scripted)).status, 404);
    assert.deepEqual(idsIn(await (await app.get("/")).text()).toSorted(), others.toSorted());
  });
});

Deno.test("a running run is stopped, not deleted; one that is not running is not stopped", async () => {
  await withRuns(1, async (app, [finished = ""], runs) => {
    const id = await recordLargeRun(runs, { levels: 3, replicates: 1, evaluations: 10, trained: 1, seed: 77 });
    {
      await using _lock = await RunLock.acquire(join(runs, id, "lock"));
      const html = await (await app.get("/")).text();
      assert.match(html, new RegExp(`action="/api/runs/${id}/stop"`));
      assert.match(html, /1 running/);
      const refused = await app.post(`/api/runs/${id}/remove`, {}, scripted);
      assert.equal(refused.status, 409);
      assert.ok((await Deno.stat(join(runs, id, "config.json"))).isFile);
      const stopped = await app.post(`/api/runs/${id}/stop`, { back: "/?state=running" });
      assert.deepEqual([stopped.status, stopped.headers.get("location")], [303, "/?state=running"]);
      assert.ok((await Deno.stat(join(runs, id, "stop"))).isFile);
    }
    const early = await app.post(`/api/runs/${finished}/stop`, {}, scripted);
    assert.ok(early.status >= 400 && early.status < 500, String(early.status));
    await assert.rejects(Deno.stat(join(runs, finished, "stop")), Deno.errors.NotFound);
  });
});

Deno.test("writes with an id that is none touch nothing, whatever it looks like", async () => {
  await withRuns(1, async (app, [id = ""], runs) => {
    const outside = join(runs, "outside");
    await Deno.mkdir(outside);
    for (
      const own of [
        "outside",
        "..%2Foutside",
        "%2E%2E",
        `${id}%2F..%2F${id}`,
        `${id}%00`,
        "index.sqlite",
        "lenet-0000000000",
      ]
    ) {
      for (const action of ["tags", "remove", "stop"]) {
        const response = await app.post(`/api/runs/${own}/${action}`, { tags: "x" }, scripted);
        assert.equal(response.status, 404, `${own} ${action}`);
        await response.body?.cancel();
      }
    }
    assert.ok((await Deno.stat(outside)).isDirectory);
    assert.deepEqual([...Deno.readDirSync(outside)], []);
  });
});
