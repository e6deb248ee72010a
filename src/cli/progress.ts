/**
 * A run as it goes, for whoever watches: one live line on a terminal, plain lines elsewhere, and a table per level.
 *
 * @module
 */
import { percent } from "../analysis/outcome.ts";
import { spread } from "../analysis/statistics.ts";
import type { LotteryConfig } from "../lottery/config.ts";
import { firstIterationOf } from "../lottery/wanted.ts";
import type { ArmName, Evaluation, LevelRecord, LockstepBy, LotteryEvent } from "../lottery/types.ts";
import { type Console, styled, wrap } from "./console.ts";
import { bar, LiveLine } from "./live_line.ts";
import { describeLayers, layerLines } from "./network.ts";
import { formatTable } from "./table.ts";

/** How to report. */
export interface ProgressOptions {
  /** Networks to train at each level: what is wanted and not done. */
  readonly networksByLevel: readonly number[];
  /** Whether to print the memory plan. */
  readonly verbose: boolean;
  /** A clock in milliseconds; `performance.now` when left out. */
  readonly now?: () => number;
}

/** Why no more networks train in lockstep. */
const lockstepWords: Readonly<Record<LockstepBy, string>> = {
  level: "no level has more networks",
  memory: "more would not fit into this adapter's memory",
  plan: "more are no faster by the plan table",
  caller: "no more were asked for",
};

/** How much of a level passes between two plain lines. */
const plainShare = 0.1;

/** How much of a level must be over before its time tells how long the rest takes. */
const tooEarly = 0.01;

/** Where a level stands. */
type Position = Pick<
  LotteryEvent & { readonly type: "progress" },
  "level" | "firstIteration" | "iteration" | "iterations" | "trainLoss"
>;

/** Where three poolings leave more inputs than the paper's count of weights allows for. */
const conv6 = {
  name: "conv-6",
  weights: 2_261_184,
  note:
    "  Its first dense layer has 4,096 inputs, as three poolings of 32 × 32 leave them; the paper says 1.7 million weights.",
} as const;

/** Tells a {@linkcode Console} what `lottery()` tells. */
export class Progress implements Disposable {
  readonly #console: Console;
  readonly #config: LotteryConfig;
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #line: LiveLine;
  #startedAt = 0;
  #levelStartedAt = 0;
  /** Where the level began or, after an interruption, goes on: steps before that took none of this session's time. */
  #startIteration = 0;
  #startShare: number | undefined;
  #workBefore = 0;
  #levelNetworks = 0;
  #workDone = 0;
  #plainAt = 0;
  #latest: Evaluation | undefined;

  constructor(console: Console, config: LotteryConfig, options: ProgressOptions) {
    this.#console = console;
    this.#config = config;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#line = new LiveLine(console);
  }

  /** Shows an event. */
  show(event: LotteryEvent): void {
    switch (event.type) {
      case "start":
        return this.#start(event);
      case "level-start":
        return this.#levelStart(event);
      case "evaluation":
        return this.#evaluation(event.evaluation);
      case "progress":
        return this.#progress(event);
      case "level-end":
        return this.#levelEnd(event);
      case "end":
        return this.#line.clear();
    }
  }

  /** Writes a line that is no part of the run's story, without tearing the live line. */
  note(text: string): void {
    this.#line.clear();
    this.#console.err(text);
  }

  /** Takes the live line away. */
  [Symbol.dispose](): void {
    this.#line.clear();
  }

  #start(event: LotteryEvent & { readonly type: "start" }): void {
    const { network, adapter, memory, lockstep, lockstepBy, remaining } = event;
    this.#startedAt = this.#now();
    const { dataset, trainSize, validationSize, iterations, batchSize, evalEvery, replicates } = this.#config;
    const bytes = memory.reduce((sum, entry) => sum + entry.bytes, 0);
    this.#console.err(
      [
        `${network.spec.name}, ${group(network.weights)} weights: ${describeLayers(network.spec)}`,
        ...(network.spec.name === conv6.name && network.weights === conv6.weights ? [conv6.note] : []),
        `${dataset}, ${group(trainSize)} images to train, ` +
        `${group(validationSize)} to validate`,
        `${group(iterations)} iterations of ${batchSize} images, evaluated every ${evalEvery}; ` +
        `${replicates} ${replicates === 1 ? "replicate" : "replicates"}`,
        describeRecipe(this.#config),
        `levels ${remaining.map((fraction) => percent(fraction)).join(", ")} of the weights`,
        `${adapter.name}${adapter.kind === "software" ? " (software)" : ""}, ${mebibytes(bytes)} on the device` +
        (lockstep < Math.max(...this.#options.networksByLevel) ? `, in turns of at most ${lockstep} networks` : ""),
      ].join("\n"),
    );
    if (!this.#options.verbose) return;
    this.#console.err(layerLines(network.spec, this.#config).map((line) => `  ${line}`).join("\n"));
    const rows = memory.map((entry) => [entry.name, group(entry.bytes)]);
    const table = formatTable([{ title: "buffer", align: "left" }, { title: "bytes", align: "right" }], [
      ...rows,
      ["all", group(bytes)],
    ]);
    this.#console.err(table.map((line) => `  ${line}`).join("\n"));
    this.#console.err(`  at most ${lockstep} in lockstep: ${lockstepWords[lockstepBy]}`);
  }

  #levelStart({ level, networks, iteration, remaining }: LotteryEvent & { readonly type: "level-start" }): void {
    this.#levelStartedAt = this.#now();
    this.#startIteration = iteration;
    this.#startShare = undefined;
    this.#levelNetworks = networks.length;
    this.#plainAt = plainShare;
    this.#latest = undefined;
    if (this.#console.isTerminal) return;
    const counts = new Map<ArmName, number>();
    for (const { arm } of networks) counts.set(arm, (counts.get(arm) ?? 0) + 1);
    const arms = [...counts].map(([arm, count]) => count === 1 ? arm : `${count} × ${arm}`).join(", ");
    const goesOn = iteration > firstIterationOf(this.#config, level) ? `, from iteration ${group(iteration)}` : "";
    const which = `Level ${level} of ${this.#config.levels}: ${percent(remaining)} of the weights`;
    const columns = this.#console.columns();
    const line = `${which}, ${arms}${goesOn}`;
    this.#console.err(
      line.length <= columns
        ? line
        : `${which}, ${networks.length} networks of ${counts.size} arms${goesOn}\n${wrap(arms, columns, "  ")}`,
    );
  }

  #evaluation(evaluation: Evaluation): void {
    // Of the networks in lockstep, the live line shows the first: the ticket of the first replicate, wherever there is one.
    if (this.#latest === undefined || evaluation.iteration > this.#latest.iteration) this.#latest = evaluation;
  }

  #progress(event: Position): void {
    const share = shareOf(event);
    if (this.#startShare === undefined) {
      this.#startShare = shareOf({ ...event, iteration: Math.max(event.firstIteration, this.#startIteration) });
      this.#workBefore += this.#levelNetworks * this.#startShare;
      this.#plainAt = (Math.floor(this.#startShare / plainShare) + 1) * plainShare;
    }
    this.#line.draw(() => this.#describe(event));
    if (this.#console.isTerminal || share < this.#plainAt || share >= 1) return;
    this.#plainAt = (Math.floor(share / plainShare) + 1) * plainShare;
    this.#console.err(`  ${this.#describe(event)}`);
  }

  #describe(event: Position): string {
    const { level, iteration, iterations, trainLoss } = event;
    const { levels } = this.#config;
    const share = shareOf(event);
    const gained = share - (this.#startShare ?? 0);
    const now = this.#now();
    const inLevel = gained === 0 ? 0 : (now - this.#levelStartedAt) * (1 - share) / gained;
    const work = this.#workDone + this.#levelNetworks * gained;
    const all = this.#options.networksByLevel.reduce((sum, count) => sum + count, 0) - this.#workBefore;
    // Before the first level is over, later ones are taken to cost what this one does per network.
    const inAll = work === 0 ? 0 : (now - this.#startedAt) * Math.max(0, all - work) / work;
    const { validationAccuracy, testAccuracy } = this.#latest ?? {};
    const figures = (trainLoss === null ? "" : `  loss ${trainLoss.toFixed(4)}`) +
      (this.#latest ? `  val ${percent(validationAccuracy ?? 0)}  test ${percent(testAccuracy ?? 0)}` : "");
    // The first steps wait for kernels to compile and say nothing of those after them.
    const time = gained < tooEarly ? "starting" : `${duration(inLevel)} left, run ${duration(inAll)}`;
    const text = `${group(iteration)}/${group(iterations)}  ${time}${figures}`;
    if (!this.#console.isTerminal) return text;
    const before = `level ${level}/${levels}  `;
    const after = ` ${percent(share, 0).padStart(5)}  ${text}`;
    // The bar takes what the figures leave of the line.
    const room = this.#console.columns() - 1 - before.length - after.length;
    return before + bar(share, Math.max(4, Math.min(20, room))) + after;
  }

  #levelEnd({ level, records, timing }: LotteryEvent & { readonly type: "level-end" }): void {
    this.#workDone += this.#levelNetworks * (1 - (this.#startShare ?? 0));
    this.#line.clear();
    const [first] = records;
    if (!first) return;
    const kept = first.layers.reduce((sum, layer) => sum + layer.kept, 0);
    const lines = formatTable(levelColumns, armsOf(records).map(([arm, own]) => levelRow(arm, own)));
    this.#console.err(
      [
        styled(
          { hasColour: this.#console.isTerminal && this.#console.hasColour },
          "bold",
          `Level ${level}: ${percent(first.remaining)} of the weights (${group(kept)}), ` +
            `${timing.stepMs.toFixed(1)} ms a step, ${duration(timing.seconds * 1000)}`,
        ),
        ...lines.map((line) => `  ${line}`),
      ].join("\n"),
    );
  }
}

const levelColumns = [
  { title: "arm", align: "left" },
  { title: "early stop", align: "right" },
  { title: "validation loss", align: "right" },
  { title: "test there", align: "right" },
  { title: "train there", align: "right" },
  { title: "test at end", align: "right" },
  { title: "train at end", align: "right" },
  { title: "", align: "left" },
] as const;

function levelRow(arm: ArmName, all: readonly LevelRecord[]): string[] {
  const records = all.filter(({ status }) => status === "ok");
  const mean = (values: readonly (number | null)[], format: (value: number) => string): string => {
    const found = spread(values);
    return found ? format(found.mean) : "–";
  };
  const accuracy = (value: number): string => percent(value, 2);
  const lost = all.find(({ status }) => status === "diverged");
  return [
    all.length === 1 ? arm : `${arm}, mean of ${records.length}`,
    mean(records.map((record) => record.earlyStopIteration), (value) => group(Math.round(value))),
    mean(records.map((record) => record.validationLossAtEarlyStop), (value) => value.toFixed(4)),
    mean(records.map((record) => record.testAccuracyAtEarlyStop), accuracy),
    mean(records.map((record) => record.trainAccuracyAtEarlyStop), accuracy),
    mean(records.map((record) => record.testAccuracyAtEnd), accuracy),
    mean(records.map((record) => record.trainAccuracyAtEnd), accuracy),
    lost ? `${all.length - records.length} diverged, at iteration ${lost.divergedAt ?? "unknown"}` : "",
  ];
}

function armsOf(records: readonly LevelRecord[]): [ArmName, LevelRecord[]][] {
  const arms = new Map<ArmName, LevelRecord[]>();
  for (const record of records) arms.set(record.arm, [...arms.get(record.arm) ?? [], record]);
  return [...arms];
}

/** Milliseconds as people read them: "45 s", "3:20 min", "1:05 h". */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${String(seconds % 60).padStart(2, "0")} min`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
}

/** A whole number with its thousands apart. */
export function group(value: number): string {
  return value.toLocaleString("en");
}

/** How much of a level's steps are done. */
function shareOf({ firstIteration, iteration, iterations }: Position): number {
  return (iteration - firstIteration) / (iterations - firstIteration);
}

/** How a configuration trains, in words. */
export function describeRecipe(config: LotteryConfig): string {
  const { optimizer, lr, warmup, lrDrops, lrDropFactor, momentum, weightDecay, dropout, augment, rewind } = config;
  return [
    `${optimizer} with a learning rate of ${lr}` +
    (warmup > 0 ? ` after ${group(warmup)} iterations of warmup` : "") +
    (lrDrops.length > 0 ? `, × ${lrDropFactor} at ${lrDrops.map(group).join(" and ")}` : ""),
    ...(momentum > 0 ? [`momentum ${momentum}`] : []),
    ...(weightDecay > 0 ? [`weight decay ${weightDecay}`] : []),
    ...(dropout > 0 ? [`dropout ${dropout}`] : []),
    ...(augment ? ["images flipped and shifted at random"] : []),
    ...(rewind > 0 ? [`tickets rewound to iteration ${group(rewind)}`] : []),
  ].join("; ");
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
