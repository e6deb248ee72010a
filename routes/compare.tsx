import { page } from "fresh";
import type { JSX } from "preact";
import { percent, points } from "../src/analysis/words.ts";
import { Figure } from "../src/dashboard/components/Figure.tsx";
import { unbroken } from "../src/dashboard/components/run_words.ts";
import {
  comparedLevels,
  type Comparison,
  comparisonPath,
  type ComparisonQuery,
  mostRuns,
  parseComparison,
  readComparison,
} from "../src/dashboard/comparison.ts";
import type { RunRow } from "../src/dashboard/types.ts";
import { accuracy, ago, count, listed, nothing, remaining } from "../src/dashboard/words.ts";
import { accuracyFigure, earlyStopFigure } from "../src/plot/level_figures.ts";
import { marker } from "../src/plot/marks.ts";
import { runLook } from "../src/plot/palette.ts";
import { pair } from "../src/plot/styles.ts";
import { define } from "../utils.ts";

/** So many of the newest runs stand in the list to choose from; the field below takes any. */
const offered = 25;

export const handler = define.handlers({
  async GET(ctx) {
    ctx.state.title = "Compare";
    const { dashboard } = ctx.state;
    const query = parseComparison(ctx.url.searchParams);
    const canonical = comparisonPath(query);
    // A form's boxes and fields send what the address says shorter.
    if (query.problem === null && ctx.url.searchParams.getAll("runs").length > 1) return ctx.redirect(canonical, 303);
    const [rows, comparison] = await Promise.all([
      dashboard.listRuns(),
      query.problem === null ? readComparison(dashboard, query) : undefined,
    ]);
    const status = query.problem !== null ? 400 : comparison && comparison.missing.length > 0 ? 404 : 200;
    return page({ query, comparison, rows, now: Date.now() }, { status });
  },
});

export default define.page<typeof handler>(({ data: { query, comparison, rows, now } }) => {
  const runs = comparison?.runs ?? [];
  return (
    <>
      <h1>Compare runs</h1>
      {query.problem !== null && <p class="notice warn">{query.problem}</p>}
      {comparison && comparison.missing.length > 0 && (
        <p class="notice warn">
          {comparison.missing.length === 1 ? "There is no run " : "There are no runs "}
          {listed(comparison.missing)}: {comparison.missing.length === 1 ? "it was" : "they were"}{" "}
          removed, or the name is another one.
        </p>
      )}
      {comparison && runs.length > 0
        ? <Beside query={query} comparison={comparison} rows={rows} />
        : <Chooser rows={rows} chosen={query.ids} now={now} />}
    </>
  );
});

/** Names of runs are long: in a table they break behind their preset. */
function Name({ id }: { readonly id: string }): JSX.Element {
  const cut = id.search(/-[0-9a-f]{10}/);
  return cut < 0 ? <>{id}</> : (
    <>
      {id.slice(0, cut + 1)}
      <wbr />
      {id.slice(cut + 1)}
    </>
  );
}

function Beside(
  { query, comparison, rows }: {
    readonly query: ComparisonQuery;
    readonly comparison: Comparison;
    readonly rows: readonly RunRow[];
  },
): JSX.Element {
  const { runs, at, words } = comparison;
  const [first = "", ...rest] = words;
  const ids = query.ids.filter((id) => runs.some((run) => run.id === id));
  const baseline = runs[0]?.id ?? "";
  const known: ComparisonQuery = { ...query, ids, baseline };
  const plotted = runs.map(({ id, figures }) => ({ name: id, figures }));
  const hasFigures = runs.some(({ figures }) => figures.length > 0);
  const file = (name: string): string => comparisonPath(known, `/compare/${name}`);
  const accuracyWords = accuracyFigure(plotted, { prefix: "accuracy", at }).words;
  const stopWords = earlyStopFigure(plotted, { prefix: "early-stop" }).words;
  return (
    <>
      {words.length > 0
        ? (
          <section class="stack" aria-label="The answer">
            <p class="answer">{unbroken(first)}</p>
            {rest.map((sentence) => <p key={sentence}>{unbroken(sentence)}</p>)}
          </section>
        )
        : <p class="answer">One run is chosen. Add another to see what differs.</p>}
      <Chosen known={known} comparison={comparison} rows={rows} />
      {hasFigures
        ? (
          <>
            <div class="row">
              <span id="at-label">Test accuracy</span>
              <div class="segments" role="group" aria-labelledby="at-label">
                <a
                  href={comparisonPath({ ...known, at: "early-stop" })}
                  aria-current={at === "early-stop" ? "true" : undefined}
                >
                  at early stop
                </a>
                <a href={comparisonPath({ ...known, at: "end" })} aria-current={at === "end" ? "true" : undefined}>
                  at the end
                </a>
              </div>
            </div>
            <div class="columns figures-beside">
              <Figure
                id="accuracy"
                rank={2}
                title={at === "end" ? "Test accuracy at the end" : "Test accuracy at early stop"}
                picture={pair((size) => accuracyFigure(plotted, { prefix: "accuracy", at, size, heading: false }).svg)}
                words={unbroken(accuracyWords)}
                files={{ svg: file("accuracy.svg"), csv: file("levels.csv"), json: file("comparison.json") }}
              />
              <Figure
                id="early-stop"
                rank={2}
                title="Early stop"
                picture={pair((size) => earlyStopFigure(plotted, { prefix: "early-stop", size, heading: false }).svg)}
                words={unbroken(stopWords)}
                files={{ svg: file("early-stop.svg"), csv: file("levels.csv"), json: file("comparison.json") }}
              />
            </div>
          </>
        )
        : <p class="notice">None of these runs has trained a network yet, so there is nothing to draw.</p>}
      {runs.length > 1 && <Differences comparison={comparison} />}
      {hasFigures && <Levels comparison={comparison} file={file} />}
    </>
  );
}

/** A piece of a run's line, as in the figures. */
function Key({ index }: { readonly index: number }): JSX.Element {
  const { style, marker: shape } = runLook(index);
  return (
    <svg class="plot run-key" viewBox="0 0 30 12" aria-hidden="true">
      <g class={`run-${style}${index === 0 ? " strong" : ""}`}>
        <path class="line" d="M0 6H30" />
        <g dangerouslySetInnerHTML={{ __html: marker(shape, 15, 6, { area: 40 }).toString() }} />
      </g>
    </svg>
  );
}

function Chosen(
  { known, comparison: { runs }, rows }: {
    readonly known: ComparisonQuery;
    readonly comparison: Comparison;
    readonly rows: readonly RunRow[];
  },
): JSX.Element {
  const isFull = runs.length >= mostRuns;
  return (
    <section class="stack" aria-label="Runs that are compared">
      <ul class="compared">
        {runs.map(({ id, row, problems }, index) => (
          <li>
            <Key index={index} />
            <span class="compared-name">
              <a href={`/runs/${id}`}>
                <Name id={id} />
              </a>{" "}
              <span class={`badge ${row.state} small`}>{row.state}</span>
              {row.tags.map((tag) => <span key={tag} class="tag">{tag}</span>)}
              {problems.length > 0 && <span class="small soft">{problems[0]}</span>}
            </span>
            <span class="row small">
              {index === 0
                ? <strong>Baseline</strong>
                : (
                  <a href={comparisonPath({ ...known, baseline: id })} aria-label={`Make it the baseline: ${id}`}>
                    Make it the baseline
                  </a>
                )}
              <a
                href={comparisonPath({
                  ...known,
                  ids: known.ids.filter((own) => own !== id),
                  baseline: index === 0 ? undefined : known.baseline,
                })}
                aria-label={`Take out of the comparison: ${id}`}
              >
                Take out
              </a>
            </span>
          </li>
        ))}
      </ul>
      {isFull
        ? <p class="soft small">These are {mostRuns}, the most that can be told apart: take one out to add another.</p>
        : (
          <form class="row" method="get" action="/compare">
            <input type="hidden" name="runs" value={known.ids.join(",")} />
            <input type="hidden" name="baseline" value={known.baseline} />
            {known.at === "end" && <input type="hidden" name="at" value="end" />}
            <label for="add-run">Add a run</label>
            <input id="add-run" class="run-field" type="text" name="runs" list="run-ids" autocomplete="off" required />
            <Ids rows={rows} without={known.ids} />
            <button type="submit">Add</button>
          </form>
        )}
    </section>
  );
}

function Ids(
  { rows, without }: { readonly rows: readonly RunRow[]; readonly without: readonly string[] },
): JSX.Element {
  return (
    <datalist id="run-ids">
      {rows.filter(({ id }) => !without.includes(id)).map(({ id, dataset }) => (
        <option value={id}>{dataset ?? ""}</option>
      ))}
    </datalist>
  );
}

function Differences({ comparison: { runs, differences } }: { readonly comparison: Comparison }): JSX.Element {
  return (
    <section class="stack">
      <h2>What differs</h2>
      {differences.length === 0
        ? <p>They have the same settings, adapter, data and versions.</p>
        : (
          <div class="scroll" tabIndex={0} role="group" aria-label="Table of differences">
            <table class="beside">
              <caption>Settings, adapter, data and versions; whatever is equal in all of them is left out.</caption>
              <thead>
                <tr>
                  <th scope="col">Differs</th>
                  {runs.map(({ id }, index) => (
                    <th scope="col">
                      <Key index={index} /> <Name id={id} />
                      {index === 0 ? " (baseline)" : ""}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {differences.map(({ name, values }) => (
                  <tr>
                    <th scope="row">{name.startsWith("--") ? <code>{name}</code> : name}</th>
                    {values.map((value) => (
                      <td class={value === values[0] ? "soft" : undefined}>
                        <span class="beside-value">{value === "" ? nothing : value}</span>
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}

function Levels(
  { comparison, file }: { readonly comparison: Comparison; readonly file: (name: string) => string },
): JSX.Element {
  const { runs, rows, at } = comparison;
  const isAlone = runs.length === 1;
  return (
    <section class="stack">
      <div class="row spread">
        <h2>Level by level</h2>
        <span class="row small">
          <a href={file("levels.csv")} download>CSV</a>
          <a href={file("comparison.json")} download>JSON</a>
        </span>
      </div>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of levels">
        <table>
          <caption>
            Means over replicates: test accuracy {at === "end" ? "at the end" : "at early stop"}{" "}
            and early-stop iteration
            {isAlone
              ? ""
              : ", each with its difference to the baseline's. Levels that keep about as many weights (within 15 %) are in a row"}
            ; a sign &gt; says that some early stops are censored.
          </caption>
          <thead>
            <tr>
              <td />
              {runs.map(({ id }, index) => (
                <th scope="colgroup" colSpan={index === 0 ? 2 : 4} class="run-group">
                  <Key index={index} /> {id}
                  {index === 0 && !isAlone ? " (baseline)" : ""}
                </th>
              ))}
            </tr>
            <tr>
              <th scope="col">Weights left</th>
              {runs.map((_, index) => (
                <>
                  <th scope="col" class="number run-group">Accuracy</th>
                  {index > 0 && <th scope="col" class="number">Difference</th>}
                  <th scope="col" class="number">Early stop</th>
                  {index > 0 && <th scope="col" class="number">Difference</th>}
                </>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <th scope="row" class="number-head">{percent(row.remaining)}</th>
                {comparedLevels(comparison, row).map((level, index) => {
                  if (!level) {
                    return (
                      <>
                        <td class="number run-group soft">{nothing}</td>
                        {index > 0 && <td />}
                        <td class="number soft">{nothing}</td>
                        {index > 0 && <td />}
                      </>
                    );
                  }
                  const { testAccuracyDifference: gain, earlyStopDifference: later } = level;
                  const isElsewhere = percent(level.remaining) !== percent(row.remaining);
                  return (
                    <>
                      <td class="number run-group">
                        <a href={`/runs/${level.run}/levels/${level.level}`}>
                          {level.testAccuracy === null ? "diverged" : percent(level.testAccuracy, 2)}
                        </a>
                        {isElsewhere && <span class="small soft elsewhere">at {percent(level.remaining)}</span>}
                      </td>
                      {index > 0 && (
                        <td class={`number ${toneOf(gain)}`}>
                          {gain === null ? nothing : points(gain)}
                        </td>
                      )}
                      <td class="number">
                        {level.earlyStopIteration === null
                          ? "diverged"
                          : `${level.censored > 0 ? "> " : ""}${
                            Math.round(level.earlyStopIteration).toLocaleString("en")
                          }`}
                      </td>
                      {index > 0 && <td class="number">{later === null ? nothing : signed(later)}</td>}
                    </>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** A difference that is zero as it is written is neither. */
function toneOf(gain: number | null): string {
  return gain === null ? "soft" : Math.abs(gain) < 0.00005 ? "" : gain < 0 ? "worse" : "better";
}

function signed(difference: number): string {
  const whole = Math.round(difference);
  return whole === 0 ? "±0" : `${whole > 0 ? "+" : "−"}${Math.abs(whole).toLocaleString("en")}`;
}

function Chooser(
  { rows, chosen, now }: { readonly rows: readonly RunRow[]; readonly chosen: readonly string[]; readonly now: number },
): JSX.Element {
  if (rows.length === 0) {
    return (
      <section class="state">
        <p>There is no run to compare yet.</p>
        <p class="soft">
          Train two that differ in one setting, such as <code>./denow task lottery lenet-quick</code> and{" "}
          <code>./denow task lottery lenet-quick --lr 0.003</code>; both appear here as soon as they begin.
        </p>
      </section>
    );
  }
  const newest = rows.toSorted((a, b) => a.updated < b.updated ? 1 : -1).slice(0, offered);
  return (
    <form class="stack" method="get" action="/compare">
      <p>
        Choose two to {mostRuns}{" "}
        runs: their curves are laid over each other, and what they differ in stands beside what came of it. The first is
        the baseline; another can be made it afterwards.
      </p>
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of runs to choose from">
        <table>
          <caption>
            {rows.length > newest.length
              ? `The newest ${newest.length} of ${count(rows.length, "run")}; others can be named below.`
              : `${count(rows.length, "run")}, newest first.`}
          </caption>
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">State</th>
              <th scope="col">Changed</th>
              <th scope="col">Data</th>
              <th scope="col" class="number">Best ticket</th>
              <th scope="col" class="number">Weights left</th>
            </tr>
          </thead>
          <tbody>
            {newest.map(({ id, state, dataset, bestAccuracy, bestRemaining, updated }) => (
              <tr>
                <th scope="row">
                  <label class="choose">
                    <input type="checkbox" name="runs" value={id} checked={chosen.includes(id)} /> <Name id={id} />
                  </label>
                </th>
                <td>
                  <span class={`badge ${state}`}>{state}</span>
                </td>
                <td class="soft nowrap">{ago(updated, now)}</td>
                <td>{dataset ?? nothing}</td>
                <td class="number">{accuracy(bestAccuracy)}</td>
                <td class="number">{remaining(bestRemaining)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="row">
        {rows.length > newest.length && (
          <>
            <label for="other-run">Another run</label>
            <input id="other-run" class="run-field" type="text" name="runs" list="run-ids" autocomplete="off" />
            <Ids rows={rows} without={newest.map(({ id }) => id)} />
          </>
        )}
        <button type="submit" class="primary">Compare</button>
      </div>
    </form>
  );
}
