/**
 * A timeline of a run: spans of what it did when, and of every kernel of a step and of an evaluation. Whoever listens decides
 * what becomes of them; no number of the run depends on whether anybody does.
 *
 * @module
 */
import type { Gpu } from "../gpu/gpu.ts";
import type { Program } from "../gpu/program.ts";
import type { Ensemble, StartValues } from "../nn/ensemble.ts";

/** Where a span stands: one under the other on a timeline. */
export type TraceTrack = "levels" | "evaluations" | "waits" | "kernels of a step" | "kernels of an evaluation";

/** From when to when something lasted. */
export interface TraceSpan {
  /** What it was. */
  readonly name: string;
  /** What kind of thing. */
  readonly track: TraceTrack;
  /** Its level. */
  readonly level: number;
  /** When it began, by `performance.now()`. */
  readonly startMs: number;
  /** How long it lasted, in milliseconds. */
  readonly durationMs: number;
}

/** What is told of every span, when it is over. */
export type TraceListener = (span: TraceSpan) => void;

/**
 * Times every kernel of one step and of one evaluation by the GPU's timestamps, where it has them. Spans of kernels stand one
 * after the other from the moment when they were run: the gaps between them are no part of what is measured.
 *
 * It runs them, so that values and state of the ensemble are lost: to be called when nothing is wanted of it any more.
 *
 * @param starts where the ensemble goes back to, at its first iteration: beyond its last one it has no learning rates
 */
export async function traceKernels(
  gpu: Gpu,
  ensemble: Ensemble,
  starts: readonly StartValues[],
  level: number,
  listener: TraceListener,
): Promise<void> {
  if (!gpu.hasTimestamps) return;
  ensemble.begin(starts.map(({ values, mask }) => ({ values, mask })));
  const timed: readonly { readonly track: TraceTrack; readonly programs: readonly Program[] }[] = [
    { track: "kernels of a step", programs: [ensemble.program] },
    { track: "kernels of an evaluation", programs: ensemble.evaluationPrograms },
  ];
  for (const { track, programs } of timed) {
    for (const program of programs) {
      let startMs = performance.now();
      const times = await gpu.time(program) ?? [];
      program.dispatches.forEach(({ label }, index) => {
        const durationMs = times[index] ?? 0;
        listener({ name: label, track, level, startMs, durationMs });
        startMs += durationMs;
      });
    }
  }
}
