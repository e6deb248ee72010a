import assert from "node:assert/strict";
import { maximumExamples, unpackAugmentation } from "../../src/data/augmentation.ts";
import { DataOrder } from "../../src/data/order.ts";

const train = Uint32Array.from({ length: 103 }, (_, at) => 1000 + at * 3);
const stream = { arm: 0, level: 0 };

Deno.test("an epoch of 55,000 examples has 916 batches of 60 and drops the 40 that are left", () => {
  const all = Uint32Array.from({ length: 55_000 }, (_, at) => at);
  const order = new DataOrder(all, 60, 1, stream);
  assert.equal(order.stepsPerEpoch, 916);
  for (let epoch = 0; epoch < 2; epoch++) {
    const seen = new Set(order.next(916));
    assert.equal(seen.size, 916 * 60);
  }
});

Deno.test("every epoch holds each example at most once, all of them training examples, in a new order", () => {
  const order = new DataOrder(train, 10, 7, stream);
  const allowed = new Set(train);
  const epochs = Array.from({ length: 20 }, () => order.next(10));
  for (const epoch of epochs) {
    assert.equal(new Set(epoch).size, 100);
    assert.ok(epoch.every((index) => allowed.has(index)));
  }
  assert.equal(new Set(epochs.map(String)).size, epochs.length);
  // What one epoch drops, another sees.
  assert.equal(new Set(epochs.flatMap((epoch) => [...epoch])).size, train.length);
});

Deno.test("the order does not depend on how many batches are asked for at a time", () => {
  const whole = new DataOrder(train, 10, 7, stream).next(40);
  for (const chunks of [[3, 5, 32], [1, 9, 10, 20], [0, 10, 0, 30], [39, 1]]) {
    const order = new DataOrder(train, 10, 7, stream);
    assert.deepEqual(chunks.flatMap((steps) => [...order.next(steps)]), [...whole]);
  }
});

Deno.test("an order that skips batches goes on as one that gave them, within an epoch and beyond, with augmentation too", () => {
  for (const augment of [false, true]) {
    const make = (): DataOrder => new DataOrder(train, 10, 7, stream, { augment });
    const whole = [...make().next(60)];
    for (const skipped of [0, 1, 9, 10, 11, 20, 37]) {
      const order = make();
      order.skip(skipped);
      assert.deepEqual([...order.next(60 - skipped)], whole.slice(skipped * 10), `${skipped}`);
    }
    const order = make();
    const first = [...order.next(10)];
    order.skip(3);
    order.skip(12);
    assert.deepEqual([...first, ...order.next(35)], [...whole.slice(0, 100), ...whole.slice(250)]);
  }
  for (const steps of [-1, 0.5, NaN]) {
    assert.throws(() => new DataOrder(train, 10, 7, stream).skip(steps), {
      name: "RangeError",
      message: /Cannot skip/,
    });
  }
});

Deno.test("arms, levels, draws and seeds each have an order of their own, and it is the same every time", () => {
  const first = (seed: number, name: { arm: number; level: number; draw?: number }): string =>
    new DataOrder(train, 10, seed, name).next(10).join();
  const orders = [
    () => first(1, { arm: 0, level: 0 }),
    () => first(2, { arm: 0, level: 0 }),
    () => first(1, { arm: 1, level: 0 }),
    () => first(1, { arm: 0, level: 1 }),
    () => first(1, { arm: 0, level: 0, draw: 1 }),
  ];
  assert.equal(new Set(orders.map((order) => order())).size, orders.length);
  for (const order of orders) assert.equal(order(), order());
});

Deno.test("a batch may hold all examples", () => {
  const order = new DataOrder(train, train.length, 1, stream);
  assert.deepEqual([...order.next(1)].sort((a, b) => a - b), [...train]);
});

Deno.test("sizes out of range are refused", () => {
  for (const batchSize of [0, -1, 1.5, 104, NaN]) {
    assert.throws(() => new DataOrder(train, batchSize, 1, stream), { name: "RangeError", message: /from 1 to 103$/ });
  }
  for (const wrong of [{ arm: -1, level: 0 }, { arm: 0, level: 65536 }, { arm: 0, level: 0, draw: 1.5 }]) {
    assert.throws(() => new DataOrder(train, 10, 1, wrong), RangeError);
  }
  for (const steps of [-1, 1.5, NaN]) assert.throws(() => new DataOrder(train, 10, 1, stream).next(steps), RangeError);
});

Deno.test("with augmentation the examples come in the same order, each with a flip and a shift of its own", () => {
  const plain = new DataOrder(train, 10, 7, stream).next(200);
  const words = [...new DataOrder(train, 10, 7, stream, { augment: true }).next(200)].map(unpackAugmentation);
  assert.deepEqual(words.map(({ example }) => example), [...plain]);
  assert.equal(new Set(words.map(({ dy, dx, flip }) => `${dy} ${dx} ${flip}`)).size, 162, "2,000 draws show all 162");
});

Deno.test("an augmented epoch can be replayed, in pieces of any size, and no other has its flips and shifts", () => {
  const order = (seed = 7, name = stream): DataOrder => new DataOrder(train, 10, seed, name, { augment: true });
  const whole = order().next(40);
  for (const chunks of [[3, 5, 32], [1, 9, 10, 20], [39, 1]]) {
    const again = order();
    assert.deepEqual(chunks.flatMap((steps) => [...again.next(steps)]), [...whole]);
  }
  const changes = (words: Uint32Array): string => words.map((word) => word >>> 21).join();
  const others = [
    order().next(10),
    whole.subarray(100, 200),
    order(8).next(10),
    order(7, { arm: 1, level: 0 }).next(10),
    order(7, { arm: 0, level: 1 }).next(10),
  ];
  assert.equal(new Set(others.map(changes)).size, others.length);
});

Deno.test("augmentation refuses an example whose number does not fit into a word beside it", () => {
  const large = Uint32Array.of(0, maximumExamples);
  assert.deepEqual([...new DataOrder(large, 2, 1, stream).next(1)].sort((a, b) => a - b), [...large]);
  assert.throws(() => new DataOrder(large, 2, 1, stream, { augment: true }), {
    name: "RangeError",
    message: /example 2097152.*below 2097152/,
  });
});
