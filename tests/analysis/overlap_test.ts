/** Overlap of masks: counted another way, chance by trying all masks, and what is said of it. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import {
  chanceHammingOf,
  chanceJaccardOf,
  chanceOf,
  describeOverlap,
  deviationsOf,
  hammingOf,
  jaccardOf,
  measuresOf,
  type Overlap,
  overlapOf,
  type PackedLayer,
  packLayer,
  shareOf,
} from "../../src/analysis/overlap.ts";
import { RandomStream } from "../../src/data/random.ts";

const bit = fc.integer({ min: 0, max: 1 });

/** Two masks of a length, and values with signs of all kinds. */
const layerPair = fc.integer({ min: 1, max: 200 }).chain((length) =>
  fc.record({
    a: fc.array(bit, { minLength: length, maxLength: length }),
    b: fc.array(bit, { minLength: length, maxLength: length }),
    x: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: length, maxLength: length }),
    y: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: length, maxLength: length }),
  })
);

Deno.test("what overlapOf() counts in packed bits is what counting one by one gives, of any length", () => {
  fc.assert(fc.property(layerPair, ({ a, b, x, y }) => {
    const [valuesX, valuesY] = [Float32Array.from(x), Float32Array.from(y)];
    const { all, layers: [layer] } = overlapOf([packLayer("dense1", Uint8Array.from(a), valuesX)], [
      packLayer("dense1", Uint8Array.from(b), valuesY),
    ]);
    const both = a.flatMap((own, index) => own === 1 && b[index] === 1 ? [index] : []);
    assert.equal(all.keptA, a.filter((own) => own === 1).length);
    assert.equal(all.keptB, b.filter((own) => own === 1).length);
    assert.equal(all.shared, both.length);
    const same = both.filter((index) => ((valuesX[index] ?? 0) > 0) === ((valuesY[index] ?? 0) > 0)).length;
    assert.equal(all.sameSign, same);
    assert.equal(layer?.shared, all.shared);
    assert.equal(all.size, a.length);
  }));
});

Deno.test("chance has mean and deviation of the shared count over every mask of that size there is", () => {
  for (const [size, keptA, keptB] of [[6, 3, 2], [7, 1, 5], [8, 4, 4], [5, 5, 2], [4, 0, 2]] as const) {
    const mask = (kept: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => index < kept ? 1 : 0);
    const { all } = overlapOf([packLayer("dense1", mask(keptA))], [packLayer("dense1", mask(keptB))]);
    const shared = Array.from({ length: 2 ** size }, (_, word) => word)
      .filter((word) => onesIn(word) === keptB).map((word) => onesIn(word & (2 ** keptA - 1)));
    const mean = shared.reduce((sum, count) => sum + count, 0) / shared.length;
    const variance = shared.reduce((sum, count) => sum + (count - mean) ** 2, 0) / shared.length;
    assert.ok(Math.abs(all.expected - mean) < 1e-12, `${size} ${keptA} ${keptB}: ${all.expected} for ${mean}`);
    assert.ok(Math.abs(all.deviation - Math.sqrt(variance)) < 1e-12, `${all.deviation} for ${Math.sqrt(variance)}`);
  }
});

Deno.test("masks that are drawn independently stay within five deviations of chance, per layer and in all", () => {
  const draw = (seed: number): PackedLayer[] =>
    [{ name: "conv1", size: 900, kept: 400 }, { name: "dense1", size: 20_000, kept: 1_700 }].map(
      ({ name, size, kept }) => {
        const random = new RandomStream(seed, "split");
        const order = Array.from({ length: size }, (_, index) => ({ index, key: random.uint32() }))
          .sort((a, b) => a.key - b.key || a.index - b.index);
        const mask = new Uint8Array(size);
        for (const { index } of order.slice(0, kept)) mask[index] = 1;
        return packLayer(name, mask);
      },
    );
  for (let seed = 1; seed <= 5; seed++) {
    const { all, layers } = overlapOf(draw(seed), draw(seed + 100));
    for (const own of [all, ...layers]) assert.ok(Math.abs(deviationsOf(own) ?? Infinity) < 5, JSON.stringify(own));
    assert.match(describeOverlap({ all, layers }, "A", "B")[0] ?? "", /no more than chance/);
  }
});

Deno.test("in all, counts and expectations are the layers' sums, and variances add", () => {
  const a = [packLayer("dense1", Uint8Array.of(1, 1, 0, 0)), packLayer("dense2", Uint8Array.of(1, 0, 0))];
  const b = [packLayer("dense1", Uint8Array.of(0, 1, 1, 0)), packLayer("dense2", Uint8Array.of(1, 0, 0))];
  const { all, layers } = overlapOf(a, b);
  assert.equal(all.shared, 2);
  assert.equal(all.keptA, 3);
  assert.ok(Math.abs(all.expected - (1 + 1 / 3)) < 1e-12);
  assert.ok(
    Math.abs(all.deviation ** 2 - layers.reduce((sum, { deviation }) => sum + deviation ** 2, 0)) < 1e-12,
  );
  assert.equal(all.sameSign, null);
  assert.equal(shareOf(all), 2 / 3);
  assert.equal(jaccardOf(all), 2 / 4);
  assert.ok(Math.abs((chanceOf(all) ?? 0) - (4 / 3) / 3) < 1e-12);
});

/** Two masks of a layer of `size` weights, their survivors `shared` in common. */
function masksOf(size: number, keptA: number, keptB: number, shared: number): Overlap {
  const mask = (from: number, to: number): Uint8Array => new Uint8Array(size).fill(1, from, to);
  return overlapOf([packLayer("dense1", mask(0, keptA))], [
    packLayer("dense1", mask(keptA - shared, keptA - shared + keptB)),
  ]).all;
}

Deno.test("Jaccard and Hamming of two masks, and both by chance, are what counting by hand gives", () => {
  // 10 weights: A keeps 4, B 5, both 2. Either keeps 7, 5 differ. Chance shares 4 · 5 / 10 = 2 as well.
  const own = masksOf(10, 4, 5, 2);
  assert.deepEqual(measuresOf(own), { jaccard: 2 / 7, chanceJaccard: 2 / 7, hamming: 0.5, chanceHamming: 0.5 });
  // 12 weights: A keeps 6, B 4, both all of B's. Chance shares 2: of either 2 / 8, and 6 of 12 differ.
  assert.deepEqual(measuresOf(masksOf(12, 6, 4, 4)), {
    jaccard: 4 / 6,
    chanceJaccard: 2 / 8,
    hamming: 2 / 12,
    chanceHamming: 6 / 12,
  });
  assert.deepEqual(measuresOf(masksOf(8, 8, 8, 8)), { jaccard: 1, chanceJaccard: 1, hamming: 0, chanceHamming: 0 });
  assert.deepEqual(measuresOf(masksOf(8, 0, 0, 0)), {
    jaccard: null,
    chanceJaccard: null,
    hamming: 0,
    chanceHamming: 0,
  });
  assert.deepEqual(measuresOf(masksOf(0, 0, 0, 0)), {
    jaccard: null,
    chanceJaccard: null,
    hamming: null,
    chanceHamming: null,
  });
});

Deno.test("by chance Jaccard is d / (2 − d) and Hamming 2d(1 − d), and with two densities their general forms", () => {
  const close = (found: number | null, wanted: number): void =>
    assert.ok(found !== null && Math.abs(found - wanted) < 1e-12, `${found}, not ${wanted}`);
  const size = 1000;
  for (const [keptA, keptB] of [[500, 500], [211, 211], [36, 36], [1000, 1000], [211, 36], [1, 999]] as const) {
    const [a, b] = [keptA / size, keptB / size];
    const own = masksOf(size, keptA, keptB, Math.min(keptA, keptB));
    close(chanceJaccardOf(own), a * b / (a + b - a * b));
    close(chanceHammingOf(own), a + b - 2 * a * b);
    if (keptA !== keptB) continue;
    close(chanceJaccardOf(own), a / (2 - a));
    close(chanceHammingOf(own), 2 * a * (1 - a));
  }
});

Deno.test("over every mask of a size Hamming comes to its chance, and Jaccard a little above, less in larger layers", () => {
  const gaps = [6, 12].map((size) => {
    const [keptA, keptB] = [size / 2, size / 3];
    const shares = Array.from({ length: 2 ** size }, (_, word) => word)
      .filter((word) => onesIn(word) === keptB).map((word) => onesIn(word & (2 ** keptA - 1)));
    const own = masksOf(size, keptA, keptB, 1);
    const mean = (of: (overlap: Overlap) => number | null): number =>
      shares.reduce((sum, shared) => sum + (of({ ...own, shared }) ?? NaN), 0) / shares.length;
    assert.ok(Math.abs(mean(hammingOf) - (chanceHammingOf(own) ?? NaN)) < 1e-12);
    return mean(jaccardOf) - (chanceJaccardOf(own) ?? NaN);
  });
  const [small = NaN, large = NaN] = gaps;
  assert.ok(0 < large && large < small && small < 1 / 6, gaps.join(" and "));
});

Deno.test("the words tell equal, nested, dense and empty masks from those that chance would give", () => {
  const wide = Uint8Array.from({ length: 100 }, (_, index) => index < 60 ? 1 : 0);
  const narrow = Uint8Array.from({ length: 100 }, (_, index) => index < 20 ? 1 : 0);
  const elsewhere = Uint8Array.from({ length: 100 }, (_, index) => index >= 40 ? 1 : 0);
  const say = (a: Uint8Array, b: Uint8Array): string =>
    describeOverlap(overlapOf([packLayer("dense1", a)], [packLayer("dense1", b)]), "A", "B").join(" ");
  assert.match(say(wide, wide), /share 100\.0 %.*the very same weights/);
  assert.match(say(narrow, wide), /every survivor of A survives in B too/);
  assert.match(
    say(wide, narrow),
    /share 33\.3 %.*chance alone would give 20\.0 %.*every survivor of B survives in A too/,
  );
  assert.match(say(wide, elsewhere), /less than chance, by \d+ standard deviations/);
  assert.match(say(new Uint8Array(100).fill(1), new Uint8Array(100).fill(1)), /Both networks are dense/);
  assert.match(say(new Uint8Array(100), wide), /No weight of A survives/);
});

Deno.test("tickets of different networks are refused, with both networks named", () => {
  const a = [packLayer("dense1", new Uint8Array(6))];
  assert.throws(() => overlapOf(a, [packLayer("dense1", new Uint8Array(7))]), {
    name: "RangeError",
    message: /dense1 \(6\) with one of dense1 \(7\)/,
  });
  assert.throws(() => overlapOf(a, [packLayer("conv1", new Uint8Array(6))]), RangeError);
  assert.throws(() => overlapOf(a, []), { name: "RangeError", message: /no layers/ });
});

function onesIn(word: number): number {
  let count = 0;
  for (let rest = word; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
