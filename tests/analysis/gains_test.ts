/** Gains with their spread, and the paper's numbers beside ours, on a recorded run. Expected values are computed by hand from it. */
import assert from "node:assert/strict";
import { compareWithPaper, type MeasureName, measureNamed, measures, nearestLevel } from "../../src/analysis/claims.ts";
import { fractionEarlier, gainsOf, timesEarlier } from "../../src/analysis/gains.ts";
import { besidePaper, describeOutcome } from "../../src/analysis/outcome.ts";
import type { Spread } from "../../src/analysis/statistics.ts";
import type { Summary } from "../../src/analysis/summary.ts";
import { changed, recorded, withSecondDraws } from "./recorded_summary.ts";

function assertSpread(actual: Spread | null | undefined, values: readonly number[], what: string): void {
  assert.ok(actual, what);
  const wanted = {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    minimum: Math.min(...values),
    maximum: Math.max(...values),
  };
  for (const key of ["mean", "minimum", "maximum"] as const) {
    assert.ok(Math.abs(actual[key] - wanted[key]) < 1e-12, `${what}: ${key} is ${actual[key]}, not ${wanted[key]}`);
  }
  assert.equal(actual.count, values.length, what);
}

Deno.test("gains over the dense network are of pairs of one replicate, not of means", () => {
  // Early stops: dense 1,000 and 700, tickets of level 5 500 and 600.
  const gains = gainsOf(recorded, "ticket", 5);
  assertSpread(gains?.speedUp, [1000 / 500, 700 / 600], "speed-up");
  assertSpread(gains?.earlier, [1 / 2, 1 / 7], "earlier");
  assertSpread(gains?.accuracyAtEarlyStop, [0.9576 - 0.9559, 0.9622 - 0.9586], "accuracy at early stop");
  assertSpread(gains?.accuracyAtEnd, [0.961 - 0.9604, 0.9638 - 0.9626], "accuracy at the end");
  assertSpread(gains?.trainAccuracyAtEarlyStop, [0.99925 - 0.99875, 0.999625 - 0.994], "train accuracy");
  assertSpread(gains?.trainAccuracyAtEnd, [0, 0], "train accuracy at the end: all are 1");
  assert.deepEqual(gains?.censored, { own: 0, reference: 0 });
  assert.equal(gains?.pairs, 2);
});

Deno.test("gains over another arm pair every draw with its replicate's ticket, in either direction", () => {
  const summary = withSecondDraws({ earlyStopIteration: 950 });
  // Level 5: tickets 500 and 600, reinit 1,900 and 1,900, and the second draws.
  const times = gainsOf(summary, "ticket", 5, "reinit");
  assertSpread(times?.speedUp, [1900 / 500, 950 / 500, 1900 / 600, 950 / 600], "ticket over reinit");
  const inverse = gainsOf(summary, "reinit", 5, "ticket");
  assertSpread(inverse?.speedUp, [500 / 1900, 500 / 950, 600 / 1900, 600 / 950], "reinit over ticket");
  assert.equal(inverse?.arm, "reinit");
  assert.equal(inverse?.against, "ticket");
});

Deno.test("what diverged, on either side, is in no pair, and where none is left there are no gains", () => {
  const denseGone = changed((arm, level, index) =>
    arm === "ticket" && level === 0 && index === 0 ? { status: "diverged" } : {}
  );
  assertSpread(gainsOf(denseGone, "ticket", 5)?.speedUp, [700 / 600], "the other replicate");
  const ownGone = changed((arm, level, index) =>
    arm === "ticket" && level === 5 && index === 1 ? { status: "diverged" } : {}
  );
  assertSpread(gainsOf(ownGone, "ticket", 5)?.speedUp, [1000 / 500], "the other replicate");
  const allGone = changed((_arm, level) => level === 0 ? { status: "diverged" } : {});
  assert.equal(gainsOf(allGone, "ticket", 5), null);
  assert.equal(gainsOf(recorded, "ticket", 6), null, "a level that was not trained");
  assert.equal(gainsOf(recorded, "random", 5), null, "an arm that was not trained");
});

Deno.test("early stops on the last evaluation are counted once each, of both sides", () => {
  // Level 10: re-initialised networks stop at 2,400, the last, and 2,200.
  assert.deepEqual(gainsOf(recorded, "reinit", 10)?.censored, { own: 1, reference: 0 });
  assert.deepEqual(gainsOf(recorded, "ticket", 10, "reinit")?.censored, { own: 0, reference: 1 });
  const summary = withSecondDraws({});
  const gains = gainsOf(summary, "reinit", 10);
  assert.equal(gains?.pairs, 4);
  assert.deepEqual(gains?.censored, { own: 2, reference: 0 });
  const late = changed((arm, level) => arm === "ticket" && level === 0 ? { earlyStopIteration: 2400 } : {});
  assert.deepEqual(gainsOf(late, "reinit", 10)?.censored, { own: 1, reference: 2 });
});

Deno.test("an early stop at iteration 0 gives no ratio, and a missing one no pair of values", () => {
  assert.equal(timesEarlier(0, 100), null);
  assert.equal(fractionEarlier(100, 0), null);
  const summary = changed((arm, level, index) =>
    arm === "ticket" && level === 5 ? { earlyStopIteration: index === 0 ? 0 : null } : {}
  );
  const gains = gainsOf(summary, "ticket", 5);
  assert.equal(gains?.speedUp, null);
  assertSpread(gains?.earlier, [1], "earlier");
});

Deno.test("a claim is measured at the nearest level over pairs, and told with its range", () => {
  const lenet = { remaining: 0.211, value: 0.38, measure: "earlier-than-dense" } as const;
  const { measured: _, ...earlier } = compareWithPaper(lenet, recorded);
  assert.deepEqual(earlier, {
    paperRemaining: 0.211,
    remaining: recorded.arms[0]?.levels[1]?.remaining,
    quantity: "early stop, against dense",
    paper: "38 % earlier",
    ours: "32 % earlier (14 % earlier to 50 % earlier, of 2)",
    censored: 0,
  });
  const told = (claim: Parameters<typeof compareWithPaper>[0]): [string, string | null, number] => {
    const { quantity, ours, censored } = compareWithPaper(claim, recorded);
    return [quantity, ours, censored];
  };
  assert.deepEqual(told({ remaining: 0.211, value: 2.51, measure: "times-earlier", against: "reinit" }), [
    "early stop, reinit over ticket",
    "3.48× (3.17× to 3.80×, of 2)",
    0,
  ]);
  assert.deepEqual(told({ remaining: 0.1, value: 0, measure: "accuracy-over-dense" }), [
    "test accuracy at early stop, against dense",
    "+0.43 pp (+0.32 pp to +0.54 pp, of 2)",
    0,
  ]);
  assert.deepEqual(told({ remaining: 0.06, value: 0, measure: "earlier-than-dense", arm: "reinit" }), [
    "reinit: early stop, against dense",
    "177 % later (214 % later to 140 % later, of 2)",
    1,
  ]);
  assert.deepEqual(told({ remaining: 0.06, value: 0, measure: "accuracy-at-early-stop", arm: "reinit" }), [
    "reinit: test accuracy at early stop",
    "94.2 % (94.0 % to 94.4 %, of 2)",
    1,
  ]);
  // The end is the end, wherever the early stop is.
  assert.equal(told({ remaining: 0.06, value: 0, measure: "accuracy-at-end", arm: "reinit" })[2], 0);
  assert.deepEqual(told({ remaining: 0.5, value: 0, measure: "accuracy-at-end" })[1], null, "no level is near");
  assert.equal(compareWithPaper({ ...lenet, remaining: 0.5 }, recorded).remaining, null);
  assert.throws(
    () => compareWithPaper({ remaining: 0.211, value: 2.51, measure: "times-earlier" }, recorded),
    /^RangeError: .*needs an arm to measure ticket against/,
  );
});

Deno.test("a claim may be measured against another run, of another length, in pairs of one replicate", () => {
  const lenet = { remaining: 0.2386, value: 0, measure: "times-earlier-than-dense" } as const;
  // Its dense networks stop at 1,200 and 800 of 1,200 iterations; the tickets of level 5 at 500 and 600 of 2,400.
  const slower = changed((arm, level, index) =>
    arm === "ticket" && level === 0 ? { earlyStopIteration: index === 0 ? 1200 : 800 } : {}
  );
  const shorter: Summary = { ...slower, config: { ...slower.config, iterations: 1200 } };
  const { measured, censored } = compareWithPaper(lenet, recorded, shorter);
  assertSpread(measured, [1200 / 500, 800 / 600], "over the other run's dense networks");
  assert.equal(censored, 1, "the other run's last evaluation, not one's own");
  assert.equal(compareWithPaper(lenet, recorded, slower).censored, 0);
  const later = changed((arm) => arm === "reinit" ? { earlyStopIteration: 3000 } : {});
  const over = compareWithPaper({ ...lenet, measure: "times-earlier", against: "reinit" }, recorded, later);
  assertSpread(over.measured, [3000 / 500, 3000 / 600], "over the other run's arm at the same level");
});

Deno.test("a claim of the best is measured at the pruned level where it is most, the largest of equal ones", () => {
  const accuracies = [0.99, 0.93, 0.95, 0.95];
  const summary = changed((_arm, level) => ({
    testAccuracyAtEarlyStop: accuracies[[0, 5, 8, 10].indexOf(level)] ?? 0,
  }));
  const best = { remaining: "best", value: 0.02, measure: "accuracy-over-dense" } as const;
  const { paperRemaining, remaining, ours } = compareWithPaper(best, summary);
  assert.equal(paperRemaining, null);
  assert.equal(remaining, summary.arms[0]?.levels[2]?.remaining);
  assert.equal(ours, "−4.00 pp (−4.00 pp to −4.00 pp, of 2)", "the dense network is none of them");
  const gone = changed((_arm, level) => level === 0 ? {} : { status: "diverged" });
  assert.deepEqual([compareWithPaper(best, gone).remaining, compareWithPaper(best, gone).ours], [null, null]);
});

Deno.test("every measure has words and a value, of one network without a range", () => {
  const single = changed((_arm, _level, index) => index === 1 ? { status: "diverged" } : {});
  for (const name of Object.keys(measures).filter((name): name is MeasureName => name in measures)) {
    const { quantity, inWords, measure, against } = measureNamed(name);
    const measured = measure(single, 5, "ticket", "reinit");
    assert.equal(measured?.count, 1, name);
    assert.ok(Number.isFinite(measured.mean), name);
    const claim = { remaining: 0.2386, value: measured.mean, measure: name, against: "reinit" } as const;
    const { paper, ours } = compareWithPaper(claim, single);
    assert.equal(ours, paper, name);
    assert.equal(inWords(measured.mean), ours, name);
    assert.equal(quantity("ticket", "reinit").includes("reinit"), against === "arm", name);
  }
});

Deno.test("where a value stands in a figure is where measuring it gives the value back", () => {
  for (const { place, compare } of Object.values(measures)) {
    for (const [value, dense] of [[0.25, 800], [2, 0.5]] as const) {
      const placed = place?.(value, dense);
      if (placed !== undefined) assert.ok(Math.abs((compare(placed, dense) ?? NaN) - value) < 1e-12);
    }
  }
});

Deno.test("levels are near within 15 %, and the dense level to the whole network alone", () => {
  const levels = [1, 0.95, 0.5, 0.25].map((remaining, level) => ({ level, remaining }));
  const at = (remaining: number): number | undefined => nearestLevel(levels, remaining)?.level;
  assert.equal(at(1), 0);
  assert.equal(at(0.99), 1);
  assert.equal(at(0.5 / 1.149), 2);
  assert.equal(at(0.5 / 1.151), undefined);
  assert.equal(at(0.25 * 1.149), 3);
});

Deno.test("a control other than re-initialisation is compared, but not taken for what it is not", () => {
  const random: Summary = {
    ...recorded,
    arms: recorded.arms.flatMap((arm) => arm.name === "ticket" ? [arm, { ...arm, name: "random" as const }] : [arm]),
  };
  // The best ticket has 23.9 %; of the two controls there, one is the tickets over again.
  const [, ofRandom, ofReinit] = describeOutcome(random);
  assert.match(
    ofRandom ?? "",
    /^Against random \(random, per layer\) at 23\.9 %: its early stop came no later, .* ±0\.00 pp beside it\.$/,
  );
  assert.match(
    ofReinit ?? "",
    /^Against reinit \(ticket's mask, re-initialised\) at 23\.9 %: .*the initial values matter/,
  );
  const many = {
    ...recorded,
    arms: [...random.arms, ...random.arms.slice(1, 2).map((arm) => ({ ...arm, name: "er" as const }))],
  };
  const [, alone, others] = describeOutcome(many);
  assert.match(
    alone ?? "",
    /^Against reinit \(.*\) at 23\.9 %: its early stop came 3\.45× later, .*the initial values matter/,
  );
  assert.equal(
    others,
    "Against the other controls at 23.9 %, their early stop and the ticket's accuracy beside theirs: " +
      "random (random, per layer) no later, ±0.00 pp; er (random, Erdős–Rényi densities) no later, ±0.00 pp.",
  );
  // What the paper says of re-initialised networks stands beside those, wherever they are in the list.
  const ratio = besidePaper(random).find(({ quantity }) => quantity === "early stop, reinit over ticket");
  assert.equal(ratio?.ours, `${(1900 / 550).toFixed(2)}×`);
});
