import assert from "node:assert/strict";
import { denseForward } from "../../src/reference/dense_forward.ts";
import { denseInputGradient } from "../../src/reference/dense_input_gradient.ts";
import { denseWeightGradient } from "../../src/reference/dense_weight_gradient.ts";
import { finiteDifference, relativeError } from "../../src/reference/finite_difference.ts";
import { backward, forward, type LayerTensors } from "../../src/reference/network.ts";
import { softmaxCrossEntropy } from "../../src/reference/softmax_cross_entropy.ts";
import { bits, integers, normals } from "./tensors.ts";

/** Central differences with h = 1e-5 are good to about 1e-10 in float64; a wrong formula is off by far more than this. */
const tolerance = 1e-7;

const shape = { replicates: 2, inputs: 5, outputs: 4, batch: 3 };
const weight = normals(1, 2 * 5 * 4);
const bias = normals(2, 2 * 4);
const input = normals(3, 2 * 5 * 3);
/** Any fixed weighting of the outputs makes the layer a scalar function, whose output gradient is that weighting. */
const weighting = normals(4, 2 * 4 * 3);

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
}

/** Of the mean loss; with replicates, of the sum of their means, so that each replicate's gradient is its own. */
function meanLoss(losses: Float64Array, batch: number): number {
  return losses.reduce((sum, loss) => sum + loss, 0) / batch;
}

Deno.test("a dense layer's weight, bias and input gradients agree with finite differences", () => {
  const { weight: ofWeight, bias: ofBias } = denseWeightGradient(shape, input, weighting);
  const ofInput = denseInputGradient(shape, weight, weighting);
  const byWeight = finiteDifference((w) => dot(denseForward(shape, w, bias, input), weighting), weight);
  const byBias = finiteDifference((b) => dot(denseForward(shape, weight, b, input), weighting), bias);
  const byInput = finiteDifference((x) => dot(denseForward(shape, weight, bias, x), weighting), input);
  assert.ok(relativeError(ofWeight, byWeight) < tolerance);
  assert.ok(relativeError(ofBias, byBias) < tolerance);
  assert.ok(relativeError(ofInput, byInput) < tolerance);
});

Deno.test("the input gradient's gate agrees with finite differences through a ReLU", () => {
  const rectify = (x: Float64Array): Float64Array => x.map((value) => Math.max(0, value));
  const gated = denseInputGradient(shape, weight, weighting, rectify(input));
  const wanted = finiteDifference((x) => dot(denseForward(shape, weight, bias, rectify(x)), weighting), input);
  assert.ok(relativeError(gated, wanted) < tolerance);
  assert.ok(relativeError(denseInputGradient(shape, weight, weighting), wanted) > tolerance);
});

Deno.test("the gradient of softmax cross-entropy agrees with finite differences", () => {
  const head = { replicates: 2, outputs: 4, batch: 3 };
  const logits = normals(5, 2 * 4 * 3, 2);
  const labels = integers(6, 2 * 3, 4);
  const { gradient } = softmaxCrossEntropy(head, logits, labels);
  const wanted = finiteDifference((z) => meanLoss(softmaxCrossEntropy(head, z, labels).losses, 3), logits);
  assert.ok(relativeError(gradient, wanted) < tolerance);
});

const network = { replicates: 2, sizes: [7, 6, 5, 3] };
const batch = { images: 4, input: normals(7, 2 * 7 * 4), labels: integers(8, 2 * 4, 3) };
const parameters: LayerTensors[] = [[7, 6], [6, 5], [5, 3]].map(([inputs = 0, outputs = 0], index) => ({
  weight: normals(10 + index, 2 * inputs * outputs, 0.6),
  bias: normals(20 + index, 2 * outputs, 0.3),
}));

/** The gradient of one tensor of the network, by central differences. */
function byDifferences(layer: number, part: "weight" | "bias"): Float64Array {
  const values = parameters[layer]?.[part] ?? new Float64Array();
  return finiteDifference((x) => {
    const changed = parameters.map((tensors, index) => index === layer ? { ...tensors, [part]: x } : tensors);
    const logits = forward(network, changed, batch).at(-1) ?? new Float64Array();
    return meanLoss(
      softmaxCrossEntropy({ replicates: 2, outputs: 3, batch: 4 }, logits, batch.labels).losses,
      batch.images,
    );
  }, values);
}

for (const layer of [0, 1, 2]) {
  for (const part of ["weight", "bias"] as const) {
    Deno.test(`backward() of a perceptron agrees with finite differences in the ${part} of dense${layer + 1}`, () => {
      const actual = backward(network, parameters, batch).gradients[layer]?.[part] ?? new Float64Array();
      assert.ok(relativeError(actual, byDifferences(layer, part)) < tolerance);
    });
  }
}

Deno.test("the gradient check fails for a wrong sign, a missing 1 / N and a gradient of one weight that is off", () => {
  const right = backward(network, parameters, batch).gradients[1]?.weight ?? new Float64Array();
  const wanted = byDifferences(1, "weight");
  assert.ok(relativeError(right, wanted) < tolerance);
  const wrongSign = right.map((value) => -value);
  assert.ok(relativeError(wrongSign, wanted) > 0.1);
  const missingMean = right.map((value) => value * batch.images);
  assert.ok(relativeError(missingMean, wanted) > 0.1);
  const oneWeightOff = right.map((value, index) => index === 13 ? value + 1e-5 : value);
  assert.ok(relativeError(oneWeightOff, wanted) > tolerance);
  assert.ok(!(relativeError(right.map(() => NaN), wanted) < tolerance));
});

Deno.test("backward() gives pruned weights a gradient of exactly zero and leaves the others as they are", () => {
  const masks = parameters.map(({ weight }, index) => bits(30 + index, weight.length, 0.4));
  const masked = backward(network, parameters, batch, masks).gradients;
  const plain = backward(network, parameters, batch).gradients;
  masked.forEach(({ weight, bias }, layer) => {
    weight.forEach((value, index) => {
      assert.equal(value, masks[layer]?.[index] === 1 ? plain[layer]?.weight[index] : 0);
    });
    assert.deepEqual(bias, plain[layer]?.bias);
  });
});

Deno.test("replicates of the reference do not influence each other", () => {
  const first = (tensor: Float64Array): Float64Array => tensor.slice(0, tensor.length / 2);
  const together = backward(network, parameters, batch);
  const alone = backward(
    { replicates: 1, sizes: network.sizes },
    parameters.map(({ weight, bias }) => ({ weight: first(weight), bias: first(bias) })),
    { images: 4, input: first(batch.input), labels: batch.labels.slice(0, 4) },
  );
  assert.deepEqual(first(together.logits), alone.logits);
  together.gradients.forEach(({ weight, bias }, layer) => {
    assert.deepEqual(first(weight), alone.gradients[layer]?.weight);
    assert.deepEqual(first(bias), alone.gradients[layer]?.bias);
  });
});
