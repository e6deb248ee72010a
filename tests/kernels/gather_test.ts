import assert from "node:assert/strict";
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
}

const examples = 11;
const normalization = [[1 / 255, 0], [2 / 255, -1], [0.01, 0.5]] as const;

/** Indices `[R][…]` as the kernel gets them, and the part of them that this launch is to gather. */
function indicesOf({ replicates, batch, slots, start, shared }: Case): {
  readonly all: Uint32Array<ArrayBuffer>;
  readonly stride: number;
  readonly steps: number[];
  readonly gathered: Uint32Array;
} {
  const stride = slots === undefined ? start + batch + 3 : slots * batch;
  const all = integers(1, (shared ? 1 : replicates) * stride, examples);
  const steps = Array.from({ length: replicates }, (_, r) => 5 + r);
  const gathered = new Uint32Array(replicates * batch);
  for (let r = 0; r < replicates; r++) {
    const first = (shared ? 0 : r * stride) + (slots === undefined ? start : ((steps[r] ?? 0) % slots) * batch);
    gathered.set(all.subarray(first, first + batch), r * batch);
  }
  return { all, stride, steps, gathered };
}

async function run(
  gpu: Gpu,
  shape: Case,
  data: {
    readonly images: Uint8Array<ArrayBuffer>;
    readonly labels: Uint8Array<ArrayBuffer>;
    readonly all: Uint32Array<ArrayBuffer>;
    readonly steps: readonly number[];
    readonly stride: number;
  },
): Promise<{ readonly output: Float32Array<ArrayBuffer>; readonly labels: Uint32Array<ArrayBuffer> }> {
  using scratch = new Scratch(gpu);
  const { replicates, channels, height, width, batch, slots, start, shared } = shape;
  const source = scratch.use(
    new DeviceExamples(
      gpu,
      "test",
      { channels, height, width },
      { images: data.images, labels: data.labels, count: examples },
      normalization.slice(0, channels),
    ),
  );
  const state = initialState(replicates);
  data.steps.forEach((step, r) => state[r * stateWords] = step);
  const lanes = roundUp(batch, 8);
  const output = scratch.output(replicates * roundUp(channels * height * width, 4) * lanes);
  const labels = scratch.output(replicates * lanes);
  await scratch.run(gatherBatch(
    {
      replicates,
      images: batch,
      batch: lanes,
      start,
      indexStride: shared ? 0 : data.stride,
      ...(slots === undefined ? {} : { slots }),
    },
    source,
    { indices: scratch.upload(data.all), state: scratch.upload(state), output, labels },
  ));
  const [floats] = await scratch.floats(output);
  assert.ok(floats);
  return { output: floats, labels: await scratch.words(labels) };
}

const cases: Case[] = replicateCounts.flatMap((replicates) => [
  { replicates, channels: 1, height: 1, width: 1, batch: 1, start: 0 },
  { replicates, channels: 1, height: 3, width: 3, batch: 7, start: 5 },
  { replicates, channels: 1, height: 4, width: 8, batch: 8, start: 16, shared: true },
  { replicates, channels: 3, height: 1, width: 5, batch: 9, start: 0, slots: 3 },
  { replicates, channels: 2, height: 11, width: 3, batch: 60, start: 0, slots: 4 },
  { replicates, channels: 3, height: 7, width: 5, batch: 33, start: 2 },
]);

for (const shape of cases) {
  const pixels = shape.channels * shape.height * shape.width;
  const images = Uint8Array.from(integers(2, examples * pixels, 256));
  const labels = Uint8Array.from(integers(3, examples, 10));
  const name = `${shape.channels} × ${shape.height} × ${shape.width}, batch ${shape.batch}, R = ${shape.replicates}` +
    (shape.slots === undefined ? "" : ", in a ring");

  Deno.test(`gather agrees with its reference and marks the lanes beyond the batch: ${name}`, async () => {
    const gpu = await testGpu();
    const { replicates, batch } = shape;
    const indices = indicesOf(shape);
    const actual = await run(gpu, shape, { images, labels, ...indices });
    const wanted = gather(
      { replicates, pixels, planePixels: shape.height * shape.width, batch },
      images,
      labels,
      indices.gathered,
      normalization.slice(0, shape.channels),
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
  const shape: Case = { replicates: 3, channels: 3, height: 3, width: 3, batch: 13, start: 0, slots: 3 };
  const images = Uint8Array.from(integers(2, examples * 27, 256));
  const labels = Uint8Array.from(integers(3, examples, 10));
  const { all, stride, steps } = indicesOf(shape);
  const together = await run(gpu, shape, { images, labels, all, stride, steps });
  for (let r = 0; r < 3; r++) {
    const own = { images, labels, all: replicate(all, 3, r), stride, steps: steps.slice(r, r + 1) };
    const alone = await run(gpu, { ...shape, replicates: 1 }, own);
    assertSameBits(replicate(together.output, 3, r), alone.output, `pixels of replicate ${r + 1}`);
    assertSameBits(replicate(together.labels, 3, r), alone.labels, `labels of replicate ${r + 1}`);
  }
});
