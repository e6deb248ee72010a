import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import {
  batchNormEvaluation,
  batchNormGradient,
  batchNormPartialWords,
  batchNormSavedWords,
  batchNormTraining,
} from "../../src/nn/batch_norm.ts";
import { type Extent, layOut, type NetworkLayout, type NormLayout, roundUp, sizeOf } from "../../src/nn/network.ts";
import * as reference from "../../src/reference/batch_norm.ts";
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

interface Shape extends Extent {
  readonly replicates: number;
  /** Images, without padding. */
  readonly batch: number;
}

interface Tensors {
  /** All four `[R][C]`. */
  readonly scale: Float64Array;
  readonly shift: Float64Array;
  readonly runningMean: Float64Array;
  /** Positive. */
  readonly runningVariance: Float64Array;
  /** `[R][C][H·W][N]`. */
  readonly input: Float64Array;
  /** `[R][C][H·W][N]`. */
  readonly outputGradient: Float64Array;
}

/**
 * (channels, height, width, images): a single value per channel; one channel; dense layers; channels that fill no workgroup;
 * parts of 16 rows of which the last has 1; parts of more than 16 rows; a batch of several tiles with a part of a vec4.
 */
const extents = [
  [1, 1, 1, 1],
  [1, 3, 5, 1],
  [5, 7, 4, 8],
  [13, 1, 1, 7],
  [33, 1, 1, 60],
  [3, 3, 11, 9],
  [2, 17, 17, 23],
  [2, 4, 4, 69],
] as const;

const shapes = extents.flatMap(([channels, height, width, batch]) =>
  replicateCounts.map((replicates): Shape => ({ replicates, channels, height, width, batch }))
);

/** A batch norm that does not begin at the arena's start, so that wrong offsets show. */
function normUnderTest(
  { channels, height, width }: Extent,
  relu: boolean,
): { readonly layout: NetworkLayout; readonly norm: NormLayout } {
  const layout = layOut({
    name: "test",
    input: { channels, height, width },
    layers: [
      { type: "batch-norm", activation: "none" },
      { type: "batch-norm", activation: relu ? "relu" : "none" },
      { type: "dense", units: 2, activation: "none" },
    ],
  });
  const norm = layout.norms[1];
  assert.ok(norm);
  return { layout, norm };
}

function referenceShape({ replicates, channels, height, width, batch }: Shape): reference.BatchNormShape {
  return { replicates, channels, plane: height * width, batch };
}

/** Half of the input's values positive, half not. */
function randomTensors(shape: Shape): Tensors {
  const { replicates, channels, batch } = shape;
  const size = replicates * sizeOf(shape) * batch;
  return {
    scale: normals(1, replicates * channels),
    shift: normals(2, replicates * channels),
    runningMean: normals(3, replicates * channels),
    runningVariance: normals(4, replicates * channels).map((value) => Math.fround(0.5 + value * value)),
    input: normals(5, size),
    outputGradient: normals(6, size),
  };
}

function ofReplicate(tensors: Tensors, replicates: number, r: number): Tensors {
  return {
    scale: replicate(tensors.scale, replicates, r),
    shift: replicate(tensors.shift, replicates, r),
    runningMean: replicate(tensors.runningMean, replicates, r),
    runningVariance: replicate(tensors.runningVariance, replicates, r),
    input: replicate(tensors.input, replicates, r),
    outputGradient: replicate(tensors.outputGradient, replicates, r),
  };
}

/** Arenas that hold these tensors `[R][C]` at their places and `elsewhere` in all others. */
function packArenas(
  { layout, norm }: ReturnType<typeof normUnderTest>,
  replicates: number,
  tensors: readonly (readonly [first: number, values: ArrayLike<number>])[],
  elsewhere: number,
): Float32Array<ArrayBuffer> {
  const { channels } = norm.extent;
  const arenas = new Float32Array(replicates * layout.arena).fill(elsewhere);
  for (const [first, values] of tensors) {
    for (let index = 0; index < replicates * channels; index++) {
      const r = Math.floor(index / channels);
      arenas[r * layout.arena + first + index % channels] = values[index] ?? NaN;
    }
  }
  return arenas;
}

/** What {@linkcode packArenas} packed, in the order of the places, and that all else is as it was. */
function unpackArenas(
  { layout, norm }: ReturnType<typeof normUnderTest>,
  arenas: Float32Array,
  firsts: readonly number[],
  elsewhere: number,
  what: string,
): Float64Array[] {
  const { channels } = norm.extent;
  const replicates = arenas.length / layout.arena;
  const rest = new Set(arenas.keys());
  const found = firsts.map((first) =>
    Float64Array.from({ length: replicates * channels }, (_, index) => {
      const at = Math.floor(index / channels) * layout.arena + first + index % channels;
      rest.delete(at);
      return arenas[at] ?? NaN;
    })
  );
  assertAll([...rest].map((at) => arenas[at] ?? 0), elsewhere, `${what}: elsewhere in the arena`);
  return found;
}

interface Results {
  /** Arenas with new running statistics. */
  readonly parameters: Float32Array<ArrayBuffer>;
  readonly output: Float32Array<ArrayBuffer>;
  /** Arenas with gradients of scale and shift. */
  readonly gradient: Float32Array<ArrayBuffer>;
  readonly inputGradient: Float32Array<ArrayBuffer>;
}

/**
 * Forward in training, then the gradients. Rows that must not be read hold NaN, padding lanes of the input a number whose
 * square is infinite.
 */
async function run(
  gpu: Gpu,
  shape: Shape,
  tensors: Tensors,
  { relu = false, gate = false }: { readonly relu?: boolean; readonly gate?: boolean } = {},
): Promise<Results> {
  using scratch = new Scratch(gpu);
  const { replicates, batch: images } = shape;
  const batch = roundUp(images, 8);
  const placed = normUnderTest(shape, relu);
  const rows = sizeOf(shape);
  const norm = { ...placed, replicates, batch, images };
  const padded = replicates * roundUp(rows, 4) * batch;
  const buffers = {
    parameters: scratch.upload(parameterArenas(placed, replicates, tensors)),
    input: scratch.upload(packBatch(replicates, rows, images, tensors.input, { rows: NaN, lanes: 1e30 })),
    outputGradient: scratch.upload(
      packBatch(replicates, rows, images, tensors.outputGradient, { rows: NaN, lanes: 0 }),
    ),
    output: scratch.output(padded),
    saved: scratch.output(batchNormSavedWords(norm)),
    partials: scratch.output(batchNormPartialWords(norm)),
    gradient: scratch.output(replicates * placed.layout.arena),
    inputGradient: scratch.output(padded),
  };
  await scratch.run(...batchNormTraining(norm, buffers), ...batchNormGradient(norm, gate, buffers));
  const [parameters, output, gradient, inputGradient] = await scratch.floats(
    buffers.parameters,
    buffers.output,
    buffers.gradient,
    buffers.inputGradient,
  );
  assert.ok(parameters && output && gradient && inputGradient);
  return { parameters, output, gradient, inputGradient };
}

function parameterArenas(
  placed: ReturnType<typeof normUnderTest>,
  replicates: number,
  { scale, shift, runningMean, runningVariance }: Tensors,
): Float32Array<ArrayBuffer> {
  const { norm } = placed;
  return packArenas(
    placed,
    replicates,
    [[norm.scale, scale], [norm.shift, shift], [norm.mean, runningMean], [norm.variance, runningVariance]],
    untouched,
  );
}

async function runEvaluation(
  gpu: Gpu,
  shape: Shape,
  tensors: Tensors,
  relu: boolean,
): Promise<Float32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const { replicates, batch: images } = shape;
  const batch = roundUp(images, 8);
  const rows = sizeOf(shape);
  const placed = normUnderTest(shape, relu);
  const output = scratch.output(replicates * roundUp(rows, 4) * batch);
  await scratch.run(batchNormEvaluation({ ...placed, replicates, batch, images }, {
    parameters: scratch.upload(parameterArenas(placed, replicates, tensors)),
    input: scratch.upload(packBatch(replicates, rows, images, tensors.input, { rows: NaN, lanes: 7 })),
    output,
  }));
  const [result] = await scratch.floats(output);
  assert.ok(result);
  return result;
}

/** Mean and variance are good to a few units in the last place, and so is all that follows from them. */
const tolerance = 2e-6;

function named({ replicates, channels, height, width, batch }: Shape): string {
  return `${channels} × ${height} × ${width}, batch ${batch}, R = ${replicates}`;
}

Deno.test("batch norm in training agrees with its reference on odd extents, with and without ReLU", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const own = referenceShape(shape);
    const tensors = randomTensors(shape);
    const statistics = reference.batchNormStatistics(own, tensors.input);
    const running = reference.runningStatistics(
      own,
      { mean: tensors.runningMean, variance: tensors.runningVariance },
      statistics,
    );
    for (const relu of [false, true]) {
      const results = await run(gpu, shape, tensors, { relu });
      const output = unpackBatch(shape.replicates, sizeOf(shape), shape.batch, results.output);
      assertClose(
        output.values,
        reference.batchNorm(own, tensors, statistics, tensors.input, relu),
        tolerance,
        named(shape),
      );
      assertAll(output.paddingRows, untouched, `${named(shape)}: padding rows`);
      assert.ok(output.paddingLanes.every(Number.isFinite), `${named(shape)}: padding lanes`);
      const placed = normUnderTest(shape, relu);
      const { norm } = placed;
      const [scale, shift, mean, variance] = unpackArenas(
        placed,
        results.parameters,
        [norm.scale, norm.shift, norm.mean, norm.variance],
        untouched,
        named(shape),
      );
      assert.deepEqual([scale, shift], [tensors.scale, tensors.shift]);
      assertClose(mean ?? [], running.mean, tolerance, `${named(shape)}: running mean`);
      assertClose(variance ?? [], running.variance, tolerance, `${named(shape)}: running variance`);
    }
  }
});

Deno.test("batch norm in evaluation agrees with its reference on odd extents, with and without ReLU", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const tensors = randomTensors(shape);
    const running = { mean: tensors.runningMean, variance: tensors.runningVariance };
    for (const relu of [false, true]) {
      const packed = await runEvaluation(gpu, shape, tensors, relu);
      const { values, paddingRows } = unpackBatch(shape.replicates, sizeOf(shape), shape.batch, packed);
      const wanted = reference.batchNorm(referenceShape(shape), tensors, running, tensors.input, relu);
      assertClose(values, wanted, tolerance, named(shape));
      assertAll(paddingRows, untouched, `${named(shape)}: padding rows`);
    }
  }
});

Deno.test("the gradients of batch norm agree with their reference on odd extents, with and without the gate", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    for (const gate of [false, true]) {
      const plain = randomTensors(shape);
      const tensors = gate ? { ...plain, input: plain.input.map((value) => Math.max(0, value)) } : plain;
      const results = await run(gpu, shape, tensors, { gate });
      const wanted = reference.batchNormGradient(
        referenceShape(shape),
        tensors.scale,
        tensors.input,
        tensors.outputGradient,
        gate,
      );
      const placed = normUnderTest(shape, false);
      const { norm } = placed;
      const [scale, shift] = unpackArenas(
        placed,
        results.gradient,
        [norm.scale, norm.shift],
        untouched,
        named(shape),
      );
      const terms = shape.height * shape.width * shape.batch;
      assertClose(scale ?? [], wanted.scale, sumTolerance(terms), `${named(shape)}: scale`);
      assertClose(shift ?? [], wanted.shift, sumTolerance(terms), `${named(shape)}: shift`);
      const gradient = unpackBatch(shape.replicates, sizeOf(shape), shape.batch, results.inputGradient);
      assertClose(gradient.values, wanted.input, tolerance, `${named(shape)}: input`);
      assertAll(gradient.paddingLanes, 0, `${named(shape)}: padding lanes`);
      assertAll(gradient.paddingRows, untouched, `${named(shape)}: padding rows`);
    }
  }
});

Deno.test("three replicates of batch norm give bit for bit what three runs of one give", async () => {
  const gpu = await testGpu();
  for (const shape of shapes.filter(({ replicates }) => replicates === 3)) {
    const tensors = randomTensors(shape);
    const settings = { relu: true, gate: true };
    const together = await run(gpu, shape, tensors, settings);
    const evaluated = await runEvaluation(gpu, shape, tensors, true);
    for (const r of [0, 1, 2]) {
      const one = { ...shape, replicates: 1 };
      const alone = await run(gpu, one, ofReplicate(tensors, 3, r), settings);
      assertSameBits(replicate(together.parameters, 3, r), alone.parameters, named(shape));
      assertSameBits(replicate(together.output, 3, r), alone.output, named(shape));
      assertSameBits(replicate(together.gradient, 3, r), alone.gradient, named(shape));
      assertSameBits(replicate(together.inputGradient, 3, r), alone.inputGradient, named(shape));
      assertSameBits(
        replicate(evaluated, 3, r),
        await runEvaluation(gpu, one, ofReplicate(tensors, 3, r), true),
        named(shape),
      );
    }
  }
});

/** The running variance after a batch, which began at 0: a tenth of n / (n − 1) times the batch's. */
async function variancesOf(gpu: Gpu, shape: Shape, input: Float64Array): Promise<Float64Array> {
  const zeros = new Float64Array(shape.replicates * shape.channels);
  const tensors = { ...randomTensors(shape), runningMean: zeros, runningVariance: zeros, input };
  const { parameters } = await run(gpu, shape, tensors);
  const placed = normUnderTest(shape, false);
  const { norm } = placed;
  const places = [norm.variance, norm.mean, norm.scale, norm.shift];
  const [variance] = unpackArenas(placed, parameters, places, untouched, named(shape));
  assert.ok(variance);
  return variance;
}

Deno.test("the variance keeps its digits where the mean is a thousand or a million deviations from zero", async () => {
  const gpu = await testGpu();
  for (const shape of shapes.filter(({ replicates, batch }) => replicates === 3 && batch > 1)) {
    const n = shape.height * shape.width * shape.batch;
    const size = 3 * sizeOf(shape) * shape.batch;
    for (const [mean, deviation] of [[1e3, 1], [-1e6, 1], [1e3, 1e-3], [0, 1e-10]] as const) {
      const input = normals(8, size, deviation).map((value) => Math.fround(mean + value));
      const { variance: wanted } = reference.batchNormStatistics(referenceShape(shape), input);
      const actual = await variancesOf(gpu, shape, input);
      assertClose(actual, wanted.map((value) => 0.1 * value * n / (n - 1)), 1e-6, `${named(shape)}, mean ${mean}`);
    }
  }
});

Deno.test("the variance keeps its digits where the first value, a row or an image is far from all others", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, channels: 2, height: 9, width: 9, batch: 21 };
  const plain = normals(9, 2 * 81 * 21);
  const cases = {
    "first value": plain.map((value, at) => at % (81 * 21) === 0 ? 1e4 : value),
    "first row": plain.map((value, at) => at % (81 * 21) < 21 ? Math.fround(1e4 + value) : value),
    "first image": plain.map((value, at) => at % 21 === 0 ? Math.fround(1e4 + value) : value),
    "first rows of parts": plain.map((value, at) => Math.floor(at / 21) % 81 % 16 === 0 ? 1e4 : value),
    "last value": plain.map((value, at) => at % (81 * 21) === 81 * 21 - 1 ? 1e4 : value),
    "every other row": plain.map((value, at) => Math.floor(at / 21) % 2 === 0 ? Math.fround(1e4 + value) : value),
  };
  for (const [name, input] of Object.entries(cases)) {
    const { variance } = reference.batchNormStatistics(referenceShape(shape), input);
    const n = 81 * 21;
    assertClose(await variancesOf(gpu, shape, input), variance.map((value) => 0.1 * value * n / (n - 1)), 1e-6, name);
  }
});

Deno.test("the comparison fails for a variance taken as the mean square minus the squared mean in float32", () => {
  const input = normals(8, 500).map((value) => Math.fround(1e3 + value));
  const shape = { replicates: 1, channels: 1, plane: 20, batch: 25 };
  let sum = 0;
  let squares = 0;
  for (const value of input) {
    sum = Math.fround(sum + value);
    squares = Math.fround(squares + Math.fround(value * value));
  }
  const mean = Math.fround(sum / 500);
  const naive = Math.fround(Math.fround(squares / 500) - Math.fround(mean * mean));
  const { variance } = reference.batchNormStatistics(shape, input);
  assert.throws(() => assertClose([naive], variance, 1e-3, "naive"), assert.AssertionError);
});

Deno.test("values far from zero are normalised as well as float32 can hold their mean", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, channels: 3, height: 5, width: 7, batch: 20 };
  const plain = randomTensors(shape);
  const tensors = { ...plain, input: plain.input.map((value) => Math.fround(1e3 + value)) };
  const own = referenceShape(shape);
  const { output } = await run(gpu, shape, tensors);
  const wanted = reference.batchNorm(
    own,
    tensors,
    reference.batchNormStatistics(own, tensors.input),
    tensors.input,
  );
  // Neighbouring float32 numbers at 1,000 are 6.1e-5 deviations apart; the mean is rounded to half of that, and the largest
  // result is about twice the scale.
  assertClose(unpackBatch(1, 3 * 35, 20, output).values, wanted, 3.1e-5, "far from zero");
});

Deno.test("a channel of equal values is normalised to its shift, and its gradient is finite", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, channels: 2, height: 3, width: 5, batch: 9 };
  const tensors = { ...randomTensors(shape), input: new Float64Array(2 * 15 * 9).fill(1234.5) };
  const { output, inputGradient, gradient } = await run(gpu, shape, tensors);
  const { values } = unpackBatch(1, 30, 9, output);
  assert.ok(values.every((value, at) => value === tensors.shift[Math.floor(at / 135)]));
  assert.ok(unpackBatch(1, 30, 9, inputGradient).values.every(Number.isFinite));
  assert.ok(gradient.every(Number.isFinite));
});

Deno.test("a single value per channel gives its shift, a zero gradient, and a running variance of 0.9 of what it was", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 3, channels: 5, height: 1, width: 1, batch: 1 };
  const tensors = randomTensors(shape);
  const { output, parameters, inputGradient } = await run(gpu, shape, tensors);
  assert.deepEqual(unpackBatch(3, 5, 1, output).values, tensors.shift);
  assertAll(unpackBatch(3, 5, 1, inputGradient).values, 0, "input gradient");
  const placed = normUnderTest(shape, false);
  const { norm } = placed;
  const places = [norm.variance, norm.mean, norm.scale, norm.shift];
  const [variance = []] = unpackArenas(placed, parameters, places, untouched, "single values");
  assertClose(variance, tensors.runningVariance.map((value) => 0.9 * value), tolerance, "running variance");
});

Deno.test("NaN and infinity make their own channel of their own replicate NaN and no other", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 3, channels: 3, height: 3, width: 6, batch: 10 };
  const own = referenceShape(shape);
  const plain = randomTensors(shape);
  const channelSize = 18 * 10;
  for (const [place, value] of [[0, NaN], [4 * channelSize + 77, NaN], [4 * channelSize, Infinity]] as const) {
    const tensors = { ...plain, input: withValues(plain.input, { [place]: value }) };
    const statistics = reference.batchNormStatistics(own, tensors.input);
    for (const relu of [false, true]) {
      const results = await run(gpu, shape, tensors, { relu, gate: true });
      const output = unpackBatch(3, sizeOf(shape), 10, results.output).values;
      const wanted = reference.batchNorm(own, tensors, statistics, tensors.input, relu);
      assert.equal(wanted.filter(Number.isNaN).length, channelSize);
      assertClose(output, wanted, tolerance, `${value} at ${place}`);
      const gradient = unpackBatch(3, sizeOf(shape), 10, results.inputGradient);
      const wantedGradient = reference.batchNormGradient(
        own,
        tensors.scale,
        tensors.input,
        tensors.outputGradient,
        true,
      );
      assertClose(gradient.values, wantedGradient.input, tolerance, `${value} at ${place}: gradient`);
      assertAll(gradient.paddingLanes, 0, `${value} at ${place}: padding lanes`);
    }
  }
});
