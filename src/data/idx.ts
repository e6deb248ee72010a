/**
 * The IDX format of MNIST and its successors: two zero bytes, a type, a number of dimensions, the dimensions as big-endian
 * 32-bit integers, then the values (http://yann.lecun.com/exdb/mnist/). Here: unsigned bytes, plain or in gzip.
 *
 * A file is checked before anything of the size that it claims is allocated.
 *
 * @module
 */
import { gunzip, isGzip } from "./gzip.ts";

/** An array as an IDX file holds it. */
export interface IdxArray {
  /** Sizes, outermost first: `[count]` for labels, `[count, rows, columns]` for images. */
  readonly dimensions: readonly number[];
  /** The values, row-major. A view of `contents`. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The whole file, decompressed: what digests are made of. */
  readonly contents: Uint8Array<ArrayBuffer>;
}

// What a compressed file may claim to hold: five times MNIST's largest file (47 MB).
const maximumInflatedBytes = 256 * 2 ** 20;

/**
 * Parses an IDX file of unsigned bytes.
 *
 * @param bytes the file, plain or in gzip; the result is a view of it when it is plain
 * @param name the file's name, for errors
 * @param rank how many dimensions are wanted: 1 for labels, 3 for images
 * @throws {SyntaxError} naming file and offset: wrong magic, a dimension of 0, truncated, trailing bytes, damaged gzip
 * @example
 * ```ts
 * import { parseIdx } from "./idx.ts";
 *
 * const labels = await parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 3), "labels-idx1-ubyte", 1);
 * console.assert(labels.dimensions[0] === 2 && labels.data[1] === 3);
 * ```
 */
export async function parseIdx(bytes: Uint8Array<ArrayBuffer>, name: string, rank: 1 | 3): Promise<IdxArray> {
  const contents = isGzip(bytes) ? await inflate(bytes, name, rank) : bytes;
  const header = parseHeader(contents, name, rank);
  checkLength(contents.length, header, name);
  return { dimensions: header.dimensions, data: contents.subarray(header.dataStart), contents };
}

/**
 * An IDX file of unsigned bytes, as {@linkcode parseIdx} reads it.
 *
 * @param dimensions sizes, outermost first
 * @param data the values, row-major: as many as the product of the sizes
 * @throws {RangeError} when there are more or fewer
 */
export function formatIdx(dimensions: readonly number[], data: Uint8Array): Uint8Array<ArrayBuffer> {
  const wanted = dimensions.reduce((product, size) => product * size, 1);
  if (data.length !== wanted) {
    throw new RangeError(
      `Cannot write an IDX file of ${
        dimensions.join(" × ")
      }: there are ${data.length} values, and ${wanted} are wanted.`,
    );
  }
  const start = headerBytes(dimensions.length);
  const file = new Uint8Array(start + data.length);
  const view = new DataView(file.buffer);
  file.set([0, 0, 8, dimensions.length]);
  dimensions.forEach((size, axis) => view.setUint32(4 + 4 * axis, size));
  file.set(data, start);
  return file;
}

/**
 * Checks that every label is a class.
 *
 * @throws {SyntaxError} naming file and offset of the first that is not
 */
export function checkLabels(labels: IdxArray, name: string, classes: number): void {
  const wrong = labels.data.findIndex((label) => label >= classes);
  if (wrong === -1) return;
  const offset = labels.contents.length - labels.data.length + wrong;
  throw unreadable(name, offset, `there is label ${labels.data[wrong]}; labels go from 0 to ${classes - 1}`);
}

interface Header {
  readonly dimensions: readonly number[];
  readonly dataStart: number;
  readonly totalBytes: number;
}

/** Decompresses no further than the header says. */
async function inflate(bytes: Uint8Array<ArrayBuffer>, name: string, rank: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  let header: Header | undefined;
  for await (const chunk of gunzip(bytes, name)) {
    chunks.push(chunk);
    length += chunk.length;
    if (header === undefined && length >= headerBytes(rank)) {
      header = parseHeader(concatenate(chunks, length), name, rank);
      if (header.totalBytes > maximumInflatedBytes) {
        throw unreadable(
          name,
          4,
          `sizes of ${
            header.dimensions.join(" × ")
          } would need ${header.totalBytes} bytes, where a compressed file may ` +
            `hold ${maximumInflatedBytes}; decompress it first if that is right`,
        );
      }
    }
    if (header !== undefined && length > header.totalBytes) checkLength(length, header, name);
  }
  return concatenate(chunks, length);
}

function concatenate(chunks: readonly Uint8Array<ArrayBuffer>[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function headerBytes(rank: number): number {
  return 4 + 4 * rank;
}

function parseHeader(contents: Uint8Array<ArrayBuffer>, name: string, rank: number): Header {
  const magic = [0, 0, 8, rank];
  for (const [offset, wanted] of magic.entries()) {
    const seen = contents[offset];
    if (seen === undefined) throw truncated(name, contents.length, "the magic number of 4 bytes");
    if (seen !== wanted) {
      throw unreadable(
        name,
        offset,
        `the magic number has ${seen} where ${wanted} is wanted (0, 0, 8 for unsigned bytes, ${rank} for the number of ` +
          `dimensions); is it an IDX file of ${rank === 1 ? "labels" : "images"}?`,
      );
    }
  }
  const dataStart = headerBytes(rank);
  if (contents.length < dataStart) throw truncated(name, contents.length, `the header of ${dataStart} bytes`);
  const view = new DataView(contents.buffer, contents.byteOffset, dataStart);
  const dimensions = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const empty = dimensions.indexOf(0);
  if (empty !== -1) {
    throw unreadable(name, 4 + 4 * empty, `a size is 0 (${dimensions.join(" × ")}); it must be at least 1`);
  }
  // Three factors below 2³² may round beyond 2⁵³, but only where no file can be that long.
  return { dimensions, dataStart, totalBytes: dataStart + dimensions.reduce((product, size) => product * size, 1) };
}

function checkLength(length: number, header: Header, name: string): void {
  const { dimensions, totalBytes } = header;
  const sizes = dimensions.join(" × ");
  if (length < totalBytes) {
    throw truncated(name, length, `the ${totalBytes} bytes that its header announces (${sizes})`);
  }
  if (length > totalBytes) {
    throw unreadable(name, totalBytes, `there are bytes beyond the ${totalBytes} that its header announces (${sizes})`);
  }
}

function truncated(name: string, length: number, wanted: string): SyntaxError {
  return unreadable(name, length, `it ends before ${wanted}; fetch the file again`);
}

function unreadable(name: string, offset: number, problem: string): SyntaxError {
  return new SyntaxError(`Cannot read ${name}: at byte ${offset}, ${problem}`);
}
