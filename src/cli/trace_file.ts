/**
 * A run's timeline in the trace event format (an array of complete events), which chrome://tracing and Perfetto open.
 *
 * @module
 */
import type { TraceSpan, TraceTrack } from "../lottery/trace.ts";

/** The tracks from top to bottom: a thread each. */
const tracks: readonly TraceTrack[] = [
  "levels",
  "evaluations",
  "waits",
  "kernels of a step",
  "kernels of an evaluation",
];

/** One event, as the format names its fields. */
export type TraceEvent =
  | {
    readonly name: "process_name" | "process_labels" | "thread_name" | "thread_sort_index";
    /** Metadata. */
    readonly ph: "M";
    readonly pid: 1;
    readonly tid: number;
    readonly args: Readonly<Record<string, string | number>>;
  }
  | {
    readonly name: string;
    /** The track. */
    readonly cat: TraceTrack;
    /** Complete: with its duration. */
    readonly ph: "X";
    readonly pid: 1;
    readonly tid: number;
    /** Microseconds since the first span began. */
    readonly ts: number;
    /** Microseconds. */
    readonly dur: number;
    readonly args: { readonly level: number };
  };

/** The events of a timeline. Where an adapter has no timestamps, a label of the process says that kernels are missing. */
export function traceEvents(run: string, spans: readonly TraceSpan[]): TraceEvent[] {
  const tidOf = (track: TraceTrack): number => tracks.indexOf(track) + 1;
  const origin = spans.reduce((least, { startMs }) => Math.min(least, startMs), Infinity);
  // Rounded to nanoseconds before the difference is taken, so that what ends where another begins does not overlap it.
  const nanoseconds = (ms: number): number => Math.round((ms - origin) * 1e6);
  const isWithoutTimestamps = spans.some(({ track }) => track === "levels") &&
    !spans.some(({ track }) => track.startsWith("kernels"));
  const labels = isWithoutTimestamps
    ? "no kernels: the adapter has no timestamps"
    : "kernels were timed one by one when their level had ended, and stand without the gaps between them";
  return [
    { name: "process_name", ph: "M", pid: 1, tid: 0, args: { name: run } },
    { name: "process_labels", ph: "M", pid: 1, tid: 0, args: { labels } },
    ...tracks.flatMap((track): TraceEvent[] => [
      { name: "thread_name", ph: "M", pid: 1, tid: tidOf(track), args: { name: track } },
      { name: "thread_sort_index", ph: "M", pid: 1, tid: tidOf(track), args: { sort_index: tidOf(track) } },
    ]),
    ...spans.toSorted((a, b) => a.startMs - b.startMs).map(
      ({ name, track, level, startMs, durationMs }): TraceEvent => {
        const begin = nanoseconds(startMs);
        const dur = (nanoseconds(startMs + durationMs) - begin) / 1000;
        return { name, cat: track, ph: "X", pid: 1, tid: tidOf(track), ts: begin / 1000, dur, args: { level } };
      },
    ),
  ];
}

/** A trace file, an event to a line. */
export function formatTrace(run: string, spans: readonly TraceSpan[]): string {
  return `[\n${traceEvents(run, spans).map((event) => JSON.stringify(event)).join(",\n")}\n]\n`;
}
