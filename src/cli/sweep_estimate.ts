/**
 * `sweep --dry-run`: what the runs of a sweep would take, in time and memory, as a table. Nothing is opened: the times come from a
 * calibration, from what was measured on one machine, or from a graphics card's published figures.
 *
 * @module
 */
import { type Card, cards, expectation, kernelWork, launchMicroseconds } from "../../bench/roofline.ts";
import { formatBytes } from "../analysis/words.ts";
import type { DatasetName } from "../data/dataset.ts";
import { legible, quoted } from "../data/quoted.ts";
import { type DatasetSize, publishedSizes } from "../data/sizes.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { Launch } from "../gpu/program.ts";
import { optimizerOf } from "../lottery/optimizer.ts";
import { planLaunches } from "../nn/ensemble.ts";
import { evaluationImages } from "../nn/graph.ts";
import { weightsOf } from "../lottery/counts.ts";
import { planOf, type PlanTable, planTable } from "../nn/plan.ts";
import {
  estimateRun,
  type LockstepTimes,
  makespan,
  measuredOverhead,
  measuredTimes,
  type RunEstimate,
  type Times,
  usualTimes,
} from "../sweeps/estimate.ts";
import type { SweepRun } from "../sweeps/sweep.ts";
import { type Flag, suggestion, UsageError } from "./arguments.ts";
import { duration, group } from "./progress.ts";
import { formatTable } from "./table.ts";

/** More runs than these are shown by network instead of one by one. */
const mostRows = 40;

/** Of how many at once the time is told, where nobody says. */
const usualAtOnce = 4;

/** The flag that names a card. */
export const cardFlag: Flag = {
  flag: "--card",
  value: "NAME",
  description: `with --dry-run: times expected of ${
    cards.map(({ name }) => name).join("; ")
  }, by its published figures`,
};

/** What a dry run goes by. */
export interface DryRunOptions {
  /** The plan table that the runs would go by, maybe with measured speeds; the shipped one when left out. */
  readonly table?: PlanTable | undefined;
  /** The card to expect times of, as `--card` names it, instead of going by measurements. */
  readonly card?: string | undefined;
  /** How much of a run is there: from 0 to 1. */
  readonly done: (run: SweepRun) => number;
  /** How many runs go at once; a usual number when left out. */
  readonly atOnce?: number | undefined;
  /** How large a data set is; as it was published when left out. */
  readonly size?: ((name: DatasetName) => DatasetSize) | undefined;
}

/** A run with what it would take. */
interface EstimatedRun {
  readonly run: SweepRun;
  /** From 0 to 1. */
  readonly done: number;
  /** Undefined where the run cannot be planned. */
  readonly estimate: RunEstimate | undefined;
  /** Seconds that are left of it. */
  readonly left: number;
  /** Why it cannot be planned. */
  readonly problem: string | undefined;
}

/**
 * The card of a name: as tables have it, or a part of that which no other has, whatever its case and punctuation: `a100`, `rtx-4090`.
 *
 * @throws {UsageError} when there is none
 */
export function cardNamed(text: string): Card {
  const bare = (own: string): string => own.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const wanted = bare(text);
  const found = cards.filter(({ name }) => wanted !== "" && bare(name).includes(wanted));
  const [only] = found;
  if (only && found.length === 1) return only;
  const names = cards.map(({ name }) => name);
  throw new UsageError(
    `--card is ${quoted(text)}${
      found.length > 1 ? `, which could be ${found.map(({ name }) => name).join(" or ")}` : ""
    }.${found.length > 1 ? "" : suggestion(text, names)} Name one of ${names.map((name) => `"${name}"`).join(", ")}.`,
  );
}

/**
 * Times expected of a card: each launch of a step and of an evaluation by its roofline. Layers count as masked-dense at all levels,
 * since nobody has measured how much faster compact ones are there.
 */
export function cardTimes(card: Card, table: PlanTable = planTable): Times {
  const device = deviceOf("gpu", table);
  // Runs of a sweep share networks.
  const known = new Map<string, LockstepTimes>();
  return {
    source:
      `expected of ${card.name} by its published figures and ${launchMicroseconds} µs for each launch at least, every layer ` +
      "masked-dense, an order of magnitude; starts and waits as measured on llvmpipe",
    device,
    overhead: measuredOverhead,
    of(config, layout, size) {
      const kept = layout.layers.map(weightsOf);
      const plan = planOf(layout, [], device.kind, device.table);
      const { batchSize, iterations, augment } = config;
      const optimizer = optimizerOf(config);
      const network = JSON.stringify([
        layout.spec,
        batchSize,
        optimizer.type,
        augment,
        size.train.count,
        size.test.count,
      ]);
      const expect = (networks: number): LockstepTimes => {
        const images = evaluationImages({ layout, replicates: networks }, size.test.count);
        const { step, evaluation } = planLaunches({
          layout,
          replicates: networks,
          batchSize,
          optimizer,
          iterations,
          plan,
          augment,
          // One launch of evaluation has as many images.
          trainSize: images,
          validationSize: images,
          dataset: { ...size, test: { count: images } },
        });
        const milliseconds = (launches: readonly Launch[], of: number): number =>
          launches.reduce((sum, launch) => {
            const own = kernelWork(launch, { layout, replicates: networks, images: of, kept });
            return sum + (own.work ? expectation(own, own.work, card).microseconds : launchMicroseconds) / 1000;
          }, 0);
        const [validation = []] = evaluation;
        return {
          stepMs: milliseconds(step, batchSize),
          evaluationMsPerThousandImages: milliseconds(validation, images) * 1000 / images,
        };
      };
      return {
        basis: "expected",
        at({ networks }) {
          const key = `${networks} of ${network}`;
          const found = known.get(key) ?? expect(networks);
          known.set(key, found);
          return found;
        },
      };
    },
  };
}

/** A device of a kind, by a table that has rows for it: the shipped one where the given one has none. */
function deviceOf(
  kind: AdapterInfo["kind"],
  table: PlanTable,
): { readonly kind: AdapterInfo["kind"]; readonly table: PlanTable } {
  return { kind, table: table[kind] ? table : planTable };
}

/** The times that a dry run goes by: the card's; else those that its plan table has measured; else what was once measured. */
export function timesFor({ table = planTable, card }: Pick<DryRunOptions, "table" | "card">): Times {
  if (card !== undefined) return cardTimes(cardNamed(card), table);
  for (const kind of ["gpu", "software"] as const) {
    const rows = table.speed?.[kind] ?? [];
    if (rows.length === 0) continue;
    const adapter = table.adapter === undefined ? "an adapter that the plan table does not name" : table.adapter;
    return measuredTimes(rows, { source: `calibrated on ${legible(adapter, 100)}`, device: deviceOf(kind, table) });
  }
  return usualTimes(deviceOf("software", table).table);
}

/**
 * What the runs of a sweep would take, as lines of text: each run, or each network's runs where they are many, and all together. What
 * is there of a run takes nothing.
 *
 * @throws {UsageError} when there is no card of the name
 */
export function dryRunLines(runs: readonly SweepRun[], options: DryRunOptions): string[] {
  const { done, atOnce = usualAtOnce, size = (name) => publishedSizes[name] } = options;
  const times = timesFor(options);
  const estimated = runs.map((run): EstimatedRun => {
    const isDone = Math.min(1, Math.max(0, done(run)));
    try {
      const estimate = estimateRun(run.config, times, size(run.config.dataset));
      return { run, done: isDone, estimate, left: estimate.seconds * (1 - isDone), problem: undefined };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { run, done: isDone, estimate: undefined, left: 0, problem: error.message };
    }
  });
  return [
    ...(estimated.length > mostRows ? formatGroups(estimated) : formatRuns(estimated)),
    "",
    ...formatTotals(estimated, atOnce),
    `Times are ${times.source}.`,
    ...formatScaled(estimated),
    ...estimated.flatMap(({ run, problem }) => problem === undefined ? [] : [`${run.name}: ${problem}`]),
  ];
}

function formatRuns(runs: readonly EstimatedRun[]): string[] {
  return formatTable(
    [
      { title: "run", align: "left" },
      { title: "id", align: "left" },
      { title: "networks", align: "right" },
      { title: "iterations", align: "right" },
      { title: "memory", align: "right" },
      { title: "time", align: "right" },
      { title: "there", align: "left" },
    ],
    runs.map(({ run: { name, id, config }, estimate, left, done }) => [
      name,
      id,
      estimate ? group(estimate.networks) : "–",
      group(config.iterations),
      estimate ? formatBytes(estimate.bytes) : "–",
      estimate && done < 1 ? timeWords(left) : "–",
      thereWords(done),
    ]),
  );
}

function formatGroups(runs: readonly EstimatedRun[]): string[] {
  const byNetwork = Map.groupBy(runs, ({ run }) => `${networkName(run)} on ${run.config.dataset}`);
  return formatTable(
    [
      { title: "network", align: "left" },
      { title: "runs", align: "right" },
      { title: "there", align: "right" },
      { title: "networks", align: "right" },
      { title: "memory", align: "right" },
      { title: "time", align: "right" },
      { title: "longest run", align: "right" },
    ],
    [...byNetwork].map(([name, own]) => [
      name,
      group(own.length),
      group(own.filter(({ done }) => done === 1).length),
      group(networksOf(own)),
      formatBytes(most(own.map(({ estimate }) => estimate?.bytes ?? 0))),
      timeWords(sum(own.map(({ left }) => left))),
      timeWords(most(own.map(({ left }) => left))),
    ]),
  );
}

function formatTotals(runs: readonly EstimatedRun[], atOnce: number): string[] {
  const left = runs.map((own) => own.left);
  const finished = runs.filter(({ done }) => done === 1).length;
  const together = atOnce === 1 ? "" : `, ${timeWords(makespan(left, atOnce))} with ${atOnce} at once on a device each`;
  return [
    `${counted(runs.length, "run")}${finished > 0 ? `, ${group(finished)} of them finished` : ""}; ${
      counted(networksOf(runs), "network")
    }.`,
    `${timeWords(sum(left))} one after the other${together}; the longest run takes ${timeWords(most(left))}.`,
    `At most ${
      formatBytes(most(runs.map(({ estimate }) => estimate?.bytes ?? 0)))
    } of the device's memory for one run.`,
  ];
}

/** Which networks' times were not measured. */
function formatScaled(runs: readonly EstimatedRun[]): string[] {
  const names = new Set(runs.filter(({ estimate }) => estimate?.basis === "scaled").map(({ run }) => networkName(run)));
  if (names.size === 0) return [];
  return [
    `Not measured, and scaled by the work of the most similar network that was: ${[...names].join(", ")}. ` +
    "Narrow networks take longer than that. `deno task bench calibrate --network NAME --width X` measures one.",
  ];
}

/** A network by its name and width. */
function networkName({ config: { network, width } }: SweepRun): string {
  const name = typeof network === "string" ? network : network.name;
  return legible(width === 1 ? name : `${name}, width ${width}`, 60);
}

/** How much of a run is there: `finished`, `40 %`, or nothing. */
function thereWords(done: number): string {
  return done === 1 ? "finished" : done > 0 ? `${Math.floor(done * 100)} %` : "";
}

/** A time as coarse as an estimate is: `12 s`, `3:20 min`, `12:05 h`, `3.4 days`. */
export function timeWords(seconds: number): string {
  const hours = seconds / 3600;
  return hours < 48 ? duration(seconds * 1000) : `${(hours / 24).toFixed(1)} days`;
}

function counted(count: number, noun: string): string {
  return `${group(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function networksOf(runs: readonly EstimatedRun[]): number {
  return sum(runs.map(({ estimate }) => estimate?.networks ?? 0));
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

function most(values: readonly number[]): number {
  return values.reduce((largest, value) => Math.max(largest, value), 0);
}
