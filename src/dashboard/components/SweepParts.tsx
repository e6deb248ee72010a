/**
 * The parts of a sweep's pages: how it stands, which runs came out best and worst, which failed, and all of them as a table.
 *
 * @module
 */
import type { JSX } from "preact";
import { legible } from "../../data/quoted.ts";
import { percent } from "../../analysis/words.ts";
import { type RankedRun, type Ranking, rankings, rankRuns } from "../../sweeps/ranking.ts";
import { type SweepRunState, sweepRunStates, type SweepRunStatus } from "../../sweeps/status.ts";
import { experimentCommandLine } from "../experiments.ts";
import type { SweepView } from "../sweeps.ts";
import { accuracy, ago, count, fullTime, gain, listed, nothing, remaining } from "../words.ts";

/** What a part takes. */
export interface SweepPartProps {
  /** The sweep. */
  readonly view: SweepView;
}

/** A sweep's title, or its key where it has none, printable. */
export function sweepTitle({ record: { title, key } }: SweepView): string {
  return title.trim() === "" ? key : legible(title, 200);
}

/** How many runs are in each state, as words: "9 finished, 2 running and 1 failed". */
export function stateWords({ counts }: SweepView): string {
  return listed(
    sweepRunStates.flatMap((state) => counts[state] > 0 ? [`${counts[state].toLocaleString("en")} ${state}`] : []),
  );
}

/** How much is trained, in percent: never more than there is, so that 100 % is all of it. */
export function trainedWords(fraction: number, digits = 0): string {
  const step = 10 ** (digits + 2);
  return percent(Math.floor(fraction * step + 1e-9) / step, digits);
}

/** The states of a sweep's runs as a bar, each as long as it has runs. The words beside it say the same. */
export function StateBar({ view }: SweepPartProps): JSX.Element {
  const { counts, runs } = view;
  let from = 0;
  return (
    <svg
      class="plot state-bar"
      viewBox={`0 0 ${Math.max(1, runs.length)} 1`}
      preserveAspectRatio="none"
      role="img"
      aria-label={stateWords(view)}
    >
      <rect class="track" width={Math.max(1, runs.length)} height="1" />
      {sweepRunStates.filter((state) => state !== "absent" && counts[state] > 0).map((state) => {
        const x = from;
        from += counts[state];
        return (
          <g key={state} class={`state-${state}`}>
            <rect class="block" x={x} width={counts[state]} height="1" />
          </g>
        );
      })}
    </svg>
  );
}

/** How a sweep stands: its runs by state, how much of it is trained, and since when. */
export function SweepStanding({ view, now }: SweepPartProps & { readonly now: number }): JSX.Element {
  const { record, runs, fraction, changed } = view;
  return (
    <div class="stack sweep-standing">
      <StateBar view={view} />
      <div class="row">
        <span class={`badge ${overallState(view)}`}>{overallState(view)}</span>
        <span>{count(runs.length, "run")}: {stateWords(view)}</span>
        <span class="row">
          <progress max={1} value={fraction} aria-label="Share of all training that is done" />
          <span>{trainedWords(fraction, 1)} trained</span>
        </span>
        <span class="soft">
          made <time dateTime={record.created} title={fullTime(record.created)}>{ago(record.created, now)}</time>,{" "}
          last change <time dateTime={changed} title={fullTime(changed)}>{ago(changed, now)}</time>
        </span>
      </div>
    </div>
  );
}

/** How a sweep stands in a word: running when one of its runs is, else as those that need somebody. */
export function overallState({ counts, runs }: SweepView): SweepRunState | "unfinished" {
  if (counts.running > 0) return "running";
  if (counts.waiting > 0) return "waiting";
  if (counts.failed > 0) return "failed";
  return counts.finished === runs.length ? "finished" : "unfinished";
}

/** What came out of it so far, in a sentence. */
export function sweepAnswer(view: SweepView): string {
  const { runs } = view;
  const [byAccuracy] = rankings;
  const { best: [best], finished } = rankRuns(view, byAccuracy, 1);
  const all = count(runs.length, "run");
  if (!best) {
    return finished > 0
      ? `${finished} of ${all} ${finished === 1 ? "is" : "are"} finished, and none has a ticket to be compared.`
      : `None of its ${all} is finished yet.`;
  }
  const { status: { run }, result: { bestAccuracy, bestRemaining, denseAccuracy } } = best;
  const gained = bestAccuracy !== null && denseAccuracy !== null
    ? `, ${gain(bestAccuracy, denseAccuracy)} beside its dense network`
    : "";
  const among = finished < runs.length ? `Of the ${finished} finished of ${all}` : `Of ${all}`;
  return `${among}, the best ticket is of ${legible(run.name, 200)}: ${accuracy(bestAccuracy)} with ${
    remaining(bestRemaining)
  } of the weights${gained}.`;
}

/** A run's name, as a link where it has a page. */
function RunName({ view, status: { run } }: SweepPartProps & { readonly status: SweepRunStatus }): JSX.Element {
  const name = legible(run.name, 200);
  return view.shown.has(run.id) ? <a href={`/runs/${run.id}`}>{name}</a> : <>{name}</>;
}

/** The runs whose last attempt failed, with what they said. */
export function FailedRuns({ view }: SweepPartProps): JSX.Element {
  const failed = view.runs.filter(({ state }) => state === "failed");
  const shown = failed.slice(0, mostFailed);
  const { key } = view.record;
  return (
    <>
      <div class="scroll" tabIndex={0} role="group" aria-label="Failed runs, as a table">
        <table class="reflow sweep-failed" role="table">
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">Run</th>
              <th role="columnheader" scope="col">What it said</th>
              <th role="columnheader" scope="col">Where</th>
              <th role="columnheader" scope="col" class="number">Attempts</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.map((status) => (
              <tr key={status.run.id} role="row">
                <th role="rowheader" scope="row">
                  <RunName view={view} status={status} />
                </th>
                <td role="cell" class="breaks sweep-error">{errorOf(status)}</td>
                <td role="cell" class="soft" data-label="Where">{placeOf(status) || nothing}</td>
                <td role="cell" class="number" data-label="Attempts">{status.attempts}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="small">
        {failed.length > shown.length && (
          <>
            <a href={`/sweeps/${key}?state=failed#runs`}>All {failed.length.toLocaleString("en")} that failed</a>.{" "}
          </>
        )}
        <code>deno task sweep logs {key} RUN</code> prints the end of what a run said.
      </p>
    </>
  );
}

/** So many failed runs stand above everything else. */
const mostFailed = 5;

function errorOf({ attempt, detail }: SweepRunStatus): string {
  return legible(attempt?.error ?? detail ?? "It said nothing.", 400);
}

function placeOf({ job, attempt }: SweepRunStatus): string {
  return [
    ...(job === null ? [] : [`job ${legible(job)}`]),
    ...(attempt ? [legible(attempt.host)] : []),
  ].join(", ");
}

/** The best and the worst finished runs, by one thing. */
export function RankingTable({ view, ranking }: SweepPartProps & { readonly ranking: Ranking }): JSX.Element {
  const { best, worst, ranked, finished } = rankRuns(view, ranking);
  const hasDifferences = [...best, ...worst].some(({ status: { run }, differs }) =>
    differs.some((difference) => !run.name.includes(difference))
  );
  const columns = hasDifferences ? 7 : 6;
  const left = finished - ranked;
  return (
    <table class="reflow sweep-ranking" role="table">
      <caption>
        By {ranking.name}
        {left > 0 && `; ${left.toLocaleString("en")} finished ${left === 1 ? "run has" : "runs have"} none`}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col" class="number">Place</th>
          <th role="columnheader" scope="col">Run</th>
          {hasDifferences && <th role="columnheader" scope="col">Differs in</th>}
          <th role="columnheader" scope="col" class="number">Best ticket</th>
          <th role="columnheader" scope="col" class="number">Dense</th>
          <th role="columnheader" scope="col" class="number">Gain</th>
          <th role="columnheader" scope="col" class="number">Smallest winning</th>
        </tr>
      </thead>
      {([["Best", best], ["Worst", worst]] as const).map(([name, own]) =>
        own.length > 0 && (
          <tbody key={name} role="rowgroup">
            <tr role="row" class="sweep-part">
              <th role="rowheader" scope="rowgroup" colSpan={columns}>{name}</th>
            </tr>
            {own.map((one) => (
              <RankedRow key={one.status.run.id} view={view} ranked={one} hasDifferences={hasDifferences} />
            ))}
          </tbody>
        )
      )}
    </table>
  );
}

function RankedRow(
  { view, ranked: { status, result, place, differs }, hasDifferences }: SweepPartProps & {
    readonly ranked: RankedRun;
    readonly hasDifferences: boolean;
  },
): JSX.Element {
  return (
    <tr role="row">
      <td role="cell" class="number soft sweep-place">{place}</td>
      <th role="rowheader" scope="row" class="sweep-name">
        <RunName view={view} status={status} />
      </th>
      {hasDifferences && <td role="cell" class="breaks" data-label="Differs in">{legible(differs.join(", "), 300)}</td>}
      <td role="cell" class="number" data-label="Best ticket">
        {accuracy(result.bestAccuracy)}
        <span class="cell-note soft">of {remaining(result.bestRemaining)}</span>
      </td>
      <td role="cell" class="number" data-label="Dense">{accuracy(result.denseAccuracy)}</td>
      <td role="cell" class="number" data-label="Gain">{gain(result.bestAccuracy, result.denseAccuracy)}</td>
      <td role="cell" class="number" data-label="Smallest winning">{remaining(result.smallestWinning)}</td>
    </tr>
  );
}

/** Which runs a table shows. */
export interface SweepRunsQuery {
  /** Only those of a state; all when null. */
  readonly state: SweepRunState | null;
  /** Which hundred of them, from 1. */
  readonly page: number;
}

/** Runs of a page of the table. */
const pageRuns = 100;

/** Which runs an address asks for; what it cannot mean is passed over. */
export function sweepRunsQuery(parameters: URLSearchParams): SweepRunsQuery {
  const page = Number(parameters.get("page") ?? 1);
  return {
    state: sweepRunStates.find((state) => state === parameters.get("state")) ?? null,
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
  };
}

/** The runs of a sweep, a hundred at a time, all or those of a state. */
export function SweepRuns({ view, query }: SweepPartProps & { readonly query: SweepRunsQuery }): JSX.Element {
  const chosen = view.runs.filter(({ state }) => query.state === null || state === query.state);
  const pages = Math.max(1, Math.ceil(chosen.length / pageRuns));
  const page = Math.min(query.page, pages);
  const shown = chosen.slice((page - 1) * pageRuns, page * pageRuns);
  return (
    <>
      <StateChoice view={view} query={query} />
      <div class="scroll" tabIndex={0} role="group" aria-label="Runs, as a table">
        <table class="reflow sweep-runs" role="table">
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">Run</th>
              <th role="columnheader" scope="col">State</th>
              <th role="columnheader" scope="col" class="number">Trained</th>
              <th role="columnheader" scope="col" class="number">Attempts</th>
              <th role="columnheader" scope="col">Where</th>
              <th role="columnheader" scope="col" class="number">Best ticket</th>
              <th role="columnheader" scope="col" class="number">Dense</th>
              <th role="columnheader" scope="col" class="number">Smallest winning</th>
              <th role="columnheader" scope="col">Id</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.map((status) => <SweepRunRow key={status.run.id} view={view} status={status} />)}
            {shown.length === 0 && (
              <tr role="row">
                <td role="cell" class="soft" colSpan={9}>No run is {query.state ?? "there"}.</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {pages > 1 && <Pages view={view} query={query} page={page} pages={pages} />}
    </>
  );
}

function SweepRunRow({ view, status }: SweepPartProps & { readonly status: SweepRunStatus }): JSX.Element {
  const { run, state, fraction, attempts, result, detail } = status;
  const isSaid = detail !== null && state !== "running" && state !== "finished";
  return (
    <tr role="row">
      <th role="rowheader" scope="row" class="sweep-name">
        <RunName view={view} status={status} />
      </th>
      <td role="cell" data-label="State">
        <span class={`badge ${state}`}>{state}</span>
        {isSaid && <span class="cell-note soft breaks">{legible(detail, 120)}</span>}
      </td>
      <td role="cell" class="number" data-label="Trained">{trainedWords(fraction)}</td>
      <td role="cell" class="number" data-label="Attempts">{attempts === 0 ? nothing : attempts}</td>
      <td role="cell" class="soft breaks" data-label="Where">{placeOf(status) || nothing}</td>
      <td role="cell" class="number" data-label="Best ticket">
        {accuracy(result?.bestAccuracy ?? null)}
        {typeof result?.bestRemaining === "number" && (
          <span class="cell-note soft">of {remaining(result.bestRemaining)}</span>
        )}
      </td>
      <td role="cell" class="number" data-label="Dense">{accuracy(result?.denseAccuracy ?? null)}</td>
      <td role="cell" class="number" data-label="Smallest winning">{remaining(result?.smallestWinning ?? null)}</td>
      <td role="cell" class="sweep-id soft" data-label="Id">
        <code class="small nowrap">{run.id}</code>
      </td>
    </tr>
  );
}

function addressOf(key: string, { state, page }: SweepRunsQuery): string {
  const parameters = new URLSearchParams({
    ...(state === null ? {} : { state }),
    ...(page > 1 ? { page: String(page) } : {}),
  });
  return `/sweeps/${key}${parameters.size > 0 ? `?${parameters}` : ""}#runs`;
}

function StateChoice({ view, query }: SweepPartProps & { readonly query: SweepRunsQuery }): JSX.Element {
  const { record: { key }, counts, runs } = view;
  const choices = [null, ...sweepRunStates.filter((state) => counts[state] > 0 || state === query.state)];
  return (
    <nav aria-label="Runs by state">
      <div class="segments wrapping">
        {choices.map((state) => (
          <a
            key={state}
            href={addressOf(key, { state, page: 1 })}
            aria-current={state === query.state ? "true" : undefined}
          >
            {state ?? "all"}{" "}
            <span class="soft">{(state === null ? runs.length : counts[state]).toLocaleString("en")}</span>
          </a>
        ))}
      </div>
    </nav>
  );
}

function Pages(
  { view: { record: { key } }, query, page, pages }: SweepPartProps & {
    readonly query: SweepRunsQuery;
    readonly page: number;
    readonly pages: number;
  },
): JSX.Element {
  return (
    <nav class="row" aria-label="Pages of the table">
      {page > 1 && <a href={addressOf(key, { ...query, page: page - 1 })}>Before</a>}
      <span class="soft">Page {page} of {pages}</span>
      {page < pages && <a href={addressOf(key, { ...query, page: page + 1 })}>Next</a>}
    </nav>
  );
}

/** A command, and what it does. */
export interface SweepCommand {
  /** What it is for. */
  readonly about: string;
  /** The command. */
  readonly text: string;
}

/** The commands that a sweep can be gone on with as it stands. */
export function sweepCommands({ record: { key, source }, counts }: SweepView): SweepCommand[] {
  const left = counts.failed + counts.stopped + counts.absent;
  return [
    ...(left > 0
      ? [{
        about: "Start once more what failed, was stopped or never began, by the engine of the last time:",
        text: `deno task sweep resubmit ${key}`,
      }]
      : []),
    ...(counts.running + counts.waiting > 0
      ? [{
        about: "Stop it: runs at work write checkpoints, those that wait are not begun:",
        text: `deno task sweep cancel ${key}`,
      }]
      : []),
    { about: "How it stands, with what the scheduler says:", text: `deno task sweep status ${key}` },
    ...(source.type === "experiment"
      ? [{ about: "The same sweep elsewhere:", text: experimentCommandLine(source.name, source.options, "sweep") }]
      : []),
  ];
}
