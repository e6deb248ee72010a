/** Curves as the island shows them: choices in the address, smoothing, ranges, ticks, keys, and pacing. */
import assert from "node:assert/strict";
import { curvesFrom } from "../../src/dashboard/curves_answer.ts";
import {
  chartData,
  curveName,
  curveStyles,
  curveTable,
  divergencePlace,
  lastIndex,
  linearTicks,
  logTicks,
  movedIndex,
  smoothed,
  someOf,
  soundZoom,
  tickWords,
  valueRange,
} from "../../src/dashboard/curves_data.ts";
import { curvesFigure } from "../../src/dashboard/curves_svg.ts";
import { type CurvesView, viewFrom, withView } from "../../src/dashboard/curves_view.ts";
import { Paced } from "../../src/dashboard/pacing.ts";
import { onLightGround, pngName } from "../../src/dashboard/png.ts";
import { usualCurves } from "../../src/dashboard/run_choices.ts";
import type { Curve } from "../../src/dashboard/types.ts";
import { standalone } from "../../src/plot/styles.ts";

function curve(own: Partial<Curve>): Curve {
  return {
    arm: "ticket",
    level: 7,
    remaining: 0.211,
    replicate: null,
    draw: null,
    iterations: [0, 100, 200],
    values: [0.1, 0.9, 0.95],
    range: null,
    earlyStop: 200,
    divergedAt: null,
    ...own,
  };
}

/** Numbers from 0 to 1 that look random and are the same each time. */
function noise(): () => number {
  let state = 12345;
  return () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
}

Deno.test("what is chosen of curves comes back from the address, and leaves other parameters alone", () => {
  const view: CurvesView = {
    metric: "validationLoss",
    arms: ["reinit"],
    levels: [0, 3, 12],
    networks: "each",
    x: "log",
    y: "log",
    range: "all",
    smoothing: 0.85,
    table: true,
    zoom: [100, 2500.5, 0.01, 0.2],
  };
  const written = withView(new URLSearchParams("at=end"), view, usualCurves);
  assert.equal(written.get("at"), "end");
  assert.deepEqual(viewFrom(new URLSearchParams(written.toString()), usualCurves), view);
  assert.equal(withView(written, usualCurves, usualCurves).toString(), "at=end");
});

Deno.test("an address that says nothing sensible of curves shows what is usual", () => {
  const nonsense = new URLSearchParams(
    "metric=__proto__&arms=a,b&levels=-1,x,99999&networks=&x=cube&y=&range=no&smoothing=7&zoom=1,2,3&table=yes",
  );
  assert.deepEqual(viewFrom(nonsense, usualCurves), usualCurves);
  for (const zoom of ["2,1,0,1", "1,2,3,4,5", "a,b,c,d", ",,,", "NaN,1,0,1"]) {
    assert.equal(viewFrom(new URLSearchParams({ zoom }), usualCurves).zoom, null, zoom);
  }
  assert.equal(soundZoom([500, 600, 0, 1], [0, 100]), null);
});

Deno.test("curves of different iterations meet on common ones: not evaluated is undefined, missing is null", () => {
  const { iterations, curves: [first, second] } = chartData([
    curve({ iterations: [0, 100, 300], values: [0.1, null, 0.9] }),
    curve({ level: 8, iterations: [100, 200], values: [0.5, 0.6] }),
  ], { x: "linear", y: "linear", smoothing: 0 });
  assert.deepEqual(iterations, [0, 100, 200, 300]);
  assert.deepEqual(first?.raw, [0.1, null, undefined, 0.9]);
  assert.deepEqual(second?.raw, [undefined, 0.5, 0.6, undefined]);
});

Deno.test("logarithmic axes leave out what they cannot show: iteration 0 and values that are not positive", () => {
  const { iterations, curves: [own] } = chartData([curve({ values: [0.1, 0, 0.95] })], {
    x: "log",
    y: "log",
    smoothing: 0,
  });
  assert.deepEqual(iterations, [100, 200]);
  assert.deepEqual(own?.raw, [null, 0.95]);
});

Deno.test("smoothing equals the weighted mean over all values since the gap before, on both sides", () => {
  const random = noise();
  const values = Array.from({ length: 60 }, (_, index) => index === 23 ? null : random());
  const weight = 0.85;
  const result = smoothed(values, weight);
  values.forEach((value, index) => {
    const part = index < 23 ? values.slice(0, 23) : values.slice(24);
    const at = index < 23 ? index : index - 24;
    if (value === null) return assert.equal(result[index], null);
    let [sum, weights] = [0, 0];
    part.forEach((own, other) => {
      sum += (own ?? 0) * weight ** Math.abs(other - at);
      weights += weight ** Math.abs(other - at);
    });
    assert.ok(Math.abs((result[index] ?? 0) - sum / weights) < 1e-12);
  });
  assert.deepEqual(smoothed([5, 5, 5], 0.95).map((value) => Number(value?.toFixed(12))), [5, 5, 5]);
});

Deno.test("the smoothed line stands beside the raw one, and is the raw one without smoothing", () => {
  const own = curve({});
  const [plain] = chartData([own], { x: "linear", y: "linear", smoothing: 0 }).curves;
  assert.equal(plain?.line, plain?.raw);
  const [smooth] = chartData([own], { x: "linear", y: "linear", smoothing: 0.6 }).curves;
  assert.deepEqual(smooth?.raw, own.values);
  assert.notDeepEqual(smooth?.line, own.values);
});

Deno.test("the vertical range holds every value, or leaves the steep beginning out and no value of the rest", () => {
  const values = Array.from({ length: 100 }, (_, index) => 0.98 - 0.88 * Math.exp(-index / 5));
  const iterations = values.map((_, index) => index * 10);
  const data = chartData([curve({ iterations, values })], { x: "linear", y: "linear", smoothing: 0 });
  const [least, most] = valueRange(data, { range: "all", y: "linear", isAccuracy: true });
  assert.ok(least <= 0.1 && most >= 0.9799 && most <= 1);
  const [fine, top] = valueRange(data, { range: "fine", y: "linear", isAccuracy: true });
  assert.ok(fine > 0.9 && values.filter((value) => value >= fine && value <= top).length >= 75);
  const losses = chartData([curve({ iterations, values: values.map((value) => 1 - value) })], {
    x: "linear",
    y: "log",
    smoothing: 0,
  });
  const [low, high] = valueRange(losses, { range: "fine", y: "log", isAccuracy: false });
  assert.ok(low > 0 && low < 0.02 && high < 0.1);
  assert.deepEqual(valueRange({ iterations: [], curves: [] }, { range: "fine", y: "linear", isAccuracy: true }), [
    0,
    1,
  ]);
});

Deno.test("ticks are round numbers within the axis, ascending, at least two where it has an extent", () => {
  const random = noise();
  for (let round = 0; round < 300; round++) {
    const least = 10 ** (random() * 8 - 4);
    const most = least * (1.02 + 10 ** (random() * 4) - 1);
    const wanted = 3 + Math.floor(random() * 8);
    for (const ticks of [linearTicks(least, most, wanted), logTicks(least, most, wanted)]) {
      assert.ok(ticks.length >= 2 && ticks.length <= 4 * wanted + 4, `${least} to ${most}: ${ticks}`);
      ticks.forEach((tick, index) => {
        assert.ok(tick >= least * (1 - 1e-9) && tick <= most * (1 + 1e-9));
        assert.ok(index === 0 || tick > (ticks[index - 1] ?? Infinity));
      });
      assert.equal(new Set(tickWords(ticks, false)).size, ticks.length, `${ticks} have names of their own`);
    }
  }
  assert.deepEqual(logTicks(100, 50_000, 10), [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]);
  assert.deepEqual(tickWords([0.975, 0.98], true), ["97.5 %", "98.0 %"]);
});

Deno.test("keys move the cursor within the curves, and other keys do nothing", () => {
  assert.equal(movedIndex("ArrowRight", 3, 5), 4);
  assert.equal(movedIndex("ArrowRight", 4, 5), 4);
  assert.equal(movedIndex("ArrowLeft", 0, 5), 0);
  assert.equal(movedIndex("PageUp", 3, 50), 13);
  assert.equal(movedIndex("Home", 3, 5), 0);
  assert.equal(movedIndex("End", 3, 5), 4);
  assert.equal(movedIndex("Tab", 3, 5), undefined);
  assert.equal(movedIndex("End", 0, 0), undefined);
});

Deno.test("the table has every iteration and value, and some of its rows are spread from first to last", () => {
  const { header, rows } = curveTable([curve({}), curve({ arm: "reinit", values: [0.1, null, 0.8] })]);
  assert.deepEqual(header, ["iteration", "ticket 21.1 %", "reinit 21.1 %"]);
  assert.deepEqual(rows, [[0, 0.1, 0.1], [100, 0.9, null], [200, 0.95, 0.8]]);
  const some = someOf(Array.from({ length: 501 }, (_, index) => index), 100);
  assert.deepEqual([some.length, some[0], some.at(-1)], [100, 0, 500]);
  assert.equal(new Set(some).size, 100);
});

Deno.test("a curve's name tells arm, size, replicate and a control's draw", () => {
  assert.equal(curveName(curve({ level: 0, remaining: 1 })), "dense");
  assert.equal(curveName(curve({ replicate: 2, draw: 1 })), "ticket 21.1 %, replicate 2");
  assert.equal(curveName(curve({ arm: "reinit", replicate: 2, draw: 3 })), "reinit 21.1 %, replicate 2, draw 3");
});

Deno.test("an arm keeps its colour, in shades where there are several pruned levels, and dense is in ink", () => {
  const styles = (...own: (readonly [arm: "ticket" | "reinit", level: number])[]): string[] =>
    curveStyles(own.map(([arm, level]) => ({ arm, level })), 13);
  assert.deepEqual(styles(["ticket", 0]), ["run-0"]);
  assert.deepEqual(styles(["ticket", 7], ["reinit", 7]), ["arm-ticket", "arm-reinit"]);
  assert.deepEqual(styles(["ticket", 0], ["ticket", 7], ["reinit", 7]), ["run-0", "arm-ticket", "arm-reinit"]);
  assert.deepEqual(styles(["ticket", 0], ["ticket", 11], ["ticket", 12], ["reinit", 11], ["reinit", 12]), [
    "run-0",
    "ramp-ticket-0",
    "ramp-ticket-12",
    "ramp-reinit-0",
    "ramp-reinit-12",
  ]);
  const many = styles(...Array.from({ length: 40 }, (_, level) => ["ticket", level] as const));
  assert.ok(many.slice(1).every((style) => /^ramp-ticket-(\d|1[0-2])$/.test(style)));
});

Deno.test("a curve's last value is its own, and a cross stands on it where the network diverged", () => {
  assert.equal(lastIndex([0.1, null, 0.5, null, undefined]), 2);
  assert.equal(lastIndex([null, undefined]), undefined);
  const iterations = [0, 100, 200, 300];
  assert.deepEqual(divergencePlace(iterations, [0.1, 0.9, null, null], 200), { x: 100, y: 0.9 });
  assert.deepEqual(divergencePlace(iterations, [0.1, 0.9, 0.8, 0.7], 200), { x: 200, y: 0.8 });
  assert.equal(divergencePlace(iterations, [null, null, 0.8, 0.7], 100), undefined);
});

Deno.test("an answer that holds no curves is refused with what to do", () => {
  assert.deepEqual(curvesFrom({ curves: [curve({})] }), [curve({})]);
  for (const answer of [null, [], { curves: 3 }, { curves: [{}] }, { curves: [{ ...curve({}), values: [1] }] }]) {
    assert.throws(() => curvesFrom(answer), /reload the page/);
  }
});

Deno.test("the file of curves breaks lines at gaps, marks early stop and divergence, and fails to mark what is not there", () => {
  const draw = (own: Partial<Curve>): string => {
    const view = { ...usualCurves, range: "all" } as const;
    return standalone(curvesFigure("a run", [curve(own)], view, { prefix: "curves" }).svg);
  };
  const line = (svg: string): string => /class="line"[^>]* d="([^"]*)"/.exec(svg)?.[1] ?? "";
  assert.equal(line(draw({})).match(/M/g)?.length, 1);
  assert.equal(line(draw({ iterations: [0, 1, 2, 3, 4], values: [1, 0.5, null, 0.5, 0.4] })).match(/M/g)?.length, 2);
  assert.ok(draw({}).includes("<circle"));
  assert.ok(!draw({ earlyStop: null }).includes("<circle"));
  assert.ok(draw({ divergedAt: 200 }).includes('class="cross"'));
  const diverged = draw({ values: [0.1, 0.9, null], divergedAt: 200, earlyStop: 100 });
  const [, x, y] = /<circle[^>]* cx="([^"]*)" cy="([^"]*)"/.exec(diverged) ?? [];
  const [, left, top] = /class="cross" d="M(\S+) (\S+)l8 8/.exec(diverged) ?? [];
  assert.deepEqual([Number(left) + 4, Number(top) + 4], [Number(x), Number(y)], "the cross is at the line's end");
  assert.ok(!draw({}).includes('class="cross"'));
});

Deno.test("a picture's name says run, figure and choice, and its ground is light whatever the page's is", () => {
  assert.equal(pngName("/runs/lenet-0123456789/figures/accuracy.svg?at=end"), "lenet-0123456789-accuracy-end.png");
  assert.equal(
    onLightGround("<style>@media (prefers-color-scheme: dark) {}</style>"),
    "<style>@media not all {}</style>",
  );
});

/** Time that goes on when it is told to. */
class Clock {
  now = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly call: () => void }>();

  readonly pace = {
    now: (): number => this.now,
    later: (call: () => void, ms: number): () => void => {
      const entry = { at: this.now + ms, call };
      this.#waiting.add(entry);
      return () => this.#waiting.delete(entry);
    },
  };

  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const next = [...this.#waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#waiting.delete(next);
      this.now = Math.max(this.now, next.at);
      next.call();
      await Promise.resolve();
      await Promise.resolve();
    }
    this.now = end;
  }
}

Deno.test("a thousand requests within a second are drawn at most every 250 ms, the last one included", async () => {
  const clock = new Clock();
  const drawn: number[] = [];
  const paced = new Paced(() => void drawn.push(clock.now), 250, clock.pace);
  for (let request = 0; request < 1000; request++) {
    paced.ask();
    await clock.advance(1);
  }
  await clock.advance(1000);
  assert.ok(drawn.length >= 4 && drawn.length <= 6, `${drawn}`);
  drawn.slice(1).forEach((at, index) => assert.ok(at - (drawn[index] ?? 0) >= 250));
  assert.ok((drawn.at(-1) ?? 0) >= 999);
});

Deno.test("work that takes long is never begun twice at once, and is done once more when it was asked for meanwhile", async () => {
  const clock = new Clock();
  let [running, most, begun] = [0, 0, 0];
  let finish = (): void => {};
  const paced = new Paced(
    async () => {
      begun++;
      most = Math.max(most, ++running);
      await new Promise<void>((done) => finish = done);
      running--;
    },
    100,
    clock.pace,
  );
  paced.ask();
  await clock.advance(1);
  paced.ask();
  paced.askNow();
  await clock.advance(500);
  assert.deepEqual([begun, most], [1, 1]);
  finish();
  await new Promise((done) => setTimeout(done, 0));
  await clock.advance(500);
  assert.deepEqual([begun, most], [2, 1]);
  paced.stop();
  paced.ask();
  finish();
  await new Promise((done) => setTimeout(done, 0));
  await clock.advance(500);
  assert.equal(begun, 2);
});
