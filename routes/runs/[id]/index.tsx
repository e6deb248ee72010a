import { HttpError, page } from "fresh";
import type { JSX } from "preact";
import { Figure } from "../../../src/dashboard/components/Figure.tsx";
import { levelNote, LevelTable } from "../../../src/dashboard/components/LevelTable.tsx";
import { PaperTable } from "../../../src/dashboard/components/PaperTable.tsx";
import { RunAnswer, RunProblems } from "../../../src/dashboard/components/RunAnswer.tsx";
import { RunCurves } from "../../../src/dashboard/components/RunCurves.tsx";
import { RunMade } from "../../../src/dashboard/components/RunMade.tsx";
import { RunHeader } from "../../../src/dashboard/components/RunHeader.tsx";
import { unbroken } from "../../../src/dashboard/components/run_words.ts";
import { accuracyAt, withParameters } from "../../../src/dashboard/run_choices.ts";
import {
  accuracyOf,
  earlyStopOf,
  filesOf,
  layersOf,
  onPage,
  type RunFigure,
  stepTimeOf,
} from "../../../src/dashboard/run_figures.ts";
import { define } from "../../../utils.ts";

/** A run: whether pruning helped, its pictures, its levels, its curves. */
export const handler = define.handlers({
  async GET({ params: { id = "" }, state }) {
    const { dashboard } = state;
    const { version } = dashboard;
    const run = await dashboard.readRun(id);
    if (!run) throw new HttpError(404, "There is no such run.");
    state.title = id;
    return page({ run, version });
  },
});

export default define.page<typeof handler>(({ data: { run, version }, url }) => {
  const { id, config, figures } = run;
  const at = accuracyAt(url.searchParams);
  const hasFigures = figures.length > 0;
  const picture = (name: string, title: string, figure: RunFigure, choices = {}): JSX.Element => (
    <Figure id={name} title={title} files={filesOf(id, name, choices)} {...onPage(figure, name)}>
      {name === "accuracy" && (
        <span class="segments" role="group" aria-label="Where test accuracy is looked at">
          <a href={`${withParameters(url, { at: null })}#accuracy`} aria-current={at === "end" ? undefined : "true"}>
            at early stop
          </a>
          <a href={`${withParameters(url, { at: "end" })}#accuracy`} aria-current={at === "end" ? "true" : undefined}>
            at the end
          </a>
        </span>
      )}
    </Figure>
  );
  return (
    <>
      <RunHeader run={run} here="run" version={version} />
      <div class="run-problems" data-live="problems">
        <RunProblems run={run} />
      </div>
      <section aria-label="The answer">
        <div class="stack" data-live="answer">
          <RunAnswer run={run} />
        </div>
      </section>
      <section
        class="columns run-pictures"
        aria-label="The paper's pictures"
        data-shown="pictures"
        hidden={!hasFigures}
      >
        {picture(
          "accuracy",
          "Test accuracy against remaining weights",
          accuracyOf(run, at),
          at === "end" ? { at } : {},
        )}
        {picture("early-stop", "Early stop against remaining weights", earlyStopOf(run))}
      </section>
      <section class="stack" data-shown="levels" hidden={!hasFigures}>
        <h2>Levels</h2>
        <div class="scroll" data-live="levels" tabIndex={0} role="group" aria-label="Levels, as a table">
          <LevelTable run={run} />
        </div>
        <p class="soft small" data-live="levels-note">{unbroken(levelNote(run))}</p>
      </section>
      <section class="stack" data-shown="paper" hidden={run.paper.length === 0}>
        <h2>Beside the paper</h2>
        <div class="scroll" data-live="paper" tabIndex={0} role="group" aria-label="The paper's values beside ours">
          <PaperTable run={run} />
        </div>
        <p class="soft small">
          Frankle & Carbin, <cite>The Lottery Ticket Hypothesis</cite>{" "}
          (2019). Ours are of the level nearest to the paper's, within 15&nbsp;%.
        </p>
      </section>
      {config && (
        <section class="stack" id="curves">
          <h2>Curves</h2>
          <RunCurves run={run} url={url} version={version} />
        </section>
      )}
      <section class="columns" aria-label="Layers and time" data-shown="more" hidden={!hasFigures}>
        {picture("layers", "Surviving weights per layer", layersOf(run))}
        {picture("step-time", "Time of a training step", stepTimeOf(run))}
      </section>
      <section class="columns">
        <div class="stack">
          <h2>Made with</h2>
          <div data-live="made">
            <RunMade run={run} />
          </div>
          <p>
            <a href={`/runs/${id}/settings`}>All settings, data, and the command that makes this run again</a>
          </p>
        </div>
        {config && (
          <div class="stack">
            <h2>Take it away</h2>
            <Downloads id={id} />
          </div>
        )}
      </section>
    </>
  );
});

function Downloads({ id }: { readonly id: string }): JSX.Element {
  const file = (table: string, format: string): string => `/api/runs/${id}/export?table=${table}&format=${format}`;
  return (
    <dl class="facts">
      <dt>Trained networks</dt>
      <dd class="takeaway">
        <a href={file("levels", "csv")} download>CSV</a>
        <a href={file("levels", "json")} download>JSON</a>
      </dd>
      <dt>All evaluations</dt>
      <dd class="takeaway">
        <a href={file("metrics", "csv")} download>CSV</a>
        <a href={file("metrics", "json")} download>JSON</a>
      </dd>
    </dl>
  );
}
