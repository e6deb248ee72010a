import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { CompactArena } from "../../src/nn/compact.ts";
import {
  compactConvolutionForward,
  compactConvolutionInputGradient,
  compactConvolutionWeightGradient,
} from "../../src/nn/compact_convolution.ts";
import {
  convolutionForward as convolutionForwardLaunch,
  convolutionInputGradient as convolutionInputGradientLaunches,
  convolutionPartialWords,
} from "../../src/nn/convolution.ts";
import { layOut, roundUp } from "../../src/nn/network.ts";
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
  type PlacedLayer,
  replicate,
  Scratch,
  sumTolerance,
  testGpu,
  unpackBatch,
  untouched,
} from "./support.ts";

Deno.test.afterAll(closeTestGpu);

/**
 * (channels, outputs, height, width, batch): 1, primes, widths of 1 and 2, tiles of four pixels that end within a row, cross rows and
 * fill them, odd heights and widths, more than eight tiles of images.
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
  [6, 5, 8, 8, 4],
  [29, 31, 5, 3, 9],
] as const;

const shapes: readonly ConvolutionShape[] = [1, 3].flatMap((replicates) =>
  ([[3, 1], [3, 2], [1, 1], [1, 2]] as const).flatMap(([size, stride]) =>
    raggedShapes.map(([channels, outputs, height, width, batch]) => ({
      ...{ replicates, channels, outputs, height, width, size, stride, batch },
    }))
  )
);

interface Tensors {
  /** `[R][C][ky][kx][K]`, zeros where pruned. */
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
function rowsOf({ channels, outputs, height, width, size, stride }: ConvolutionShape) {
  return {
    input: channels * height * width,
    output: outputs * outputSize(height, stride) * outputSize(width, stride),
    weight: channels * size * size,
  };
}

/**
 * Each replicate has its own density: a third, in which the first output and the second channel are dead and the last output is
 * whole but for that channel; nothing; everything.
 */
function randomMask(shape: ConvolutionShape): Uint8Array<ArrayBuffer> {
  const { replicates, channels, outputs, size } = shape;
  const inputs = rowsOf(shape).weight;
  return bits(channels + 6, replicates * inputs * outputs, 0.3).map((bit, at) => {
    const r = Math.floor(at / (inputs * outputs));
    const k = at % outputs;
    if (r > 0) return r === 1 ? 0 : 1;
    if (k === 0 || Math.floor(at / outputs / size ** 2) === 1) return 0;
    return k === outputs - 1 ? 1 : bit;
  });
}

function randomTensors(shape: ConvolutionShape): Tensors {
  const { replicates, channels, outputs, batch } = shape;
  const rows = rowsOf(shape);
  const mask = randomMask(shape);
  return {
    weight: normals(channels + 1, mask.length).map((value, at) => mask[at] === 0 ? 0 : value),
    bias: normals(channels + 2, replicates * outputs),
    input: normals(channels + 3, replicates * rows.input * batch).map((value) => Math.max(0, value)),
    outputGradient: normals(channels + 4, replicates * rows.output * batch),
    old: normals(channels + 5, replicates * rows.input * batch),
    mask,
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

interface Settings {
  readonly relu: boolean;
  readonly gate: boolean;
  readonly accumulate: boolean;
  readonly bias?: boolean;
}

/** A convolution that does not begin at the arena's start, so that wrong offsets show. */
function place(
  { channels, outputs, height, width, size, stride }: ConvolutionShape,
  { relu, bias = true }: Settings,
): PlacedLayer {
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

interface Results {
  /** `[R][K][Y][X][N]`, padded. */
  readonly output: Float32Array<ArrayBuffer>;
  /** `[R][C][H][W][N]`, padded. */
  readonly inputGradient: Float32Array<ArrayBuffer>;
  /** `[R][C][ky][kx][K]`, zeros where pruned. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** `[R][K]`. */
  readonly bias: Float32Array<ArrayBuffer>;
}

/** Rows that kernels must not read hold NaN; padding lanes hold what their headers promise. */
async function runCompact(gpu: Gpu, shape: ConvolutionShape, tensors: Tensors, settings: Settings): Promise<Results> {
  using scratch = new Scratch(gpu);
  const { replicates } = shape;
  const rows = rowsOf(shape);
  const batch = roundUp(shape.batch, 8);
  const dense = place(shape, settings);
  const masks = perReplicate(packLayerMask(dense, replicates, tensors.mask), replicates);
  const arena = new CompactArena(dense.layout, masks, [1]);
  const layer = arena.layout.layers[1];
  const indices = arena.structures.get(1);
  assert.ok(layer && indices);
  const at = { layout: arena.layout, layer, replicates, batch };
  const structure = {
    rows: scratch.upload(indices.rows),
    positions: scratch.upload(indices.positions),
    rowOf: scratch.upload(indices.rowOf),
    columns: scratch.upload(indices.columns),
    entries: scratch.upload(indices.entries),
    quads: indices.quads,
    entryCount: indices.entryCount,
  };
  const values = perReplicate(packLayer(dense, replicates, tensors.weight, tensors.bias), replicates);
  const parameters = scratch.upload(concatenated(values.map((own, r) => arena.pack(own, r))));
  const mask = new Uint32Array(replicates * arena.layout.arena / 32);
  masks.forEach((own, r) => mask.set(arena.packMask(own, r), r * arena.layout.arena / 32));
  const upload = (count: number, tensor: Float64Array, lanes: number) =>
    scratch.upload(packBatch(replicates, count, shape.batch, tensor, { rows: NaN, lanes }));
  const input = upload(rows.input, tensors.input, 7);
  const outputGradient = upload(rows.output, tensors.outputGradient, 0);
  const output = scratch.output(replicates * roundUp(rows.output, 4) * batch);
  const below = settings.accumulate
    ? scratch.upload(packBatch(replicates, rows.input, shape.batch, tensors.old, { rows: untouched, lanes: 0 }))
    : scratch.output(replicates * roundUp(rows.input, 4) * batch);
  const gradient = scratch.output(replicates * arena.layout.arena);
  await scratch.run(
    compactConvolutionForward(at, structure, { parameters, input, output }),
    compactConvolutionInputGradient(at, structure, settings, { parameters, outputGradient, input, gradient: below }),
    compactConvolutionWeightGradient(at, structure, {
      input,
      outputGradient,
      mask: scratch.upload(mask),
      gradient,
    }),
  );
  const [activations, inputGradient, arenas] = await scratch.floats(output, below, gradient);
  assert.ok(activations && inputGradient && arenas);
  const weight = new Float32Array(tensors.weight.length);
  const bias = new Float32Array(replicates * shape.outputs);
  perReplicate(arenas, replicates).forEach((own, r) => {
    const unpacked = arena.unpack(own, r);
    const row = layer.outputQuads * 4;
    for (let i = 0; i < rows.weight; i++) {
      const first = dense.layer.weight + i * row;
      weight.set(
        unpacked.subarray(first, first + shape.outputs),
        (r * rows.weight + i) * shape.outputs,
      );
    }
    bias.set(own.subarray(layer.bias, layer.bias + shape.outputs), r * shape.outputs);
    // What is not a survivor is padding, and what is no padding is outside.
    const stored = own.subarray(layer.weight, layer.weight + indices.quads * 4);
    const words = arena.packMask(masks[r] ?? assert.fail(), r);
    stored.forEach((value, index) => {
      const place = layer.weight + index;
      if ((((words[place >>> 5] ?? 0) >>> (place & 31)) & 1) === 0) {
        assert.ok(Object.is(value, 0), `${named(shape)}: padding ${index} is ${value}`);
      }
    });
    stored.fill(untouched);
    const biases = own.subarray(layer.bias, layer.bias + row);
    if (settings.bias ?? true) {
      assertAll(biases.subarray(shape.outputs), 0, `${named(shape)}: padding of the bias`);
      biases.fill(untouched);
    }
    assertAll(own, untouched, `${named(shape)}: outside the layer`);
  });
  return { output: activations, inputGradient, weight, bias };
}

/** The parts of all replicates, copied. */
function perReplicate<T>(
  all: { readonly length: number; slice(start: number, end: number): T },
  replicates: number,
): T[] {
  return Array.from({ length: replicates }, (_, r) => replicate(all, replicates, r));
}

function concatenated(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

function named({ channels, outputs, height, width, size, stride, batch, replicates }: ConvolutionShape): string {
  return `${channels} → ${outputs} channels, ${height} × ${width}, kernel ${size}, stride ${stride}, batch ${batch}, R = ${replicates}`;
}

/** Terms of one value of the weight gradient. */
function positions({ height, width, stride, batch }: ConvolutionShape): number {
  return outputSize(height, stride) * outputSize(width, stride) * batch;
}

const plain: Settings = { relu: false, gate: false, accumulate: false };
const full: Settings = { relu: true, gate: true, accumulate: true };
/** Gate and accumulate meet no size or stride. */
const endings: readonly Settings[] = [{ ...plain, gate: true }, { ...plain, accumulate: true }];

Deno.test("the compact convolution agrees with the references on masked weights, gated, added to another, both or neither", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const { replicates, batch, size } = shape;
    const tensors = randomTensors(shape);
    const rows = rowsOf(shape);
    for (const settings of [plain, full, ...(size === 3 && shape.stride === 1 ? endings : [])]) {
      const what = `${named(shape)}, ${JSON.stringify(settings)}`;
      const found = await runCompact(gpu, shape, tensors, settings);
      const output = unpackBatch(replicates, rows.output, batch, found.output);
      const activations = convolutionForward(shape, tensors.weight, tensors.bias, tensors.input, settings.relu);
      assertClose(output.values, activations, sumTolerance(rows.weight), `${what}: output`);
      assertAll(output.paddingRows, untouched, `${what}: padding rows`);
      assert.ok(!output.paddingLanes.includes(untouched), `${what}: padding lanes are written`);
      const below = unpackBatch(replicates, rows.input, batch, found.inputGradient);
      const wanted = convolutionInputGradient(shape, tensors.weight, tensors.outputGradient, {
        old: settings.accumulate ? tensors.old : undefined,
        gate: settings.gate ? tensors.input : undefined,
      });
      assertClose(below.values, wanted, sumTolerance(shape.outputs * size ** 2), `${what}: input gradient`);
      assertAll(below.paddingLanes, 0, `${what}: padding lanes`);
      assertAll(below.paddingRows, untouched, `${what}: padding rows`);
      const { weight, bias } = convolutionWeightGradient(shape, tensors.input, tensors.outputGradient, tensors.mask);
      assertClose(found.weight, weight, sumTolerance(positions(shape)), `${what}: weight`);
      assertClose(found.bias, bias, sumTolerance(positions(shape)), `${what}: bias`);
    }
  }
});

Deno.test("the compact convolution's forward pass and input gradient give bit for bit what the masked-dense ones give", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const { replicates } = shape;
    const tensors = randomTensors(shape);
    const rows = rowsOf(shape);
    const batch = roundUp(shape.batch, 8);
    const found = await runCompact(gpu, shape, tensors, full);
    using scratch = new Scratch(gpu);
    const placed = place(shape, full);
    const at = { ...placed, replicates, batch };
    const upload = (count: number, tensor: Float64Array, padding: { readonly rows: number; readonly lanes: number }) =>
      scratch.upload(packBatch(replicates, count, shape.batch, tensor, padding));
    const parameters = scratch.upload(packLayer(placed, replicates, tensors.weight, tensors.bias));
    const input = upload(rows.input, tensors.input, { rows: NaN, lanes: 7 });
    const output = scratch.output(replicates * roundUp(rows.output, 4) * batch);
    const gradient = upload(rows.input, tensors.old, { rows: untouched, lanes: 0 });
    await scratch.run(
      convolutionForwardLaunch(at, { parameters, input, output }),
      ...convolutionInputGradientLaunches(at, full, {
        parameters,
        outputGradient: upload(rows.output, tensors.outputGradient, { rows: NaN, lanes: 0 }),
        input,
        gradient,
        partials: scratch.output(convolutionPartialWords(at)),
      }),
    );
    const [wanted, below] = await scratch.floats(output, gradient);
    assert.ok(wanted && below);
    assertSameBits(found.output, wanted, `${named(shape)}: output`);
    assertSameBits(found.inputGradient, below, `${named(shape)}: input gradient`);
  }
});

Deno.test("three replicates of the compact convolution, and a second run, give bit for bit what three runs of one give", async () => {
  const gpu = await testGpu();
  for (const shape of shapes.filter(({ replicates }) => replicates === 3)) {
    const tensors = randomTensors(shape);
    const together = await runCompact(gpu, shape, tensors, full);
    const again = await runCompact(gpu, shape, tensors, full);
    for (const name of ["output", "inputGradient", "weight", "bias"] as const) {
      assertSameBits(again[name], together[name], `${named(shape)}, again: ${name}`);
    }
    for (let r = 0; r < 3; r++) {
      const alone = await runCompact(gpu, { ...shape, replicates: 1 }, ofReplicate(tensors, 3, r), full);
      for (const name of ["output", "inputGradient", "weight", "bias"] as const) {
        assertSameBits(replicate(together[name], 3, r), alone[name], `${named(shape)}, replicate ${r + 1}: ${name}`);
      }
    }
  }
});

const odd: ConvolutionShape = {
  ...{ replicates: 3, channels: 5, outputs: 7, height: 3, width: 6, size: 3, stride: 1, batch: 5 },
};

Deno.test("the compact convolution does without anything where all weights of all replicates are pruned", async () => {
  const gpu = await testGpu();
  const random = randomTensors(odd);
  const tensors = {
    ...random,
    weight: new Float64Array(random.weight.length),
    mask: new Uint8Array(random.mask.length),
  };
  const found = await runCompact(gpu, odd, tensors, { ...full, relu: false, gate: false });
  const { values } = unpackBatch(3, rowsOf(odd).output, odd.batch, found.output);
  values.forEach((value, at) => assert.equal(value, tensors.bias[Math.floor(at / 5 / 18)]));
  assert.deepEqual(unpackBatch(3, rowsOf(odd).input, odd.batch, found.inputGradient).values, tensors.old);
  const { bias } = convolutionWeightGradient(odd, tensors.input, tensors.outputGradient, tensors.mask);
  assertClose(found.bias, bias, sumTolerance(positions(odd)), "bias");
});

Deno.test("compact_convolution_weight_gradient leaves the bias of a layer without one alone", async () => {
  const gpu = await testGpu();
  const { bias } = await runCompact(gpu, odd, randomTensors(odd), { ...plain, bias: false });
  assertAll(bias, untouched, "bias");
});

/** A value of `[R][rows][N]`, where rows are `[channels][3][6]`. */
function pixel(channels: number, r: number, c: number, y: number, x: number, n: number): number {
  return (((r * channels + c) * 3 + y) * 6 + x) * 5 + n;
}

/** Ones where a tensor has no finite value. */
function spots(tensor: Float64Array): Float64Array {
  return tensor.map((value) => Number(!Number.isFinite(value)));
}

/** Zeros there. */
function cleared(tensor: Float64Array): Float64Array {
  return tensor.map((value) => Number.isFinite(value) ? value : 0);
}

Deno.test("a survivor's NaN or infinity reaches all that it is multiplied with and nothing else", async () => {
  const gpu = await testGpu();
  const random = randomTensors(odd);
  const size = random.mask.length / 3;
  // Of the third replicate, which has all weights, a tap at the edge of the kernel.
  const at = [random.mask.indexOf(1), random.mask.lastIndexOf(1, size - 1), 2 * size + 3];
  const [first = 0, last = 0, third = 0] = at;
  const tensors = {
    ...random,
    weight: withValues(random.weight, { [first]: NaN, [last]: Infinity, [third]: -Infinity }),
  };
  const found = await runCompact(gpu, odd, tensors, plain);
  const output = unpackBatch(3, rowsOf(odd).output, 5, found.output).values;
  const wanted = convolutionForward(odd, tensors.weight, tensors.bias, tensors.input);
  assert.ok(wanted.some(Number.isNaN) && wanted.includes(Infinity) && wanted.slice(-90 * 7).some(Number.isFinite));
  assertClose(output, wanted, sumTolerance(45), "output");
  const below = unpackBatch(3, rowsOf(odd).input, 5, found.inputGradient).values;
  const gradient = convolutionInputGradient(odd, tensors.weight, tensors.outputGradient, {});
  assert.ok(gradient.some(Number.isNaN) && gradient.some(Number.isFinite));
  assertClose(below, gradient, sumTolerance(63), "input gradient");
});

Deno.test("a pixel's NaN reaches what survivors multiply it with, and what is pruned passes nothing on", async () => {
  const gpu = await testGpu();
  const random = randomTensors(odd);
  const tensors = {
    ...random,
    input: withValues(random.input, { [pixel(5, 0, 4, 1, 2, 4)]: NaN, [pixel(5, 2, 2, 1, 3, 0)]: NaN }),
    outputGradient: withValues(random.outputGradient, {
      [pixel(7, 0, 3, 1, 3, 1)]: NaN,
      [pixel(7, 1, 6, 1, 2, 0)]: NaN,
    }),
  };
  const found = await runCompact(gpu, odd, tensors, plain);
  const survivors = Float64Array.from(tensors.mask);
  const noBias = new Float64Array(21);
  const meets = convolutionForward(odd, survivors, noBias, spots(tensors.input));
  const wanted = convolutionForward(odd, tensors.weight, tensors.bias, cleared(tensors.input));
  assert.ok(meets.some((count) => count > 0) && wanted.every(Number.isFinite));
  assertClose(
    unpackBatch(3, rowsOf(odd).output, 5, found.output).values,
    wanted.map((value, at) => (meets[at] ?? 0) > 0 ? NaN : value),
    sumTolerance(45),
    "output",
  );
  const meetsBelow = convolutionInputGradient(odd, survivors, spots(tensors.outputGradient), {});
  const below = convolutionInputGradient(odd, tensors.weight, cleared(tensors.outputGradient), {});
  assert.ok(meetsBelow.some((count) => count > 0));
  assertClose(
    unpackBatch(3, rowsOf(odd).input, 5, found.inputGradient).values,
    below.map((value, at) => (meetsBelow[at] ?? 0) > 0 ? NaN : value),
    sumTolerance(63),
    "input gradient",
  );
  // That pruned weights and padding get zeros, runCompact() looks at.
  const { weight, bias } = convolutionWeightGradient(odd, tensors.input, tensors.outputGradient, tensors.mask);
  assert.ok(weight.some(Number.isNaN) && bias.some(Number.isNaN));
  assertClose(found.weight, weight, sumTolerance(positions(odd)), "weight");
  assertClose(found.bias, bias, sumTolerance(positions(odd)), "bias");
});

Deno.test("the gate of compact_convolution_input_gradient lets a gradient pass at NaN", async () => {
  const gpu = await testGpu();
  const random = randomTensors(odd);
  const at = pixel(5, 0, 0, 0, 0, 4);
  const tensors = { ...random, input: withValues(random.input, { [at]: NaN }) };
  const { inputGradient } = await runCompact(gpu, odd, tensors, full);
  const wanted = convolutionInputGradient(odd, tensors.weight, tensors.outputGradient, {
    old: tensors.old,
    gate: tensors.input,
  });
  assert.ok(wanted.every(Number.isFinite) && wanted[at] !== 0);
  assertClose(unpackBatch(3, rowsOf(odd).input, 5, inputGradient).values, wanted, sumTolerance(63), "gated");
});

Deno.test("the comparison fails when one survivor is off by a hundred-thousandth", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, channels: 3, outputs: 8, height: 4, width: 4, size: 3, stride: 1, batch: 8 };
  const tensors = randomTensors(shape);
  const wanted = convolutionForward(shape, tensors.weight, tensors.bias, tensors.input);
  const at = tensors.mask.lastIndexOf(1);
  const off = withValues(tensors.weight, { [at]: (tensors.weight[at] ?? 0) + 1e-5 });
  const { output } = await runCompact(gpu, shape, { ...tensors, weight: off }, plain);
  assert.throws(
    () => assertClose(unpackBatch(1, 128, 8, output).values, wanted, sumTolerance(27), "off"),
    assert.AssertionError,
  );
});
