import { page } from "fresh";
import type { JSX } from "preact";
import { count, fullTime } from "../../src/dashboard/words.ts";
import { fullScale, type RecordedExperiment } from "../../src/dashboard/experiments.ts";
import { CommandText } from "../../src/dashboard/components/CommandText.tsx";
import { experiments } from "../../src/experiments/registry.ts";
import { settingsOf, titleOf } from "../../src/experiments/view.ts";
import { define } from "../../utils.ts";

/** All experiments: which have results here, what each trains, and how to start one. */
export const handler = define.handlers({
  async GET({ state }) {
    state.title = "Experiments";
    return page({ recorded: await state.dashboard.listExperiments() });
  },
});

const example = "./denow task experiment fig4 --scale 0.1";

export default define.page<typeof handler>(({ data: { recorded } }) => {
  const done = new Set(recorded.map(({ experiment }) => experiment.name)).size;
  return (
    <>
      <header class="stack">
        <h1>Experiments</h1>
        <p class="answer">
          {recorded.length === 0
            ? `None of the ${experiments.length} experiments has results here yet.`
            : `${count(done, "experiment")} of ${experiments.length} ${done === 1 ? "has" : "have"} results here.`}
        </p>
        <p>
          An experiment is one figure of the paper, or of what came after it: one command trains what is missing of its
          runs, draws it and puts the paper's numbers beside ours.
        </p>
      </header>
      {recorded.length === 0 ? <Empty /> : (
        <section class="stack">
          <h2>With results here</h2>
          <div class="scroll" tabIndex={0} role="group" aria-label="Experiments with results, as a table">
            <Recorded recorded={recorded} />
          </div>
          <p class="soft small">
            The same command goes on where an experiment is not finished; another one is started by{" "}
            <code>
              <CommandText text={example} />
            </code>.
          </p>
        </section>
      )}
      <section class="stack">
        <h2>All experiments</h2>
        <div class="scroll" tabIndex={0} role="group" aria-label="All experiments, as a table">
          <All recorded={recorded} />
        </div>
        <p class="soft small">
          Runs and networks are those of the paper's scale. Experiments with equal runs share them. <code>--scale</code>
          {" "}
          shortens iterations and training images, <code>--levels</code> and <code>--replicates</code>{" "}
          do with fewer networks; results that are not of the paper's scale are marked.
        </p>
      </section>
    </>
  );
});

function Empty(): JSX.Element {
  return (
    <section class="state panel">
      <h2>Start one</h2>
      <pre><code><CommandText text={example} /></code></pre>
      <p>
        It appears here as soon as it begins, and what is there of it can be looked at while it trains.{" "}
        <code>./denow task experiment --help</code> says how to make it smaller still.
      </p>
    </section>
  );
}

function Recorded({ recorded }: { readonly recorded: readonly RecordedExperiment[] }): JSX.Element {
  return (
    <table class="reflow experiments" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Experiment</th>
          <th role="columnheader" scope="col">State</th>
          <th role="columnheader" scope="col" class="number">Networks</th>
          <th role="columnheader" scope="col">Other than in the paper</th>
          <th role="columnheader" scope="col">Last begun</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {recorded.map(({ experiment, key, options, state, done, wanted, updated }) => (
          <tr key={key} role="row">
            <th role="rowheader" scope="row">
              <a href={`/experiments/${key}`}>{titleOf(experiment)}</a>
              <span class="cell-note soft">{key}</span>
            </th>
            <td role="cell" data-label="State">
              <span class={`badge ${state}`}>{state}</span>
            </td>
            <td role="cell" class="number" data-label="Networks">
              {done.toLocaleString("en")} of {wanted.toLocaleString("en")}
            </td>
            <td role="cell" class="experiment-settings" data-label="Other than in the paper">
              {settingsOf(options).map(([name, value]) => `${name} ${value}`).join(", ") || "nothing"}
            </td>
            <td role="cell" class="soft" data-label="Last begun">{fullTime(updated)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function All({ recorded }: { readonly recorded: readonly RecordedExperiment[] }): JSX.Element {
  return (
    <table class="reflow experiments" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Name</th>
          <th role="columnheader" scope="col">What it shows</th>
          <th role="columnheader" scope="col" class="number">Runs</th>
          <th role="columnheader" scope="col" class="number">Networks</th>
          <th role="columnheader" scope="col">Results here</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {experiments.map((experiment) => {
          const { name } = experiment;
          const { runs, networks } = fullScale(experiment);
          const own = recorded.filter((other) => other.experiment.name === name);
          return (
            <tr key={name} role="row">
              <td role="cell">
                <code class="nowrap">{name}</code>
              </td>
              <th role="rowheader" scope="row">
                <a href={`/experiments/${name}`}>{titleOf(experiment)}</a>
              </th>
              <td role="cell" class="number" data-label="Runs">{runs.toLocaleString("en")}</td>
              <td role="cell" class="number" data-label="Networks">{networks.toLocaleString("en")}</td>
              <td role="cell" data-label={own.length > 0 ? "Results here" : undefined}>
                {own.map(({ key, state }) => (
                  <span key={key} class="experiment-result">
                    <a href={`/experiments/${key}`}>
                      {key === name ? "the paper's scale" : key.slice(name.length + 1)}
                    </a>{" "}
                    <span class={`badge small ${state}`}>{state}</span>
                  </span>
                ))}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
