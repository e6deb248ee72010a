import { page } from "fresh";
import type { JSX } from "preact";
import LiveRun from "../../islands/LiveRun.tsx";
import { CommandText } from "../../src/dashboard/components/CommandText.tsx";
import {
  overallState,
  StateBar,
  stateWords,
  sweepTitle,
  trainedWords,
} from "../../src/dashboard/components/SweepParts.tsx";
import type { SweepView } from "../../src/dashboard/sweeps.ts";
import { ago, count, fullTime } from "../../src/dashboard/words.ts";
import { define } from "../../utils.ts";

/** All sweeps: how far they are, and how to start one. */
export const handler = define.handlers({
  async GET({ state }) {
    state.title = "Sweeps";
    const { version } = state.dashboard;
    return page({ sweeps: await state.dashboard.listSweeps(), version, now: Date.now() });
  },
});

const example = "./denow task sweep fig26 --scale 0.1";

export default define.page<typeof handler>(({ data: { sweeps, version, now } }) => {
  const open = sweeps.filter(({ counts, runs }) => counts.finished < runs.length);
  const ids = [...new Set(open.flatMap(({ runs }) => runs.map(({ run }) => run.id)))];
  return (
    <>
      <header class="run-header stack">
        <h1>Sweeps</h1>
        <p class="answer" data-live="answer">
          {sweeps.length === 0
            ? "There is no sweep here yet."
            : open.length === 0
            ? `${count(sweeps.length, "sweep")}, all finished.`
            : `${count(sweeps.length, "sweep")}, ${open.length} not finished.`}
        </p>
        <p>
          A sweep is many runs for one question: learning rates, seeds, a figure of the paper. On one machine they
          queue; on a cluster Slurm runs them.
        </p>
        {open.length > 0 && <LiveRun ids={ids} version={version} pace={500 + ids.length} again={10_000} />}
      </header>
      {sweeps.length === 0 ? <Empty /> : (
        <section class="stack">
          <div class="scroll" tabIndex={0} role="group" aria-label="Sweeps, as a table" data-live="sweeps">
            <Sweeps sweeps={sweeps} now={now} />
          </div>
          <p class="soft small">
            Another one is started by{" "}
            <code>
              <CommandText text={example} />
            </code>.
          </p>
        </section>
      )}
    </>
  );
});

function Empty(): JSX.Element {
  return (
    <section class="state panel">
      <h2>Start one</h2>
      <pre><code><CommandText text={example} /></code></pre>
      <p>
        It appears here as soon as it begins. <code>--dry-run</code>{" "}
        lists its runs with the time and the memory that they take; a file of one's own says other settings and axes.
        {" "}
        <code>./denow task sweep --help</code> says how.
      </p>
    </section>
  );
}

function Sweeps({ sweeps, now }: { readonly sweeps: readonly SweepView[]; readonly now: number }): JSX.Element {
  return (
    <table class="reflow sweeps" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Sweep</th>
          <th role="columnheader" scope="col">State</th>
          <th role="columnheader" scope="col" class="number">Runs</th>
          <th role="columnheader" scope="col">Runs by state</th>
          <th role="columnheader" scope="col" class="number">Trained</th>
          <th role="columnheader" scope="col">Last change</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {sweeps.map((view) => {
          const { record: { key }, runs, fraction, changed } = view;
          return (
            <tr key={key} role="row">
              <th role="rowheader" scope="row" class="sweep-name">
                <a href={`/sweeps/${key}`}>{sweepTitle(view)}</a>
                <span class="cell-note soft">{key}</span>
              </th>
              <td role="cell" data-label="State">
                <span class={`badge ${overallState(view)}`}>{overallState(view)}</span>
              </td>
              <td role="cell" class="number" data-label="Runs">{runs.length.toLocaleString("en")}</td>
              <td role="cell" class="sweep-states" data-label="Runs by state">
                <StateBar view={view} />
                <span class="cell-note soft">{stateWords(view)}</span>
              </td>
              <td role="cell" class="number" data-label="Trained">{trainedWords(fraction, 1)}</td>
              <td role="cell" class="soft" data-label="Last change">
                <time dateTime={changed} title={fullTime(changed)}>{ago(changed, now)}</time>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
