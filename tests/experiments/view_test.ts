/** Views of experiments, from results that are made up: what is marked, what is said, what is measured. */
import assert from "node:assert/strict";
import { summarize } from "../../src/analysis/summary.ts";
import { connections, networksOf, run } from "./made_up.ts";
import type { Experiment } from "../../src/experiments/experiment.ts";
import { evaluatedAt, needsOf } from "../../src/experiments/loaded_run.ts";
import { viewOf } from "../../src/experiments/view.ts";

const figure: Experiment = {
  name: "fig4",
  title: "A figure",
  about: "Something is trained.",
  runs: [{ name: "LeNet", preset: "lenet", changes: { controls: ["reinit"] } }],
  panels: [
    {
      type: "levels",
      title: "Early-stop iteration",
      quantity: "early-stop",
      lines: [{ run: "LeNet", arm: "ticket" }, { run: "LeNet", arm: "reinit" }],
    },
    {
      type: "levels",
      title: "Test accuracy at early stop",
      quantity: "test-accuracy-at-early-stop",
      lines: [{ run: "LeNet", arm: "ticket" }],
    },
  ],
  paper: [
    { run: "LeNet", remaining: 0.211, measure: "times-earlier", against: "reinit", value: 2.51 },
    { run: "LeNet", remaining: 0.211, measure: "earlier-than-dense", value: 0.38 },
    { run: "LeNet", remaining: 0.036, measure: "accuracy-over-dense", value: 0 },
  ],
  reading: "Something is read.",
};

const options = { scale: 0.1, levels: 7, replicates: 2, reinitDraws: 1 } as const;

/** Dense, and level 7 with 21 % of the weights: tickets stop at 600 and 800 of 5,000 iterations where dense ones did at 1,000. */
const whole = run(figure, options, [
  ...networksOf("ticket", 0, 1, [{ earlyStop: 1000, test: 0.97 }, { earlyStop: 1000, test: 0.98 }]),
  ...networksOf("ticket", 7, 0.2107, [{ earlyStop: 600, test: 0.975 }, { earlyStop: 800, test: 0.985 }]),
  ...networksOf("reinit", 7, 0.2107, [{ earlyStop: 1800, test: 0.95 }, { earlyStop: 5000, test: 0.96 }]),
]);

Deno.test("a view has tables of means with ranges, and marks what is censored", () => {
  const { levels } = viewOf(figure, options, [whole]);
  assert.deepEqual(levels, [
    {
      title: "Early stop",
      columns: ["weights", "ticket", "reinit"],
      rows: [["100 %", "1,000 [1,000–1,000]", ""], ["21.1 %", "700 [600–800]", "> 3,400 [1,800–5,000]"]],
    },
    {
      title: "Test accuracy at early stop",
      columns: ["weights", "ticket"],
      rows: [["100 %", "97.50 [97.00–98.00] %"], ["21.1 %", "98.00 [97.50–98.50] %"]],
    },
  ]);
});

Deno.test("the paper's values stand beside ours, with what is wrong with the comparison", () => {
  const { paper } = viewOf(figure, options, [whole]);
  assert.deepEqual(paper.map(({ quantity, paper, ours, note }) => [quantity, paper, ours, note]), [
    ["early stop, reinit over ticket", "2.51×", "4.63× (3.00× to 6.25×, of 2)", "1 censored"],
    ["early stop, against dense", "38 % earlier", "30 % earlier (20 % earlier to 40 % earlier, of 2)", ""],
    ["test accuracy at early stop, against dense", "±0.00 pp", "", "no level near"],
  ]);
  assert.deepEqual(paper.map(({ paperRemaining, remaining }) => [paperRemaining, remaining]), [
    ["21.1 %", "21.1 %"],
    ["21.1 %", "21.1 %"],
    ["3.6 %", ""],
  ]);
});

Deno.test("notes tell scale, fewer networks and censored stops; the picture has them, and an arrow", () => {
  const { notes, sheet, title, key, settings, panels } = viewOf(figure, options, [whole]);
  assert.equal(title, "Figure 4. A figure");
  assert.equal(key, "fig4-scale-0.1-levels-7-replicates-2-reinit-draws-1");
  assert.deepEqual(settings, [["scale", "0.1"], ["levels", "7"], ["replicates", "2"], ["reinit draws", "1"]]);
  const [scaled = "", fewer = "", unfinished = "", censored = ""] = notes;
  assert.equal(notes.length, 4);
  assert.match(scaled, /5,000 iterations instead of 50,000, 5,500 training images instead of 55,000/);
  assert.equal(
    fewer,
    "Fewer than in the paper: replicates 2 instead of 5, levels 7 instead of 20, draws per ticket 1 instead of 3.",
  );
  assert.match(unfinished, /^Not finished: LeNet has 6 of 30 networks\./);
  assert.match(censored, /^1 early stop fell on the last evaluation \(censored: > in tables/);
  assert.match(sheet.svg, /Not finished: LeNet/);
  assert.match(panels[0]?.svg ?? "", /class="censored"/);
  assert.doesNotMatch(panels[1]?.svg ?? "", /class="censored"/);
});

Deno.test("the paper's diamonds stand on our dense network, and only where we have a level", () => {
  const { panels } = viewOf(figure, options, [whole]);
  // 38 % earlier than our 1,000.
  assert.match(panels[0]?.words ?? "", /The paper's values: 620 at 21\.1 %\./);
  assert.doesNotMatch(panels[1]?.words ?? "", /The paper's values/);
});

Deno.test("at full scale, finished, there is nothing to excuse", () => {
  const { notes, settings, key } = viewOf(figure, {}, [{ ...run(figure, {}, []), state: "finished" }]);
  assert.deepEqual([notes, settings, key], [[], [], "fig4"]);
});

Deno.test("a run that is absent leaves an empty figure that says so", () => {
  const { panels, notes, levels, paper } = viewOf(figure, {}, [{ ...run(figure, {}, []), state: "absent" }]);
  assert.match(panels[0]?.svg ?? "", /No trained network yet/);
  assert.deepEqual(notes, ["Not finished: LeNet is not trained. What is shown is what is there."]);
  assert.deepEqual(levels, []);
  assert.ok(paper.every(({ ours, note }) => ours === "" && note === "not trained"));
});

Deno.test("several runs have a table each, and networks that diverged are told", () => {
  const [first] = figure.runs;
  assert.ok(first);
  const two: Experiment = {
    ...figure,
    runs: [first, { ...first, name: "other" }],
    panels: [{
      type: "levels",
      title: "End",
      quantity: "test-accuracy-at-end",
      lines: [{ run: "LeNet", arm: "ticket" }, { run: "other", arm: "ticket" }],
    }],
    paper: [],
  };
  const other = run(figure, options, networksOf("ticket", 0, 1, [{ earlyStop: 1000, test: 0.9 }, { diverged: true }]));
  const { levels, notes, panels } = viewOf(two, options, [whole, { ...other, name: "other" }]);
  assert.deepEqual(levels.map(({ title, rows }) => [title, rows[0]?.[1]]), [
    ["LeNet: test accuracy at the end", "97.50 [97.00–98.00] %"],
    ["other: test accuracy at the end", "90.00 %, 1 diverged"],
  ]);
  assert.ok(notes.includes("1 network diverged and counts in no mean."));
  assert.match(panels[0]?.words ?? "", /other 90\.00 %/);
});

Deno.test("connections are drawn of the tickets at the nearest levels", () => {
  const experiment: Experiment = { ...figure, panels: [connections(0.211)], paper: [] };
  const ticket = {
    level: 7,
    remaining: 0.2107,
    replicate: 1,
    layers: [{
      name: "dense1",
      inputs: 2,
      outputs: 2,
      size: 1,
      mask: Uint8Array.of(1, 0, 1, 1),
      initial: Float32Array.of(1, 2, 3, 4),
    }],
  };
  const [panel] = viewOf(experiment, options, [{ ...whole, tickets: [ticket] }]).panels;
  // One unit keeps both of its connections, the other one of two: 0.99 and 0.51 are the middles of their bins.
  assert.match(panel?.words ?? "", /dense1 21\.1 %: 0\.75 \(2\)/);
  assert.ok(whole.summary);
  assert.deepEqual(needsOf(experiment, "LeNet", whole.summary).tickets, [7]);
});

Deno.test("a share of the training is read at the evaluation at or before it", () => {
  const at = (share: number): number => evaluatedAt(share, { iterations: 112_480, evalEvery: 100 });
  assert.deepEqual([30_000 / 112_480, 0.5, 1].map(at), [30_000, 56_200, 112_480]);
});

Deno.test("what panels need of a run is named, and nothing else", () => {
  const { config, summary } = whole;
  assert.ok(summary);
  const needs = needsOf(
    {
      ...figure,
      panels: [{
        type: "curves",
        title: "Curves",
        quantity: "test-accuracy",
        run: "LeNet",
        arms: ["reinit"],
        remaining: [1, 0.21],
      }],
    },
    "LeNet",
    summarize({ id: "x", config, adapter: summary.adapter }, { records: [], timings: [] }),
  );
  assert.deepEqual([needs.arms, needs.tickets, needs.finals, needs.lines], [["reinit"], [], false, []]);
  const of = needsOf(
    {
      ...figure,
      panels: [{
        type: "curves",
        title: "Curves",
        quantity: "test-accuracy",
        run: "LeNet",
        arms: ["reinit"],
        remaining: [1, 0.21],
      }],
    },
    "LeNet",
    summary,
  );
  const evaluation = { replicate: 1, draw: 1, iteration: 0, trainLoss: null, validationLoss: 1, testLoss: 1 };
  const rest = { ...evaluation, validationAccuracy: 0.1, testAccuracy: 0.1 };
  assert.ok(of.evaluation({ ...rest, arm: "reinit", level: 7 }));
  assert.ok(!of.evaluation({ ...rest, arm: "ticket", level: 7 }));
  assert.ok(!of.evaluation({ ...rest, arm: "reinit", level: 6 }));
});
