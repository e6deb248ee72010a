/**
 * Whether pruning helped in a run, and what is wrong with its files.
 *
 * @module
 */
import type { JSX } from "preact";
import { describeLevel } from "../level_words.ts";
import type { RunView } from "../types.ts";
import { unbroken } from "./run_words.ts";

/** What is wrong with a run's files; nothing where nothing is. */
export function RunProblems({ run: { id, state, problems } }: { readonly run: RunView }): JSX.Element | null {
  if (problems.length === 0 && state !== "damaged") return null;
  const isDamaged = state === "damaged";
  return (
    <div class={`notice stack ${isDamaged ? "bad" : "warn"}`}>
      <h2>{isDamaged ? "This run is damaged" : "Something is wrong with this run's files"}</h2>
      {problems.map((problem) => <p key={problem} class="breaks">{problem}</p>)}
      <p>
        {isDamaged ? "It cannot be gone on with as it is. " : "It can be gone on with all the same. "}
        <code>./denow task runs verify {id}</code> examines every file and says what can be done.
      </p>
    </div>
  );
}

/** Whether pruning helped, by how much and against which control; before that can be said, how far it is. */
export function RunAnswer({ run: { figures, outcome, state, row, config } }: { readonly run: RunView }): JSX.Element {
  const [first] = figures;
  const [verdict, ...others] = outcome;
  const isToCome = figures.length === 1 && (config?.levels ?? 0) > 0;
  if (first && verdict !== undefined && !isToCome) {
    return (
      <>
        <p class="answer">{unbroken(verdict)}</p>
        {others.map((sentence) => <p key={sentence}>{unbroken(sentence)}</p>)}
      </>
    );
  }
  if (first && isToCome) {
    return (
      <>
        <p class="answer">Only the dense network is trained so far, so nothing says yet whether pruning helps.</p>
        {describeLevel(figures, 0).map((sentence) => <p key={sentence}>{unbroken(sentence)}</p>)}
      </>
    );
  }
  if (state === "damaged") {
    return <p class="answer">Nothing that it has come to can be read.</p>;
  }
  const { level, iteration } = row.progress;
  const where = level === null
    ? "No evaluation yet."
    : `The dense network is at iteration ${(iteration ?? 0).toLocaleString("en")} of ${
      config?.iterations.toLocaleString("en") ?? "?"
    }.`;
  return (
    <>
      <p class="answer">No network is trained yet. {where}</p>
      <p class="soft">
        {state === "running"
          ? "Whether pruning helps can be said when the first pruned level is trained; until then its curves are below."
          : "No process is at work in it: the same lottery command with --resume goes on."}
      </p>
    </>
  );
}
