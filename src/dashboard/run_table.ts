/**
 * The overview's table: which runs it shows, in which order, and how that stands in the page's address. Pure functions of the
 * rows, which the server calls; the page's script has them called again for whatever the reader asks for next.
 *
 * @module
 */
import type { RunState } from "../store/index.ts";
import type { RunRow } from "./types.ts";
import { accuracy, count, gain, listed, remaining } from "./words.ts";

/** Rows of one page: enough to look through, and little enough to be there at once. */
export const rowsPerPage = 50;

/** What the table can be sorted by. */
export type SortKey = keyof typeof sortings;

/** The direction of an order. */
export type Order = "asc" | "desc";

/** What a reader has asked the table for. Empty texts ask for nothing. */
export interface TableQuery {
  /** Words, each of which must stand somewhere in the row. */
  readonly text: string;
  /** Only runs in this state. */
  readonly state: RunState | "";
  /** Only runs of this preset. */
  readonly preset: string;
  /** Only runs on this data set. */
  readonly dataset: string;
  /** Only runs that have this tag. */
  readonly tag: string;
  /** By what it is sorted. */
  readonly sort: SortKey;
  /** In which direction. */
  readonly order: Order;
  /** The page, from 1. */
  readonly page: number;
}

/** What the overview shows. */
export interface Overview {
  /** The rows of this page, in order. */
  readonly rows: readonly RunRow[];
  /** The page that they are of, from 1; another than asked for where there are fewer. */
  readonly page: number;
  /** How many pages there are; at least 1. */
  readonly pages: number;
  /** How many runs pass the filter. */
  readonly matching: number;
  /** How many runs there are, and in which states. */
  readonly counts: Readonly<Record<RunState | "all", number>>;
  /** What can be filtered by, in order. */
  readonly choices: {
    /** Presets that runs have. */
    readonly presets: readonly string[];
    /** Data sets that runs are on. */
    readonly datasets: readonly string[];
    /** Tags that runs have. */
    readonly tags: readonly string[];
  };
  /** The result that came last; null where there is none. */
  readonly newest: NewestResult | null;
  /** The dashboard's version when the rows were read. */
  readonly version: string;
}

/** A run's best ticket in words. */
export interface NewestResult {
  /** The run. */
  readonly id: string;
  /** What it came to; goes on from "With 21.1 % of its weights, the best ticket of <id>". */
  readonly remaining: string;
  /** The rest of the sentence, without its full stop. */
  readonly words: string;
}

/** How a column orders rows. */
interface Sorting {
  /** The direction that a reader wants to see first. */
  readonly first: Order;
  /** What is compared; rows without it come last in both directions. */
  readonly value: (row: RunRow) => string | number | null;
}

/** States in the order of what needs a reader's eye. */
const stateOrder = { running: 0, damaged: 1, unfinished: 2, finished: 3 } as const satisfies Record<RunState, number>;

/** States as they stand in the filter. */
export const stateNames: readonly RunState[] = ["running", "unfinished", "finished", "damaged"];

const sortings = {
  id: { first: "asc", value: ({ id }) => id },
  data: { first: "asc", value: ({ dataset, network }) => dataset === null ? null : `${dataset} ${network ?? ""}` },
  arms: { first: "desc", value: ({ arms }) => arms.length === 0 ? null : arms.length },
  state: { first: "asc", value: ({ state, progress }) => stateOrder[state] + 0.999 * progress.fraction },
  remaining: { first: "asc", value: ({ bestRemaining }) => bestRemaining },
  accuracy: { first: "desc", value: ({ bestAccuracy }) => bestAccuracy },
  dense: { first: "desc", value: (row) => difference(row.bestAccuracy, row.denseAccuracy) },
  control: { first: "desc", value: (row) => difference(row.bestAccuracy, row.controlAccuracy) },
  levels: {
    first: "desc",
    value: ({ levels, replicates }) => levels === null ? null : levels * 1e6 + (replicates ?? 0),
  },
  adapter: { first: "asc", value: ({ adapter }) => adapter },
  created: { first: "desc", value: ({ created }) => created },
  size: { first: "desc", value: ({ bytes }) => bytes },
} as const satisfies Record<string, Sorting>;

/** What the table shows when nothing is asked for: the newest first. */
export const usualQuery: TableQuery = {
  text: "",
  state: "",
  preset: "",
  dataset: "",
  tag: "",
  sort: "created",
  order: "desc",
  page: 1,
};

/** What an address asks for. What it says wrongly is as if it were not said: an old link still shows runs. */
export function queryFrom(parameters: URLSearchParams): TableQuery {
  const text = (name: string): string => (parameters.get(name) ?? "").trim().slice(0, 200);
  const asked = parameters.get("sort");
  const sort = asked !== null && isSortKey(asked) ? asked : usualQuery.sort;
  const order = parameters.get("order");
  const page = Number(parameters.get("page"));
  return {
    text: text("q"),
    state: stateNames.find((name) => name === parameters.get("state")) ?? "",
    preset: text("preset"),
    dataset: text("dataset"),
    tag: text("tag"),
    sort,
    order: order === "asc" || order === "desc" ? order : sortings[sort].first,
    page: Number.isSafeInteger(page) && page > 1 ? page : 1,
  };
}

/** The address that asks for it; what is usual is left out. */
export function addressOf(query: TableQuery): string {
  const parameters = new URLSearchParams();
  for (const name of ["state", "preset", "dataset", "tag"] as const) {
    if (query[name] !== "") parameters.set(name, query[name]);
  }
  if (query.text !== "") parameters.set("q", query.text);
  if (query.sort !== usualQuery.sort) parameters.set("sort", query.sort);
  if (query.order !== sortings[query.sort].first) parameters.set("order", query.order);
  if (query.page > 1) parameters.set("page", String(query.page));
  return parameters.size === 0 ? "/" : `/?${parameters}`;
}

/** What a column's header asks for: its order, or the other direction where it is sorted by already. */
export function sortedBy(query: TableQuery, sort: SortKey): TableQuery {
  const order = query.sort === sort ? opposite(query.order) : sortings[sort].first;
  return { ...query, sort, order, page: 1 };
}

/** What is asked for when a filter is chosen; the empty text chooses none. */
export function filteredBy(query: TableQuery, name: "state" | "preset" | "dataset" | "tag", value: string): TableQuery {
  if (name === "state") return { ...query, state: stateNames.find((own) => own === value) ?? "", page: 1 };
  return { ...query, [name]: value, page: 1 };
}

/** Whether anything is filtered by. */
export function isFiltered({ text, state, preset, dataset, tag }: TableQuery): boolean {
  return [text, state, preset, dataset, tag].some((own) => own !== "");
}

/** Rows that pass the filter, in order. */
export function selectRows(rows: readonly RunRow[], query: TableQuery): RunRow[] {
  const words = query.text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return rows.filter((row) => {
    const { state, preset, dataset, tags } = row;
    if (query.state !== "" && state !== query.state) return false;
    if (query.preset !== "" && preset !== query.preset) return false;
    if (query.dataset !== "" && dataset !== query.dataset) return false;
    if (query.tag !== "" && !tags.includes(query.tag)) return false;
    const text = words.length > 0 ? textOf(row) : "";
    return words.every((word) => text.includes(word));
  }).sort((a, b) => compare(a, b, query));
}

/** What the overview shows of all rows. */
export function overviewOf(all: readonly RunRow[], query: TableQuery, version: string): Overview {
  const matching = selectRows(all, query);
  const pages = Math.max(1, Math.ceil(matching.length / rowsPerPage));
  const page = Math.min(query.page, pages);
  const inState = (state: RunState): number => all.filter((row) => row.state === state).length;
  return {
    rows: matching.slice((page - 1) * rowsPerPage, page * rowsPerPage),
    page,
    pages,
    matching: matching.length,
    counts: {
      all: all.length,
      running: inState("running"),
      unfinished: inState("unfinished"),
      finished: inState("finished"),
      damaged: inState("damaged"),
    },
    choices: {
      presets: distinct(all.map(({ preset }) => preset)),
      datasets: distinct(all.map(({ dataset }) => dataset)),
      tags: distinct(all.flatMap(({ tags }) => tags)),
    },
    newest: newestResult(all),
    version,
  };
}

/** The overview with a row in the place of the one of that run; where it stands and what is counted is for the next look. */
export function withRow(overview: Overview, row: RunRow): Overview {
  return { ...overview, rows: overview.rows.map((own) => own.id === row.id ? row : own) };
}

/** How many runs there are and how they stand: "62 runs: 1 running, 59 finished and 2 damaged." */
export function headline({ counts }: Overview): string {
  const states = (["running", "finished", "unfinished", "damaged"] as const).filter((state) => counts[state] > 0);
  const [only] = states;
  if (only !== undefined && states.length === 1) {
    return counts.all === 1 ? `1 run, ${only}.` : `${count(counts.all, "run")}, all ${only}.`;
  }
  return `${count(counts.all, "run")}: ${
    listed(states.map((state) => `${counts[state].toLocaleString("en")} ${state}`))
  }.`;
}

/** Which rows are shown: "1–50 of 240 runs". */
export function extent({ matching, page, rows, counts }: Overview, query: TableQuery): string {
  const first = (page - 1) * rowsPerPage + 1;
  const all = isFiltered(query)
    ? `${count(matching, "run")} of ${counts.all.toLocaleString("en")}`
    : count(matching, "run");
  return rows.length === matching ? all : `${first}–${first + rows.length - 1} of ${all}`;
}

function newestResult(all: readonly RunRow[]): NewestResult | null {
  let newest: RunRow | undefined;
  for (const row of all) {
    if (row.bestAccuracy === null || row.state === "damaged") continue;
    if (!newest || row.updated > newest.updated) newest = row;
  }
  if (!newest) return null;
  const { id, bestRemaining, bestAccuracy, denseAccuracy, controlAccuracy, state, arms } = newest;
  const controls = arms.filter((arm) => arm !== "ticket");
  const control = controls.length === 1 ? `the control ${controls[0]}` : "the best control";
  const beside = [
    ...(denseAccuracy === null ? [] : [`${gain(bestAccuracy, denseAccuracy)} against the dense network`]),
    ...(controlAccuracy === null ? [] : [`${gain(bestAccuracy, controlAccuracy)} against ${control}`]),
  ];
  const words = `reaches ${accuracy(bestAccuracy)} test accuracy at early stop${
    beside.length > 0 ? `, ${listed(beside)}` : ""
  }${state === "finished" ? "" : ", so far"}`;
  return { id, remaining: remaining(bestRemaining), words };
}

function isSortKey(text: string): text is SortKey {
  return Object.hasOwn(sortings, text);
}

function opposite(order: Order): Order {
  return order === "asc" ? "desc" : "asc";
}

function compare(a: RunRow, b: RunRow, { sort, order }: TableQuery): number {
  const { value }: Sorting = sortings[sort];
  const [own, other] = [value(a), value(b)];
  // Newest first among equals, then by id, so that no two lists of the same rows differ.
  const tie = (): number => ascending(b.created ?? "", a.created ?? "") || ascending(a.id, b.id);
  if (own === null || other === null) return own === other ? tie() : own === null ? 1 : -1;
  return (order === "asc" ? ascending(own, other) : ascending(other, own)) || tie();
}

function ascending(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

function textOf({ id, preset, dataset, network, adapter, arms, state, tags, problem }: RunRow): string {
  return [id, preset, dataset, network, adapter, ...arms, state, ...tags, problem].join("\n").toLowerCase();
}

function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values)].flatMap((value) => value ?? []).sort();
}
