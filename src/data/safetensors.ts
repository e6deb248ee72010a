/**
 * The safetensors format: eight bytes of header length, a header in JSON, the tensors' bytes without a gap
 * (https://huggingface.co/docs/safetensors). What Winnow keeps tickets in, and what its golden runs were recorded in.
 *
 * Tensors are little-endian, and so is every machine that this runs on.
 *
 * @module
 */
import { legible, quoted } from "./quoted.ts";

/** An element type, as the format names it. */
export type Dtype =
  | "BOOL"
  | "U8"
  | "I8"
  | "F8_E5M2"
  | "F8_E4M3"
  | "U16"
  | "I16"
  | "F16"
  | "BF16"
  | "U32"
  | "I32"
  | "F32"
  | "U64"
  | "I64"
  | "F64";

const dtypeBytes: Readonly<Record<Dtype, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/** A tensor as bytes. */
export interface StoredTensor {
  /** The element type. */
  readonly dtype: Dtype;
  /** Sizes, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /** The elements, row-major, little-endian. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** What a file holds. */
export interface Safetensors {
  /** Free text by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Tensors by name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

// The format's own limit, which keeps a header from being a denial of service.
const maximumHeaderBytes = 100_000_000;

/**
 * Parses a safetensors file. Tensors are views of `bytes`; nothing of the size that the header claims is allocated.
 *
 * @param name the file's name, for errors
 * @throws {SyntaxError} naming file and offset: truncated, a header that is not the format's, an unknown element type, a
 * shape that does not fit its bytes, a name that is there twice, tensors that overlap or leave a gap, bytes that belong to no tensor
 * @example
 * ```ts
 * import { float32, formatSafetensors, parseSafetensors, storeTensor } from "./safetensors.ts";
 *
 * const bytes = formatSafetensors({ weight: storeTensor([2, 1], Float32Array.of(0.5, -1)) }, { made: "by hand" });
 * const { tensors, metadata } = parseSafetensors(bytes, "example.safetensors");
 * const weight = tensors.get("weight");
 * console.assert(weight !== undefined && float32(weight)[1] === -1 && metadata.made === "by hand");
 * ```
 */
export function parseSafetensors(bytes: Uint8Array<ArrayBuffer>, name: string): Safetensors {
  const dataStart = safetensorsHeaderEnd(bytes, name);
  if (dataStart > bytes.length) throw cutHeader(bytes, dataStart, name);
  const header = parseHeader(bytes.subarray(8, dataStart), name);
  let metadata: Record<string, string> = {};
  const found: { name: string; dtype: Dtype; shape: number[]; begin: number; end: number }[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key === "__metadata__") metadata = parseMetadata(value, name);
    else found.push({ name: key, ...parseEntry(key, value, name) });
  }
  found.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, StoredTensor>();
  let at = 0;
  for (const { name: tensor, dtype, shape, begin, end } of found) {
    if (begin !== at) {
      throw unreadable(
        name,
        dataStart + Math.min(begin, at),
        `tensor ${quoted(tensor)} begins at byte ${begin} of the data where the one before ends at ${at}; ` +
          "tensors must follow each other without gap or overlap",
      );
    }
    if (dataStart + end > bytes.length) {
      throw unreadable(
        name,
        bytes.length,
        `it ends before tensor ${quoted(tensor)} does (byte ${dataStart + end})`,
      );
    }
    tensors.set(tensor, { dtype, shape, data: bytes.subarray(dataStart + begin, dataStart + end) });
    at = end;
  }
  if (dataStart + at !== bytes.length) {
    throw unreadable(name, dataStart + at, `${bytes.length - dataStart - at} bytes follow that belong to no tensor`);
  }
  return { metadata, tensors };
}

/** Bytes before the header: its length. */
export const safetensorsLengthBytes = 8;

/**
 * Where the header of a safetensors file ends, from its first {@linkcode safetensorsLengthBytes} bytes.
 *
 * @param name the file's name, for errors
 * @throws {SyntaxError} when there are fewer, or the header claims more than the format allows
 */
export function safetensorsHeaderEnd(bytes: Uint8Array<ArrayBuffer>, name: string): number {
  if (bytes.length < safetensorsLengthBytes) {
    throw unreadable(name, bytes.length, "it ends before the header's length of 8 bytes");
  }
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset, safetensorsLengthBytes).getBigUint64(0, true);
  if (headerLength > BigInt(maximumHeaderBytes)) {
    throw unreadable(name, 0, `the header claims ${headerLength} bytes; at most ${maximumHeaderBytes} are allowed`);
  }
  return safetensorsLengthBytes + Number(headerLength);
}

/**
 * The metadata of a safetensors file, from its bytes up to {@linkcode safetensorsHeaderEnd}: for readers that do not need the
 * tensors. Whether the tensors are as the header says is not looked at.
 *
 * @param name the file's name, for errors
 * @throws {SyntaxError} naming file and offset, as {@linkcode parseSafetensors} does
 */
export function parseSafetensorsMetadata(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Readonly<Record<string, string>> {
  const end = safetensorsHeaderEnd(bytes, name);
  if (end > bytes.length) throw cutHeader(bytes, end, name);
  const { __metadata__: metadata } = parseHeader(bytes.subarray(safetensorsLengthBytes, end), name);
  return metadata === undefined ? {} : parseMetadata(metadata, name);
}

/**
 * Writes a safetensors file: equal tensors and metadata give equal bytes, whatever order they come in. Wide elements come
 * first and the data begins at a multiple of 8, so that each tensor is aligned for its type.
 *
 * @param tensors by name
 * @param metadata free text by key
 * @throws {RangeError} when a tensor's bytes do not fit its shape, a name is reserved, or the header would be too long
 */
export function formatSafetensors(
  tensors: ReadonlyMap<string, StoredTensor> | Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const entries: [string, StoredTensor][] = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  entries.sort(([a, { dtype: first }], [b, { dtype: second }]) =>
    dtypeBytes[second] - dtypeBytes[first] || (a < b ? -1 : a > b ? 1 : 0)
  );
  const header: [string, unknown][] = [];
  const metadataKeys = Object.keys(metadata).sort();
  if (metadataKeys.length > 0) {
    header.push(["__metadata__", Object.fromEntries(metadataKeys.map((key) => [key, metadata[key]]))]);
  }
  let dataBytes = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === "__metadata__") {
      throw new RangeError(`Cannot write a tensor named "__metadata__": choose another name`);
    }
    const wanted = tensorBytes(dtype, shape);
    if (!isSizes(shape) || wanted !== data.length) {
      throw new RangeError(
        `Cannot write tensor ${quoted(name)}: it has ${data.length} bytes where ${dtype} of shape ` +
          `[${legible(shape.join(", "))}] needs ${wanted}`,
      );
    }
    header.push([name, { dtype, shape, data_offsets: [dataBytes, dataBytes + data.length] }]);
    dataBytes += data.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  if (headerBytes > maximumHeaderBytes) {
    throw new RangeError(
      `Cannot write a header of ${headerBytes} bytes: at most ${maximumHeaderBytes} are allowed; shorten the metadata`,
    );
  }
  const bytes = new Uint8Array(8 + headerBytes + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(text, 8);
  let at = 8 + headerBytes;
  for (const [, { data }] of entries) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

/**
 * A tensor to write, from an array whose type says the element type. The bytes are a view of `values`.
 *
 * @throws {RangeError} when the shape does not fit the number of values
 */
export function storeTensor(
  shape: readonly number[],
  values:
    | Float32Array<ArrayBuffer>
    | Float64Array<ArrayBuffer>
    | Int32Array<ArrayBuffer>
    | Uint32Array<ArrayBuffer>
    | Uint8Array<ArrayBuffer>,
): StoredTensor {
  const dtype = values instanceof Float32Array
    ? "F32"
    : values instanceof Float64Array
    ? "F64"
    : values instanceof Int32Array
    ? "I32"
    : values instanceof Uint32Array
    ? "U32"
    : "U8";
  if (tensorBytes(dtype, shape) !== values.byteLength) {
    throw new RangeError(`Cannot give ${values.length} values the shape [${shape.join(", ")}]`);
  }
  return { dtype, shape: [...shape], data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/**
 * The values of an F32 tensor: a view where the bytes are aligned, else a copy.
 *
 * @throws {TypeError} when the tensor is of another type
 */
export function float32(tensor: StoredTensor): Float32Array<ArrayBuffer> {
  return new Float32Array(...aligned(tensor, "F32"));
}

/** The values of an F64 tensor, like {@linkcode float32}. */
export function float64(tensor: StoredTensor): Float64Array<ArrayBuffer> {
  return new Float64Array(...aligned(tensor, "F64"));
}

/** The values of an I32 tensor, like {@linkcode float32}. */
export function int32(tensor: StoredTensor): Int32Array<ArrayBuffer> {
  return new Int32Array(...aligned(tensor, "I32"));
}

/** The values of a U32 tensor, like {@linkcode float32}. */
export function uint32(tensor: StoredTensor): Uint32Array<ArrayBuffer> {
  return new Uint32Array(...aligned(tensor, "U32"));
}

/** The values of a U8 tensor, like {@linkcode float32}. */
export function uint8(tensor: StoredTensor): Uint8Array<ArrayBuffer> {
  return new Uint8Array(...aligned(tensor, "U8"));
}

function aligned(tensor: StoredTensor, wanted: Dtype): [ArrayBuffer, number, number] {
  if (tensor.dtype !== wanted) {
    throw new TypeError(`Cannot take a tensor of ${tensor.dtype} as ${wanted}`);
  }
  const size = dtypeBytes[wanted];
  const data = tensor.data.byteOffset % size === 0 ? tensor.data : tensor.data.slice();
  return [data.buffer, data.byteOffset, data.length / size];
}

function cutHeader(bytes: Uint8Array<ArrayBuffer>, end: number, name: string): SyntaxError {
  return unreadable(name, bytes.length, `it ends before the header's ${end - safetensorsLengthBytes} bytes do`);
}

function parseHeader(text: Uint8Array<ArrayBuffer>, name: string): Record<string, unknown> {
  // Only an object can begin like this; anything else (a pickle, an HTML page) is refused before it is decoded.
  if (text[0] !== 0x7b) throw unreadable(name, 8, "the header does not begin with {; is it a safetensors file?");
  let header: unknown;
  let json: string;
  try {
    json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
    header = JSON.parse(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unreadable(name, 8, `the header is not JSON in UTF-8 (${legible(reason, 200)})`, cause);
  }
  if (!isRecord(header)) throw unreadable(name, 8, "the header is not an object");
  const repeated = repeatedKey(json);
  if (repeated !== undefined) {
    throw unreadable(
      name,
      8,
      `the header has the key ${quoted(repeated)} twice in one object, and may mean two things`,
    );
  }
  return header;
}

/** The first key that stands twice in one object of valid JSON: `JSON.parse()` keeps the last, other readers the first. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  let text: string | undefined; // the string that was just read: a key when a colon follows
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') {
      const begin = at++;
      while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
      text = json.slice(begin, at + 1);
    } else if (character === ":" && text !== undefined) {
      const key = String(JSON.parse(text)); // without its escapes
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    } else if (character === "{" || character === "[") open.push(new Set());
    else if (character === "}" || character === "]") open.pop();
  }
  return undefined;
}

function parseMetadata(value: unknown, name: string): Record<string, string> {
  if (!isRecord(value)) throw unreadable(name, 8, "the header's __metadata__ is not an object of strings");
  const entries: [string, string][] = [];
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw unreadable(name, 8, `the header's __metadata__ has ${quoted(key)} that is not a string`);
    }
    entries.push([key, text]);
  }
  return Object.fromEntries(entries);
}

function parseEntry(
  tensor: string,
  value: unknown,
  name: string,
): { dtype: Dtype; shape: number[]; begin: number; end: number } {
  const wrong = (problem: string): SyntaxError =>
    unreadable(name, 8, `the header's entry for tensor ${quoted(tensor)} ${problem}`);
  if (!isRecord(value)) throw wrong("is not an object");
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) {
    throw wrong(`has dtype ${quoted(dtype)}; known are ${Object.keys(dtypeBytes).join(", ")}`);
  }
  if (!isSizes(shape)) throw wrong("has no shape of whole numbers");
  if (!isSizes(offsets) || offsets.length !== 2) throw wrong("has no data_offsets of two whole numbers");
  const [begin = 0, end = 0] = offsets;
  const wanted = tensorBytes(dtype, shape);
  if (end - begin !== wanted) {
    throw wrong(
      `spans bytes ${begin} to ${end}, where ${dtype} of shape [${legible(shape.join(", "))}] needs ${wanted}`,
    );
  }
  return { dtype, shape, begin, end };
}

/** Beyond 2⁵³ the product is rounded, but then no file can have so many bytes. */
function tensorBytes(dtype: Dtype, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, dtypeBytes[dtype]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(dtypeBytes, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function unreadable(name: string, offset: number, problem: string, cause?: unknown): SyntaxError {
  return new SyntaxError(`Cannot read ${name}: at byte ${offset}, ${problem}`, cause === undefined ? {} : { cause });
}
