/**
 * A real Chromium for tests.
 *
 * @module
 */
import type { Browser } from "npm:playwright-core@1.65.1";
import { chromium } from "./npm_in_deno.ts";

/** Debian's package `chromium` puts it there; `.ci/run` installs it. */
const executablePath = "/usr/bin/chromium";

/** No sandbox, since CI is root; no graphics card; no word to the outside, not even a name that is looked up. */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/** Whether there is a Chromium here; tests that need one are ignored where there is none. */
export const hasChromium = await Deno.stat(executablePath).then(() => true, () => false);

/**
 * Starts Chromium without a window, with an empty profile below /tmp.
 *
 * @param more Further flags.
 */
export function openChromium(...more: string[]): Promise<Browser> {
  return chromium.launch({ executablePath, args: [...args, ...more], env: {}, timeout: 60_000 });
}

let shared: Promise<Browser> | undefined;

/**
 * Registers a test that gets the one Chromium of its file, started with the first of them and closed after the last. Where
 * there is no Chromium the test is ignored.
 *
 * @param name What is tested, as a sentence.
 * @param fn The test.
 */
export function browserTest(name: string, fn: (browser: Browser) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasChromium,
    // The browser outlives each test of its file, and talks all the time.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => await fn(await (shared ??= openChromium())),
  });
  isRegistered ||= registerEnd();
}

let isRegistered = false;

function registerEnd(): true {
  Deno.test.afterAll(async () => {
    await (await shared)?.close();
  });
  return true;
}
