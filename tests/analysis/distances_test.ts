/** Histograms, surviving initial weights and distances moved: by hand, and on training that PyTorch recorded. */
import assert from "node:assert/strict";
import { distancesMoved, type MovedLayer } from "../../src/analysis/distances.ts";
import { survivingInitials } from "../../src/analysis/distributions.ts";
import { densitiesOf, histogramOf, selected } from "../../src/analysis/histogram.ts";
import { layOut } from "../../src/nn/network.ts";
import { readRecordedRun } from "../reference/recorded_run.ts";

const run = readRecordedRun("lenet-small-adam-dense");
const sparse = readRecordedRun("lenet-small-adam-sparse");

/** The dense training that PyTorch recorded, with the masks of its sparse one. */
const moved: readonly MovedLayer[] = layOut(run.network).layers.map(({ name }, index) => ({
  name,
  initial: Float32Array.from(run.initial[index]?.weight ?? []),
  final: Float32Array.from(run.final[index]?.weight ?? []),
  mask: sparse.masks[index] ?? new Uint8Array(0),
}));

Deno.test("bins are half open but for the last, an even number has an edge at zero, and the mean is of the values", () => {
  const { counts, count, mean } = histogramOf([-1, -0.5, -1 / 1024, 0, 0.5, 1], { from: -1, to: 1, bins: 4 });
  assert.deepEqual(counts, [1, 2, 1, 2]);
  assert.equal(count, 6);
  assert.equal(mean, -1 / 1024 / 6);
  assert.deepEqual(histogramOf([3, 3], { from: 3, to: 3, bins: 4 }).counts, [0, 0, 2, 0]);
  assert.deepEqual(histogramOf([], { from: 0, to: 1, bins: 2 }), {
    from: 0,
    to: 1,
    counts: [0, 0],
    count: 0,
    mean: null,
  });
  for (const value of [1.5, -0.1, NaN]) {
    assert.throws(() => histogramOf([value], { from: 0, to: 1, bins: 2 }), /^RangeError: Cannot count .* from 0 to 1/);
  }
});

Deno.test("densities are areas that add up to 1, whatever the bins", () => {
  for (const bins of [1, 7, 64]) {
    const histogram = histogramOf([0, 0.3, 0.7, 2.5], { from: 0, to: 2.5, bins });
    const area = densitiesOf(histogram).reduce((sum, density) => sum + density * 2.5 / bins, 0);
    assert.ok(Math.abs(area - 1) < 1e-12);
  }
  assert.deepEqual(densitiesOf(histogramOf([0, 0, 0, 1.5], { from: 0, to: 2, bins: 2 })), [0.75, 0.25]);
  assert.deepEqual(densitiesOf(histogramOf([], { from: 0, to: 1, bins: 2 })), [0, 0]);
});

Deno.test("distances are told apart by the ticket's mask, in bins that both share", () => {
  const layer = {
    name: "dense1",
    initial: Float32Array.of(1, -1, 0.5, 0, 2),
    final: Float32Array.of(0.5, -3, -0.5, 0.25, Infinity),
    mask: Uint8Array.of(1, 1, 0, 0, 1),
  };
  const [distance] = distancesMoved([[layer]], { bins: 4 });
  // |Δ| = 0.5, 2 in the ticket, 1, 0.25 outside it.
  assert.equal(distance?.limit, 2);
  assert.deepEqual(distance.inTicket, { from: 0, to: 2, counts: [0, 1, 0, 1], count: 2, mean: 1.25 });
  assert.deepEqual(distance.outside, { from: 0, to: 2, counts: [1, 0, 1, 0], count: 2, mean: 0.625 });
  assert.equal(distance.notFinite, 1);
  // |θfinal| − |θ0| = −0.5, 2 in the ticket, 0, 0.25 outside it.
  const [away] = distancesMoved([[layer], [layer]], { measure: "away-from-zero", bins: 4 });
  assert.deepEqual(away?.inTicket, { from: -2, to: 2, counts: [0, 2, 0, 2], count: 4, mean: 0.75 });
  assert.deepEqual(away.outside, { from: -2, to: 2, counts: [0, 0, 4, 0], count: 4, mean: 0.125 });
  assert.equal(away.notFinite, 2, "two replicates");
});

Deno.test("in recorded training all weights are counted once, and none moves further than Adam's steps reach", () => {
  const distances = distancesMoved([moved]);
  assert.deepEqual(distances.map(({ layer }) => layer), ["dense1", "dense2", "dense3"]);
  distances.forEach(({ inTicket, outside, limit }, index) => {
    const mask = moved[index]?.mask ?? new Uint8Array(0);
    const kept = mask.reduce((sum, one) => sum + one, 0);
    assert.deepEqual([inTicket.count, outside.count], [kept, mask.length - kept]);
    // Ten steps; each is at most (1 − β1) / √(1 − β2) = 3.17 learning rates long (Kingma & Ba 2015, section 2.1).
    assert.ok(limit > run.lr && limit <= 10 * 0.1 / Math.sqrt(0.001) * run.lr, `${limit} at ${run.lr}`);
    // The mean over all weights, without masks and bins.
    const initial = run.initial[index]?.weight ?? new Float64Array(0);
    const all = run.final[index]?.weight.map((value, at) => Math.abs(value - (initial[at] ?? NaN))) ??
      new Float64Array(0);
    const mean = all.reduce((sum, distance) => sum + distance, 0) / all.length;
    const parts = ((inTicket.mean ?? NaN) * inTicket.count + (outside.mean ?? NaN) * outside.count) / all.length;
    assert.ok(Math.abs(parts - mean) < 1e-9);
  });
});

Deno.test("distances of layers that do not belong together are refused", () => {
  const [first, second] = moved;
  assert.ok(first && second);
  assert.throws(() => distancesMoved([[first], [second]]), /^RangeError: .*layer 1 is dense2 where dense1 is wanted/);
  assert.throws(() => distancesMoved([[first], []]), /^RangeError: .*layer 1 is missing/);
  assert.throws(() => distancesMoved([[{ ...first, mask: new Uint8Array(3) }]]), /^RangeError: .*a mask of 3/);
});

Deno.test("surviving initial weights have bins that all levels share, and replicates are counted together", () => {
  const initial = Float32Array.of(-2, -0.5, 0.5, 4);
  const level = (...mask: number[]) => [{ name: "dense1", mask: Uint8Array.from(mask), initial }];
  const [layer] = survivingInitials([
    { remaining: 1, tickets: [level(1, 1, 1, 1)] },
    { remaining: 0.5, tickets: [level(1, 0, 0, 1), level(1, 1, 0, 0)] },
  ], 4);
  assert.equal(layer?.limit, 4);
  assert.deepEqual(layer.levels.map(({ remaining, histogram: { counts, mean } }) => ({ remaining, counts, mean })), [
    { remaining: 1, counts: [0, 2, 1, 1], mean: 0.5 },
    { remaining: 0.5, counts: [0, 3, 0, 1], mean: -0.125 },
  ]);
  assert.deepEqual(survivingInitials([]), []);
  assert.throws(
    () => survivingInitials([{ remaining: 1, tickets: [level(1, 1, 1, 1), []] }]),
    /^RangeError: .*tickets of 1: layer 1 is missing where dense1/,
  );
});

Deno.test("pruning the recorded network by its initial magnitudes empties the middle of its distribution", () => {
  const pruned = moved.map(({ name, initial }) => {
    const sorted = initial.map(Math.abs).toSorted();
    const threshold = sorted[Math.floor(sorted.length / 2)] ?? NaN;
    return {
      name,
      initial,
      mask: Uint8Array.from(initial, (value) => Math.abs(value) >= threshold ? 1 : 0),
      threshold,
    };
  });
  const levels = [
    { remaining: 1, tickets: [moved.map((layer) => ({ ...layer, mask: new Uint8Array(layer.mask.length).fill(1) }))] },
    { remaining: 0.5, tickets: [pruned] },
  ];
  survivingInitials(levels).forEach(({ limit, levels: [dense, half] }, index) => {
    assert.ok(dense && half);
    const threshold = pruned[index]?.threshold ?? NaN;
    dense.histogram.counts.forEach((count, bin) => {
      const [low, high] = [bin, bin + 1].map((edge) => Math.abs(edge / 32 - 1) * limit);
      const nearest = Math.min(low ?? NaN, high ?? NaN);
      const furthest = Math.max(low ?? NaN, high ?? NaN);
      const own = half.histogram.counts[bin];
      if (furthest < threshold) assert.equal(own, 0, "inside the threshold nothing survives");
      else if (nearest > threshold) assert.equal(own, count, "outside of it everything does");
    });
    assert.ok(dense.histogram.counts[32] !== 0, "there was a middle");
  });
});

Deno.test("a mask selects survivors, or what is pruned", () => {
  const mask = Uint8Array.of(1, 0, 1);
  assert.deepEqual([...selected([5, 6, 7], mask)], [5, 7]);
  assert.deepEqual([...selected([5, 6, 7], mask, false)], [6]);
});
