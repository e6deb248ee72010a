/**
 * What each launch of a training step has to do at least, what it does in its tiles, and how long graphics cards would take for
 * it by the figures that their makers give: a roofline (Williams, Waterman & Patterson 2009) that knows of launches and of idle
 * lanes. Counted and not measured, so that it says something of cards that are not at hand.
 *
 * @module
 */
import type { Launch } from "../src/gpu/program.ts";
import { lanes as batchLanes } from "../src/nn/graph.ts";
import { type LayerLayout, type NetworkLayout, roundUp } from "../src/nn/network.ts";

/** At what size a step runs. */
export interface StepShape {
  /** The network, in its dense arena. */
  readonly layout: NetworkLayout;
  /** Networks in lockstep. */
  readonly replicates: number;
  /** Images of a batch, without padding. */
  readonly images: number;
  /** Survivors of each layer, by its index. */
  readonly kept: readonly number[];
}

/** What a launch does for all its networks. */
export interface Work {
  /** Arithmetic that the result takes: additions, multiplications, divisions and roots, those of padding left out. */
  readonly operations: number;
  /** Bytes that must be moved: each operand once, without padding. */
  readonly leastBytes: number;
  /** Bytes that the kernel's tiles load from storage buffers and store there, with padding; caches serve many of them. */
  readonly tileBytes: number;
}

/** A launch of a step. */
export interface KernelWork {
  /** What it does in the network. */
  readonly label: string;
  /** The kernel's file. */
  readonly kernel: string;
  /** Workgroups. */
  readonly workgroups: number;
  /** Invocations of one workgroup. */
  readonly workgroupSize: number;
  /** Invocations of all workgroups, those beyond the ragged edge included. */
  readonly invocations: number;
  /** What it does; null for a kernel that {@linkcode kernelWork} does not know. */
  readonly work: Work | null;
}

/** A graphics card, by published figures. */
export interface Card {
  /** Its name. */
  readonly name: string;
  /** Multiply-add peak in float32, in 10⁹ operations per second. */
  readonly gflops: number;
  /** Memory bandwidth, in 10⁹ bytes per second. */
  readonly gbytes: number;
  /** What its maker calls streaming multiprocessors, cores or execution units. */
  readonly cores: number;
  /** Invocations that compute at once: float32 units. */
  readonly lanes: number;
  /** Most invocations that can be resident, where their registers leave room. */
  readonly resident: number;
  /** Invocations that run as one: a workgroup with fewer leaves the rest idle. */
  readonly subgroup: number;
  /** Who published that. */
  readonly source: string;
}

/** Cards of three kinds: the fastest for a desk, one of a data centre, and two that share a laptop's memory. */
export const cards: readonly Card[] = [
  {
    name: "RTX 4090",
    gflops: 82_600,
    gbytes: 1008,
    cores: 128,
    lanes: 16_384,
    resident: 128 * 1536,
    subgroup: 32,
    source: "NVIDIA's Ada architecture white paper; resident threads of compute capability 8.9 from its CUDA guide",
  },
  {
    name: "A100 40 GB",
    gflops: 19_500,
    gbytes: 1555,
    cores: 108,
    lanes: 6912,
    resident: 108 * 2048,
    subgroup: 32,
    source:
      "NVIDIA's A100 data sheet and Ampere white paper; resident threads of compute capability 8.0 from its CUDA guide",
  },
  {
    name: "M2, 10 cores",
    gflops: 3600,
    gbytes: 100,
    cores: 10,
    lanes: 1280,
    resident: 10 * 3072,
    subgroup: 32,
    source:
      "Apple's announcement of M2; units and resident threads of a core as found in Philip Turner's metal-benchmarks",
  },
  {
    name: "Iris Xe, 96 EU",
    gflops: 2070,
    gbytes: 68,
    cores: 96,
    lanes: 768,
    resident: 96 * 7 * 16,
    subgroup: 16,
    source: "Intel's Xe-LP documentation (8 float32 units and 7 threads per EU) at 1.35 GHz, with LPDDR4X-4266",
  },
];

/** What a launch is bounded by. */
export type Bound =
  /** Starting it takes longer than its work. */
  | "launch"
  /** More than half of the lanes have nothing to do: too few invocations, or workgroups smaller than a subgroup. */
  | "lanes"
  /** Memory. */
  | "bandwidth"
  /** Multiply-adds. */
  | "arithmetic";

/** How long a card would take for a launch. */
export interface Expectation {
  /** The card's name. */
  readonly card: string;
  /** The fraction of its lanes that the launch keeps busy. */
  readonly busy: number;
  /** Microseconds that it takes: an order of magnitude, and the ratio to the next launch. */
  readonly microseconds: number;
  /** Why. */
  readonly bound: Bound;
}

/**
 * Microseconds from the beginning of a small dispatch to that of the next one that depends on it. Not a published figure but
 * the order of magnitude that is usually found on cards, through barriers between dispatches.
 */
export const launchMicroseconds = 5;

/**
 * How long a card takes for a launch: the longer of arithmetic and memory, at the fraction of the peak that its busy lanes are (an
 * idle lane neither computes nor waits for loads of its own), and never less than a launch takes. Caches, latency and what padding
 * costs are left out.
 */
export function expectation({ workgroups, workgroupSize }: KernelWork, work: Work, card: Card): Expectation {
  const slots = roundUp(workgroupSize, card.subgroup);
  const busy = Math.min(1, workgroups * slots / card.lanes) * workgroupSize / slots;
  const arithmetic = work.operations / card.gflops / 1e3;
  const memory = work.leastBytes / card.gbytes / 1e3;
  const own = Math.max(arithmetic, memory) / busy;
  const bound = own < launchMicroseconds
    ? "launch"
    : busy < 0.5
    ? "lanes"
    : memory > arithmetic
    ? "bandwidth"
    : "arithmetic";
  return { card: card.name, busy, microseconds: Math.max(own, launchMicroseconds), bound };
}

/** Counts what the launches of a step do. */
export function stepWork(launches: readonly Launch[], shape: StepShape): KernelWork[] {
  return launches.map((launch) => kernelWork(launch, shape));
}

/** Counts what a launch does. */
export function kernelWork(launch: Launch, shape: StepShape): KernelWork {
  const { kernel, label = kernel.name } = launch;
  const workgroups = launch.workgroups.reduce((product, count) => product * count, 1);
  const size = workgroupSize(launch);
  const one = workOfOne(launch, shape);
  const times = (count: number): number => count * shape.replicates;
  return {
    label,
    kernel: kernel.name,
    workgroups,
    workgroupSize: size,
    invocations: workgroups * size,
    work: one && {
      operations: times(one.operations),
      leastBytes: times(one.leastBytes),
      tileBytes: times(one.tileBytes),
    },
  };
}

/**
 * Invocations of a workgroup: what the kernel's `@workgroup_size` says, with the launch's constants in it.
 *
 * @throws {RangeError} when it says nothing that can be read
 */
export function workgroupSize(
  { kernel: { name, code }, constants = {} }: Pick<Launch, "kernel" | "constants">,
): number {
  const [, list] = /@workgroup_size\(([^)]*)\)/.exec(code) ?? [];
  const sizes = (list ?? "").split(",").map((text) => text.trim()).filter((text) => text !== "").map((text) => {
    if (/^\d+u?$/.test(text)) return parseInt(text);
    const [, usual] =
      new RegExp(`\\b(?:override|const)\\s+${text}\\s*(?::\\s*u32)?\\s*=\\s*(\\d+)u?\\s*;`).exec(code) ?? [];
    return constants[text] ?? Number(usual);
  });
  const size = sizes.reduce((product, count) => product * count, 1);
  if (sizes.length > 0 && Number.isInteger(size) && size > 0) return size;
  throw new RangeError(
    `Cannot count the invocations of ${name}: its @workgroup_size(${
      list ?? ""
    }) must be numbers or constants with a value.`,
  );
}

/** Bytes of a float32 or a 32-bit index, and of four. */
const word = 4;
const quad = 16;

/** What a launch does for one of its networks. */
function workOfOne(launch: Launch, shape: StepShape): Work | null {
  const index = shape.layout.layers.findIndex(({ name }) => launch.label?.startsWith(`${name} `));
  const layer = shape.layout.layers[index];
  if (!layer) return movingWork(launch, shape);
  const { images } = shape;
  const context: LayerContext = {
    launch,
    layer,
    images,
    batch: roundUp(images, batchLanes),
    survivors: shape.kept[index] ?? layer.inputs * layer.outputs,
  };
  return layerWork[launch.kernel.name]?.(context) ?? null;
}

interface LayerContext {
  readonly launch: Launch;
  readonly layer: LayerLayout;
  /** Images, without padding. */
  readonly images: number;
  /** Images, padded. */
  readonly batch: number;
  /** Weights that survive. */
  readonly survivors: number;
}

/** What a tile of a matrix product has, as the kernel's header says it. */
interface Tile {
  /** Rows: outputs of the forward pass, inputs of the gradients. */
  readonly rows: number;
  /** Columns: images, or outputs of the weight gradient. */
  readonly columns: number;
  /** Whether an invocation holds it in registers, which loads what lies beyond the matrix from elsewhere, or a workgroup. */
  readonly of: "invocation" | "workgroup";
}

/** Bytes that the tiles of a product load: for each of `depth` terms one value for each of their rows and of their columns. */
function tileLoads(rows: number, columns: number, depth: number, tile: Tile): number {
  const down = Math.ceil(rows / tile.rows);
  const across = Math.ceil(columns / tile.columns);
  const values = tile.of === "workgroup" ? rows * across + columns * down : down * across * (tile.rows + tile.columns);
  return values * depth * word;
}

/** By the name of the kernel: what it does for a layer. */
const layerWork: Readonly<Record<string, (context: LayerContext) => Work>> = {
  dense_forward: (context) =>
    denseForward(context, { rows: 32, columns: set(context.launch, "wide") ? 16 : 8, of: "invocation" }),
  dense_forward_workgroup: (context) => denseForward(context, { rows: 16, columns: 64, of: "workgroup" }),
  dense_input_gradient: (context) => denseInputGradient(context, { rows: 24, columns: 8, of: "invocation" }),
  dense_input_gradient_workgroup: (context) => denseInputGradient(context, { rows: 16, columns: 64, of: "workgroup" }),
  dense_weight_gradient: (context) => denseWeightGradient(context, { rows: 16, columns: 16, of: "invocation" }),
  dense_weight_gradient_workgroup: (context) =>
    denseWeightGradient(context, { rows: 32, columns: 32, of: "workgroup" }),
  dense_forward_sum({ launch, layer: { outputs, outputQuads }, images, batch }) {
    const parts = launch.dims[2] ?? 1;
    return {
      operations: parts * outputs * images,
      leastBytes: word * ((parts + 1) * outputs * images + outputs),
      tileBytes: (parts + 1) * outputQuads * batch * quad + outputQuads * batch * word,
    };
  },
  dense_input_gradient_sum({ launch, layer: { inputs }, images, batch }) {
    const parts = launch.dims[3] ?? 1;
    const passes = parts + 1 + set(launch, "gate");
    return {
      operations: parts * inputs * images,
      leastBytes: word * passes * inputs * images,
      tileBytes: word * passes * inputs * batch,
    };
  },
  compact_forward({ launch, layer, images, batch, survivors }) {
    const { inputs, outputs, outputQuads } = layer;
    const quads = launch.dims[7] ?? 0;
    const rows = outputQuads * 4;
    return {
      operations: 2 * survivors * images,
      leastBytes: word * (2 * survivors + 2 * outputs + 1 + (inputs + outputs) * images),
      tileBytes: batch / 8 * (quads * 10 * quad + rows * (quad + 2 * word)) + rows * batch * word,
    };
  },
  compact_input_gradient({ launch, layer: { inputs, outputs }, images, batch, survivors }) {
    const rows = 1 + set(launch, "gate");
    return {
      operations: 2 * survivors * images,
      leastBytes: word * (3 * survivors + inputs + 1 + (outputs + rows * inputs) * images),
      tileBytes: batch / 8 * (survivors * (3 * word + 2 * quad) + inputs * 2 * word) + rows * inputs * batch * word,
    };
  },
  compact_weight_gradient({ launch, layer, images, batch, survivors }) {
    const { inputs, outputs, outputQuads } = layer;
    const quads = launch.dims[0] ?? 0;
    return {
      operations: (2 * survivors + outputs) * images,
      // Of every survivor its position and its gradient, a quarter of an output row and a bit of the mask.
      leastBytes: word * (2.25 * survivors + outputs + (inputs + outputs) * images) + survivors / 8,
      tileBytes: quads * (batch / 8 * 10 * quad + 2 * quad + 2 * word) + outputQuads * (batch + 1) * quad,
    };
  },
  convolution_forward({ layer, images, batch }) {
    const { input, output, size, stride, outputQuads } = layer;
    // Tiles of 4 pixels × 8 outputs × 8 images: of each row of the kernel 6 pixels (9 with stride 2, 4 of a 1 × 1) and its weights.
    const pixels = size === 1 ? 4 : stride === 1 ? 6 : 9;
    const tiles = batch / 8 * Math.ceil(output.width / 4) * Math.ceil(outputQuads / 2);
    const quads = tiles * (kernelRows(layer) * input.channels * (pixels + size) + output.height) * 2;
    return convolutionForward(layer, images, batch, quads);
  },
  convolution_forward_workgroup({ launch, layer, images, batch }) {
    const { input, size, stride, output, outputQuads } = layer;
    // Invocations of 2 pixels × 8 outputs × 4 images, whose workgroup brings the weights.
    const pixels = size === 1 ? 2 : stride === 1 ? 4 : 5;
    const tiles = batch / 4 * Math.ceil(output.width / 2) * Math.ceil(outputQuads / 2);
    const quads = tiles * (kernelRows(layer) * input.channels * pixels + output.height * 2) +
      workgroupsOfOne(launch) * layer.inputs * 2;
    return convolutionForward(layer, images, batch, quads);
  },
  compact_convolution_forward({ launch, layer, images, batch, survivors }) {
    const { output: { height, width }, outputs } = layer;
    const tiles = Math.ceil(height * width / 4) * batch / 8;
    // Of each four survivors their values and positions, and of each survivor 4 pixels of 8 images.
    const quads = tiles * ((launch.dims[12] ?? 0) * 34 + outputs);
    return {
      operations: 2 * survivors * height * width * images,
      leastBytes: word * (2 * survivors + 2 * outputs + 1 + tensors(layer, images)),
      tileBytes: quads * quad + word * (tiles * outputs * 2 + outputs * height * width * batch),
    };
  },
  compact_convolution_input_gradient({ launch, layer, images, batch, survivors }) {
    const { input, output, outputs, stride } = layer;
    const values = input.channels * input.height * input.width;
    const gradients = outputs * output.height * output.width;
    const passes = 1 + set(launch, "gate") + set(launch, "accumulate");
    const tiles = (launch.dims[4] ?? 0) * batch / 8;
    const classes = input.channels * stride ** 2;
    // Two vec4 for each four survivors, their values, and of each 4 pixels of 8 images.
    const quads = tiles * (launch.dims[13] ?? 0) / 2 * 35;
    return {
      operations: 2 * survivors * output.height * output.width * images,
      leastBytes: word * (3 * survivors + classes + 1 + (gradients + passes * values) * images),
      tileBytes: quads * quad + word * (tiles * classes * 2 + passes * values * batch),
    };
  },
  compact_convolution_weight_gradient({ launch, layer, images, batch, survivors }) {
    const { output: { height, width }, outputs } = layer;
    const [quads, biasQuads] = [launch.dims[0] ?? 0, launch.dims[10] ?? 0];
    const pixels = height * width;
    const bias = Math.min(biasQuads, 1) * outputs;
    return {
      operations: (2 * survivors + bias) * pixels * images,
      leastBytes: word * (2.25 * survivors + bias + tensors(layer, images)) + survivors / 8,
      tileBytes: quads * (pixels * batch / 8 * 10 * quad + 2 * quad + 2 * word) +
        biasQuads * (pixels * batch + 1) * quad,
    };
  },
  transpose_weights({ layer: { input, size, outputs, outputQuads } }) {
    const taps = size * size;
    return {
      operations: 0,
      leastBytes: 2 * word * input.channels * taps * outputs,
      tileBytes: (input.channels + roundUp(input.channels, 4)) * taps * outputQuads * quad,
    };
  },
  convolution_input_gradient(context) {
    const { layer: { input, size, stride, outputs }, batch } = context;
    // Tiles of 4 pixels × 8 channels × 8 images, as in the forward pass; with stride 2 a pixel meets every other tap.
    const pixels = size === 1 ? 4 / stride : stride === 1 ? 6 : 3;
    const tiles = batch / 8 * Math.ceil(input.width / 4) * Math.ceil(input.channels / 8);
    return convolutionInputGradient(context, tiles * kernelRows(context.layer) * outputs * (pixels + size) * 2);
  },
  convolution_input_gradient_workgroup(context) {
    const { launch, layer: { input, size, stride, outputs, outputQuads }, batch } = context;
    const pixels = size === 1 ? 2 / stride : stride === 1 ? 4 : 2;
    const tiles = batch / 4 * Math.ceil(input.width / 2) * Math.ceil(input.channels / 8);
    const quads = tiles * kernelRows(context.layer) * outputs * pixels +
      workgroupsOfOne(launch) * outputQuads * size * size * 8;
    return convolutionInputGradient(context, quads);
  },
  convolution_weight_gradient(context) {
    const { launch, layer: { input, output, size, stride, outputQuads }, batch } = context;
    // Tiles of 4 channels × 9 taps (18 channels of a 1 × 1) × 4 outputs: the window of 3 × 3 pixels takes new ones at every step.
    const channels = size === 3 ? 4 : 18;
    const perPixel = 4 + (size === 1 ? channels : channels * 3 * stride);
    const perRow = size === 3 && stride === 1 ? 3 * channels : 0;
    const tiles = Math.ceil(input.channels / channels) * outputQuads;
    const quads = tiles * output.height * batch / 4 * (output.width * perPixel + perRow);
    return convolutionWeightGradient(context, quads, launch.dims[11] ?? 1, launch.dims[12] ?? 0);
  },
  convolution_weight_gradient_workgroup(context) {
    const { launch, layer, batch } = context;
    const { input, output, inputs, outputs, outputQuads } = layer;
    // Tiles of 32 rows of weights × 32 outputs, that load nothing from outside the image.
    const met = input.channels * kernelRows(layer) * kernelColumns(layer) * Math.ceil(outputQuads / 8);
    const quads = (met + outputs * output.height * output.width * Math.ceil(inputs / 32)) * batch / 4;
    return convolutionWeightGradient(context, quads, launch.dims[10] ?? 1, launch.dims[11] ?? 0);
  },
  sum_partials({ launch, layer: { inputs, outputs, outputQuads, hasBias } }) {
    const parts = launch.dims[2] ?? 1;
    const masked = set(launch, "masked");
    const rows = inputs + Number(hasBias);
    return {
      operations: parts * rows * outputs,
      leastBytes: word * (parts + 1) * rows * outputs + masked * inputs * outputs / 8,
      tileBytes: (parts + 1) * rows * outputQuads * quad + masked * inputs * outputQuads * word,
    };
  },
};

function denseForward({ launch, layer, images, batch }: LayerContext, tile: Tile): Work {
  const { inputs, outputs, outputQuads } = layer;
  const parts = launch.dims[9] ?? 1;
  const rows = outputQuads * 4;
  // Parts bring no bias yet.
  const bias = parts === 1 ? 1 : 0;
  const biases = tile.of === "workgroup"
    ? rows * batch / 4
    : Math.ceil(rows / tile.rows) * Math.ceil(batch / tile.columns) * tile.rows;
  return {
    operations: 2 * inputs * outputs * images,
    leastBytes: word * (inputs * outputs + bias * outputs + inputs * images + parts * outputs * images),
    tileBytes: tileLoads(rows, batch, inputs, tile) + word * (bias * biases + parts * rows * batch),
  };
}

function denseInputGradient({ launch, layer, images, batch }: LayerContext, tile: Tile): Work {
  const { inputs, outputs, outputQuads } = layer;
  const parts = set(launch, "split") ? launch.dims[8] ?? 1 : 1;
  // With the gate, the layer's input is read where its gradient is written.
  const passes = parts > 1 ? parts : 1 + set(launch, "gate");
  return {
    operations: 2 * inputs * outputs * images,
    leastBytes: word * (inputs * outputs + outputs * images + passes * inputs * images),
    tileBytes: tileLoads(inputs, batch, outputQuads * 4, tile) + word * passes * inputs * batch,
  };
}

function denseWeightGradient({ launch, layer, images, batch }: LayerContext, tile: Tile): Work {
  const { inputs, outputs, outputQuads } = layer;
  const masked = set(launch, "masked");
  const columns = outputQuads * 4;
  // The first row of tiles sums the bias: an invocation loads all of the output's gradient once more for it.
  const bias = tile.of === "invocation" ? roundUp(columns, tile.columns) * batch : 0;
  return {
    operations: (2 * inputs + 1) * outputs * images,
    leastBytes: word * ((inputs + outputs) * images + (inputs + 1) * outputs) + masked * inputs * outputs / 8,
    tileBytes: tileLoads(inputs, columns, batch, tile) +
      word * (bias + (inputs + 1) * columns + masked * inputs * outputQuads),
  };
}

/** @param quads vec4 that tiles load */
function convolutionForward(layer: LayerLayout, images: number, batch: number, quads: number): Work {
  const { inputs, outputs, output } = layer;
  return {
    operations: layerOperations(layer, images),
    leastBytes: word * ((inputs + 1) * outputs + tensors(layer, images)),
    tileBytes: quads * quad + outputs * output.height * output.width * batch * word,
  };
}

/** @param quads vec4 that tiles load, without the gradient to be added to and what gates it */
function convolutionInputGradient({ launch, layer, images, batch }: LayerContext, quads: number): Work {
  const { input, output, inputs, outputs } = layer;
  const values = input.channels * input.height * input.width;
  const passes = 1 + set(launch, "gate") + set(launch, "accumulate");
  return {
    operations: layerOperations(layer, images),
    leastBytes: word * (inputs * outputs + (outputs * output.height * output.width + passes * values) * images),
    tileBytes: quads * quad + passes * values * batch * word,
  };
}

/**
 * @param quads vec4 that tiles load
 * @param parts into how many sums it is split
 * @param bias 1 for a layer with bias, else 0
 */
function convolutionWeightGradient(
  { launch, layer, images }: LayerContext,
  quads: number,
  parts: number,
  bias: number,
): Work {
  const { inputs, outputs, outputQuads, output } = layer;
  const masked = set(launch, "masked");
  return {
    operations: layerOperations(layer, images) + bias * outputs * output.height * output.width * images,
    leastBytes: word * (tensors(layer, images) + parts * (inputs + bias) * outputs) + masked * inputs * outputs / 8,
    tileBytes: (quads + parts * (inputs + bias) * outputQuads) * quad + masked * inputs * outputQuads * word,
  };
}

/** A constant of a launch that is 0 or 1; the kernels' own is `masked` alone, and every launch gives that. */
function set({ constants = {} }: Launch, name: string): number {
  return constants[name] ?? 0;
}

/** Operations of one pass of a layer over images, taps outside the image included. */
export function layerOperations({ inputs, outputs, output }: LayerLayout, images: number): number {
  return 2 * inputs * outputs * output.height * output.width * images;
}

/** Values of what comes into a convolution, as far as a pass reads it, and of what goes out. */
function tensors({ input, output, size }: LayerLayout, images: number): number {
  // A 1 × 1 kernel with stride 2 leaves pixels out.
  const { height, width } = size === 1 ? output : input;
  return (input.channels * height * width + output.channels * output.height * output.width) * images;
}

/** Rows of the kernel that lie inside the image, over all rows of the output: as many as meet all rows of the input. */
function kernelRows({ input, output, size, stride }: LayerLayout): number {
  return tapsInside(input.height, output.height, size, stride);
}

/** The same for columns. */
function kernelColumns({ input, output, size, stride }: LayerLayout): number {
  return tapsInside(input.width, output.width, size, stride);
}

function tapsInside(inputs: number, outputs: number, size: number, stride: number): number {
  const pad = Math.floor(size / 2);
  let taps = 0;
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < size; tap++) {
      const input = output * stride + tap - pad;
      if (input >= 0 && input < inputs) taps++;
    }
  }
  return taps;
}

/** Workgroups of one network: they lie along z, one after the other. */
function workgroupsOfOne({ workgroups: [x, y] }: Launch): number {
  return x * y;
}

/** What belongs to no layer with weights: passes that go over values once and are bounded by memory wherever they are large. */
function movingWork({ kernel, dims, constants = {} }: Launch, { images }: StepShape): Work | null {
  const batch = roundUp(images, batchLanes);
  const at = (index: number): number => dims[index] ?? 0;
  const gate = constants["gate"] ?? 0;
  /** So many rows of the batch are read and written, with so many operations for each image of one, and some bytes beside. */
  const moves = (rows: number, operations: number, beside = 0): Work => ({
    operations: operations * images,
    leastBytes: word * rows * images + beside,
    tileBytes: word * rows * batch + beside,
  });
  switch (kernel.name) {
    case "gather": {
      // Bytes come in and float32 go out: five quarters of a row. Every invocation reads its four indices.
      const pixels = dims[12] ?? at(0);
      const { operations, leastBytes } = moves(1.25 * pixels + 3, 2 * pixels);
      return { operations, leastBytes, tileBytes: word * batch * (1.25 * pixels + 3 + Math.ceil(pixels / 4) - 1) };
    }
    case "softmax_cross_entropy": {
      // Logits are read three times. Maximum, difference, exponential and sum, then the same again and a product.
      const outputs = constants["outputs"] ?? 0;
      const { operations, leastBytes } = moves(2 * outputs + 3, 8 * outputs);
      return { operations, leastBytes, tileBytes: word * batch * (4 * outputs + 3) };
    }
    case "advance_step":
      return moves(2, 2, 64);
    case "adam":
    case "sgd": {
      // Gradient; parameter and moments, read and written; a bit of the mask. Operations as the formulas in the headers have them.
      const values = at(0) * 4;
      const [moments, each] = kernel.name === "adam" ? [2, 15] : [1, 6];
      const bytes = values * word * (1 + 2 * (1 + moments)) + values / 8;
      return { operations: each * values, leastBytes: bytes, tileBytes: bytes };
    }
    case "max_pool": {
      const channels = at(4) / at(2);
      return moves(channels * (at(0) * at(1) + at(2) * at(3)), 0);
    }
    case "max_pool_gradient": {
      const channels = at(4) / Math.ceil(at(0) / 2);
      return moves(channels * (2 * at(0) * at(1) + at(2) * at(3)), 0);
    }
    case "global_average_pool":
      return moves(at(0) * (at(1) + 1), at(0) * at(1));
    case "global_average_pool_gradient":
      return moves(at(0) * ((1 + gate) * at(1) + 1), at(0) * at(1));
    case "batch_norm_statistics":
      return moves(at(0) * at(1), 5 * at(0) * at(1), at(0) * at(2) * batch / 8 * quad);
    case "batch_norm_gradient_sums":
      return moves(2 * at(0) * at(1), 5 * at(0) * at(1), at(0) * at(2) * batch / 8 * quad);
    case "batch_norm_finish":
    case "batch_norm_gradient_finish": {
      const bytes = at(0) * (at(1) * quad + 6 * word);
      return { operations: 8 * at(0) * at(1), leastBytes: bytes, tileBytes: bytes };
    }
    case "batch_norm_forward":
      return moves(2 * at(0) * at(1), 2 * at(0) * at(1), 4 * at(0) * word);
    case "batch_norm_input_gradient":
      return moves(3 * at(0) * at(1), 6 * at(0) * at(1), 5 * at(0) * word);
    case "add_relu":
      return moves(3 * at(0) * 4 / batch, at(0) * 4 / batch);
    case "dropout":
      return moves((2 + gate) * at(0) * 4 / batch, at(0) * 4 / batch);
  }
  return null;
}
