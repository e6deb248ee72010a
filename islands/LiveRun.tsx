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
  /** The runs that the page shows: one, or those of an experiment, begun or not. */
  readonly ids: readonly string[];
  /** The dashboard's version when it was read. */
  readonly version: string;
}

/** Keeps the page of a run, or of an experiment, that is not finished up to date. What it says of that shows while the run is going. */
export default function LiveRun({ ids, version }: LiveRunProps): JSX.Element {
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
    }, interval);
    const connection = live();
    const stopListening = connection.listen({
      runs: ids,
      version,
      hear(event) {
        if (event.type === "gone" && ids.length === 1) {
          problem.value = "This run was removed: what is shown is the last of it.";
        } else renewal.ask();
      },
      missed: () => renewal.ask(),
    });
    const stopWatching = connection.state.subscribe((own) => state.value = own);
    return () => {
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
