import { HttpError, page } from "fresh";
import type { JSX } from "preact";
import CopyButton from "../../../islands/CopyButton.tsx";
import LiveRun from "../../../islands/LiveRun.tsx";
import { CommandText } from "../../../src/dashboard/components/CommandText.tsx";
import {
  ClaimNote,
  ClaimTable,
  ExperimentAnswer,
  ExperimentRuns,
  ExperimentStanding,
  LevelWordsNote,
  LevelWordsTable,
} from "../../../src/dashboard/components/ExperimentParts.tsx";
import { Figure, Takeaway } from "../../../src/dashboard/components/Figure.tsx";
import { unbroken } from "../../../src/dashboard/components/run_words.ts";
import {
  experimentCommandLine,
  type ExperimentResult,
  fullScale,
  type RecordedExperiment,
} from "../../../src/dashboard/experiments.ts";
import { experimentFiles, experimentPictures } from "../../../src/dashboard/experiments_files.ts";
import { count, fullTime } from "../../../src/dashboard/words.ts";
import { quoted } from "../../../src/data/quoted.ts";
import type { ExperimentView } from "../../../src/experiments/view.ts";
import { titleOf } from "../../../src/experiments/view.ts";
import { define } from "../../../utils.ts";

/** An experiment: what the paper says, what came out here, its figure, its numbers and its runs. */
export const handler = define.handlers({
  async GET({ params: { key = "" }, state }) {
    const { version } = state.dashboard;
    const result = await state.dashboard.readExperiment(key);
    if (!result) throw new HttpError(404, `There is no experiment ${quoted(key)}.`);
    const { experiment } = result;
    state.title = titleOf(experiment);
    const others = (await state.dashboard.listExperiments())
      .filter((other) => other.experiment === experiment && other.key !== result.key);
    const isSwept = await state.dashboard.hasSweep(result.key);
    return page({ result, others, isSwept, version });
  },
});

export default define.page<typeof handler>(({ data: { result, others, isSwept, version } }) => {
  const { experiment, key, view, updated, state, ids } = result;
  return (
    <>
      <header class="run-header stack">
        <p class="small">
          <a href="/experiments">All experiments</a>
        </p>
        <h1>{titleOf(experiment)}</h1>
        <div data-live="standing">
          <ExperimentStanding result={result} />
        </div>
        <p class="soft">{unbroken(experiment.about)}</p>
        {others.length > 0 && <Others others={others} />}
        {isSwept && (
          <p class="small">
            <a href={`/sweeps/${key}`}>Its runs as a sweep</a>
          </p>
        )}
        {(state === "running" || state === "unfinished") && <LiveRun ids={ids} version={version} />}
      </header>
      {!view
        ? <Damaged result={result} />
        : updated === null
        ? <ToCome result={result} view={view} hasOthers={others.length > 0} />
        : <Results result={result} view={view} />}
      <section class="stack">
        <h2>Runs</h2>
        <div class="scroll" data-live="runs" tabIndex={0} role="group" aria-label="Runs, as a table">
          <ExperimentRuns result={result} />
        </div>
        <Again result={result} />
      </section>
    </>
  );
});

function Others({ others }: { readonly others: readonly RecordedExperiment[] }): JSX.Element {
  return (
    <p class="small">
      <span class="soft">Other results of it here:</span> {others.map(({ key, state }, index) => (
        <>
          {index > 0 && ", "}
          <a href={`/experiments/${key}`}>{key}</a> <span class="soft">({state})</span>
        </>
      ))}
    </p>
  );
}

function Damaged({ result: { problem } }: { readonly result: ExperimentResult }): JSX.Element {
  return (
    <section class="notice bad stack">
      <h2>Its results cannot be read</h2>
      <p class="breaks">{problem}</p>
      <p>
        <code>./denow task runs verify</code> examines every file of the runs and says what can be done.
      </p>
    </section>
  );
}

/** An experiment that nobody has begun here: what it takes, and what to look for. */
function ToCome(
  { result, view, hasOthers }: {
    readonly result: ExperimentResult;
    readonly view: ExperimentView;
    readonly hasOthers: boolean;
  },
): JSX.Element {
  const { runs, networks } = fullScale(result.experiment);
  return (
    <>
      <section class="stack">
        <p>
          <span class="soft">The paper:</span> {unbroken(view.reading)}
        </p>
        <p class="answer">It has no results {hasOthers ? "of the paper's scale " : ""}here yet.</p>
        <p>
          At the paper's scale it trains {count(networks, "network")} in{" "}
          {count(runs, "run")}, which takes a GPU. A tenth of the iterations and of the training images is begun with
          {" "}
          <code>
            <CommandText text={`./denow task experiment ${result.experiment.name} --scale 0.1`} />
          </code>.
        </p>
      </section>
      {view.paper.length > 0 && (
        <section class="stack">
          <h2>The paper's numbers</h2>
          <div class="scroll" tabIndex={0} role="group" aria-label="The paper's numbers, as a table">
            <ClaimTable result={result} view={view} />
          </div>
        </section>
      )}
    </>
  );
}

function Results(
  { result, view }: { readonly result: ExperimentResult; readonly view: ExperimentView },
): JSX.Element {
  return (
    <>
      <section class="stack" aria-label="The answer">
        <div data-live="answer">
          <ExperimentAnswer result={result} view={view} />
        </div>
      </section>
      <section class="stack">
        <div class="row spread">
          <h2>The figure</h2>
          <Takeaway files={experimentFiles(result)} title={view.title} />
        </div>
        <div class="columns run-pictures">
          {experimentPictures(result).map(({ title, picture, words }, index) => (
            <Figure
              key={index}
              id={`panel-${index + 1}`}
              title={title}
              picture={picture}
              words={words}
              files={experimentFiles(result, index + 1)}
            />
          ))}
        </div>
      </section>
      {view.paper.length > 0 && (
        <section class="stack">
          <h2>Beside the paper</h2>
          <div class="scroll" tabIndex={0} data-live="paper" role="group" aria-label="The paper's values beside ours">
            <ClaimTable result={result} view={view} />
          </div>
          <ClaimNote />
        </section>
      )}
      {view.levels.length > 0 && (
        <section class="stack">
          <h2>Levels</h2>
          <div class="columns" data-live="levels">
            {view.levels.map((table) => (
              <div key={table.title} class="scroll" tabIndex={0} role="group" aria-label={table.title}>
                <LevelWordsTable table={table} />
              </div>
            ))}
          </div>
          <LevelWordsNote />
        </section>
      )}
    </>
  );
}

function Again(
  { result: { experiment, options, key, updated, view } }: { readonly result: ExperimentResult },
): JSX.Element {
  const command = experimentCommandLine(experiment.name, options);
  return (
    <>
      <p>
        {updated === null
          ? "The command that trains all of it:"
          : "The command that goes on with it, or makes it again elsewhere:"}
      </p>
      <div class="command">
        <pre tabIndex={0}><CommandText text={command} /></pre>
        <CopyButton text={command} label="Copy the command" />
      </div>
      {updated !== null && (
        <p class="soft small">
          Begun or gone on with on {fullTime(updated)}.
          {view && (
            <>
              {" "}Everything that is on this page: <a href={`/api/experiments/${key}`}>JSON</a>, its levels{" "}
              <a href={`/api/experiments/${key}?format=csv`} download>CSV</a>. In one file, to be sent or printed:{" "}
              <code>./denow task report {key}</code>.
            </>
          )}
        </p>
      )}
    </>
  );
}
