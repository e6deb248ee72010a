/**
 * Networks as data: a list of layers, printable and hashable, and where each layer's tensors stand in the flat arena.
 *
 * @module
 */

/** The size of one image or activation: a dense layer's is `[units][1][1]`. */
export interface Extent {
  /** Channels. */
  readonly channels: number;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** The extent of values without rows and columns, as dense layers take and give them. */
export function flat(values: number): Extent {
  return { channels: values, height: 1, width: 1 };
}

/** What follows a layer's sum: `relu`, or `none`. */
export type Activation = "relu" | "none";

/** A fully connected layer. What comes in is flattened, channel by channel, row by row. */
export interface DenseSpec {
  /** The kind of layer. */
  readonly type: "dense";
  /** Units, that is outputs. */
  readonly units: number;
  /** What follows the sum: `relu`, or `none` for the output layer. */
  readonly activation: Activation;
  /** Whether pruning may touch it; true when left out. */
  readonly prunable?: boolean;
}

/** A convolution with "same" padding: `⌈rows / stride⌉` rows come out. */
export interface ConvSpec {
  /** The kind of layer. */
  readonly type: "conv";
  /** Output channels. */
  readonly channels: number;
  /** Rows and columns of the kernel; 3 when left out. */
  readonly size?: 1 | 3;
  /** Step in both directions; 1 when left out. */
  readonly stride?: 1 | 2;
  /** Whether a bias is added; true when left out. */
  readonly bias?: boolean;
  /** What follows the sum. */
  readonly activation: Activation;
  /** Whether pruning may touch it; true when left out. */
  readonly prunable?: boolean;
}

/** 2 × 2 max pooling with stride 2; an odd last row or column is left out. */
export interface MaxPoolSpec {
  /** The kind of layer. */
  readonly type: "max-pool";
}

/** The mean over rows and columns. */
export interface GlobalAveragePoolSpec {
  /** The kind of layer. */
  readonly type: "global-average-pool";
}

/** Batch normalisation per channel (Ioffe & Szegedy 2015), in PyTorch's form: epsilon 1e-5, momentum 0.1. */
export interface BatchNormSpec {
  /** The kind of layer. */
  readonly type: "batch-norm";
  /** What follows. */
  readonly activation: Activation;
}

/** Inverted dropout: in training each value is kept with probability 1 − rate and divided by it. */
export interface DropoutSpec {
  /** The kind of layer. */
  readonly type: "dropout";
  /** Fraction that is dropped. */
  readonly rate: number;
}

/** A residual block: relu(branch(x) + shortcut(x)). */
export interface ResidualSpec {
  /** The kind of layer. */
  readonly type: "residual";
  /** Convolutions and batch norms, a convolution first, no activation after the last; at least two beside an identity. */
  readonly branch: readonly (ConvSpec | BatchNormSpec)[];
  /** The same for the shortcut; nothing for the identity. */
  readonly shortcut: readonly (ConvSpec | BatchNormSpec)[];
}

/** One entry of a network. */
export type LayerSpec =
  | DenseSpec
  | ConvSpec
  | MaxPoolSpec
  | GlobalAveragePoolSpec
  | BatchNormSpec
  | DropoutSpec
  | ResidualSpec;

/** A network: what goes in, and its layers in order. */
export interface NetworkSpec {
  /** What the literature calls it. */
  readonly name: string;
  /** One input image. */
  readonly input: Extent;
  /** The layers, in order; the last is dense. */
  readonly layers: readonly LayerSpec[];
}

/** Which of the paper's pruning rates a layer is pruned at. */
export type PruningRole = "conv" | "dense" | "output";

/** A layer with weights, and its place in the parameter arena. Offsets in 32-bit values, each a multiple of 64. */
export interface LayerLayout {
  /** `conv1`, `conv2`, …, `dense1`, … in order; a shortcut's convolutions are `downsample1`, … */
  readonly name: string;
  /** The kind of layer. */
  readonly type: "conv" | "dense";
  /** Rows of the weights: fan-in, for a convolution `[C][ky][kx]`. */
  readonly inputs: number;
  /** Columns of the weights: units or output channels. */
  readonly outputs: number;
  /** Row length of the weights in vec4: outputs / 4, rounded up. */
  readonly outputQuads: number;
  /** Fan-out: `outputs`, for a convolution times the size of its kernel. */
  readonly fanOut: number;
  /** What follows the sum. */
  readonly activation: Activation;
  /** Rows and columns of the kernel; 1 for a dense layer. */
  readonly size: number;
  /** Step of a convolution; 1 for a dense layer. */
  readonly stride: number;
  /** What comes in. */
  readonly input: Extent;
  /** What goes out. */
  readonly output: Extent;
  /** Its pruning rate. */
  readonly role: PruningRole;
  /** Whether pruning may touch it. */
  readonly prunable: boolean;
  /** Where the weights `[inputs][outputQuads × 4]` begin. */
  readonly weight: number;
  /** Where the bias `[outputQuads × 4]` begins. A layer without one has zeros there that are never trained. */
  readonly bias: number;
  /** Whether the bias is trained. */
  readonly hasBias: boolean;
  /** In a compact arena, of a layer that keeps only its survivors there: 32-bit values that they take, with what fills rows. */
  readonly stored?: number;
  /** Of a layer that lost dead units: the layer with all of them, by which sums are divided into parts. */
  readonly whole?: LayerLayout;
}

/** A batch norm, and its place in the parameter arena. Offsets in 32-bit values, each a multiple of 64. */
export interface NormLayout {
  /** `norm1`, `norm2`, … in order. */
  readonly name: string;
  /** What comes in and goes out. */
  readonly extent: Extent;
  /** What follows. */
  readonly activation: Activation;
  /** Where the scale γ `[channels]` begins; trained, never pruned. */
  readonly scale: number;
  /** Where the shift β `[channels]` begins; trained, never pruned. */
  readonly shift: number;
  /** Where the running mean `[channels]` begins, behind everything that is trained. */
  readonly mean: number;
  /** Where the running variance `[channels]` begins, behind everything that is trained. */
  readonly variance: number;
}

/** An activation of the network. */
export interface Tensor {
  /** Its size for one image; rows of the batch in memory are channels × height × width. */
  readonly extent: Extent;
  /** Whether a ReLU made it: gradients then pass only where it is positive. */
  readonly isRelu: boolean;
}

/** One operation of the forward pass. Tensors, layers and norms are indices into the layout's lists. */
export type Operation =
  | { readonly type: "dense" | "conv"; readonly layer: number; readonly input: number; readonly output: number }
  | { readonly type: "max-pool" | "global-average-pool"; readonly input: number; readonly output: number }
  | { readonly type: "batch-norm"; readonly norm: number; readonly input: number; readonly output: number }
  | {
    readonly type: "dropout";
    readonly rate: number;
    /** Counts the network's dropouts from 0: part of the key of its random numbers. */
    readonly index: number;
    readonly input: number;
    readonly output: number;
  }
  | { readonly type: "add"; readonly input: number; readonly shortcut: number; readonly output: number };

/** A network laid out: one flat arena holds all parameters of one replicate; moments, gradients and masks follow it. */
export interface NetworkLayout {
  /** The network. */
  readonly spec: NetworkSpec;
  /** Its layers with weights, in order. */
  readonly layers: readonly LayerLayout[];
  /** Its batch norms, in order. */
  readonly norms: readonly NormLayout[];
  /** Its activations; the first is the input, the last the logits. */
  readonly tensors: readonly Tensor[];
  /** The forward pass, in order. */
  readonly operations: readonly Operation[];
  /** 32-bit values in the arena of one replicate, a multiple of 64: the stride between replicates. */
  readonly arena: number;
  /** How many of them an optimizer trains, a multiple of 64; running statistics stand behind. */
  readonly trained: number;
  /** Kernels: all weights of all layers; biases and batch norms are never counted. */
  readonly weights: number;
}

/** Weights and bias of one layer, without padding: what travels between the GPU, files and users. */
export interface LayerValues {
  /** `[inputs][outputs]`; for a convolution `[C][ky][kx][K]`. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** `[outputs]`; zeros for a layer without bias. */
  readonly bias: Float32Array<ArrayBuffer>;
}

/** Parameters and running statistics of one batch norm, `[channels]` each. */
export interface NormValues {
  /** γ. */
  readonly scale: Float32Array<ArrayBuffer>;
  /** β. */
  readonly shift: Float32Array<ArrayBuffer>;
  /** Running mean. */
  readonly mean: Float32Array<ArrayBuffer>;
  /** Running variance. */
  readonly variance: Float32Array<ArrayBuffer>;
}

/** Tensors begin at multiples of this many values (256 bytes), so that any of them could be bound alone. */
const alignment = 64;

/** `value` rounded up to a multiple of `step`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** Values of one image. */
export function sizeOf({ channels, height, width }: Extent): number {
  return channels * height * width;
}

/**
 * Lays a network out in its arena.
 *
 * @throws {RangeError} when its layers do not fit on one another
 */
export function layOut(spec: NetworkSpec): NetworkLayout {
  const builder = new Builder(spec);
  for (const layer of spec.layers) builder.add(layer);
  return builder.layout();
}

/** Walks over a network's layers and gives each its tensors, its operations and its place. */
class Builder {
  readonly #spec: NetworkSpec;
  readonly #layers: LayerLayout[] = [];
  readonly #norms: Omit<NormLayout, "mean" | "variance">[] = [];
  readonly #tensors: Tensor[];
  readonly #operations: Operation[] = [];
  readonly #counts = { conv: 0, dense: 0, downsample: 0, dropout: 0 };
  #offset = 0;
  #position = 0;
  #current = 0;

  constructor(spec: NetworkSpec) {
    this.#spec = spec;
    this.#tensors = [{ extent: spec.input, isRelu: false }];
    if (![spec.input.channels, spec.input.height, spec.input.width].every(isCount)) {
      this.#refuse(`its input is ${describe(spec.input)}, and all three must be whole and positive`);
    }
  }

  add(layer: LayerSpec): void {
    this.#position++;
    if (layer.type === "residual") this.#residual(layer);
    else this.#current = this.#append(layer, this.#current, "conv");
  }

  layout(): NetworkLayout {
    const last = this.#layers.at(-1);
    if (!last) this.#refuse("it has no layers: give it at least one");
    if (this.#operations.at(-1)?.type !== "dense" || last.activation !== "none") {
      this.#refuse("its last layer must be dense with activation none: it gives the logits");
    }
    const layers = this.#layers.map((layer) => layer === last ? { ...layer, role: "output" as const } : layer);
    const trained = this.#offset;
    let offset = trained;
    const take = (channels: number): number => {
      const at = offset;
      offset += roundUp(channels, alignment);
      return at;
    };
    const norms = this.#norms.map((norm) => ({
      ...norm,
      mean: take(norm.extent.channels),
      variance: take(norm.extent.channels),
    }));
    return {
      spec: this.#spec,
      layers,
      norms,
      tensors: this.#tensors,
      operations: this.#operations,
      arena: offset,
      trained,
      weights: layers.reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0),
    };
  }

  #take(values: number): number {
    const at = this.#offset;
    this.#offset += roundUp(values, alignment);
    return at;
  }

  #append(layer: Exclude<LayerSpec, ResidualSpec>, input: number, prefix: "conv" | "downsample"): number {
    const extent = this.#extent(input);
    switch (layer.type) {
      case "dense":
        return this.#weighted(layer, input, `dense${++this.#counts.dense}`, flat(layer.units));
      case "conv": {
        const { stride = 1, size = 3 } = layer;
        if (![1, 3].includes(size) || ![1, 2].includes(stride)) {
          this.#refuse(`a convolution has size ${size} and stride ${stride}: sizes 1 and 3 and strides 1 and 2 exist`);
        }
        return this.#weighted(layer, input, `${prefix}${++this.#counts[prefix]}`, {
          channels: layer.channels,
          height: Math.ceil(extent.height / stride),
          width: Math.ceil(extent.width / stride),
        });
      }
      case "max-pool": {
        const pooled = {
          channels: extent.channels,
          height: Math.floor(extent.height / 2),
          width: Math.floor(extent.width / 2),
        };
        if (pooled.height < 1 || pooled.width < 1) this.#refuse(`${describe(extent)} is too small for a 2 × 2 pooling`);
        const output = this.#tensor(pooled, false);
        this.#operations.push({ type: "max-pool", input, output });
        return output;
      }
      case "global-average-pool": {
        const output = this.#tensor(flat(extent.channels), false);
        this.#operations.push({ type: "global-average-pool", input, output });
        return output;
      }
      case "batch-norm": {
        const output = this.#tensor(extent, layer.activation === "relu");
        const norm = this.#norms.length;
        this.#norms.push({
          name: `norm${norm + 1}`,
          extent,
          activation: layer.activation,
          scale: this.#take(extent.channels),
          shift: this.#take(extent.channels),
        });
        this.#operations.push({ type: "batch-norm", norm, input, output });
        return output;
      }
      case "dropout": {
        if (!(layer.rate >= 0 && layer.rate < 1)) {
          this.#refuse(`a dropout's rate is ${layer.rate}, and it must be from 0 to below 1`);
        }
        const output = this.#tensor(extent, false);
        this.#operations.push({ type: "dropout", rate: layer.rate, index: this.#counts.dropout++, input, output });
        return output;
      }
    }
  }

  #weighted(layer: DenseSpec | ConvSpec, input: number, name: string, output: Extent): number {
    const extent = this.#extent(input);
    const size = layer.type === "conv" ? layer.size ?? 3 : 1;
    const inputs = layer.type === "conv" ? extent.channels * size * size : sizeOf(extent);
    const outputs = output.channels;
    if (!isCount(outputs)) {
      this.#refuse(`it is ${inputs} × ${outputs}, and both must be whole and positive`);
    }
    const outputQuads = Math.ceil(outputs / 4);
    const index = this.#layers.length;
    this.#layers.push({
      name,
      type: layer.type,
      inputs,
      outputs,
      outputQuads,
      fanOut: outputs * size * size,
      activation: layer.activation,
      size,
      stride: layer.type === "conv" ? layer.stride ?? 1 : 1,
      input: extent,
      output,
      role: layer.type,
      prunable: layer.prunable ?? true,
      weight: this.#take(inputs * outputQuads * 4),
      bias: this.#take(outputQuads * 4),
      hasBias: layer.type === "dense" || (layer.bias ?? true),
    });
    const made = this.#tensor(output, layer.activation === "relu");
    this.#operations.push({ type: layer.type, layer: index, input, output: made });
    return made;
  }

  #residual({ branch, shortcut }: ResidualSpec): void {
    for (const [name, part] of [["branch", branch], ["shortcut", shortcut]] as const) {
      const last = part.at(-1);
      if (part.length > 0 && part[0]?.type !== "conv" || last && last.activation !== "none") {
        this.#refuse(`a residual ${name} begins with a convolution and ends without an activation`);
      }
    }
    if (branch.length === 0) this.#refuse("a residual branch has at least one convolution");
    if (branch.length < 2 && shortcut.length === 0) {
      // Its gradient would be read and added to in the same place.
      this.#refuse("a residual branch beside an identity has at least two layers: add a batch norm");
    }
    const start = this.#current;
    const main = branch.reduce((input, layer) => this.#append(layer, input, "conv"), start);
    const beside = shortcut.reduce((input, layer) => this.#append(layer, input, "downsample"), start);
    const extent = this.#extent(main);
    if (describe(extent) !== describe(this.#extent(beside))) {
      this.#refuse(
        `a residual branch gives ${describe(extent)} and its shortcut ${
          describe(this.#extent(beside))
        }: make them equal`,
      );
    }
    this.#current = this.#tensor(extent, true);
    this.#operations.push({ type: "add", input: main, shortcut: beside, output: this.#current });
  }

  #tensor(extent: Extent, isRelu: boolean): number {
    this.#tensors.push({ extent, isRelu });
    return this.#tensors.length - 1;
  }

  #extent(tensor: number): Extent {
    return this.#tensors[tensor]?.extent ?? this.#spec.input;
  }

  #refuse(reason: string): never {
    const where = this.#position === 0 ? "" : `layer ${this.#position}: `;
    throw new RangeError(`Cannot lay out ${this.#spec.name}: ${where}${reason}.`);
  }
}

/** Puts the layers' values into an arena; padding stays zero, and batch norms start as γ = 1, β = 0, mean 0, variance 1. */
export function toArena(
  layout: NetworkLayout,
  values: readonly LayerValues[],
  norms?: readonly NormValues[],
): Float32Array<ArrayBuffer> {
  const arena = new Float32Array(layout.arena);
  layout.layers.forEach((layer, index) => {
    const { weight, bias } = values[index] ?? missing(layer);
    const row = layer.outputQuads * 4;
    for (let i = 0; i < layer.inputs; i++) {
      arena.set(weight.subarray(i * layer.outputs, (i + 1) * layer.outputs), layer.weight + i * row);
    }
    arena.set(bias, layer.bias);
  });
  layout.norms.forEach((norm, index) => {
    const own = norms ? norms[index] ?? missing(norm) : undefined;
    const { channels } = norm.extent;
    arena.set(own?.scale ?? new Float32Array(channels).fill(1), norm.scale);
    arena.set(own?.shift ?? new Float32Array(channels), norm.shift);
    arena.set(own?.mean ?? new Float32Array(channels), norm.mean);
    arena.set(own?.variance ?? new Float32Array(channels).fill(1), norm.variance);
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

/** Takes the batch norms' values out of an arena. */
export function normsFromArena(layout: NetworkLayout, arena: Float32Array): NormValues[] {
  return layout.norms.map(({ extent: { channels }, scale, shift, mean, variance }) => {
    const take = (at: number): Float32Array<ArrayBuffer> => Float32Array.from(arena.subarray(at, at + channels));
    return { scale: take(scale), shift: take(shift), mean: take(mean), variance: take(variance) };
  });
}

/** Calls back for every weight of a layer with its index in the arena and in the layer's own `[inputs][outputs]`. */
export function forEachWeight(layer: LayerLayout, visit: (arenaIndex: number, index: number) => void): void {
  const row = layer.outputQuads * 4;
  for (let i = 0; i < layer.inputs; i++) {
    for (let o = 0; o < layer.outputs; o++) visit(layer.weight + i * row + o, i * layer.outputs + o);
  }
}

/** Units of the output layer. */
export function classesOf(layout: NetworkLayout): number {
  return layout.layers.at(-1)?.outputs ?? 0;
}

function describe({ channels, height, width }: Extent): string {
  return `${channels} × ${height} × ${width}`;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}

function missing({ name }: { readonly name: string }): never {
  throw new RangeError(`Cannot fill the arena: there are no values for ${name}. Give one entry per layer.`);
}
