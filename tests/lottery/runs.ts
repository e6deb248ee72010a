/**
 * What the tests of the loop share: a small run, everything that it tells, and ways to compare.
 *
 * @module
 */
import type { Dataset } from "../../src/data/dataset.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";
import { type LotteryConfig, preset } from "../../src/lottery/config.ts";
import { lottery, type LotteryOptions } from "../../src/lottery/lottery.ts";
import type {
  Evaluation,
  LevelRecord,
  LotteryEvent,
  NetworkKey,
  RewindPoint,
  Snapshot,
  TicketMask,
  TrainedNetwork,
} from "../../src/lottery/types.ts";
import { architecture } from "../../src/nn/architectures.ts";
import { layOut } from "../../src/nn/network.ts";

/** Small, and of no size that is a multiple of 8. */
export const dataset: Dataset = await syntheticDataset({ height: 9, width: 9, classes: 5, train: 503, test: 211 });

/** The network of {@linkcode smallConfig} on {@linkcode dataset}: 81-30-10-5. */
export const layout = layOut(architecture("lenet", { channels: 1, height: 9, width: 9 }, 5, { width: 0.1 }));

/** A run of a second: three levels, an evaluation that does not divide the length. */
export function smallConfig(changes: Partial<LotteryConfig> = {}): LotteryConfig {
  const small = preset("lenet-quick", {
    dataset: "synthetic",
    trainSize: 401,
    validationSize: 101,
    levels: 2,
    iterations: 45,
    batchSize: 20,
    lr: 1e-2,
    pruneDense: 0.4,
    pruneOutput: 0.2,
    width: 0.1,
    replicates: 1,
    controls: [],
    evalEvery: 20,
  });
  return { ...small, ...changes };
}

/** Everything that a run tells, but for times. */
export interface Told {
  /** In order. */
  readonly events: readonly LotteryEvent[];
  /** Sorted by network, then iteration. */
  readonly evaluations: readonly Evaluation[];
  /** Sorted by network. */
  readonly networks: readonly TrainedNetwork[];
  /** Of the last snapshot, sorted by network. */
  readonly records: readonly LevelRecord[];
  /** Of the last snapshot, sorted by level and replicate. */
  readonly masks: readonly TicketMask[];
  /** Of the last snapshot, sorted by replicate. */
  readonly rewinds: readonly RewindPoint[];
  /** The last one. */
  readonly snapshot: Snapshot;
}

/** Runs to the end, or until `stop` says so of an event. */
export async function run(
  config: LotteryConfig,
  options: Partial<LotteryOptions> = {},
  stop: (event: LotteryEvent) => boolean = () => false,
): Promise<Told> {
  const events: LotteryEvent[] = [];
  for await (const event of lottery(config, { dataset, ...options })) {
    events.push(event);
    if (stop(event)) break;
  }
  return told(events);
}

/** Sorts what events say. */
export function told(events: readonly LotteryEvent[]): Told {
  const snapshots = events.flatMap((event) =>
    event.type === "snapshot" || event.type === "end" ? [event.snapshot] : []
  );
  const snapshot = snapshots.at(-1) ?? { records: [], timings: [], masks: [], rewinds: [] };
  return {
    events,
    evaluations: events.flatMap((event) => event.type === "evaluation" ? [event.evaluation] : [])
      .sort((a, b) => compare(a, b) || a.iteration - b.iteration),
    networks: events.flatMap((event) => event.type === "level-end" ? event.networks : []).sort(compare),
    records: [...snapshot.records].sort(compare),
    masks: [...snapshot.masks].sort((a, b) =>
      a.arm.localeCompare(b.arm) || a.level - b.level || a.replicate - b.replicate
    ),
    rewinds: [...snapshot.rewinds].sort((a, b) => a.replicate - b.replicate),
    snapshot,
  };
}

/** All numbers of a run, to be compared bit for bit. */
export function numbers(
  { evaluations, networks, records, masks, rewinds }: Told,
): Omit<Told, "events" | "snapshot"> {
  return { evaluations, networks, records, masks, rewinds };
}

/** The numbers of some of its networks. */
export function only(all: Told, wanted: (key: Pick<NetworkKey, "replicate">) => boolean, arm?: string): Told {
  const isWanted = (key: NetworkKey): boolean => wanted(key) && (arm === undefined || key.arm === arm);
  return {
    ...all,
    evaluations: all.evaluations.filter(isWanted),
    networks: all.networks.filter(isWanted),
    records: all.records.filter(isWanted),
    masks: all.masks.filter(wanted),
    rewinds: all.rewinds.filter(wanted),
  };
}

/** The same numbers under another replicate. */
export function renumbered(all: Told, replicate: number): Told {
  const rename = <T>(value: T): T & { readonly replicate: number } => ({ ...value, replicate });
  return {
    ...all,
    evaluations: all.evaluations.map(rename),
    networks: all.networks.map(rename),
    records: all.records.map(rename),
    masks: all.masks.map(rename),
    rewinds: all.rewinds.map(rename),
  };
}

/** What two runs told together, in order. */
export function together(first: Told, second: Told): Told {
  return told([...first.events, ...second.events]);
}

function compare(a: NetworkKey, b: NetworkKey): number {
  return a.arm.localeCompare(b.arm) || a.level - b.level || a.replicate - b.replicate || a.draw - b.draw;
}
