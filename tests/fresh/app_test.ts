import assert from "node:assert/strict";
import { App, csp, staticFiles } from "fresh";
import { Builder } from "fresh/dev";
import type { State } from "./project/utils.ts";

const root = new URL("project/", import.meta.url).href;
const apply = await new Builder<State>({ root }).build({ snapshot: "memory" });

function project(): App<State> {
  const app = new App<State>()
    .use((ctx) => {
      ctx.state.passed = [];
      return ctx.next();
    })
    .use(csp({ useNonce: true }), staticFiles())
    .fsRoutes();
  apply(app);
  return app;
}

const handler = project().handler();

function ask(path: string, init?: RequestInit): Promise<Response> {
  return handler(new Request(`http://127.0.0.1${path}`, init));
}

async function textOf(path: string, init?: RequestInit): Promise<string> {
  return await (await ask(path, init)).text();
}

Deno.test("a handler's data reaches its page, with the status and the headers that it gives", async () => {
  const response = await ask("/shelves/a%20b%2Fc");
  assert.equal(response.status, 202);
  assert.equal(response.headers.get("x-shelf"), "a%20b%2Fc");
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  assert.match(await response.text(), /<p title="\/shelves\/a%20b%2Fc">Shelf a b\/c<\/p>/);
});

Deno.test("a handler may answer by itself, and methods have handlers of their own", async () => {
  assert.equal(await textOf("/shelves/odd"), "odd");
  const posted = await ask("/shelves/7", { method: "POST", body: "content" });
  assert.deepEqual(await posted.json(), { id: "7", body: "content" });
  assert.equal(posted.headers.get("x-passed"), "root second shelves");
});

Deno.test("a method without a handler gives the page for what is not found", async () => {
  for (const method of ["PUT", "DELETE", "PATCH"]) assert.equal((await ask("/shelves/7", { method })).status, 404);
  assert.equal((await ask("/about", { method: "POST" })).status, 404);
});

Deno.test("HEAD is answered as GET, without the body", async () => {
  const response = await ask("/shelves/7", { method: "HEAD" });
  assert.equal(response.status, 202);
  assert.equal(response.headers.get("x-shelf"), "7");
  assert.equal(await response.text(), "");
});

Deno.test("a file's name says which paths it answers, and words come before names, names before the rest", async () => {
  assert.match(await textOf("/about"), /<p>About<\/p>/);
  assert.match(await textOf("/shelves/new"), /A new shelf/);
  assert.match(await textOf("/shelves/newer"), /Shelf newer/);
  assert.equal(await textOf("/shelves/a/b"), "GET a/b /shelves/:rest*");
  assert.equal(await textOf("/shelves/a/b", { method: "DELETE" }), "DELETE a/b /shelves/:rest*");
});

Deno.test("files that begin with an underscore answer no path", async () => {
  for (const path of ["/_app", "/_middleware", "/_404", "/_error", "/shelves/x/_middleware/y/.."]) {
    const response = await ask(path);
    assert.notEqual(response.headers.get("content-type"), null);
    assert.doesNotMatch(await response.text(), /<p>It failed/);
    if (!path.startsWith("/shelves")) assert.equal(response.status, 404, path);
  }
});

Deno.test("middlewares run from the app's to the deepest folder's, around what answers", async () => {
  assert.equal((await ask("/")).headers.get("x-passed"), "root second");
  const deep = await ask("/shelves/7");
  assert.equal(deep.headers.get("x-passed"), "root second shelves");
  assert.match(await deep.text(), /<title>root second shelves<\/title>/);
});

Deno.test("a redirect stays on this host, however the path begins", async () => {
  const response = await ask("/shelves/away");
  assert.equal(response.status, 303);
  assert.equal(response.headers.get("location"), "/elsewhere.example/shelf?a=//b");
});

Deno.test("an HttpError is answered by the error page with its status, within the app wrapper", async () => {
  const response = await ask("/shelves/gone");
  assert.equal(response.status, 410);
  const text = await response.text();
  assert.match(text, /<main><p>This shelf is gone\.<\/p><\/main>/);
  assert.match(text, /^<!DOCTYPE html><html lang="en">/);
});

Deno.test("another error is answered with 500, told to the terminal and not to the reader", async () => {
  const told: unknown[] = [];
  const error = console.error;
  console.error = (value: unknown) => told.push(value);
  try {
    const response = await ask("/shelves/broken");
    assert.equal(response.status, 500);
    const text = await response.text();
    assert.match(text, /It failed/);
    assert.doesNotMatch(text, /secret/);
  } finally {
    console.error = error;
  }
  assert.ok(told[0] instanceof TypeError && told[0].message === "a secret of the server");
});

Deno.test("what is not there is answered with 404 by its own page", async () => {
  const response = await ask("/nowhere");
  assert.equal(response.status, 404);
  assert.match(await response.text(), /<main><p>No \/nowhere<\/p><\/main>/);
});

Deno.test("an island stands between comments, with its props behind the page", async () => {
  const html = await textOf("/");
  assert.match(html, /<!--island:0--><button type="button" title="&lt;\/script>&lt;b>">3<\/button><!--\/island-->/);
  assert.match(html, /<!--island:1--><em>two<\/em><!--\/island-->/);
  // Props cannot end the element that they stand in.
  const data = /<script type="application\/json" id="fresh-islands">(.*?)<\/script>/.exec(html)?.[1] ?? "";
  assert.doesNotMatch(data, /</);
  assert.match(data, /\\u003c\/script>\\u003cb>/i);
  assert.equal(html.match(/<script type="module"/g)?.length, 1);
});

Deno.test("an island within another one is a plain component, and has no comments of its own", async () => {
  const html = await textOf("/");
  assert.match(
    html,
    /<!--island:2--><fieldset><button type="button" title="inner">9<\/button><\/fieldset><!--\/island-->/,
  );
  assert.equal(html.match(/<!--island:/g)?.length, 3);
});

Deno.test("a page without islands has no script", async () => {
  assert.doesNotMatch(await textOf("/about"), /<script|modulepreload/);
});

Deno.test("the scripts that a page names are served, with all that they import, for browsers to keep", async () => {
  const html = await textOf("/");
  const named = [...html.matchAll(/(?:href|src)="(\/_fresh\/js\/[^"]+)"/g)].map(([, path]) => path ?? "");
  assert.ok(named.length >= 3, html);
  const seen = new Set<string>();
  const open = [...named];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const response = await ask(path);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get("content-type"), "text/javascript; charset=utf-8");
    assert.match(response.headers.get("cache-control") ?? "", /immutable/);
    const code = await response.text();
    for (const [, target] of code.matchAll(/from\s*"(\.[^"]+)"/g)) {
      open.push(new URL(target ?? "", `http://127.0.0.1${path}`).pathname);
    }
  }
  // Preact is in a file that the islands share: two copies of it would not know each other.
  const copies = (await Promise.all([...seen].map((path) => textOf(path)))).filter((code) =>
    code.includes("__SECRET_INTERNALS") || code.includes("insertBefore(") && code.includes("_children") ||
    /\b__k\b/.test(code)
  );
  assert.ok(seen.size >= 4);
  assert.equal(copies.filter((code) => code.includes("componentWillUnmount")).length, 1);
});

Deno.test("static files are served with a tag, from a closed list", async () => {
  const response = await ask("/styles.css");
  assert.equal(response.headers.get("content-type"), "text/css; charset=utf-8");
  assert.equal(response.headers.get("cache-control"), "no-cache");
  const etag = response.headers.get("etag") ?? "";
  assert.equal(await response.text(), "body {\n  color: black;\n}\n");
  const again = await ask("/styles.css", { headers: { "if-none-match": `"other", W/${etag}` } });
  assert.equal(again.status, 304);
  assert.equal((await ask("/styles.css", { method: "POST" })).status, 405);
  assert.equal(await textOf("/deep/note.txt"), "deep\n");
  for (const path of ["/.secret", "/deep", "/..%2fdeno.json", "/deep/..%2f..%2fapp_test.ts", "/%2e%2e/app_test.ts"]) {
    assert.equal((await ask(path)).status, 404, path);
  }
});

Deno.test("asset() gives a path that is kept for a year, and only this build's", async () => {
  const path = /href="(\/styles\.css\?[^"]+)"/.exec(await textOf("/about"))?.[1] ?? "";
  assert.match((await ask(path)).headers.get("cache-control") ?? "", /immutable/);
  assert.equal((await ask(`${path}0`)).headers.get("cache-control"), "no-cache");
});

Deno.test("inline scripts have the nonce of their own response, and the policy allows no other", async () => {
  const nonces = new Set<string>();
  for (let attempt = 0; attempt < 3; attempt++) {
    const response = await ask("/");
    const policy = response.headers.get("content-security-policy") ?? "";
    const nonce = /script-src 'self' 'nonce-([^']+)'/.exec(policy)?.[1] ?? "";
    assert.ok(nonce.length >= 32);
    assert.doesNotMatch(policy, /unsafe-inline/);
    assert.match(await response.text(), new RegExp(`<script nonce="${nonce}">0</script>`));
    nonces.add(nonce);
  }
  assert.equal(nonces.size, 3);
});

Deno.test("an app without a build says what is missing", () => {
  assert.throws(() => new App<State>().fsRoutes().handler(), /Builder\.build\(\)/);
});

Deno.test("a middleware behind the routes is refused, since it would never run", () => {
  assert.throws(() => new App<State>().fsRoutes().use((ctx) => ctx.next()), /before fsRoutes/);
});

Deno.test("requests at the same time do not see each other's state", async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => textOf(`/shelves/${index}`)));
  answers.forEach((html, index) => assert.match(html, new RegExp(`Shelf ${index}</p>`)));
  for (const html of answers) assert.match(html, /<title>root second shelves<\/title>/);
});
