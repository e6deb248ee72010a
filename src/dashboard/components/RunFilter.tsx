/**
 * What the overview is filtered by.
 *
 * @module
 */
import type { JSX } from "preact";
import type { LinkTo } from "../links.ts";
import { columns } from "../run_columns.ts";
import { filteredBy, type Overview, sortedBy, stateNames, type TableQuery } from "../run_table.ts";

/** What {@linkcode RunFilter} takes. */
export interface RunFilterProps {
  /** What there is to choose from. */
  readonly overview: Overview;
  /** What is chosen. */
  readonly query: TableQuery;
  /** Whether choices take effect at once. */
  readonly isScripted: boolean;
  /** Makes links. */
  readonly link: LinkTo;
  /** Has the table show something else. */
  readonly ask: (changes: Partial<TableQuery>, isTyping?: boolean) => void;
}

/** A form of filters: each takes effect at once, or without script with a button. */
export function RunFilter(
  { overview: { choices, counts }, query, isScripted, ask, link }: RunFilterProps,
): JSX.Element {
  const states = stateNames.filter((state) => counts[state] > 0 || query.state === state);
  const pick = (name: "state" | "preset" | "dataset" | "tag", title: string, all: string, own: readonly string[]) => {
    const names = query[name] === "" || own.includes(query[name]) ? own : [...own, query[name]];
    // A choice of one is none, but for tags: not every run has one.
    if (names.length < (name === "tag" ? 1 : 2) && query[name] === "") return null;
    return (
      <label class="overview-field">
        <span>{title}</span>
        <select
          name={name}
          value={query[name]}
          onChange={({ currentTarget: { value } }) => ask(filteredBy(query, name, value))}
        >
          <option value="" selected={query[name] === ""}>{all}</option>
          {names.map((value) => <option key={value} value={value} selected={query[name] === value}>{value}</option>)}
        </select>
      </label>
    );
  };
  return (
    <form
      class="overview-filter"
      method="get"
      action="/"
      role="search"
      aria-label="Filter the runs"
      onSubmit={(event) => event.preventDefault()}
    >
      <label class="overview-field overview-text">
        <span>Filter</span>
        <input
          type="search"
          name="q"
          value={query.text}
          placeholder="Any words in a row"
          autocomplete="off"
          onInput={({ currentTarget: { value } }) => ask({ text: value }, true)}
        />
      </label>
      {pick("state", "State", "any state", states)}
      {pick("preset", "Preset", "any preset", choices.presets)}
      {pick("dataset", "Data set", "any data set", choices.datasets)}
      {pick("tag", "Tag", "any tag", choices.tags)}
      <label class="overview-field overview-sort">
        <span>Sorted by</span>
        <select
          name="sort"
          value={query.sort}
          onChange={({ currentTarget: { value } }) => {
            const column = columns.find(({ key }) => key === value);
            if (column) ask(sortedBy(query, column.key));
          }}
        >
          {columns.map(({ key, title }) => <option key={key} value={key} selected={query.sort === key}>{title}
          </option>)}
        </select>
      </label>
      {isScripted && (
        <a class="button overview-reverse" {...link(sortedBy(query, query.sort))}>
          {query.order === "asc" ? "Ascending ↑" : "Descending ↓"}
          <span class="visually-hidden">, reverse the order</span>
        </a>
      )}
      {!isScripted && <button type="submit">Filter</button>}
    </form>
  );
}
