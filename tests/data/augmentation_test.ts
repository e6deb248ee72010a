import assert from "node:assert/strict";
import {
  drawAugmentation,
  maximumExamples,
  packAugmentation,
  unpackAugmentation,
} from "../../src/data/augmentation.ts";
import { RandomStream } from "../../src/data/random.ts";

Deno.test("packAugmentation() puts example, dy, dx and flip where the kernel looks for them, below bit 30", () => {
  for (const example of [0, 1, 12_345, maximumExamples - 1]) {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        for (const flip of [false, true]) {
          const word = packAugmentation(example, { dy, dx, flip });
          assert.equal(word, example + (dy + 4) * 2 ** 21 + (dx + 4) * 2 ** 25 + Number(flip) * 2 ** 29);
          assert.deepEqual(unpackAugmentation(word), { example, dy, dx, flip });
        }
      }
    }
  }
});

Deno.test("packAugmentation() refuses what does not fit", () => {
  const still = { dy: 0, dx: 0, flip: false };
  for (const example of [-1, 0.5, maximumExamples, NaN]) {
    assert.throws(() => packAugmentation(example, still), { name: "RangeError", message: /below 2097152/ });
  }
  for (const shift of [-5, 5, 0.5, NaN]) {
    for (const wrong of [{ ...still, dy: shift }, { ...still, dx: shift }]) {
      assert.throws(() => packAugmentation(0, wrong), { name: "RangeError", message: /from -4 to 4/ });
    }
  }
});

Deno.test("drawAugmentation() draws each of 81 shifts and two orientations equally often", () => {
  const random = new RandomStream(3, "augment");
  const seen = new Map<number, number>();
  for (let at = 0; at < 162 * 200; at++) {
    const word = packAugmentation(0, drawAugmentation(random));
    seen.set(word, (seen.get(word) ?? 0) + 1);
  }
  assert.equal(seen.size, 162);
  const chiSquare = [...seen.values()].reduce((total, count) => total + (count - 200) ** 2 / 200, 0);
  assert.ok(chiSquare < 235, `χ² of 162 outcomes is ${chiSquare}; 235 is exceeded once in 10,000`);
});
