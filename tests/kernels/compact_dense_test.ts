import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import {
  compactForward,
  compactInputGradient,
  type CompactStructure,
  compactWeightGradient,
} from "../../src/nn/compact_dense.ts";
import {
  type CompactIndices,
  compactSources,
  compactStructure,
  packCompact,
  unpackCompact,
} from "../../src/nn/compact_structure.ts";
import { forward, inputGradient, weightGradient } from "../../src/nn/dense.ts";
import { roundUp } from "../../src/nn/network.ts";
import { denseForward } from "../../src/reference/dense_forward.ts";
import { denseInputGradient } from "../../src/reference/dense_input_gradient.ts";
import { denseWeightGradient } from "../../src/reference/dense_weight_gradient.ts";
import type { DenseShape } from "../../src/reference/tensor.ts";
import { bits, normals, withValues } from "../reference/tensors.ts";
import {
  assertAll,
  assertClose,
  assertSameBits,
  closeTestGpu,
  layerUnderTest,
  packBatch,
  packLayer,
  packLayerMask,
  type PlacedLayer,
  replicate,
  Scratch,
  sumTolerance,
  testGpu,
  unpackBatch,
  unpackLayer,
  untouched,
} from "./support.ts";

Deno.test.afterAll(closeTestGpu);

interface Tensors {
  /** `[R][I][O]`, zeros where pruned. */
  readonly weight: Float64Array;
  /** `[R][O]`. */
  readonly bias: Float64Array;
  /** `[R][I][N]`, the output of a ReLU: half of it zeros. */
  readonly input: Float64Array;
  /** `[R][O][N]`. */
  readonly outputGradient: Float64Array;
  /** `[R][I][O]`. */
  readonly mask: Uint8Array<ArrayBuffer>;
}

/** Each replicate has its own density: a third, in which the first output is dead and the last one whole; nothing; everything. */
function randomMask({ replicates, inputs, outputs }: DenseShape): Uint8Array<ArrayBuffer> {
  const third = bits(inputs + 5, replicates * inputs * outputs, 0.3);
  return third.map((bit, at) => {
    const r = Math.floor(at / (inputs * outputs));
    const o = at % outputs;
    if (r > 0) return r === 1 ? 0 : 1;
    if (o === outputs - 1) return 1;
    return o === 0 ? 0 : bit;
  });
}

function randomTensors(shape: DenseShape): Tensors {
  const { replicates, inputs, outputs, batch } = shape;
  const mask = randomMask(shape);
  return {
    weight: normals(inputs + 1, replicates * inputs * outputs).map((value, at) => mask[at] === 0 ? 0 : value),
    bias: normals(inputs + 2, replicates * outputs),
    input: normals(inputs + 3, replicates * inputs * batch).map((value) => Math.max(0, value)),
    outputGradient: normals(inputs + 4, replicates * outputs * batch),
    mask,
  };
}

function ofReplicate(tensors: Tensors, replicates: number, r: number): Tensors {
  return {
    weight: replicate(tensors.weight, replicates, r),
    bias: replicate(tensors.bias, replicates, r),
    input: replicate(tensors.input, replicates, r),
    outputGradient: replicate(tensors.outputGradient, replicates, r),
    mask: replicate(tensors.mask, replicates, r),
  };
}

interface Results {
  /** `[R][O][N]`, padded. */
  readonly output: Float32Array<ArrayBuffer>;
  /** `[R][I][N]`, padded. */
  readonly inputGradient: Float32Array<ArrayBuffer>;
  /** `[R][I][O]`, zeros where pruned. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** `[R][O]`. */
  readonly bias: Float32Array<ArrayBuffer>;
}

interface Settings {
  readonly relu: boolean;
  readonly gate: boolean;
}

/** What a kernel must not read holds NaN; padding that it may read holds what its header promises. */
function uploads(scratch: Scratch, { replicates, inputs, outputs, batch }: DenseShape, tensors: Tensors) {
  const upload = (rows: number, values: Float64Array, padding: { readonly rows: number; readonly lanes: number }) =>
    scratch.upload(packBatch(replicates, rows, batch, values, padding));
  return {
    input: upload(inputs, tensors.input, { rows: NaN, lanes: 7 }),
    outputGradient: upload(outputs, tensors.outputGradient, { rows: 0, lanes: 0 }),
    // The input gradient reads no row beyond the last output.
    outputGradientAlone: upload(outputs, tensors.outputGradient, { rows: NaN, lanes: 0 }),
    output: scratch.output(replicates * roundUp(outputs, 4) * roundUp(batch, 8)),
    inputGradient: scratch.output(replicates * roundUp(inputs, 4) * roundUp(batch, 8)),
  };
}

/** The layer with compact weights in an arena of their size, neighbours before and behind it. */
function compactLayer({ layout, layer }: PlacedLayer, quads: number): PlacedLayer {
  const bias = layer.weight + roundUp(quads * 4, 64);
  const behind = layout.arena - layer.bias;
  return { layout: { ...layout, arena: bias + behind, trained: bias + behind }, layer: { ...layer, bias } };
}

/** An arena that holds `values` and `bias` of each replicate, and elsewhere `rest`. */
function compactArenas(
  { layout, layer }: PlacedLayer,
  values: readonly Float32Array[],
  bias: Float64Array,
  rest: number,
): Float32Array<ArrayBuffer> {
  const arenas = new Float32Array(values.length * layout.arena).fill(rest);
  values.forEach((own, r) => {
    const base = r * layout.arena;
    arenas.set(own, base + layer.weight);
    arenas.fill(0, base + layer.bias, base + layer.bias + layer.outputQuads * 4);
    arenas.set(replicate(bias, values.length, r), base + layer.bias);
  });
  return arenas;
}

function uploadStructure(scratch: Scratch, indices: CompactIndices): CompactStructure {
  return {
    rows: scratch.upload(indices.rows),
    positions: scratch.upload(indices.positions),
    rowOf: scratch.upload(indices.rowOf),
    columns: scratch.upload(indices.columns),
    entries: scratch.upload(indices.entries),
    quads: indices.quads,
    entryCount: indices.entryCount,
  };
}

async function runCompact(gpu: Gpu, shape: DenseShape, tensors: Tensors, { relu, gate }: Settings): Promise<Results> {
  using scratch = new Scratch(gpu);
  const { replicates, inputs, outputs } = shape;
  const masks = Array.from({ length: replicates }, (_, r) => replicate(tensors.mask, replicates, r));
  const indices = compactStructure(masks, inputs, outputs);
  const sources = compactSources(indices, inputs, outputs);
  const placed = compactLayer(layerUnderTest(inputs, outputs, relu ? "relu" : "none"), indices.quads);
  const { layout, layer } = placed;
  const at = { ...placed, replicates, batch: roundUp(shape.batch, 8) };
  const structure = uploadStructure(scratch, indices);
  const values = sources.map((own, r) => packCompact(own, replicate(tensors.weight, replicates, r)));
  const parameters = scratch.upload(compactArenas(placed, values, tensors.bias, NaN));
  const survivors = values.map((own, r) => own.map((_, value) => Number(sources[r]?.[value] !== 0xffff_ffff)));
  const mask = new Uint32Array(replicates * layout.arena / 32);
  compactArenas(placed, survivors, new Float64Array(replicates * outputs).fill(1), 1).forEach((value, index) => {
    if (value === 1) mask[index >>> 5] = (mask[index >>> 5] ?? 0) | (1 << (index & 31));
  });
  const buffers = uploads(scratch, shape, tensors);
  const gradient = scratch.output(replicates * layout.arena);
  await scratch.run(
    compactForward(at, structure, { parameters, input: buffers.input, output: buffers.output }),
    compactInputGradient(at, structure, gate, {
      parameters,
      outputGradient: buffers.outputGradientAlone,
      input: buffers.input,
      gradient: buffers.inputGradient,
    }),
    compactWeightGradient(at, structure, {
      input: buffers.input,
      outputGradient: buffers.outputGradient,
      mask: scratch.upload(mask),
      gradient,
    }),
  );
  const [output, below, arenas] = await scratch.floats(buffers.output, buffers.inputGradient, gradient);
  assert.ok(output && below && arenas);
  const weight = new Float32Array(replicates * inputs * outputs);
  const bias = new Float32Array(replicates * outputs);
  sources.forEach((own, r) => {
    const arena = replicate(arenas, replicates, r);
    const found = arena.slice(layer.weight, layer.weight + indices.quads * 4);
    own.forEach((source, value) => {
      if (source === 0xffff_ffff) assert.ok(Object.is(found[value], 0), `${named(shape)}: padding ${value}`);
    });
    weight.set(unpackCompact(own, found, inputs * outputs), r * inputs * outputs);
    bias.set(arena.subarray(layer.bias, layer.bias + outputs), r * outputs);
    assertAll(arena.subarray(layer.bias + outputs, layer.bias + layer.outputQuads * 4), 0, "padding of the bias");
    arena.fill(untouched, layer.weight, layer.weight + indices.quads * 4);
    arena.fill(untouched, layer.bias, layer.bias + layer.outputQuads * 4);
    assertAll(arena, untouched, `${named(shape)}: outside the layer`);
  });
  return { output, inputGradient: below, weight, bias };
}

async function runDense(gpu: Gpu, shape: DenseShape, tensors: Tensors, { relu, gate }: Settings): Promise<Results> {
  using scratch = new Scratch(gpu);
  const { replicates, inputs, outputs } = shape;
  const placed = layerUnderTest(inputs, outputs, relu ? "relu" : "none");
  const at = { ...placed, replicates, batch: roundUp(shape.batch, 8) };
  const parameters = scratch.upload(packLayer(placed, replicates, tensors.weight, tensors.bias));
  const buffers = uploads(scratch, shape, tensors);
  const gradient = scratch.output(replicates * placed.layout.arena);
  const launches = forward(at, {
    parameters,
    input: buffers.input,
    output: buffers.output,
    partials: scratch.output(4),
  });
  assert.equal(launches.length, 1);
  await scratch.run(
    ...launches,
    inputGradient(at, gate, {
      parameters,
      outputGradient: buffers.outputGradient,
      input: buffers.input,
      gradient: buffers.inputGradient,
    }),
    weightGradient(at, true, {
      input: buffers.input,
      outputGradient: buffers.outputGradient,
      mask: scratch.upload(packLayerMask(placed, replicates, tensors.mask)),
      gradient,
    }),
  );
  const [output, below, arenas] = await scratch.floats(buffers.output, buffers.inputGradient, gradient);
  assert.ok(output && below && arenas);
  const { weight, bias } = unpackLayer(placed, replicates, arenas, named(shape));
  return { output, inputGradient: below, weight: Float32Array.from(weight), bias: Float32Array.from(bias) };
}

function named(shape: DenseShape): string {
  return `${shape.inputs} × ${shape.outputs}, batch ${shape.batch}, R = ${shape.replicates}`;
}

/** (inputs, outputs, batch): 1, primes, whole quads and workgroups, training batches and one of an evaluation. */
const shapes: readonly DenseShape[] = ([
  [1, 1, 1],
  [3, 4, 5],
  [7, 9, 8],
  [8, 8, 8],
  [9, 7, 9],
  [17, 13, 23],
  [61, 37, 60],
  [131, 67, 64],
  [19, 11, 1000],
] as const).flatMap(([inputs, outputs, batch]) => [1, 3].map((replicates) => ({ replicates, inputs, outputs, batch })));

const plain: Settings = { relu: false, gate: false };
const gated: Settings = { relu: true, gate: true };

Deno.test("the compact kernels agree with the dense references on masked weights, with and without ReLU and gate", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const { replicates, inputs, outputs, batch } = shape;
    const tensors = randomTensors(shape);
    for (const settings of [plain, gated]) {
      const found = await runCompact(gpu, shape, tensors, settings);
      const output = unpackBatch(replicates, outputs, batch, found.output);
      assertClose(
        output.values,
        denseForward(shape, tensors.weight, tensors.bias, tensors.input, settings.relu),
        sumTolerance(inputs),
        `${named(shape)}: output`,
      );
      assertAll(output.paddingRows, 0, `${named(shape)}: padding rows`);
      const below = unpackBatch(replicates, inputs, batch, found.inputGradient);
      assertClose(
        below.values,
        denseInputGradient(
          shape,
          tensors.weight,
          tensors.outputGradient,
          settings.gate ? tensors.input : undefined,
        ),
        sumTolerance(outputs),
        `${named(shape)}: input gradient`,
      );
      assertAll(below.paddingLanes, 0, `${named(shape)}: padding lanes`);
      assertAll(below.paddingRows, untouched, `${named(shape)}: padding rows`);
      const wanted = denseWeightGradient(shape, tensors.input, tensors.outputGradient, tensors.mask);
      assertClose(found.weight, wanted.weight, sumTolerance(batch), `${named(shape)}: weight`);
      assertClose(found.bias, wanted.bias, sumTolerance(batch), `${named(shape)}: bias`);
    }
  }
});

Deno.test("compact_forward and compact_weight_gradient give bit for bit what the dense kernels give", async () => {
  const gpu = await testGpu();
  for (const shape of shapes) {
    const tensors = randomTensors(shape);
    for (const settings of [plain, gated]) {
      const compact = await runCompact(gpu, shape, tensors, settings);
      const dense = await runDense(gpu, shape, tensors, settings);
      assertSameBits(compact.output, dense.output, `${named(shape)}: output`);
      assertSameBits(compact.weight, dense.weight, `${named(shape)}: weight`);
      assertSameBits(compact.bias, dense.bias, `${named(shape)}: bias`);
      assertClose(
        compact.inputGradient,
        dense.inputGradient,
        2 * sumTolerance(shape.outputs),
        `${named(shape)}: input gradient`,
      );
    }
  }
});

Deno.test("compact_forward has one running sum, also over so many inputs that the dense kernel sums them in parts", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, inputs: 2049, outputs: 6, batch: 9 };
  const tensors = randomTensors(shape);
  const { output } = await runCompact(gpu, shape, tensors, gated);
  const wanted = denseForward(shape, tensors.weight, tensors.bias, tensors.input, true);
  assertClose(unpackBatch(1, 6, 9, output).values, wanted, sumTolerance(2049), named(shape));
});

Deno.test("three replicates of the compact kernels give bit for bit what three runs of one give", async () => {
  const gpu = await testGpu();
  for (const shape of shapes.filter(({ replicates }) => replicates === 3)) {
    const tensors = randomTensors(shape);
    const together = await runCompact(gpu, shape, tensors, gated);
    for (let r = 0; r < 3; r++) {
      const alone = await runCompact(gpu, { ...shape, replicates: 1 }, ofReplicate(tensors, 3, r), gated);
      for (const name of ["output", "inputGradient", "weight", "bias"] as const) {
        assertSameBits(replicate(together[name], 3, r), alone[name], `${named(shape)}, replicate ${r + 1}: ${name}`);
      }
    }
  }
});

Deno.test("the compact kernels do without anything where all weights of all replicates are pruned", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 2, inputs: 9, outputs: 6, batch: 8 };
  const random = randomTensors(shape);
  const tensors = { ...random, weight: new Float64Array(2 * 9 * 6), mask: new Uint8Array(2 * 9 * 6) };
  const found = await runCompact(gpu, shape, tensors, plain);
  const { values } = unpackBatch(2, 6, 8, found.output);
  values.forEach((value, at) => assert.equal(value, tensors.bias[Math.floor(at / 8)]));
  assertAll(unpackBatch(2, 9, 8, found.inputGradient).values, 0, "input gradient");
  const { bias } = denseWeightGradient(shape, tensors.input, tensors.outputGradient, tensors.mask);
  assertClose(found.bias, bias, sumTolerance(8), "bias");
});

const odd: DenseShape = { replicates: 3, inputs: 9, outputs: 7, batch: 5 };

/** The forward pass over nothing but survivors, and input 0 times zero where a row has padding. */
function forwardOfSurvivors(tensors: Tensors, relu: boolean): Float64Array {
  const { replicates, inputs, outputs, batch } = odd;
  const output = new Float64Array(replicates * outputs * batch);
  for (let row = 0; row < replicates * outputs; row++) {
    const r = Math.floor(row / outputs);
    const weight: number[] = [];
    const input: number[] = [];
    const add = (i: number, value: number): void => {
      weight.push(value);
      input.push(...tensors.input.subarray((r * inputs + i) * batch, (r * inputs + i + 1) * batch));
    };
    for (let i = 0; i < inputs; i++) {
      const at = (r * inputs + i) * outputs + row % outputs;
      if (tensors.mask[at] === 1) add(i, tensors.weight[at] ?? NaN);
    }
    if (weight.length % 4 !== 0) add(0, 0);
    output.set(
      denseForward(
        { replicates: 1, inputs: weight.length, outputs: 1, batch },
        Float64Array.from(weight),
        tensors.bias.slice(row, row + 1),
        Float64Array.from(input),
        relu,
      ),
      row * batch,
    );
  }
  return output;
}

/** The input gradient over nothing but survivors. */
function inputGradientOfSurvivors(tensors: Tensors): Float64Array {
  const { replicates, inputs, outputs, batch } = odd;
  const gradient = new Float64Array(replicates * inputs * batch);
  for (let row = 0; row < replicates * inputs; row++) {
    const r = Math.floor(row / inputs);
    const kept = Array.from({ length: outputs }, (_, o) => o).filter((o) => tensors.mask[row * outputs + o] === 1);
    gradient.set(
      denseInputGradient(
        { replicates: 1, inputs: 1, outputs: kept.length, batch },
        Float64Array.from(kept, (o) => tensors.weight[row * outputs + o] ?? NaN),
        Float64Array.from(kept.flatMap((o) => {
          const at = (r * outputs + o) * batch;
          return [...tensors.outputGradient.subarray(at, at + batch)];
        })),
        tensors.input.slice(row * batch, (row + 1) * batch),
      ),
      row * batch,
    );
  }
  return gradient;
}

/** The first and the last survivor of the first replicate, and the first one of the third. */
function someSurvivors({ mask }: Tensors): readonly [number, number, number] {
  const size = odd.inputs * odd.outputs;
  return [mask.indexOf(1), mask.lastIndexOf(1, size - 1), mask.indexOf(1, 2 * size)];
}

Deno.test("compact_forward carries NaN and infinity of survivors, bias and the inputs that survivors read", async () => {
  const gpu = await testGpu();
  const tensors = randomTensors(odd);
  const [first, last, third] = someSurvivors(tensors);
  const { batch, inputs } = odd;
  const cases: Partial<Tensors>[] = [
    { weight: withValues(tensors.weight, { [first]: NaN, [last]: Infinity, [third]: -Infinity }) },
    { bias: withValues(tensors.bias, { 2: NaN, 9: Infinity, 18: -Infinity }) },
    // In inputs 3, 1 and 2; the second replicate has no survivors.
    {
      input: withValues(tensors.input, {
        [3 * batch + 4]: NaN,
        [(inputs + 1) * batch]: NaN,
        [(2 * inputs + 2) * batch + 1]: -Infinity,
      }),
    },
    // In input 0, which padding multiplies by zero.
    { input: withValues(tensors.input, { 1: NaN, 2: Infinity }) },
  ];
  for (const [index, changed] of cases.entries()) {
    const own = { ...tensors, ...changed };
    for (const relu of [false, true]) {
      const { output } = await runCompact(gpu, odd, own, { relu, gate: false });
      const { values } = unpackBatch(3, 7, 5, output);
      const wanted = forwardOfSurvivors(own, relu);
      assert.ok(wanted.some(Number.isNaN) && wanted.slice(0, 35).some(Number.isFinite));
      assertClose(values, wanted, sumTolerance(9), `case ${index + 1}, relu ${relu}`);
    }
  }
});

Deno.test("compact_input_gradient carries NaN and infinity along survivors, and its gate lets a gradient pass at NaN", async () => {
  const gpu = await testGpu();
  const tensors = randomTensors(odd);
  const [first, last, third] = someSurvivors(tensors);
  const cases: Partial<Tensors>[] = [
    { weight: withValues(tensors.weight, { [first]: NaN, [last]: Infinity, [third]: -Infinity }) },
    { outputGradient: withValues(tensors.outputGradient, { 31: NaN, 40: Infinity, 80: -Infinity }) },
    // In both vec4 of a tile's images.
    { input: withValues(tensors.input, { 1: NaN, 4: NaN, 50: Infinity, 101: -Infinity }) },
  ];
  for (const [index, changed] of cases.entries()) {
    const own = { ...tensors, ...changed };
    const found = await runCompact(gpu, odd, own, { relu: false, gate: true });
    const { values } = unpackBatch(3, 9, 5, found.inputGradient);
    const wanted = inputGradientOfSurvivors(own);
    if (changed.input) assert.ok(wanted.every(Number.isFinite) && wanted[1] !== 0 && wanted[4] !== 0);
    else assert.ok(wanted.some((value) => !Number.isFinite(value)) && wanted.some((value) => value === 0));
    assertClose(values, wanted, sumTolerance(7), `case ${index + 1}`);
  }
});

Deno.test("compact_weight_gradient carries NaN and infinity to survivors and never to padding", async () => {
  const gpu = await testGpu();
  const tensors = randomTensors(odd);
  const cases: Partial<Tensors>[] = [
    // Padding reads input 0.
    { input: withValues(tensors.input, { 4: NaN, 50: Infinity, 101: -Infinity }) },
    { outputGradient: withValues(tensors.outputGradient, { 1: NaN, 31: NaN, 40: Infinity, 80: -Infinity }) },
  ];
  for (const [index, changed] of cases.entries()) {
    const own = { ...tensors, ...changed };
    // Looks at the padding as well.
    const found = await runCompact(gpu, odd, own, plain);
    const wanted = denseWeightGradient(odd, own.input, own.outputGradient, own.mask);
    assert.ok(wanted.weight.some(Number.isNaN));
    assertClose(found.weight, wanted.weight, sumTolerance(5), `case ${index + 1}: weight`);
    assertClose(found.bias, wanted.bias, sumTolerance(5), `case ${index + 1}: bias`);
  }
});

Deno.test("the comparison fails when one survivor is off by a millionth of the largest result", async () => {
  const gpu = await testGpu();
  const shape = { replicates: 1, inputs: 8, outputs: 8, batch: 8 };
  const tensors = randomTensors(shape);
  const wanted = denseForward(shape, tensors.weight, tensors.bias, tensors.input);
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const at = tensors.mask.indexOf(1);
  const off = withValues(tensors.weight, { [at]: (tensors.weight[at] ?? 0) + 1e-6 * largest });
  const { output } = await runCompact(gpu, shape, { ...tensors, weight: off }, plain);
  assert.throws(
    () => assertClose(unpackBatch(1, 8, 8, output).values, wanted, sumTolerance(8), "off"),
    assert.AssertionError,
  );
});
