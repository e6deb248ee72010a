/** What a run came to, in a terminal of any width. */
import assert from "node:assert/strict";
import type { Summary } from "../../src/analysis/summary.ts";
import { formatSummary } from "../../src/cli/report.ts";
import { controlNames } from "../../src/lottery/arms/names.ts";
import { recorded } from "../analysis/recorded_summary.ts";

/** The recorded run as if it had so many controls: the figures of the first are shifted by as many iterations as its place. */
function withControls(count: number): Summary {
  const [ticket, reinit] = recorded.arms;
  assert.ok(ticket && reinit);
  const controls = controlNames.slice(0, count).map((name, place) => ({
    name,
    levels: reinit.levels.map((level) => ({
      ...level,
      replicates: level.replicates.map((one) => ({
        ...one,
        earlyStopIteration: (one.earlyStopIteration ?? 0) + place,
      })),
    })),
  }));
  return { ...recorded, arms: [ticket, ...controls] };
}

/** The tables of levels: what stands between the first line and the outcome. */
function tablesOf(summary: Summary, columns: number): string[][] {
  const lines = formatSummary(summary, { hasColour: false, columns: () => columns }).split("\n");
  const outcome = lines.findIndex((line) => line.startsWith("Pruning "));
  assert.ok(outcome > 0);
  return lines.slice(2, outcome - 1).join("\n").split("\n\n").map((table) => table.split("\n"));
}

Deno.test("one table has all figures where it fits, and the same run takes one for each quantity where it does not", () => {
  const summary = withControls(1);
  const [whole, ...others] = tablesOf(summary, 200);
  assert.deepEqual(others, []);
  assert.match(whole?.[0] ?? "", /^weights +early stop +test there +test at end +ms\/step$/);
  const width = Math.max(...(whole ?? []).map((line) => line.length));
  assert.deepEqual(tablesOf(summary, width), [whole]);
  const tables = tablesOf(summary, width - 1);
  assert.deepEqual(tables.map(([title, names]) => [title, names?.trim().split(/ +/)]), [
    ["Early stop, iteration", ["weights", "ticket", "reinit", "ms/step"]],
    ["Test accuracy there", ["weights", "ticket", "reinit"]],
    ["Test accuracy at the end", ["weights", "ticket", "reinit"]],
  ]);
  // The same figures: what a level's line had, cut into three.
  const cells = (table: readonly string[] | undefined): string[] =>
    (table ?? []).filter((line) => /^ *[\d.]+ %/.test(line)).flatMap((line) => line.trim().split(/ {2,}/).slice(1));
  // Four levels of two arms, three figures each, and a step; the dense level has no control.
  assert.equal(cells(whole).length, 4 * 7 - 3);
  assert.deepEqual(tables.flatMap(cells).toSorted(), cells(whole).toSorted());
});

Deno.test("with thirty controls no table is wider than the terminal, and each has the tickets beside its controls", () => {
  const tables = tablesOf(withControls(controlNames.length), 80);
  assert.ok(tables.flat().every((line) => line.length <= 80));
  const names = tables.map(([, names]) => (names ?? "").trim().split(/ +/));
  assert.ok(names.every(([weights, ticket]) => weights === "weights" && ticket === "ticket"));
  const shown = names.flatMap((own) => own.slice(2)).filter((name) => name !== "ms/step");
  assert.deepEqual(shown, [...controlNames, ...controlNames, ...controlNames]);
  assert.match(tables[0]?.[0] ?? "", /^Early stop, iteration \(1 of [2-9]\)$/);
  // Level 5's early stops, of the control in place 29.
  const last = tables.filter(([title]) => title?.startsWith("Early")).at(-1) ?? [];
  const stops = recorded.arms[1]?.levels[0]?.replicates.map((one) => (one.earlyStopIteration ?? 0) + 29) ?? [];
  const mean = Math.round(stops.reduce((sum, stop) => sum + stop, 0) / stops.length);
  assert.ok(last.some((line) => line.trim().split(/ {2,}/).includes(mean.toLocaleString("en"))), `${mean} in ${last}`);
});
