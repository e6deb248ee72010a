/** The stylesheet, files that stand alone, and pairs for pages. */
import assert from "node:assert/strict";
import { accuracyFigure } from "../../src/plot/level_figures.ts";
import { armStyles, runStyles } from "../../src/plot/palette.ts";
import { figureStyles, pair, standalone } from "../../src/plot/styles.ts";
import { find, parse } from "./svg.ts";

const draw = (size: "wide" | "narrow") =>
  accuracyFigure([{ name: "a run", figures: [] }], { prefix: "accuracy", at: "end", size }).svg;

Deno.test("static/figures.css is the stylesheet of the figures, byte for byte", async () => {
  assert.equal(await Deno.readTextFile(new URL("../../static/figures.css", import.meta.url)), figureStyles);
});

Deno.test("a figure for a page has neither style nor script nor colour of its own, as a strict policy wants", () => {
  const svg = draw("wide");
  assert.ok(!/<style|style=|<script|#[0-9a-f]{6}|fill=|stroke=/.test(svg));
});

Deno.test("every arm and every run has its colour and its dashes in the stylesheet", () => {
  const rules = figureStyles.replaceAll(/\s+/g, " ");
  for (const [name, { colour, dash }] of Object.entries(armStyles)) {
    // A dot would begin another class.
    const arm = name.replace(".", "\\.");
    assert.ok(figureStyles.includes(`--arm-${arm}: ${colour.light};`));
    assert.ok(figureStyles.includes(`--arm-${arm}: ${colour.dark};`));
    if (dash.length > 0) assert.ok(rules.includes(`.arm-${arm} .line { stroke-dasharray: ${dash.join(" ")}; }`));
  }
  runStyles.forEach((_, index) => assert.ok(rules.includes(`.run-${index} { color: `)));
});

Deno.test("a file stands alone: well-formed, with its size, its rules in plain colours for light and dark, and a ground", () => {
  for (const size of ["wide", "narrow"] as const) {
    const text = standalone(draw(size));
    const root = parse(text);
    const [style] = find(root, "style");
    assert.ok(
      style && style.text.includes(armStyles.ticket.colour.light) && style.text.includes(armStyles.ticket.colour.dark),
    );
    assert.ok(!text.includes("var("), "programs without CSS variables read such files too");
    assert.ok(style.text.includes("prefers-color-scheme: dark"));
    const [ground] = find(root, "rect", "ground");
    assert.equal(`0 0 ${ground?.attributes.width} ${ground?.attributes.height}`, root.attributes.viewBox);
    assert.equal(root.attributes.width, ground?.attributes.width);
  }
});

Deno.test("standalone() refuses what is not a figure", () => {
  assert.throws(() => standalone("<p>no</p>"), { name: "TypeError", message: /viewBox/ });
});

Deno.test("a pair holds both widths, with ids that differ", () => {
  const root = parse(pair(draw));
  assert.deepEqual(root.children.map(({ classes }) => classes.at(-1)), ["plot-wide", "plot-narrow"]);
  const ids = [...pair(draw).matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
});
