/** The figures of runs: what stands in them, and what their words say. */
import assert from "node:assert/strict";
import type { ArmFigures, LevelFigures } from "../../src/analysis/outcome.ts";
import { figuresOf, paperMarks } from "../../src/analysis/outcome.ts";
import { summarize, type Summary } from "../../src/analysis/summary.ts";
import { preset } from "../../src/lottery/config.ts";
import type { ArmName, LevelRecord } from "../../src/lottery/types.ts";
import { densityFigure, layerDensityFigure } from "../../src/plot/density_figure.ts";
import { histogramFigure } from "../../src/plot/histogram_figure.ts";
import { accuracyFigure, earlyStopFigure, stepTimeFigure } from "../../src/plot/level_figures.ts";
import { assertLegible, corners, find, markers, parse } from "./svg.ts";

const spread = (mean: number, reach = 0, count = 1) => ({ mean, minimum: mean - reach, maximum: mean + reach, count });

function arm(name: ArmName, stop: number | null, accuracy: number, changes: Partial<ArmFigures> = {}): ArmFigures {
  return {
    arm: name,
    earlyStop: stop === null ? null : spread(stop),
    validationLoss: stop === null ? null : spread(1 - accuracy),
    accuracyAtEarlyStop: stop === null ? null : spread(accuracy),
    accuracyAtEnd: stop === null ? null : spread(accuracy - 0.01),
    censored: 0,
    diverged: stop === null ? 1 : 0,
    stepMs: 6,
    ...changes,
  };
}

const figures: readonly LevelFigures[] = [
  { level: 0, remaining: 1, ticket: arm("ticket", 5000, 0.9793), controls: [] },
  {
    level: 1,
    remaining: 0.5,
    ticket: arm("ticket", 4000, 0.981),
    controls: [arm("reinit", 6000, 0.975, { censored: 1 })],
  },
  { level: 2, remaining: 0.135, ticket: arm("ticket", 3100, 0.984), controls: [arm("reinit", 7800, 0.969)] },
  { level: 3, remaining: 0.05, ticket: arm("ticket", null, 0), controls: [arm("reinit", 9000, 0.95)] },
];
const run = { name: "lenet-1", figures };
const both = ["wide", "narrow"] as const;

Deno.test("the words of a run's accuracy say dense, the best ticket, the gain and the control", () => {
  const { words, svg } = accuracyFigure([run], { prefix: "a", at: "early-stop" });
  assert.ok(
    words.startsWith(
      "Test accuracy at early stop: dense 97.93 %, best ticket by validation loss 98.40 % with 13.5 % of the weights " +
        "(+0.47 pp), reinit there 96.90 %.",
    ),
    words,
  );
  assert.ok(words.includes("1 network diverged, and counts in no mean."));
  assert.equal(find(parse(svg), "desc")[0]?.text, words);
});

Deno.test("accuracy at the end is drawn and said from the end", () => {
  assert.ok(accuracyFigure([run], { prefix: "a", at: "end" }).words.includes("dense 96.93 %"));
});

Deno.test("the words of early stop say iterations and how much earlier", () => {
  const { words } = earlyStopFigure([run], { prefix: "e" });
  assert.ok(words.includes("dense at iteration 5,000"), words);
  assert.ok(words.includes("at iteration 3,100 with 13.5 % of the weights (38 % earlier)"), words);
  assert.ok(words.includes("1 early stop is censored"), words);
});

Deno.test("a step's time is divided by the networks that shared it", () => {
  const { words } = stepTimeFigure([run], { prefix: "s" });
  assert.ok(
    words.includes("dense 6 ms, the smallest tickets 3 ms with 5.0 % of the weights (2.00 times as fast)"),
    words,
  );
});

Deno.test("arms have their own points, gaps and crosses; a censored stop is hollow in the figure of early stops alone", () => {
  for (const size of both) {
    const root = parse(earlyStopFigure([run], { prefix: "e", size }).svg);
    assert.equal(markers(root, "arm-ticket").length, 3);
    assert.equal(markers(root, "arm-reinit").length, 3);
    assert.equal(find(root, "path", "series", "arm-reinit", "hollow").length, 1);
    assert.equal(find(root, "path", "series", "arm-ticket", "hollow").length, 0);
    assert.equal(find(root, "path", "arm-ticket", "cross").length, 1);
    const accuracy = parse(accuracyFigure([run], { prefix: "a", at: "early-stop", size }).svg);
    assert.equal(find(accuracy, "path", "series", "hollow").length, 0);
    assertLegible(root);
    assertLegible(accuracy);
  }
});

Deno.test("several runs are a line each, the baseline in its own style, their names escaped", () => {
  const runs = [run, { name: "<script>alert(1)</script>", figures: figures.slice(0, 3) }];
  for (const size of both) {
    const { svg, words } = accuracyFigure(runs, { prefix: "a", at: "early-stop", size });
    const root = parse(svg);
    assert.equal(markers(root, "run-0").length, 3);
    assert.equal(markers(root, "run-1").length, 3);
    assert.ok(find(root, "path", "run-0", "strong", "line").length > 0);
    assert.equal(find(root, "script").length, 0);
    assert.ok(find(root, "text", "name").some(({ text }) => text === "<script>alert(1)</script>"));
    assert.ok(words.includes("lenet-1 (baseline): dense 97.93 %, best ticket 98.40 % with 13.5 % of the weights"));
    assertLegible(root);
  }
});

Deno.test("no run, no level, one level and nothing but divergence have words and a picture", () => {
  const cases = [
    { runs: [], says: /No run is chosen/ },
    { runs: [{ name: "a", figures: [] }], says: /no network is trained yet/ },
    { runs: [{ name: "a", figures: figures.slice(0, 1) }], says: /no pruned network yet/ },
    { runs: [{ name: "a", figures: figures.slice(3) }], says: /the dense network has no value/ },
  ];
  for (const { runs, says } of cases) {
    for (const size of both) {
      const { svg, words } = accuracyFigure(runs, { prefix: "a", at: "early-stop", size });
      assert.match(words, says);
      assertLegible(parse(svg));
    }
  }
});

function lenet(): Summary {
  const record = (level: number, remaining: number, stop: number, accuracy: number): LevelRecord => ({
    arm: "ticket",
    level,
    replicate: 1,
    draw: 1,
    seed: 1,
    status: "ok",
    divergedAt: null,
    remaining,
    layers: [{ name: "dense1", size: 1000, kept: Math.round(1000 * remaining) }],
    earlyStopIteration: stop,
    validationLossAtEarlyStop: 0.1,
    testAccuracyAtEarlyStop: accuracy,
    trainAccuracyAtEarlyStop: 1,
    testAccuracyAtEnd: accuracy,
    trainAccuracyAtEnd: 1,
  });
  return summarize(
    { id: "r", config: preset("lenet"), adapter: { name: "paper", driver: "1", kind: "software" } },
    { records: [record(0, 1, 5000, 0.979), record(1, 0.211, 3000, 0.98), record(2, 0.135, 3200, 0.983)], timings: [] },
  );
}

Deno.test("the paper's values stand where it states them, on this run's dense network", () => {
  const marks = paperMarks(lenet());
  const stop = marks.find(({ figure }) => figure === "earlyStop");
  const accuracy = marks.find(({ figure, remaining }) => figure === "accuracyAtEarlyStop" && remaining === 0.135);
  // Section 2: 38 % earlier at 21.1 %, and 0.3 percentage points better at 13.5 %.
  assert.equal(stop?.remaining, 0.211);
  assert.ok(Math.abs((stop?.value ?? 0) - 5000 * 0.62) < 1e-9);
  assert.ok(Math.abs((accuracy?.value ?? 0) - 0.982) < 1e-9);
  assert.ok(marks.every(({ remaining }) => remaining > 0.1), "nothing where no level of ours is near");
  const figures = figuresOf(lenet());
  const { svg, words } = earlyStopFigure([{ name: "r", figures, paper: marks }], { prefix: "e" });
  const root = parse(svg);
  const [, second] = markers(root, "arm-ticket");
  const mark = find(root, "path", "mark").map(({ attributes }) => corners(attributes.d ?? "")[0]).at(-1);
  assert.ok(mark && second && Math.abs(mark[0] - second[0]) < 0.05 && mark[1] + 6 < second[1]);
  assert.ok(words.includes("3,100 at 21.1 % of the weights"), words);
  assert.ok(find(root, "text", "name").some(({ text }) => text === "paper"));
});

const layers = [
  { name: "dense1", size: 1000, kept: 100 },
  { name: "dense2", size: 100, kept: 40 },
];

Deno.test("bars of density are as long as what survives, and the words name most and fewest", () => {
  for (const size of both) {
    const { svg, words } = densityFigure("r", { level: 3, remaining: 140 / 1100, layers }, { prefix: "d", size });
    const root = parse(svg);
    const [first = 0, second = 0] = find(root, "rect", "block").map(({ attributes }) => Number(attributes.width));
    assert.ok(Math.abs(second / first - 4) < 0.02);
    assert.equal(
      words,
      "At level 3, 12.7 % of all weights remain: most in dense2 (40.0 %), fewest in dense1 (10.0 %).",
    );
    assertLegible(root);
  }
  assertLegible(parse(densityFigure("r", { level: 0, remaining: 1, layers: [] }, { prefix: "d" }).svg));
});

Deno.test("lines of density name every layer of a few, and some of many", () => {
  const many = Array.from({ length: 22 }, (_, index) => ({ name: `conv${index + 1}`, size: 100, kept: 90 - index }));
  const whole = many.map((layer) => ({ ...layer, kept: 100 }));
  for (const size of both) {
    const few = parse(
      layerDensityFigure("r", [{ level: 3, remaining: 0.127, layers }], { prefix: "d", size }).svg,
    );
    assert.deepEqual(find(few, "text", "name").map(({ text }) => text), ["dense1", "dense2"]);
    const root = parse(
      layerDensityFigure("r", [{ level: 0, remaining: 1, layers: whole }, { level: 1, remaining: 0.8, layers: many }], {
        prefix: "d",
        size,
      }).svg,
    );
    assert.equal(find(root, "path", "series", "line").length, 22);
    const names = find(root, "text", "name").map(({ text }) => text);
    assert.ok(names.length <= 8 && names[0] === "conv1" && names.at(-1) === "conv22", names.join());
    assertLegible(root);
  }
});

Deno.test("layers that are pruned alike are one line with their names, and no line hides another", () => {
  const kept = (level: number, rate: number): number => Math.round(30_000 * rate ** level);
  const levels = Array.from({ length: 8 }, (_, level) => ({
    level,
    remaining: 0.8 ** level,
    layers: [
      { name: "dense1", size: 30_000, kept: kept(level, 0.8) },
      { name: "dense2", size: 30_000, kept: kept(level, 0.8) + level % 2 },
      { name: "dense3", size: 30_000, kept: kept(level, 0.9) },
    ],
  }));
  for (const size of both) {
    const root = parse(layerDensityFigure("r", levels, { prefix: "d", size }).svg);
    assert.deepEqual(find(root, "text", "name").map(({ text }) => text), ["dense1, dense2", "dense3"]);
    assert.equal(find(root, "path", "series", "line").length, 2);
  }
  const four = levels.map((level) => ({
    ...level,
    layers: ["a", "b", "c", "d"].map((name) => ({ name, size: 100, kept: 100 - level.level })),
  }));
  const alike = parse(layerDensityFigure("r", four, { prefix: "d" }).svg);
  assert.deepEqual(find(alike, "text", "name").map(({ text }) => text), ["a and 3 more"]);
});

Deno.test("histograms have a panel per layer, each of the three with shares of its own weights", () => {
  const layer = {
    layer: "dense1",
    limit: 1,
    initialSurviving: [10, 0, 0, 10],
    initialPruned: [0, 90, 90, 0],
    finalSurviving: [4, 6, 6, 4],
    notFinite: 2,
  };
  for (const size of both) {
    const { svg, words } = histogramFigure("ticket, level 3", [layer, { ...layer, layer: "<dense2>" }], {
      prefix: "h",
      size,
    });
    const root = parse(svg);
    assert.equal(find(root, "g", "panel").filter(({ attributes }) => attributes.class === "panel").length, 2);
    assert.ok(find(root, "text").some(({ text }) => text === "<dense2>"));
    // 10 of 20 survivors and 90 of 180 pruned are both half: their highest steps are equally high.
    const top = (d: string): number => Math.min(...corners(d).map(([, y]) => y));
    const area = find(root, "path", "panel", "area")[0]?.attributes.d ?? "";
    const dashed = find(root, "path", "panel", "dashed")[0]?.attributes.d ?? "";
    assert.ok(Math.abs(top(area) - top(dashed)) < 0.05);
    assert.ok(words.includes("dense1 0.25, 0.75, 0.45 (10.0 % survive)"), words);
    assert.ok(words.includes("4 final values are not finite"), words);
    assertLegible(root);
  }
  assertLegible(parse(histogramFigure("ticket", [], { prefix: "h" }).svg));
});
