import assert from "node:assert/strict";
import { points } from "../../src/analysis/words.ts";
import { columns } from "../../src/dashboard/run_columns.ts";
import {
  addressOf,
  extent,
  filteredBy,
  headline,
  type Overview,
  overviewOf,
  queryFrom,
  rowsPerPage,
  selectRows,
  sortedBy,
  type SortKey,
  stateNames,
  type TableQuery,
  usualQuery,
  withRow,
} from "../../src/dashboard/run_table.ts";
import type { RunRow } from "../../src/dashboard/types.ts";
import { accuracy, ago, count, fullTime, gain, listed, span } from "../../src/dashboard/words.ts";
import { runStates } from "../../src/store/index.ts";

const hash = (index: number): string => index.toString(16).padStart(10, "0");

function rowOf(index: number, changes: Partial<RunRow> = {}): RunRow {
  return {
    id: `lenet-${hash(index)}`,
    state: "finished",
    preset: "lenet",
    dataset: "mnist",
    network: "lenet",
    done: 9,
    wanted: 9,
    levels: 4,
    replicates: 1,
    arms: ["ticket", "reinit"],
    bestRemaining: 0.2,
    bestAccuracy: 0.98,
    denseAccuracy: 0.97,
    controlAccuracy: 0.96,
    fraction: 1,
    level: 4,
    iteration: 100,
    adapter: "llvmpipe",
    created: "2026-11-20T10:00:00.000Z",
    updated: "2026-11-20T11:00:00.000Z",
    bytes: 1000,
    problem: null,
    tags: [],
    progress: { fraction: 1, secondsLeft: null, level: 4, iteration: 100 },
    ...changes,
  };
}

const shown = (rows: readonly RunRow[], changes: Partial<TableQuery> = {}): Overview =>
  overviewOf(rows, { ...usualQuery, ...changes }, "1");

Deno.test("every address that the table makes asks for what it was made from", () => {
  const queries: TableQuery[] = columns.flatMap(({ key }) =>
    (["asc", "desc"] as const).flatMap((order) => [
      { ...usualQuery, sort: key, order },
      { ...usualQuery, sort: key, order, text: "a & b=c#?", state: "running" as const, tag: "ä ö", page: 3 },
      { ...usualQuery, sort: key, order, preset: "lenet-quick", dataset: "fashion-mnist" },
    ])
  );
  for (const query of queries) {
    const url = new URL(addressOf(query), "http://127.0.0.1");
    assert.equal(url.pathname, "/");
    assert.deepEqual(queryFrom(url.searchParams), query);
  }
  assert.equal(addressOf(usualQuery), "/");
});

Deno.test("an address that says nonsense shows runs all the same", () => {
  for (
    const address of ["sort=__proto__", "sort=toString", "order=up", "page=-1", "page=1.5", "page=x", "state=gone", ""]
  ) {
    assert.deepEqual(queryFrom(new URLSearchParams(address)), usualQuery, address);
  }
  assert.equal(queryFrom(new URLSearchParams({ q: "x".repeat(10_000) })).text.length, 200);
});

Deno.test("every column sorts in both directions, and runs without its value come last in both", () => {
  const states = runStates.map((state, index) => rowOf(50 + index, { state }));
  const rows = [
    ...states,
    rowOf(1, {
      bestRemaining: 0.5,
      bestAccuracy: 0.91,
      bytes: 5,
      levels: 2,
      adapter: "a",
      dataset: "cifar10",
      arms: ["ticket"],
    }),
    rowOf(2, {
      bestRemaining: 0.1,
      bestAccuracy: 0.99,
      bytes: 9,
      levels: 7,
      adapter: "z",
      created: "2026-11-24T10:00:00.000Z",
    }),
    rowOf(3, {
      bestRemaining: null,
      bestAccuracy: null,
      denseAccuracy: null,
      controlAccuracy: null,
      levels: null,
      adapter: null,
      created: null,
      arms: [],
      dataset: null,
    }),
  ];
  const values: Readonly<Record<SortKey, (row: RunRow) => unknown>> = {
    id: ({ id }) => id,
    data: ({ dataset }) => dataset,
    arms: ({ arms }) => arms.length || null,
    state: ({ state }) => ["running", "damaged", "unfinished", "finished"].indexOf(state),
    remaining: ({ bestRemaining }) => bestRemaining,
    accuracy: ({ bestAccuracy }) => bestAccuracy,
    dense: ({ bestAccuracy: a, denseAccuracy: b }) => a === null || b === null ? null : a - b,
    control: ({ bestAccuracy: a, controlAccuracy: b }) => a === null || b === null ? null : a - b,
    levels: ({ levels }) => levels,
    adapter: ({ adapter }) => adapter,
    created: ({ created }) => created,
    size: ({ bytes }) => bytes,
  };
  for (const { key } of columns) {
    for (const order of ["asc", "desc"] as const) {
      const sorted = selectRows(rows, { ...usualQuery, sort: key, order }).map(values[key]);
      const present = sorted.filter((value) => value !== null);
      assert.deepEqual(sorted.slice(present.length), sorted.filter((value) => value === null), `${key} ${order}`);
      const ascending = present.toSorted((a, b) => Number(a) - Number(b) || (String(a) < String(b) ? -1 : 1));
      const numeric = present.every((value) => typeof value === "number");
      const wanted = numeric ? ascending : present.toSorted();
      assert.deepEqual(present, order === "asc" ? wanted : wanted.toReversed(), `${key} ${order}`);
      assert.ok(new Set(present).size > 1, `${key} tells nothing apart`);
    }
  }
});

Deno.test("equal rows have one order, whichever they come in", () => {
  const rows = Array.from({ length: 20 }, (_, index) => rowOf(index));
  const sorted = (own: readonly RunRow[]): string[] =>
    selectRows(own, { ...usualQuery, sort: "size" }).map(({ id }) => id);
  assert.deepEqual(sorted(rows.toReversed()), sorted(rows));
});

Deno.test("a header asks for its first direction, then for the other, and always for the first page", () => {
  const byAccuracy = sortedBy({ ...usualQuery, page: 4 }, "accuracy");
  assert.deepEqual([byAccuracy.sort, byAccuracy.order, byAccuracy.page], ["accuracy", "desc", 1]);
  assert.equal(sortedBy(byAccuracy, "accuracy").order, "asc");
  assert.equal(sortedBy(byAccuracy, "remaining").order, "asc");
});

Deno.test("filters let through exactly the runs that have what is asked for", () => {
  const rows = [
    rowOf(1, { state: "running", tags: ["keep"], adapter: "AMD Radeon" }),
    rowOf(2, { dataset: "cifar10", preset: "conv2", network: "conv2", tags: ["keep", "paper"] }),
    rowOf(3, { state: "damaged", problem: "summary.json is torn." }),
  ];
  const ids = (changes: Partial<TableQuery>): number[] =>
    selectRows(rows, { ...usualQuery, ...changes }).map(({ id }) => Number.parseInt(id.slice(6), 16)).sort();
  assert.deepEqual(ids({}), [1, 2, 3]);
  assert.deepEqual(ids({ state: "running" }), [1]);
  assert.deepEqual(ids({ tag: "keep" }), [1, 2]);
  assert.deepEqual(ids({ tag: "kee" }), []);
  assert.deepEqual(ids({ preset: "conv2" }), [2]);
  assert.deepEqual(ids({ dataset: "mnist", state: "damaged" }), [3]);
  assert.deepEqual(ids({ text: "radeon" }), [1]);
  assert.deepEqual(ids({ text: "  PAPER cifar " }), [2]);
  assert.deepEqual(ids({ text: "paper radeon" }), []);
  assert.deepEqual(ids({ text: "torn" }), [3]);
  assert.deepEqual(filteredBy({ ...usualQuery, page: 7 }, "tag", "keep"), { ...usualQuery, tag: "keep" });
  assert.deepEqual(filteredBy(usualQuery, "state", "nonsense"), usualQuery);
});

Deno.test("the pages of the table hold every run once, in order", () => {
  const rows = Array.from({ length: 2 * rowsPerPage + 7 }, (_, index) => rowOf(index));
  const pages = [1, 2, 3].map((page) => shown(rows, { page }));
  assert.deepEqual(pages.flatMap((own) => own.rows), selectRows(rows, usualQuery));
  assert.deepEqual(pages.map((own) => own.rows.length), [rowsPerPage, rowsPerPage, 7]);
  assert.ok(pages.every((own) => own.pages === 3 && own.matching === rows.length && own.counts.all === rows.length));
  assert.equal(extent(shown(rows, { page: 3 }), usualQuery), "101–107 of 107 runs");
  // Beyond the last page stands the last: runs may have gone since the link was made.
  assert.deepEqual(shown(rows, { page: 99 }), pages[2]);
  assert.deepEqual([shown([]).pages, shown([]).page], [1, 1]);
});

Deno.test("the headline counts every run once, and names no state that none is in", () => {
  assert.equal(headline(shown([rowOf(1)])), "1 run, finished.");
  assert.equal(headline(shown([rowOf(1), rowOf(2)])), "2 runs, all finished.");
  const rows = [rowOf(1), rowOf(2, { state: "running" }), rowOf(3, { state: "damaged" }), rowOf(4)];
  assert.equal(headline(shown(rows)), "4 runs: 1 running, 2 finished and 1 damaged.");
  // Filters change what is shown, not what there is.
  assert.equal(headline(shown(rows, { state: "running" })), headline(shown(rows)));
  assert.equal(extent(shown(rows, { state: "running" }), { ...usualQuery, state: "running" }), "1 run of 4");
});

Deno.test("the newest result is that of the run that changed last and has one, with its gains", () => {
  const early = rowOf(1);
  const late = rowOf(2, {
    updated: "2026-11-22T10:00:00.000Z",
    bestAccuracy: 0.9,
    bestRemaining: 0.211,
    state: "running",
  });
  const { newest } = shown([early, late, rowOf(3, { updated: "2026-11-23T10:00:00.000Z", bestAccuracy: null })]);
  assert.equal(newest?.id, late.id);
  assert.equal(newest.remaining, "21.1 %");
  assert.equal(
    newest.words,
    `reaches 90.00 % test accuracy at early stop, ${points(0.9 - 0.97)} against the dense network and ${
      points(0.9 - 0.96)
    } against the control reinit, so far`,
  );
  assert.equal(shown([rowOf(1, { bestAccuracy: null })]).newest, null);
  const alone = shown([rowOf(1, { controlAccuracy: null, arms: ["ticket"] })]).newest;
  assert.doesNotMatch(alone?.words ?? "", /control/);
});

Deno.test("a row that comes anew takes the place of its own run alone", () => {
  const before = shown([rowOf(1), rowOf(2), rowOf(3)]);
  const fresh = rowOf(2, { done: 10 });
  const after = withRow(before, fresh);
  assert.deepEqual(after.rows.map((row) => row.id), before.rows.map((row) => row.id));
  assert.deepEqual(after.rows.filter((row) => !before.rows.includes(row)), [fresh]);
  assert.deepEqual(withRow(before, rowOf(9)).rows, before.rows);
});

Deno.test("the filter offers every state that a run can be in", () => {
  assert.deepEqual(stateNames.toSorted(), runStates.toSorted());
});

Deno.test("times are said as coarsely as they are old", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");
  const said = (seconds: number): string => ago(new Date(now - seconds * 1000).toISOString(), now);
  assert.deepEqual([0, 44, 45, 119, 3599, 3600, 7300, 86_399].map(said), [
    "just now",
    "just now",
    "1 min ago",
    "1 min ago",
    "59 min ago",
    "1 h ago",
    "2 h ago",
    "23 h ago",
  ]);
  assert.deepEqual([86_400, 2 * 86_400, 7 * 86_400].map(said), ["yesterday", "2 days ago", "18 Nov 2026"]);
  assert.equal(said(-60), "just now");
  assert.equal(ago("never", now), "–");
  assert.equal(fullTime("2026-11-20T18:40:30.000Z"), "2026-11-20 18:40 UTC");
});

Deno.test("spans have two parts at most, and none that is zero", () => {
  assert.deepEqual([0, 49, 60, 3599, 3600, 4320, 172_800, 176_400].map(span), [
    "under 1 min",
    "under 1 min",
    "1 min",
    "1 h",
    "1 h",
    "1 h 12 min",
    "2 days",
    "2 days 1 h",
  ]);
});

Deno.test("a missing value is a dash, and never a number", () => {
  assert.deepEqual([accuracy(null), gain(null, 0.5), gain(0.5, null)], ["–", "–", "–"]);
  assert.deepEqual([accuracy(0.97605), gain(0.5, 0.497), gain(0.497, 0.5)], ["97.61 %", "+0.30 pp", "−0.30 pp"]);
  assert.deepEqual([count(1, "run"), count(1000, "run")], ["1 run", "1,000 runs"]);
  assert.deepEqual([listed([]), listed(["a"]), listed(["a", "b", "c"])], ["", "a", "a, b and c"]);
});
