import assert from "node:assert/strict";
import type { Dataset } from "../../src/data/dataset.ts";
import { channelStatistics, normalizationOf } from "../../src/data/normalization.ts";
import { RandomStream } from "../../src/data/random.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";

const [count, channels, planePixels] = [23, 3, 35];
const random = new RandomStream(1, "synthetic");
const examples = {
  images: Uint8Array.from({ length: count * channels * planePixels }, () => random.below(256)),
  labels: new Uint8Array(count),
  count,
};
const chosen = Uint32Array.of(3, 0, 22, 7, 8, 11);

function pixelsOf(indices: Uint32Array, channel: number): number[] {
  return [...indices].flatMap((index) => {
    const start = (index * channels + channel) * planePixels;
    return [...examples.images.subarray(start, start + planePixels)];
  });
}

Deno.test("channelStatistics() gives the chosen examples mean 0 and deviation 1 per channel, and looks at no others", () => {
  const statistics = channelStatistics(examples, chosen, channels, planePixels);
  assert.equal(statistics.length, channels);
  statistics.forEach(([scale, shift], channel) => {
    const values = pixelsOf(chosen, channel).map((byte) => byte * scale + shift);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    assert.ok(Math.abs(mean) < 1e-12 && Math.abs(variance - 1) < 1e-12, `channel ${channel}: ${mean}, ${variance}`);
  });
  const changed = { ...examples, images: examples.images.slice() };
  changed.images.fill(0, channels * planePixels, 3 * channels * planePixels); // examples 1 and 2
  assert.deepEqual(channelStatistics(changed, chosen, channels, planePixels), statistics);
});

Deno.test("channelStatistics() is (byte / 255 - mean) / deviation, and the same in any order of examples", () => {
  const statistics = channelStatistics(examples, chosen, channels, planePixels);
  statistics.forEach(([scale, shift], channel) => {
    const values = pixelsOf(chosen, channel).map((byte) => byte / 255);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    for (const byte of [0, 1, 100, 255]) {
      assert.ok(Math.abs(byte * scale + shift - (byte / 255 - mean) / deviation) < 1e-12);
    }
  });
  assert.deepEqual(channelStatistics(examples, chosen.slice().reverse(), channels, planePixels), statistics);
});

Deno.test("a channel whose pixels are all equal becomes zeros, not NaN", () => {
  const flat = { images: Uint8Array.of(7, 7, 0, 255, 7, 7, 0, 255), labels: new Uint8Array(2), count: 2 };
  assert.deepEqual(channelStatistics(flat, Uint32Array.of(0, 1), 2, 2), [[0, 0], [1 / 127.5, -1]]);
});

Deno.test("channelStatistics() refuses no examples, and examples that are not there", () => {
  const of = (...indices: number[]) => () =>
    channelStatistics(examples, Uint32Array.from(indices), channels, planePixels);
  assert.throws(of(), { name: "RangeError", message: /at least one/ });
  assert.throws(of(0, 23), { name: "RangeError", message: /example 23: there are 23/ });
});

Deno.test("normalizationOf() takes CIFAR-10 by its training split, and scales every other data set to [0, 1]", async () => {
  const dataset = await syntheticDataset({ channels: 3, height: 5, width: 7, train: 40, test: 10 });
  const unit = Float32Array.from([1 / 255, 0, 1 / 255, 0, 1 / 255, 0]);
  const named = (name: Dataset["name"]): Dataset => ({ ...dataset, name });
  for (const name of ["mnist", "fashion-mnist", "synthetic"] as const) {
    assert.deepEqual(normalizationOf(named(name), chosen), unit);
  }
  const own = normalizationOf(named("cifar10"), chosen);
  assert.deepEqual(own, Float32Array.from(channelStatistics(dataset.train, chosen, 3, 35).flat()));
  assert.notDeepEqual(own, normalizationOf(named("cifar10"), Uint32Array.of(1, 2)), "each split has its own");
});
