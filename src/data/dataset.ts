/**
 * What a data set is, once loaded: bytes and labels, with the digests that say which bytes.
 *
 * @module
 */

/** The data sets that {@linkcode Dataset} comes in. */
export type DatasetName = "mnist" | "fashion-mnist" | "cifar10" | "synthetic";

/** Images with their labels. */
export interface Examples {
  /** `[count][channels × height × width]`, one byte per pixel. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** `[count]`, each below the data set's number of classes. */
  readonly labels: Uint8Array<ArrayBuffer>;
  /** How many. */
  readonly count: number;
}

/** A file that a data set came from. */
export interface DatasetFile {
  /** The file's name, without `.gz`. */
  readonly name: string;
  /** SHA-256 of its contents, decompressed, in hexadecimal. */
  readonly sha256: string;
}

/** A data set for classification. */
export interface Dataset {
  /** Which. */
  readonly name: DatasetName;
  /** Colour channels. */
  readonly channels: number;
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** How many classes. */
  readonly classes: number;
  /** Examples to train on and to hold out from (see `split()`). */
  readonly train: Examples;
  /** Examples to test on. */
  readonly test: Examples;
  /** The files, in a fixed order: training before test, images before labels where those are files of their own. */
  readonly files: readonly DatasetFile[];
  /** SHA-256, in hexadecimal, of the files' digests as `sha256sum` prints them: equal data, equal digest. */
  readonly digest: string;
  /** Whether the files are the published ones, byte for byte. False for a folder of other files in the same format. */
  readonly original: boolean;
}

/**
 * Reads a file from wherever a data set lies, by its name. Rejects when there is no such file.
 *
 * Under Deno, ``(name) => Deno.readFile(`${folder}/${name}`)``; in a browser, a `fetch`.
 */
export type ReadFile = (name: string) => Promise<Uint8Array<ArrayBuffer>>;
