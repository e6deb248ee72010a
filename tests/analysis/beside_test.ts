/** Runs beside each other: which levels meet, and who is called the better. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { describeBeside, levelsBeside } from "../../src/analysis/beside.ts";
import type { ArmFigures, LevelFigures } from "../../src/analysis/outcome.ts";

function spreadOf(mean: number): { mean: number; minimum: number; maximum: number; count: number } {
  return { mean, minimum: mean, maximum: mean, count: 1 };
}

function level(index: number, remaining: number, accuracy = 0.9, loss = 0.1, stop = 1_000): LevelFigures {
  const ticket: ArmFigures = {
    arm: "ticket",
    earlyStop: spreadOf(stop),
    validationLoss: spreadOf(loss),
    accuracyAtEarlyStop: spreadOf(accuracy),
    accuracyAtEnd: spreadOf(accuracy - 0.01),
    censored: 0,
    diverged: 0,
    stepMs: 1,
  };
  return { level: index, remaining, ticket, controls: [] };
}

/** Levels of a schedule that leaves that fraction each round. */
function schedule(left: number, levels: number): LevelFigures[] {
  return Array.from({ length: levels }, (_, index) => level(index, left ** index));
}

Deno.test("levels of different schedules meet where they keep about as many weights", () => {
  const runs = [{ id: "a", figures: schedule(0.8, 7) }, { id: "b", figures: schedule(0.5, 4) }];
  const rows = levelsBeside(runs).map(({ remaining, levels }) => [
    Number(remaining.toFixed(3)),
    ...levels.map((own) => own?.level),
  ]);
  assert.deepEqual(rows, [
    [1, 0, 0],
    [0.8, 1, undefined],
    [0.64, 2, undefined],
    [0.512, 3, 1],
    [0.41, 4, undefined],
    [0.328, 5, undefined],
    [0.262, 6, 2],
    [0.125, undefined, 3],
  ]);
});

Deno.test("every level stands in one row, no row has two of a run, and dense levels meet dense ones alone", () => {
  const run = fc.record({
    left: fc.double({ min: 0.3, max: 0.97, noNaN: true }),
    levels: fc.integer({ min: 0, max: 12 }),
  });
  fc.assert(fc.property(fc.array(run, { minLength: 1, maxLength: 5 }), (schedules) => {
    const runs = schedules.map(({ left, levels }, index) => ({ id: `${index}`, figures: schedule(left, levels) }));
    const rows = levelsBeside(runs);
    runs.forEach(({ figures }, index) => {
      const placed = rows.flatMap(({ levels }) => levels[index] ?? []);
      assert.deepEqual(new Set(placed), new Set(figures));
      assert.equal(placed.length, figures.length);
    });
    for (const { remaining, levels } of rows) {
      const present = levels.filter((own) => own !== undefined);
      assert.equal(new Set(present.map((own) => own.level === 0)).size, 1);
      for (const own of present) assert.ok(Math.abs(Math.log(own.remaining / remaining)) <= Math.log(1.15) + 1e-12);
    }
  }));
});

Deno.test("the first sentence names the better ticket, the nearest when none is better, or that they are as good", () => {
  const run = (id: string, accuracy: number, stop = 1_000) => ({
    id,
    figures: [level(0, 1), level(1, 0.5, accuracy, 0.05, stop)],
  });
  assert.match(
    describeBeside([run("a", 0.9), run("b", 0.95, 500), run("c", 0.92)], "early-stop").join(" "),
    /^The best ticket of b is better than the baseline's: \+5\.00 pp.*2\.00× earlier/,
  );
  assert.match(
    describeBeside([run("a", 0.9), run("b", 0.8), run("c", 0.85)], "early-stop")[0] ?? "",
    /^No run has a better ticket than the baseline\. The nearest is c: −5\.00 pp/,
  );
  assert.match(
    describeBeside([run("a", 0.9), run("b", 0.9005)], "early-stop")[0] ?? "",
    /about as good/,
  );
  assert.match(describeBeside([run("a", 0.9), run("b", 0.95)], "end")[0] ?? "", /94\.00 % at the end/);
  assert.match(
    describeBeside([{ id: "a", figures: [] }, run("b", 0.9)], "end")[0] ?? "",
    /baseline, a, has no ticket yet/,
  );
  assert.match(
    describeBeside([run("a", 0.9), { id: "b", figures: [] }], "end")[0] ?? "",
    /no other run has a ticket yet/,
  );
});
