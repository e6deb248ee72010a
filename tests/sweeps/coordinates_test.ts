/** Which settings of a sweep differ, what its figures are made of, and which of its runs are best. */
import assert from "node:assert/strict";
import { type LotteryConfig, preset } from "../../src/lottery/config.ts";
import { coordinatesOf, differingSettings, isLogarithmic, statesOf } from "../../src/sweeps/coordinates.ts";
import { rankings, rankRuns } from "../../src/sweeps/ranking.ts";
import type { SweepRunResult, SweepRunState, SweepRunStatus } from "../../src/sweeps/status.ts";

const base = preset("lenet-quick");

/** A run of a sweep with some settings, and what it came to. */
function runOf(
  name: string,
  changes: Partial<LotteryConfig>,
  result?: Partial<SweepRunResult>,
  state: SweepRunState = "finished",
): SweepRunStatus {
  const nothing = {
    denseAccuracy: null,
    bestAccuracy: null,
    bestRemaining: null,
    denseEarlyStop: null,
    smallestWinning: null,
  };
  return {
    run: { name, id: `lenet-quick-${name}`, config: { ...base, ...changes } },
    ...{ state, fraction: 1, detail: null, job: null, attempt: undefined, attempts: 0 },
    result: result && { ...nothing, ...result },
  };
}

const runs: readonly SweepRunStatus[] = [0.0012, 0.012, 0.00012].flatMap((lr) =>
  (["adam", "sgd"] as const).map((optimizer) =>
    runOf(`${lr} ${optimizer}`, { lr, optimizer }, { denseAccuracy: 0.9 + lr, bestAccuracy: 0.95 - lr })
  )
);

Deno.test("settings that differ are found in the order of the settings, with their values once", () => {
  assert.deepEqual(
    differingSettings(runs.map(({ run }) => run)).map(({ key, name, distinct }) => [key, name, distinct]),
    [["optimizer", "optimizer", ["adam", "sgd"]], ["lr", "lr", [0.00012, 0.0012, 0.012]]],
  );
  assert.deepEqual(differingSettings([]), []);
  const lists = [{ config: { ...base, lrDrops: [10, 20] } }, { config: { ...base, lrDrops: [] } }];
  const [drops, ...others] = differingSettings(lists);
  assert.deepEqual([drops?.name, drops?.values, others], ["lr-drops", ["10,20", "none"], []]);
  const own = (units: number): LotteryConfig => ({
    ...base,
    network: { name: "tiny", layers: [{ type: "dense", units, activation: "none" }] },
  });
  const networks = [base, own(10), own(20), own(10)].map((config) => ({ config }));
  assert.deepEqual(differingSettings(networks).map(({ values }) => values), [["lenet", "tiny", "tiny #2", "tiny"]]);
});

Deno.test("a sweep's coordinates have an axis for each setting that differs and for each outcome that there is", () => {
  const { axes, lines, colouredBy } = coordinatesOf({ runs });
  assert.deepEqual(axes.map(({ name, kind }) => [name, kind]), [
    ["optimizer", "word"],
    ["lr", "number"],
    ["dense accuracy", "number"],
    ["best ticket accuracy", "number"],
  ]);
  const [, rates, dense] = axes;
  assert.ok(rates?.kind === "number" && rates.log, "rates ten times apart are on a logarithmic axis");
  assert.ok(dense?.kind === "number" && dense.percent && !dense.log);
  assert.deepEqual(dense.values, dense.values.toSorted((a, b) => a - b));
  assert.deepEqual(lines[2], { name: "0.012 adam", values: ["adam", 0.012, 0.912, 0.938], isFinished: true });
  assert.equal(axes[colouredBy ?? -1]?.name, "best ticket accuracy");
});

Deno.test("what a run has no value of is missing, and before any outcome there are settings alone", () => {
  const partly = [
    runOf("a", { seed: 1 }, { denseAccuracy: 0.9, smallestWinning: 0.2 }),
    runOf("b", { seed: 2 }, undefined, "running"),
    runOf("c", { seed: 3 }, { denseAccuracy: 0.8 }, "failed"),
  ];
  const { axes, lines, colouredBy } = coordinatesOf({ runs: partly });
  assert.deepEqual(axes.map(({ name }) => name), ["seed", "dense accuracy", "smallest winning ticket"]);
  assert.deepEqual(lines.map(({ values }) => values), [[1, 0.9, 0.2], [2, null, null], [3, 0.8, null]]);
  assert.deepEqual(lines.map(({ isFinished }) => isFinished), [true, false, false]);
  assert.equal(axes[colouredBy ?? -1]?.name, "dense accuracy", "without a best ticket what there is");
  const none = coordinatesOf({ runs: partly.map((own) => ({ ...own, result: undefined })) });
  assert.deepEqual([none.axes.map(({ name }) => name), none.colouredBy], [["seed"], null]);
  assert.deepEqual(coordinatesOf({ runs: [] }), { axes: [], lines: [], colouredBy: null });
});

Deno.test("a setting that another one brings with it has no axis, and the note names it", () => {
  const namesOf = (changes: readonly Partial<LotteryConfig>[]): (string | undefined)[] => {
    const { axes, note } = coordinatesOf({ runs: changes.map((own, index) => runOf(`${index}`, own)) });
    return [...axes.map(({ name }) => name), note];
  };
  const networks = ["lenet", "conv2", "conv4"] as const;
  const swept = networks.flatMap((network) => {
    const { dataset, iterations } = preset(network);
    return [1, 2].map((seed) => ({ network, dataset, iterations, seed, evalEvery: 100 * seed }));
  });
  assert.deepEqual(namesOf(swept), [
    "network",
    "seed",
    "Not drawn, because they follow: dataset, iterations from network; eval-every from seed.",
  ]);
  // A rate says which of the networks it is, and is none.
  const rates = swept.map((own, index) => ({ ...own, lr: [0.1, 0.2, 0.3, 0.4, 0.5, 0.5][index] ?? 1 }));
  assert.deepEqual(namesOf(rates).slice(0, 3), ["network", "lr", "seed"]);
  // Where each run has its own rate and its own seed, nobody can say which of them follows.
  assert.deepEqual(namesOf([0.1, 0.2, 0.3].map((lr, seed) => ({ lr, seed }))), ["lr", "seed", undefined]);
});

Deno.test("an axis is logarithmic where its values are more evenly apart that way", () => {
  for (const values of [[0.001, 0.01, 0.1], [1, 2, 4, 8, 16], [0.0002, 0.0004, 0.0008, 0.0012, 0.0024], [1, 10]]) {
    assert.equal(isLogarithmic(values), true, `${values}`);
  }
  for (const values of [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [0, 1, 10], [-1, 1], [1, 2], [5], [], [0.1, 0.2, 0.3]]) {
    assert.equal(isLogarithmic(values), false, `${values}`);
  }
});

Deno.test("runs are a grid where every pair of two settings has exactly one; else they stand in order", () => {
  const { grid, cells } = statesOf({ runs }, (id) => id.endsWith("adam") ? `/runs/${id}` : undefined);
  assert.deepEqual([grid?.long, grid?.short], [
    { name: "lr", values: ["0.00012", "0.0012", "0.012"] },
    { name: "optimizer", values: ["adam", "sgd"] },
  ]);
  assert.deepEqual(
    grid?.places,
    [[1, 0], [1, 1], [2, 0], [2, 1], [0, 0], [0, 1]].map(([long, short]) => (
      { long, short }
    )),
  );
  assert.deepEqual(cells.map(({ href }) => href === undefined), [false, true, false, true, false, true]);
  assert.equal(cells[0]?.note, "best ticket 94.88 %");
  assert.equal(statesOf({ runs: runs.slice(1) }).grid, undefined, "one is missing");
  assert.equal(statesOf({ runs: [...runs.slice(0, 5), ...runs.slice(4, 5)] }).grid, undefined, "one is there twice");
  const rates = statesOf({ runs: runs.filter((_, index) => index % 2 === 0) }).grid;
  assert.deepEqual([rates?.long.name, rates?.short], ["lr", { name: "", values: [""] }], "one setting is a row");
  // Two settings that change together are no grid; either of them alone is a row.
  const together = [1, 2, 3].map((seed) => runOf(`${seed}`, { seed, batchSize: 10 * seed }));
  assert.deepEqual(statesOf({ runs: together }).grid?.places, [0, 1, 2].map((long) => ({ long, short: 0 })));
  assert.equal(statesOf({ runs: [] }).grid, undefined);
});

Deno.test("finished runs are ranked from both ends, each once, with what they differ in", () => {
  const [byAccuracy, bySize] = rankings;
  const ranked = rankRuns({
    runs: [0.91, 0.95, 0.93, 0.95, 0.9, 0.92, 0.99].map((bestAccuracy, index) =>
      runOf(
        `run ${index}`,
        { seed: index },
        { bestAccuracy, smallestWinning: index % 2 ? 0.1 * index : null },
        index === 6 ? "running" : "finished",
      )
    ),
  }, byAccuracy);
  const names = (own: typeof ranked.best): string[] => own.map(({ place, status }) => `${place} ${status.run.name}`);
  assert.deepEqual([ranked.finished, ranked.ranked], [6, 6], "a run that is not finished may come out otherwise");
  assert.deepEqual(names(ranked.best), ["1 run 1", "2 run 3", "3 run 2"]);
  assert.deepEqual(names(ranked.worst), ["4 run 5", "5 run 0", "6 run 4"]);
  assert.deepEqual(ranked.worst[2]?.differs, ["seed 4"]);
  const four = rankRuns({ runs: ranked.best.concat(ranked.worst.slice(0, 1)).map(({ status }) => status) }, byAccuracy);
  assert.deepEqual([names(four.best).length, names(four.worst)], [3, ["4 run 5"]]);
  const smallest = rankRuns({ runs: [...ranked.best, ...ranked.worst].map(({ status }) => status) }, bySize, 1);
  assert.deepEqual([smallest.finished, smallest.ranked], [6, 3]);
  assert.deepEqual([names(smallest.best), names(smallest.worst)], [["1 run 1"], ["3 run 5"]], "smaller is better");
  const equal = [["a", 0.9], ["b", 0.94], ["c", 0.92]] as const;
  const tied = rankRuns({
    runs: equal.map(([name, bestAccuracy], seed) => runOf(name, { seed }, { bestAccuracy, smallestWinning: 0.2 })),
  }, bySize);
  assert.deepEqual(names(tied.best), ["1 b", "2 c", "3 a"], "equal ones by the other measure");
});
