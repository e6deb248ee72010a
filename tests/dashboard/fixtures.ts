/**
 * Folders of runs as the dashboard finds them, made without a GPU and within seconds: many small runs, and one as large as the
 * paper's. Their numbers are made up and look like those of a lottery: losses fall and rise again, accuracies level out, tickets
 * are better and earlier than the dense network down to some size and worse beyond it, re-initialised ones worse throughout.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { earlyStop, isCensored } from "../../src/analysis/early_stop.ts";
import { summarize } from "../../src/analysis/summary.ts";
import { controlId, type LotteryConfig, networkOf, preset, type PresetName, runId } from "../../src/lottery/config.ts";
import { ratesOf } from "../../src/lottery/schedule.ts";
import { firstIterationOf, wantedNetworks } from "../../src/lottery/wanted.ts";
import { planHashOf } from "../../src/lottery/plan_table.ts";
import { plannedWeights } from "../../src/lottery/schedule.ts";
import { formatModel, formatTicket, modelOf, ticketOf } from "../../src/lottery/ticket.ts";
import type {
  Evaluation,
  LayerCount,
  LevelRecord,
  LevelTiming,
  NetworkKey,
  TrainedNetwork,
} from "../../src/lottery/types.ts";
import { type LayerLayout, layOut, type NetworkLayout } from "../../src/nn/network.ts";
import { formatCheckpoint } from "../../src/store/checkpoint.ts";
import { histogramsOf } from "../../src/store/histograms.ts";
import { type Manifest, shippedPlan } from "../../src/store/manifest.ts";

/** The digest of the data that the runs say they were made with: a SHA-256 like any other, of no data. */
export const dataDigest = createHash("sha256").update("the data of the fixtures").digest("hex");

/** The level from which hidden layers of a fixture's run are compact. */
export const compactFrom = 3;

const identity = { dataDigest, planHash: await planHashOf(shippedPlan.table) };
const extents = {
  mnist: { name: "mnist", channels: 1, height: 28, width: 28, classes: 10 },
  "fashion-mnist": { name: "fashion-mnist", channels: 1, height: 28, width: 28, classes: 10 },
  synthetic: { name: "synthetic", channels: 1, height: 28, width: 28, classes: 10 },
  cifar10: { name: "cifar10", channels: 3, height: 32, width: 32, classes: 10 },
} as const;

const lavapipe = {
  name: "llvmpipe (LLVM 19.1.7, 256 bits)",
  driver: "llvmpipe Mesa 25.0.7",
  kind: "software",
} as const;
const radeon = { name: "AMD Radeon RX 7800 XT (RADV NAVI32)", driver: "radv Mesa 25.1.1", kind: "gpu" } as const;

/** How large a run is. */
export interface LargeRun {
  /** Pruning rounds after the dense level; 20 when left out. */
  readonly levels?: number;
  /** Replicates; 5 when left out. */
  readonly replicates?: number;
  /** Evaluations after the first of each network, 100 iterations apart; 500 when left out. */
  readonly evaluations?: number;
  /** Draws of the control `reinit`; 1 when left out, 0 for no control. */
  readonly draws?: number;
  /** The controls; `reinit` when left out, unless it has no draws. */
  readonly controls?: LotteryConfig["controls"];
  /** Levels that are trained; the next one is half trained then. All when left out. */
  readonly trained?: number;
  /** Levels whose tickets, trained values and histograms are there, of replicates 1 and 2; none when left out. */
  readonly tickets?: readonly number[];
  /** The preset; `lenet` when left out. */
  readonly preset?: PresetName;
  /** The seed; 1 when left out. */
  readonly seed?: number;
  /** Whether the last level's first ticket diverges. */
  readonly diverges?: boolean;
  /** Another data set than the preset's. */
  readonly dataset?: "mnist" | "fashion-mnist";
  /** When it was made, in milliseconds since 1970; an hour ago when left out. */
  readonly created?: number;
  /** Settings beyond these. A learning rate far from the preset's trains worse. */
  readonly changes?: Partial<LotteryConfig>;
}

/** Writes a run as large as the paper's, as if it had been recorded an hour ago. Returns its id. */
export async function recordLargeRun(folder: string, size: LargeRun = {}): Promise<string> {
  return await writeRun(folder, largeConfig(size), size);
}

/** The settings of such a run. */
export function largeConfig(size: LargeRun): LotteryConfig {
  const { levels = 20, replicates = 5, evaluations = 500, draws = 1, seed = 1, preset: name = "lenet" } = size;
  return preset(name, {
    levels,
    replicates,
    seed,
    iterations: evaluations * 100,
    controls: size.controls ?? (draws > 0 ? ["reinit"] : []),
    reinitDraws: Math.max(1, draws),
    lrDrops: [],
    warmup: 0,
    ...(size.dataset ? { dataset: size.dataset } : {}),
    ...size.changes,
  });
}

/** The id that a run of these settings has here, recorded or not. */
export function idHere(config: LotteryConfig): Promise<string> {
  return runId(config, identity);
}

/** Writes that many runs, as different as those of some months: finished, stopped, just begun, damaged. Returns their ids. */
export async function recordManyRuns(folder: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const levels = 2 + index % 6;
    const id = await recordLargeRun(folder, {
      levels,
      replicates: 1 + index % 3,
      evaluations: 20 + index % 4 * 10,
      draws: index % 4 === 3 ? 0 : 1,
      seed: 1 + index,
      preset: (["lenet-quick", "lenet", "lenet", "conv2", "conv4"] as const)[index % 5] ?? "lenet",
      diverges: index % 25 === 7,
      ...(index % 10 === 9 ? { trained: index % levels } : {}),
      ...(index % 15 === 1 ? { dataset: "fashion-mnist" as const } : {}),
      created: Date.UTC(2026, 10, 20) - index * 5_000_000,
    });
    if (index % 100 === 42) {
      for (const name of ["checkpoint.safetensors", "summary.json"]) {
        await Deno.writeTextFile(`${folder}/${id}/${name}`, "not what it was");
      }
    }
    ids.push(id);
  }
  return ids;
}

/** A network's evaluations, made up. */
export function evaluationsOf(config: LotteryConfig, network: NetworkKey, remaining: number): Evaluation[] {
  const { arm, level, replicate, draw } = network;
  const { iterations, evalEvery } = config;
  const isDense = config.network === "lenet";
  const noise = noiseOf(config.seed * 7919 + level * 131 + replicate * 17 + draw * 3 + (arm === "ticket" ? 0 : 5003));
  const shape = character(arm, remaining, isDense);
  const best = shape.earlyStop * (1 + 0.06 * noise());
  const strayed = Math.log10(config.lr / preset(config.preset).lr);
  const accuracy = Math.min(0.999, shape.accuracy - 0.012 * strayed ** 2 + 0.0012 * noise());
  const lowest = (1 - accuracy) * 3.4;
  const first = firstIterationOf(config, level);
  const all: Evaluation[] = [];
  for (let iteration = first; iteration <= iterations; iteration += evalEvery) {
    const time = iteration / iterations;
    const distance = Math.log((time + 0.002) / (best + 0.002));
    const unlearnt = Math.exp(-5 * Math.sqrt(time / best));
    const loss = lowest + (2.3 - lowest) * (time < best ? (distance / Math.log(0.002 / (best + 0.002))) ** 2 : 0) +
      (time < best ? 0 : 0.35 * lowest * distance ** 2);
    const reached = accuracy - (accuracy - 0.1) * unlearnt;
    const jitter = time === 0 ? 0 : 1;
    all.push({
      arm,
      level,
      replicate,
      draw,
      iteration,
      trainLoss: iteration === first ? null : round(2.2 * Math.exp(-4 * (time / best) ** 0.4) * (1 + 0.05 * noise())),
      validationLoss: round(loss * (1 + 0.004 * noise() * jitter)),
      validationAccuracy: round(Math.min(1, reached + 0.0008 * noise() * jitter)),
      testLoss: round(loss * (1.03 + 0.004 * noise() * jitter)),
      testAccuracy: round(Math.min(1, reached + 0.0006 * noise() * jitter)),
    });
  }
  return all;
}

/** What an arm comes to at a size: accuracy, and where the minimum of validation loss is, as a fraction of the training. */
function character(
  arm: NetworkKey["arm"],
  remaining: number,
  isDense: boolean,
): { readonly accuracy: number; readonly earlyStop: number } {
  const pruned = -Math.log(remaining) / Math.log(100); // 0 for the dense network, 1 at 1 % of the weights
  const dense = isDense ? 0.979 : 0.663;
  const range = isDense ? 1 : 6;
  const cliff = Math.max(0, pruned - 0.72) ** 2;
  return arm === "ticket"
    ? {
      accuracy: dense + range * (0.0115 * pruned * Math.exp(-2 * pruned) - 0.35 * cliff),
      earlyStop: 0.16 * (1 - 0.9 * pruned + 0.15 * pruned ** 2) + 0.4 * cliff + 0.02,
    }
    : {
      accuracy: dense - range * (0.008 * pruned + 0.012 * pruned ** 2 + 0.2 * cliff),
      earlyStop: Math.min(0.75, 0.18 + 0.35 * pruned ** 1.5),
    };
}

async function writeRun(folder: string, config: LotteryConfig, size: LargeRun): Promise<string> {
  const id = await runId(config, identity);
  const path = `${folder}/${id}`;
  const { trained = config.levels + 1, created = Date.now() - 3_600_000 } = size;
  const layout = layOut(networkOf(config, extents[config.dataset]));
  const totals = plannedWeights(layout, config.levels, ratesOf(config));
  const remainingOf = (level: number): number => (totals[level] ?? 0) / layout.weights;
  const controls = new Map(
    await Promise.all(config.controls.map(async (name) => [name, `${path}/arms/${await controlId(name)}`] as const)),
  );
  const folderOf = (arm: NetworkKey["arm"]): string => arm === "ticket" ? path : controls.get(arm) ?? path;
  for (const own of [path, ...controls.values()]) {
    await Deno.mkdir(`${own}/tickets`, { recursive: true });
    await Deno.mkdir(`${own}/finals`, { recursive: true });
  }
  const lines = new Map<NetworkKey["arm"], string[]>();
  for (const arm of ["ticket" as const, ...config.controls]) lines.set(arm, []);
  const records: LevelRecord[] = [];
  const partial: Evaluation[][] = [];
  const byLevel = Map.groupBy(wantedNetworks(config), ({ level }) => level);
  for (const [level, networks] of byLevel) {
    if (level > trained) break;
    const remaining = remainingOf(level);
    const layers = layerCounts(config, layout, level);
    const every = networks.map((network) => {
      const own = evaluationsOf(config, network, remaining);
      const diverges = size.diverges && level === config.levels && network.replicate === 1 && network.arm === "ticket";
      return diverges ? diverged(own, Math.floor(own.length / 3)) : own;
    }).map((own) => level < trained ? own : own.slice(0, Math.ceil(own.length / 2)));
    // In lockstep: every network is evaluated before the next evaluation of any.
    for (let at = 0; at < (every[0]?.length ?? 0); at++) {
      for (const own of every) {
        const evaluation = own[at];
        if (evaluation) lines.get(evaluation.arm)?.push(JSON.stringify(evaluation));
      }
    }
    if (level === trained) partial.push(...every);
    else {
      records.push(
        ...networks.map((network, index) => recordOf(config, network, every[index] ?? [], { remaining, layers })),
      );
    }
  }
  const timings = Array.from({ length: Math.min(trained, config.levels + 1) }, (_, level): LevelTiming => ({
    level,
    seconds: round(config.iterations * 0.0021 * (level === 0 ? 1 : 1.6) * (1 + 0.01 * (level % 3))),
    stepMs: round(1.9 * (level === 0 ? 1 : 1.55) * (1 - 0.01 * level)),
    // What is pruned far is compact, and the output layer never.
    plan: Object.fromEntries(layout.layers.map(({ name, role }) => [
      name,
      level >= compactFrom && role !== "output" ? "compact" : "masked-dense",
    ])),
  }));
  const adapter = config.seed % 7 === 3 ? radeon : lavapipe;
  const manifest: Manifest = {
    schema: 2,
    id,
    adapter,
    data: { name: config.dataset, digest: identity.dataDigest, original: true, files: [] },
    planHash: identity.planHash,
    plan: shippedPlan,
    sessions: [{
      started: new Date(created).toISOString(),
      winnow: "0.1.0",
      gitRevision: null,
      deno: "2.9.6",
      v8: "15.1.27.0",
      platform: "linux x86_64",
    }],
  };
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const write = async (name: string, content: string | Uint8Array<ArrayBuffer>): Promise<void> => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${path}/${name}`, bytes);
    await Deno.utime(`${path}/${name}`, created / 1000, created / 1000 + 600);
  };
  await write("config.json", json(config));
  await write("manifest.json", json(manifest));
  await write("timings.jsonl", timings.map((timing) => `${JSON.stringify(timing)}\n`).join(""));
  for (const [arm, own] of lines) {
    await write(`${folderOf(arm).slice(path.length + 1)}/metrics.jsonl`.replace(/^\//, ""), `${own.join("\n")}\n`);
  }
  for (const [arm, own] of controls) {
    await write(
      `${own.slice(path.length + 1)}/config.json`,
      json({ schema: 1, arm, run: id, draws: config.reinitDraws }),
    );
  }
  const snapshot = {
    records,
    timings,
    masks: [],
    rewinds: [],
    ...(partial.length > 0
      ? {
        partial: partial.flatMap((own) => {
          const last = own.at(-1);
          return last
            ? [{
              arm: last.arm,
              level: last.level,
              replicate: last.replicate,
              draw: last.draw,
              iteration: last.iteration,
              seconds: round(config.iterations * 0.00105 / partial.length),
              stepMs: 2,
              evaluations: own,
              parameters: new Float32Array(4),
              best: new Float32Array(4),
              moments: [],
              state: new Uint32Array(8),
            }]
            : [];
        }),
      }
      : {}),
  };
  if (records.length + partial.length > 0) await write("checkpoint.safetensors", await formatCheckpoint(snapshot, id));
  if (trained > config.levels) await write("summary.json", json(summarize({ id, config, adapter }, snapshot)));
  await writeTickets(config, layout, { id, folderOf, levels: size.tickets ?? [] });
  return id;
}

function recordOf(
  config: LotteryConfig,
  { arm, level, replicate, draw }: NetworkKey,
  own: readonly Evaluation[],
  { remaining, layers }: { readonly remaining: number; readonly layers: readonly LayerCount[] },
): LevelRecord {
  const best = earlyStop(own);
  const last = own.at(-1);
  const divergedAt = own.find(({ trainLoss, iteration }) => trainLoss === null && iteration > (own[0]?.iteration ?? 0));
  return {
    arm,
    level,
    replicate,
    draw,
    seed: config.seed + replicate - 1,
    status: divergedAt ? "diverged" : "ok",
    divergedAt: divergedAt?.iteration ?? null,
    remaining,
    layers,
    earlyStopIteration: best?.iteration ?? null,
    validationLossAtEarlyStop: best?.validationLoss ?? null,
    testAccuracyAtEarlyStop: best?.testAccuracy ?? null,
    trainAccuracyAtEarlyStop: best
      ? round(Math.min(1, best.testAccuracy + (isCensored(best.iteration, config.iterations) ? 0.002 : 0.012)))
      : null,
    testAccuracyAtEnd: last?.testAccuracy ?? null,
    trainAccuracyAtEnd: last ? round(Math.min(1, last.testAccuracy + 0.019)) : null,
  };
}

/** From an evaluation on nothing is finite, and every answer the same. */
function diverged(own: readonly Evaluation[], from: number): Evaluation[] {
  return own.map((evaluation, at) =>
    at < from ? evaluation : {
      ...evaluation,
      trainLoss: null,
      validationLoss: null,
      testLoss: null,
      validationAccuracy: 0.098,
      testAccuracy: 0.098,
    }
  );
}

/** Survivors per layer, each layer pruned by itself. */
function layerCounts(config: LotteryConfig, layout: NetworkLayout, level: number): LayerCount[] {
  return layout.layers.map((layer) => {
    const size = layer.inputs * layer.outputs;
    const alone = { ...layout, layers: [layer], weights: size };
    return { name: layer.name, size, kept: plannedWeights(alone, level, ratesOf(config)).at(-1) ?? size };
  });
}

async function writeTickets(
  config: LotteryConfig,
  layout: NetworkLayout,
  { id, folderOf, levels }: {
    readonly id: string;
    readonly folderOf: (arm: NetworkKey["arm"]) => string;
    readonly levels: readonly number[];
  },
): Promise<void> {
  const metadata = { run: id, config: JSON.stringify(config) };
  const histograms = new Map<NetworkKey["arm"], string[]>();
  for (const level of levels) {
    const networks = wantedNetworks(config).filter((own) =>
      own.level === level && own.replicate <= 2 && own.draw === 1
    );
    for (const network of networks) {
      const trained = trainedNetwork(config, layout, network);
      const { arm, replicate, draw } = network;
      const name = `${arm}-level-${String(level).padStart(2, "0")}-replicate-${replicate}`;
      const file = `${arm === "ticket" ? name : `${name}-draw-${draw}`}.safetensors`;
      await Deno.writeFile(`${folderOf(arm)}/tickets/${file}`, formatTicket(ticketOf(trained), metadata));
      await Deno.writeFile(`${folderOf(arm)}/finals/${file}`, formatModel(modelOf(trained), metadata));
      const own = histograms.get(arm) ?? [];
      histograms.set(arm, [...own, ...histogramsOf(trained).map((line) => `${JSON.stringify(line)}\n`)]);
    }
  }
  for (const [arm, own] of histograms) await Deno.writeTextFile(`${folderOf(arm)}/histograms.jsonl`, own.join(""));
}

/** A ticket whose survivors are those of large magnitude, in the first layer those of the middle of the image above all. */
function trainedNetwork(config: LotteryConfig, layout: NetworkLayout, network: NetworkKey): TrainedNetwork {
  const { arm, level, replicate } = network;
  const counts = layerCounts(config, layout, level);
  const noise = noiseOf(config.seed * 31 + replicate * 101 + (arm === "ticket" ? 0 : 977));
  return {
    ...network,
    network: layout.spec,
    firstIteration: firstIterationOf(config, level),
    norms: [],
    normalization: Float32Array.from({ length: layout.spec.input.channels * 2 }, (_, at) => at % 2 === 0 ? 1 / 255 : 0),
    layers: layout.layers.map((layer, index) => {
      const size = layer.inputs * layer.outputs;
      const scale = Math.sqrt(2 / (layer.inputs + layer.outputs));
      const initial = Float32Array.from({ length: size }, () => scale * (noise() + noise() + noise()));
      const moved = Float32Array.from(initial, (value) => value + scale * 0.7 * noise());
      const weighty = moved.map((value, at) => Math.abs(value) * importance(layout, layer, index, at));
      const threshold = weighty.toSorted()[size - (counts[index]?.kept ?? size)] ?? 0;
      const mask = new Uint8Array(size);
      weighty.forEach((value, at) => mask[at] = value >= threshold ? 1 : 0);
      return {
        name: layer.name,
        inputs: layer.inputs,
        outputs: layer.outputs,
        mask,
        initial,
        final: moved.map((value, at) => mask[at] ? value * 1.6 : 0),
        initialBias: new Float32Array(layer.hasBias === false ? 0 : layer.outputs),
        finalBias: new Float32Array(layer.hasBias === false ? 0 : layer.outputs).fill(0.02),
      };
    }),
  };
}

function importance({ spec }: NetworkLayout, layer: LayerLayout, index: number, at: number): number {
  const { height, width } = spec.input;
  if (index > 0 || layer.inputs !== height * width) return 1;
  const pixel = Math.floor(at / layer.outputs);
  const y = Math.floor(pixel / width) / (height - 1) - 0.5;
  const x = pixel % width / (width - 1) - 0.5;
  return 0.05 + Math.exp(-9 * (x ** 2 + y ** 2));
}

/** Numbers from −1 to 1 that look random and are the same each time. */
function noiseOf(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 31 - 1;
  };
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
