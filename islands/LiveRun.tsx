import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { live, type LiveState, liveWords } from "../src/dashboard/live.ts";
import { Paced } from "../src/dashboard/pacing.ts";
import { renewPage } from "../src/dashboard/renew.ts";

/** Milliseconds from one renewal of the page to the next: new data is there within two seconds. */
const interval = 500;

/** What {@linkcode LiveRun} takes. */
export interface LiveRunProps {
  /** The runs that the page shows: one, or those of an experiment or a sweep, begun or not. */
  readonly ids: readonly string[];
  /** The dashboard's version when it was read. */
  readonly version: string;
  /** Milliseconds from one renewal to the next, for a page that takes longer to draw; half a second when left out. */
  readonly pace?: number;
  /** Milliseconds after which it is renewed though no run has told of anything; never when left out. */
  readonly again?: number;
}

/** More ids than these make an address that is too long: the page hears of all runs, and passes over the others. */
const mostIds = 200;

/**
 * Keeps the page of a run, of an experiment, or of a sweep that is not finished up to date. What it says of that shows while the run
 * is going.
 */
export default function LiveRun({ ids, version, pace = interval, again }: LiveRunProps): JSX.Element {
  const state = useSignal<LiveState>("connecting");
  const problem = useSignal("");

  useEffect(() => {
    const ending = new AbortController();
    const renewal = new Paced(async () => {
      try {
        await renewPage(ending.signal);
        problem.value = "";
      } catch (error) {
        if (!ending.signal.aborted) problem.value = error instanceof Error ? error.message : String(error);
      }
    }, pace);
    const own = new Set(ids);
    const connection = live();
    const stopListening = connection.listen({
      ...(ids.length > mostIds ? {} : { runs: ids }),
      version,
      hear(event) {
        if (event.type === "gone" && ids.length === 1) {
          problem.value = "This run was removed: what is shown is the last of it.";
        } else if (event.type !== "hello" && own.has(event.type === "run" ? event.row.id : event.id)) renewal.ask();
      },
      missed: () => renewal.ask(),
    });
    const stopWatching = connection.state.subscribe((now) => state.value = now);
    const timer = again === undefined ? undefined : setInterval(() => {
      if (document.visibilityState === "visible") renewal.ask();
    }, again);
    return () => {
      clearInterval(timer);
      ending.abort();
      renewal.stop();
      stopListening();
      stopWatching();
    };
  }, [ids.join()]);

  // A renewal that was under way when the connection was lost fails too, and says less.
  const isTold = problem.value !== "" && state.value !== "lost";
  return (
    <p class={`live-note small soft ${isTold ? "told" : state.value}`} role="status">
      {isTold ? problem : liveWords[state.value]}
    </p>
  );
}
