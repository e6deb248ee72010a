/** Early stop, statistics, the summary of a run and its outcome in words. */
import assert from "node:assert/strict";
import { earlyStop, isCensored } from "../../src/analysis/early_stop.ts";
import { besidePaper, bestLevel, describeOutcome, figuresOf, points } from "../../src/analysis/outcome.ts";
import { spread } from "../../src/analysis/statistics.ts";
import { summarize, type Summary } from "../../src/analysis/summary.ts";
import { preset } from "../../src/lottery/config.ts";
import type { LotteryConfig } from "../../src/lottery/config.ts";
import type { ArmName, LevelRecord } from "../../src/lottery/types.ts";

const adapter = { name: "paper and pencil", driver: "1.0", kind: "software" } as const;

interface Figures {
  readonly stop: number;
  readonly accuracy: number;
  readonly loss?: number;
  readonly remaining?: number;
  readonly replicate?: number;
  readonly draw?: number;
  readonly status?: "ok" | "diverged";
}

function record(arm: ArmName, level: number, figures: Figures): LevelRecord {
  const { stop, accuracy, loss = 0.1, remaining = 0.5 ** level, replicate = 1, draw = 1, status = "ok" } = figures;
  return {
    arm,
    level,
    replicate,
    draw,
    seed: replicate,
    status,
    divergedAt: status === "ok" ? null : 3,
    remaining,
    layers: [{ name: "dense1", size: 8, kept: 8 >> level }],
    earlyStopIteration: stop,
    validationLossAtEarlyStop: loss,
    testAccuracyAtEarlyStop: accuracy,
    trainAccuracyAtEarlyStop: 0.99,
    testAccuracyAtEnd: accuracy,
    trainAccuracyAtEnd: 1,
  };
}

function summaryOf(records: readonly LevelRecord[], changes: Partial<Omit<LotteryConfig, "preset">> = {}): Summary {
  const config = preset("lenet-quick", { iterations: 1000, ...changes });
  const timings = [0, 1, 2].map((level) => ({
    level,
    seconds: level + 1,
    stepMs: 5,
    plan: { dense1: "masked-dense" },
  }));
  return summarize({ id: "r", config, adapter }, { records, timings });
}

Deno.test("earlyStop() takes the lowest validation loss, the earliest of equals, and passes over what is not finite", () => {
  const at = (losses: readonly (number | null)[]): number | undefined =>
    earlyStop(losses.map((validationLoss, index) => ({ iteration: index * 10, validationLoss })))?.iteration;
  assert.equal(at([2, 1, 0.5, 0.5, 0.7]), 20);
  assert.equal(at([null, 1, null]), 10);
  assert.equal(at([null, null]), undefined);
  assert.equal(at([]), undefined);
  assert.equal(at([1, 0]), 10);
});

Deno.test("an early stop at the last evaluation is censored", () => {
  assert.ok(isCensored(100, 100));
  assert.ok(!isCensored(99, 100));
  assert.ok(!isCensored(null, 100));
});

Deno.test("spread() is mean, minimum, maximum and count of what is there", () => {
  assert.deepEqual(spread([3, null, 1, 5]), { mean: 3, minimum: 1, maximum: 5, count: 3 });
  assert.equal(spread([null]), null);
});

Deno.test("a summary does not depend on the order in which networks were trained", () => {
  const records = [
    record("ticket", 0, { stop: 500, accuracy: 0.96 }),
    record("ticket", 1, { stop: 400, accuracy: 0.97 }),
    record("reinit", 1, { stop: 700, accuracy: 0.95 }),
    record("ticket", 1, { stop: 300, accuracy: 0.98, replicate: 2 }),
    record("reinit", 1, { stop: 600, accuracy: 0.94, replicate: 1, draw: 2 }),
  ];
  const summary = summaryOf(records);
  assert.deepEqual(summaryOf(records.toReversed()), summary);
  assert.deepEqual(summary.arms.map(({ name, levels }) => [name, levels.map(({ level }) => level)]), [["ticket", [
    0,
    1,
  ]], [
    "reinit",
    [1],
  ]]);
  assert.deepEqual(summary.arms[1]?.levels[0]?.replicates.map(({ replicate, draw }) => [replicate, draw]), [[1, 1], [
    1,
    2,
  ]]);
});

Deno.test("a summary has the keys that summary.json promises", () => {
  const summary = summaryOf([record("ticket", 0, { stop: 500, accuracy: 0.96 })]);
  assert.deepEqual(Object.keys(summary), ["schema", "id", "preset", "config", "adapter", "timing", "arms"]);
  assert.deepEqual(Object.keys(summary.timing), ["totalSeconds", "secondsByLevel"]);
  const [level] = summary.arms[0]?.levels ?? [];
  for (const key of ["level", "remaining", "layers", "stepMs", "plan", "replicates"]) {
    assert.ok(level && key in level, key);
  }
  for (
    const key of [
      "seed",
      "status",
      "earlyStopIteration",
      "validationLossAtEarlyStop",
      "testAccuracyAtEarlyStop",
      "trainAccuracyAtEarlyStop",
      "testAccuracyAtEnd",
      "trainAccuracyAtEnd",
    ]
  ) assert.ok(level?.replicates[0] && key in level.replicates[0], key);
});

Deno.test("figures leave out what diverged, and count it", () => {
  const [, level] = figuresOf(summaryOf([
    record("ticket", 0, { stop: 500, accuracy: 0.96 }),
    record("ticket", 1, { stop: 400, accuracy: 0.97 }),
    record("ticket", 1, { stop: 0, accuracy: 0.1, replicate: 2, status: "diverged" }),
  ]));
  assert.equal(level?.ticket.diverged, 1);
  assert.deepEqual(level?.ticket.accuracyAtEarlyStop, { mean: 0.97, minimum: 0.97, maximum: 0.97, count: 1 });
});

Deno.test("the best ticket is chosen by validation loss; the test set has no say", () => {
  const figures = figuresOf(summaryOf([
    record("ticket", 0, { stop: 500, accuracy: 0.96, loss: 0.01 }),
    record("ticket", 1, { stop: 400, accuracy: 0.97, loss: 0.08 }),
    record("ticket", 2, { stop: 300, accuracy: 0.99, loss: 0.09 }),
  ]));
  assert.equal(bestLevel(figures)?.level, 1);
});

Deno.test("the outcome is told as it is: helped, helped in one respect, or not", () => {
  const verdict = (stop: number, accuracy: number): string =>
    describeOutcome(summaryOf([
      record("ticket", 0, { stop: 500, accuracy: 0.96 }),
      record("ticket", 1, { stop, accuracy }),
    ]))[0]?.split(":")[0] ?? "";
  assert.equal(verdict(400, 0.97), "Pruning helped");
  assert.equal(verdict(500, 0.96), "Pruning neither helped nor harmed");
  assert.equal(verdict(600, 0.97), "Pruning helped accuracy, not speed");
  assert.equal(verdict(400, 0.95), "Pruning helped speed, not accuracy");
  assert.equal(verdict(600, 0.95), "Pruning did not help");
});

Deno.test("the outcome names the control, what it means, and what the figures do not tell", () => {
  const dense = record("ticket", 0, { stop: 500, accuracy: 0.96 });
  const ticket = record("ticket", 1, { stop: 400, accuracy: 0.97 });
  const text = (records: readonly LevelRecord[], changes = {}): string =>
    describeOutcome(summaryOf(records, changes)).join(" ");
  assert.match(text([dense, ticket]), /No control was trained.*--controls reinit --resume/);
  assert.match(
    text([dense, ticket, record("reinit", 1, { stop: 800, accuracy: 0.95 })]),
    /reinit .*2\.00× later, at 800, with 95\.00 %.*\+2\.00 pp.*the initial values matter/,
  );
  assert.match(text([dense, ticket, record("reinit", 1, { stop: 400, accuracy: 0.97 })]), /the mask alone explains/);
  assert.match(
    text([dense, ticket, record("reinit", 1, { stop: 1000, accuracy: 0.9 })]),
    /1 early stop fell on the last/,
  );
  assert.match(text([dense, ticket]), /One replicate/);
  assert.doesNotMatch(text([dense, ticket], { replicates: 3 }), /One replicate/);
  assert.match(text([dense, record("ticket", 1, { stop: 1, accuracy: 0.5 })]), /No ticket came within 0\.2 pp/);
  assert.match(text([dense]), /Only the dense network/);
});

Deno.test("the paper's values stand beside ours where it states one near our levels, and only for its network", () => {
  const records = [
    record("ticket", 0, { stop: 500, accuracy: 0.96 }),
    record("ticket", 1, { stop: 300, accuracy: 0.965, remaining: 0.2 }),
    record("reinit", 1, { stop: 600, accuracy: 0.95, remaining: 0.2 }),
  ];
  assert.deepEqual(besidePaper(summaryOf(records)).map(({ quantity, ours, paper }) => [quantity, ours, paper]), [
    ["early stop, against dense", "40 % earlier", "38 % earlier"],
    ["early stop, reinit over ticket", "2.00×", "2.51×"],
    ["test accuracy at early stop, ticket over reinit", "+1.50 pp", "+0.50 pp"],
  ]);
  assert.deepEqual(besidePaper(summaryOf(records, { width: 0.5 })), []);
  assert.deepEqual(besidePaper(summaryOf(records, { dataset: "fashion-mnist" })), []);
  assert.deepEqual(besidePaper(summaryOf(records, { rewind: 100 })), []);
  assert.deepEqual(besidePaper(summaryOf(records, { dropout: 0.5 })), []);
  const own = { name: "mine", layers: [{ type: "dense", units: 10, activation: "none" }] } as const;
  assert.deepEqual(besidePaper(summaryOf(records, { network: own })), []);
});

Deno.test("the paper's values of the other networks stand beside theirs, by recipe where the paper compares several", () => {
  const compared = (
    network: "conv2" | "conv4" | "conv6" | "resnet18" | "vgg19",
    remaining: number,
    changes: Partial<Omit<LotteryConfig, "preset">> = {},
  ): string[] => {
    const records = [
      record("ticket", 0, { stop: 500, accuracy: 0.75 }),
      record("ticket", 1, { stop: 250, accuracy: 0.78, remaining }),
    ];
    const config = preset(network, changes);
    const summary = summarize({ id: "r", config, adapter }, { records, timings: [] });
    return besidePaper(summary).map(({ quantity, ours, paper }) => `${quantity}: ${ours}, ${paper}`);
  };
  const speed = "early stop, dense over ticket: 2.00×";
  const accuracy = "test accuracy at early stop, against dense: +3.00 pp";
  assert.deepEqual(compared("conv2", 0.0881), [`${speed}, 3.50×`]);
  assert.deepEqual(compared("conv2", 0.0457), [`${accuracy}, +3.40 pp`]);
  assert.deepEqual(compared("conv4", 0.1106), [`${accuracy}, +3.50 pp`]);
  assert.deepEqual(compared("conv4", 0.0201), [`${accuracy}, ±0.00 pp`]);
  assert.deepEqual(compared("conv6", 0.1529), [`${speed}, 2.50×`]);
  assert.deepEqual(compared("conv6", 0.2661), [`${accuracy}, +3.30 pp`]);
  assert.deepEqual(compared("conv2", 0.0881, { dataset: "synthetic" }), []);
  const end = "test accuracy at the end";
  assert.deepEqual(compared("resnet18", 0.2709), [`${end}: 78.0 %, 90.5 %`]);
  assert.deepEqual(compared("resnet18", 0.2191, { warmup: 0, lr: 0.01 }), [`${end}: 78.0 %, 89.5 %`]);
  assert.deepEqual(compared("resnet18", 0.2709, { warmup: 0, lr: 0.1 }), []);
  assert.deepEqual(compared("vgg19", 0.0147), [`${end}, against dense: +3.00 pp, ±0.00 pp`]);
  assert.deepEqual(compared("vgg19", 0.0354, { warmup: 0, lr: 0.01 }), [`${end}, against dense: +3.00 pp, −1.00 pp`]);
  assert.deepEqual(compared("vgg19", 0.069), []);
  assert.deepEqual(compared("vgg19", 0.069, { scope: "layer" }), [`${end}, against dense: +3.00 pp, ±0.00 pp`]);
});

Deno.test("differences are percentage points with their sign", () => {
  assert.equal(points(0.003), "+0.30 pp");
  assert.equal(points(-0.0012), "−0.12 pp");
  assert.equal(points(-0.00001), "±0.00 pp");
});
