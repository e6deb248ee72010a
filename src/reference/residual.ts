/**
 * Reference of `kernels/add_relu.wgsl`.
 *
 * @module
 */
import { at, requireShape } from "./tensor.ts";

/**
 * The end of a residual block: relu(input + shortcut). ReLU keeps NaN, as PyTorch's does.
 *
 * @throws {RangeError} when the tensors differ in size
 */
export function addRelu(input: Float64Array, shortcut: Float64Array): Float64Array {
  requireShape("shortcut", shortcut, input.length);
  return input.map((value, index) => {
    const sum = value + at(shortcut, index);
    return sum < 0 ? 0 : sum;
  });
}

/**
 * Gradient of {@linkcode addRelu}, the same for both inputs: the output's where the output is positive or NaN.
 *
 * @throws {RangeError} when the tensors differ in size
 */
export function addReluGradient(output: Float64Array, outputGradient: Float64Array): Float64Array {
  requireShape("outputGradient", outputGradient, output.length);
  return outputGradient.map((value, index) => at(output, index) <= 0 ? 0 : value);
}
