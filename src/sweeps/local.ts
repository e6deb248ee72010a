/**
 * Which runs of a sweep train at once on one machine: the largest first, as many as memory and processors have room for.
 *
 * @module
 */

/** A run as the queue sees it. */
export interface LocalTask {
  /** Its number in the submission. */
  readonly index: number;
  /** Bytes that it takes on the device, as far as that is known. */
  readonly bytes: number;
  /** Seconds that it is expected to take; only the order and shares of progress follow from it. */
  readonly seconds: number;
}

/** What there is room for. */
export interface LocalRoom {
  /** Processes at once. */
  readonly processes: number;
  /** Bytes of memory for all of them; null where nobody knows. */
  readonly bytes: number | null;
}

/** What a machine offers. */
export interface Machine {
  /** The adapter's kind. */
  readonly kind: "software" | "gpu";
  /** Processors. */
  readonly cores: number;
  /** Memory that is free for programs, in bytes; null where the system does not say. */
  readonly freeBytes: number | null;
  /** Memory of the graphics card, in bytes; null where nobody knows, and of a software adapter. */
  readonly cardBytes: number | null;
}

/**
 * Processes of a software adapter for each core. Though one uses all of them, its launches are short and end with all but one core
 * waiting: four runs of LeNet-300-100 on two cores, two at once, ended 1.15 and 1.34 times as fast as one after the other (llvmpipe,
 * idle, in turn, 2026-11-26). Beside other jobs it was 1.41 and 1.50, four at once 1.62 and 1.67; more than one for each core takes memory
 * and makes the first result come later.
 */
const processesPerCore = 1;

/**
 * What a process takes beside what its device has: Deno, the data set, compiled kernels. It was 320 to 380 MiB with MNIST and a
 * software adapter (2026-11-26); CIFAR-10 has 130 MiB more.
 */
const processBytes = 512 * 2 ** 20;

/** Of free memory this share is used: others want some too, and estimates are none too exact. */
const share = 0.8;

/** Of a graphics card's: its driver and the picture on the screen take some. */
const cardShare = 0.9;

/** What there is room for on a machine, and in a sentence why. */
export function roomOn(
  { kind, cores, freeBytes, cardBytes }: Machine,
  most: number | undefined,
): LocalRoom & { readonly reason: string } {
  const perCore = Math.max(1, Math.floor(cores * processesPerCore));
  const byMemory = freeBytes === null ? Infinity : Math.max(1, Math.floor(freeBytes * share / processBytes));
  if (kind === "gpu" && cardBytes === null) {
    const processes = Math.min(most ?? 1, byMemory);
    return {
      processes,
      bytes: null,
      reason: most === undefined
        ? "one run at a time, since the graphics card does not say how much memory it has: --adapter-memory GIB tells, or --jobs N"
        : `at most ${processes} at once, as --jobs says`,
    };
  }
  const processes = Math.max(1, Math.min(most ?? perCore, byMemory));
  const bytes = kind === "gpu"
    ? cardBytes === null ? null : cardBytes * cardShare
    : freeBytes === null
    ? null
    : Math.max(0, freeBytes * share - processes * processBytes);
  const by = most !== undefined && processes === most
    ? "as --jobs says"
    : processes < (most ?? perCore)
    ? "as the machine's memory allows"
    : kind === "gpu"
    ? "one for each processor"
    : "one for each processor, since the adapter is software";
  return { processes, bytes, reason: `at most ${processes} at once, ${by}` };
}

/** In the order in which they are begun: what takes longest first, so that little is left to wait for at the end. */
export function inOrder(tasks: readonly LocalTask[]): LocalTask[] {
  return tasks.toSorted((a, b) => b.seconds - a.seconds || a.index - b.index);
}

/**
 * Which of the waiting tasks begins now, beside those at work; undefined where none has room. One that is too large for the machine
 * begins when nothing else is at work: the run itself knows best what to do about it.
 */
export function nextTask(
  waiting: readonly LocalTask[],
  working: readonly LocalTask[],
  { processes, bytes }: LocalRoom,
): LocalTask | undefined {
  if (working.length === 0) return waiting[0];
  if (working.length >= processes) return undefined;
  if (bytes === null) return waiting[0];
  const free = bytes - working.reduce((sum, task) => sum + task.bytes, 0);
  return waiting.find((task) => task.bytes <= free);
}

/** How much of all work is done, from 0 to 1: each task weighs what it takes. */
export function overallFraction(tasks: readonly (LocalTask & { readonly fraction: number })[]): number {
  const weight = ({ seconds }: LocalTask): number => Math.max(seconds, 1e-3);
  const all = tasks.reduce((sum, task) => sum + weight(task), 0);
  return all === 0 ? 1 : tasks.reduce((sum, task) => sum + weight(task) * task.fraction, 0) / all;
}
