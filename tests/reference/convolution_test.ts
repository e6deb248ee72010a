import assert from "node:assert/strict";
import { convolutionForward, type ConvolutionShape, outputSize } from "../../src/reference/convolution_forward.ts";
import { convolutionInputGradient } from "../../src/reference/convolution_input_gradient.ts";
import { convolutionWeightGradient } from "../../src/reference/convolution_weight_gradient.ts";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import { bits, normals, withValues } from "./tensors.ts";

/** Central differences with h = 1e-5 are good to about 1e-10 in float64; a wrong formula is off by far more than this. */
const tolerance = 1e-7;

const shapes: ConvolutionShape[] = [1, 3].flatMap((size) =>
  [1, 2].map((stride) => ({ replicates: 2, channels: 2, outputs: 3, height: 4, width: 3, size, stride, batch: 2 }))
);

interface Tensors {
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  readonly input: Float64Array;
  /** Any fixed weighting of the outputs makes the layer a scalar function, whose output gradient is that weighting. */
  readonly weighting: Float64Array;
}

function tensorsOf(shape: ConvolutionShape): Tensors {
  const { replicates, channels, outputs, height, width, size, stride, batch } = shape;
  return {
    weight: normals(1, replicates * channels * size * size * outputs),
    bias: normals(2, replicates * outputs),
    input: normals(3, replicates * channels * height * width * batch),
    weighting: normals(4, replicates * outputs * outputSize(height, stride) * outputSize(width, stride) * batch),
  };
}

function named({ size, stride }: ConvolutionShape): string {
  return `${size} × ${size}, stride ${stride}`;
}

function dot(a: Float64Array, b: Float64Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
}

Deno.test("a convolution of known numbers gives what it gives by hand", () => {
  const shape = { replicates: 1, channels: 1, outputs: 1, height: 2, width: 3, size: 3, stride: 1, batch: 1 };
  const weight = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
  const input = Float64Array.of(1, 10, 100, 1000, 10_000, 100_000);
  // Each decimal digit is the weight under which that pixel lies: the first output sees its own pixel under 5, its right
  // neighbour under 6, and the row below under 8 and 9.
  assert.deepEqual(
    [...convolutionForward(shape, weight, Float64Array.of(0.5), input)],
    [98_065.5, 987_654.5, 870_540.5, 65_032.5, 654_321.5, 540_210.5],
  );
  const strided = { ...shape, stride: 2 };
  assert.deepEqual([...convolutionForward(strided, weight, Float64Array.of(0.5), input)], [98_065.5, 870_540.5]);
});

for (const shape of shapes) {
  Deno.test(`a convolution's gradients agree with finite differences (${named(shape)})`, () => {
    const { weight, bias, input, weighting } = tensorsOf(shape);
    const ofParameters = convolutionWeightGradient(shape, input, weighting);
    const ofInput = convolutionInputGradient(shape, weight, weighting);
    const byWeight = finiteDifference((w) => dot(convolutionForward(shape, w, bias, input), weighting), weight);
    const byBias = finiteDifference((b) => dot(convolutionForward(shape, weight, b, input), weighting), bias);
    const byInput = finiteDifference((x) => dot(convolutionForward(shape, weight, bias, x), weighting), input);
    assert.ok(relativeError(ofParameters.weight, byWeight) < tolerance);
    assert.ok(relativeError(ofParameters.bias, byBias) < tolerance);
    assert.ok(relativeError(ofInput, byInput) < tolerance);
  });
}

Deno.test("the gate and the gradient from elsewhere agree with finite differences through a ReLU with two readers", () => {
  for (const shape of shapes) {
    const { weight, bias, input, weighting } = tensorsOf(shape);
    const elsewhere = normals(5, input.length);
    const rectify = (x: Float64Array): Float64Array => x.map((value) => Math.max(0, value));
    const readers = (x: Float64Array): number =>
      dot(convolutionForward(shape, weight, bias, rectify(x)), weighting) + dot(rectify(x), elsewhere);
    const wanted = finiteDifference(readers, input);
    const gate = rectify(input);
    const right = convolutionInputGradient(shape, weight, weighting, { old: elsewhere, gate });
    assert.ok(relativeError(right, wanted) < tolerance, named(shape));
    assert.ok(relativeError(convolutionInputGradient(shape, weight, weighting, { gate }), wanted) > tolerance);
    assert.ok(
      relativeError(convolutionInputGradient(shape, weight, weighting, { old: elsewhere }), wanted) > tolerance,
    );
  }
});

Deno.test("the gradient check fails for taps in the wrong order, a wrong stride and one weight that is off", () => {
  const [, , shape] = shapes;
  assert.ok(shape && shape.size === 3 && shape.stride === 1);
  const { weight, bias, input, weighting } = tensorsOf(shape);
  const wanted = finiteDifference((w) => dot(convolutionForward(shape, w, bias, input), weighting), weight);
  const right = convolutionWeightGradient(shape, input, weighting).weight;
  assert.ok(relativeError(right, wanted) < tolerance);
  const { outputs } = shape;
  const mirrored = right.map((_, index) => {
    const row = Math.floor(index / outputs);
    const tap = row % 9;
    return right[(row - tap + 8 - tap) * outputs + index % outputs] ?? NaN;
  });
  assert.ok(relativeError(mirrored, wanted) > 0.1);
  assert.ok(relativeError(withValues(right, { 13: (right[13] ?? 0) + 1e-5 }), wanted) > tolerance);
  const byInput = finiteDifference((x) => dot(convolutionForward(shape, weight, bias, x), weighting), input);
  const other = { ...shape, stride: 2 };
  const strided = convolutionInputGradient(other, weight, tensorsOf(other).weighting);
  assert.ok(relativeError(strided, byInput) > 0.1);
});

Deno.test("a convolution's reference gives pruned weights a gradient of exactly zero, also where it would be NaN", () => {
  const [, , shape] = shapes;
  assert.ok(shape);
  const { weight, input, weighting } = tensorsOf(shape);
  const mask = bits(6, weight.length, 0.5);
  const spoilt = withValues(input, { 3: NaN });
  const masked = convolutionWeightGradient(shape, spoilt, weighting, mask);
  const plain = convolutionWeightGradient(shape, spoilt, weighting);
  assert.ok(plain.weight.some((value, index) => Number.isNaN(value) && mask[index] === 0));
  masked.weight.forEach((value, index) => assert.ok(Object.is(value, mask[index] === 1 ? plain.weight[index] : 0)));
  assert.deepEqual(masked.bias, plain.bias);
});
