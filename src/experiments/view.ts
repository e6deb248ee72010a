/**
 * An experiment with its results: figures, tables and what has to be said of them. What the command, the report and the pages show.
 *
 * @module
 */
import { type Measure, measures } from "../analysis/claims.ts";
import { percent } from "../analysis/words.ts";
import type { Figure, FigureOptions } from "../plot/line_figure.ts";
import { partSize, sheet, type SheetColumns } from "../plot/sheet.ts";
import { claimQuantity, compareClaim } from "./claims.ts";
import type { Experiment, PaperClaim } from "./experiment.ts";
import { type DrawnFrom, type DrawnPanel, drawPanel } from "./figures.ts";
import type { LoadedRun } from "./loaded_run.ts";
import { notesOn } from "./notes.ts";
import { keyOf, scaleOptionNames, type ScaleOptions, wordsOf } from "./scale.ts";
import { levelTables, lineTables, type Table } from "./tables.ts";

/** A run of an experiment, as far as it is. */
export interface ViewedRun {
  /** Its name within the experiment. */
  readonly name: string;
  /** The run's id; null where it was never begun, and nobody looked. */
  readonly id: string | null;
  /** How it stands, of what the experiment wants of it. */
  readonly state: LoadedRun["state"];
  /** Networks that are wanted and trained. */
  readonly done: number;
  /** Networks that are wanted. */
  readonly wanted: number;
}

/** A number of the paper beside ours. */
export interface ViewedClaim {
  /** The run's name. */
  readonly run: string;
  /** What is compared. */
  readonly quantity: string;
  /** The paper's remaining fraction, in words; `best` where it states the most of all. */
  readonly paperRemaining: string;
  /** Ours, in words; empty where no level is near. */
  readonly remaining: string;
  /** The paper's value, in words. */
  readonly paper: string;
  /** Ours, in words; empty where there is none. */
  readonly ours: string;
  /** What has to be said of it; empty for nothing. */
  readonly note: string;
}

/** An experiment with its results. */
export interface ExperimentView {
  /** `fig4`. */
  readonly name: string;
  /** Name and options: what its files are called. */
  readonly key: string;
  /** `Figure 4. …`, or the title alone. */
  readonly title: string;
  /** What is trained and compared. */
  readonly about: string;
  /** What the paper says of it. */
  readonly reading: string;
  /** Options that differ from the paper's, as name and value. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** The runs. */
  readonly runs: readonly ViewedRun[];
  /** All panels in one picture, with title and notes. */
  readonly sheet: Figure;
  /** The panels, each for itself. */
  readonly panels: readonly DrawnPanel[];
  /** The paper's numbers beside ours. */
  readonly paper: readonly ViewedClaim[];
  /** Levels as tables: one per run and quantity, what each run gained over its dense network, what errors along lines come to. */
  readonly levels: readonly Table[];
  /** What has to be known to read all this: what was scaled, what is censored, what is missing. Sentences. */
  readonly notes: readonly string[];
}

/**
 * Puts an experiment together from what is there; runs that are not finished, or not begun, leave gaps.
 *
 * @param runs in the order of the experiment's
 */
export function viewOf(
  experiment: Experiment,
  options: ScaleOptions,
  runs: readonly LoadedRun[],
  { size = "wide" }: Pick<FigureOptions, "size"> = {},
): ExperimentView {
  const { name, about, reading } = experiment;
  const title = titleOf(experiment);
  const notes = notesOn(experiment, options, runs);
  const draw = (own: NonNullable<FigureOptions["size"]>, prefix: string): DrawnPanel[] =>
    drawPanels({ experiment, runs }, { prefix, size: own });
  const panels = draw(size, name);
  const columns = columnsOf(panels.length);
  return {
    name,
    key: keyOf(name, options),
    title,
    about,
    reading,
    settings: settingsOf(options),
    runs: runs.map(({ name, id, state, done, wanted }) => ({ name, id, state, done, wanted })),
    sheet: sheet({
      prefix: `${name}-sheet`,
      size,
      title,
      notes,
      columns,
      figures: draw(partSize(columns, size), `${name}-part`),
    }),
    panels,
    paper: experiment.paper.map((claim) => claimed(claim, runs)),
    levels: [...levelTables(experiment, runs), ...lineTables(experiment, runs)],
    notes,
  };
}

/** Draws an experiment's panels in order, with ids of their own that begin with the prefix. */
export function drawPanels(from: DrawnFrom, options: FigureOptions): DrawnPanel[] {
  return from.experiment.panels.flatMap((panel, index) =>
    drawPanel(panel, from, { ...options, prefix: `${options.prefix}-${index + 1}` })
  );
}

/** `Figure 4. LeNet under …` for a figure of the paper, else the title. */
export function titleOf({ name, title }: Pick<Experiment, "name" | "title">): string {
  const number = /^fig(\d+)$/.exec(name)?.[1];
  return number === undefined ? title : `Figure ${number}. ${title}`;
}

function claimed(claim: PaperClaim, runs: readonly LoadedRun[]): ViewedClaim {
  const { run: name, measure, value, remaining } = claim;
  const compared = compareClaim(claim, runs);
  const { inWords }: Measure = measures[measure];
  const note = !compared
    ? "not trained"
    : compared.remaining === null
    ? remaining === "best" ? "no pruned level" : "no level near"
    : compared.ours === null
    ? "not trained"
    : compared.censored > 0
    ? `${compared.censored} censored`
    : "";
  return {
    run: name,
    quantity: claimQuantity(claim),
    paperRemaining: remaining === "best" ? remaining : percent(remaining),
    remaining: compared?.remaining ? percent(compared.remaining) : "",
    paper: inWords(value),
    ours: compared?.ours ?? "",
    note,
  };
}

/** Three side by side where that fills the rows, two of any other number. */
function columnsOf(panels: number): SheetColumns {
  return panels === 1 ? 1 : panels % 3 === 0 ? 3 : 2;
}

/** The options that differ from the paper's, as name and value. */
export function settingsOf(options: ScaleOptions): (readonly [string, string])[] {
  return scaleOptionNames.flatMap((option) => {
    const value = options[option];
    return value === undefined || option === "scale" && value === 1
      ? []
      : [[wordsOf(option).replaceAll("-", " "), String(value)] as const];
  });
}
