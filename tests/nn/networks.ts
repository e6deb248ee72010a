/**
 * Small networks for the tests of this folder.
 *
 * @module
 */
import { flat, type NetworkSpec } from "../../src/nn/network.ts";

/** Dense layers, ReLU after each but the last: values of an image, then units of each layer. */
export function perceptron(sizes: readonly number[]): NetworkSpec {
  const [inputs = 0, ...units] = sizes;
  return {
    name: "perceptron",
    input: flat(inputs),
    layers: units.map((count, index) => ({
      type: "dense",
      units: count,
      activation: index < units.length - 1 ? "relu" : "none",
    })),
  };
}
