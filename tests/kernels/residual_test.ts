import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { type Extent, roundUp, sizeOf } from "../../src/nn/network.ts";
import { addRelu } from "../../src/nn/residual.ts";
import * as reference from "../../src/reference/residual.ts";
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

/** (channels, height, width, images): one row, rows that are no multiple of 4, more than a workgroup. */
const extents = [[1, 1, 1, 1], [1, 3, 5, 7], [5, 7, 4, 8], [3, 1, 1, 9], [16, 9, 9, 60]] as const;

interface Shape extends Extent {
  readonly replicates: number;
  /** Images, without padding. */
  readonly batch: number;
}

const shapes = extents.flatMap(([channels, height, width, batch]) =>
  replicateCounts.map((replicates): Shape => ({ replicates, channels, height, width, batch }))
);

async function run(
  gpu: Gpu,
  shape: Shape,
  input: Float64Array,
  shortcut: Float64Array,
): Promise<Float32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const { replicates } = shape;
  const rows = sizeOf(shape);
  const batch = roundUp(shape.batch, 8);
  const pack = (values: Float64Array): Float32Array<ArrayBuffer> =>
    packBatch(replicates, rows, shape.batch, values, { rows: NaN, lanes: 2 });
  const output = scratch.output(replicates * roundUp(rows, 4) * batch);
  await scratch.run(addRelu({ replicates, batch, extent: shape }, {
    input: scratch.upload(pack(input)),
    shortcut: scratch.upload(pack(shortcut)),
    output,
  }));
  const [result] = await scratch.floats(output);
  assert.ok(result);
  return result;
}

function randomTensors(shape: Shape): [Float64Array, Float64Array] {
  const size = shape.replicates * sizeOf(shape) * shape.batch;
  return [normals(1, size), normals(2, size)];
}

function named({ replicates, channels, height, width, batch }: Shape): string {
  return `${channels} × ${height} × ${width}, batch ${batch}, R = ${replicates}`;
}

Deno.test("add_relu agrees with its reference on odd extents and writes nothing but its rows", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const [input, shortcut] = randomTensors(shape);
    const packed = await run(gpu, shape, input, shortcut);
    const { values, paddingLanes, paddingRows } = unpackBatch(shape.replicates, sizeOf(shape), shape.batch, packed);
    // One rounding, of a sum no larger than the largest.
    assertClose(values, reference.addRelu(input, shortcut), 6e-8, named(shape));
    assertAll(paddingLanes, 4, `${named(shape)}: padding lanes`);
    assertAll(paddingRows, untouched, `${named(shape)}: padding rows`);
  }
});

Deno.test("three replicates of add_relu give bit for bit what three runs of one give", async () => {
  const gpu = await testGpu();
  for (const shape of shapes.filter(({ replicates }) => replicates === 3)) {
    const [input, shortcut] = randomTensors(shape);
    const together = await run(gpu, shape, input, shortcut);
    for (const r of [0, 1, 2]) {
      const alone = await run(gpu, { ...shape, replicates: 1 }, replicate(input, 3, r), replicate(shortcut, 3, r));
      assertSameBits(replicate(together, 3, r), alone, named(shape));
    }
  }
});

Deno.test("NaN goes through add_relu, and infinity where it is positive", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 3, channels: 1, height: 3, width: 5, batch: 7 };
  const [input, shortcut] = randomTensors(shape);
  const strange = withValues(input, { 0: NaN, 9: Infinity, 20: -Infinity, 50: Infinity });
  const other = withValues(shortcut, { 9: 1, 50: -Infinity, 60: NaN });
  const { values } = unpackBatch(3, 15, 7, await run(gpu, shape, strange, other));
  assert.deepEqual([0, 9, 20, 50, 60].map((at) => values[at]), [NaN, Infinity, 0, NaN, NaN]);
  assertClose(values, reference.addRelu(strange, other), 6e-8, "with NaN and infinity");
});
