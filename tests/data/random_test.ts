import assert from "node:assert/strict";
import { philox, RandomStream } from "../../src/data/random.ts";

Deno.test("philox() gives the known answers published with Random123", () => {
  const f = 0xffffffff;
  const cases = [
    [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [[f, f, f, f], [f, f], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const;
  for (const [[a, b, c, d], [key0, key1], expected] of cases) {
    const out = new Uint32Array(4);
    philox(a, b, c, d, key0, key1, out);
    assert.deepEqual([...out], [...expected]);
  }
});

Deno.test("a stream is Philox over (block, a, b, c) with the key (seed, purpose's code)", () => {
  const purposes = [
    ["split", 1],
    ["order", 2],
    ["weights", 3],
    ["reinit", 4],
    ["synthetic", 5],
    ["augment", 6],
    ["dropout", 7],
    ["mask", 8],
    ["redraw", 9],
    ["noise", 10],
  ] as const;
  for (const [purpose, code] of purposes) {
    const stream = new RandomStream(0xdeadbeef, purpose, 7, 8, 9);
    for (let block = 0; block < 3; block++) {
      const out = new Uint32Array(4);
      philox(block, 7, 8, 9, 0xdeadbeef, code, out);
      assert.deepEqual(Array.from({ length: 4 }, () => stream.uint32()), [...out]);
    }
  }
});

Deno.test("streams that differ in one number share nothing; equal streams share everything", () => {
  const draw = (stream: RandomStream): string => Array.from({ length: 8 }, () => stream.uint32()).join();
  const streams = [
    () => new RandomStream(1, "weights"),
    () => new RandomStream(2, "weights"),
    () => new RandomStream(1, "order"),
    () => new RandomStream(1, "weights", 1),
    () => new RandomStream(1, "weights", 0, 1),
    () => new RandomStream(1, "weights", 0, 0, 1),
  ];
  assert.equal(new Set(streams.map((open) => draw(open()))).size, streams.length);
  for (const open of streams) assert.equal(draw(open()), draw(open()));
});

Deno.test("uniform() and normal() have the moments and the range of their distributions", () => {
  const random = new RandomStream(3, "weights");
  const count = 200_000;
  let [sum, squares, fourth, uniformSum] = [0, 0, 0, 0];
  const bins = new Uint32Array(16);
  for (let at = 0; at < count; at++) {
    const uniform = random.uniform();
    assert.ok(uniform >= 0 && uniform < 1);
    uniformSum += uniform;
    bins[Math.floor(uniform * 16)]! += 1;
    const normal = random.normal();
    assert.ok(Number.isFinite(normal));
    sum += normal;
    squares += normal ** 2;
    fourth += normal ** 4;
  }
  // Five standard errors each.
  const bound = 5 / Math.sqrt(count);
  assert.ok(Math.abs(uniformSum / count - 0.5) < bound * Math.sqrt(1 / 12));
  assert.ok(Math.abs(sum / count) < bound);
  assert.ok(Math.abs(squares / count - 1) < bound * Math.sqrt(2));
  assert.ok(Math.abs(fourth / count - 3) < bound * Math.sqrt(96));
  const chiSquare = bins.reduce((total, seen) => total + (seen - count / 16) ** 2 / (count / 16), 0);
  assert.ok(chiSquare < 44, `χ² of 16 bins is ${chiSquare}; 44 is exceeded once in 10,000`);
});

Deno.test("below() stays below its bound, reaches every value evenly, and needs no power of two", () => {
  const random = new RandomStream(4, "split");
  const seen = new Uint32Array(7);
  for (let at = 0; at < 70_000; at++) seen[random.below(7)]! += 1;
  const chiSquare = seen.reduce((total, count) => total + (count - 10_000) ** 2 / 10_000, 0);
  assert.ok(chiSquare < 28, `χ² of 7 bins is ${chiSquare}; 28 is exceeded once in 10,000`);
  assert.equal(random.below(1), 0);
  assert.ok(random.below(0x1_0000_0000) >= 0);
});

Deno.test("below() draws again where a remainder would be biased", () => {
  // Of 2³² words, n = 3·2³⁰ leaves the last 2³⁰ unused: without rejection the lowest third would come up half the time.
  const random = new RandomStream(5, "split");
  const n = 3 * 2 ** 30;
  let low = 0;
  for (let at = 0; at < 30_000; at++) low += Number(random.below(n) < n / 3);
  assert.ok(Math.abs(low / 30_000 - 1 / 3) < 5 * Math.sqrt(2 / 9 / 30_000), `${low} of 30000`);
});

Deno.test("permutation() holds every integer once, in an order that depends on the seed", () => {
  for (const n of [0, 1, 2, 5, 1000]) {
    const order = new RandomStream(6, "order").permutation(n);
    assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: n }, (_, at) => at));
  }
  assert.notDeepEqual(new RandomStream(6, "order").permutation(50), new RandomStream(7, "order").permutation(50));
});

Deno.test("permutation() gives each order of three equally often", () => {
  const random = new RandomStream(8, "order");
  const seen = new Map<string, number>();
  for (let at = 0; at < 12_000; at++) {
    const order = random.permutation(3).join("");
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  assert.equal(seen.size, 6);
  const chiSquare = [...seen.values()].reduce((total, count) => total + (count - 2000) ** 2 / 2000, 0);
  assert.ok(chiSquare < 26, `χ² of 6 orders is ${chiSquare}; 26 is exceeded once in 10,000`);
});

Deno.test("numbers out of range are refused with the range", () => {
  for (const seed of [-1, 1.5, 2 ** 32, NaN]) {
    assert.throws(() => new RandomStream(seed, "split"), { name: "RangeError", message: /as seed: .*4294967295/ });
  }
  assert.throws(() => new RandomStream(0, "split", 0, 0, -1), RangeError);
  const random = new RandomStream(0, "split");
  for (const n of [0, -1, 1.5, 2 ** 32 + 1, NaN]) assert.throws(() => random.below(n), RangeError);
  assert.throws(() => random.permutation(-1), RangeError);
});
