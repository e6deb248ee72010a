/** Geometry, legibility and safety of the figures, read back from their SVG. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { type LineFigure, lineFigure, type Point, thinned } from "../../src/plot/line_figure.ts";
import { all, assertLegible, corners, extent, find, markers, type Node, parse } from "./svg.ts";

const bar = (mean: number, reach = 0) => ({ mean, minimum: mean - reach, maximum: mean + reach });
const ticket = (points: readonly Point[]) => ({
  name: "ticket",
  style: "arm-ticket",
  marker: "circle" as const,
  points,
});

function figure(points: readonly Point[], changes: Partial<LineFigure> = {}): Node {
  return parse(lineFigure({
    prefix: "test",
    title: "Title",
    words: "Words.",
    x: { title: "Weights remaining (%)", scale: "log", reversed: true },
    y: { title: "Test accuracy (%)" },
    series: [ticket(points)],
    ...changes,
  }));
}

/** The plot: the horizontal axis and the highest line of the grid. */
function plotOf(root: Node): { left: number; right: number; bottom: number } {
  const [axis] = find(root, "path", "x-axis", "axis");
  const [start, end] = corners(axis?.attributes.d ?? "");
  assert.ok(start && end);
  return { left: start[0], right: end[0], bottom: start[1] };
}

Deno.test("equal ratios are equal distances on a logarithmic axis, larger ones first when it is reversed", () => {
  const root = figure([1, 0.5, 0.25, 0.125].map((x) => ({ x, y: bar(98) })));
  const across = markers(root, "arm-ticket").map(([x]) => x);
  const [first = 0, second = 0, third = 0, fourth = 0] = across;
  assert.ok(first < second);
  assert.ok(Math.abs((second - first) - (third - second)) < 0.05);
  assert.ok(Math.abs((third - second) - (fourth - third)) < 0.05);
});

Deno.test("a linear axis places values in proportion, and larger accuracies higher", () => {
  const root = figure([{ x: 1, y: bar(90) }, { x: 2, y: bar(95) }, { x: 4, y: bar(92) }], {
    x: { title: "x", scale: "linear" },
  });
  const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = markers(root, "arm-ticket");
  assert.ok(Math.abs((x3 - x2) - 2 * (x2 - x1)) < 0.05);
  assert.ok(y2 < y3 && y3 < y1);
  assert.ok(Math.abs((y1 - y3) / (y1 - y2) - 2 / 5) < 0.01);
});

Deno.test("labels of ticks stand at what they say, on both axes", () => {
  const root = figure([{ x: 100, y: bar(90) }, { x: 50, y: bar(95) }, { x: 25, y: bar(92) }], {
    x: { title: "x", scale: "log", reversed: true, ticks: [100, 50, 25] },
  });
  const points = markers(root, "arm-ticket");
  const labels = find(root, "text", "x-axis").filter(({ classes }) => !classes.includes("axis-title"));
  assert.deepEqual(labels.map(({ text }) => text), ["100", "50", "25"]);
  labels.forEach(({ attributes }, index) =>
    assert.ok(Math.abs(Number(attributes.x) - (points[index]?.[0] ?? 0)) < 0.05)
  );
  const lines = find(root, "path", "y-axis", "grid").map(({ attributes }) => corners(attributes.d ?? "")[0]?.[1] ?? 0);
  const at95 = find(root, "text", "y-axis").findIndex(({ text }) => text === "95");
  assert.ok(Math.abs((lines[at95] ?? 0) - (points[1]?.[1] ?? NaN)) < 0.05);
});

Deno.test("null is a gap in the line; where networks diverged a cross stands below the data", () => {
  const without = figure([1, 0.5, 0.25, 0.125].map((x) => ({ x, y: bar(98) })));
  const gap = figure([
    { x: 1, y: bar(98) },
    { x: 0.5, y: bar(97) },
    { x: 0.25, y: null, diverged: true },
    { x: 0.125, y: bar(96) },
    { x: 0.06, y: bar(95) },
  ]);
  const moves = (root: Node): number =>
    (find(root, "path", "series", "line")[0]?.attributes.d ?? "").split("M").length - 1;
  assert.equal(moves(without), 1);
  assert.equal(moves(gap), 2);
  assert.equal(markers(gap, "arm-ticket").length, 4);
  const crosses = find(gap, "path", "arm-ticket", "cross");
  assert.equal(crosses.length, 1);
  const height = corners(crosses[0]?.attributes.d ?? "")[0]?.[1] ?? 0;
  assert.ok(markers(gap, "arm-ticket").every(([, y]) => y < height));
  assert.ok(height < plotOf(gap).bottom);
  assert.equal(find(without, "path", "arm-ticket", "cross").length, 0);
  assert.ok(find(gap, "text", "name").some(({ text }) => text === "diverged"));
});

Deno.test("bars run from minimum to maximum, and are left out where those are one", () => {
  const root = figure([{ x: 1, y: bar(98, 1) }, { x: 0.5, y: bar(97) }]);
  const bars = find(root, "path", "series", "bar");
  assert.equal(bars.length, 1);
  const heights = corners(bars[0]?.attributes.d ?? "").map(([, y]) => y);
  const [[, high = 0] = [], [, low = 0] = []] = markers(root, "arm-ticket");
  // One unit, as a bar's half, is the distance of the two means.
  assert.ok(Math.abs(Math.max(...heights) - low) < 0.05);
  assert.ok(Math.abs((high - Math.min(...heights)) - (low - high)) < 0.05);
});

Deno.test("a censored stop is hollow with an arrow upwards, and the legend says what that means", () => {
  const root = figure([{ x: 1, y: bar(500) }, { x: 0.5, y: bar(1000), censored: true }]);
  assert.equal(find(root, "path", "series", "hollow").length, 1);
  const [arrow] = find(root, "path", "series", "censored", "cross");
  const [, point] = find(root, "path", "series", "marker");
  assert.ok(arrow && point);
  const heights = corners(arrow.attributes.d ?? "").map(([, y]) => y);
  assert.ok((heights[1] ?? 0) < (heights[0] ?? 0));
  assert.ok(find(root, "text", "name").some(({ text }) => text.startsWith("censored")));
});

Deno.test("the rule and the paper's diamonds stand at their values", () => {
  const root = figure([{ x: 1, y: bar(98) }, { x: 0.25, y: bar(96) }], {
    rule: { value: 98, name: "dense", label: "98 %" },
    marks: [{ x: 0.25, y: 96, label: "paper" }],
  });
  const [[, dense = 0] = [], [x = 0, y = 0] = []] = markers(root, "arm-ticket");
  const [rule] = find(root, "path", "rule");
  assert.ok(Math.abs((corners(rule?.attributes.d ?? "")[0]?.[1] ?? 0) - dense) < 0.05);
  const mark = find(root, "path", "mark").at(-1);
  const [top] = corners(mark?.attributes.d ?? "");
  assert.ok(Math.abs((top?.[0] ?? 0) - x) < 0.05 && Math.abs((top?.[1] ?? 0) + 6 - y) < 0.05);
});

Deno.test("no text is markup, whatever a run is called", () => {
  const evil = `"><script>alert(1)</script><a href='javascript:0'>&amp;]]>\u0000\u001b[2J\ufffe\ud800`;
  const root = figure([{ x: 1, y: bar(98), note: evil, diverged: true }], {
    title: evil,
    subtitle: evil,
    words: evil,
    series: [{ ...ticket([{ x: 1, y: bar(98), note: evil }]), name: evil }],
    rule: { value: 98, name: evil, label: evil },
    marks: [{ x: 1, y: 97, label: evil, note: evil }],
    empty: evil,
  });
  const names = new Set(all(root).map(({ name }) => name));
  assert.deepEqual([...names].filter((name) => !["svg", "title", "desc", "g", "path", "text"].includes(name)), []);
  assert.ok(all(root).every(({ attributes }) => Object.keys(attributes).every((key) => !/^on|href|style/.test(key))));
  assert.ok(root.children.find(({ name }) => name === "desc")?.text.includes("<script>alert(1)</script>"));
});

Deno.test("screen readers get a name and a description, with ids that begin with the prefix", () => {
  for (const size of ["wide", "narrow"] as const) {
    const root = figure([{ x: 1, y: bar(98) }], { prefix: "accuracy-1", size, subtitle: "a run" });
    const text = (id: string | undefined): string | undefined =>
      all(root).find(({ attributes }) => attributes.id === id && id?.startsWith("accuracy-1"))?.text;
    assert.equal(root.attributes.role, "img");
    assert.equal(text(root.attributes["aria-labelledby"]), "Title, a run");
    assert.equal(text(root.attributes["aria-describedby"]), "Words.");
  }
  const ids = ["wide", "narrow"].map((size) =>
    all(figure([], { size: size === "wide" ? "wide" : "narrow" })).flatMap(({ attributes }) => attributes.id ?? [])
  ).flat();
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("a prefix that cannot begin an id is refused with what would do", () => {
  for (const prefix of ["", "1a", "a b", 'a"b', "<"]) {
    assert.throws(() => figure([], { prefix }), { name: "RangeError", message: /letter followed by letters/ });
  }
});

Deno.test("nothing to draw says so in the middle, without numbers on the axis", () => {
  const root = figure([], { empty: "No trained network yet" });
  assert.ok(find(root, "text").some(({ text }) => text === "No trained network yet"));
  assert.equal(find(root, "text", "y-axis").length, 0);
  const diverged = figure([{ x: 1, y: null, diverged: true }]);
  assert.ok(find(diverged, "text").some(({ text }) => text === "Every network diverged"));
});

Deno.test("without a heading the title is left to the page, and stays the accessible name", () => {
  const root = figure([{ x: 1, y: bar(98) }], { heading: false });
  assert.ok(!find(root, "text").some(({ text }) => text === "Title"));
  assert.equal(root.children.find(({ name }) => name === "title")?.text, "Title");
});

Deno.test("thinned() shows every tick when there is room, else an even choice that begins with the first", () => {
  const ticks = (gap: number) =>
    Array.from({ length: 21 }, (_, index) => ({ at: index * gap, label: "", shown: false }));
  const shown = (gap: number): number[] =>
    thinned(ticks(gap), () => 15, 8).flatMap(({ shown, at }) => shown ? [Math.round(at / gap)] : []);
  assert.equal(shown(38).length, 21);
  assert.deepEqual(shown(37), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  assert.deepEqual(shown(13), [0, 3, 6, 9, 12, 15, 18]);
});

const points = fc.array(
  fc.record({
    x: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    y: fc.option(
      fc.tuple(fc.double({ min: -1e12, max: 1e12, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true }))
        .map(([mean, reach]) => bar(mean, reach)),
    ),
    censored: fc.boolean(),
    diverged: fc.boolean(),
  }),
  { maxLength: 24 },
);
const label = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: "grapheme", maxLength: 30 }));
const arms = ["ticket", "reinit", "oneshot", "oneshot-reinit", "random"];

Deno.test("whatever is drawn: well-formed, points within the plot, no text over another or outside", () => {
  fc.assert(
    fc.property(
      fc.record({
        size: fc.constantFrom("wide" as const, "narrow" as const, "panel" as const),
        heading: fc.boolean(),
        series: fc.array(points, { maxLength: 5 }),
        title: label,
        subtitle: label,
        name: label,
        scale: fc.constantFrom("linear" as const, "log" as const),
        power: fc.integer({ min: -9, max: 3 }),
        rule: fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true })),
        marks: fc.array(
          fc.tuple(fc.double({ min: 1e-6, max: 1, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true })),
          {
            maxLength: 4,
          },
        ),
        levels: fc.boolean(),
        isCurve: fc.boolean(),
      }),
      ({ series, scale, power, rule, marks, levels, name, isCurve, ...own }) => {
        const shrunk = (value: number): number => value * 10 ** power;
        const root = figure([], {
          ...own,
          x: {
            title: "Weights remaining (%)",
            scale: "log",
            reversed: true,
            ...levels ? { ticks: series.flat().map(({ x }) => x).sort((a, b) => b - a) } : {},
          },
          y: { title: "Quantity (unit)", scale },
          series: series.map((points, index) => ({
            name: `${arms[index]} ${name}`,
            style: `arm-${arms[index]}`,
            marker: "circle",
            isCurve,
            points: points.map(({ y, ...point }) => ({
              ...point,
              y: y && { mean: shrunk(y.mean), minimum: shrunk(y.minimum), maximum: shrunk(y.maximum) },
            })),
          })),
          ...rule === null ? {} : { rule: { value: shrunk(rule), name: "dense", label: "97.93 %" } },
          marks: marks.map(([x, y]) => ({ x, y: shrunk(y), label: "paper" })),
        });
        assertLegible(root);
        const { left, right, bottom } = plotOf(root);
        const [, height] = extent(root);
        assert.ok(bottom < height);
        for (const arm of arms) {
          for (const [x, y] of markers(root, `arm-${arm}`)) {
            assert.ok(x >= left && x <= right && y > 0 && y <= bottom, `(${x}, ${y}) is outside`);
          }
        }
        for (const { attributes } of all(root)) {
          assert.ok(
            !/NaN|Infinity|undefined/.test(`${attributes.d} ${attributes.transform}`.replace(/undefined/g, "")),
          );
        }
      },
    ),
    // Shrinking a figure takes minutes; the case that failed is printed in any case.
    { numRuns: 300, endOnFailure: true },
  );
});
