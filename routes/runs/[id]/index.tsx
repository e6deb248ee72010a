import { HttpError, page } from "fresh";
import type { JSX } from "preact";
import { Figure } from "../../../src/dashboard/components/Figure.tsx";
import { LevelTable } from "../../../src/dashboard/components/LevelTable.tsx";
import { RunCurves } from "../../../src/dashboard/components/RunCurves.tsx";
import { RunHeader } from "../../../src/dashboard/components/RunHeader.tsx";
import { durationWords, unbroken } from "../../../src/dashboard/components/run_words.ts";
import { driverWords, planWords } from "../../../src/dashboard/words.ts";
import { describeLevel } from "../../../src/dashboard/level_words.ts";
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
import type { RunView } from "../../../src/dashboard/types.ts";
import { percent } from "../../../src/analysis/outcome.ts";
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
        <Problems run={run} />
      </div>
      <section aria-label="The answer">
        <div class="stack" data-live="answer">
          <Answer run={run} />
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
        <p class="soft small" data-live="levels-note">{unbroken(tableNote(run))}</p>
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
            <Made run={run} />
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

function Problems({ run: { id, state, problems } }: { readonly run: RunView }): JSX.Element | null {
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

function Answer({ run: { figures, outcome, state, row, config } }: { readonly run: RunView }): JSX.Element {
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

function tableNote({ figures }: RunView): string {
  const arms = figures.flatMap(({ ticket, controls }) => [ticket, ...controls]);
  const several = arms.some(({ earlyStop }) => (earlyStop?.count ?? 0) > 1);
  return [
    "Early stop is the iteration of minimum validation loss.",
    ...several ? ["Values are means, with the least and most of the networks below."] : [],
    ...arms.some(({ censored }) => censored > 0)
      ? ["> marks means with an early stop on the last evaluation: the true one is there or later."]
      : [],
    ...arms.some(({ diverged }) => diverged > 0)
      ? ["Networks whose training loss was no longer finite diverged, and count in no mean."]
      : [],
    "Step is the median time of one step of all networks of the level in lockstep; Time includes evaluation.",
    "Kernels are those that the plan table says for a layer's size and density: masked-dense ones compute with all of its weights, " +
    "compact ones with the survivors alone.",
  ].join(" ");
}

function PaperTable({ run: { paper } }: { readonly run: RunView }): JSX.Element | null {
  if (paper.length === 0) return null;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">What is compared</th>
          <th scope="col" class="number">Paper, with</th>
          <th scope="col" class="number">Paper</th>
          <th scope="col" class="number">Ours</th>
          <th scope="col" class="number">Ours, with</th>
        </tr>
      </thead>
      <tbody>
        {paper.map(({ quantity, paperRemaining, paper, ours, remaining }) => (
          <tr>
            <th scope="row">{quantity}</th>
            <td class="number soft">{percent(paperRemaining)}</td>
            <td class="number">{paper}</td>
            <td class="number">{ours}</td>
            <td class="number soft">{percent(remaining)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Made({ run: { manifest, summary } }: { readonly run: RunView }): JSX.Element {
  const session = manifest?.sessions.at(-1);
  if (!manifest) return <p class="soft">What it was made with cannot be read.</p>;
  const { adapter: { name, driver, kind }, data, plan, planHash } = manifest;
  return (
    <dl class="facts">
      <dt>Adapter</dt>
      <dd>{name}{kind === "software" ? " (software)" : ""}, {driverWords(driver)}</dd>
      <dt>Data</dt>
      <dd>{data.name}{data.original ? "" : ", files of the same form as the published ones, with other checksums"}</dd>
      <dt>Plan table</dt>
      <dd>
        <code>{planHash}</code>, {planWords(plan)}
      </dd>
      {session && (
        <>
          <dt>Versions</dt>
          <dd>
            Winnow {session.winnow}
            {session.gitRevision === null ? "" : ` at ${session.gitRevision.slice(0, 10)}`}, Deno {session.deno},{" "}
            {session.platform}
          </dd>
          <dt>Begun</dt>
          <dd>
            {manifest.sessions[0]?.started.slice(0, 16).replace("T", " ")} UTC
            {manifest.sessions.length > 1 ? `, ${manifest.sessions.length} sessions` : ""}
          </dd>
        </>
      )}
      {summary && summary.timing.totalSeconds > 0 && (
        <>
          <dt>Trained for</dt>
          <dd>{durationWords(summary.timing.totalSeconds)}</dd>
        </>
      )}
    </dl>
  );
}

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
