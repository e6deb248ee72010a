/**
 * Sweeps as the dashboard finds them: runs in every state, made without a GPU and without training.
 *
 * @module
 */
import { RunLock } from "../../src/store/lock.ts";
import { sweepFolder, writeAttempt, writeSubmission, writeSweep } from "../../src/store/sweeps.ts";
import type { SweepRunState } from "../../src/sweeps/status.ts";
import type { Attempt, SweepRun } from "../../src/sweeps/sweep.ts";
import { idHere, largeConfig, type LargeRun, recordLargeRun } from "./fixtures.ts";

/** How a sweep is made. */
export interface SweepFixture {
  /** Its key. */
  readonly key: string;
  /** What it is, in a line. */
  readonly title?: string;
  /** Learning rates. */
  readonly rates: readonly number[];
  /** Seeds. */
  readonly seeds: readonly number[];
  /** In which state each run is, rate by rate; finished beyond the last. */
  readonly states?: readonly SweepRunState[];
  /** What failed runs say. */
  readonly error?: string;
}

/** A sweep that was made. The locks of its running runs are held until it is disposed of. */
export interface RecordedSweep extends AsyncDisposable {
  /** Its runs, rate by rate. */
  readonly runs: readonly SweepRun[];
}

const size: LargeRun = { levels: 4, replicates: 1, evaluations: 20, draws: 0 };

/** When the attempts began. */
const hour = Date.UTC(2026, 10, 25, 9);

/** Writes a sweep over learning rates and seeds, with the runs that are begun. */
export async function recordSweep(
  folder: string,
  { key, title = "Learning rates and seeds", rates, seeds, states = [], error = "The data set is not there." }:
    SweepFixture,
): Promise<RecordedSweep> {
  const locks = new AsyncDisposableStack();
  const runs: SweepRun[] = [];
  const waiting: SweepRun[] = [];
  const attempts: Attempt[] = [];
  for (const lr of rates) {
    for (const seed of seeds) {
      const state = states[runs.length] ?? "finished";
      const trained = { running: 2, stopped: 3, failed: 1, finished: 5, waiting: 0, absent: 0 }[state];
      const own = { ...size, seed, trained, changes: { lr }, created: hour - 3_600_000 };
      const config = largeConfig(own);
      const id = await idHere(config);
      const run = { name: `lr ${lr}, seed ${seed}`, id, config };
      if (state !== "absent" && state !== "waiting") {
        await recordLargeRun(folder, own);
        const ended = state === "running" ? null : new Date(hour + 600_000 + runs.length * 1000).toISOString();
        attempts.push({
          ...{ schema: 1, id, submission: "2026-11-25T09-00-00-000Z", engine: "slurm", job: `812_${runs.length}` },
          ...{ restarts: state === "stopped" ? 1 : 0, host: `gpu0${runs.length % 4}`, pid: 4711 + runs.length },
          ...{
            started: new Date(hour + runs.length * 1000).toISOString(),
            trained: new Date(hour + 5000).toISOString(),
          },
          ...{ ended, error: state === "failed" ? error : null },
          outcome: state === "finished" || state === "stopped" || state === "failed" ? state : null,
        });
      }
      if (state === "running") locks.use(await RunLock.acquire(`${folder}/${id}/lock`));
      if (state === "waiting") waiting.push(run);
      runs.push(run);
    }
  }
  const definition = { base: { preset: "lenet" }, axes: { lr: rates, seed: seeds } };
  await writeSweep(folder, { key, title, source: { type: "file", definition }, runs });
  for (const attempt of attempts) await writeAttempt(folder, key, attempt);
  if (waiting.length > 0) {
    await writeSubmission(folder, {
      ...{ schema: 1, sweep: key, name: "2026-11-25T10-00-00-000Z", engine: "slurm", tasks: waiting, job: "813" },
    });
  }
  await settle(sweepFolder(folder, key));
  return { runs, [Symbol.asyncDispose]: () => locks.disposeAsync() };
}

/** What was just written may change within the same tick of a file system's clock: makes a sweep's files an hour old. */
export async function settle(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) if (isDirectory) await settle(`${folder}/${name}`);
  const past = Date.now() / 1000 - 3600;
  for await (const { name } of Deno.readDir(folder)) await Deno.utime(`${folder}/${name}`, past, past);
  await Deno.utime(folder, past, past);
}

/** Every state, over four rates and three seeds. */
export const everyState: readonly SweepRunState[] = [
  ...["finished", "finished", "finished", "finished", "finished", "running"] as const,
  ...["finished", "stopped", "failed", "waiting", "waiting", "absent"] as const,
];
