/**
 * What the kernel tests share: one device per file, tensors packed as the GPU wants them, and a comparison.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Buffer } from "../../src/gpu/buffer.ts";
import { Gpu } from "../../src/gpu/gpu.ts";
import type { Launch } from "../../src/gpu/program.ts";
import { flat, type LayerLayout, layOut, type NetworkLayout, roundUp } from "../../src/nn/network.ts";

/** Stands where a kernel must not write. */
export const untouched = 12345;

/** The label of a lane beyond the batch. */
export const noLabel = 0xffff_ffff;

/** (inputs, outputs, batch): 1, primes, one less and one more than a tile of 8 × 8, whole tiles, half a tile of outputs. */
export const raggedShapes = [
  [1, 1, 1],
  [3, 4, 5],
  [7, 9, 7],
  [8, 8, 8],
  [9, 7, 9],
  [16, 12, 16],
  [17, 13, 23],
  [61, 37, 60],
  [131, 67, 65],
] as const;

/** Replicates that every test runs with; the three are compared with three runs of one. */
export const replicateCounts = [1, 3] as const;

/**
 * Tolerance for a float32 sum of K products, relative to the tensor's largest magnitude. Each of K roundings is off by at
 * most 6e-8 of a running sum that is no larger than a few times the largest result, and the errors add up like a random
 * walk. The largest error seen with these shapes is about half of it (lavapipe, Mesa 22.3.6, 2026-11-24).
 */
export function sumTolerance(terms: number): number {
  return 1.2e-7 * (Math.sqrt(terms) + 1);
}

let opened: Promise<Gpu> | undefined;

/** The device of this test file. */
export function testGpu(): Promise<Gpu> {
  opened ??= Gpu.open();
  return opened;
}

/** Closes the device; for `Deno.test.afterAll`. Everything that a test allocated must be released by then. */
export async function closeTestGpu(): Promise<void> {
  const gpu = await opened;
  opened = undefined;
  if (!gpu) return;
  const left = gpu.allocations().filter(({ label }) => label !== "readback staging");
  await gpu[Symbol.asyncDispose]();
  assert.deepEqual(left, []);
}

/** Runs launches once, between uploads and reads, and releases every buffer with itself. */
export class Scratch implements Disposable {
  readonly #gpu: Gpu;
  readonly #stack = new DisposableStack();
  /** As asked for: buffers are rounded up to whole vec4. */
  readonly #bytes = new Map<Buffer, number>();

  /** On this device. */
  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** A buffer with these contents. */
  upload(data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Buffer {
    const buffer = this.#stack.use(this.#gpu.upload("test", data));
    this.#bytes.set(buffer, data.byteLength);
    return buffer;
  }

  /** A buffer of 32-bit floats that are all {@linkcode untouched}. */
  output(length: number): Buffer {
    return this.upload(new Float32Array(length).fill(untouched));
  }

  /** Owns something else. */
  use<T extends Disposable>(value: T): T {
    return this.#stack.use(value);
  }

  /** Runs launches in order. */
  async run(...launches: readonly Launch[]): Promise<void> {
    using program = await this.#gpu.record("test", launches);
    this.#gpu.submit(program);
    await this.#gpu.done();
  }

  /** Reads buffers as floats, with one wait. */
  async floats(...buffers: readonly Buffer[]): Promise<Float32Array<ArrayBuffer>[]> {
    return (await this.#read(buffers)).map((bytes) => new Float32Array(bytes));
  }

  /** Reads a buffer as unsigned integers. */
  async words(buffer: Buffer): Promise<Uint32Array<ArrayBuffer>> {
    const [bytes] = await this.#read([buffer]);
    return new Uint32Array(bytes ?? new ArrayBuffer(0));
  }

  /** Releases the buffers. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  #read(buffers: readonly Buffer[]): Promise<ArrayBuffer[]> {
    return this.#gpu.read(buffers.map((buffer) => ({ buffer, bytes: this.#bytes.get(buffer) ?? buffer.bytes })));
  }
}

/** A layer in its network. */
export interface PlacedLayer {
  readonly layout: NetworkLayout;
  readonly layer: LayerLayout;
}

/** A layer that does not begin at the arena's start, so that wrong offsets show. */
export function layerUnderTest(
  inputs: number,
  outputs: number,
  activation: "relu" | "none" = "none",
): PlacedLayer {
  const layout = layOut({
    name: "test",
    input: flat(3),
    layers: [
      { type: "dense", units: inputs, activation: "none" },
      { type: "dense", units: outputs, activation },
      { type: "dense", units: 2, activation: "none" },
    ],
  });
  const layer = layout.layers[1];
  assert.ok(layer);
  return { layout, layer };
}

/** Arenas that hold one layer's values `[R][I][O]` and `[R][O]`, zeros in its padding and NaN in all other layers. */
export function packLayer(
  { layout, layer }: PlacedLayer,
  replicates: number,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const arenas = new Float32Array(replicates * layout.arena);
  const row = layer.outputQuads * 4;
  for (let r = 0; r < replicates; r++) {
    const base = r * layout.arena;
    arenas.fill(NaN, base, base + layer.weight);
    arenas.fill(NaN, base + layer.bias + roundUp(row, 64), base + layout.arena);
    for (let o = 0; o < layer.outputs; o++) {
      arenas[base + layer.bias + o] = bias[r * layer.outputs + o] ?? NaN;
      for (let i = 0; i < layer.inputs; i++) {
        arenas[base + layer.weight + i * row + o] = weight[(r * layer.inputs + i) * layer.outputs + o] ?? NaN;
      }
    }
  }
  return arenas;
}

/** Bits of a layer's mask at its place in the arena; weights outside the layer count as kept. */
export function packLayerMask(
  { layout, layer }: PlacedLayer,
  replicates: number,
  mask: Uint8Array,
): Uint32Array<ArrayBuffer> {
  const values = packLayer({ layout, layer }, replicates, mask, new Uint8Array(replicates * layer.outputs).fill(1));
  const words = new Uint32Array(values.length / 32);
  values.forEach((value, at) => {
    if (value !== 0) words[at >>> 5] = (words[at >>> 5] ?? 0) | (1 << (at & 31));
  });
  return words;
}

/** Weight `[R][I][O]` and bias `[R][O]` out of arenas, and that nothing else was written but zeros in the layer's padding. */
export function unpackLayer(
  { layout, layer }: PlacedLayer,
  replicates: number,
  arenas: Float32Array,
  what: string,
): { readonly weight: Float64Array; readonly bias: Float64Array } {
  const { inputs, outputs } = layer;
  const row = layer.outputQuads * 4;
  const weight = new Float64Array(replicates * inputs * outputs);
  const bias = new Float64Array(replicates * outputs);
  for (let r = 0; r < replicates; r++) {
    const arena = arenas.subarray(r * layout.arena, (r + 1) * layout.arena);
    const rest = new Set(arena.keys());
    for (let o = 0; o < row; o++) {
      for (let i = 0; i < inputs; i++) {
        const at = layer.weight + i * row + o;
        rest.delete(at);
        if (o < outputs) weight[(r * inputs + i) * outputs + o] = arena[at] ?? NaN;
        else assert.equal(arena[at], 0, `${what}: padding of the weights`);
      }
      rest.delete(layer.bias + o);
      if (o < outputs) bias[r * outputs + o] = arena[layer.bias + o] ?? NaN;
      else assert.equal(arena[layer.bias + o], 0, `${what}: padding of the bias`);
    }
    assertAll([...rest].map((at) => arena[at] ?? NaN), untouched, `${what}: outside the layer`);
  }
  return { weight, bias };
}

/** `[R][rows][N]` with rows padded to 4 and lanes padded to 8. */
export function packBatch(
  replicates: number,
  rows: number,
  batch: number,
  values: ArrayLike<number>,
  padding: { readonly rows: number; readonly lanes: number },
): Float32Array<ArrayBuffer> {
  const paddedRows = roundUp(rows, 4);
  const lanes = roundUp(batch, 8);
  return Float32Array.from({ length: replicates * paddedRows * lanes }, (_, index) => {
    const n = index % lanes;
    const row = Math.floor(index / lanes) % paddedRows;
    const r = Math.floor(index / lanes / paddedRows);
    if (row >= rows) return padding.rows;
    return n < batch ? values[(r * rows + row) * batch + n] ?? NaN : padding.lanes;
  });
}

/** What {@linkcode packBatch} packed, and what stands in its padding. */
export function unpackBatch(
  replicates: number,
  rows: number,
  batch: number,
  packed: ArrayLike<number>,
): { readonly values: Float64Array; readonly paddingRows: number[]; readonly paddingLanes: number[] } {
  const paddedRows = roundUp(rows, 4);
  const lanes = roundUp(batch, 8);
  const values = new Float64Array(replicates * rows * batch);
  const paddingRows: number[] = [];
  const paddingLanes: number[] = [];
  for (let r = 0; r < replicates; r++) {
    for (let row = 0; row < paddedRows; row++) {
      for (let n = 0; n < lanes; n++) {
        const value = packed[(r * paddedRows + row) * lanes + n] ?? NaN;
        if (row >= rows) paddingRows.push(value);
        else if (n >= batch) paddingLanes.push(value);
        else values[(r * rows + row) * batch + n] = value;
      }
    }
  }
  return { values, paddingRows, paddingLanes };
}

/** One replicate's part of a tensor, copied. */
export function replicate<T>(
  tensor: { readonly length: number; slice(start: number, end: number): T },
  replicates: number,
  r: number,
): T {
  const size = tensor.length / replicates;
  return tensor.slice(r * size, (r + 1) * size);
}

/** Each of these values, all of them equal to one. */
export function assertAll(values: Iterable<number>, wanted: number, what: string): void {
  for (const value of values) {
    assert.ok(Object.is(value, wanted) || value === wanted, `${what}: ${value}, not ${wanted}`);
  }
}

/**
 * Compares a tensor with its reference: NaN and infinities in the same places, all else within a tolerance relative to the
 * largest finite magnitude of the reference.
 */
export function assertClose(
  actual: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assert.equal(actual.length, wanted.length, `${what}: length`);
  let largest = 0;
  for (let index = 0; index < wanted.length; index++) {
    const magnitude = Math.abs(wanted[index] ?? NaN);
    if (Number.isFinite(magnitude)) largest = Math.max(largest, magnitude);
  }
  for (let index = 0; index < wanted.length; index++) {
    const a = actual[index] ?? NaN;
    const w = wanted[index] ?? NaN;
    const agrees = Number.isFinite(w) ? Math.abs(a - w) <= tolerance * largest : Object.is(a, w);
    assert.ok(agrees, `${what}: element ${index} is ${a}, not ${w} (largest ${largest}, tolerance ${tolerance})`);
  }
}

/** Compares bit by bit. */
export function assertSameBits(
  actual: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  wanted: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  what: string,
): void {
  const bits = (values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Uint32Array =>
    new Uint32Array(values.slice().buffer);
  assert.deepEqual(bits(actual), bits(wanted), what);
}
