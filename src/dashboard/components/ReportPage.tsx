/**
 * A run or an experiment as one page that stands alone: the parts of the dashboard's pages, without links and without script.
 *
 * @module
 */
import type { ComponentChildren, JSX } from "preact";
import type { Figure as Drawn, FigureOptions } from "../../plot/line_figure.ts";
import type { ExperimentView } from "../../experiments/view.ts";
import { curvesFigure } from "../curves_svg.ts";
import { experimentCommandLine, type ExperimentResult } from "../experiments.ts";
import { experimentPictures } from "../experiments_files.ts";
import { usualCurves } from "../run_choices.ts";
import { accuracyOf, earlyStopOf, layersOf, onPage, stepTimeOf } from "../run_figures.ts";
import type { Curve, RunView } from "../types.ts";
import { CommandText } from "./CommandText.tsx";
import { DataFacts } from "./DataFacts.tsx";
import {
  ClaimNote,
  ClaimTable,
  ExperimentAnswer,
  ExperimentRuns,
  ExperimentStanding,
  LevelWordsNote,
  LevelWordsTable,
} from "./ExperimentParts.tsx";
import { Figure } from "./Figure.tsx";
import { levelNote, LevelTable } from "./LevelTable.tsx";
import { PaperTable } from "./PaperTable.tsx";
import { RunAnswer, RunProblems } from "./RunAnswer.tsx";
import { aboutConfig, standing } from "./RunHeader.tsx";
import { RunMade } from "./RunMade.tsx";
import { unbroken } from "./run_words.ts";
import { commandAgain, SettingsTable } from "./SettingsTable.tsx";

/** What {@linkcode ReportPage} takes. */
export interface ReportPageProps {
  /** The document's title. */
  readonly title: string;
  /** Its stylesheet, whole. */
  readonly styles: string;
  /** What stands on it. */
  readonly children: ComponentChildren;
}

/** The document: nothing in it may ask for anything, wherever it is opened. */
export function ReportPage({ title, styles, children }: ReportPageProps): JSX.Element {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Winnow`}</title>
        <style dangerouslySetInnerHTML={{ __html: styles }} />
      </head>
      <body>
        <main>{children}</main>
      </body>
    </html>
  );
}

/** A run, and what of it is no part of its view. */
export interface ReportedRun {
  /** The run. */
  readonly run: RunView;
  /** Its curves, as its page shows them at first. */
  readonly curves: readonly Curve[];
  /** Whether its plan table is other than the one that ships. */
  readonly hasOwnPlan: boolean;
}

/** A run. */
export function RunReport({ run, curves, hasOwnPlan }: ReportedRun): JSX.Element {
  const { id, row, config, manifest, figures, paper } = run;
  const drawCurves = (options: FigureOptions): Drawn => curvesFigure(id, curves, usualCurves, options);
  return (
    <>
      <header class="run-header stack">
        <h1>{id}</h1>
        <p class="row">
          <span class={`badge ${row.state}`}>{row.state}</span>
          <span>{unbroken(standing(row))}</span>
          {row.tags.map((tag) => <span key={tag} class="tag">{tag}</span>)}
        </p>
        {config && <p class="soft">{aboutConfig(config)}</p>}
      </header>
      <RunProblems run={run} />
      <section class="stack" aria-label="The answer">
        <RunAnswer run={run} />
      </section>
      {figures.length > 0 && (
        <section class="columns run-pictures" aria-label="Pictures">
          <Figure
            id="accuracy"
            title="Test accuracy at early stop against remaining weights"
            {...onPage(accuracyOf(run, "early-stop"), "accuracy")}
          />
          <Figure
            id="accuracy-end"
            title="Test accuracy at the end against remaining weights"
            {...onPage(accuracyOf(run, "end"), "accuracy-end")}
          />
          <Figure
            id="early-stop"
            title="Early stop against remaining weights"
            {...onPage(earlyStopOf(run), "early-stop")}
          />
          {curves.length > 0 && (
            <Figure
              id="curves"
              title="Test accuracy against iterations"
              {...onPage({ draw: drawCurves, rows: [] }, "curves")}
            />
          )}
          <Figure id="layers" title="Surviving weights per layer" {...onPage(layersOf(run), "layers")} />
          <Figure id="step-time" title="Time of a training step" {...onPage(stepTimeOf(run), "step-time")} />
        </section>
      )}
      {figures.length > 0 && (
        <section class="stack">
          <h2>Levels</h2>
          <div class="scroll">
            <LevelTable run={run} isLinked={false} />
          </div>
          <p class="soft small">{unbroken(levelNote(run))}</p>
        </section>
      )}
      {paper.length > 0 && (
        <section class="stack">
          <h2>Beside the paper</h2>
          <div class="scroll">
            <PaperTable run={run} />
          </div>
        </section>
      )}
      {config && (
        <section class="stack">
          <h2>The command that makes it again</h2>
          <Command text={commandAgain(config, hasOwnPlan)} />
          {typeof config.network === "object" && (
            <>
              <p>It has a network of its own, which comes from its config.json:</p>
              <pre>{JSON.stringify(config, null, 2)}</pre>
            </>
          )}
        </section>
      )}
      <Origins run={run} />
      {config && (
        <section class="stack">
          <h2>All settings</h2>
          <div class="scroll">
            <SettingsTable config={config} />
          </div>
        </section>
      )}
      {manifest && (
        <p class="soft small">
          Equal settings on the same adapter, driver and version give equal numbers, bit for bit.
        </p>
      )}
    </>
  );
}

/** What {@linkcode ExperimentReport} takes. */
export interface ExperimentReportProps {
  /** The experiment. */
  readonly result: ExperimentResult;
  /** Its figures, tables and notes. */
  readonly view: ExperimentView;
  /** Those of its runs that there are. */
  readonly runs: readonly Omit<ReportedRun, "curves">[];
}

/** An experiment. */
export function ExperimentReport({ result, view, runs }: ExperimentReportProps): JSX.Element {
  const { experiment, options } = result;
  return (
    <>
      <header class="run-header stack">
        <h1>{view.title}</h1>
        <ExperimentStanding result={result} />
        <p class="soft">{unbroken(view.about)}</p>
      </header>
      <section class="stack" aria-label="The answer">
        <ExperimentAnswer result={result} view={view} />
      </section>
      <section class="stack">
        <h2>The figure</h2>
        <div class="columns run-pictures">
          {experimentPictures(result).map(({ title, picture, words }, index) => (
            <Figure key={index} id={`panel-${index + 1}`} title={title} picture={picture} words={words} />
          ))}
        </div>
      </section>
      {view.paper.length > 0 && (
        <section class="stack">
          <h2>Beside the paper</h2>
          <div class="scroll">
            <ClaimTable result={result} view={view} />
          </div>
          <ClaimNote />
        </section>
      )}
      {view.levels.length > 0 && (
        <section class="stack">
          <h2>Levels</h2>
          <div class="columns">
            {view.levels.map((table) => (
              <div key={table.title} class="scroll">
                <LevelWordsTable table={table} />
              </div>
            ))}
          </div>
          <LevelWordsNote />
        </section>
      )}
      <section class="stack">
        <h2>Runs</h2>
        <div class="scroll">
          <ExperimentRuns result={result} isLinked={false} />
        </div>
        <p>The command that makes all of it again:</p>
        <Command text={experimentCommandLine(experiment.name, options)} />
      </section>
      {runs.map(({ run, hasOwnPlan }) => (
        <section key={run.id} class="stack">
          <h2>{run.id}</h2>
          {run.config && <Command text={commandAgain(run.config, hasOwnPlan)} />}
          <Origins run={run} rank={3} />
        </section>
      ))}
    </>
  );
}

/** What a run was made with and from: adapter, versions, data and its checksums. */
function Origins({ run, rank = 2 }: { readonly run: RunView; readonly rank?: 2 | 3 }): JSX.Element {
  const Heading = rank === 2 ? "h2" : "h3";
  return (
    <div class="columns">
      <section class="stack">
        <Heading>Made with</Heading>
        <RunMade run={run} />
      </section>
      {run.manifest && (
        <section class="stack">
          <Heading>Data</Heading>
          <DataFacts manifest={run.manifest} />
        </section>
      )}
    </div>
  );
}

function Command({ text }: { readonly text: string }): JSX.Element {
  return (
    <div class="command">
      <pre><CommandText text={text} /></pre>
    </div>
  );
}
