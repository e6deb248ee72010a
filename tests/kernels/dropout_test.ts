import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { dropout, dropoutGradient } from "../../src/nn/dropout.ts";
import { type Extent, flat, roundUp, sizeOf } from "../../src/nn/network.ts";
import { initialState, stateWords } from "../../src/nn/state.ts";
import * as reference from "../../src/reference/dropout.ts";
import { normals, withValues } from "../reference/tensors.ts";
import {
  assertAll,
  assertClose,
  assertSameBits,
  closeTestGpu,
  packBatch,
  replicate,
  replicateCounts,
  Scratch,
  testGpu,
  unpackBatch,
  untouched,
} from "./support.ts";

Deno.test.afterAll(closeTestGpu);

interface Shape {
  readonly replicates: number;
  readonly extent: Extent;
  /** Images, without padding. */
  readonly batch: number;
  readonly rate: number;
  readonly index: number;
}

interface Tensors {
  /** `[R][2]`. */
  readonly keys: Uint32Array<ArrayBuffer>;
  /** `[R]`. */
  readonly steps: readonly number[];
  /** `[R][rows][N]`, the output of a ReLU. */
  readonly input: Float64Array;
  /** `[R][rows][N]`. */
  readonly outputGradient: Float64Array;
}

/** One row, rows that are no multiple of 4, more than a workgroup. */
const extents = [
  [flat(1), 1],
  [flat(13), 5],
  [{ channels: 2, height: 3, width: 5 }, 9],
  [flat(256), 60],
] as const;

const shapes = extents.flatMap(([extent, batch], at) =>
  replicateCounts.map((replicates): Shape => ({ replicates, extent, batch, rate: 0.5 - 0.1 * at, index: at }))
);

function randomTensors({ replicates, extent, batch }: Shape): Tensors {
  const size = replicates * sizeOf(extent) * batch;
  return {
    // Above 2³¹ too, where signed and unsigned arithmetic differ.
    keys: Uint32Array.of(0x243f_6a88, 0xa409_3822, 0xffff_ffff, 1, 2, 0x8000_0000).slice(0, 2 * replicates),
    steps: [3, 70_000, 0].slice(0, replicates),
    input: normals(1, size).map((value) => Math.max(0, value)),
    outputGradient: normals(2, size),
  };
}

async function run(
  gpu: Gpu,
  { replicates, extent, batch: images, rate, index }: Shape,
  { keys, steps, input, outputGradient }: Tensors,
  gate: boolean,
): Promise<{ readonly output: Float32Array<ArrayBuffer>; readonly gradient: Float32Array<ArrayBuffer> }> {
  using scratch = new Scratch(gpu);
  const rows = sizeOf(extent);
  const batch = roundUp(images, 8);
  const state = initialState(replicates);
  steps.forEach((step, r) => state[r * stateWords] = step);
  const buffers = {
    keys: scratch.upload(keys),
    state: scratch.upload(state),
    input: scratch.upload(packBatch(replicates, rows, images, input, { rows: NaN, lanes: 3 })),
    outputGradient: scratch.upload(packBatch(replicates, rows, images, outputGradient, { rows: NaN, lanes: 0 })),
    output: scratch.output(replicates * roundUp(rows, 4) * batch),
    gradient: scratch.output(replicates * roundUp(rows, 4) * batch),
  };
  const shape = { replicates, batch, extent, rate, index };
  await scratch.run(dropout(shape, buffers), dropoutGradient({ ...shape, gate }, buffers));
  const [output, gradient] = await scratch.floats(buffers.output, buffers.gradient);
  assert.ok(output && gradient);
  return { output, gradient };
}

function referenceShape({ replicates, extent, batch, rate, index }: Shape): reference.DropoutShape {
  return { replicates, rows: sizeOf(extent), batch, rate, index };
}

function named({ replicates, extent, batch, rate }: Shape): string {
  return `${sizeOf(extent)} rows, batch ${batch}, R = ${replicates}, rate ${rate}`;
}

/** What is kept of a tensor of ones, `[R][rows][N]` of 0 and 1. */
async function keptBy(gpu: Gpu, shape: Shape, { keys, steps }: Pick<Tensors, "keys" | "steps">): Promise<number[]> {
  const ones = new Float64Array(shape.replicates * sizeOf(shape.extent) * shape.batch).fill(1);
  const { output } = await run(gpu, shape, { keys, steps, input: ones, outputGradient: ones }, false);
  return [...unpackBatch(shape.replicates, sizeOf(shape.extent), shape.batch, output).values].map(Math.sign);
}

Deno.test("dropout and its gradient agree with the reference's mask on odd extents, with and without the gate", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const tensors = randomTensors(shape);
    const mask = reference.dropoutMask(referenceShape(shape), tensors.keys, tensors.steps);
    const unpack = (packed: Float32Array): ReturnType<typeof unpackBatch> =>
      unpackBatch(shape.replicates, sizeOf(shape.extent), shape.batch, packed);
    for (const gate of [false, true]) {
      const results = await run(gpu, shape, tensors, gate);
      const output = unpack(results.output);
      const gradient = unpack(results.gradient);
      // The factor is rounded, and its product.
      assertClose(output.values, reference.dropout(shape.rate, mask, tensors.input), 1.2e-7, named(shape));
      assertClose(
        gradient.values,
        reference.dropout(shape.rate, mask, tensors.outputGradient, gate ? tensors.input : undefined),
        1.2e-7,
        `${named(shape)}: gradient`,
      );
      mask.forEach((isKept, at) => {
        if (isKept === 0) assert.ok(Object.is(gradient.values[at], 0));
      });
      assertAll(gradient.paddingLanes, 0, `${named(shape)}: padding lanes of the gradient`);
      assert.ok(output.paddingLanes.every((value) => value === 0 || Math.abs(value - 3 / (1 - shape.rate)) < 1e-5));
      assertAll([...output.paddingRows, ...gradient.paddingRows], untouched, `${named(shape)}: padding rows`);
    }
  }
});

Deno.test("the fraction that dropout keeps is 1 − rate within four standard deviations, and rate 0 keeps all", async () => {
  const gpu = await testGpu();
  for (const rate of [0, 0.01, 0.5, 0.9]) {
    const shape = { replicates: 3, extent: flat(256), batch: 64, rate, index: 0 };
    const kept = await keptBy(gpu, shape, randomTensors(shape));
    const fraction = kept.reduce((sum, value) => sum + value, 0) / kept.length;
    const deviation = Math.sqrt(rate * (1 - rate) / kept.length);
    assert.ok(Math.abs(fraction - (1 - rate)) <= 4 * deviation, `rate ${rate}: ${fraction} are kept`);
  }
});

Deno.test("forward and gradient of dropout use the same mask", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 3, extent: flat(100), batch: 23, rate: 0.3, index: 2 };
  const ones = new Float64Array(3 * 100 * 23).fill(1);
  const { output, gradient } = await run(
    gpu,
    shape,
    { ...randomTensors(shape), input: ones, outputGradient: ones },
    true,
  );
  const unpack = (packed: Float32Array): Float64Array => unpackBatch(3, 100, 23, packed).values;
  assert.deepEqual(unpack(gradient), unpack(output));
});

Deno.test("another step, key or dropout of the network gives an unrelated mask", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, extent: flat(64), batch: 64, rate: 0.5, index: 0 };
  const plain = { keys: Uint32Array.of(7, 8), steps: [5] };
  const first = await keptBy(gpu, shape, plain);
  assert.deepEqual(await keptBy(gpu, shape, plain), first);
  const others = [
    await keptBy(gpu, shape, { ...plain, steps: [6] }),
    await keptBy(gpu, shape, { ...plain, keys: Uint32Array.of(8, 8) }),
    await keptBy(gpu, shape, { ...plain, keys: Uint32Array.of(7, 9) }),
    await keptBy(gpu, { ...shape, index: 1 }, plain),
  ];
  for (const other of others) {
    // Two unrelated masks agree in half of 4,096 places, give or take 32.
    const agreeing = other.filter((value, at) => value === first[at]).length;
    assert.ok(Math.abs(agreeing - 2048) < 4 * 32, `${agreeing} of 4096 agree`);
  }
});

Deno.test("a replicate's dropout does not depend on the replicates beside it", async () => {
  const gpu = await testGpu();
  for (const shape of shapes.filter(({ replicates }) => replicates === 3)) {
    const tensors = randomTensors(shape);
    const together = await run(gpu, shape, tensors, true);
    for (const r of [0, 1, 2]) {
      const alone = await run(gpu, { ...shape, replicates: 1 }, {
        keys: replicate(tensors.keys, 3, r),
        steps: tensors.steps.slice(r, r + 1),
        input: replicate(tensors.input, 3, r),
        outputGradient: replicate(tensors.outputGradient, 3, r),
      }, true);
      assertSameBits(replicate(together.output, 3, r), alone.output, named(shape));
      assertSameBits(replicate(together.gradient, 3, r), alone.gradient, named(shape));
    }
  }
});

Deno.test("the masks of a last batch with fewer images are those of a full one with the same padding", async () => {
  const gpu = await testGpu();
  const tensors = { keys: Uint32Array.of(7, 8), steps: [5] };
  const shape = { replicates: 1, extent: flat(5), rate: 0.5, index: 0 };
  const full = await keptBy(gpu, { ...shape, batch: 8 }, tensors);
  const fewer = await keptBy(gpu, { ...shape, batch: 6 }, tensors);
  assert.deepEqual(fewer, full.filter((_, at) => at % 8 < 6));
});

Deno.test("NaN and infinity go through dropout where they are kept and are zero where they are not", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 3, extent: flat(6), batch: 4, rate: 0.5, index: 0 };
  const plain = randomTensors(shape);
  const strange = Object.fromEntries(Array.from({ length: 72 }, (_, at) => [at, at % 3 === 0 ? NaN : Infinity]));
  const tensors = {
    ...plain,
    input: withValues(plain.input, strange),
    outputGradient: withValues(plain.outputGradient, strange),
  };
  const mask = reference.dropoutMask(referenceShape(shape), tensors.keys, tensors.steps);
  assert.ok(mask.includes(0) && mask.includes(1));
  const { output, gradient } = await run(gpu, shape, tensors, true);
  assertClose(unpackBatch(3, 6, 4, output).values, reference.dropout(0.5, mask, tensors.input), 0, "output");
  assertClose(
    unpackBatch(3, 6, 4, gradient).values,
    reference.dropout(0.5, mask, tensors.outputGradient, tensors.input),
    0,
    "gradient",
  );
});
