import assert from "node:assert/strict";
import type { PageResult } from "./kernel_page.ts";

/** Debian's package `chromium` puts it there; `.ci/run` installs it. */
const chromium = "/usr/bin/chromium";

/** No graphics card, no sandbox as root, no word to the outside; and WebGPU, which Chromium keeps from software adapters. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-unsafe-webgpu",
];

/** Compiling some thirty kernels takes seconds on an idle machine. */
const deadlineMs = 180_000;

async function bundle(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["bundle", "--quiet", "--platform", "browser", new URL("kernel_page.ts", import.meta.url).pathname],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  assert.ok(success, text.decode(stderr));
  return text.decode(stdout);
}

/** Opens a page of this script in Chromium and waits for what it sends back. */
async function inChromium(script: string): Promise<PageResult> {
  const { promise, resolve, reject } = Promise.withResolvers<PageResult>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/result") resolve(await request.json());
    if (pathname === "/failure") reject(new Error(`The page failed: ${await request.text()}`));
    const isScript = pathname === "/kernel_page.js";
    return new Response(isScript ? script : `<!doctype html><script type="module" src="/kernel_page.js"></script>`, {
      headers: { "content-type": isScript ? "text/javascript" : "text/html" },
    });
  });
  const profile = await Deno.makeTempDir({ dir: "/tmp", prefix: "winnow-chromium-" });
  const browser = new Deno.Command(chromium, {
    args: [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.addr.port}/`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  browser.status.then(({ code }) => reject(new Error(`Chromium ended with ${code} before the page was done.`)));
  const deadline = setTimeout(() => reject(new Error(`The page sent nothing in ${deadlineMs / 1000} s.`)), deadlineMs);
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    browser.kill("SIGTERM");
    await browser.status;
    await Deno.remove(profile, { recursive: true });
  }
}

Deno.test({
  name:
    "every kernel agrees with its reference in Chromium too: another compiler (Tint), WebGPU (Dawn) and driver (SwiftShader)",
  ignore: !await Deno.stat(chromium).then(() => true, () => false),
  async fn(): Promise<void> {
    const { adapter, checks } = await inChromium(await bundle());
    const files = [...Deno.readDirSync(new URL("../../kernels", import.meta.url))].map(({ name }) => name);
    assert.deepEqual(checks.map(({ kernel }) => `${kernel}.wgsl`).sort(), files.sort());
    for (const { kernel, error, tolerance, ok } of checks) {
      assert.ok(ok, `${kernel} on ${adapter.name}: ${error}, where ${tolerance} is right`);
    }
  },
});
