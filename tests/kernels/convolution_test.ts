import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import * as registerTiles from "../../src/nn/convolution.ts";
import * as workgroupTiles from "../../src/nn/convolution_workgroup.ts";
import { type LayerLayout, layOut, type NetworkLayout, roundUp } from "../../src/nn/network.ts";
import { convolutionForward, type ConvolutionShape, outputSize } from "../../src/reference/convolution_forward.ts";
import { convolutionInputGradient } from "../../src/reference/convolution_input_gradient.ts";
import { convolutionWeightGradient } from "../../src/reference/convolution_weight_gradient.ts";
import { bits, normals, withValues } from "../reference/tensors.ts";
import {
  assertAll,
  assertClose,
  assertSameBits,
  closeTestGpu,
  packBatch,
  packLayer,
  packLayerMask,
  replicate,
  replicateCounts,
  Scratch,
  sumTolerance,
  testGpu,
  unpackBatch,
  unpackLayer,
  untouched,
} from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/**
 * (channels, outputs, height, width, batch): 1, primes, widths of 1 and 2, one less and one more than a tile of 4 pixels, 4 or 8
 * channels and 8 outputs, more than eight tiles of images. The weight gradients of the last two are split unevenly and not at all.
 */
const raggedShapes = [
  [1, 1, 1, 1, 1],
  [3, 4, 5, 4, 5],
  [4, 9, 4, 5, 8],
  [9, 7, 7, 3, 9],
  [8, 8, 2, 2, 16],
  [5, 3, 1, 9, 7],
  [7, 12, 5, 1, 23],
  [19, 17, 3, 6, 65],
  [29, 61, 5, 3, 9],
  [61, 67, 3, 2, 4],
] as const;

const kernels = [[3, 1], [3, 2], [1, 1], [1, 2]] as const;

function shapesOf(replicates: number): ConvolutionShape[] {
  return kernels.flatMap(([size, stride]) =>
    raggedShapes.map(([channels, outputs, height, width, batch]) => ({
      ...{ replicates, channels, outputs, height, width, size, stride, batch },
    }))
  );
}

/** Every second one of a list of {@linkcode shapesOf}: every shape with one stride, every kernel with half of the shapes. */
function half(shapes: readonly ConvolutionShape[], first: 0 | 1): ConvolutionShape[] {
  return shapes.filter((_, index) => (index + Math.floor(index / raggedShapes.length)) % 2 === first);
}

/** One family of the convolution's kernels. */
type Family = typeof registerTiles | typeof workgroupTiles;

const families: readonly (readonly [tiles: string, family: Family, shapes: readonly ConvolutionShape[]])[] = [
  ["register tiles", registerTiles, replicateCounts.flatMap(shapesOf)],
  // To take less time: every shape with every kernel, but with one number of replicates.
  ["workgroup tiles", workgroupTiles, [...half(shapesOf(1), 0), ...half(shapesOf(3), 1)]],
];

interface Tensors {
  /** `[R][C][ky][kx][K]`. */
  readonly weight: Float64Array;
  /** `[R][K]`. */
  readonly bias: Float64Array;
  /** `[R][C][H][W][N]`, the output of a ReLU: half of it zeros. */
  readonly input: Float64Array;
  /** `[R][K][Y][X][N]`. */
  readonly outputGradient: Float64Array;
  /** `[R][C][H][W][N]`: what another reader of the input gave. */
  readonly old: Float64Array;
  /** `[R][C][ky][kx][K]`. */
  readonly mask: Uint8Array<ArrayBuffer>;
}

/** Rows of a replicate's input, output and weights. */
function rowsOf({ channels, outputs, height, width, size, stride }: ConvolutionShape): {
  readonly input: number;
  readonly output: number;
  readonly weight: number;
} {
  return {
    input: channels * height * width,
    output: outputs * outputSize(height, stride) * outputSize(width, stride),
    weight: channels * size * size,
  };
}

function randomTensors(shape: ConvolutionShape): Tensors {
  const { replicates, channels, outputs, batch } = shape;
  const rows = rowsOf(shape);
  return {
    weight: normals(channels + 1, replicates * rows.weight * outputs),
    bias: normals(channels + 2, replicates * outputs),
    input: normals(channels + 3, replicates * rows.input * batch).map((value) => Math.max(0, value)),
    outputGradient: normals(channels + 4, replicates * rows.output * batch),
    old: normals(channels + 5, replicates * rows.input * batch),
    mask: bits(channels + 6, replicates * rows.weight * outputs, 0.5),
  };
}

function ofReplicate(tensors: Tensors, replicates: number, r: number): Tensors {
  return {
    weight: replicate(tensors.weight, replicates, r),
    bias: replicate(tensors.bias, replicates, r),
    input: replicate(tensors.input, replicates, r),
    outputGradient: replicate(tensors.outputGradient, replicates, r),
    old: replicate(tensors.old, replicates, r),
    mask: replicate(tensors.mask, replicates, r),
  };
}

interface Placed {
  readonly layout: NetworkLayout;
  readonly layer: LayerLayout;
}

/** A convolution that does not begin at the arena's start, so that wrong offsets show. */
function place(
  { channels, outputs, height, width, size, stride }: ConvolutionShape,
  { relu = false, bias = true }: { readonly relu?: boolean; readonly bias?: boolean } = {},
): Placed {
  assert.ok((size === 1 || size === 3) && (stride === 1 || stride === 2));
  const layout = layOut({
    name: "test",
    input: { channels: 3, height, width },
    layers: [
      { type: "conv", channels, activation: "none" },
      { type: "conv", channels: outputs, size, stride, bias, activation: relu ? "relu" : "none" },
      { type: "dense", units: 2, activation: "none" },
    ],
  });
  const layer = layout.layers[1];
  assert.ok(layer);
  return { layout, layer };
}

// Rows that a kernel must not read hold NaN; padding lanes hold what its header promises.

async function runForward(
  gpu: Gpu,
  family: Family,
  shape: ConvolutionShape,
  tensors: Tensors,
  relu: boolean,
): Promise<Float32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const { replicates } = shape;
  const rows = rowsOf(shape);
  const batch = roundUp(shape.batch, 8);
  const placed = place(shape, { relu });
  const output = scratch.output(replicates * roundUp(rows.output, 4) * batch);
  await scratch.run(family.convolutionForward({ ...placed, replicates, batch }, {
    parameters: scratch.upload(packLayer(placed, replicates, tensors.weight, tensors.bias)),
    input: scratch.upload(packBatch(replicates, rows.input, shape.batch, tensors.input, { rows: NaN, lanes: 3 })),
    output,
  }));
  const [result] = await scratch.floats(output);
  assert.ok(result);
  return result;
}

interface Ending {
  readonly gate: boolean;
  readonly accumulate: boolean;
}

async function runInputGradient(
  gpu: Gpu,
  family: Family,
  shape: ConvolutionShape,
  tensors: Tensors,
  ending: Ending,
): Promise<Float32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const { replicates } = shape;
  const rows = rowsOf(shape);
  const batch = roundUp(shape.batch, 8);
  const placed = place(shape);
  const gradient = ending.accumulate
    ? scratch.upload(packBatch(replicates, rows.input, shape.batch, tensors.old, { rows: untouched, lanes: 0 }))
    : scratch.output(replicates * roundUp(rows.input, 4) * batch);
  const at = { ...placed, replicates, batch };
  await scratch.run(...family.convolutionInputGradient(at, ending, {
    parameters: scratch.upload(packLayer(placed, replicates, tensors.weight, tensors.bias)),
    outputGradient: scratch.upload(
      packBatch(replicates, rows.output, shape.batch, tensors.outputGradient, { rows: NaN, lanes: 0 }),
    ),
    input: scratch.upload(packBatch(replicates, rows.input, shape.batch, tensors.input, { rows: NaN, lanes: 1 })),
    gradient,
    partials: scratch.output(family.convolutionPartialWords(at)),
  }));
  const [result] = await scratch.floats(gradient);
  assert.ok(result);
  return result;
}

async function runWeightGradient(
  gpu: Gpu,
  family: Family,
  shape: ConvolutionShape,
  tensors: Tensors,
  masked: boolean,
  bias = true,
): Promise<Float32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const { replicates } = shape;
  const rows = rowsOf(shape);
  const batch = roundUp(shape.batch, 8);
  const placed = place(shape, { bias });
  const gradient = scratch.output(replicates * placed.layout.arena);
  const at = { ...placed, replicates, batch };
  await scratch.run(...family.convolutionWeightGradient(at, masked, {
    // Activations in padding lanes are whatever the bias gives: finite, not zero.
    input: scratch.upload(packBatch(replicates, rows.input, shape.batch, tensors.input, { rows: NaN, lanes: 7 })),
    outputGradient: scratch.upload(
      packBatch(replicates, rows.output, shape.batch, tensors.outputGradient, { rows: NaN, lanes: 0 }),
    ),
    mask: scratch.upload(packLayerMask(placed, replicates, tensors.mask)),
    partials: scratch.upload(new Float32Array(family.convolutionPartialWords(at)).fill(NaN)),
    gradient,
  }));
  const [result] = await scratch.floats(gradient);
  assert.ok(result);
  return result;
}

function named({ channels, outputs, height, width, size, stride, batch, replicates }: ConvolutionShape): string {
  return `${channels} → ${outputs} channels, ${height} × ${width}, kernel ${size}, stride ${stride}, batch ${batch}, R = ${replicates}`;
}

/** Terms of one value of the weight gradient. */
function positions({ height, width, stride, batch }: ConvolutionShape): number {
  return outputSize(height, stride) * outputSize(width, stride) * batch;
}

const endings: readonly Ending[] = [
  { gate: false, accumulate: false },
  { gate: true, accumulate: false },
  { gate: false, accumulate: true },
  { gate: true, accumulate: true },
];

const odd: ConvolutionShape = {
  ...{ replicates: 3, channels: 5, outputs: 7, height: 3, width: 6, size: 3, stride: 1, batch: 5 },
};

/** The middle tap of a channel's kernel to an output: the only one that lies inside the image everywhere. */
function middle(r: number, c: number, k: number): number {
  return ((r * odd.channels + c) * 9 + 4) * odd.outputs + k;
}

/** A value of `[R][rows][N]`, where rows are `[channels][3][6]`. */
function pixel(channels: number, r: number, c: number, y: number, x: number, n: number): number {
  return (((r * channels + c) * 3 + y) * 6 + x) * 5 + n;
}

/** A NaN at the image's edge, an infinity inside, and one of the other sign in another replicate. */
function spoilt(tensor: Float64Array, channels: number, edge: number): Float64Array {
  return withValues(tensor, {
    [pixel(channels, 0, 1, edge, 2 * edge, 4)]: NaN,
    [pixel(channels, 1, 4, 1, 3, 0)]: Infinity,
    [pixel(channels, 2, 2, 1, 4, 1)]: -Infinity,
  });
}

for (const [tiles, family, shapes] of families) {
  Deno.test(`${tiles}: convolution_forward agrees with its reference on ragged shapes, with and without ReLU`, async () => {
    const gpu = await testGpu();
    for (const shape of shapes) {
      for (const relu of [false, true]) {
        const tensors = randomTensors(shape);
        const rows = rowsOf(shape);
        const packed = await runForward(gpu, family, shape, tensors, relu);
        const result = unpackBatch(shape.replicates, rows.output, shape.batch, packed);
        const wanted = convolutionForward(shape, tensors.weight, tensors.bias, tensors.input, relu);
        assertClose(result.values, wanted, sumTolerance(rows.weight), named(shape));
        assertAll(result.paddingRows, untouched, `${named(shape)}: padding rows`);
        assert.ok(!result.paddingLanes.includes(untouched), `${named(shape)}: padding lanes are written`);
      }
    }
  });

  Deno.test(`${tiles}: convolution_input_gradient agrees with its reference on ragged shapes, gated, added to another, or neither`, async () => {
    const gpu = await testGpu();
    for (const shape of shapes) {
      // Gate and accumulate meet no size or stride: all four for one kernel, none and both for the others.
      for (const ending of shape.size === 3 && shape.stride === 1 ? endings : endings.filter((_, at) => at % 3 === 0)) {
        const tensors = randomTensors(shape);
        const rows = rowsOf(shape);
        const packed = await runInputGradient(gpu, family, shape, tensors, ending);
        const result = unpackBatch(shape.replicates, rows.input, shape.batch, packed);
        const wanted = convolutionInputGradient(shape, tensors.weight, tensors.outputGradient, {
          old: ending.accumulate ? tensors.old : undefined,
          gate: ending.gate ? tensors.input : undefined,
        });
        const what = `${named(shape)}, ${JSON.stringify(ending)}`;
        assertClose(result.values, wanted, sumTolerance(shape.outputs * shape.size ** 2), what);
        assertAll(result.paddingLanes, 0, `${what}: padding lanes`);
        assertAll(result.paddingRows, untouched, `${what}: padding rows`);
      }
    }
  });

  Deno.test(`${tiles}: convolution_weight_gradient agrees with its reference on ragged shapes, split and not, with and without the mask`, async () => {
    const gpu = await testGpu();
    using scratch = new Scratch(gpu);
    const small = scratch.output(4);
    const launches = new Set<number>();
    for (const shape of shapes) {
      const at = { ...place(shape), replicates: 1, batch: 8 };
      const buffers = { input: small, outputGradient: small, mask: small, gradient: small, partials: small };
      launches.add(family.convolutionWeightGradient(at, true, buffers).length);
      for (const masked of [false, true]) {
        const tensors = randomTensors(shape);
        const arenas = await runWeightGradient(gpu, family, shape, tensors, masked);
        const { weight, bias } = unpackLayer(place(shape), shape.replicates, arenas, named(shape));
        const mask = masked ? tensors.mask : undefined;
        const wanted = convolutionWeightGradient(shape, tensors.input, tensors.outputGradient, mask);
        assertClose(weight, wanted.weight, sumTolerance(positions(shape)), `${named(shape)}: weight`);
        assertClose(bias, wanted.bias, sumTolerance(positions(shape)), `${named(shape)}: bias`);
        if (!masked) continue;
        weight.forEach((value, at) => {
          if (tensors.mask[at] === 0) {
            assert.ok(Object.is(value, 0), `${named(shape)}: pruned weight ${at} has ${value}`);
          }
        });
      }
    }
    assert.deepEqual(launches, new Set([1, 2]));
  });

  Deno.test(`${tiles}: convolution_weight_gradient leaves the bias of a layer without one alone, split and not`, async () => {
    const gpu = await testGpu();
    for (const height of [1, 5]) {
      const shape = { replicates: 3, channels: 5, outputs: 6, height, width: 3, size: 3, stride: 1, batch: 8 };
      const arenas = await runWeightGradient(gpu, family, shape, randomTensors(shape), true, false);
      const { layout, layer } = place(shape, { bias: false });
      for (let r = 0; r < 3; r++) {
        const arena = replicate(arenas, 3, r);
        assertAll(arena.subarray(layer.bias, layer.bias + 8), untouched, `height ${height}`);
        assertAll(arena.subarray(layer.weight + 6, layer.weight + 8), 0, `height ${height}: padding`);
        assert.notEqual(arena[layer.weight + 5], untouched);
      }
      assert.equal(arenas.length, 3 * layout.arena);
    }
  });

  Deno.test(`${tiles}: three replicates of the convolution give bit for bit what three runs of one give`, async () => {
    const gpu = await testGpu();
    const ending = { gate: true, accumulate: true };
    for (const shape of half(shapesOf(3), 0)) {
      const tensors = randomTensors(shape);
      const together = [
        await runForward(gpu, family, shape, tensors, true),
        await runInputGradient(gpu, family, shape, tensors, ending),
        await runWeightGradient(gpu, family, shape, tensors, true),
      ];
      for (let r = 0; r < 3; r++) {
        const one = { ...shape, replicates: 1 };
        const own = ofReplicate(tensors, 3, r);
        const alone = [
          await runForward(gpu, family, one, own, true),
          await runInputGradient(gpu, family, one, own, ending),
          await runWeightGradient(gpu, family, one, own, true),
        ];
        alone.forEach((tensor, index) => {
          const all = together[index];
          assert.ok(all);
          assertSameBits(replicate(all, 3, r), tensor, `${named(shape)}, replicate ${r + 1}`);
        });
      }
    }
  });

  Deno.test(`${tiles}: convolution_forward carries NaN and infinity of weights, bias and input where arithmetic carries them`, async () => {
    const gpu = await testGpu();
    const plain = randomTensors(odd);
    const values = { [middle(0, 4, 3)]: NaN, [middle(1, 0, 6)]: Infinity, [middle(2, 3, 0)]: -Infinity };
    const cases: Partial<Tensors>[] = [
      { weight: withValues(plain.weight, values) },
      { bias: withValues(plain.bias, { 2: NaN, 9: Infinity, 18: -Infinity }) },
      { input: spoilt(plain.input, 5, 0) },
    ];
    for (const [index, changed] of cases.entries()) {
      const tensors = { ...plain, ...changed };
      for (const relu of [false, true]) {
        const result = unpackBatch(3, rowsOf(odd).output, 5, await runForward(gpu, family, odd, tensors, relu));
        const wanted = convolutionForward(odd, tensors.weight, tensors.bias, tensors.input, relu);
        assert.ok(wanted.some(Number.isNaN) && wanted.some(Number.isFinite));
        assertClose(result.values, wanted, sumTolerance(45), `case ${index + 1}, relu ${relu}`);
      }
    }
  });

  Deno.test(`${tiles}: convolution_input_gradient carries NaN and infinity, and its gate lets a gradient pass at a NaN activation`, async () => {
    const gpu = await testGpu();
    const plain = randomTensors(odd);
    const values = { [middle(0, 4, 3)]: NaN, [middle(1, 0, 6)]: Infinity, [middle(2, 3, 0)]: -Infinity };
    const cases: Partial<Tensors>[] = [
      { weight: withValues(plain.weight, values) },
      { outputGradient: spoilt(plain.outputGradient, 7, 0) },
      { old: spoilt(plain.old, 5, 0) },
      { input: spoilt(plain.input, 5, 0) },
    ];
    for (const [index, changed] of cases.entries()) {
      const tensors = { ...plain, ...changed };
      const packed = await runInputGradient(gpu, family, odd, tensors, { gate: true, accumulate: true });
      const result = unpackBatch(3, rowsOf(odd).input, 5, packed);
      const wanted = convolutionInputGradient(odd, tensors.weight, tensors.outputGradient, {
        old: tensors.old,
        gate: tensors.input,
      });
      if (changed.input) assert.ok(wanted.every(Number.isFinite) && wanted[pixel(5, 0, 1, 0, 0, 4)] !== 0);
      else if (!changed.old) assert.ok(wanted.some(Number.isNaN) && wanted.some((value) => value === 0));
      assertClose(result.values, wanted, sumTolerance(63), `case ${index + 1}`);
    }
  });

  Deno.test(`${tiles}: convolution_weight_gradient carries NaN and infinity to surviving weights and never to pruned ones`, async () => {
    const gpu = await testGpu();
    // One row of output is not split.
    for (const shape of [odd, { ...odd, stride: 2 }, { ...odd, height: 1, width: 18 }]) {
      const plain = randomTensors(shape);
      const cases: Partial<Tensors>[] = [
        { input: spoilt(plain.input, 5, 0) },
        // Inside the image, where every tap meets a pixel.
        ...(shape === odd ? [{ outputGradient: spoilt(plain.outputGradient, 7, 1) }] : []),
      ];
      for (const [index, changed] of cases.entries()) {
        const tensors = { ...plain, ...changed };
        const what = `case ${index + 1}, ${named(shape)}`;
        const { weight, bias } = unpackLayer(
          place(shape),
          shape.replicates,
          await runWeightGradient(gpu, family, shape, tensors, true),
          what,
        );
        const wanted = convolutionWeightGradient(shape, tensors.input, tensors.outputGradient, tensors.mask);
        assert.ok(wanted.weight.some(Number.isNaN));
        assertClose(weight, wanted.weight, sumTolerance(positions(shape)), `${what}: weight`);
        assertClose(bias, wanted.bias, sumTolerance(positions(shape)), `${what}: bias`);
        weight.forEach((value, at) => {
          if (tensors.mask[at] === 0) assert.ok(Object.is(value, 0));
        });
      }
    }
  });

  Deno.test(`${tiles}: the comparison fails when one weight in the last tap of the last channel is off by a hundred-thousandth`, async () => {
    const gpu = await testGpu();
    const shape = { replicates: 1, channels: 3, outputs: 8, height: 4, width: 4, size: 3, stride: 1, batch: 8 };
    const tensors = randomTensors(shape);
    const wanted = convolutionForward(shape, tensors.weight, tensors.bias, tensors.input);
    const off = withValues(tensors.weight, { 215: (tensors.weight[215] ?? 0) + 1e-5 });
    const { values } = unpackBatch(1, 128, 8, await runForward(gpu, family, shape, { ...tensors, weight: off }, false));
    assert.throws(() => assertClose(values, wanted, sumTolerance(27), "off"), assert.AssertionError);
  });
}
