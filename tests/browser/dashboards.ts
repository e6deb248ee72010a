/**
 * The dashboards that a file of browser tests visits: opened with its first test, closed after its last.
 *
 * @module
 */
import { recordLargeRun, recordManyRuns } from "../dashboard/fixtures.ts";
import { TemporaryFolder } from "../store/folders.ts";
import { ServedDashboard } from "./served.ts";

/** Runs as a reader has them, and dashboards over them. */
export interface Dashboards {
  /** A finished run with controls, tickets of six levels, histograms and trained values. */
  readonly finished: string;
  /** The same settings with another seed. */
  readonly otherSeed: string;
  /** Its last ticket diverged. */
  readonly diverged: string;
  /** Stopped within a level. */
  readonly unfinished: string;
  /** Over these runs and some more, with everything allowed. */
  readonly all: ServedDashboard;
  /** Over no runs. */
  readonly empty: ServedDashboard;
  /** Fails whenever it is asked for runs. */
  readonly broken: ServedDashboard;
}

let opened: Promise<Dashboards & { readonly close: () => Promise<void> }> | undefined;

Deno.test.afterAll(async () => {
  await (await opened)?.close();
});

/** The dashboards of this file. */
export function dashboards(): Promise<Dashboards> {
  return opened ??= open();
}

async function open(): Promise<Dashboards & { readonly close: () => Promise<void> }> {
  const runs = new TemporaryFolder();
  const none = new TemporaryFolder();
  const size = { levels: 12, replicates: 3, evaluations: 150 } as const;
  const day = Date.UTC(2026, 10, 25, 9);
  await recordManyRuns(runs.path, 10);
  const finished = await recordLargeRun(runs.path, { ...size, tickets: [0, 3, 6, 9, 11, 12], created: day });
  const otherSeed = await recordLargeRun(runs.path, { ...size, seed: 100, tickets: [0, 6], created: day - 7e6 });
  const diverged = await recordLargeRun(runs.path, {
    ...{ levels: 5, replicates: 2, evaluations: 100, seed: 7, preset: "conv2", diverges: true },
    created: day - 2e7,
  });
  const unfinished = await recordLargeRun(runs.path, { ...size, seed: 200, trained: 5, created: day + 9e6 });
  const all = await ServedDashboard.open(runs.path, { canControl: true });
  const empty = await ServedDashboard.open(`${none.path}/runs`);
  const broken = await ServedDashboard.open(`${none.path}/runs`);
  broken.dashboard.listRuns = () => Promise.reject(new Error("Broken for a test."));
  return {
    ...{ finished, otherSeed, diverged, unfinished, all, empty, broken },
    close: async () => {
      for (const served of [all, empty, broken]) await served.stop();
      for (const folder of [runs, none]) folder[Symbol.dispose]();
    },
  };
}
