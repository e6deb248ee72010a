/**
 * The kernels of compact layers, run once on pruned layers and compared with the dense references in float64.
 *
 * @module
 */
import { RandomStream } from "../data/random.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Buffer } from "../gpu/buffer.ts";
import { CompactArena } from "../nn/compact.ts";
import {
  compactConvolutionForward,
  compactConvolutionInputGradient,
  compactConvolutionWeightGradient,
} from "../nn/compact_convolution.ts";
import {
  compactForward,
  compactInputGradient,
  type CompactStructure,
  compactWeightGradient,
} from "../nn/compact_dense.ts";
import {
  type CompactIndices,
  compactSources,
  compactStructure,
  noSource,
  packCompact,
  unpackCompact,
} from "../nn/compact_structure.ts";
import * as kernels from "../nn/kernels.ts";
import { packMask } from "../nn/mask.ts";
import { flat, fromArena, layOut, roundUp, toArena } from "../nn/network.ts";
import { convolutionForward } from "../reference/convolution_forward.ts";
import { convolutionInputGradient } from "../reference/convolution_input_gradient.ts";
import { convolutionWeightGradient } from "../reference/convolution_weight_gradient.ts";
import { denseForward } from "../reference/dense_forward.ts";
import { denseInputGradient } from "../reference/dense_input_gradient.ts";
import { denseWeightGradient } from "../reference/dense_weight_gradient.ts";
import { relativeError } from "../reference/finite_difference.ts";
import type { Note } from "./convolution_check.ts";

/** Nothing is a multiple of what a kernel handles at once. */
const shape = { replicates: 2, inputs: 37, outputs: 19, batch: 21 };
const lanes = roundUp(shape.batch, 8);

/** Runs each compact kernel and notes how far it is from its reference. */
export async function checkCompact(gpu: Gpu, note: Note): Promise<void> {
  await checkDense(gpu, note);
  for (const stride of [1, 2] as const) await checkConvolution(gpu, stride, note);
}

async function checkDense(gpu: Gpu, note: Note): Promise<void> {
  const { replicates, inputs, outputs } = shape;
  const random = new RandomStream(13, "synthetic");
  const normals = (count: number): Float64Array =>
    Float64Array.from({ length: count }, () => Math.fround(random.normal()));
  const mask = Uint8Array.from({ length: replicates * inputs * outputs }, () => Number(random.below(3) === 0));
  const weight = normals(mask.length).map((value, at) => mask[at] === 0 ? 0 : value);
  const bias = normals(replicates * outputs);
  const input = normals(replicates * inputs * shape.batch).map((value) => Math.max(0, value));
  const outputGradient = normals(replicates * outputs * shape.batch);

  const indices = compactStructure([ofReplicate(mask, 0), ofReplicate(mask, 1)], inputs, outputs);
  const sources = compactSources(indices, inputs, outputs);
  const placed = placedLayer(indices.quads);
  const { layout, layer } = placed;
  const parameters = new Float32Array(replicates * layout.arena);
  const maskWords = new Uint32Array(replicates * layout.arena / 32);
  sources.forEach((own, r) => {
    const base = r * layout.arena;
    parameters.set(packCompact(own, ofReplicate(weight, r)), base + layer.weight);
    parameters.set(ofReplicate(bias, r), base + layer.bias);
    own.forEach((source, value) => {
      const at = base + layer.weight + value;
      if (source !== noSource) maskWords[at >>> 5] = (maskWords[at >>> 5] ?? 0) | (1 << (at & 31));
    });
  });

  using stack = new DisposableStack();
  const upload = (values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>) =>
    stack.use(gpu.upload("check", values));
  const structure = uploaded(indices, upload);
  const buffers = {
    parameters: upload(parameters),
    mask: upload(maskWords),
    input: upload(packed(inputs, input)),
    outputGradient: upload(packed(outputs, outputGradient)),
  };
  const output = upload(packed(outputs, []));
  const below = upload(packed(inputs, []));
  const gradient = upload(new Float32Array(parameters.length));
  const at = { ...placed, replicates, batch: lanes };
  using program = await gpu.record("compact check", [
    compactForward(at, structure, { ...buffers, output }),
    compactInputGradient(at, structure, true, { ...buffers, gradient: below }),
    compactWeightGradient(at, structure, { ...buffers, gradient }),
  ]);
  gpu.submit(program);

  const activations = unpacked(outputs, await gpu.readFloats(output));
  note(kernels.compactForward, relativeError(activations, denseForward(shape, weight, bias, input, true)));
  const inputGradients = unpacked(inputs, await gpu.readFloats(below));
  note(
    kernels.compactInputGradient,
    relativeError(inputGradients, denseInputGradient(shape, weight, outputGradient, input)),
  );
  const arenas = await gpu.readFloats(gradient);
  const wanted = denseWeightGradient(shape, input, outputGradient, mask);
  sources.forEach((own, r) => {
    const arena = ofReplicate(arenas, r);
    const found = unpackCompact(own, arena.subarray(layer.weight), inputs * outputs);
    note(kernels.compactWeightGradient, relativeError(found, ofReplicate(wanted.weight, r)));
    const ownBias = arena.subarray(layer.bias, layer.bias + outputs);
    note(kernels.compactWeightGradient, relativeError(ownBias, ofReplicate(wanted.bias, r)));
  });
}

async function checkConvolution(gpu: Gpu, stride: 1 | 2, note: Note): Promise<void> {
  const { replicates, batch } = shape;
  const extent = { channels: 5, height: 7, width: 5 };
  const layout = layOut({
    name: "check",
    input: extent,
    layers: [
      { type: "conv", channels: 6, stride, activation: "relu" },
      { type: "dense", units: 2, activation: "none" },
    ],
  });
  const convolution = layout.layers[0];
  if (!convolution) throw new Error("unreachable: two layers were laid out");
  const own = { ...shape, ...extent, outputs: 6, size: 3, stride };
  const { output: made } = convolution;
  const [inputs, outputs] = [extent, made].map(({ channels, height, width }) => channels * height * width);
  if (inputs === undefined || outputs === undefined) throw new Error("unreachable: both have a size");
  const random = new RandomStream(17, "synthetic");
  const normals = (count: number): Float64Array =>
    Float64Array.from({ length: count }, () => Math.fround(random.normal()));
  const mask = Uint8Array.from(
    { length: replicates * convolution.inputs * own.outputs },
    () => Number(random.below(3) === 0),
  );
  const weight = normals(mask.length).map((value, at) => mask[at] === 0 ? 0 : value);
  const bias = normals(replicates * own.outputs);
  const input = normals(replicates * inputs * batch).map((value) => Math.max(0, value));
  const outputGradient = normals(replicates * outputs * batch);

  const networks = Array.from({ length: replicates }, (_, r) => r);
  const rest = { weight: new Float32Array(outputs * 2), bias: new Float32Array(2) };
  const masks = networks.map((r) =>
    packMask(layout, [ofReplicate(mask, r), new Uint8Array(rest.weight.length).fill(1)])
  );
  const arena = new CompactArena(layout, masks, [0]);
  const layer = arena.layout.layers[0];
  const indices = arena.structures.get(0);
  if (!layer || !indices) throw new Error("unreachable: the first layer is compact");
  const parameters = new Float32Array(replicates * arena.layout.arena);
  const maskWords = new Uint32Array(parameters.length / 32);
  for (const r of networks) {
    const values = {
      weight: Float32Array.from(ofReplicate(weight, r)),
      bias: Float32Array.from(ofReplicate(bias, r)),
    };
    parameters.set(arena.pack(toArena(layout, [values, rest]), r), r * arena.layout.arena);
    maskWords.set(arena.packMask(masks[r] ?? new Uint32Array(0), r), r * arena.layout.arena / 32);
  }

  using stack = new DisposableStack();
  const upload = (values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>) =>
    stack.use(gpu.upload("check", values));
  const structure = uploaded(indices, upload);
  const buffers = {
    parameters: upload(parameters),
    mask: upload(maskWords),
    input: upload(packed(inputs, input)),
    outputGradient: upload(packed(outputs, outputGradient)),
  };
  const output = upload(packed(outputs, []));
  const below = upload(packed(inputs, []));
  const gradient = upload(new Float32Array(parameters.length));
  const at = { layout: arena.layout, layer, replicates, batch: lanes };
  const ending = { gate: true, accumulate: false };
  using program = await gpu.record("compact check", [
    compactConvolutionForward(at, structure, { ...buffers, output }),
    compactConvolutionInputGradient(at, structure, ending, { ...buffers, gradient: below }),
    compactConvolutionWeightGradient(at, structure, { ...buffers, gradient }),
  ]);
  gpu.submit(program);

  const activations = unpacked(outputs, await gpu.readFloats(output));
  note(
    kernels.compactConvolutionForward,
    relativeError(activations, convolutionForward(own, weight, bias, input, true)),
  );
  const inputGradients = unpacked(inputs, await gpu.readFloats(below));
  note(
    kernels.compactConvolutionInputGradient,
    relativeError(inputGradients, convolutionInputGradient(own, weight, outputGradient, { gate: input })),
  );
  const arenas = await gpu.readFloats(gradient);
  const wanted = convolutionWeightGradient(own, input, outputGradient, mask);
  for (const r of networks) {
    const [found] = fromArena(layout, arena.unpack(ofReplicate(arenas, r), r));
    for (const part of ["weight", "bias"] as const) {
      const error = relativeError(found?.[part] ?? [], ofReplicate(wanted[part], r));
      note(kernels.compactConvolutionWeightGradient, error);
    }
  }
}

/** Where survivors stand, on the GPU. */
function uploaded(indices: CompactIndices, upload: (values: Uint32Array<ArrayBuffer>) => Buffer): CompactStructure {
  return {
    rows: upload(indices.rows),
    positions: upload(indices.positions),
    rowOf: upload(indices.rowOf),
    columns: upload(indices.columns),
    entries: upload(indices.entries),
    quads: indices.quads,
    entryCount: indices.entryCount,
  };
}

/** The second layer of three, its weights compact. */
function placedLayer(quads: number) {
  const layout = layOut({
    name: "check",
    input: flat(5),
    layers: [
      { type: "dense", units: shape.inputs, activation: "relu" },
      { type: "dense", units: shape.outputs, activation: "relu" },
      { type: "dense", units: 2, activation: "none" },
    ],
  });
  const layer = layout.layers[1];
  if (!layer) throw new Error("unreachable: three layers were laid out");
  const bias = layer.weight + roundUp(quads * 4, 64);
  return { layout: { ...layout, arena: bias + roundUp(shape.outputs, 64) }, layer: { ...layer, bias } };
}

function ofReplicate<T>(
  tensor: { readonly length: number; slice(start: number, end: number): T },
  r: number,
): T {
  const size = tensor.length / shape.replicates;
  return tensor.slice(r * size, (r + 1) * size);
}

/** `[R][rows][lanes]` of `[R][rows][batch]`, rows padded to 4, zeros in all padding. */
function packed(rows: number, values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const padded = new Float32Array(shape.replicates * roundUp(rows, 4) * lanes);
  for (let index = 0; index < values.length; index++) padded[paddedIndex(rows, index)] = values[index] ?? NaN;
  return padded;
}

function unpacked(rows: number, padded: Float32Array): number[] {
  return Array.from(
    { length: shape.replicates * rows * shape.batch },
    (_, index) => padded[paddedIndex(rows, index)] ?? NaN,
  );
}

function paddedIndex(rows: number, index: number): number {
  const row = Math.floor(index / shape.batch);
  return (Math.floor(row / rows) * roundUp(rows, 4) + row % rows) * lanes + index % shape.batch;
}
