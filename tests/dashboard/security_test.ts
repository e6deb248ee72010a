import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { readForm } from "../../src/dashboard/security.ts";
import { origin, type TestApp, testApp } from "./app.ts";

/** The app over an empty folder. */
async function withApp(
  body: (app: TestApp) => Promise<void>,
  options: Parameters<typeof testApp>[1] = {},
): Promise<void> {
  const runs = await Deno.makeTempDir({ prefix: "winnow-security-" });
  try {
    await using app = await testApp(runs, options);
    await body(app);
  } finally {
    await Deno.remove(runs, { recursive: true });
  }
}

/** A write that no route answers: 404 says that it was let through. */
function write({ handler }: TestApp, headers: Readonly<Record<string, string>>, body = ""): Promise<Response> {
  return handler(new Request(`${origin}/api/nothing`, { method: "POST", headers, body }));
}

const admitted = 404;

Deno.test("a write needs the token of this start, whatever else it brings", async () => {
  await withApp(async (app) => {
    const cookie = (token: string): string => `winnow-${app.token.slice(0, 6)}=${token}`;
    const own = { origin, cookie: cookie(app.token) };
    assert.equal((await write(app, own)).status, admitted);
    assert.equal((await write(app, { "x-winnow-token": app.token })).status, admitted);
    assert.equal((await write(app, { origin })).status, 403);
    assert.equal((await write(app, { "x-winnow-token": "" })).status, 403);
    for (const wrong of ["", app.token.slice(1), `${app.token}0`, app.token.toUpperCase(), app.token.repeat(2)]) {
      assert.equal((await write(app, { origin, cookie: cookie(wrong) })).status, 403, wrong);
      assert.equal((await write(app, { origin, "x-winnow-token": wrong })).status, 403, wrong);
    }
  });
});

Deno.test("no token that a stranger thinks of lets a write through", async () => {
  await withApp(async (app) => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[!-~]{1,40}$/), async (guess) => {
        fc.pre(guess !== app.token);
        assert.equal((await write(app, { origin, "x-winnow-token": guess })).status, 403);
      }),
      { numRuns: 50 },
    );
  });
});

Deno.test("a write of another site is refused although the browser sent the cookie", async () => {
  await withApp(async (app) => {
    const cookie = `winnow-${app.token.slice(0, 6)}=${app.token}`;
    const others = [
      "http://elsewhere.example",
      "http://127.0.0.1:8001",
      "http://127.0.0.1.elsewhere.example:8000",
      "null",
      "",
      "127.0.0.1:8000",
    ];
    for (const other of others) {
      const response = await write(app, { origin: other, cookie });
      assert.equal(response.status, 403, other);
      assert.match(await response.text(), /another site/);
    }
    // A form of another site without Origin, as old browsers sent it.
    assert.equal((await write(app, { cookie })).status, 403);
  });
});

Deno.test("a name that was made to point here is not answered, so that its pages read nothing", async () => {
  await withApp(async ({ handler }) => {
    for (
      const host of ["elsewhere.example:8000", "127.0.0.1.elsewhere.example", "0.0.0.0:8000", "127.0.0.1@x.example"]
    ) {
      const response = await handler(new Request(`${origin}/`, { headers: { host } }));
      assert.equal(response.status, 421, host);
    }
    for (const host of ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.0.0.1"]) {
      assert.equal((await handler(new Request(`${origin}/`, { headers: { host } }))).status, 200, host);
    }
  });
});

Deno.test("the address with the token gives a cookie and leaves the address; a wrong one gives nothing", async () => {
  await withApp(async ({ handler, token }) => {
    const response = await handler(new Request(`${origin}/compare?runs=a&token=${token}&at=end`));
    assert.equal(response.status, 303);
    assert.equal(response.headers.get("location"), "/compare?runs=a&at=end");
    const cookie = response.headers.get("set-cookie") ?? "";
    assert.match(cookie, /; HttpOnly/);
    assert.match(cookie, /; SameSite=Strict/);
    assert.doesNotMatch(cookie, /Domain=/i);
    const wrong = await handler(new Request(`${origin}/?token=${token}0`));
    assert.equal(wrong.status, 403);
    assert.equal(wrong.headers.get("set-cookie"), null);
  });
});

Deno.test("on 127.0.0.1 everybody reads; on another address reading needs the token as well, and the answer says so", async () => {
  await withApp(async ({ get }) => {
    assert.equal((await get("/", { isTrusted: false })).status, 200);
  });
  await withApp(async ({ get, handler, token }) => {
    for (const path of ["/", "/styles.css", "/api/events", "/nothing"]) {
      const refused = await get(path, { isTrusted: false, headers: { host: "gpu.example:8000" } });
      assert.equal(refused.status, 401, path);
      assert.match(await refused.text(), /token/);
    }
    assert.equal((await get("/", { headers: { host: "gpu.example:8000" } })).status, 200);
    const shown = await handler(new Request(`http://gpu.example:8000/?token=${token}`));
    assert.equal(shown.status, 303);
  }, { host: "0.0.0.0" });
});

Deno.test("no path leads out of the served folders, however it is written", async () => {
  await withApp(async ({ get, dashboard }) => {
    await Deno.writeTextFile(`${dashboard.runs}/secret.txt`, "secret");
    const paths = [
      "/../deno.json",
      "/%2e%2e/deno.json",
      "/..%2fdeno.json",
      "/static/..%5cdeno.json",
      "/runs/..%2fsecret.txt",
      "/runs/%2e%2e%2fsecret.txt/settings",
      "/runs/secret.txt",
      "/api/runs/..%2f..%2fetc%2fpasswd/curves",
      "/api/runs/%00/curves",
      "/runs/lenet-0123456789%2f..%2f..",
      "/sweeps/..%2fsecret.txt",
      "/sweeps/..%2f..%2fetc%2fpasswd/figures/grid.svg",
      "/sweeps/x/figures/..%2f..%2fsecret.txt",
      "/api/sweeps/..%2fsecret.txt",
      "/api/sweeps/%2e%2e%2fsecret.txt?format=csv",
      "/_fresh/js/../../deno.json",
      "/%",
      "/%ff%fe",
    ];
    for (const path of paths) {
      const response = await get(path);
      assert.ok(response.status === 404 || response.status === 400, `${path} gave ${response.status}`);
      assert.doesNotMatch(await response.text(), /secret<|root:|"compilerOptions"/);
    }
  });
});

Deno.test("no request of any form makes the dashboard fail", async () => {
  await withApp(async (app) => {
    const path = fc.array(
      fc.constantFrom(
        "runs",
        "sweeps",
        "figures",
        "grid.svg",
        "api",
        "..",
        "%2e",
        "%",
        "levels",
        "0",
        "lenet-0123456789",
        "\u00e9",
        "?",
        "=",
      ),
    );
    const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH");
    await fc.assert(
      fc.asyncProperty(path, method, fc.string({ maxLength: 40 }), async (parts, own, query) => {
        const url = `${origin}/${parts.join("/")}?q=${encodeURIComponent(query)}`;
        const headers = { origin, "x-winnow-token": app.token, "content-type": "text/plain" };
        const response = await app.handler(new Request(url, { method: own, headers }));
        await response.body?.cancel();
        assert.ok(response.status < 500, `${own} ${url} gave ${response.status}`);
      }),
      { numRuns: 150 },
    );
  });
});

Deno.test("every answer has a strict policy and says what it is, the refusals as well", async () => {
  await withApp(async (app) => {
    const responses = [
      await app.get("/"),
      await app.get("/nothing"),
      await app.get("/styles.css"),
      await app.get("/", { headers: { host: "elsewhere.example" } }),
      await write(app, {}),
    ];
    for (const response of responses) {
      const policy = response.headers.get("content-security-policy") ?? "";
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|https?:|\*/);
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.equal(response.headers.get("referrer-policy"), "same-origin");
      await response.body?.cancel();
    }
  });
});

Deno.test("a body that is too large is refused before it is read, or where it says nothing, while it is", async () => {
  await withApp(async (app) => {
    const large = "x".repeat(300_000);
    assert.equal((await write(app, { "x-winnow-token": app.token, "content-length": "300000" }, large)).status, 413);
  });
  let given = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      given += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  await assert.rejects(readForm(new Request(origin, { method: "POST", body: endless })), {
    name: "HttpError",
    status: 413,
  });
  assert.ok(given <= 6 * 65_536, `${given} bytes were taken`);
});

Deno.test("a body that is no form is refused with 400; forms of both kinds are read", async () => {
  const form = (body: BodyInit, type: string): Promise<FormData> =>
    readForm(new Request(origin, { method: "POST", body, headers: { "content-type": type } }));
  assert.equal((await form("a=1&b=%C3%A9", "application/x-www-form-urlencoded")).get("b"), "é");
  const data = new FormData();
  data.set("a", "ü");
  assert.equal((await readForm(new Request(origin, { method: "POST", body: data }))).get("a"), "ü");
  for (const type of ["text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=x"]) {
    await assert.rejects(form("--y\r\nnonsense", type), { name: "HttpError", status: 400 }, type);
  }
});
