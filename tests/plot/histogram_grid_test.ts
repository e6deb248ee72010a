/** Histograms as small multiples. */
import assert from "node:assert/strict";
import { type HistogramGrid, histogramGrid } from "../../src/plot/histogram_grid.ts";
import { meanMagnitude, shareOf } from "../../src/plot/histogram_panel.ts";
import { assertLegible, corners, find, type Node, parse } from "./svg.ts";

const sizes = ["wide", "narrow", "panel"] as const;

const grid: HistogramGrid = {
  prefix: "h",
  title: "Distances moved",
  subtitle: "LeNet",
  x: "Distance moved",
  counted: "weights",
  heights: "shares",
  series: [
    { name: "outside", style: "soft", kind: "area" },
    { name: "in the ticket", style: "arm-ticket", kind: "line" },
  ],
  columns: ["100 %", "51.3 %", "21.1 %", "7.0 %", "3.6 %", "1.2 %", "0.34 %"],
  rows: ["dense1", "<dense2>"].map((name, row) => ({
    name,
    domain: [-0.2 * (row + 1), 0.2 * (row + 1)],
    cells: Array.from(
      { length: 7 },
      (_, column) => column === 6 ? null : { counts: [[10, 80, 80, 10], [column * 4, 2, 2, column * 4]] },
    ),
  })),
};

const panels = (root: Node): Node[] =>
  find(root, "g", "panel").filter(({ attributes }) => attributes.class === "panel");

/** The highest point of a path. */
const top = (node: Node | undefined): number => Math.min(...corners(node?.attributes.d ?? "").map(([, y]) => y));

Deno.test("a grid has a cell for each layer and level, in rows that wrap where there is no room, at every size", () => {
  for (const size of sizes) {
    const root = parse(histogramGrid({ ...grid, size }).svg);
    assert.equal(panels(root).length, 14);
    assert.deepEqual(find(root, "text", "row-name").map(({ text }) => text), ["dense1", "<dense2>"]);
    assert.equal(find(root, "text", "panel").filter(({ text }) => text === "none").length, 2);
    assert.deepEqual(find(root, "text", "name").map(({ text }) => text), ["outside", "in the ticket"]);
    assertLegible(root);
  }
});

Deno.test("cells of a row have one vertical axis, and shares are each distribution's own", () => {
  const root = parse(histogramGrid(grid).svg);
  const [first, second, third] = panels(root);
  assert.ok(first && second && third);
  // The area is the same 80 of 180 in every cell, so it is equally high where another distribution is higher.
  const areas = [first, second, third].map((panel) => top(find(panel, "path", "area")[0]));
  assert.ok(areas.every((at) => Math.abs(at - (areas[0] ?? 0)) < 0.05));
  // 2 of 4 in the first cell are 50 %, 8 of 20 in the third 40 %: from the axis in that proportion.
  const bottom = corners(find(first, "path", "axis")[0]?.attributes.d ?? "")[0]?.[1] ?? 0;
  const height = (panel: Node): number => bottom - top(find(panel, "path", "arm-ticket", "step")[0]);
  assert.ok(Math.abs(height(first) / height(third) - 50 / 40) < 0.01);
});

Deno.test("counts are drawn as they are, and the words say how many and how far", () => {
  const { svg, words } = histogramGrid({
    ...grid,
    title: "Surviving connections",
    x: "Connections of a unit",
    counted: "units",
    heights: "counts",
    series: [{ name: "units", style: "arm-ticket", kind: "area" }],
    columns: ["100 %", "21.1 %"],
    rows: [{ name: "dense1", domain: [0, 8], cells: [{ counts: [[0, 0, 0, 30]] }, { counts: [[10, 15, 5, 0]] }] }],
  });
  assert.equal(
    words,
    "Surviving connections. Connections of a unit, mean magnitude and in brackets the number of units. " +
      "dense1 100 %: 7 (30); 21.1 %: 2.67 (30).",
  );
  const root = parse(svg);
  const [first, second] = panels(root);
  assert.ok(first && second);
  const bottom = corners(find(first, "path", "axis")[0]?.attributes.d ?? "")[0]?.[1] ?? 0;
  const [all, most] = [first, second].map((panel) => bottom - top(find(panel, "path", "area")[0]));
  assert.ok(Math.abs((all ?? 0) / (most ?? 1) - 2) < 0.01);
  assert.equal(find(root, "text", "name").length, 0, "one distribution needs no legend");
  assert.ok(find(root, "text", "axis-title").some(({ text }) => text === "Number of units"));
});

Deno.test("no row has words and a picture; a cell without a distribution for each series is refused", () => {
  const { svg, words } = histogramGrid({ ...grid, rows: [] });
  assert.equal(words, "Distances moved: no histogram is recorded yet.");
  assertLegible(parse(svg));
  const rows = [{ name: "dense1", domain: [0, 1] as const, cells: [{ counts: [[1]] }] }];
  assert.throws(() => histogramGrid({ ...grid, rows }), { name: "RangeError", message: /1 distributions.*2 series/ });
});

Deno.test("shares add up to 100, and the mean magnitude is that of the bins' middles", () => {
  assert.deepEqual(shareOf([1, 1, 2]), [25, 25, 50]);
  assert.deepEqual(shareOf([0, 0]), [0, 0]);
  assert.equal(meanMagnitude([1, 0, 0, 1], [-1, 1]), 0.75);
  assert.equal(meanMagnitude([0, 3], [0, 4]), 3);
  assert.equal(meanMagnitude([0, 0], [0, 4]), undefined);
});
