/**
 * Several runs beside each other: which ones an address names, and what the page and its files show of them.
 *
 * @module
 */
import { accuracyIn, type ComparedAt, describeBeside, type LevelsBeside, levelsBeside } from "../analysis/beside.ts";
import { differencesOf, type RunDifference } from "../store/differences.ts";
import { csv } from "../store/export.ts";
import type { Dashboard } from "./dashboard.ts";
import type { RunView } from "./types.ts";
import { legible } from "../data/quoted.ts";
import { listed } from "./words.ts";

/** So many runs at most: as many as have lines that can be told apart. */
export const mostRuns = 12;

/** What an address asks for. */
export interface ComparisonQuery {
  /** The runs, in order, each once. */
  readonly ids: readonly string[];
  /** Which of them the others are compared with; the first when the address says none. */
  readonly baseline: string | undefined;
  /** Where accuracies are compared. */
  readonly at: ComparedAt;
  /** What is wrong with it, in a sentence; null when nothing is. */
  readonly problem: string | null;
}

/** Runs beside each other. */
export interface Comparison {
  /** The runs, in the address's order but the baseline first. */
  readonly runs: readonly RunView[];
  /** Ids that are no run's. */
  readonly missing: readonly string[];
  /** Where accuracies are compared. */
  readonly at: ComparedAt;
  /** Who found the best ticket, in sentences. */
  readonly words: readonly string[];
  /** Settings, adapter, data and versions in which they differ. */
  readonly differences: readonly RunDifference[];
  /** Their levels, those that keep about as many weights beside each other. */
  readonly rows: readonly LevelsBeside[];
}

/** Reads `?runs=a,b,c&baseline=a&at=earlyStop|end`. `runs` may come several times, as a form's boxes send it. */
export function parseComparison(search: URLSearchParams): ComparisonQuery {
  const ids = [
    ...new Set(
      search.getAll("runs").flatMap((list) => list.split(",")).map((id) => id.trim()).filter((id) => id !== ""),
    ),
  ];
  const baseline = search.get("baseline") ?? undefined;
  const where = search.get("at") ?? "earlyStop";
  const at = where === "end" ? "end" : "early-stop";
  const problem = ids.length > mostRuns
    ? `${ids.length} runs are more than can be told apart in one picture: choose at most ${mostRuns}.`
    : where !== "earlyStop" && where !== "end"
    ? `The address says at=${legible(where, 40)}, and at=earlyStop or at=end is wanted.`
    : baseline !== undefined && baseline !== "" && !ids.includes(baseline)
    ? `The baseline ${legible(baseline, 80)} is not among the runs: name it in runs= too.`
    : null;
  return { ids, baseline: baseline === "" ? undefined : baseline, at, problem };
}

/** The address of a comparison. */
export function comparisonPath(
  { ids, baseline, at }: Pick<ComparisonQuery, "ids" | "baseline" | "at">,
  path = "/compare",
): string {
  const parts = [
    ...(ids.length > 0 ? [`runs=${ids.map(encodeURIComponent).join(",")}`] : []),
    ...(baseline !== undefined && baseline !== ids[0] && ids.includes(baseline)
      ? [`baseline=${encodeURIComponent(baseline)}`]
      : []),
    ...(at === "end" ? ["at=end"] : []),
  ];
  return parts.length === 0 ? path : `${path}?${parts.join("&")}`;
}

/** Reads the runs that a query without a problem names. */
export async function readComparison(dashboard: Dashboard, query: ComparisonQuery): Promise<Comparison> {
  const { ids, baseline = ids[0], at } = query;
  const ordered = [...ids.filter((id) => id === baseline), ...ids.filter((id) => id !== baseline)];
  const views = await Promise.all(ordered.map((id) => dashboard.readRun(id)));
  const runs = views.filter((view) => view !== undefined);
  const differences = runs.length > 1 ? differencesOf(runs) : [];
  return {
    runs,
    missing: ordered.filter((_, index) => views[index] === undefined),
    at,
    words: runs.length > 1 ? wordsOf(runs, at, differences) : [],
    differences,
    rows: levelsBeside(runs),
  };
}

/** Settings that are named in a sentence; more stand in the table alone. */
const namedSettings = 3;

/** What runs differ in, in a sentence. */
export function differenceWords(differences: readonly RunDifference[]): string {
  const names = differences.map(({ name }) => name);
  const told = names.filter((name) => name === "preset" || name.startsWith("--"));
  const facts = names.filter((name) => !told.includes(name));
  const more = told.length - namedSettings;
  if (told.length === 1) return `Their settings differ in ${told[0] ?? ""} alone.`;
  if (told.length > 1) {
    return `Their settings differ in ${listed(more > 0 ? [...told.slice(0, namedSettings), `${more} more`] : told)}.`;
  }
  return facts.length === 0
    ? "They have the same settings, adapter, data and versions."
    : `Their settings are the same; what differs is ${listed(facts)}.`;
}

/** Says first, where it is so, that accuracies on different data are no comparison. */
function wordsOf(runs: readonly RunView[], at: ComparedAt, differences: readonly RunDifference[]): string[] {
  const isOtherData = differences.some(({ name }) => name === "--dataset" || name === "data digest");
  return [
    ...(isOtherData ? ["These runs are of different data, so their accuracies say little about each other."] : []),
    ...describeBeside(runs, at),
    differenceWords(differences),
  ];
}

/** A run's level beside the baseline's, as numbers. */
export interface ComparedLevel {
  /** The run. */
  readonly run: string;
  /** Whether it is the baseline. */
  readonly isBaseline: boolean;
  /** Its level. */
  readonly level: number;
  /** Surviving fraction. */
  readonly remaining: number;
  /** Networks in the means. */
  readonly networks: number;
  /** Networks that diverged. */
  readonly diverged: number;
  /** Mean test accuracy at early stop or at the end, as a fraction. */
  readonly testAccuracy: number | null;
  /** That minus the baseline's; null where the baseline has no such level. */
  readonly testAccuracyDifference: number | null;
  /** Mean early-stop iteration. */
  readonly earlyStopIteration: number | null;
  /** That minus the baseline's. */
  readonly earlyStopDifference: number | null;
  /** Early stops on the last evaluation: the true ones are there or later. */
  readonly censored: number;
}

/** A row's levels as numbers, in the order of the runs; undefined where a run has none. */
export function comparedLevels({ runs, at }: Comparison, { levels }: LevelsBeside): (ComparedLevel | undefined)[] {
  const [baseline] = levels;
  const reference = baseline && accuracyIn(baseline.ticket, at);
  return runs.map(({ id }, index) => {
    const level = levels[index];
    if (!level) return undefined;
    const { ticket } = level;
    const accuracy = accuracyIn(ticket, at);
    const stop = ticket.earlyStop?.mean;
    const other = baseline?.ticket.earlyStop?.mean;
    return {
      run: id,
      isBaseline: index === 0,
      level: level.level,
      remaining: level.remaining,
      networks: ticket.earlyStop?.count ?? 0,
      diverged: ticket.diverged,
      testAccuracy: accuracy ?? null,
      testAccuracyDifference: accuracy === undefined || reference === undefined ? null : accuracy - reference,
      earlyStopIteration: stop ?? null,
      earlyStopDifference: stop === undefined || other === undefined ? null : stop - other,
      censored: ticket.censored,
    };
  });
}

/** The table as CSV: a line per run and level; `row` is the remaining fraction of the levels beside each other. */
export function comparisonCsv(comparison: Comparison): string {
  const columns = [
    "run",
    "isBaseline",
    "level",
    "remaining",
    "networks",
    "diverged",
    "testAccuracy",
    "testAccuracyDifference",
    "earlyStopIteration",
    "earlyStopDifference",
    "censored",
  ] as const satisfies readonly (keyof ComparedLevel)[];
  return csv([
    ["row", "at", ...columns],
    ...comparison.rows.flatMap((row) =>
      comparedLevels(comparison, row).flatMap((level) =>
        level
          ? [[
            row.remaining,
            comparison.at,
            ...columns.map((column) => {
              const value = level[column];
              return typeof value === "boolean" ? String(value) : value;
            }),
          ]]
          : []
      )
    ),
  ]);
}

/** The comparison as JSON. */
export function comparisonJson(comparison: Comparison): string {
  const { runs, at, words, differences, rows } = comparison;
  return `${
    JSON.stringify(
      {
        schema: 1,
        baseline: runs[0]?.id ?? null,
        at,
        words,
        runs: runs.map(({ id, state }) => ({ id, state })),
        differences: differences.map(({ name, values }) => ({
          name,
          values: Object.fromEntries(runs.map(({ id }, index) => [id, values[index] ?? ""])),
        })),
        rows: rows.map((row) => ({
          remaining: row.remaining,
          levels: comparedLevels(comparison, row).filter((level) => level !== undefined),
        })),
      },
      null,
      2,
    )
  }\n`;
}
