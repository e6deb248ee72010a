import assert from "node:assert/strict";
import { split } from "../../src/data/split.ts";

Deno.test("split() holds every example once, in one part or the other", () => {
  const { train, validation } = split(60_000, 1, { validationSize: 5_000 });
  assert.equal(train.length, 55_000);
  assert.equal(validation.length, 5_000);
  const seen = new Uint8Array(60_000);
  for (const index of [...train, ...validation]) seen[index]! += 1;
  assert.ok(seen.every((times) => times === 1));
});

Deno.test("split() is the same for the same seed and another for another", () => {
  const options = { validationSize: 50 };
  assert.deepEqual(split(300, 5, options), split(300, 5, options));
  assert.notDeepEqual(split(300, 5, options), split(300, 6, options));
});

Deno.test("split() with a training size takes the beginning of the larger training part and the same validation part", () => {
  const whole = split(1000, 2, { validationSize: 100 });
  const part = split(1000, 2, { validationSize: 100, trainSize: 250 });
  assert.deepEqual(part.train, whole.train.slice(0, 250));
  assert.deepEqual(part.validation, whole.validation);
});

Deno.test("split() refuses parts that do not fit", () => {
  for (const validationSize of [-1, 10, 11, 2.5, NaN]) {
    assert.throws(() => split(10, 1, { validationSize }), { name: "RangeError", message: /of 10 training examples/ });
  }
  for (const trainSize of [0, -1, 8, 2.5, NaN]) {
    assert.throws(() => split(10, 1, { validationSize: 3, trainSize }), {
      name: "RangeError",
      message: /from 1 to 7$/,
    });
  }
  assert.equal(split(10, 1, { validationSize: 0 }).train.length, 10);
});
