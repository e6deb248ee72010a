/** How runs stand, as cells: where they are and what they say, measured. */
import assert from "node:assert/strict";
import { stateColours, type StateName } from "../../src/plot/palette.ts";
import { type StateCell, type StateGrid, stateGrid } from "../../src/plot/state_grid.ts";
import { standalone } from "../../src/plot/styles.ts";
import { all, assertLegible, corners, extent, find, type Node, parse } from "./svg.ts";

const states: readonly StateName[] = ["finished", "running", "waiting", "stopped", "failed", "absent"];

/** Three rates and two seeds, in each state once. */
const cells: readonly StateCell[] = states.map((state, index) => ({
  name: `lr ${[0.1, 0.2, 0.4][index % 3]}, seed ${Math.floor(index / 3) + 1}`,
  state,
  fraction: state === "finished" ? 1 : state === "running" ? 0.5 : 0,
}));

const figure: StateGrid = { prefix: "s", title: "Runs", cells };

const grid: NonNullable<StateGrid["grid"]> = {
  long: { name: "lr", values: ["0.1", "0.2", "0.4"] },
  short: { name: "seed", values: ["1", "2"] },
  places: cells.map((_, index) => ({ long: index % 3, short: Math.floor(index / 3) })),
};

/** A cell by its run's name. */
function cellOf(root: Node, name: string): Node {
  const found = find(root, "title", "cells").find(({ text }) => text.startsWith(`${name}:`));
  const cell = all(root).find(({ children }) => children.some((child) => child === found));
  assert.ok(cell, name);
  return cell;
}

/** The edges of a cell. */
function edgesOf(root: Node, name: string): { left: number; top: number; width: number; height: number } {
  const [outline] = cellOf(root, name).children.filter((child) => child.name === "path");
  const points = corners(outline?.attributes.d?.replace("Z", "") ?? "");
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

Deno.test("runs of two settings stand in rows and columns, each with its value", () => {
  const root = parse(stateGrid({ ...figure, grid }).svg);
  const places = cells.map(({ name }) => edgesOf(root, name));
  const [first, second, third, below] = places;
  assert.ok(first && second && third && below);
  assert.ok(Math.abs(first.left + third.left - 2 * second.left) < 0.02, "columns are evenly apart");
  assert.ok(second.left >= first.left + first.width, "cells do not touch");
  assert.equal(below.left, first.left);
  assert.ok(below.top >= first.top + first.height);
  assert.ok(places.every(({ width, height }) => Math.hypot(width - first.width, height - first.height) < 0.02));
  const texts = find(root, "text");
  const middle = (label: string): number => Number(texts.find(({ text }) => text === label)?.attributes.x);
  assert.ok(Math.abs(middle("0.2") - (second.left + second.width / 2)) < 1, "a column's label is over its middle");
  const row = texts.find(({ text }) => text === "2");
  assert.ok(Number(row?.attributes.x) < below.left);
  assert.ok(Number(row?.attributes.y) > below.top && Number(row?.attributes.y) < below.top + below.height);
  assert.ok(texts.some(({ text }) => text === "lr (across), seed (down)"));
});

Deno.test("columns that do not fit across stand down, and where neither fits runs stand in order", () => {
  const many = Array.from({ length: 200 }, (_, index): StateCell => ({
    name: `run ${index}`,
    state: "finished",
    fraction: 1,
  }));
  const values = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);
  const tall: StateGrid = {
    ...figure,
    cells: many,
    size: "narrow",
    grid: {
      long: { name: "seed", values: values(50) },
      short: { name: "lr", values: values(4) },
      places: many.map((_, index) => ({ long: index % 50, short: Math.floor(index / 50) })),
    },
  };
  const root = parse(stateGrid(tall).svg);
  assert.ok(edgesOf(root, "run 1").top > edgesOf(root, "run 0").top, "seeds go down");
  assert.ok(edgesOf(root, "run 50").left > edgesOf(root, "run 0").left);
  assert.ok(find(root, "text").some(({ text }) => text === "lr (across), seed (down)"));
  assertLegible(root);
  const square = {
    long: { name: "a", values: values(200) },
    short: { name: "b", values: values(200) },
    places: many.map((_, index) => ({ long: index, short: index })),
  };
  const ordered = parse(stateGrid({ ...tall, grid: square }).svg);
  const [one, two] = [edgesOf(ordered, "run 0"), edgesOf(ordered, "run 1")];
  assert.equal(one.top, two.top);
  assert.ok(!find(ordered, "text").some(({ text }) => text.includes("across")));
});

Deno.test("runs in order fill their rows within the picture, smaller the more there are", () => {
  const edges = [6, 1000].map((count) => {
    const own = Array.from({ length: count }, (_, index): StateCell => ({
      name: `run ${index}`,
      state: "finished",
      fraction: 1,
    }));
    const root = parse(stateGrid({ ...figure, cells: own }).svg);
    const [width, height] = extent(root);
    const boxes = find(root, "path", "cells").map(({ attributes }) => corners(attributes.d?.replace("Z", "") ?? ""));
    assert.equal(boxes.length, count);
    assert.ok(boxes.flat().every(([x, y]) => x >= 12 && x <= width - 12 && y <= height));
    assert.equal(new Set(boxes.map(([corner]) => corner?.join())).size, count, "each has a place of its own");
    return edgesOf(root, "run 0").width;
  });
  assert.ok((edges[0] ?? 0) > (edges[1] ?? 0) && (edges[1] ?? 0) >= 7);
});

Deno.test("a state has its colour and a sign of its own, which can be told without colour", () => {
  const root = parse(stateGrid(figure).svg);
  const signs = cells.map(({ name, state }) => {
    const cell = cellOf(root, name);
    assert.ok(cell.classes.includes(`state-${state}`));
    const { left, top } = edgesOf(root, name);
    // What is drawn, from the cell's corner on.
    return cell.children.filter((child) => child.name !== "title").map(({ name: kind, attributes }) => {
      const shape = corners(attributes.d ?? "").map(([x, y]) => `${(x - left).toFixed(1)} ${(y - top).toFixed(1)}`);
      return `${kind} ${attributes.class} ${shape.join()} ${attributes.width ?? ""}`;
    }).join("; ");
  });
  assert.equal(new Set(signs).size, states.length, signs.join("\n"));
  assert.deepEqual(Object.keys(stateColours), states);
});

Deno.test("a running cell is filled as far as its run is", () => {
  const widthAt = (fraction: number): number => {
    const root = parse(stateGrid({ ...figure, cells: [{ name: "a", state: "running", fraction }] }).svg);
    const [fill] = cellOf(root, "a").children.filter((child) => child.name === "rect");
    return Number(fill?.attributes.width);
  };
  assert.ok(Math.abs(widthAt(0.5) / widthAt(1) - 0.5) < 0.01);
  assert.ok(widthAt(0) > 0 && widthAt(2) === widthAt(1));
});

Deno.test("cells say their run, state and share, and lead to its page where there is one", () => {
  const own: readonly StateCell[] = [
    { name: "lr <0.1>", state: "failed", fraction: 0.25, note: "out of memory", href: "/runs/lenet-0123456789" },
    { name: "lr 0.2", state: "finished", fraction: 1 },
  ];
  const root = parse(stateGrid({ ...figure, cells: own }).svg);
  assert.equal(root.attributes.role, "group", "an image has no links");
  const [link, ...others] = find(root, "a");
  assert.equal(others.length, 0);
  assert.equal(link?.attributes.href, "/runs/lenet-0123456789");
  assert.equal(link?.attributes["aria-label"], "lr <0.1>: failed");
  assert.equal(link?.attributes.tabindex, undefined);
  assert.equal(find(root, "title", "cells")[0]?.text, "lr <0.1>: failed, 25 %, out of memory");
  assert.equal(find(root, "title", "cells")[1]?.text, "lr 0.2: finished");
  assert.equal(parse(stateGrid(figure).svg).attributes.role, "img");
  // A thousand stops on the way through a page would be none's help.
  const many = Array.from({ length: 61 }, (_, index): StateCell => (
    { name: `run ${index}`, state: "finished", fraction: 1, href: "/runs/lenet-0123456789" }
  ));
  const large = parse(stateGrid({ ...figure, cells: many }).svg);
  assert.equal(find(large, "a").length, 61);
  assert.ok(find(large, "a").every(({ attributes }) => attributes.tabindex === "-1"));
  assert.equal(find(large, "g", "cells")[0]?.attributes["aria-hidden"], "true");
});

Deno.test("legend and words count the states that there are", () => {
  const { svg, words } = stateGrid({ ...figure, cells: [...cells, ...cells.slice(0, 2), ...cells.slice(0, 1)] });
  assert.equal(words, "Runs: 3 finished, 2 running, 1 waiting, 1 stopped, 1 failed, 1 absent.");
  assert.deepEqual(find(parse(svg), "text", "legend").map(({ text }) => text), [
    "finished 3",
    "running 2",
    "waiting 1",
    "stopped 1",
    "failed 1",
    "absent 1",
  ]);
  assert.equal(stateGrid({ ...figure, cells: [] }).words, "Runs: there is no run yet.");
});

Deno.test("every text has its place at every size, a file stands alone, and a grid of other places is refused", () => {
  const long: NonNullable<StateGrid["grid"]> = {
    ...grid,
    long: { name: "a setting with a name that is longer than others", values: ["a word that is long", "0.2", "0.4"] },
    short: { name: "seed", values: ["another word that is far too long for the edge of a picture", "2"] },
  };
  for (const size of ["wide", "narrow", "panel"] as const) {
    for (const own of [figure, { ...figure, grid }, { ...figure, grid: long }, { ...figure, cells: [] }]) {
      assertLegible(parse(stateGrid({ ...own, size }).svg));
    }
  }
  assert.ok(standalone(stateGrid(figure).svg).includes(stateColours.failed.dark));
  assert.throws(() => stateGrid({ ...figure, cells: cells.slice(1), grid }), {
    name: "RangeError",
    message: /6 places/,
  });
});
