/**
 * A run without a GPU, recorded as the command records one: what disks and other processes are then set against.
 *
 * @module
 */
import type { LotteryConfig } from "../../src/lottery/config.ts";
import { runId } from "../../src/lottery/config.ts";
import { type RunDescription, RunStore } from "../../src/store/run_store.ts";
import { fakeLottery, tinyConfig } from "../store/fake_lottery.ts";
import { filesBelow } from "../store/folders.ts";

/** Two levels with their control, and checkpoints within them. */
export const config: LotteryConfig = tinyConfig({ levels: 1 });

/** How to record. */
export interface Recording {
  /** Told what a user would be warned of. */
  readonly warn?: (message: string) => void;
  /** Called after each event that was recorded. */
  readonly after?: (event: number) => Promise<void>;
}

/** Records the run to its end, from wherever its folder stands. */
export async function record(runs: string, { warn = () => {}, after }: Recording = {}): Promise<void> {
  await using store = await RunStore.open(runs, await describe(), { warn });
  const snapshot = store.snapshot ? { snapshot: store.snapshot } : {};
  let events = 0;
  for await (const event of fakeLottery(config, { ...snapshot, partial: true })) {
    await store.record(event);
    await after?.(++events);
  }
}

/** The run's folder. */
export async function folderOf(runs: string): Promise<string> {
  return `${runs}/${(await describe()).id}`;
}

/**
 * What must be equal between a run that something happened to and one that nothing did: every file but those that tell of
 * sessions and of the checkpoint before the last.
 */
export async function lasting(runs: string): Promise<Map<string, Uint8Array>> {
  const files = await filesBelow(runs);
  for (const name of files.keys()) if (/manifest\.json|previous/.test(name)) files.delete(name);
  return files;
}

async function describe(): Promise<RunDescription> {
  return {
    id: await runId(config, { dataDigest: "d", planHash: "p" }),
    config,
    dataset: { name: config.dataset, digest: "d", original: true, files: [{ name: "images", sha256: "00" }] },
    planHash: "p",
  };
}
