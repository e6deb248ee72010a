import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/gpu.ts";
import * as registerTiles from "../../src/nn/dense.ts";
import * as workgroupTiles from "../../src/nn/dense_workgroup.ts";
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
  raggedShapes,
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

/** One family of the dense kernels. */
type Family = typeof registerTiles | typeof workgroupTiles;

const families: readonly (readonly [tiles: string, family: Family])[] = [
  ["register tiles", registerTiles],
  ["workgroup tiles", workgroupTiles],
];

interface Tensors {
  /** `[R][I][O]`. */
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

function randomTensors({ replicates, inputs, outputs, batch }: DenseShape): Tensors {
  return {
    weight: normals(inputs + 1, replicates * inputs * outputs),
    bias: normals(inputs + 2, replicates * outputs),
    input: normals(inputs + 3, replicates * inputs * batch).map((value) => Math.max(0, value)),
    outputGradient: normals(inputs + 4, replicates * outputs * batch),
    mask: bits(inputs + 5, replicates * inputs * outputs, 0.5),
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

// Rows that a kernel must not read hold NaN; padding that it may read holds what its header promises.

async function runForward(
  gpu: Gpu,
  family: Family,
  shape: DenseShape,
  tensors: Tensors,
  relu: boolean,
): Promise<Float32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const { replicates, inputs, outputs } = shape;
  const batch = roundUp(shape.batch, 8);
  const placed = layerUnderTest(inputs, outputs, relu ? "relu" : "none");
  const output = scratch.output(replicates * roundUp(outputs, 4) * batch);
  const parts = family.densePartialWords({ ...placed, replicates, batch });
  await scratch.run(...family.forward({ ...placed, replicates, batch }, {
    parameters: scratch.upload(packLayer(placed, replicates, tensors.weight, tensors.bias)),
    input: scratch.upload(packBatch(replicates, inputs, shape.batch, tensors.input, { rows: NaN, lanes: 0 })),
    output,
    partials: scratch.output(Math.max(4, parts)),
  }));
  const [result] = await scratch.floats(output);
  assert.ok(result);
  return result;
}

async function runInputGradient(
  gpu: Gpu,
  family: Family,
  shape: DenseShape,
  tensors: Tensors,
  gate: boolean,
): Promise<Float32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const { replicates, inputs, outputs } = shape;
  const batch = roundUp(shape.batch, 8);
  const placed = layerUnderTest(inputs, outputs);
  const gradient = scratch.output(replicates * roundUp(inputs, 4) * batch);
  const parts = family.densePartialWords({ ...placed, replicates, batch });
  const launches = family.inputGradient({ ...placed, replicates, batch }, gate, {
    parameters: scratch.upload(packLayer(placed, replicates, tensors.weight, tensors.bias)),
    outputGradient: scratch.upload(
      packBatch(replicates, outputs, shape.batch, tensors.outputGradient, { rows: 0, lanes: 0 }),
    ),
    input: scratch.upload(packBatch(replicates, inputs, shape.batch, tensors.input, { rows: NaN, lanes: 1 })),
    gradient,
    partials: scratch.output(Math.max(4, parts)),
  });
  await scratch.run(...[launches].flat());
  const [result] = await scratch.floats(gradient);
  assert.ok(result);
  return result;
}

async function runWeightGradient(
  gpu: Gpu,
  family: Family,
  shape: DenseShape,
  tensors: Tensors,
  masked: boolean,
): Promise<Float32Array<ArrayBuffer>> {
  using scratch = new Scratch(gpu);
  const { replicates, inputs, outputs } = shape;
  const batch = roundUp(shape.batch, 8);
  const placed = layerUnderTest(inputs, outputs);
  const gradient = scratch.output(replicates * placed.layout.arena);
  await scratch.run(family.weightGradient({ ...placed, replicates, batch }, masked, {
    // Activations in padding lanes are whatever the bias gives: finite, not zero.
    input: scratch.upload(packBatch(replicates, inputs, shape.batch, tensors.input, { rows: NaN, lanes: 7 })),
    outputGradient: scratch.upload(
      packBatch(replicates, outputs, shape.batch, tensors.outputGradient, { rows: 0, lanes: 0 }),
    ),
    mask: scratch.upload(packLayerMask(placed, replicates, tensors.mask)),
    gradient,
  }));
  const [result] = await scratch.floats(gradient);
  assert.ok(result);
  return result;
}

function named(shape: DenseShape): string {
  return `${shape.inputs} × ${shape.outputs}, batch ${shape.batch}, R = ${shape.replicates}`;
}

const shapes = raggedShapes.flatMap(([inputs, outputs, batch]) =>
  replicateCounts.map((replicates) => ({ replicates, inputs, outputs, batch }))
);

const odd: DenseShape = { replicates: 3, inputs: 9, outputs: 7, batch: 5 };

for (const [tiles, family] of families) {
  Deno.test(`${tiles}: dense_forward agrees with its reference on ragged shapes, with and without ReLU`, async () => {
    const gpu = await testGpu();
    for (const shape of shapes) {
      for (const relu of [false, true]) {
        const tensors = randomTensors(shape);
        const packed = await runForward(gpu, family, shape, tensors, relu);
        const { values, paddingRows } = unpackBatch(shape.replicates, shape.outputs, shape.batch, packed);
        const wanted = denseForward(shape, tensors.weight, tensors.bias, tensors.input, relu);
        assertClose(values, wanted, sumTolerance(shape.inputs), named(shape));
        assertAll(paddingRows, 0, `${named(shape)}: padding rows`);
      }
    }
  });

  Deno.test(`${tiles}: dense_forward in parts agrees with its reference, one input less and one more than whole parts`, async () => {
    const gpu = await testGpu();
    let split = 0;
    for (const [inputs, outputs, batch] of [[2047, 5, 9], [2048, 12, 8], [2049, 7, 3], [3073, 9, 17]] as const) {
      for (const replicates of replicateCounts) {
        const shape = { replicates, inputs, outputs, batch };
        const tensors = randomTensors(shape);
        const relu = inputs % 2 === 1;
        const packed = await runForward(gpu, family, shape, tensors, relu);
        const { values, paddingRows } = unpackBatch(replicates, outputs, batch, packed);
        const wanted = denseForward(shape, tensors.weight, tensors.bias, tensors.input, relu);
        assertClose(values, wanted, sumTolerance(inputs), named(shape));
        assertAll(paddingRows, 0, `${named(shape)}: padding rows`);
        split += Number(
          family.densePartialWords({ ...layerUnderTest(inputs, outputs), replicates, batch: roundUp(batch, 8) }) > 0,
        );
        for (let r = 0; r < replicates && replicates > 1; r++) {
          const alone = await runForward(
            gpu,
            family,
            { ...shape, replicates: 1 },
            ofReplicate(tensors, replicates, r),
            relu,
          );
          assertSameBits(replicate(packed, replicates, r), alone, `${named(shape)}: replicate ${r + 1}`);
        }
      }
    }
    assert.equal(split, family === registerTiles ? 6 : 8);
  });

  Deno.test(`${tiles}: dense_input_gradient agrees with its reference on ragged shapes, with and without the gate`, async () => {
    const gpu = await testGpu();
    for (const shape of shapes) {
      for (const gate of [false, true]) {
        const tensors = randomTensors(shape);
        const packed = await runInputGradient(gpu, family, shape, tensors, gate);
        const result = unpackBatch(shape.replicates, shape.inputs, shape.batch, packed);
        const wanted = denseInputGradient(
          shape,
          tensors.weight,
          tensors.outputGradient,
          gate ? tensors.input : undefined,
        );
        assertClose(result.values, wanted, sumTolerance(shape.outputs), named(shape));
        assertAll(result.paddingLanes, 0, `${named(shape)}: padding lanes`);
        assertAll(result.paddingRows, untouched, `${named(shape)}: padding rows`);
      }
    }
  });

  Deno.test(`${tiles}: dense_weight_gradient agrees with its reference on ragged shapes, with and without the mask`, async () => {
    const gpu = await testGpu();
    for (const shape of shapes) {
      for (const masked of [false, true]) {
        const tensors = randomTensors(shape);
        const arenas = await runWeightGradient(gpu, family, shape, tensors, masked);
        const { weight, bias } = unpackLayer(
          layerUnderTest(shape.inputs, shape.outputs),
          shape.replicates,
          arenas,
          named(shape),
        );
        const wanted = denseWeightGradient(
          shape,
          tensors.input,
          tensors.outputGradient,
          masked ? tensors.mask : undefined,
        );
        assertClose(weight, wanted.weight, sumTolerance(shape.batch), `${named(shape)}: weight`);
        assertClose(bias, wanted.bias, sumTolerance(shape.batch), `${named(shape)}: bias`);
        if (!masked) continue;
        weight.forEach((value, at) => {
          if (tensors.mask[at] === 0) {
            assert.ok(Object.is(value, 0), `${named(shape)}: pruned weight ${at} has ${value}`);
          }
        });
      }
    }
  });

  Deno.test(`${tiles}: three replicates of the dense kernels give bit for bit what three runs of one give`, async () => {
    const gpu = await testGpu();
    for (const shape of shapes.filter(({ replicates }) => replicates === 3)) {
      const tensors = randomTensors(shape);
      const together = [
        await runForward(gpu, family, shape, tensors, true),
        await runInputGradient(gpu, family, shape, tensors, true),
        await runWeightGradient(gpu, family, shape, tensors, true),
      ];
      for (let r = 0; r < 3; r++) {
        const one = { ...shape, replicates: 1 };
        const own = ofReplicate(tensors, 3, r);
        const alone = [
          await runForward(gpu, family, one, own, true),
          await runInputGradient(gpu, family, one, own, true),
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

  Deno.test(`${tiles}: dense_forward carries NaN and infinity of weights, bias and input where arithmetic carries them`, async () => {
    const gpu = await testGpu();
    const plain = randomTensors(odd);
    const cases: Partial<Tensors>[] = [
      { weight: withValues(plain.weight, { 3: NaN, 70: Infinity, 100: -Infinity }) },
      { bias: withValues(plain.bias, { 2: NaN, 9: Infinity, 18: -Infinity }) },
      { input: withValues(plain.input, { 4: NaN, 50: Infinity, 101: -Infinity }) },
    ];
    for (const [index, changed] of cases.entries()) {
      const tensors = { ...plain, ...changed };
      for (const relu of [false, true]) {
        const { values } = unpackBatch(3, 7, 5, await runForward(gpu, family, odd, tensors, relu));
        const wanted = denseForward(odd, tensors.weight, tensors.bias, tensors.input, relu);
        assert.ok(wanted.some(Number.isNaN));
        assertClose(values, wanted, sumTolerance(9), `case ${index + 1}, relu ${relu}`);
      }
    }
  });

  Deno.test(`${tiles}: dense_input_gradient carries NaN and infinity, and its gate lets a gradient pass at a NaN activation`, async () => {
    const gpu = await testGpu();
    const plain = randomTensors(odd);
    const cases: Partial<Tensors>[] = [
      { weight: withValues(plain.weight, { 3: NaN, 70: Infinity, 100: -Infinity }) },
      { outputGradient: withValues(plain.outputGradient, { 1: NaN, 40: Infinity, 80: -Infinity }) },
      // In both vec4 of a tile's images.
      { input: withValues(plain.input, { 1: NaN, 4: NaN, 50: Infinity, 101: -Infinity }) },
    ];
    for (const [index, changed] of cases.entries()) {
      const tensors = { ...plain, ...changed };
      const { values } = unpackBatch(3, 9, 5, await runInputGradient(gpu, family, odd, tensors, true));
      const wanted = denseInputGradient(odd, tensors.weight, tensors.outputGradient, tensors.input);
      if (changed.input) assert.ok(wanted.every(Number.isFinite) && wanted[1] !== 0 && wanted[4] !== 0);
      else assert.ok(wanted.some(Number.isNaN) && wanted.some((value) => value === 0));
      assertClose(values, wanted, sumTolerance(7), `case ${index + 1}`);
    }
  });

  Deno.test(`${tiles}: dense_weight_gradient carries NaN and infinity to surviving weights and never to pruned ones`, async () => {
    const gpu = await testGpu();
    const plain = randomTensors(odd);
    const cases: Partial<Tensors>[] = [
      { input: withValues(plain.input, { 4: NaN, 50: Infinity, 101: -Infinity }) },
      { outputGradient: withValues(plain.outputGradient, { 1: NaN, 40: Infinity, 80: -Infinity }) },
    ];
    for (const [index, changed] of cases.entries()) {
      const tensors = { ...plain, ...changed };
      const arenas = await runWeightGradient(gpu, family, odd, tensors, true);
      const { weight, bias } = unpackLayer(
        layerUnderTest(odd.inputs, odd.outputs),
        odd.replicates,
        arenas,
        `case ${index + 1}`,
      );
      const wanted = denseWeightGradient(odd, tensors.input, tensors.outputGradient, tensors.mask);
      assert.ok(wanted.weight.some(Number.isNaN));
      assertClose(weight, wanted.weight, sumTolerance(5), `case ${index + 1}: weight`);
      assertClose(bias, wanted.bias, sumTolerance(5), `case ${index + 1}: bias`);
      weight.forEach((value, at) => {
        if (tensors.mask[at] === 0) assert.ok(Object.is(value, 0));
      });
    }
  });

  Deno.test(`${tiles}: the comparison fails when a kernel is given a bias that is off by a millionth of the largest result`, async () => {
    const gpu = await testGpu();
    const shape = { replicates: 1, inputs: 8, outputs: 8, batch: 8 };
    const tensors = randomTensors(shape);
    const wanted = denseForward(shape, tensors.weight, tensors.bias, tensors.input);
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const off = withValues(tensors.bias, { 3: (tensors.bias[3] ?? 0) + 1e-6 * largest });
    const { values } = unpackBatch(1, 8, 8, await runForward(gpu, family, shape, { ...tensors, bias: off }, false));
    assert.throws(() => assertClose(values, wanted, sumTolerance(8), "off"), assert.AssertionError);
  });

  Deno.test(`${tiles}: an image's outputs are the same bits whatever batch it comes in`, async () => {
    const gpu = await testGpu();
    for (const inputs of [37, 2049]) {
      const many = { replicates: 1, inputs, outputs: 21, batch: 150 };
      const tensors = randomTensors(many);
      const few = { ...many, batch: 11 };
      const input = tensors.input.filter((_, at) => at % many.batch < few.batch);
      const all = unpackBatch(1, 21, many.batch, await runForward(gpu, family, many, tensors, true)).values;
      const own = unpackBatch(1, 21, few.batch, await runForward(gpu, family, few, { ...tensors, input }, true)).values;
      assert.deepEqual(own, all.filter((_, at) => at % many.batch < few.batch), `${inputs} inputs`);
    }
  });
}

Deno.test("the ragged shapes have sums of workgroup tiles that are split, and some that are not, forward and back", async () => {
  using scratch = new Scratch(await testGpu());
  const small = scratch.output(4);
  const buffers = {
    parameters: small,
    input: small,
    output: small,
    outputGradient: small,
    gradient: small,
    partials: small,
  };
  const launches = shapes.map(({ replicates, inputs, outputs, batch }) => {
    const at = { ...layerUnderTest(inputs, outputs), replicates, batch: roundUp(batch, 8) };
    return {
      forward: workgroupTiles.forward(at, buffers).length,
      back: workgroupTiles.inputGradient(at, true, buffers).length,
    };
  });
  assert.deepEqual(new Set(launches.map(({ forward }) => forward)), new Set([1, 2]));
  assert.deepEqual(new Set(launches.map(({ back }) => back)), new Set([1, 2]));
});
