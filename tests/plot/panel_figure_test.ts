/** Panels, curves and lines between networks: where their values stand, and what their words say. */
import assert from "node:assert/strict";
import { connectivityFigure } from "../../src/plot/connectivity_figure.ts";
import { curvesFigure } from "../../src/plot/curve_figure.ts";
import { armLook, denseLook, levelLook, sweepStyle } from "../../src/plot/palette.ts";
import { panelFigure } from "../../src/plot/panel_figure.ts";
import { assertLegible, corners, find, markers, type Node, parse } from "./svg.ts";

const spread = (mean: number, reach = 0, count = 1) => ({ mean, minimum: mean - reach, maximum: mean + reach, count });
const sizes = ["wide", "narrow", "panel"] as const;
const names = (root: Node): string[] => find(root, "text", "name").map(({ text }) => text);

const ticket = {
  name: "ticket",
  ...armLook("ticket"),
  points: [
    { remaining: 1, spread: spread(5000) },
    { remaining: 0.5, spread: spread(4000, 200, 5) },
    { remaining: 0.25, spread: spread(4500), censored: 1 },
    { remaining: 0.125, spread: null, diverged: 2 },
  ],
};
const reinit = {
  name: "re-init",
  ...armLook("reinit"),
  points: [{ remaining: 1, spread: spread(5000) }, { remaining: 0.5, spread: spread(6000) }],
};

Deno.test("a panel has its points, bars, hollow points, crosses, rule and diamonds, at every size", () => {
  for (const size of sizes) {
    const root = parse(
      panelFigure([ticket, reinit], {
        prefix: "p",
        quantity: "early-stop",
        size,
        rule: { value: 5000 },
        marks: [{ remaining: 0.5, value: 4000 }],
      }).svg,
    );
    assert.equal(markers(root, "arm-ticket").length, 3);
    assert.equal(markers(root, "arm-reinit").length, 2);
    assert.equal(find(root, "path", "series", "arm-ticket", "bar").length, 1);
    assert.equal(find(root, "path", "series", "hollow").length, 1);
    assert.equal(
      find(root, "path", "arm-ticket", "cross").length,
      2,
      "the arrow of the censored one, and the diverged",
    );
    const [[, dense = 0] = [], [x = 0, y = 0] = []] = markers(root, "arm-ticket");
    const [top] = corners(find(root, "path", "mark").at(-1)?.attributes.d ?? "");
    assert.ok(top && Math.abs(top[0] - x) < 0.05 && Math.abs(top[1] + 6 - y) < 0.05);
    const rules = find(root, "path", "rule").map(({ attributes }) => corners(attributes.d ?? "")[0]?.[1] ?? 0);
    assert.ok(rules.some((at) => Math.abs(at - dense) < 0.05));
    assert.ok(
      size === "wide" || names(root).includes("dense 5,000"),
      "where there is no room beside it the legend says it",
    );
    assertLegible(root);
  }
});

Deno.test("the words of a panel say each line's first level, its best and its last, and what the marks mean", () => {
  const { words, svg } = panelFigure([ticket, reinit], {
    prefix: "p",
    quantity: "early-stop",
    rule: { value: 5000 },
    marks: [{ remaining: 0.5, value: 4000 }],
  });
  assert.equal(
    words,
    "Early stop: ticket at iteration 5,000 with 100 % of the weights, earliest at iteration 4,000 with 50.0 % of the weights, " +
      "at iteration 4,500 with 25.0 % of the weights; re-init at iteration 5,000 with 100 % of the weights, " +
      "at iteration 6,000 with 50.0 % of the weights. The line is dense, 5,000. The paper's values: 4,000 at 50.0 %. " +
      "Points are means, bars the range of up to 5 networks. " +
      "1 early stop is censored: the true one is there or later. 2 networks diverged, and count in no mean.",
  );
  assert.equal(find(parse(svg), "desc")[0]?.text, words);
});

Deno.test("accuracies are drawn in percent, and a censored stop does not make them hollow", () => {
  const points = [{ remaining: 1, spread: spread(0.98) }, { remaining: 0.4, spread: spread(0.985), censored: 1 }];
  const { words, svg } = panelFigure([{ name: "ticket", ...armLook("ticket"), points }], {
    prefix: "p",
    quantity: "train-accuracy-at-end",
  });
  assert.ok(
    words.startsWith("Train accuracy at the end: ticket 98.00 % with 100 % of the weights, 98.50 % with 40.0 %"),
  );
  assert.equal(find(parse(svg), "path", "hollow").length, 0);
});

Deno.test("on a linear axis remaining weights are in proportion, with round ticks", () => {
  const points = [1, 0.6, 0.5].map((remaining) => ({ remaining, spread: spread(0.9 + remaining / 100) }));
  for (const size of sizes) {
    const root = parse(
      panelFigure([{ name: "one-shot", ...armLook("oneshot"), points }], {
        prefix: "p",
        quantity: "test-accuracy-at-end",
        x: "linear",
        size,
      }).svg,
    );
    const [[a = 0] = [], [b = 0] = [], [c = 0] = []] = markers(root, "arm-oneshot");
    assert.ok(Math.abs((b - a) - 4 * (c - b)) < 0.1);
    const ticks = find(root, "text", "x-axis").filter(({ classes }) => !classes.includes("axis-title"));
    assert.deepEqual(ticks.map(({ text }) => text), ["100", "80", "60", "40", "20", "0"]);
    assertLegible(root);
  }
});

Deno.test("13 runs of a sweep are told apart in the legend and keep clear of each other's texts", () => {
  const lines = Array.from({ length: 13 }, (_, index) => ({
    name: `learning rate ${index}e-4`,
    ...sweepStyle(index, 13),
    points: [1, 0.5].map((remaining) => ({ remaining, spread: spread(0.9 + index / 1000) })),
  }));
  for (const size of sizes) {
    const root = parse(panelFigure(lines, { prefix: "p", quantity: "test-accuracy-at-end", size }).svg);
    assert.equal(names(root).length, 13);
    for (let step = 0; step < 13; step++) assert.equal(markers(root, `ramp-ticket-${step}`).length, 2);
    assertLegible(root);
  }
});

Deno.test("no line, and lines without a value, have words and a picture", () => {
  for (const lines of [[], [{ ...ticket, points: [] }], [{ ...ticket, points: ticket.points.slice(3) }]]) {
    const { words, svg } = panelFigure(lines, { prefix: "p", quantity: "early-stop", title: "Nothing" });
    assert.equal(words, "Nothing: no network has a value yet.");
    assertLegible(parse(svg));
  }
});

/** 0.1, then 0.9 from the second on, rising by a thousandth. */
const learned = (shift: number, reach = 0) =>
  Array.from({ length: 11 }, (_, index) => ({
    iteration: index * 100,
    spread: index === 5 ? null : spread(index === 0 ? 0.1 : 0.9 + index / 1000 + shift, reach, reach > 0 ? 3 : 1),
  }));

Deno.test("a curve is a line with a gap, a band in place of bars, and no markers but its early stop", () => {
  for (const size of sizes) {
    const { svg, words } = curvesFigure([
      { name: "dense", ...denseLook, points: learned(0) },
      { name: "ticket 21.1 %", ...levelLook("ticket", 0, 2), points: learned(0.02, 0.005), earlyStop: 620 },
    ], { prefix: "c", quantity: "test-accuracy", size });
    const root = parse(svg);
    const lines = find(root, "path", "series", "line").map(({ attributes }) => attributes.d ?? "");
    assert.deepEqual(lines.map((d) => d.split("M").length - 1), [2, 2]);
    assert.equal(find(root, "path", "series", "bar").length, 0);
    assert.equal(find(root, "path", "series", "band").length, 1);
    const [stop, ...others] = markers(root, "ramp-ticket-0");
    assert.ok(stop && others.length === 0 && markers(root, "dense").length === 0);
    const at600 = corners(lines[0] ?? "").find(([x]) => Math.abs(x - stop[0]) < 0.05);
    assert.ok(at600 && Math.abs(at600[1] - stop[1]) < 0.05, "the early stop stands on its line");
    assert.ok(words.includes("ticket 21.1 % 93.00 % at iteration 1,000, early stop at iteration 620"), words);
    assert.ok(words.includes("bands the range of up to 3 networks"));
    assertLegible(root);
  }
});

Deno.test("the vertical axis of curves leaves out the first steps, says so, and cuts what is outside off", () => {
  const line = { name: "dense", ...denseLook, points: learned(0) };
  const { svg, words } = curvesFigure([line], { prefix: "c", quantity: "test-accuracy" });
  const root = parse(svg);
  const ticks = find(root, "text", "y-axis").map(({ text }) => Number(text));
  assert.ok(ticks.length > 1 && ticks.every((tick) => tick > 85), ticks.join());
  const id = find(root, "clipPath")[0]?.attributes.id;
  assert.ok(id && svg.includes(`clip-path="url(#${id})"`));
  assert.ok(words.endsWith("The vertical axis does not show everything."));
  const whole = curvesFigure([line], { prefix: "c", quantity: "test-accuracy", window: [0, 1] });
  const all = find(parse(whole.svg), "text", "y-axis").map(({ text }) => Number(text));
  assert.ok(Math.min(...all) === 0 && Math.max(...all) === 100);
});

Deno.test("no curve has words and a picture, and a loss is in nats", () => {
  const none = curvesFigure([], { prefix: "c", quantity: "validation-loss" });
  assert.equal(none.words, "Validation loss against iterations: no evaluations yet.");
  assertLegible(parse(none.svg));
  const { words } = curvesFigure([{ name: "dense", ...denseLook, points: learned(0) }], {
    prefix: "c",
    quantity: "validation-loss",
    y: "log",
    x: "log",
  });
  assert.ok(words.includes("dense 0.91 nats at iteration 1,000"), words);
});

Deno.test("the line between two networks has its ends, its barrier in words, and a few markers", () => {
  const points = Array.from({ length: 30 }, (_, index) => {
    const alpha = index / 29;
    // 2 % and 4 % at the ends, and 10 percentage points of barrier in the middle at most.
    return { alpha, error: spread(0.02 + 0.02 * alpha + 0.4 * alpha * (1 - alpha), 0.001, 3) };
  });
  const highest = Math.max(...points.map(({ error }) => error.mean));
  for (const size of sizes) {
    const { svg, words } = connectivityFigure([
      { name: "21.1 %", ...levelLook("ticket", 0, 2), points },
      { name: "3.6 %", ...levelLook("ticket", 1, 2), points: [] },
    ], { prefix: "l", size });
    const root = parse(svg);
    const own = markers(root, "ramp-ticket-0");
    assert.ok(own.length >= 5 && own.length <= 8, String(own.length));
    assert.equal(find(root, "path", "series", "band").length, 1);
    const [path = ""] = find(root, "path", "series", "line").map(({ attributes }) => attributes.d ?? "");
    assert.equal(corners(path).length, 30);
    assert.ok(words.includes("21.1 % 2.00 % and 4.00 % at the ends, highest"), words);
    assert.ok(words.includes(`(+${((highest - 0.03) * 100).toFixed(2)} pp from the mean of the ends)`), words);
    assert.ok(words.includes("the range over 3 pairs"), words);
    assertLegible(root);
  }
  assert.match(
    connectivityFigure([], { prefix: "l", split: "train" }).words,
    /^Train error .* no line is measured yet/,
  );
});

Deno.test("of networks of several sizes a panel says that weights are shares of the largest network's", () => {
  const options = { prefix: "p", quantity: "early-stop", x: "weights" } as const;
  const small = { ...reinit, points: [{ remaining: 0.25, spread: spread(6000) }] };
  const { svg, words } = panelFigure([ticket, small], options);
  const titles = (text: string): string[] => find(parse(text), "text", "axis-title").map((own) => own.text);
  assert.ok(titles(svg).includes("Weights (% of the largest network)"));
  assert.match(words, /re-init at iteration 6,000 with 25\.0 % of the largest network's weights/);
  const alone = panelFigure([ticket, small], { ...options, x: "log" });
  assert.ok(titles(alone.svg).includes("Weights remaining (%)"));
  assert.deepEqual(markers(parse(svg), "arm-ticket"), markers(parse(alone.svg), "arm-ticket"), "on the same axis");
});
