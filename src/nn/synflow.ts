/**
 * Synaptic flow (Tanaka, Kunin, Yamins & Ganguli 2020, arXiv 2006.05467): how much of what a network of magnitudes passes on goes
 * through each weight. R = 1ᵀ (∏ |θ|) 1 is the sum of the logits for an image of ones, with every weight as its magnitude and
 * without biases; the flow through a weight is |θ| · ∂R/∂|θ|, and is never negative.
 *
 * On the CPU and in float64: R is a product over the layers, and float32 over- or underflows in deep networks.
 *
 * @module
 */
import { type Extent, type LayerLayout, type NetworkLayout, sizeOf } from "./network.ts";

/** What flows through a network. */
export interface SynapticFlow {
  /** R. Nothing is lost on the way, so the flows of a layer that everything passes through add up to it. */
  readonly total: number;
  /** Per layer `[inputs][outputs]`: the flow through each weight. */
  readonly weights: readonly Float64Array<ArrayBuffer>[];
}

/**
 * One pass forward and one backward. Batch norms are the identity that they are before training (mean 0, variance 1), and so is
 * dropout; a ReLU passes everything, as nothing is negative. A max pooling passes the first of its largest values.
 *
 * @param magnitudes per layer `[inputs][outputs]`: |θ|, and 0 where a weight is pruned
 * @throws {RangeError} when they do not fit the layers, or R is not finite
 */
export function synapticFlow(layout: NetworkLayout, magnitudes: readonly Float32Array[]): SynapticFlow {
  const tensorOf = withoutIdentities(layout);
  const activations = forward(layout, magnitudes, tensorOf);
  const logits = valuesOf(activations, tensorOf(layout.tensors.length - 1));
  const total = logits.reduce((sum, value) => sum + value, 0);
  if (!Number.isFinite(total)) {
    throw new RangeError(
      `Cannot tell what flows through ${layout.spec.name}: it adds up to ${total}. Give finite weights, or a network that is ` +
        "less deep.",
    );
  }
  return { total, weights: backward(layout, magnitudes, tensorOf, activations) };
}

/** Tensors of one image by their index; those that hold the same values are the same array. */
type Tensors = readonly (Float64Array<ArrayBuffer> | undefined)[];

function forward(
  layout: NetworkLayout,
  magnitudes: readonly Float32Array[],
  tensorOf: (tensor: number) => number,
): Tensors {
  const tensors: Float64Array<ArrayBuffer>[] = [];
  tensors[0] = new Float64Array(sizeOf(extentOf(layout, 0))).fill(1);
  for (const operation of layout.operations) {
    const { type } = operation;
    if (type === "batch-norm" || type === "dropout") continue;
    const from = extentOf(layout, operation.input);
    const input = valuesOf(tensors, tensorOf(operation.input));
    const output = new Float64Array(sizeOf(extentOf(layout, operation.output)));
    switch (type) {
      case "dense": {
        const { weight, layer } = layerOf(layout, magnitudes, operation.layer);
        denseForward(layer, weight, input, output);
        break;
      }
      case "conv": {
        const { weight, layer } = layerOf(layout, magnitudes, operation.layer);
        convolutionForward(layer, weight, input, output);
        break;
      }
      case "max-pool":
        largestPlaces(from, input).forEach((place, index) => output[index] = input[place] ?? 0);
        break;
      case "global-average-pool": {
        const plane = from.height * from.width;
        for (let at = 0; at < input.length; at++) add(output, Math.floor(at / plane), (input[at] ?? 0) / plane);
        break;
      }
      case "add":
        addAll(output, input);
        addAll(output, valuesOf(tensors, tensorOf(operation.shortcut)));
        break;
    }
    tensors[operation.output] = output;
  }
  return tensors;
}

function backward(
  layout: NetworkLayout,
  magnitudes: readonly Float32Array[],
  tensorOf: (tensor: number) => number,
  activations: Tensors,
): Float64Array<ArrayBuffer>[] {
  const gradients = activations.map((values) => values && new Float64Array(values.length));
  gradients[tensorOf(layout.tensors.length - 1)]?.fill(1);
  const flows = magnitudes.map((weight) => new Float64Array(weight.length));
  for (const operation of layout.operations.toReversed()) {
    const { type } = operation;
    if (type === "batch-norm" || type === "dropout") continue;
    const from = extentOf(layout, operation.input);
    const input = valuesOf(activations, tensorOf(operation.input));
    const inputGradient = valuesOf(gradients, tensorOf(operation.input));
    const gradient = valuesOf(gradients, operation.output);
    switch (type) {
      case "dense": {
        const { weight, layer } = layerOf(layout, magnitudes, operation.layer);
        denseBackward(layer, weight, input, gradient, inputGradient, valuesOf(flows, operation.layer));
        break;
      }
      case "conv": {
        const { weight, layer } = layerOf(layout, magnitudes, operation.layer);
        convolutionBackward(layer, weight, input, gradient, inputGradient, valuesOf(flows, operation.layer));
        break;
      }
      case "max-pool":
        largestPlaces(from, input).forEach((place, index) => add(inputGradient, place, gradient[index] ?? 0));
        break;
      case "global-average-pool": {
        const plane = from.height * from.width;
        for (let at = 0; at < input.length; at++) {
          add(inputGradient, at, (gradient[Math.floor(at / plane)] ?? 0) / plane);
        }
        break;
      }
      case "add":
        addAll(inputGradient, gradient);
        addAll(valuesOf(gradients, tensorOf(operation.shortcut)), gradient);
        break;
    }
  }
  return flows;
}

function denseForward(
  { inputs, outputs }: LayerLayout,
  weight: Float32Array,
  input: Float64Array,
  output: Float64Array,
): void {
  for (let i = 0; i < inputs; i++) {
    const value = input[i] ?? 0;
    if (value === 0) continue;
    const row = i * outputs;
    for (let o = 0; o < outputs; o++) output[o] = (output[o] ?? 0) + (weight[row + o] ?? 0) * value;
  }
}

function denseBackward(
  { inputs, outputs }: LayerLayout,
  weight: Float32Array,
  input: Float64Array,
  gradient: Float64Array,
  inputGradient: Float64Array,
  flow: Float64Array,
): void {
  for (let i = 0; i < inputs; i++) {
    const value = input[i] ?? 0;
    const row = i * outputs;
    let sum = 0;
    for (let o = 0; o < outputs; o++) {
      const passed = (weight[row + o] ?? 0) * (gradient[o] ?? 0);
      flow[row + o] = passed * value;
      sum += passed;
    }
    add(inputGradient, i, sum);
  }
}

function convolutionForward(
  layer: LayerLayout,
  weight: Float32Array,
  input: Float64Array,
  output: Float64Array,
): void {
  const { outputs, input: { width }, output: to, stride } = layer;
  for (let i = 0; i < layer.inputs; i++) {
    const { first, y0, y1, x0, x1 } = window(layer, i);
    for (let o = 0; o < outputs; o++) {
      const w = weight[i * outputs + o] ?? 0;
      if (w === 0) continue;
      for (let y = y0; y < y1; y++) {
        const row = (o * to.height + y) * to.width;
        const source = first + y * stride * width;
        for (let x = x0; x < x1; x++) output[row + x] = (output[row + x] ?? 0) + w * (input[source + x * stride] ?? 0);
      }
    }
  }
}

function convolutionBackward(
  layer: LayerLayout,
  weight: Float32Array,
  input: Float64Array,
  gradient: Float64Array,
  inputGradient: Float64Array,
  flow: Float64Array,
): void {
  const { outputs, input: { width }, output: to, stride } = layer;
  for (let i = 0; i < layer.inputs; i++) {
    const { first, y0, y1, x0, x1 } = window(layer, i);
    for (let o = 0; o < outputs; o++) {
      const w = weight[i * outputs + o] ?? 0;
      if (w === 0) continue;
      let sum = 0;
      for (let y = y0; y < y1; y++) {
        const row = (o * to.height + y) * to.width;
        const source = first + y * stride * width;
        for (let x = x0; x < x1; x++) {
          const g = gradient[row + x] ?? 0;
          const from = source + x * stride;
          sum += g * (input[from] ?? 0);
          inputGradient[from] = (inputGradient[from] ?? 0) + w * g;
        }
      }
      flow[i * outputs + o] = w * sum;
    }
  }
}

/**
 * What row `i` = (c, ky, kx) of a convolution's weights reads: output rows `y0` to below `y1` and columns `x0` to below `x1` read an
 * input inside the image, (y, x) the one at `first` + (y · width + x) · stride.
 */
function window(
  { size, stride, input, output }: LayerLayout,
  i: number,
): {
  readonly first: number;
  readonly y0: number;
  readonly y1: number;
  readonly x0: number;
  readonly x1: number;
} {
  const pad = (size - 1) / 2;
  const dx = i % size - pad;
  const dy = Math.floor(i / size) % size - pad;
  const channel = Math.floor(i / (size * size));
  return {
    first: (channel * input.height + dy) * input.width + dx,
    y0: Math.ceil(Math.max(0, -dy) / stride),
    y1: Math.min(output.height, Math.floor((input.height - 1 - dy) / stride) + 1),
    x0: Math.ceil(Math.max(0, -dx) / stride),
    x1: Math.min(output.width, Math.floor((input.width - 1 - dx) / stride) + 1),
  };
}

/** Where the first of the largest values of each 2 × 2 window stands, in the order of the outputs. */
function largestPlaces({ channels, height, width }: Extent, input: Float64Array): Uint32Array {
  const rows = Math.floor(height / 2);
  const columns = Math.floor(width / 2);
  return Uint32Array.from({ length: channels * rows * columns }, (_, index) => {
    const channel = Math.floor(index / (rows * columns));
    const y = Math.floor(index / columns) % rows;
    const first = (channel * height + 2 * y) * width + 2 * (index % columns);
    let largest = first;
    for (const place of [first + 1, first + width, first + width + 1]) {
      if ((input[place] ?? 0) > (input[largest] ?? 0)) largest = place;
    }
    return largest;
  });
}

/** By tensor: the one whose values it has, seen through batch norms and dropout. */
function withoutIdentities(layout: NetworkLayout): (tensor: number) => number {
  const tensorOf = layout.tensors.map((_, index) => index);
  for (const { type, input, output } of layout.operations) {
    if (type === "batch-norm" || type === "dropout") tensorOf[output] = tensorOf[input] ?? input;
  }
  return (tensor) => tensorOf[tensor] ?? tensor;
}

function layerOf(
  layout: NetworkLayout,
  magnitudes: readonly Float32Array[],
  index: number,
): { readonly layer: LayerLayout; readonly weight: Float32Array } {
  const layer = layout.layers[index];
  const weight = magnitudes[index];
  if (!layer || weight?.length !== layer.inputs * layer.outputs) {
    throw new RangeError(
      `Cannot tell what flows through layer ${index + 1} of ${layout.spec.name}: ${
        weight?.length ?? 0
      } magnitudes were given. ` +
        "Give one per weight of each layer.",
    );
  }
  return { layer, weight };
}

function extentOf(layout: NetworkLayout, tensor: number): Extent {
  return layout.tensors[tensor]?.extent ?? layout.spec.input;
}

function valuesOf(tensors: Tensors, index: number): Float64Array<ArrayBuffer> {
  const values = tensors[index];
  if (!values) throw new Error(`unreachable: tensor ${index} of ${tensors.length}`);
  return values;
}

function addAll(to: Float64Array, values: Float64Array): void {
  for (let at = 0; at < values.length; at++) add(to, at, values[at] ?? 0);
}

function add(to: Float64Array, at: number, value: number): void {
  to[at] = (to[at] ?? 0) + value;
}
