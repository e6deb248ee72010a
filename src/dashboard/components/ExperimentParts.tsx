/**
 * The parts of an experiment that its page and its report both show: what came out, and what it is compared with.
 *
 * @module
 */
import type { JSX } from "preact";
import { isReduced } from "../../experiments/scale.ts";
import type { ExperimentView } from "../../experiments/view.ts";
import { percent } from "../../analysis/words.ts";
import type { ExperimentResult } from "../experiments.ts";
import { type Direction, directionOf, experimentAnswer } from "../experiments_answer.ts";
import { count, nothing } from "../words.ts";
import { unbroken } from "./run_words.ts";

/** What a part takes: an experiment, and for what is read of its files the view. */
export interface ExperimentPartProps {
  /** The experiment. */
  readonly result: ExperimentResult;
  /** Its figures, tables and notes. */
  readonly view: ExperimentView;
}

/** How an experiment stands and what of it is other than in the paper. */
export function ExperimentStanding({ result }: Pick<ExperimentPartProps, "result">): JSX.Element {
  const { state, done, wanted, options, view } = result;
  return (
    <div class="row">
      <span class={`badge ${state === "absent" ? "unfinished" : state}`}>
        {state === "absent" ? "not started" : state}
      </span>
      {wanted > 0 && (
        <span class="row">
          <progress max={wanted} value={done} aria-label="Share of the networks that are trained" />
          <span>{done.toLocaleString("en")} of {count(wanted, "network")}</span>
        </span>
      )}
      {isReduced(options) && <span class="tag reduced">not the paper's scale</span>}
      {view?.settings.map(([name, value]) => <span key={name} class="tag">{name} {value}</span>)}
    </div>
  );
}

/** What the paper says, then what came out here, then what has to be known to read it. */
export function ExperimentAnswer({ result: { experiment, runs }, view }: ExperimentPartProps): JSX.Element {
  const [first = "", ...others] = experimentAnswer(experiment, runs);
  return (
    <div class="columns">
      <div class="stack">
        <p>
          <span class="soft">The paper:</span> {unbroken(view.reading)}
        </p>
        <p class="answer">{unbroken(first)}</p>
        {others.map((sentence) => <p key={sentence}>{unbroken(sentence)}</p>)}
      </div>
      {view.notes.length > 0 && (
        <div class="notice warn stack">
          <h2>Before you compare</h2>
          {view.notes.map((note) => <p key={note}>{unbroken(note)}</p>)}
        </div>
      )}
    </div>
  );
}

const directionWords: Readonly<Record<NonNullable<Direction>, string>> = {
  same: "same way",
  other: "other way",
  undecided: "both ways",
  censored: "cannot be told",
  missing: "not measured",
};

/** The paper's numbers beside ours; by themselves where nothing was begun. */
export function ClaimTable({ result: { experiment, runs, updated }, view }: ExperimentPartProps): JSX.Element {
  const hasOurs = updated !== null;
  const hasRuns = experiment.runs.length > 1;
  return (
    <table class="claims">
      <thead>
        <tr>
          {hasRuns && <th scope="col">Run</th>}
          <th scope="col">What is compared</th>
          <th scope="col" class="number">Paper, with</th>
          <th scope="col" class="number">Paper</th>
          {hasOurs && (
            <>
              <th scope="col" class="number">Ours</th>
              <th scope="col" class="number">Ours, with</th>
              <th scope="col">Ours points</th>
            </>
          )}
        </tr>
      </thead>
      <tbody>
        {view.paper.map(({ run, quantity, paperRemaining, paper, ours, remaining, note }, index) => {
          const claim = experiment.paper[index];
          const direction = claim ? directionOf(claim, runs) : null;
          return (
            <tr>
              {hasRuns && <th scope="row">{run}</th>}
              {hasRuns ? <td>{quantity}</td> : <th scope="row">{quantity}</th>}
              <td class="number soft">{paperRemaining}</td>
              <td class="number">{paper}</td>
              {hasOurs && (
                <>
                  <td class="number">{ours || nothing}</td>
                  <td class="number soft">{remaining || nothing}</td>
                  <td>
                    {direction === null ? note || nothing : directionWords[direction]}
                    {direction === "censored" && <span class="cell-note soft">{note}</span>}
                  </td>
                </>
              )}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** What the columns of the table of claims mean. */
export function ClaimNote(): JSX.Element {
  return (
    <p class="soft small">
      Ours are of the level nearest to the paper's, within 15&nbsp;%: means over replicates, with their least and most.
      Where the paper says how much it is at the best size, ours is of the level at which it is most. “Ours points” says
      whether ours is earlier or later, more or less accurate, as the paper's is.
    </p>
  );
}

/** A table of levels. */
export function LevelWordsTable({ table }: { readonly table: ExperimentView["levels"][number] }): JSX.Element {
  const [first = "", ...arms] = table.columns;
  return (
    <table class="level-words">
      <caption>{table.title}</caption>
      <thead>
        <tr>
          <th scope="col" class="number">{first}</th>
          {arms.map((arm) => <th key={arm} scope="col" class="number">{arm}</th>)}
        </tr>
      </thead>
      <tbody>
        {table.rows.map(([level = "", ...cells]) => (
          <tr key={level}>
            <th scope="row" class="number">{level}</th>
            {cells.map((cell, index) => {
              // Beside their means the ranges of four arms have no room.
              const [mean, range] = cell.split(/ (?=\[)/);
              return (
                <td key={index} class="number">
                  {mean || nothing}
                  {range !== undefined && <span class="cell-note soft">{range}</span>}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What the tables of levels say beside their means. */
export function LevelWordsNote(): JSX.Element {
  return (
    <p class="soft small">
      Means over networks with their [least–most]. &gt; marks means with an early stop on the last evaluation: the true
      one is there or later. What is gained over the dense network is of pairs of one replicate, and &lt; marks
      speed-ups that are no larger than this, as the own early stop was on the last evaluation, &gt; those that are no
      smaller, as the dense network's was, ? those with both.
    </p>
  );
}

/** The runs of an experiment: how far they are, and what they are called. */
export function ExperimentRuns(
  { result: { experiment, rows, runs }, isLinked = true }: {
    readonly result: ExperimentResult;
    readonly isLinked?: boolean;
  },
): JSX.Element {
  return (
    <table class="experiment-runs">
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">State</th>
          <th scope="col" class="number">Networks</th>
          <th scope="col">Id</th>
          <th scope="col">Data</th>
          <th scope="col" class="number">Iterations</th>
          <th scope="col">Arms</th>
        </tr>
      </thead>
      <tbody>
        {runs.map(({ name, id, state, done, wanted, config }) => {
          const row = id === null ? undefined : rows.get(id);
          const shown = row?.state === "running" || row?.state === "damaged" ? row.state : state;
          return (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <span class={`badge ${shown === "absent" ? "unfinished" : shown}`}>
                  {shown === "absent" ? "not started" : shown}
                </span>
              </td>
              <td class="number">
                {done.toLocaleString("en")} of {wanted.toLocaleString("en")}
                {row?.state === "running" && <span class="cell-note soft">{percent(row.progress.fraction)}</span>}
              </td>
              <td>{id === null ? nothing : isLinked ? <a href={`/runs/${id}`}>{id}</a> : <code>{id}</code>}</td>
              <td>{config.dataset}</td>
              <td class="number">{config.iterations.toLocaleString("en")}</td>
              <td>{["ticket", ...config.controls].join(", ")}</td>
            </tr>
          );
        })}
        {runs.length === 0 && experiment.runs.map(({ name }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td colSpan={6} class="soft">cannot be read</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
