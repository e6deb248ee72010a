import { HttpError, page } from "fresh";
import type { JSX } from "preact";
import CopyButton from "../../../islands/CopyButton.tsx";
import LiveRun from "../../../islands/LiveRun.tsx";
import { CommandText } from "../../../src/dashboard/components/CommandText.tsx";
import { Figure } from "../../../src/dashboard/components/Figure.tsx";
import {
  FailedRuns,
  RankingTable,
  sweepAnswer,
  sweepCommands,
  SweepRuns,
  sweepRunsQuery,
  SweepStanding,
  sweepTitle,
} from "../../../src/dashboard/components/SweepParts.tsx";
import { unbroken } from "../../../src/dashboard/components/run_words.ts";
import type { Dashboard } from "../../../src/dashboard/dashboard.ts";
import type { SweepView } from "../../../src/dashboard/sweeps.ts";
import {
  type SweepFigure,
  sweepFigures,
  sweepFiles,
  type SweepPicture,
  sweepPicture,
} from "../../../src/dashboard/sweeps_files.ts";
import { quoted } from "../../../src/data/quoted.ts";
import { experimentOf } from "../../../src/experiments/registry.ts";
import { keyOf } from "../../../src/experiments/scale.ts";
import { rankings } from "../../../src/sweeps/ranking.ts";
import { define } from "../../../utils.ts";

/** A sweep: how its runs stand, which failed, which came out best and worst, and what decides. */
export const handler = define.handlers({
  async GET({ url, params: { key = "" }, state }) {
    const { version } = state.dashboard;
    const view = await state.dashboard.readSweep(key);
    if (!view) throw new HttpError(404, `There is no sweep ${quoted(key)}.`);
    state.title = sweepTitle(view);
    const grid = sweepPicture(view, "grid");
    const coordinates = sweepPicture(view, "coordinates");
    const query = sweepRunsQuery(url.searchParams);
    const experiment = await experimentPath(view, state.dashboard);
    return page({ view, experiment, grid, coordinates, version, query, now: Date.now() });
  },
});

/** The page of the experiment that a sweep is of: of its results, else of what it would be; undefined where there is none. */
async function experimentPath(
  { record: { source } }: SweepView,
  dashboard: Pick<Dashboard, "hasExperiment">,
): Promise<string | undefined> {
  if (source.type !== "experiment" || !experimentOf(source.name)) return undefined;
  const key = keyOf(source.name, source.options);
  return `/experiments/${await dashboard.hasExperiment(key) ? key : source.name}`;
}

/** Milliseconds after which a page that is not finished is renewed though no run moved: what was handed out, and what failed. */
const again = 10_000;

/** Milliseconds between renewals: half a second, and more for a sweep that takes longer to draw. */
function paceOf({ runs }: SweepView): number {
  return 500 + 4 * runs.length;
}

export default define.page<typeof handler>(({ data: { view, experiment, grid, coordinates, version, query, now } }) => {
  const { record, runs, counts } = view;
  const ids = runs.map(({ run }) => run.id);
  return (
    <>
      <header class="run-header stack">
        <p class="small">
          <a href="/sweeps">All sweeps</a>
        </p>
        <h1>{sweepTitle(view)}</h1>
        <div data-live="standing">
          <SweepStanding view={view} now={now} />
        </div>
        <Source record={record} experiment={experiment} />
        {counts.finished < runs.length && <LiveRun ids={ids} version={version} pace={paceOf(view)} again={again} />}
      </header>
      <section class="stack" aria-label="The answer">
        <p class="answer" data-live="answer">{unbroken(sweepAnswer(view))}</p>
      </section>
      <section class="stack notice bad" data-shown="failed" hidden={counts.failed === 0}>
        <h2>Failed</h2>
        <div class="stack" data-live="failed">
          <FailedRuns view={view} />
        </div>
      </section>
      <div class="columns run-pictures">
        <Picture sweep={record.key} figure="grid" {...grid} />
        <Picture sweep={record.key} figure="coordinates" {...coordinates} />
      </div>
      <section class="stack" data-shown="ranking" hidden={counts.finished === 0}>
        <h2>Best and worst</h2>
        <div class="columns" data-live="ranking">
          {rankings.map((ranking) => (
            <div key={ranking.key} class="scroll" tabIndex={0} role="group" aria-label={`Runs by ${ranking.name}`}>
              <RankingTable view={view} ranking={ranking} />
            </div>
          ))}
        </div>
        <p class="soft small">
          Finished runs alone, at early stop, means over replicates. The best ticket of a run is the one with the lowest
          validation loss; the smallest winning one is the smallest that is at least as accurate as the dense network.
        </p>
      </section>
      <section class="stack" id="runs">
        <h2>Runs</h2>
        <div class="stack" data-live="runs">
          <SweepRuns view={view} query={query} />
        </div>
        <p class="soft small" data-shown="waiting" hidden={counts.waiting === 0}>
          Nobody asks the scheduler here: a run waits as long as the newest submission has it and no attempt has begun.
          {" "}
          <code>deno task sweep status {record.key}</code> asks.
        </p>
        <p class="soft small">
          All runs with their settings: <a href={`/api/sweeps/${record.key}`}>JSON</a>,{" "}
          <a href={`/api/sweeps/${record.key}?format=csv`} download>CSV</a>.
        </p>
      </section>
      <Commands view={view} />
    </>
  );
});

function Source(
  { record: { source, key }, experiment }: Pick<SweepView, "record"> & { readonly experiment: string | undefined },
): JSX.Element {
  const kept = <code>sweeps/{key}/sweep.json</code>;
  if (source.type === "file") return <p class="soft">From a file of settings and axes, which {kept} keeps.</p>;
  return (
    <p class="soft">
      {source.name === "paper" ? "All figures of the paper" : (
        <>
          The runs of the experiment{" "}
          {experiment === undefined ? quoted(source.name) : <a href={experiment}>{source.name}</a>}
        </>
      )}; {kept} keeps them.
    </p>
  );
}

function Picture(
  { sweep, figure, picture, words }: SweepPicture & { readonly sweep: string; readonly figure: SweepFigure },
): JSX.Element {
  return (
    <Figure
      id={figure}
      title={sweepFigures[figure]}
      picture={picture}
      words={words}
      files={sweepFiles(sweep, figure)}
      rank={2}
    />
  );
}

function Commands({ view }: { readonly view: SweepView }): JSX.Element {
  return (
    <section class="stack">
      <h2>Commands</h2>
      {sweepCommands(view).map(({ about, text }) => (
        <div key={text} class="stack sweep-command">
          <p>{about}</p>
          <div class="command">
            <pre tabIndex={0}><CommandText text={text} /></pre>
            <CopyButton text={text} label={`Copy the command ${text}`} />
          </div>
        </div>
      ))}
    </section>
  );
}
