/**
 * Going on by itself when the device fails: a driver reset, an unplugged GPU, a hanging queue.
 *
 * @module
 */
import { AdapterError, DeviceLostError, GpuError, ReadbackTimeoutError } from "../gpu/errors.ts";
import type { AdapterInfo } from "../gpu/gpu.ts";
import type { LotteryConfig } from "./config.ts";
import { lottery, type LotteryOptions } from "./lottery.ts";
import type { LotteryEvent, Snapshot } from "./types.ts";

/** Failures in a row, without a snapshot between them, that end a run. */
const mostFailures = 3;

/** Wait before the device is opened again, in milliseconds, doubled with every failure in a row: a driver's reset takes seconds. */
const firstPauseMs = 1000;

/** How to go on. */
export interface RecoveryOptions {
  /** What finds tickets; `lottery()` when left out. */
  readonly lottery?: (config: LotteryConfig, options: LotteryOptions) => AsyncGenerator<LotteryEvent>;
  /** Told of every failure that the run goes on after. */
  readonly warn?: (message: string) => void;
  /** Wait before the device is opened again the first time, in milliseconds; a second when left out. */
  readonly pauseMs?: number;
}

/**
 * `lottery()`, which opens the device again when it fails and goes on from the last snapshot, with the same numbers in the end.
 * The events are those of one run: `start` comes once; a level that was interrupted starts again from where its snapshot stands,
 * and tells again what it told beyond it.
 *
 * @throws {DeviceLostError} when the device fails three times in a row and no snapshot comes between
 * @throws {RangeError} when another adapter answers than the run began on
 */
export async function* recovering(
  config: LotteryConfig,
  options: Omit<LotteryOptions, "gpu">,
  recovery: RecoveryOptions = {},
): AsyncGenerator<LotteryEvent> {
  const { warn = () => {}, pauseMs = firstPauseMs } = recovery;
  const find = recovery.lottery ?? lottery;
  const { signal } = options;
  let snapshot = options.snapshot;
  let adapter: AdapterInfo | undefined;
  let failures = 0;
  for (;;) {
    try {
      for await (const event of find(config, { ...options, ...(snapshot ? { snapshot } : {}) })) {
        if (event.type === "start") {
          if (adapter) {
            assertSame(adapter, event.adapter);
            continue;
          }
          adapter = event.adapter;
        }
        yield event;
        if (event.type !== "snapshot") continue;
        snapshot = event.snapshot;
        failures = 0;
      }
      return;
    } catch (error) {
      // An adapter that never answered is not one that failed.
      if (!isFailure(error) || adapter === undefined) throw error;
      signal?.throwIfAborted();
      failures++;
      if (failures === mostFailures) {
        throw new DeviceLostError(
          `The GPU failed ${mostFailures} times in a row before training got any further; the last time: ` +
            `${withoutAdvice(error.message)} What was trained up to ${
              positionOf(snapshot)
            } is kept: go on with --resume when the GPU is well again. \`deno task doctor\` examines it.`,
          { cause: error },
        );
      }
      warn(`${withoutAdvice(error.message)} Opening it again, to go on from ${positionOf(snapshot)}.`);
      await pause(pauseMs * 2 ** (failures - 1), signal);
    }
  }
}

/** Errors after which a device that is opened anew may do; out of memory would come again. */
function isFailure(error: unknown): error is Error {
  return error instanceof DeviceLostError || error instanceof GpuError || error instanceof ReadbackTimeoutError ||
    error instanceof AdapterError;
}

function assertSame(before: AdapterInfo, now: AdapterInfo): void {
  if (before.name === now.name && before.driver === now.driver && before.kind === now.kind) return;
  throw new RangeError(
    `Cannot go on: ${now.name} answers where the run began on ${before.name}, and another adapter computes other numbers. ` +
      "Go on with --resume when the first one is back.",
  );
}

/** Where a snapshot stands, in words. */
function positionOf(snapshot: Snapshot | undefined): string {
  const [within] = snapshot?.partial ?? [];
  if (within) return `iteration ${within.iteration} of level ${within.level}`;
  const levels = snapshot?.records.map(({ level }) => level) ?? [];
  return levels.length > 0 ? `the end of level ${Math.max(...levels)}` : "the beginning";
}

/** An error's message without what it tells the user to do, which is done here. */
function withoutAdvice(message: string): string {
  return message.replace(/ Run again with --resume.*$/s, "");
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const end = (): void => resolve();
  signal?.addEventListener("abort", end, { once: true });
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", end);
  signal?.throwIfAborted();
}
