/**
 * Run folders without a GPU: recorded from the stand-in of `lottery()`, or only as much of one as the index reads.
 *
 * @module
 */
import { type LotteryConfig, runId } from "../../src/lottery/config.ts";
import { planHashOf } from "../../src/lottery/plan_table.ts";
import { plannedWeights } from "../../src/lottery/schedule.ts";
import { ratesOf } from "../../src/lottery/schedule.ts";
import type { LevelRecord, LotteryEvent, Snapshot, TrainedNetwork } from "../../src/lottery/types.ts";
import { packMask } from "../../src/nn/mask.ts";
import { layOut } from "../../src/nn/network.ts";
import { formatCheckpoint } from "../../src/store/checkpoint.ts";
import { shippedPlan } from "../../src/store/manifest.ts";
import { RunStore } from "../../src/store/run_store.ts";
import { adapter, fakeLottery, network, tinyConfig } from "./fake_lottery.ts";

const layout = layOut(network);
const identity = { dataDigest: "d", planHash: await planHashOf(shippedPlan.table) };

/** Survivors per layer, as the configuration plans them: the layers of the tiny network are pruned one by one. */
function plannedKept(config: LotteryConfig, level: number): number[] {
  return layout.layers.map((layer) =>
    plannedWeights({ ...layout, layers: [layer], weights: layer.inputs * layer.outputs }, level, ratesOf(config))
      .at(-1) ?? 0
  );
}

/** The first of a layer's weights survive, as many as are planned. */
function plannedMasks(config: LotteryConfig, level: number): Uint8Array<ArrayBuffer>[] {
  const kept = plannedKept(config, level);
  return layout.layers.map(({ inputs, outputs }, index) =>
    Uint8Array.from({ length: inputs * outputs }, (_, at) => at < (kept[index] ?? 0) ? 1 : 0)
  );
}

/** The stand-in's events, with the masks and counts that the configuration plans. */
export async function* plannedLottery(
  config: LotteryConfig,
  options: { readonly snapshot?: Snapshot; readonly partial?: boolean } = {},
): AsyncGenerator<LotteryEvent> {
  const planned = (record: LevelRecord): LevelRecord => {
    const kept = plannedKept(config, record.level);
    return {
      ...record,
      remaining: kept.reduce((sum, count) => sum + count, 0) / layout.weights,
      layers: record.layers.map((layer, index) => ({ ...layer, kept: kept[index] ?? 0 })),
    };
  };
  const trained = (own: TrainedNetwork): TrainedNetwork => {
    const masks = plannedMasks(config, own.level);
    return {
      ...own,
      layers: own.layers.map((layer, index) => {
        const mask = masks[index] ?? layer.mask;
        return { ...layer, mask, final: layer.initial.map((value, at) => mask[at] ? value * 1.5 : 0) };
      }),
    };
  };
  const consistent = (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    records: snapshot.records.map(planned),
    masks: snapshot.masks.map((mask) => ({ ...mask, words: packMask(layout, plannedMasks(config, mask.level)) })),
  });
  for await (const event of fakeLottery(config, options)) {
    switch (event.type) {
      case "level-end":
        yield { ...event, records: event.records.map(planned), networks: event.networks.map(trained) };
        break;
      case "snapshot":
      case "end":
        yield { ...event, snapshot: consistent(event.snapshot) };
        break;
      default:
        yield event;
    }
  }
}

/** How much of a run to record. */
export interface Recording {
  /** What stands behind the id: `-2` for a second run of the same settings. */
  readonly suffix?: string;
  /** Levels, or evaluations with `partial`, after which the process is killed; all when left out. */
  readonly levels?: number;
  /** Whether there is a checkpoint after every evaluation. */
  readonly partial?: boolean;
}

/** Records a run of a few lines, and says its id. */
export async function recordRun(
  runs: string,
  changes: Parameters<typeof tinyConfig>[0] = {},
  { suffix = "", levels = Infinity, partial = false }: Recording = {},
): Promise<string> {
  const config = tinyConfig(changes);
  const id = await runId(config, identity) + suffix;
  const { planHash } = identity;
  const dataset = { name: config.dataset, digest: identity.dataDigest, original: true, files: [] };
  await using store = await RunStore.open(runs, { id, config, dataset, planHash, plan: shippedPlan });
  let done = 0;
  for await (
    const event of plannedLottery(config, { partial, ...(store.snapshot ? { snapshot: store.snapshot } : {}) })
  ) {
    await store.record(event);
    if (event.type === "snapshot" && ++done >= levels) break;
  }
  return id;
}

/** Writes only what the index reads of a run, and not durably: hundreds of them take no time. Returns the id. */
export async function writeIndexedFiles(
  runs: string,
  changes: Parameters<typeof tinyConfig>[0],
  levels: number,
): Promise<string> {
  const config = tinyConfig(changes);
  const id = await runId(config, identity);
  const folder = `${runs}/${id}`;
  await Deno.mkdir(folder);
  const started = new Date(Date.UTC(2026, 0, 1 + (config.seed % 300))).toISOString();
  const session = { started, winnow: "0.1.0", gitRevision: null, deno: "2.9.6", v8: "15", platform: "linux x86_64" };
  const data = { name: config.dataset, digest: identity.dataDigest, original: true, files: [] };
  const manifest = { schema: 1, id, adapter, data, planHash: identity.planHash, sessions: [session] };
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
  await Deno.writeTextFile(`${folder}/manifest.json`, JSON.stringify(manifest));
  let done = 0;
  if (levels === 0) return id;
  for await (const event of plannedLottery(config)) {
    if (event.type !== "snapshot" || ++done < levels) continue;
    await Deno.writeFile(`${folder}/checkpoint.safetensors`, await formatCheckpoint(event.snapshot, id));
    return id;
  }
  return id;
}

/** Makes a run's files look as old as they would be another day: what changed just now is read again each time. */
export async function age(folder: string): Promise<void> {
  const old = new Date(Date.now() - 3_600_000);
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) await age(`${folder}/${entry.name}`);
    else await Deno.utime(`${folder}/${entry.name}`, old, old);
  }
}
