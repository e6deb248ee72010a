import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { type Extent, roundUp, sizeOf } from "../../src/nn/network.ts";
import { globalAveragePool, globalAveragePoolGradient, maxPool, maxPoolGradient } from "../../src/nn/pooling.ts";
import * as reference from "../../src/reference/pooling.ts";
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
  sumTolerance,
  testGpu,
  unpackBatch,
  untouched,
} from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/** The pooling at work: `max` or the global average. */
type Kind = "max" | "average";

/** (channels, height, width, images): odd and even sides, one row or column of windows, rows that are no multiple of 4. */
const poolShapes: Readonly<Record<Kind, readonly (readonly [number, number, number, number])[]>> = {
  max: [[1, 2, 2, 1], [1, 3, 5, 7], [5, 7, 4, 8], [3, 2, 9, 9], [4, 6, 6, 60], [13, 4, 3, 5], [2, 17, 16, 23]],
  average: [[1, 1, 1, 1], [1, 3, 5, 7], [5, 7, 4, 8], [7, 1, 2, 9], [4, 8, 8, 60], [33, 2, 2, 5], [2, 17, 16, 23]],
};

interface Tensors {
  /** `[R][C][H][W][N]`. */
  readonly input: Float64Array;
  /** `[R][…][N]`, with respect to the output. */
  readonly outputGradient: Float64Array;
}

function outputOf(kind: Kind, { channels, height, width }: Extent): Extent {
  return kind === "max"
    ? { channels, height: Math.floor(height / 2), width: Math.floor(width / 2) }
    : { channels, height: 1, width: 1 };
}

/** The output of a ReLU, coarse enough for ties in many windows: half of the values are zero, the others few. */
function randomTensors(kind: Kind, shape: reference.PoolShape): Tensors {
  const { replicates, batch } = shape;
  const coarse = kind === "max" ? 2 : 1 << 20;
  return {
    input: normals(shape.width, replicates * sizeOf(shape) * batch)
      .map((value) => Math.max(0, Math.round(value * coarse) / coarse)),
    outputGradient: normals(shape.height, replicates * sizeOf(outputOf(kind, shape)) * batch),
  };
}

function ofReplicate(tensors: Tensors, replicates: number, r: number): Tensors {
  return {
    input: replicate(tensors.input, replicates, r),
    outputGradient: replicate(tensors.outputGradient, replicates, r),
  };
}

interface Results {
  readonly output: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array<ArrayBuffer>;
}

/** Forward and gradient. Rows that must not be read hold NaN, padding lanes what the layout promises. */
async function run(
  gpu: Gpu,
  kind: Kind,
  shape: reference.PoolShape,
  { input, outputGradient }: Tensors,
  gate: boolean,
): Promise<Results> {
  using scratch = new Scratch(gpu);
  const { replicates } = shape;
  const batch = roundUp(shape.batch, 8);
  const rows = sizeOf(shape);
  const outputRows = sizeOf(outputOf(kind, shape));
  const buffers = {
    input: scratch.upload(packBatch(replicates, rows, shape.batch, input, { rows: NaN, lanes: 7 })),
    outputGradient: scratch.upload(
      packBatch(replicates, outputRows, shape.batch, outputGradient, { rows: NaN, lanes: 0 }),
    ),
    output: scratch.output(replicates * roundUp(outputRows, 4) * batch),
    gradient: scratch.output(replicates * roundUp(rows, 4) * batch),
  };
  const forward = { replicates, batch, input: shape };
  await scratch.run(
    ...(kind === "max"
      ? [maxPool(forward, buffers), maxPoolGradient({ ...forward, gate }, buffers)]
      : [globalAveragePool(forward, buffers), globalAveragePoolGradient({ ...forward, gate }, buffers)]),
  );
  const [output, gradient] = await scratch.floats(buffers.output, buffers.gradient);
  assert.ok(output && gradient);
  return { output, gradient };
}

function expected(kind: Kind, shape: reference.PoolShape, { input, outputGradient }: Tensors, gate: boolean): {
  readonly output: Float64Array;
  readonly gradient: Float64Array;
} {
  return kind === "max"
    ? {
      output: reference.maxPool(shape, input),
      gradient: reference.maxPoolGradient(shape, input, outputGradient, gate),
    }
    : {
      output: reference.globalAveragePool(shape, input),
      gradient: reference.globalAveragePoolGradient(shape, outputGradient, gate ? input : undefined),
    };
}

/** Max pooling only moves values; the average adds and divides. */
function assertAgrees(kind: Kind, shape: reference.PoolShape, tensors: Tensors, gate: boolean, results: Results): void {
  const { replicates, batch } = shape;
  const wanted = expected(kind, shape, tensors, gate);
  const output = unpackBatch(replicates, sizeOf(outputOf(kind, shape)), batch, results.output);
  const gradient = unpackBatch(replicates, sizeOf(shape), batch, results.gradient);
  const name = `${kind}, ${named(shape)}`;
  assertClose(output.values, wanted.output, kind === "max" ? 0 : sumTolerance(shape.height * shape.width), name);
  assertClose(gradient.values, wanted.gradient, kind === "max" ? 0 : 1.2e-7, `${name}: gradient`);
  assertAll(output.paddingLanes.map((value) => value - 7), 0, `${name}: padding lanes of the output`);
  assertAll(output.paddingRows, untouched, `${name}: padding rows of the output`);
  assertAll(gradient.paddingLanes, 0, `${name}: padding lanes of the gradient`);
  assertAll(gradient.paddingRows, untouched, `${name}: padding rows of the gradient`);
}

function named({ replicates, channels, height, width, batch }: reference.PoolShape): string {
  return `${channels} × ${height} × ${width}, batch ${batch}, R = ${replicates}`;
}

function shapesOf(kind: Kind): reference.PoolShape[] {
  return poolShapes[kind].flatMap(([channels, height, width, batch]) =>
    replicateCounts.map((replicates) => ({ replicates, channels, height, width, batch }))
  );
}

for (const kind of ["max", "average"] as const) {
  Deno.test(`${kind} pooling and its gradient agree with their references on odd extents, with and without the gate`, async () => {
    const gpu = await testGpu();
    for (const shape of shapesOf(kind)) {
      const tensors = randomTensors(kind, shape);
      for (const gate of [false, true]) {
        assertAgrees(kind, shape, tensors, gate, await run(gpu, kind, shape, tensors, gate));
      }
    }
  });

  Deno.test(`three replicates of ${kind} pooling give bit for bit what three runs of one give`, async () => {
    const gpu = await testGpu();
    for (const shape of shapesOf(kind).filter(({ replicates }) => replicates === 3)) {
      const tensors = randomTensors(kind, shape);
      const together = await run(gpu, kind, shape, tensors, true);
      for (const r of [0, 1, 2]) {
        const alone = await run(gpu, kind, { ...shape, replicates: 1 }, ofReplicate(tensors, 3, r), true);
        assertSameBits(replicate(together.output, 3, r), alone.output, named(shape));
        assertSameBits(replicate(together.gradient, 3, r), alone.gradient, named(shape));
      }
    }
  });

  Deno.test(`NaN and infinity go through ${kind} pooling and its gradient as in PyTorch`, async () => {
    const gpu = await testGpu();
    const shape = { replicates: 3, channels: 2, height: 4, width: 5, batch: 3 };
    const plain = randomTensors(kind, shape);
    // Element (y · 5 + x) · 3 + n: first alone, then several in one window, then in the column that is left out.
    const places = [0, 3, 15, 18];
    const cases: Tensors[] = [
      ...places.map((place) => ({ ...plain, input: withValues(plain.input, { [place]: NaN }) })),
      { ...plain, input: withValues(plain.input, { 0: NaN, 15: NaN, 19: Infinity, 121: NaN, 124: NaN }) },
      { ...plain, input: withValues(plain.input, { 0: Infinity, 3: Infinity, 4: -Infinity, 139: -Infinity }) },
      { ...plain, input: withValues(plain.input, { 12: NaN, 27: Infinity, 42: NaN }) },
      { ...plain, outputGradient: withValues(plain.outputGradient, { 1: NaN, 2: Infinity, 4: -Infinity }) },
    ];
    for (const tensors of cases) {
      for (const gate of [false, true]) {
        assertAgrees(kind, shape, tensors, gate, await run(gpu, kind, shape, tensors, gate));
      }
    }
  });
}

Deno.test("max pooling hands on negative values and takes −∞ where there is nothing else", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, channels: 1, height: 2, width: 2, batch: 2 };
  const input = Float64Array.of(-Infinity, -5, -Infinity, -3, -Infinity, -4, -Infinity, -6);
  const tensors = { input, outputGradient: Float64Array.of(2, 3) };
  assertAgrees("max", shape, tensors, false, await run(gpu, "max", shape, tensors, false));
});

Deno.test("every gradient of max pooling arrives at exactly one input", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, channels: 3, height: 9, width: 7, batch: 11 };
  const { input } = randomTensors("max", shape);
  const outputGradient = new Float64Array(3 * 4 * 3 * 11).fill(1);
  const { gradient } = await run(gpu, "max", shape, { input, outputGradient }, false);
  const { values } = unpackBatch(1, 3 * 9 * 7, 11, gradient);
  assert.equal(values.filter((value) => value === 1).length, outputGradient.length);
  assert.equal(values.filter((value) => value === 0).length, values.length - outputGradient.length);
});
