/** Runs as lines through their settings and outcomes: where they are, measured. */
import assert from "node:assert/strict";
import { rampSteps } from "../../src/plot/palette.ts";
import {
  type CoordinateAxis,
  type CoordinateLine,
  type ParallelCoordinates,
  parallelCoordinates,
} from "../../src/plot/parallel_coordinates.ts";
import { figureStyles, sizes, standalone } from "../../src/plot/styles.ts";
import { assertLegible, corners, extent, find, type Node, parse, textBoxes } from "./svg.ts";

const axes: readonly CoordinateAxis[] = [
  { name: "lr", kind: "number", values: [0.001, 0.01, 0.1], log: true },
  { name: "optimizer", kind: "word", values: ["adam", "sgd"] },
  { name: "best ticket accuracy", kind: "number", values: [0.9, 0.94, 0.98], percent: true, round: true },
  { name: "smallest winning ticket", kind: "number", values: [0.1, 0.4], percent: true, log: true, reversed: true },
];

const lines: readonly CoordinateLine[] = [
  { name: "one", values: [0.001, "adam", 0.9, 0.4], isFinished: true },
  { name: "two", values: [0.01, "sgd", 0.98, 0.1], isFinished: true },
  { name: "three <&>", values: [0.1, "adam", 0.94, null], isFinished: false },
  { name: "four", values: [0.1, "sgd", null, null], isFinished: false },
];

const figure: ParallelCoordinates = { prefix: "p", title: "Rates", subtitle: "LeNet", axes, lines, colouredBy: 2 };

/** A run's line, by its name. */
function lineOf(root: Node, name: string): Node {
  const found = find(root, "path", "coordinate").find(({ children }) =>
    children.some(({ text }) => text === name || text.startsWith(`${name}:`) || text.startsWith(`${name},`))
  );
  assert.ok(found, name);
  return found;
}

function pointsOf(root: Node, name: string): (readonly [x: number, y: number])[] {
  return corners(lineOf(root, name).attributes.d ?? "");
}

function near(actual: number | undefined, expected: number, what: string): void {
  assert.ok(Math.abs((actual ?? NaN) - expected) < 0.1, `${what}: ${actual} is not ${expected}`);
}

Deno.test("axes stand evenly apart on a wide figure, and values have their places on them", () => {
  const root = parse(parallelCoordinates(figure).svg);
  const [one, two, three] = ["one", "two", "three <&>"].map((name) => pointsOf(root, name));
  assert.ok(one && two && three);
  const across = one.map(([x]) => x);
  const step = (across[1] ?? 0) - (across[0] ?? 0);
  assert.ok(step > 74);
  across.forEach((x, index) => near(x, (across[0] ?? 0) + index * step, `axis ${index}`));
  const [bottom, top] = [one[0]?.[1] ?? NaN, three[0]?.[1] ?? NaN];
  near(bottom - top, sizes.wide.plot, "the least and the most rate are the axis's ends");
  near(two[0]?.[1], (bottom + top) / 2, "0.01 is in the middle of 0.001 and 0.1 on a logarithmic axis");
  near(one[1]?.[1], bottom, "the first word is below");
  near(two[1]?.[1], top, "the last word is above");
  // 0.9 to 0.98 is 0.9 to 0.98 at round numbers: four steps of 0.02.
  near(one[2]?.[1], bottom, "90 %");
  near(three[2]?.[1], (bottom + top) / 2, "94 %");
  near(two[2]?.[1], top, "98 %");
  near(two[3]?.[1], top, "the smallest ticket stands where large numbers do elsewhere");
  near(one[3]?.[1], bottom, "the largest one below");
});

Deno.test("on a narrow figure axes lie below one another, and better is to the right", () => {
  const root = parse(parallelCoordinates({ ...figure, size: "narrow" }).svg);
  const [one, two] = [pointsOf(root, "one"), pointsOf(root, "two")];
  const down = one.map(([, y]) => y);
  assert.ok(down.every((y, index) => index === 0 || y > (down[index - 1] ?? 0) + 30));
  assert.ok((two[2]?.[0] ?? 0) > (one[2]?.[0] ?? 0));
  assert.ok((two[3]?.[0] ?? 0) > (one[3]?.[0] ?? 0), "a smaller ticket is the better one");
  const [width] = extent(root);
  assert.ok([...one, ...two].every(([x]) => x >= 12 && x <= width - 12));
});

Deno.test("many axes lie below one another on a wide figure too", () => {
  const many = Array.from({ length: 12 }, (_, index): CoordinateAxis => ({
    name: `setting ${index}`,
    kind: "number",
    values: [0, 1],
  }));
  const { svg } = parallelCoordinates({
    ...figure,
    axes: many,
    colouredBy: null,
    lines: [{ name: "one", values: many.map((_, index) => index % 2), isFinished: true }],
  });
  const root = parse(svg);
  const down = pointsOf(root, "one").map(([, y]) => y);
  assert.ok(down.every((y, index) => index === 0 || y > (down[index - 1] ?? 0)));
  assertLegible(root);
});

Deno.test("a run has a gap where it has no value, and a dot between two gaps", () => {
  const gapped: readonly CoordinateLine[] = [
    { name: "middle", values: [0.001, null, 0.9, 0.4], isFinished: true },
    { name: "alone", values: [null, "adam", null, 0.4], isFinished: true },
    { name: "nothing", values: [null, null, null, null], isFinished: false },
    { name: "strange", values: [-1, "adagrad", NaN, 0.4], isFinished: true },
  ];
  const root = parse(parallelCoordinates({ ...figure, lines: gapped }).svg);
  const letters = (name: string): string => (lineOf(root, name).attributes.d ?? "").replaceAll(/[^A-Za-z]/g, "");
  assert.equal(letters("middle"), "MhML");
  assert.equal(letters("alone"), "MhMh");
  assert.equal(letters("strange"), "Mh", "values that are not on an axis are none");
  assert.equal(find(root, "path", "coordinate").length, 3, "a run without any value has no line");
});

Deno.test("runs that are not finished are dashed, those without the outcome grey, and the legend says both", () => {
  const root = parse(parallelCoordinates(figure).svg);
  const isDashed = (name: string): boolean => lineOf(root, name).classes.includes("dashed");
  assert.deepEqual(["one", "two", "three <&>", "four"].map(isDashed), [false, false, true, true]);
  assert.ok(lineOf(root, "four").classes.includes("soft"));
  const legend = find(root, "text", "legend").map(({ text }) => text);
  assert.deepEqual(legend, ["not finished", "has no value to be coloured by"]);
  const all = parse(parallelCoordinates({ ...figure, lines: lines.slice(0, 2) }).svg);
  assert.deepEqual(find(all, "text", "legend"), []);
});

Deno.test("colours go from the worst to the best that there is, the best drawn last, also where less is better", () => {
  const shade = (root: Node, name: string): string | undefined =>
    lineOf(root, name).classes.find((own) => own.startsWith("outcome-"));
  const root = parse(parallelCoordinates(figure).svg);
  assert.deepEqual(["one", "three <&>", "two"].map((name) => shade(root, name)), [
    "outcome-0",
    `outcome-${(rampSteps - 1) / 2}`,
    `outcome-${rampSteps - 1}`,
  ]);
  const order = find(root, "path", "coordinate").map(({ children }) => children[0]?.text.split(/[:,]/)[0]);
  assert.deepEqual(order, ["four", "one", "three <&>", "two"]);
  const reversed = parse(parallelCoordinates({ ...figure, colouredBy: 3 }).svg);
  assert.equal(shade(reversed, "two"), `outcome-${rampSteps - 1}`);
  assert.equal(shade(reversed, "one"), "outcome-0");
  // The strip of the legend has every shade, and its ends are the worst and the best.
  const blocks = find(root, "rect", "block");
  assert.deepEqual(
    blocks.map(({ classes }) => classes.at(-1)),
    Array.from({ length: rampSteps }, (_, index) => `outcome-${index}`),
  );
  const ends = textBoxes(root).filter(({ text }) => text === "90.00 %" || text === "98.00 %");
  assert.deepEqual(ends.map(({ text }) => text), ["90.00 %", "98.00 %"]);
});

Deno.test("every text has its place at every size, and long names and words are shortened", () => {
  const long: readonly CoordinateAxis[] = [
    { name: "network", kind: "word", values: ["lenet", "a network with a name that is much too long for its place"] },
    { name: "seed", kind: "number", values: Array.from({ length: 40 }, (_, seed) => seed + 1) },
    ...axes,
    { name: "dense early stop", kind: "number", values: [400], round: true, reversed: true },
  ];
  const [, other = ""] = long[0]?.kind === "word" ? long[0].values : [];
  for (const size of ["wide", "narrow", "panel"] as const) {
    const { svg } = parallelCoordinates({
      ...figure,
      size,
      axes: long,
      colouredBy: 4,
      lines: lines.map(({ values, ...own }, index) => ({
        ...own,
        values: [index % 2 ? "lenet" : other, index + 1, ...values, 400],
      })),
    });
    const root = parse(svg);
    assertLegible(root);
    assert.ok(find(root, "text").some(({ text }) => text.includes("…")), size);
  }
});

Deno.test("the words say how many runs, what they range over, and which are best and worst", () => {
  assert.equal(
    parallelCoordinates(figure).words,
    "Rates. 4 runs, 2 of them not finished: lr 0.001 to 0.1; optimizer adam, sgd; best ticket accuracy 90.00 % to 98.00 %; " +
      "smallest winning ticket 10.0 % to 40.0 %. By best ticket accuracy the best has 98.00 % (two), the worst 90.00 % (one).",
  );
  assert.ok(
    parallelCoordinates({ ...figure, colouredBy: 3 }).words.endsWith(
      "By smallest winning ticket the best has 10.0 % (two), the worst 40.0 % (one).",
    ),
  );
});

Deno.test("no run has words and a picture; lines of another length and colours by no axis are refused", () => {
  for (const empty of [{ ...figure, lines: [] }, { ...figure, axes: [], lines: [], colouredBy: null }]) {
    const { svg, words } = parallelCoordinates(empty);
    assert.equal(words, "Rates: there is no run to draw yet.");
    assertLegible(parse(svg));
  }
  assert.throws(() => parallelCoordinates({ ...figure, axes: axes.slice(1) }), {
    name: "RangeError",
    message: /the run one: it has 4 values, and there are 3 axes/,
  });
  assert.throws(() => parallelCoordinates({ ...figure, colouredBy: 4 }), { name: "RangeError", message: /axis 4/ });
});

Deno.test("a thousand runs take less than 600 kB, fainter, and a file of them stands alone", () => {
  const seeds = Array.from({ length: 1000 }, (_, index) => index);
  const { svg } = parallelCoordinates({
    ...figure,
    axes: [...axes.slice(0, 3), { name: "seed", kind: "number", values: seeds }],
    lines: seeds.map((seed) => ({
      name: `a run with a name as long as settings make it, seed ${seed}`,
      values: [[0.001, 0.01, 0.1][seed % 3] ?? 0.1, seed % 2 ? "adam" : "sgd", 0.9 + seed * 8e-5, seed],
      isFinished: seed % 5 > 0,
    })),
  });
  const file = standalone(svg);
  assert.ok(file.length < 600_000, `${file.length} bytes`);
  const root = parse(file);
  const drawn = find(root, "path", "coordinate");
  assert.equal(drawn.length, 1000);
  assert.ok(drawn.every(({ classes }) => classes.includes("crowd")));
  assert.match(
    figureStyles.replaceAll(/\s+/g, " "),
    /\.plot \.crowd \.coordinate \{ stroke-width: 1; opacity: 0\.3; \}/,
  );
});
