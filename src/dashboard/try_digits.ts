/**
 * The digits that the browser trains on: the first images of MNIST, as IDX files.
 *
 * @module
 */
import type { Dataset, Examples } from "../data/dataset.ts";
import { formatIdx } from "../data/idx.ts";
import { idxFileNames } from "../data/idx_dataset.ts";
import { loadMnist } from "../data/mnist.ts";
import { sha256 } from "../data/sha256.ts";

/** How many of MNIST's first images the browser gets: 2.7 MB in all. */
export const digitCounts = { train: 3_000, test: 500 } as const;

/** A file for the browser. */
export interface DigitFile {
  /** Its contents. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of them, in hexadecimal. */
  readonly sha256: string;
}

/** What `/api/digits` says. */
export type DigitsIndex =
  | { readonly available: true; readonly files: readonly { readonly name: string; readonly sha256: string }[] }
  | { readonly available: false; readonly reason: string };

/** The files, made when they are first asked for; tried again where that failed, for a machine that was offline may not stay so. */
export class Digits {
  readonly #load: () => Promise<Dataset>;
  #files: Promise<ReadonlyMap<string, DigitFile>> | undefined;

  /** Files that are made from what `load` gives: MNIST when left out. */
  constructor(load: () => Promise<Dataset> = () => loadMnist()) {
    this.#load = load;
  }

  /** Whether there are digits, and which. */
  async index(): Promise<DigitsIndex> {
    try {
      const files = await this.#made();
      return { available: true, files: [...files].map(([name, file]) => ({ name, sha256: file.sha256 })) };
    } catch (error) {
      return { available: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /**
   * One of the four files, by MNIST's own name for it; undefined when there is none of that name.
   *
   * @throws {Error} when MNIST cannot be loaded
   */
  async file(name: string): Promise<DigitFile | undefined> {
    // Not before the name is known to be good: a wrong one has nothing loaded.
    return idxFileNames.some((own) => own === name) ? (await this.#made()).get(name) : undefined;
  }

  #made(): Promise<ReadonlyMap<string, DigitFile>> {
    this.#files ??= this.#load().then(filesOf).catch((error) => {
      this.#files = undefined;
      throw error;
    });
    return this.#files;
  }
}

/** The digits of this server. */
export const digits: Digits = new Digits();

/** A year, in seconds. */
const keepSeconds = 31_536_000;

/** Answers a request for a file: as a whole or, where the browser has it already, with 304. */
export async function answerWith(source: Digits, name: string, request: Request): Promise<Response> {
  let file: DigitFile | undefined;
  try {
    file = await source.file(name);
  } catch (error) {
    return new Response(error instanceof Error ? error.message : String(error), { status: 503 });
  }
  if (!file) {
    return new Response(`There are no digits of that name. The files are ${idxFileNames.join(", ")}.`, { status: 404 });
  }
  const etag = `"${file.sha256}"`;
  // Who names the digest asks for these very bytes, which never change; who does not asks again next time.
  const isNamed = new URL(request.url).searchParams.get("sha256") === file.sha256;
  const headers = new Headers({
    etag,
    "cache-control": isNamed ? `private, max-age=${keepSeconds}, immutable` : "no-cache",
  });
  if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
  headers.set("content-type", "application/octet-stream");
  headers.set("content-length", String(file.bytes.length));
  return new Response(file.bytes, { headers });
}

async function filesOf({ height, width, train, test }: Dataset): Promise<ReadonlyMap<string, DigitFile>> {
  const contents = [
    ...filesOfPart(train, digitCounts.train, height, width),
    ...filesOfPart(test, digitCounts.test, height, width),
  ];
  const files = await Promise.all(contents.map(async (bytes): Promise<DigitFile> => ({
    bytes,
    sha256: await sha256(bytes),
  })));
  return new Map(idxFileNames.flatMap((name, index) => {
    const file = files[index];
    return file ? [[name, file]] : [];
  }));
}

function filesOfPart(
  { images, labels }: Examples,
  count: number,
  height: number,
  width: number,
): Uint8Array<ArrayBuffer>[] {
  return [
    formatIdx([count, height, width], images.subarray(0, count * height * width)),
    formatIdx([count], labels.subarray(0, count)),
  ];
}
