import assert from "node:assert/strict";
import type { Browser } from "npm:playwright-core@1.65.1";
import { browserTest } from "./chromium.ts";
import { type Visit, visiting, type VisitOptions } from "./visit.ts";

/** A page on which nothing is wrong. */
const good = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Good</title>
<script type="module" src="/script.js"></script></head><body><main><h1>Good</h1><p>Nothing is wrong.</p></main></body></html>`;

const script = `document.querySelector("h1").textContent = "Better";\n${"// Words that gzip well.\n".repeat(200)}`;

/** Serves a body as the page, and the script; visits it, and gives what went wrong. */
async function visitTo(
  browser: Browser,
  body: string,
  options: VisitOptions,
  use: (visit: Visit) => Promise<void>,
): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    const policy = "default-src 'self'";
    if (pathname === "/") {
      return new Response(good.replace("</main>", `${body}</main>`), {
        headers: { "content-type": "text/html", "content-security-policy": policy },
      });
    }
    if (pathname === "/script.js") return new Response(script, { headers: { "content-type": "text/javascript" } });
    if (pathname === "/favicon.ico") return new Response(null, { status: 204 });
    return new Response("Not found", { status: 404, headers: { "content-type": "text/html" } });
  });
  await visiting(browser, `http://127.0.0.1:${server.addr.port}`, "/", options, use);
}

browserTest("a visit to a good page finds nothing: no problems, no barriers, no overflow", async (browser) => {
  await visitTo(browser, "", { width: 390, scheme: "dark" }, async (visit) => {
    assert.equal(await visit.page.locator("h1").textContent(), "Better");
    assert.deepEqual(await visit.barriers(), []);
    assert.deepEqual(await visit.overflow(), []);
    assert.equal(await visit.page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches), true);
    assert.equal(await visit.page.evaluate(() => innerWidth), 390);
  });
});

browserTest("a visit weighs scripts as gzip does", async (browser) => {
  await visitTo(browser, "", {}, async (visit) => {
    const [first, ...others] = await visit.scripts();
    assert.deepEqual(others, []);
    assert.equal(first?.path, "/script.js");
    assert.equal(first.bytes, script.length);
    assert.ok(first.gzipBytes > 50 && first.gzipBytes < script.length / 10, `${first.gzipBytes} bytes`);
  });
});

const faults: readonly [what: string, body: string, problem: RegExp][] = [
  ["an inline style", `<p style="color: red">Red</p>`, /console error: .*[Cc]ontent [Ss]ecurity [Pp]olicy/],
  ["an inline script", `<script>document.title = "x"</script>`, /console error: .*[Cc]ontent [Ss]ecurity [Pp]olicy/],
  ["a file that is missing", `<img src="/missing.png" alt="Missing">`, /console error: Failed to load resource/],
  [
    "a request to another host",
    `<a href="http://localhost:1/">x</a>`,
    /request to another host: http:\/\/localhost:1\//,
  ],
];

for (const [what, body, problem] of faults) {
  browserTest(`a visit fails on ${what}`, async (browser) => {
    await assert.rejects(
      visitTo(browser, body, {}, async (visit) => {
        const link = visit.page.locator("a");
        if (await link.count() > 0) await link.click().catch(() => {});
        await visit.page.waitForTimeout(50);
      }),
      ({ message }: Error) => {
        assert.match(message, problem);
        return true;
      },
    );
  });
}

browserTest("a visit fails on exceptions and warnings, and on a status that is not the wanted one", async (browser) => {
  const run = (code: string) => async ({ page }: Visit) => {
    await page.evaluate(`setTimeout(() => { ${code} })`);
    await page.waitForTimeout(50);
  };
  await assert.rejects(visitTo(browser, "", {}, run(`throw new Error("lost")`)), /uncaught: lost/);
  await assert.rejects(visitTo(browser, "", {}, run(`console.warn("careful")`)), /console warning: careful/);
  await assert.rejects(visitTo(browser, "", { status: 404 }, run("")), /status of \//);
  await visitTo(browser, "", { expected: [/careful/] }, run(`console.warn("careful")`));
  // A document that must not be found is expected only where the visit says so.
  await assert.rejects(visitTo(browser, "", {}, (visit) => visit.goTo("/nowhere", 404)), /status of 404/);
});

browserTest("barriers and overflow name the elements", async (browser) => {
  const body =
    `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=" width="900" height="10" class="wide">`;
  const options: VisitOptions = { width: 390, expected: [/Content Security Policy/i] };
  await visitTo(browser, body, options, async (visit) => {
    const [barrier] = await visit.barriers();
    assert.match(barrier ?? "", /image-alt \(critical\).*img/);
    const [, element] = await visit.overflow();
    assert.match(element ?? "", /^img\.wide to 9\d\d$/);
  });
});

browserTest("a screenshot has the window's width and the page's height up to a limit", async (browser) => {
  const file = await Deno.makeTempFile({ dir: "/tmp", suffix: ".png" });
  const size = async (): Promise<[number, number]> => {
    const { buffer } = await Deno.readFile(file);
    return [new DataView(buffer).getUint32(16), new DataView(buffer).getUint32(20)];
  };
  try {
    await visitTo(browser, "<p>Line</p>".repeat(40), {}, async (visit) => {
      await visit.screenshot(file);
      const height = await visit.page.evaluate(() => document.documentElement.scrollHeight);
      assert.ok(height > 900);
      assert.deepEqual(await size(), [1440, height]);
      await visit.screenshot(file, 500);
      assert.deepEqual(await size(), [1440, 500]);
    });
  } finally {
    await Deno.remove(file);
  }
});
