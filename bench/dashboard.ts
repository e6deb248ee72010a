/**
 * The dashboard's pages in Chromium: how long until their first byte, until they are usable (their islands alive), and how much
 * script they load; of an overview of 1,000 runs, of a run as large as the paper's, and of a sweep of the 1,000. The server is the
 * task `dashboard`, in a process of its own.
 *
 * Run: `deno task bench:dashboard`
 *
 * @module
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "npm:playwright-core@1.65.1";
import project from "../deno.json" with { type: "json" };
import { openChromium } from "../tests/browser/chromium.ts";
import { visiting } from "../tests/browser/visit.ts";
import { parseConfig } from "../src/lottery/config.ts";
import { writeSweep } from "../src/store/sweeps.ts";
import { recordLargeRun, recordManyRuns } from "../tests/dashboard/fixtures.ts";
import { spread } from "./spread.ts";

/** Visits that are measured, after one that is not. */
const visits = 9;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What one visit took, in milliseconds since it was asked for; and the script that it loaded, in bytes after gzip. */
interface VisitTimes {
  readonly firstByte: number;
  readonly usable: number;
  readonly scriptBytes: number;
  readonly documentBytes: number;
}

const runs = await Deno.makeTempDir({ dir: "/tmp", prefix: "winnow-bench-" });
try {
  const ids = await recordManyRuns(runs, 1000);
  await writeSweep(runs, {
    ...{ key: "thousand", title: "A thousand runs", source: { type: "file", definition: {} } },
    runs: await Promise.all(ids.map(async (id, index) => ({
      name: `run ${index + 1}`,
      id,
      config: parseConfig(JSON.parse(await Deno.readTextFile(`${runs}/${id}/config.json`))),
    }))),
  });
  const large = await recordLargeRun(runs, { tickets: [0, 10, 20] });
  const pages = [
    { title: "overview of 1,001 runs", path: "/" },
    { title: "page of a run of 20 levels × 5 replicates × 500 evaluations", path: `/runs/${large}` },
    { title: "page of a sweep of 1,000 runs", path: "/sweeps/thousand" },
  ];
  await using browser = await openChromium();
  // The first start makes the index over all runs; the second finds it.
  for (const start of ["first start", "second start"]) {
    await using server = await serve(runs);
    for (const { title, path } of pages) {
      const { firstByte, usable } = await visit(browser, server.origin, path);
      console.log(`${start}, ${title}, first visit: first byte ${ms(firstByte)}, usable ${ms(usable)}`);
      if (start === "first start") continue;
      const times: VisitTimes[] = [];
      for (let round = 0; round < visits; round++) times.push(await visit(browser, server.origin, path));
      const of = (key: keyof VisitTimes): string => {
        const { median, minimum, maximum } = spread(times.map((own) => own[key]));
        return `${ms(median)} (${minimum.toFixed(0)}–${maximum.toFixed(0)})`;
      };
      const { scriptBytes = 0, documentBytes = 0 } = times[0] ?? {};
      console.log(
        `- median and range of ${visits} visits: first byte ${of("firstByte")}, usable ${of("usable")}; script ${
          kb(scriptBytes)
        } after gzip, document ${kb(documentBytes)}`,
      );
    }
  }
} finally {
  await Deno.remove(runs, { recursive: true });
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}

function kb(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}

/** A visit in a window without anything cached. */
async function visit(browser: Browser, origin: string, path: string): Promise<VisitTimes> {
  return await visiting(browser, origin, path, { marksUsable: true }, async (visit) => {
    const scripts = await visit.scripts();
    const times = await visit.page.evaluate(() => {
      const [navigation] = performance.getEntriesByType("navigation");
      const [usable] = performance.getEntriesByName("usable");
      if (!(navigation instanceof PerformanceNavigationTiming) || !usable) throw new Error("The page was not timed.");
      return {
        firstByte: navigation.responseStart,
        usable: usable.startTime,
        documentBytes: navigation.decodedBodySize,
      };
    });
    return { ...times, scriptBytes: scripts.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0) };
  });
}

/** Starts the task `dashboard`, as far as reading goes, and waits for the address that it prints. */
async function serve(folder: string): Promise<AsyncDisposable & { readonly origin: string }> {
  const permissions = project.tasks.dashboard.command.match(/--allow-(?:env|sys|read|net)\S*/g) ?? [];
  const child = new Deno.Command("deno", {
    args: ["run", "--no-prompt", ...permissions, `--allow-write=${folder}`, "dev.ts", "--port", "0", "--runs", folder],
    cwd: root,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const dispose = async (): Promise<void> => {
    child.kill("SIGTERM");
    await child.status;
  };
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
    if (origin !== undefined) return { origin, [Symbol.asyncDispose]: dispose };
  }
  throw new Error(`The dashboard ended before it listened: ${said}`);
}
