import assert from "node:assert/strict";
import { hasChromium, openChromium } from "./chromium.ts";
import type { PageResult } from "./kernel_page.ts";
import { visiting } from "./visit.ts";

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

/** Opens a page with this script in Chromium, and waits for what its `check()` comes to. */
async function inChromium(script: string): Promise<PageResult> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/favicon.ico") return new Response(null, { status: 204 });
    const isScript = pathname === "/kernel_page.js";
    return new Response(isScript ? script : "<!doctype html>", {
      headers: { "content-type": isScript ? "text/javascript" : "text/html" },
    });
  });
  // Chromium keeps WebGPU from software adapters.
  await using browser = await openChromium("--enable-unsafe-webgpu");
  return await visiting(browser, `http://127.0.0.1:${server.addr.port}`, "/", {}, ({ page }) =>
    // Compiling some thirty kernels takes seconds on an idle machine.
    page.evaluate(`import("/kernel_page.js").then(({ check }) => check())`));
}

Deno.test({
  name:
    "every kernel agrees with its reference in Chromium too: another compiler (Tint), WebGPU (Dawn) and driver (SwiftShader)",
  ignore: !hasChromium,
  async fn(): Promise<void> {
    const { adapter, checks } = await inChromium(await bundle());
    const files = [...Deno.readDirSync(new URL("../../kernels", import.meta.url))].map(({ name }) => name);
    assert.deepEqual(checks.map(({ kernel }) => `${kernel}.wgsl`).sort(), files.sort());
    for (const { kernel, error, tolerance, ok } of checks) {
      assert.ok(ok, `${kernel} on ${adapter.name}: ${error}, where ${tolerance} is right`);
    }
  },
});
