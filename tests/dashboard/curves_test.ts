/** Curves: means over what is there, thinned without losing an extreme, read on as files grow. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { bestLevel } from "../../src/analysis/outcome.ts";
import { curvesOf, type CurveSource, mostPoints, thinned } from "../../src/dashboard/curves.ts";
import { Dashboard } from "../../src/dashboard/dashboard.ts";
import { RunMetrics, type Series } from "../../src/dashboard/metrics.ts";
import type { Curve, CurveQuery } from "../../src/dashboard/types.ts";
import type { Evaluation } from "../../src/lottery/types.ts";
import { armFolders, readMetrics, readRun } from "../../src/store/run_files.ts";
import { tinyConfig } from "../store/fake_lottery.ts";
import { link, TemporaryFolder } from "../store/folders.ts";
import { recordRun } from "../store/recorded_runs.ts";
import { holds } from "../fuzz/support.ts";
import { recordLargeRun } from "./fixtures.ts";

const everything: CurveQuery = { metric: "testAccuracy", arms: [], levels: [], networks: "mean" };

function open(runs: string): Dashboard {
  return Dashboard.open({ runs, token: "t", canControl: false, host: "127.0.0.1" });
}

/** All evaluations of a run, read by the store's own reader. */
async function recorded(runs: string, id: string): Promise<Evaluation[]> {
  const { config, folder } = await readRun(runs, id);
  assert.ok(config);
  return (await Promise.all((await armFolders(folder, config)).map(readMetrics))).flat();
}

Deno.test("each network's curve is what metrics.jsonl says of it, for every metric", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { replicates: 2, reinitDraws: 2 });
  const all = await recorded(runs.path, id);
  await using dashboard = open(runs.path);
  for (const metric of ["testAccuracy", "validationAccuracy", "testLoss", "validationLoss", "trainLoss"] as const) {
    const curves = await dashboard.readCurves(id, { metric, arms: [], levels: [0, 1, 2], networks: "each" });
    assert.equal(curves?.length, 2 * 3 + 2 * 2 * 2);
    for (const curve of curves) {
      const own = all.filter(({ arm, level, replicate, draw }) =>
        arm === curve.arm && level === curve.level && replicate === curve.replicate && draw === curve.draw
      );
      assert.ok(own.length > 2);
      assert.deepEqual(curve.iterations, own.map(({ iteration }) => iteration));
      assert.deepEqual(curve.values, own.map((evaluation) => evaluation[metric]));
      assert.equal(curve.earlyStop, 20);
      assert.equal(curve.range, null);
    }
  }
});

Deno.test("a mean is over replicates and draws with its range, tickets come first, and arms and levels are chosen", async () => {
  using runs = new TemporaryFolder();
  const id = await recordRun(runs.path, { replicates: 3, reinitDraws: 2 });
  const all = await recorded(runs.path, id);
  await using dashboard = open(runs.path);
  const curves = await dashboard.readCurves(id, { ...everything, levels: [2, 0] });
  assert.deepEqual(curves?.map(({ arm, level }) => [arm, level]), [["ticket", 0], ["ticket", 2], ["reinit", 2]]);
  for (const { arm, level, iterations, values, range, replicate, draw } of curves) {
    assert.deepEqual([replicate, draw], [null, null]);
    for (const [at, iteration] of iterations.entries()) {
      const own = all.filter((evaluation) =>
        evaluation.arm === arm && evaluation.level === level && evaluation.iteration === iteration
      ).map(({ testAccuracy }) => testAccuracy);
      assert.equal(own.length, arm === "ticket" ? 3 : 6);
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      assert.ok(Math.abs((values[at] ?? 0) - mean) < 1e-12);
      assert.equal(range?.minimum[at], Math.min(...own));
      assert.equal(range?.maximum[at], Math.max(...own));
    }
  }
  const chosen = await dashboard.readCurves(id, { ...everything, arms: ["reinit"], levels: [1] });
  assert.deepEqual(chosen?.map(({ arm, level }) => [arm, level]), [["reinit", 1]]);
});

Deno.test("without levels there are the dense one, the best and the newest, with the remaining weights of the summary", async () => {
  using runs = new TemporaryFolder();
  const id = await recordLargeRun(runs.path, { levels: 6, replicates: 2, evaluations: 30, trained: 5 });
  await using dashboard = open(runs.path);
  const view = await dashboard.readRun(id);
  const best = bestLevel(view?.figures ?? [])?.level;
  assert.ok(best !== undefined && best > 0 && best < 5);
  const curves = await dashboard.readCurves(id, { ...everything, arms: ["ticket"] });
  assert.deepEqual(curves?.map(({ level }) => level), [0, best, 5]);
  for (const { level, remaining } of curves.slice(0, 2)) {
    assert.equal(remaining, view?.figures.find((own) => own.level === level)?.remaining);
  }
  // Level 5 is in training: 20 % and of the output layer 10 % pruned each time, of 266,200 weights.
  const planned = (235_200 + 30_000) * 0.8 ** 5 + 1_000 * 0.9 ** 5;
  assert.ok(Math.abs((curves[2]?.remaining ?? 0) - planned / 266_200) < 1e-4);
});

Deno.test("a missing replicate leaves the mean of those present, and a loss that is not finite a gap", () => {
  const series = (replicate: number, points: readonly (readonly [number, number])[]): Series => ({
    arm: "ticket",
    level: 1,
    replicate,
    draw: 1,
    length: points.length,
    iterations: Float64Array.from(points, ([iteration]) => iteration),
    columns: {
      testAccuracy: Float64Array.from(points, ([, value]) => value),
      validationAccuracy: new Float64Array(points.length),
      testLoss: new Float64Array(points.length),
      validationLoss: new Float64Array(points.length),
      trainLoss: new Float64Array(points.length),
    },
    earlyStop: replicate * 10,
    divergedAt: null,
  });
  const source: CurveSource = {
    series: [
      series(2, [[0, 0.1], [10, 0.4], [20, NaN], [30, NaN]]),
      series(1, [[0, 0.2], [10, 0.6], [15, 0.7], [20, 0.8], [30, NaN]]),
    ],
    remaining: [1, 0.8],
    best: 1,
    divergedAt: new Map([["ticket 1 2 1", 20]]),
  };
  const [mean] = curvesOf(source, everything);
  assert.deepEqual(mean?.iterations, [0, 10, 15, 20, 30]);
  assert.deepEqual(mean.values.map((value) => value === null ? null : Number(value.toFixed(12))), [
    0.15,
    0.5,
    0.7,
    0.8,
    null,
  ]);
  assert.deepEqual(mean.range, { minimum: [0.1, 0.4, 0.7, 0.8, null], maximum: [0.2, 0.6, 0.7, 0.8, null] });
  assert.deepEqual([mean.earlyStop, mean.divergedAt], [15, 20]);
  const each = curvesOf(source, { ...everything, networks: "each" });
  assert.deepEqual(each.map(({ replicate, values }) => [replicate, values]), [
    [1, [0.2, 0.6, 0.7, 0.8, null]],
    [2, [0.1, 0.4, null, null]],
  ]);
});

/** Curves longer than are drawn whole. */
const longCurve = fc.integer({ min: mostPoints + 1, max: 6_000 }).chain((length) =>
  fc.record({
    values: fc.array(
      fc.oneof({
        weight: 30,
        arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      }, fc.constant(null)),
      {
        minLength: length,
        maxLength: length,
        size: "max",
      },
    ),
    step: fc.integer({ min: 1, max: 100 }),
  })
);

Deno.test("a thinned curve has at most as many points, all of them points of the whole, its ends, minimum, maximum and gaps", async () => {
  await holds(
    fc.property(longCurve, ({ values, step }) => {
      const iterations = values.map((_, at) => at * step);
      const thin = thinned({ iterations, values, range: { minimum: values, maximum: values } });
      assert.ok(thin.iterations.length <= mostPoints);
      assert.deepEqual([thin.iterations[0], thin.iterations.at(-1)], [iterations[0], iterations.at(-1)]);
      thin.iterations.forEach((iteration, at) => {
        assert.ok(at === 0 || iteration > (thin.iterations[at - 1] ?? Infinity));
        assert.equal(thin.values[at], values[iteration / step]);
      });
      const finite = values.filter((value) => value !== null);
      const extremes = (own: readonly (number | null)[]): [number, number] => {
        const present = own.filter((value) => value !== null);
        return [Math.min(...present), Math.max(...present)];
      };
      assert.deepEqual(extremes(thin.values), extremes(finite));
      assert.deepEqual(extremes(thin.range?.minimum ?? [])[0], extremes(finite)[0]);
      assert.deepEqual(extremes(thin.range?.maximum ?? [])[1], extremes(finite)[1]);
      assert.equal(thin.values.includes(null), values.includes(null));
    }),
    { cases: 40, nightly: 500 },
  );
});

Deno.test("every local spike of a long curve survives its thinning, and a short curve is left as it is", () => {
  const length = 10_000;
  const iterations = Array.from({ length }, (_, at) => at);
  const values = iterations.map((at) => Math.sin(at / 500));
  for (const at of [137, 4_004, 9_998]) values[at] = 5 + at;
  const thin = thinned({ iterations, values, range: null });
  for (const at of [137, 4_004, 9_998]) assert.ok(thin.values.includes(5 + at), `the spike at ${at}`);
  const short = { iterations: iterations.slice(0, mostPoints), values: values.slice(0, mostPoints), range: null };
  assert.deepEqual(thinned(short), short);
});

Deno.test("metrics are read on as the file grows: never a torn line, never one twice, and anew when it is another file", async () => {
  using folder = new TemporaryFolder();
  const path = `${folder.path}/metrics.jsonl`;
  const config = tinyConfig({ controls: [] });
  const line = (iteration: number, loss: number | null): string =>
    `${
      JSON.stringify({
        arm: "ticket",
        level: 0,
        replicate: 1,
        draw: 1,
        iteration,
        trainLoss: null,
        validationLoss: loss,
        validationAccuracy: 0.5,
        testLoss: loss,
        testAccuracy: 0.5,
      })
    }\n`;
  const metrics = new RunMetrics();
  const seen = async (): Promise<number[]> => {
    await metrics.update(folder.path, config);
    return metrics.series().flatMap(({ iterations, length }) => [...iterations.subarray(0, length)]);
  };
  assert.deepEqual(await seen(), []);
  const text = [0, 10, 20, 30].map((iteration) => line(iteration, 1 / (1 + iteration))).join("");
  const seenAt: number[] = [];
  for (let end = 0; end <= text.length; end += 41) {
    await Deno.writeTextFile(path, text.slice(0, end));
    const all = await seen();
    assert.equal(all.length, text.slice(0, end).split("\n").length - 1);
    seenAt.push(all.length);
  }
  await Deno.writeTextFile(path, text);
  assert.deepEqual(await seen(), [0, 10, 20, 30]);
  assert.deepEqual([...new Set(seenAt)], [0, 1, 2, 3]);
  assert.equal(metrics.series()[0]?.earlyStop, 30);
  await Deno.writeTextFile(path, "not a line\n{}\n[1]\n\n", { append: true });
  await Deno.writeTextFile(path, line(20, 1) + line(40, null) + '{"arm":"ticket"', { append: true });
  assert.deepEqual(await seen(), [0, 10, 20, 30, 40]);
  await Deno.remove(path);
  assert.deepEqual(await seen(), []);
  await Deno.writeTextFile(path, line(0, 1));
  assert.deepEqual(await seen(), [0]);
});

Deno.test("metrics that are a link out of the folder of runs are not read", async () => {
  using runs = new TemporaryFolder();
  using elsewhere = new TemporaryFolder();
  const id = await recordRun(runs.path);
  const path = `${runs.path}/${id}/metrics.jsonl`;
  await Deno.rename(path, `${elsewhere.path}/metrics.jsonl`);
  await link(`${elsewhere.path}/metrics.jsonl`, path);
  await using dashboard = open(runs.path);
  const curves: readonly Curve[] = await dashboard.readCurves(id, { ...everything, arms: ["ticket"] }) ?? [];
  assert.deepEqual(curves, []);
});
