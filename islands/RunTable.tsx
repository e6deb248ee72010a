import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { RunFilter } from "../src/dashboard/components/RunFilter.tsx";
import { RunRemoval } from "../src/dashboard/components/RunRemoval.tsx";
import { RunTableRow } from "../src/dashboard/components/RunTableRow.tsx";
import { RunTags } from "../src/dashboard/components/RunTags.tsx";
import { isPlain, type LinkTo } from "../src/dashboard/links.ts";
import { live, type LiveState, liveWords } from "../src/dashboard/live.ts";
import { columns } from "../src/dashboard/run_columns.ts";
import {
  addressOf,
  extent,
  headline,
  isFiltered,
  type Overview,
  queryFrom,
  sortedBy,
  type TableQuery,
  withRow,
} from "../src/dashboard/run_table.ts";
import type { RunRow } from "../src/dashboard/types.ts";
import { count } from "../src/dashboard/words.ts";

/** What the page shows when it comes. */
export interface RunTableProps {
  /** The runs. */
  readonly overview: Overview;
  /** What was asked for. */
  readonly query: TableQuery;
  /** Whether tags can be changed and runs stopped and deleted. */
  readonly isTrusted: boolean;
  /** The folder of runs. */
  readonly folder: string;
  /** When this was made, in milliseconds since 1970: what "3 min ago" counts from. */
  readonly now: number;
  /** The run whose tags are asked for by the address: how tags are changed without script. */
  readonly tagging: string | null;
  /** The run whose removal is asked for by the address. */
  readonly removing: RunRow | null;
}

/** Milliseconds that a reader who types is waited for. */
const typingMs = 200;

/** Events that come close together are answered by one look at the list: runs must be there within two seconds. */
const refreshMs = 400;

/** "3 min ago" is counted anew this often, in milliseconds. */
const clockMs = 20_000;

/** All runs as a table that sorts, filters and follows the runs. Without script its links and forms do the same. */
export default function RunTable(props: RunTableProps): JSX.Element {
  const { isTrusted, folder } = props;
  const overview = useSignal(props.overview);
  const query = useSignal(props.query);
  const now = useSignal(props.now);
  const isScripted = useSignal(false);
  const connection = useSignal<LiveState>("connecting");
  const trouble = useSignal<string | undefined>(undefined);
  const isLoading = useSignal(false);
  const selected = useSignal<readonly string[]>([]);
  const tagging = useSignal(props.tagging);
  const removing = useSignal(props.removing);
  const stopping = useSignal<readonly string[]>([]);
  const said = useSignal("");
  const request = useRef<AbortController>();
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const isAhead = useRef(false);
  const heading = useRef<HTMLHeadingElement>(null);

  /** Fetches what the address in force asks for. */
  const load = async (): Promise<void> => {
    request.current?.abort();
    const own = new AbortController();
    request.current = own;
    isLoading.value = true;
    try {
      const response = await fetch(addressOf(query.value), {
        headers: { accept: "application/json" },
        signal: own.signal,
      });
      if (!response.ok) throw new Error(await messageOf(response));
      const fresh: Overview = await response.json();
      overview.value = fresh;
      now.value = Date.now();
      trouble.value = undefined;
      stopping.value = stopping.value.filter((id) =>
        fresh.rows.some((row) => row.id === id && row.state === "running")
      );
    } catch (error) {
      if (own.signal.aborted) return;
      trouble.value = `The list could not be brought up to date. ${wordsFor(error)}`;
    }
    if (request.current === own) isLoading.value = false;
  };

  /** Fetches it once for all that happens within a short while. */
  const loadSoon = (ms: number): void => {
    // From now on the rows are not those of the address, nor are those that are still on their way.
    isLoading.value = true;
    request.current?.abort();
    clearTimeout(timer.current);
    timer.current = setTimeout(load, ms);
  };

  /** Asks for something else. What is typed letter by letter is one step of the history. */
  const ask = (changes: Partial<TableQuery>, isTyping = false): void => {
    query.value = { ...query.value, page: 1, ...changes };
    const address = addressOf(query.value);
    if (isTyping && isAhead.current) history.replaceState(history.state, "", address);
    else history.pushState(history.state, "", address);
    isAhead.current = isTyping;
    loadSoon(isTyping ? typingMs : 0);
  };

  useEffect(() => {
    isScripted.value = true;
    // What the address asked to be open is open; another load of the page should not ask again.
    if (props.tagging !== null || props.removing) history.replaceState(history.state, "", addressOf(props.query));
    now.value = Date.now();
    const clock = setInterval(() => now.value = Date.now(), clockMs);
    const back = (): void => {
      query.value = queryFrom(new URLSearchParams(location.search));
      isAhead.current = false;
      loadSoon(0);
    };
    addEventListener("popstate", back);
    const own = live();
    const heard = new Map<string, string>();
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const refresh = (): void => {
      // Not put off by what follows: a list of busy runs would never come.
      waiting ??= setTimeout(() => {
        waiting = undefined;
        void load();
      }, refreshMs);
    };
    const leave = own.listen({
      version: props.overview.version,
      missed: refresh,
      hear: (event) => {
        if (event.type === "gone") {
          selected.value = selected.value.filter((id) => id !== event.id);
          refresh();
        } else if (event.type === "run") {
          const { row } = event;
          const before = overview.value.rows.find(({ id }) => id === row.id);
          const state = before?.state ?? heard.get(row.id);
          heard.set(row.id, row.state);
          if (before) {
            overview.value = withRow(overview.value, row);
            now.value = Date.now();
          }
          if (state !== row.state) {
            refresh();
            if (state !== undefined) said.value = `Run ${row.id} is ${row.state}.`;
          }
        }
      },
    });
    const forget = own.state.subscribe((state) => connection.value = state);
    return () => {
      leave();
      forget();
      clearInterval(clock);
      clearTimeout(timer.current);
      clearTimeout(waiting);
      removeEventListener("popstate", back);
      request.current?.abort();
    };
  }, []);

  /** Sends a form of a row; false where it was refused, and then the page says why. */
  const send = async (id: string, action: string, fields: Readonly<Record<string, string>>): Promise<boolean> => {
    try {
      const response = await fetch(`/api/runs/${id}/${action}`, {
        method: "POST",
        headers: { accept: "application/json" },
        body: new URLSearchParams(fields),
      });
      if (!response.ok) throw new Error(await messageOf(response));
      trouble.value = undefined;
      return true;
    } catch (error) {
      trouble.value = wordsFor(error);
      return false;
    }
  };

  const saveTags = async (row: RunRow, text: string): Promise<void> => {
    if (!await send(row.id, "tags", { tags: text })) return;
    tagging.value = null;
    said.value = `The tags of ${row.id} are saved.`;
    await load();
  };

  const stop = async ({ id }: RunRow): Promise<void> => {
    stopping.value = [...stopping.value, id];
    if (await send(id, "stop", {})) said.value = `Run ${id} was asked to stop.`;
    else stopping.value = stopping.value.filter((own) => own !== id);
  };

  const remove = async ({ id }: RunRow): Promise<void> => {
    const isDone = await send(id, "remove", {});
    removing.value = null;
    if (!isDone) return;
    said.value = `Run ${id} is deleted.`;
    selected.value = selected.value.filter((own) => own !== id);
    await load();
    heading.current?.focus();
  };

  const all = overview.value;
  const asked = query.value;
  const isEmpty = all.counts.all === 0;
  const link: LinkTo = (changes) => ({
    href: addressOf({ ...asked, page: 1, ...changes }),
    onClick: (event) => {
      if (!isPlain(event)) return;
      event.preventDefault();
      ask(changes);
    },
  });
  return (
    <div class="overview stack">
      <div class="row spread">
        <h1 ref={heading} tabIndex={-1}>Runs</h1>
        {isScripted.value && <span class={`badge live-${connection.value}`}>{liveWords[connection.value]}</span>}
      </div>
      <p class="visually-hidden" role="status">{said.value}</p>
      {trouble.value !== undefined && (
        <div class="notice bad row" role="alert">
          <p>{trouble.value}</p>
          <button type="button" onClick={() => trouble.value = undefined}>Dismiss</button>
        </div>
      )}
      {isEmpty ? <NoRuns folder={folder} /> : (
        <>
          <Answer overview={all} />
          <RunFilter overview={all} query={asked} isScripted={isScripted.value} ask={ask} link={link} />
          <div class="row spread overview-bar">
            <p aria-live="polite">
              {extent(all, asked)}
              {isFiltered(asked) && (
                <>
                  {" · "}
                  <a {...link({ text: "", state: "", preset: "", dataset: "", tag: "" })}>Clear the filter</a>
                </>
              )}
            </p>
            <Compare selected={selected} isScripted={isScripted.value} />
          </div>
          {all.rows.length === 0
            ? (
              <div class="state">
                <h2>No run is like that</h2>
                <p>
                  None of the {all.counts.all.toLocaleString("en")} runs passes the filter.
                </p>
              </div>
            )
            : (
              <table class="runs" role="table" aria-label="Runs" aria-busy={isLoading.value}>
                <thead role="rowgroup">
                  <tr role="row">
                    <th role="columnheader" class="pick">
                      <span class="visually-hidden">To compare</span>
                    </th>
                    {columns.map(({ key, title, about, isNumber, isWide }) => {
                      const isSorted = asked.sort === key;
                      return (
                        <th
                          key={key}
                          role="columnheader"
                          class={isNumber ? "number" : isWide ? "wide" : undefined}
                          aria-sort={isSorted ? asked.order === "asc" ? "ascending" : "descending" : undefined}
                        >
                          <a title={about} {...link(sortedBy(asked, key))}>
                            {title}
                            <span class="order" aria-hidden="true">
                              {isSorted ? asked.order === "asc" ? "↑" : "↓" : ""}
                            </span>
                          </a>
                        </th>
                      );
                    })}
                    {isTrusted && (
                      <th role="columnheader">
                        <span class="visually-hidden">Actions</span>
                      </th>
                    )}
                  </tr>
                </thead>
                <tbody role="rowgroup">
                  {all.rows.map((row) => (
                    <RunTableRow
                      key={row.id}
                      row={row}
                      now={now.value}
                      isTrusted={isTrusted}
                      isStopping={stopping.value.includes(row.id)}
                      back={addressOf(asked)}
                      selected={selected}
                      link={link}
                      tags={
                        <RunTags
                          row={row}
                          isTrusted={isTrusted}
                          isOpen={tagging.value === row.id}
                          back={addressOf(asked)}
                          link={link}
                          open={(id) => tagging.value = id}
                          save={saveTags}
                        />
                      }
                      stop={stop}
                      remove={() => removing.value = row}
                    />
                  ))}
                </tbody>
              </table>
            )}
          {all.pages > 1 && (
            <nav class="row" aria-label="Pages of the table">
              {all.page > 1 ? <a class="button" {...link({ page: all.page - 1 })}>Previous</a> : null}
              <span>Page {all.page} of {all.pages}</span>
              {all.page < all.pages ? <a class="button" {...link({ page: all.page + 1 })}>Next</a> : null}
            </nav>
          )}
          <div class="row spread soft small">
            <p>
              {isTrusted
                ? (
                  <>
                    In <code>{folder}</code>
                  </>
                )
                : (
                  <>
                    In{" "}
                    <code>{folder}</code>. To tag, stop or delete runs, open the address with the token that the
                    dashboard printed when it started.
                  </>
                )}
            </p>
            <p>
              All runs as <a href="/api/runs?format=csv" download>CSV</a> or{" "}
              <a href="/api/runs?format=json" download>JSON</a>
            </p>
          </div>
        </>
      )}
      {removing.value && (
        <RunRemoval
          key={removing.value.id}
          row={removing.value}
          back={addressOf(asked)}
          cancel={() => removing.value = null}
          remove={remove}
        />
      )}
    </div>
  );
}

function NoRuns({ folder }: { readonly folder: string }): JSX.Element {
  return (
    <section class="state">
      <h2>There are no runs yet</h2>
      <p>Make the first one, which takes a few minutes:</p>
      <pre><code>./denow task lottery</code></pre>
      <p>
        It appears here as soon as it trains. Runs are looked for in <code>{folder}</code>; start the dashboard with
        {" "}
        <code>--runs DIR</code> to look elsewhere.
      </p>
      <p>
        Or train a small network here in the browser: <a href="/try">Try it</a>.
      </p>
    </section>
  );
}

/** The answer in words: how many runs there are, and what the newest result is. */
function Answer({ overview }: { readonly overview: Overview }): JSX.Element {
  const { newest } = overview;
  return (
    <div class="answer stack">
      <p>{headline(overview)}</p>
      {newest && (
        <p>
          The newest result: with {newest.remaining} of its weights, the best ticket of{" "}
          <a href={`/runs/${newest.id}`}>{newest.id}</a> {newest.words}.
        </p>
      )}
    </div>
  );
}

function Compare({ selected, isScripted }: { selected: Signal<readonly string[]>; isScripted: boolean }): JSX.Element {
  // Without script the checkboxes are this form's.
  if (!isScripted) {
    return (
      <form id="compare" method="get" action="/compare">
        <button type="submit">Compare the selected</button>
      </form>
    );
  }
  const ids = selected.value;
  if (ids.length < 2) {
    return (
      <span class="soft">
        {ids.length === 0 ? "Select runs to compare them" : "Select another one to compare with"}
      </span>
    );
  }
  return (
    <span class="row">
      <button type="button" onClick={() => selected.value = []}>Clear</button>
      <a
        class="button primary"
        href={`/compare?${new URLSearchParams({ runs: ids.join(",") })}`.replaceAll("%2C", ",")}
      >
        Compare {count(ids.length, "run")}
      </a>
    </span>
  );
}

/** What went wrong: what the dashboard said, or that it said nothing, which `fetch()` tells by a TypeError. */
function wordsFor(error: unknown): string {
  if (error instanceof TypeError) return "The dashboard does not answer: see whether it still runs in its terminal.";
  return error instanceof Error ? error.message : String(error);
}

/** What a refusal says. */
async function messageOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null && "error" in answer) return String(answer.error);
  } catch {
    // Plain text, as the middlewares answer.
  }
  return text.trim() === "" ? `The dashboard answered ${response.status}.` : text.trim().slice(0, 400);
}
