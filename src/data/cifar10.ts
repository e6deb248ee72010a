/**
 * CIFAR-10: 50,000 + 10,000 colour photographs of 32 × 32 pixels in ten classes (Krizhevsky, "Learning multiple layers of
 * features from tiny images", 2009), in its authors' binary version: six files of 10,000 records, each one byte of label and
 * 3,072 of pixels, the red plane before the green and the blue (https://www.cs.toronto.edu/~kriz/cifar.html).
 *
 * @module
 */
import type { Dataset, DatasetFile, Examples, ReadFile } from "./dataset.ts";
import { digestOf } from "./idx_dataset.ts";
import { readFolder } from "./read_folder.ts";
import { sha256 } from "./sha256.ts";
import type { DatasetSize } from "./sizes.ts";

/** The files, training before test. */
export const cifar10FileNames = [
  "data_batch_1.bin",
  "data_batch_2.bin",
  "data_batch_3.bin",
  "data_batch_4.bin",
  "data_batch_5.bin",
  "test_batch.bin",
] as const;

/** Where the files lie when nobody says otherwise, relative to the folder that the user is in or to the page. */
export const cifar10Folder = "data/cifar-10-batches-bin";

/** A .tar.gz with a data set in one folder. */
export interface Archive {
  /** Where it is downloaded from. */
  readonly url: string;
  /** Its size. */
  readonly bytes: number;
  /** Its SHA-256, in hexadecimal. */
  readonly sha256: string;
  /** The folder in it that holds the files. */
  readonly folder: string;
  /** The files wanted, by name, with their sizes. */
  readonly files: ReadonlyMap<string, number>;
}

const classes = 10;
const planePixels = 32 * 32;
const pixels = 3 * planePixels;
const recordBytes = 1 + pixels;
const records = 10_000;

/** Its images and how many there are, the last file's to test on. */
export const cifar10Size: Omit<DatasetSize, "name"> = {
  channels: 3,
  height: 32,
  width: 32,
  classes,
  train: { count: records * (cifar10FileNames.length - 1) },
  test: { count: records },
};

/** The size of each file. */
export const cifar10FileBytes: number = records * recordBytes;

/**
 * The authors' archive. They publish its MD5, c32a1d4ab5d03f1284b67883e8d87530; size and SHA-256 are those of TensorFlow
 * Datasets (url_checksums/cifar10.txt), and of whoever else downloads it.
 */
export const cifar10Archive: Archive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  bytes: 170_052_171,
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
  folder: "cifar-10-batches-bin",
  files: new Map(cifar10FileNames.map((name) => [name, cifar10FileBytes])),
};

/**
 * SHA-256 of the six files in that archive, in the order of {@linkcode cifar10FileNames}, as the torchvision-ruby package
 * publishes them.
 */
export const cifar10Digests: readonly string[] = [
  "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
  "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
  "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
  "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
  "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
  "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
];

/**
 * Loads CIFAR-10.
 *
 * @param read reads the six files; without it, from {@linkcode cifar10Folder} beside the page. Commands give it the folder
 * of that name below the one the user is in. Other files of the same form are taken: see {@linkcode Dataset.original}
 * @throws {Error} when a file cannot be read
 * @throws {SyntaxError} when a file is malformed, naming file and offset
 */
export async function loadCifar10(read: ReadFile = readDefaultFolder()): Promise<Dataset> {
  const files: DatasetFile[] = [];
  const trainNames = cifar10FileNames.slice(0, 5);
  const testNames = cifar10FileNames.slice(5);
  // One file after the other, each checked and then copied: so no more than one is in memory twice.
  const load = async (names: readonly string[]): Promise<Examples> => {
    const each = names.length * records / classes;
    const counts = new Uint32Array(classes);
    let images = new Uint8Array(0);
    let labels = new Uint8Array(0);
    for (const [index, name] of names.entries()) {
      const bytes = await readFile(name, read);
      checkRecords(bytes, name, counts, each);
      if (index === 0) {
        images = new Uint8Array(names.length * records * pixels);
        labels = new Uint8Array(names.length * records);
      }
      for (let record = 0; record < records; record++) {
        const start = record * recordBytes;
        const at = index * records + record;
        labels[at] = bytes[start] ?? 0;
        images.set(bytes.subarray(start + 1, start + recordBytes), at * pixels);
      }
      files.push({ name, sha256: await sha256(bytes) });
    }
    return { images, labels, count: names.length * records };
  };
  const train = await load(trainNames);
  const test = await load(testNames);
  return {
    name: "cifar10",
    channels: 3,
    height: 32,
    width: 32,
    classes,
    train,
    test,
    files,
    digest: await digestOf(files),
    original: files.every(({ sha256 }, index) => sha256 === cifar10Digests[index]),
  };
}

/**
 * Checks a file before anything is made of it, and counts its labels.
 *
 * @param counts images per class so far, in the files before; goes on counting
 * @param each how many there are to be in the end
 */
function checkRecords(bytes: Uint8Array, name: string, counts: Uint32Array, each: number): void {
  const { length } = bytes;
  const wanted = `${records} records of ${recordBytes} bytes, ${cifar10FileBytes} in all`;
  if (length % recordBytes !== 0) {
    const whole = length - length % recordBytes;
    throw unreadable(name, whole, `a record is cut off after ${length - whole} bytes; wanted are ${wanted}`);
  }
  if (length !== cifar10FileBytes) {
    throw unreadable(
      name,
      Math.min(length, cifar10FileBytes),
      `${length < cifar10FileBytes ? "it ends" : "it goes on"} with ${
        length / recordBytes
      } records; wanted are ${wanted}`,
    );
  }
  for (let offset = 0; offset < length; offset += recordBytes) {
    const label = bytes[offset] ?? 0;
    if (label >= classes) {
      throw unreadable(name, offset, `there is label ${label}; labels go from 0 to ${classes - 1}`);
    }
    // Since all counts together come out even, one that is too small shows as another that is too large.
    const count = (counts[label] ?? 0) + 1;
    if (count > each) {
      throw unreadable(name, offset, `there is image ${count} of class ${label}, where each class has ${each}`);
    }
    counts[label] = count;
  }
}

async function readFile(name: string, read: ReadFile): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await read(name);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Cannot load cifar10: ${name} could not be read (${reason}). Run \`deno task data cifar10\`, which downloads it into ` +
        `${cifar10Folder}, or give a folder with its six files (--data-dir).`,
      { cause },
    );
  }
}

/** Beside the page; where there is none (Deno, outside of commands), every read says what to do. */
function readDefaultFolder(): ReadFile {
  const base = globalThis.location?.href;
  if (base === undefined) {
    return () => Promise.reject(new Error("no folder was given: in a program, pass `{ read: readFolder(url) }`"));
  }
  return readFolder(new URL(cifar10Folder, base));
}

function unreadable(name: string, offset: number, problem: string): SyntaxError {
  return new SyntaxError(
    `Cannot read ${name}: at byte ${offset}, ${problem}; is it a file of CIFAR-10's binary version?`,
  );
}
