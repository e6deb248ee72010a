/**
 * The dashboards that a file of browser tests visits: opened with its first test, closed after its last.
 *
 * @module
 */
import { recordLargeRun, recordManyRuns } from "../dashboard/fixtures.ts";
import { everyState, recordSweep } from "../dashboard/sweep_fixtures.ts";
import type { RunRow } from "../../src/dashboard/types.ts";
import { keyOf } from "../../src/experiments/scale.ts";
import { writeExperiment } from "../../src/store/experiments.ts";
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
  /** The key of an experiment with results. */
  readonly experiment: string;
  /** The key of a sweep. */
  readonly sweep: string;
  /** Over a sweep with runs in every state; the same as `all` for pictures, where that has one. */
  readonly sweeps: ServedDashboard;
  /** Over the first two and some more, with everything allowed. */
  readonly all: ServedDashboard;
  /** Over the two that are not as they should be; the same but for pictures. */
  readonly states: ServedDashboard;
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
  const controls = ["reinit", "oneshot", "oneshot-reinit"] as const;
  const four = await recordLargeRun(runs.path, { ...size, levels: 7, seed: 300, controls, created: day - 4e7 });
  const options = { scale: 0.3, levels: 7, replicates: 3, reinitDraws: 1, seed: 300 };
  const experiment = keyOf("fig4", options);
  await writeExperiment(runs.path, { name: "fig4", key: experiment, options, runs: [{ name: "LeNet", id: four }] });
  const sweeping = new TemporaryFolder();
  const sweep = await recordSweep(sweeping.path, {
    ...{
      key: "adam-rates",
      title: "Learning rates of Adam",
      rates: [0.0004, 0.0012, 0.0036, 0.0108],
      seeds: [1, 2, 3],
    },
    ...{ states: everyState, error: "The adapter has 4.0 GB, and the run takes 5.1 GB: lower --batch-size." },
  });
  const sweeps = await ServedDashboard.open(sweeping.path, { canControl: true });
  const recorded = await ServedDashboard.open(runs.path, { canControl: true });
  const empty = await ServedDashboard.open(`${none.path}/runs`);
  const broken = await ServedDashboard.open(`${none.path}/runs`);
  broken.dashboard.listRuns = () => Promise.reject(new Error("Broken for a test."));
  const real = await realRuns();
  return {
    ...{ finished, otherSeed, diverged, unfinished, experiment, all: recorded, states: recorded, empty, broken },
    ...{ sweep: "adam-rates", sweeps },
    ...real,
    close: async () => {
      for (const served of [recorded, sweeps, empty, broken, ...real ? [real.all] : []]) await served.stop();
      await sweep[Symbol.asyncDispose]();
      for (const folder of [runs, sweeping, none]) folder[Symbol.dispose]();
    },
  };
}

/**
 * For pictures that show what came out of something: `--runs DIR` names a folder of real runs, of which the two with the most
 * levels and replicates are shown, the experiment with the most networks, and the sweep with the most runs.
 */
async function realRuns(): Promise<
  | Pick<Dashboards, "all" | "finished" | "otherSeed" | "experiment"> & Partial<Pick<Dashboards, "sweep" | "sweeps">>
  | undefined
> {
  const folder = Deno.args[Deno.args.indexOf("--runs") + 1];
  if (!Deno.args.includes("--runs") || folder === undefined) return undefined;
  const all = await ServedDashboard.open(await Deno.realPath(folder), { canControl: true });
  const sizeOf = ({ levels, replicates, arms }: RunRow): number => (levels ?? 0) * (replicates ?? 0) * arms.length;
  const [first, second] = (await all.dashboard.listRuns()).filter(({ state }) => state === "finished")
    .sort((a, b) => sizeOf(b) - sizeOf(a));
  if (!first || !second) throw new RangeError(`--runs ${folder} has fewer than two finished runs.`);
  const [experiment] = (await all.dashboard.listExperiments()).sort((a, b) => b.done - a.done);
  const [sweep] = (await all.dashboard.listSweeps()).sort((a, b) => b.runs.length - a.runs.length);
  return {
    ...{ all, finished: first.id, otherSeed: second.id, experiment: experiment?.key ?? "fig4" },
    ...(sweep ? { sweep: sweep.record.key, sweeps: all } : {}),
  };
}
