/** Surviving connections per unit, and instability: by hand and by counting one by one. */
import assert from "node:assert/strict";
import { connectionHistogram, connectionsOf } from "../../src/analysis/connections.ts";
import { instabilityOf } from "../../src/analysis/instability.ts";
import { readRecordedRun } from "../reference/recorded_run.ts";
import { layOut } from "../../src/nn/network.ts";

Deno.test("a dense layer's columns are incoming, its rows outgoing connections", () => {
  const layer = { inputs: 3, outputs: 4, mask: Uint8Array.of(1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1) };
  const incoming = connectionsOf(layer, "incoming");
  assert.deepEqual(incoming.counts, [2, 3, 0, 1]);
  assert.equal(incoming.whole, 3);
  assert.equal(incoming.without, 0.25);
  const { mean = NaN, ...range } = incoming.fraction ?? {};
  assert.ok(Math.abs(mean - 0.5) < 1e-12);
  assert.deepEqual(range, { minimum: 0, maximum: 1, count: 4 });
  const outgoing = connectionsOf(layer, "outgoing");
  assert.deepEqual(outgoing.counts, [2, 1, 3]);
  assert.equal(outgoing.whole, 4);
  assert.equal(outgoing.without, 0);
});

Deno.test("a convolution's channel has the connections of its whole kernels", () => {
  // Two channels in, one out: the first keeps 4 of 9, the second none.
  const mask = Uint8Array.of(1, 0, 1, 0, 0, 0, 1, 0, 1, ...new Uint8Array(9));
  const layer = { inputs: 18, outputs: 1, mask, size: 3 };
  assert.deepEqual(connectionsOf(layer, "outgoing").counts, [4, 0]);
  assert.equal(connectionsOf(layer, "outgoing").whole, 9);
  assert.equal(connectionsOf(layer, "outgoing").without, 0.5);
  assert.deepEqual(connectionsOf(layer, "incoming").counts, [4]);
  assert.equal(connectionsOf(layer, "incoming").whole, 18);
});

for (const name of ["lenet-small-adam-sparse", "conv-small-adam-sparse"]) {
  Deno.test(`in the recorded masks of ${name} both directions count every survivor once`, () => {
    const { network, masks } = readRecordedRun(name);
    layOut(network).layers.forEach((layer, index) => {
      const mask = masks[index] ?? new Uint8Array(0);
      const kept = mask.reduce((sum, one) => sum + one, 0);
      const counts = (["incoming", "outgoing"] as const).map((direction) =>
        connectionsOf({ ...layer, mask }, direction).counts
      );
      assert.deepEqual(counts.map((own) => own.reduce((sum, count) => sum + count, 0)), [kept, kept]);
      assert.deepEqual(counts.map(({ length }) => length), [layer.outputs, layer.inputs / layer.size ** 2]);
      // One by one, for the last unit of each direction.
      const [rows, columns] = [layer.size ** 2, layer.outputs];
      const lastColumn = mask.filter((_, at) => at % columns === columns - 1).reduce((sum, one) => sum + one, 0);
      const lastRows = mask.subarray(mask.length - rows * columns).reduce((sum, one) => sum + one, 0);
      assert.deepEqual(counts.map((own) => own.at(-1)), [lastColumn, lastRows]);
    });
  });
}

Deno.test("units of several replicates are counted together, by the fraction that they keep", () => {
  const a = connectionsOf({ inputs: 4, outputs: 2, mask: Uint8Array.of(1, 0, 1, 0, 1, 0, 1, 1) }, "incoming");
  const b = connectionsOf({ inputs: 2, outputs: 1, mask: Uint8Array.of(1, 0) }, "incoming");
  assert.deepEqual(connectionHistogram([a, b], 4).counts, [0, 1, 1, 1]);
  assert.deepEqual(connectionHistogram([a, b]).counts.length, 50);
});

Deno.test("a mask of another size, and rows that are no whole kernels, are refused", () => {
  assert.throws(
    () => connectionsOf({ inputs: 2, outputs: 2, mask: new Uint8Array(3) }, "incoming"),
    /^RangeError: .*mask of 3 for 2 × 2/,
  );
  assert.throws(
    () => connectionsOf({ inputs: 10, outputs: 1, mask: new Uint8Array(10), size: 3 }, "outgoing"),
    /^RangeError: .*kernels of 3 × 3/,
  );
});

Deno.test("instability is the highest error above the mean of the ends, and below 2 % stable", () => {
  assert.deepEqual(instabilityOf([0.25, 0.5, 0.75, 0.125]), {
    instability: 0.75 - 0.1875,
    isStable: false,
    highest: 0.75,
    at: 2,
    ends: 0.1875,
  });
  assert.ok(instabilityOf([0.1, 0.1199, 0.1]).isStable);
  assert.ok(!instabilityOf([0.1, 0.1201, 0.1]).isStable);
  // The higher end is a point of the line as well.
  assert.equal(instabilityOf([0.25, 0.125, 0.5]).instability, 0.125);
  assert.equal(instabilityOf([0.25, 0.25]).instability, 0);
  assert.throws(() => instabilityOf([0.1]), /^RangeError: .*errors 0\.1: give numbers for both ends/);
  assert.throws(() => instabilityOf([0.1, NaN, 0.1]), /^RangeError/);
});
