/** Widths of texts and numbers on axes. */
import assert from "node:assert/strict";
import { numberLabel, remainingLabel, shortened, textWidth, tickLabels, wrapped } from "../../src/plot/text.ts";

Deno.test("remainingLabel() writes percentages as the paper does", () => {
  assert.deepEqual([1, 0.5132, 0.2114, 0.0703, 0.036, 0.00999, 0.0034, 0].map(remainingLabel), [
    "100",
    "51.3",
    "21.1",
    "7.0",
    "3.6",
    "1.0",
    "0.34",
    "0",
  ]);
});

Deno.test("tickLabels() gives all ticks the digits that their step needs", () => {
  assert.deepEqual(tickLabels([0, 5000, 10_000]), ["0", "5,000", "10,000"]);
  assert.deepEqual(tickLabels([97.5, 98, 98.5]), ["97.5", "98.0", "98.5"]);
  assert.deepEqual(tickLabels([0.1 + 0.2, 0.6]), ["0.3", "0.6"]);
  assert.deepEqual(tickLabels([-0.25, 0, 0.25]), ["−0.25", "0.00", "0.25"]);
  assert.deepEqual(tickLabels([0, 2e9, 1e10]), ["0", "2×10⁹", "10¹⁰"]);
  assert.deepEqual(tickLabels([0, 2e-7, 4e-7]), ["0", "2×10⁻⁷", "4×10⁻⁷"]);
  assert.deepEqual(tickLabels([]), []);
  assert.deepEqual(tickLabels([3]), ["3"]);
});

Deno.test("tickLabels() tells different ticks apart at every magnitude", () => {
  for (let power = -9; power <= 12; power++) {
    const ticks = [1, 2, 3, 4, 5].map((factor) => factor * 10 ** power);
    assert.equal(new Set(tickLabels(ticks)).size, ticks.length, `10^${power}`);
  }
});

Deno.test("numberLabel() keeps three digits and says powers where digits would be too many", () => {
  assert.deepEqual([0, 5.186, 58.52, 1161.14, 20_000, 3e9, 2.5e-7, -3].map(numberLabel), [
    "0",
    "5.19",
    "58.5",
    "1,161",
    "20,000",
    "3×10⁹",
    "2.5×10⁻⁷",
    "−3",
  ]);
});

Deno.test("shortened() and wrapped() keep within a width, and leave alone what fits", () => {
  assert.equal(shortened("dense1", 12, 1000), "dense1");
  const long = "a name that is much too long for its place";
  assert.ok(textWidth(shortened(long, 12, 100), 12) <= 100);
  assert.ok(shortened(long, 12, 100).endsWith("…"));
  const lines = wrapped(long, 12, 100);
  assert.ok(lines.length > 1 && lines.every((line) => textWidth(line, 12) <= 100));
  assert.equal(lines.join(" "), long);
  assert.ok(textWidth(wrapped("x".repeat(200), 12, 100)[0] ?? "", 12) <= 100);
});
