import assert from "node:assert/strict";
import { type Augmentation, maximumExamples, packAugmentation } from "../../src/data/augmentation.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { DeviceExamples, gatherBatch } from "../../src/nn/batches.ts";
import { roundUp } from "../../src/nn/network.ts";
import { initialState, stateWords } from "../../src/nn/state.ts";
import { gather } from "../../src/reference/gather.ts";
import { integers } from "../reference/tensors.ts";
import {
  assertAll,
  assertClose,
  assertSameBits,
  closeTestGpu,
  noLabel,
  replicate,
  replicateCounts,
  Scratch,
  testGpu,
  unpackBatch,
  untouched,
} from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/** One rounding of the scale to float32, one of the product and one of the sum. */
const tolerance = 2e-7;

interface Case {
  readonly replicates: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly batch: number;
  /** The ring has so many batches, and the replicates stand at different steps; without it the batch begins at `start`. */
  readonly slots?: number;
  readonly start: number;
  /** One list of indices for all replicates. */
  readonly shared?: boolean;
  /** The images lie in so many buffers. */
  readonly shards?: number;
  /** The images are flipped and shifted. */
  readonly augment?: boolean;
}

const examples = 11;

/** (scale, shift) of channel `c` of replicate `r`: no two the same. */
function normalizationOf({ replicates, channels }: Pick<Case, "replicates" | "channels">): [number, number][][] {
  return Array.from(
    { length: replicates },
    (_, r) => Array.from({ length: channels }, (_, c) => [(1 + c + r / 4) / 255, (c - r) / 2]),
  );
}

/** Indices `[R][…]` as the kernel gets them, and the part of them that this launch is to gather. */
function indicesOf({ replicates, batch, slots, start, shared, augment }: Case): {
  readonly all: Uint32Array<ArrayBuffer>;
  readonly stride: number;
  readonly steps: number[];
  readonly gathered: Uint32Array;
} {
  const stride = slots === undefined ? start + batch + 3 : slots * batch;
  const plain = integers(1, (shared ? 1 : replicates) * stride, examples);
  const changes = integers(4, plain.length, 162);
  const all = Uint32Array.from(
    plain,
    (example, at) => augment ? packAugmentation(example, augmentationOf(changes[at] ?? 0)) : example,
  );
  const steps = Array.from({ length: replicates }, (_, r) => 5 + r);
  const gathered = new Uint32Array(replicates * batch);
  for (let r = 0; r < replicates; r++) {
    const first = (shared ? 0 : r * stride) + (slots === undefined ? start : ((steps[r] ?? 0) % slots) * batch);
    gathered.set(all.subarray(first, first + batch), r * batch);
  }
  return { all, stride, steps, gathered };
}

/** One of the 162 flips and shifts. */
function augmentationOf(number: number): Augmentation {
  return { flip: number >= 81, dy: Math.floor(number / 9) % 9 - 4, dx: number % 9 - 4 };
}

interface Data {
  readonly images: Uint8Array<ArrayBuffer>;
  readonly labels: Uint8Array<ArrayBuffer>;
  readonly all: Uint32Array<ArrayBuffer>;
  readonly steps: readonly number[];
  readonly stride: number;
  readonly normalization: readonly (readonly (readonly [number, number])[])[];
  /** Per replicate which words of four pixels are gathered; all when left out. */
  readonly words?: readonly (readonly number[])[];
}

async function run(
  gpu: Gpu,
  shape: Case,
  data: Data,
): Promise<{ readonly output: Float32Array<ArrayBuffer>; readonly labels: Uint32Array<ArrayBuffer> }> {
  using scratch = new Scratch(gpu);
  const { replicates, channels, height, width, batch, slots, start, shared, shards = 1, augment = false } = shape;
  const count = data.labels.length;
  const source = scratch.use(
    new DeviceExamples(gpu, "test", { channels, height, width }, { images: data.images, labels: data.labels, count }, {
      maxShardBytes: shardBytes(channels * height * width, count, shards),
    }),
  );
  assert.equal(source.shards.length, shards);
  const state = initialState(replicates);
  data.steps.forEach((step, r) => state[r * stateWords] = step);
  const lanes = roundUp(batch, 8);
  const own = data.words?.[0];
  // A last word may be of fewer than four pixels.
  const pixels = own ? own.reduce((sum, word) => sum + Math.min(4, source.pixels - 4 * word), 0) : source.pixels;
  const output = scratch.output(replicates * roundUp(pixels, 4) * lanes);
  const labels = scratch.output(replicates * lanes);
  await scratch.run(...gatherBatch(
    {
      replicates,
      images: batch,
      batch: lanes,
      start,
      indexStride: shared ? 0 : data.stride,
      augment,
      ...(slots === undefined ? {} : { slots }),
      ...(own ? { pixels } : {}),
    },
    source,
    {
      ...(data.words ? { words: scratch.upload(Uint32Array.from(data.words.flat())) } : {}),
      indices: scratch.upload(data.all),
      normalization: scratch.upload(Float32Array.from(data.normalization.flat(2))),
      state: scratch.upload(state),
      output,
      labels,
    },
  ));
  const [floats] = await scratch.floats(output);
  assert.ok(floats);
  return { output: floats, labels: await scratch.words(labels) };
}

/** The smallest limit by which images fill just so many shards. */
function shardBytes(pixels: number, count: number, shards: number): number {
  return roundUp(roundUp(pixels, 4) * Math.ceil(count / shards), 16);
}

const cases: Case[] = replicateCounts.flatMap((replicates) => [
  { replicates, channels: 1, height: 1, width: 1, batch: 1, start: 0 },
  { replicates, channels: 1, height: 3, width: 3, batch: 7, start: 5 },
  { replicates, channels: 1, height: 4, width: 8, batch: 8, start: 16, shared: true },
  { replicates, channels: 3, height: 1, width: 5, batch: 9, start: 0, slots: 3 },
  { replicates, channels: 2, height: 11, width: 3, batch: 60, start: 0, slots: 4 },
  { replicates, channels: 3, height: 7, width: 5, batch: 33, start: 2 },
  { replicates, channels: 1, height: 3, width: 3, batch: 7, start: 5, shards: 3 },
  { replicates, channels: 3, height: 7, width: 5, batch: 33, start: 0, slots: 2, shards: 2 },
  { replicates, channels: 2, height: 4, width: 8, batch: 8, start: 0, shared: true, shards: 3 },
  { replicates, channels: 1, height: 1, width: 1, batch: 9, start: 0, slots: 1, augment: true },
  { replicates, channels: 3, height: 7, width: 5, batch: 33, start: 0, slots: 2, augment: true },
  { replicates, channels: 2, height: 3, width: 17, batch: 60, start: 0, slots: 3, augment: true, shards: 3 },
]);

for (const shape of cases) {
  const pixels = shape.channels * shape.height * shape.width;
  const images = Uint8Array.from(integers(2, examples * pixels, 256));
  const labels = Uint8Array.from(integers(3, examples, 10));
  const name = `${shape.channels} × ${shape.height} × ${shape.width}, batch ${shape.batch}, R = ${shape.replicates}` +
    (shape.slots === undefined ? "" : ", in a ring") +
    (shape.augment ? ", augmented" : "") +
    (shape.shards === undefined ? "" : `, ${shape.shards} shards`);

  Deno.test(`gather agrees with its reference and marks the lanes beyond the batch: ${name}`, async () => {
    const gpu = await testGpu();
    const { replicates, batch } = shape;
    const indices = indicesOf(shape);
    const normalization = normalizationOf(shape);
    const actual = await run(gpu, shape, { images, labels, normalization, ...indices });
    const wanted = gather(
      {
        replicates,
        pixels,
        planePixels: shape.height * shape.width,
        batch,
        ...shape.augment && { width: shape.width },
      },
      images,
      labels,
      indices.gathered,
      normalization,
    );
    const { values, paddingRows, paddingLanes } = unpackBatch(replicates, pixels, batch, actual.output);
    assertClose(values, wanted.output, tolerance, "pixels");
    assertAll(paddingLanes, 0, "padding lanes");
    assertAll(paddingRows, untouched, "padding rows");
    const lanes = roundUp(batch, 8);
    actual.labels.forEach((label, at) => {
      const n = at % lanes;
      const r = Math.floor(at / lanes);
      assert.equal(label, n < batch ? wanted.labels[r * batch + n] : noLabel, `label ${n} of replicate ${r + 1}`);
    });
  });
}

Deno.test("three replicates of gather give bit for bit what three runs of one give", async () => {
  const gpu = await testGpu();
  for (const variant of [{}, { augment: true, shards: 3 }]) {
    const shape: Case = { replicates: 3, channels: 3, height: 3, width: 3, batch: 13, start: 0, slots: 3, ...variant };
    const images = Uint8Array.from(integers(2, examples * 27, 256));
    const labels = Uint8Array.from(integers(3, examples, 10));
    const normalization = normalizationOf(shape);
    const { all, stride, steps } = indicesOf(shape);
    const together = await run(gpu, shape, { images, labels, all, stride, steps, normalization });
    for (let r = 0; r < 3; r++) {
      const alone = await run(gpu, { ...shape, replicates: 1 }, {
        images,
        labels,
        all: replicate(all, 3, r),
        stride,
        steps: steps.slice(r, r + 1),
        normalization: normalization.slice(r, r + 1),
      });
      assertSameBits(replicate(together.output, 3, r), alone.output, `pixels of replicate ${r + 1}`);
      assertSameBits(replicate(together.labels, 3, r), alone.labels, `labels of replicate ${r + 1}`);
    }
  }
});

Deno.test("gather gives the same bits in however many buffers the images lie", async () => {
  const gpu = await testGpu();
  const shape: Case = { replicates: 2, channels: 3, height: 3, width: 5, batch: 19, start: 0, slots: 2 };
  const images = Uint8Array.from(integers(2, examples * 45, 256));
  const labels = Uint8Array.from(integers(3, examples, 10));
  for (const augment of [false, true]) {
    const data = { images, labels, normalization: normalizationOf(shape), ...indicesOf({ ...shape, augment }) };
    const whole = await run(gpu, { ...shape, augment }, data);
    for (const shards of [2, 3, 4]) {
      const parts = await run(gpu, { ...shape, augment, shards }, data);
      assertSameBits(parts.output, whole.output, `pixels from ${shards} shards`);
      assertSameBits(parts.labels, whole.labels, `labels from ${shards} shards`);
    }
  }
});

Deno.test("gather of some words gives the bits that it gives these pixels when it gathers all, each replicate its own", async () => {
  const gpu = await testGpu();
  // 45 pixels of three channels: eleven words, of which two have pixels of two channels, and one of a single pixel.
  const shape: Case = { replicates: 3, channels: 3, height: 3, width: 5, batch: 19, start: 0, slots: 2 };
  const images = Uint8Array.from(integers(2, examples * 45, 256));
  const labels = Uint8Array.from(integers(3, examples, 10));
  const words = [[0, 3, 4, 10, 11], [1, 2, 7, 8, 11], [3, 5, 6, 9, 11]];
  for (const variant of [{}, { shards: 3 }, { augment: true }, { augment: true, shards: 2 }]) {
    const own = { ...shape, ...variant };
    const data = { images, labels, normalization: normalizationOf(own), ...indicesOf(own) };
    const whole = await run(gpu, own, data);
    const some = await run(gpu, own, { ...data, words });
    assertSameBits(some.labels, whole.labels, "labels");
    words.forEach((list, r) => {
      const pixels = list.flatMap((word) => [0, 1, 2, 3].map((at) => 4 * word + at)).filter((pixel) => pixel < 45);
      const rows = replicate(whole.output, 3, r);
      const wanted = Float32Array.from(pixels.flatMap((pixel) => [...rows.subarray(pixel * 24, (pixel + 1) * 24)]));
      const found = replicate(some.output, 3, r);
      assertSameBits(found.slice(0, wanted.length), wanted, `pixels of replicate ${r + 1}`);
      assertAll(found.subarray(wanted.length), untouched, "padding rows");
    });
  }
});

Deno.test("every flip and shift takes each pixel from where it says, and black from outside the image", async () => {
  const gpu = await testGpu();
  // Every byte says which pixel it is, from 1 on: so a 0 can only come from outside.
  const [height, width] = [9, 10];
  const images = Uint8Array.from({ length: 2 * height * width }, (_, at) => at + 1);
  const changes = Array.from({ length: 162 }, (_, number) => augmentationOf(number));
  const all = Uint32Array.from(changes, (change) => packAugmentation(0, change));
  const shape: Case = { replicates: 1, channels: 2, height, width, batch: 162, start: 0, augment: true };
  // A shift that shows, since the padding is byte 0 as normalised and not the number 0.
  const normalization = [[[1, 1000], [1, 2000]]] as const;
  const { output } = await run(gpu, shape, {
    images,
    labels: Uint8Array.of(7),
    all,
    stride: 0,
    steps: [0],
    normalization,
  });
  const { values } = unpackBatch(1, 2 * height * width, 162, output);
  changes.forEach(({ dy, dx, flip }, image) => {
    // Pad by four, crop, then mirror, step by step.
    const padded = (channel: number, y: number, x: number): number =>
      y >= 4 && y < 4 + height && x >= 4 && x < 4 + width
        ? images[(channel * height + y - 4) * width + x - 4] ?? NaN
        : 0;
    for (let channel = 0; channel < 2; channel++) {
      for (let y = 0; y < height; y++) {
        const crop = Array.from({ length: width }, (_, x) => padded(channel, y + dy + 4, x + dx + 4));
        if (flip) crop.reverse();
        crop.forEach((byte, x) => {
          const p = (channel * height + y) * width + x;
          assert.equal(
            values[p * 162 + image],
            byte + 1000 * (channel + 1),
            `pixel ${p}, ${JSON.stringify(changes[image])}`,
          );
        });
      }
    }
  });
});

Deno.test("DeviceExamples takes as few buffers as the limit allows, of equal size, and plans what it allocates", async () => {
  const gpu = await testGpu();
  const dataset = { channels: 1, height: 3, width: 3 };
  const examplesOf = (count: number) => ({ images: new Uint8Array(9 * count), labels: new Uint8Array(count), count });
  for (
    const [maxShardBytes, sizes] of [
      [1000, [11]],
      [144, [11]],
      [132, [6, 5]], // 11 rows of 12 bytes, but buffers are multiples of 16
      [96, [6, 5]],
      [64, [4, 4, 3]],
      [12 + 4, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
    ] as const
  ) {
    const before = gpu.allocatedBytes;
    using source = new DeviceExamples(gpu, "test", dataset, examplesOf(11), { maxShardBytes });
    assert.deepEqual(source.shards.map(({ count }) => count), sizes);
    let next = 0;
    for (const { first, count } of source.shards) {
      assert.equal(first, next);
      next += count;
    }
    const plan = DeviceExamples.plan("test", 9, 11, maxShardBytes);
    assert.equal(plan.length, sizes.length + 1);
    assert.equal(gpu.allocatedBytes - before, plan.reduce((sum, { bytes }) => sum + roundUp(bytes, 16), 0));
    assert.equal(DeviceExamples.bytes(9, 11), plan.reduce((sum, { bytes }) => sum + bytes, 0));
  }
  assert.throws(() => new DeviceExamples(gpu, "test", dataset, examplesOf(1), { maxShardBytes: 8 }), {
    name: "RangeError",
    message: /images of 9 bytes: one needs 12, where a buffer may have 8/,
  });
});

Deno.test("50,000 images of CIFAR-10 are planned in two buffers within WebGPU's default limit, MNIST's in one", () => {
  const cifar = DeviceExamples.plan("train", 3072, 50_000);
  assert.deepEqual(cifar.map(({ name, bytes }) => [name, bytes]), [
    ["train images 1", 25_000 * 3072],
    ["train images 2", 25_000 * 3072],
    ["train labels", 200_000],
  ]);
  assert.deepEqual(DeviceExamples.plan("train", 784, 60_000).map(({ name }) => name), ["train images", "train labels"]);
});

Deno.test("gatherBatch() refuses augmentation where indices would not fit beside it", async () => {
  const gpu = await testGpu();
  using scratch = new Scratch(gpu);
  const count = maximumExamples + 1;
  const source = scratch.use(
    new DeviceExamples(gpu, "test", { channels: 1, height: 1, width: 1 }, {
      images: new Uint8Array(count),
      labels: new Uint8Array(count),
      count,
    }),
  );
  const buffer = scratch.output(4);
  const shape = { replicates: 1, images: 1, batch: 8, start: 0, indexStride: 0 };
  const buffers = { indices: buffer, normalization: buffer, state: buffer, output: buffer, labels: buffer };
  assert.equal(gatherBatch(shape, source, buffers).length, 1);
  assert.throws(() => gatherBatch({ ...shape, augment: true }, source, buffers), {
    name: "RangeError",
    message: /from 2097153 examples.*room for 2097152/,
  });
});
