/**
 * Networks as data: a list of layers, printable and hashable, and where each layer's tensors stand in the flat arena.
 *
 * @module
 */

/** A fully connected layer. */
export interface DenseSpec {
  /** The kind of layer. */
  readonly type: "dense";
  /** Units, that is outputs. */
  readonly units: number;
  /** What follows the sum: `relu`, or `none` for the output layer. */
  readonly activation: "relu" | "none";
}

/** A network: what goes in, and its layers in order. */
export interface NetworkSpec {
  /** What the literature calls it. */
  readonly name: string;
  /** Values of one input image. */
  readonly inputs: number;
  /** The layers, in order. */
  readonly layers: readonly DenseSpec[];
}

/** A layer with its place in the parameter arena. Offsets in 32-bit values, each a multiple of 64. */
export interface LayerLayout {
  /** `dense1`, `dense2`, … in order. */
  readonly name: string;
  /** Fan-in. */
  readonly inputs: number;
  /** Fan-out. */
  readonly outputs: number;
  /** Row length of the weights in vec4: outputs / 4, rounded up. */
  readonly outputQuads: number;
  /** What follows the sum. */
  readonly activation: "relu" | "none";
  /** Where the weights `[inputs][outputQuads × 4]` begin. */
  readonly weight: number;
  /** Where the bias `[outputQuads × 4]` begins. */
  readonly bias: number;
}

/** A network laid out: one flat arena holds all parameters of one replicate; moments, gradients and masks follow it. */
export interface NetworkLayout {
  /** The network. */
  readonly spec: NetworkSpec;
  /** Its layers, in order. */
  readonly layers: readonly LayerLayout[];
  /** 32-bit values in the arena of one replicate, a multiple of 64: the stride between replicates. */
  readonly arena: number;
  /** Weights that can be pruned, over all layers; biases are never counted. */
  readonly weights: number;
}

/** Weights and bias of one layer, without padding: what travels between the GPU, files and users. */
export interface LayerValues {
  /** `[inputs][outputs]`. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** `[outputs]`. */
  readonly bias: Float32Array<ArrayBuffer>;
}

/** Tensors begin at multiples of this many values (256 bytes), so that any of them could be bound alone. */
const alignment = 64;

/** `value` rounded up to a multiple of `step`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/**
 * LeNet-300-100 (LeCun et al. 1998), the paper's network for MNIST: 266,200 weights for 784 inputs and 10 classes.
 *
 * @param inputs values of one image
 * @param classes units of the output layer
 * @param width scales the hidden layers
 */
export function lenet(inputs: number, classes: number, width = 1): NetworkSpec {
  const units = (count: number): number => Math.max(1, Math.round(count * width));
  return {
    name: "lenet-300-100",
    inputs,
    layers: [
      { type: "dense", units: units(300), activation: "relu" },
      { type: "dense", units: units(100), activation: "relu" },
      { type: "dense", units: classes, activation: "none" },
    ],
  };
}

/**
 * Lays a network out in its arena.
 *
 * @throws {RangeError} when a layer has no units or the network no layers
 */
export function layOut(spec: NetworkSpec): NetworkLayout {
  if (spec.layers.length === 0) {
    throw new RangeError(`Cannot lay out ${spec.name}: it has no layers. Give it at least one.`);
  }
  let inputs = spec.inputs;
  let offset = 0;
  let weights = 0;
  const layers = spec.layers.map(({ units, activation }, index): LayerLayout => {
    if (!Number.isInteger(units) || units < 1 || !Number.isInteger(inputs) || inputs < 1) {
      throw new RangeError(
        `Cannot lay out ${spec.name}: layer ${index + 1} is ${inputs} × ${units}, and both must be whole and positive.`,
      );
    }
    const outputQuads = Math.ceil(units / 4);
    const weight = offset;
    const bias = weight + roundUp(inputs * outputQuads * 4, alignment);
    offset = bias + roundUp(outputQuads * 4, alignment);
    const layer = { name: `dense${index + 1}`, inputs, outputs: units, outputQuads, activation, weight, bias };
    weights += inputs * units;
    inputs = units;
    return layer;
  });
  return { spec, layers, arena: offset, weights };
}

/** Puts the layers' values into an arena; padding stays zero. */
export function toArena(layout: NetworkLayout, values: readonly LayerValues[]): Float32Array<ArrayBuffer> {
  const arena = new Float32Array(layout.arena);
  layout.layers.forEach((layer, index) => {
    const { weight, bias } = values[index] ?? missing(layer);
    const row = layer.outputQuads * 4;
    for (let i = 0; i < layer.inputs; i++) {
      arena.set(weight.subarray(i * layer.outputs, (i + 1) * layer.outputs), layer.weight + i * row);
    }
    arena.set(bias, layer.bias);
  });
  return arena;
}

/** Takes the layers' values out of an arena. */
export function fromArena(layout: NetworkLayout, arena: Float32Array): LayerValues[] {
  return layout.layers.map((layer) => {
    const row = layer.outputQuads * 4;
    const weight = new Float32Array(layer.inputs * layer.outputs);
    for (let i = 0; i < layer.inputs; i++) {
      weight.set(arena.subarray(layer.weight + i * row, layer.weight + i * row + layer.outputs), i * layer.outputs);
    }
    return { weight, bias: arena.slice(layer.bias, layer.bias + layer.outputs) };
  });
}

/** Calls back for every weight of a layer with its index in the arena and in the layer's own `[inputs][outputs]`. */
export function forEachWeight(layer: LayerLayout, visit: (arenaIndex: number, index: number) => void): void {
  const row = layer.outputQuads * 4;
  for (let i = 0; i < layer.inputs; i++) {
    for (let o = 0; o < layer.outputs; o++) visit(layer.weight + i * row + o, i * layer.outputs + o);
  }
}

function missing(layer: LayerLayout): never {
  throw new RangeError(`Cannot fill the arena: there are no values for ${layer.name}. Give one entry per layer.`);
}
