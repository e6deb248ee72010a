/**
 * Training a run, as `lottery` and `experiment` do it: recorded as it goes, told as it goes, and stopped when it is told to.
 *
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { LoadOptions } from "../data/load.ts";
import { type LotteryConfig, networkOf } from "../lottery/config.ts";
import type { LotteryOptions } from "../lottery/lottery.ts";
import { otherAdapter } from "../lottery/plan_table.ts";
import { recovering } from "../lottery/recovery.ts";
import type { LotteryEvent } from "../lottery/types.ts";
import { wantedNetworks } from "../lottery/wanted.ts";
import { layOut } from "../nn/network.ts";
import { nameOf, type RunStore } from "../store/run_store.ts";
import { UsageError } from "./arguments.ts";
import type { Console } from "./console.ts";
import { Progress } from "./progress.ts";

/** What a command that trains works with; tests put their own here. */
export interface TrainingTools {
  /** Where to write. */
  readonly console: Console;
  /** Finds tickets. */
  readonly lottery: (config: LotteryConfig, options: LotteryOptions) => AsyncGenerator<LotteryEvent>;
  /** Loads a data set. */
  readonly loadDataset: (name: LotteryConfig["dataset"], options: LoadOptions) => Promise<Dataset>;
  /** Ends the run when it is aborted. */
  readonly signal: AbortSignal;
}

/** How to train. */
export interface TrainingOptions extends Pick<LotteryOptions, "dataset" | "plan" | "checkpointSeconds" | "trace"> {
  /** Whether to print what is allocated. */
  readonly verbose: boolean;
  /** How a run that was stopped is gone on with: "the same command with --resume". */
  readonly goingOn: string;
}

/**
 * Trains what is wanted of a run and not done.
 *
 * @param store the run, opened; it records
 * @returns the exit code: 0, or 130 when the signal or a file `stop` ended it
 */
export async function trainRun(
  store: RunStore,
  config: LotteryConfig,
  { verbose, goingOn, ...options }: TrainingOptions,
  { console, lottery, signal: stopped }: Pick<TrainingTools, "console" | "lottery" | "signal">,
): Promise<number> {
  const done = new Set(store.snapshot?.records.map(nameOf));
  const missing = wantedNetworks(config).filter((key) => !done.has(nameOf(key)));
  const networksByLevel = Array.from(
    { length: config.levels + 1 },
    (_, level) => missing.filter((key) => key.level === level).length,
  );
  using progress = new Progress(console, config, { networksByLevel, verbose });
  const fromFile = new AbortController();
  const signal = AbortSignal.any([stopped, fromFile.signal]);
  const told = (): void => progress.note("Stopping after this step. Once more ends at once; nothing recorded is lost.");
  signal.addEventListener("abort", told, { once: true });
  try {
    const begun = store.snapshot ? { snapshot: store.snapshot } : {};
    const warn = (message: string): void => progress.note(`Warning: ${message}`);
    for await (const event of recovering(config, { ...options, ...begun, signal }, { lottery, warn })) {
      await store.record(event);
      progress.show(event);
      const other = event.type === "start" && options.plan ? otherAdapter(options.plan, event.adapter) : undefined;
      if (other !== undefined) warn(other);
      if (!signal.aborted && await store.stopRequested()) {
        fromFile.abort(new DOMException("Stopped by the file `stop`", "AbortError"));
      }
    }
    return 0;
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    progress.note(
      store.hasStarted
        ? `Stopped. What was trained is in ${store.folder}; ${goingOn} goes on ${whereFrom(store)}.`
        : "Stopped before training began; nothing was written.",
    );
    return 130;
  } finally {
    signal.removeEventListener("abort", told);
  }
}

/**
 * Refuses what a data set cannot give: more images than it has, or a network that its images do not fit.
 *
 * @throws {UsageError} when it cannot
 */
export function refuseUnfit(config: LotteryConfig, dataset: Dataset): void {
  const { count } = dataset.train;
  if (config.trainSize + config.validationSize > count) {
    throw new UsageError(
      `Cannot use --train-size ${config.trainSize}: with --validation-size ${config.validationSize} it needs ` +
        `${config.trainSize + config.validationSize} images, and ${dataset.name} has ${count}. Lower either.`,
    );
  }
  asUsage(() => layOut(networkOf(config, dataset)));
}

/** What a configuration gets wrong is wrong usage. */
export function asUsage<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    throw error instanceof RangeError || error instanceof TypeError
      ? new UsageError(error.message, { cause: error })
      : error;
  }
}

/** Where a run goes on, in words. */
function whereFrom({ within }: RunStore): string {
  return within ? `from iteration ${within.iteration} of level ${within.level}` : "from the last finished level";
}
