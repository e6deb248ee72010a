/** Sheets: several figures as one. */
import assert from "node:assert/strict";
import type { Figure } from "../../src/plot/line_figure.ts";
import { armLook } from "../../src/plot/palette.ts";
import { panelFigure } from "../../src/plot/panel_figure.ts";
import { partSize, sheet, type SheetColumns } from "../../src/plot/sheet.ts";
import { standalone } from "../../src/plot/styles.ts";
import { all, assertLegible, extent, find, type Node, parse, partsOf } from "./svg.ts";

const spread = { mean: 0.9, minimum: 0.89, maximum: 0.91, count: 5 };
const line = {
  name: "ticket",
  ...armLook("ticket"),
  points: [{ remaining: 1, spread }, { remaining: 0.5, spread: { ...spread, mean: 0.905 } }],
};

function parts(count: number, size: ReturnType<typeof partSize>): Figure[] {
  return Array.from(
    { length: count },
    (_, index) =>
      panelFigure([line], { prefix: `f-${index}`, quantity: "test-accuracy-at-end", size, rule: { value: 0.9 } }),
  );
}

const notes = ["Scaled: 5,000 of 50,000 iterations. ".repeat(8).trim(), "<b>A second one</b> & more."];

function drawn(columns: SheetColumns, size: "wide" | "narrow" = "wide"): Figure {
  const figures = parts(4, partSize(columns, size));
  return sheet({ prefix: "f", title: "Figure 4", subtitle: "scaled", notes, figures, columns, size });
}

/** Left, top, right, bottom. */
const boxOf = ({ attributes }: Node) => {
  const [x, y, width, height] = ["x", "y", "width", "height"].map((key) => Number(attributes[key]));
  assert.ok(x !== undefined && y !== undefined && width && height);
  return { left: x, top: y, right: x + width, bottom: y + height };
};

Deno.test("a sheet sets its figures in columns, none over another or outside, with title above and notes below", () => {
  for (const [columns, size] of [[1, "wide"], [2, "wide"], [3, "wide"], [2, "narrow"]] as const) {
    const root = parse(drawn(columns, size).svg);
    const boxes = partsOf(root).map(boxOf);
    assert.equal(boxes.length, 4);
    const across = size === "narrow" ? 1 : columns;
    assert.equal(boxes.filter(({ top }) => top === boxes[0]?.top).length, across);
    const [width] = extent(root);
    boxes.forEach((one, index) => {
      assert.ok(one.left >= 0 && one.right <= width);
      for (const other of boxes.slice(index + 1)) {
        assert.ok(
          one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top,
        );
      }
    });
    const [title] = find(root, "text", "title");
    assert.ok(Number(title?.attributes.y) < (boxes[0]?.top ?? 0));
    const lowest = Math.max(...boxes.map(({ bottom }) => bottom));
    const below = find(root, "text", "note");
    assert.ok(below.length > 2 && below.every(({ attributes }) => Number(attributes.y) > lowest));
    assert.equal(below.map(({ text }) => text).join(" "), notes.join(" "));
    assertLegible(root);
  }
});

Deno.test("a figure that is wider than its column stands alone in its row", () => {
  const [a, b] = parts(2, "panel");
  const [wide] = [panelFigure([line], { prefix: "w", quantity: "early-stop" })];
  assert.ok(a && b && wide);
  const boxes = partsOf(parse(sheet({ prefix: "s", title: "T", notes: [], figures: [a, wide, b], columns: 2 }).svg))
    .map(boxOf);
  assert.deepEqual(boxes.map(({ left }) => left), [0, 0, 0]);
  assert.ok(
    (boxes[1]?.top ?? 0) >= (boxes[0]?.bottom ?? Infinity) && (boxes[2]?.top ?? 0) >= (boxes[1]?.bottom ?? Infinity),
  );
});

Deno.test("a sheet and each of its parts have a name and a description, with ids that are unique", () => {
  const root = parse(drawn(2).svg);
  const text = (id: string | undefined): string | undefined =>
    all(root).find(({ attributes }) => attributes.id === id)?.text;
  assert.equal(root.attributes.role, "group");
  assert.equal(text(root.attributes["aria-labelledby"]), "Figure 4, scaled");
  assert.ok(text(root.attributes["aria-describedby"])?.includes("Scaled: 5,000"));
  for (const part of partsOf(root)) {
    assert.equal(part.attributes.role, "img");
    assert.equal(text(part.attributes["aria-labelledby"]), "Test accuracy at the end");
    assert.ok(text(part.attributes["aria-describedby"])?.includes("90.50 %"));
  }
  const ids = all(root).flatMap(({ attributes }) => attributes.id ?? []);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length >= 10);
});

Deno.test("the words of a sheet are its notes and those of all figures", () => {
  const { words } = drawn(2);
  assert.ok(words.startsWith("Figure 4. Scaled: 5,000 of 50,000 iterations."));
  assert.equal(words.split("Test accuracy at the end:").length - 1, 4);
});

Deno.test("a sheet stands alone as a file, and its parts are not as wide as the page", () => {
  for (const columns of [1, 2, 3] as const) {
    const root = parse(standalone(drawn(columns).svg));
    assert.equal(find(root, "style").length, 1);
    assert.equal(root.attributes.width, String(extent(root)[0]));
    for (const part of partsOf(root)) {
      const own = (part.attributes.class ?? "").split(" ");
      assert.ok(!own.includes("plot"), "the rule of a whole figure would make it as wide as the page");
      assert.ok(own.includes(`plot-${partSize(columns)}`));
    }
  }
});

Deno.test("figures with equal ids, and what is no figure, are refused", () => {
  const [one] = parts(1, "panel");
  assert.ok(one);
  assert.throws(() => sheet({ prefix: "s", title: "T", notes: [], figures: [one, one], columns: 2 }), {
    name: "RangeError",
    message: /f-0-panel-title.*prefix of its own/,
  });
  const other = { svg: "<script>alert(1)</script>", words: "" };
  assert.throws(() => sheet({ prefix: "s", title: "T", notes: [], figures: [other] }), {
    name: "TypeError",
    message: /does not begin with a figure's <svg>/,
  });
  assert.throws(() => sheet({ prefix: "1", title: "T", notes: [], figures: [] }), RangeError);
});

Deno.test("a sheet of nothing has a title", () => {
  const { svg, words } = sheet({ prefix: "s", title: "Figure 3", notes: [], figures: [] });
  assert.equal(words, "Figure 3.");
  assertLegible(parse(svg));
});
