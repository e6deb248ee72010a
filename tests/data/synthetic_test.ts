import assert from "node:assert/strict";
import { loadDataset } from "../../src/data/load.ts";
import { syntheticDataset } from "../../src/data/synthetic.ts";

Deno.test("loadDataset() makes the synthetic data set: 2,000 + 500 images of 28 × 28 in ten equal classes", async () => {
  const { train, test, ...dataset } = await loadDataset("synthetic");
  assert.deepEqual(
    [dataset.name, dataset.channels, dataset.height, dataset.width, dataset.classes, train.count, test.count],
    ["synthetic", 1, 28, 28, 10, 2000, 500],
  );
  for (const { images, labels, count } of [train, test]) {
    assert.equal(images.length, count * 784);
    assert.equal(labels.length, count);
    const perClass = new Uint32Array(10);
    for (const label of labels) perClass[label]! += 1;
    assert.ok(perClass.every((times) => times === count / 10));
  }
});

Deno.test("equal seeds give equal synthetic data, and digests tell different data apart", async () => {
  const options = { height: 6, width: 5, train: 40, test: 20 };
  const [first, again, other] = await Promise.all([
    syntheticDataset(options),
    syntheticDataset({ ...options, seed: 1 }),
    syntheticDataset({ ...options, seed: 2 }),
  ]);
  assert.deepEqual(first, again);
  assert.notEqual(first.digest, other.digest);
  assert.equal((await loadDataset("synthetic", { seed: 9 })).digest, (await syntheticDataset({ seed: 9 })).digest);
});

Deno.test("synthetic data can be learned: the mean image of each class recognises over 90 % of the test images", async () => {
  for (const options of [{}, { height: 12, width: 12, channels: 3, classes: 5, train: 600, test: 200 }]) {
    const { train, test, classes } = await syntheticDataset(options);
    const pixels = train.images.length / train.count;
    const means = Array.from({ length: classes }, () => new Float64Array(pixels));
    for (let example = 0; example < train.count; example++) {
      const mean = means[train.labels[example]!]!;
      const weight = classes / train.count;
      for (let at = 0; at < pixels; at++) mean[at]! += train.images[example * pixels + at]! * weight;
    }
    let correct = 0;
    for (let example = 0; example < test.count; example++) {
      const image = test.images.subarray(example * pixels, (example + 1) * pixels);
      const distances = means.map((mean) => mean.reduce((sum, value, at) => sum + (value - image[at]!) ** 2, 0));
      correct += Number(distances.indexOf(Math.min(...distances)) === test.labels[example]);
    }
    assert.ok(correct / test.count > 0.9, `${correct} of ${test.count}`);
  }
});

Deno.test("syntheticDataset() refuses sizes out of range", async () => {
  for (const options of [{ train: 0 }, { test: -1 }, { classes: 1 }, { classes: 257 }, { height: 1.5 }, { seed: -1 }]) {
    await assert.rejects(syntheticDataset(options), RangeError);
  }
});
