/**
 * Data sets of four IDX files: MNIST, and those that came after it in the same form.
 *
 * @module
 */
import type { Dataset, DatasetFile, DatasetName, Examples, ReadFile } from "./dataset.ts";
import { checkLabels, type IdxArray, parseIdx } from "./idx.ts";
import { sha256 } from "./sha256.ts";

/** The four files, in the order in which digests are made. */
export const idxFileNames = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
] as const;

/** SHA-256 of the four published files, decompressed, in the order of {@linkcode idxFileNames}. */
export type IdxDigests = readonly [string, string, string, string];

/**
 * Loads a data set of ten classes from four IDX files, each plain or in gzip (then with `.gz` at the end of its name).
 *
 * @param source.read reads one of the files by name
 * @param source.published digests to compare with, for {@linkcode Dataset.original}
 * @param source.remedy how to come by the files, for the error when one is missing
 * @throws {Error} when a file cannot be read
 * @throws {SyntaxError} when a file is malformed or the four do not belong together, naming file and offset
 */
export async function loadIdxDataset(
  name: DatasetName,
  source: { readonly read: ReadFile; readonly published: IdxDigests; readonly remedy: string },
): Promise<Dataset> {
  const classes = 10;
  const [trainImages, trainLabels, testImages, testLabels] = idxFileNames;
  const open = (file: string, rank: 1 | 3): Promise<File> => readIdx(name, file, rank, source.read, source.remedy);
  const files = await Promise.all([
    open(trainImages, 3),
    open(trainLabels, 1),
    open(testImages, 3),
    open(testLabels, 1),
  ]);
  const train = join(files[0], files[1], classes);
  const test = join(files[2], files[3], classes);
  const [, height = 0, width = 0] = files[0].array.dimensions;
  const [, testHeight, testWidth] = files[2].array.dimensions;
  if (testHeight !== height || testWidth !== width) {
    throw new SyntaxError(
      `Cannot use ${files[2].name} with ${files[0].name}: at byte 8, its images are ${testHeight} × ${testWidth}, ` +
        `the others ${height} × ${width}`,
    );
  }
  const digests = await Promise.all(
    files.map(async ({ array }, index): Promise<DatasetFile> => ({
      name: idxFileNames[index] ?? "",
      sha256: await sha256(array.contents),
    })),
  );
  return {
    name,
    channels: 1,
    height,
    width,
    classes,
    train,
    test,
    files: digests,
    digest: await digestOf(digests),
    original: digests.every(({ sha256 }, index) => sha256 === source.published[index]),
  };
}

/** A data set's digest, from its files' digests: what `sha256sum FILE … | sha256sum` prints for the decompressed files. */
export function digestOf(files: readonly DatasetFile[]): Promise<string> {
  return sha256(new TextEncoder().encode(files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("")));
}

interface File {
  readonly name: string;
  readonly array: IdxArray;
}

async function readIdx(dataset: string, name: string, rank: 1 | 3, read: ReadFile, remedy: string): Promise<File> {
  const failures: unknown[] = [];
  for (const candidate of [name, `${name}.gz`]) {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await read(candidate);
    } catch (failure) {
      failures.push(failure);
      if (isDenied(failure)) break; // the other name would only ask for the same permission again
      continue;
    }
    return { name: candidate, array: await parseIdx(bytes, candidate, rank) };
  }
  const [first] = failures;
  const reason = first instanceof Error ? first.message : String(first);
  throw new Error(
    `Cannot load ${dataset}: neither ${name} nor ${name}.gz could be read (${reason}). ${remedy}`,
    { cause: first },
  );
}

/** Whether an error says that Deno, or the system, withholds a permission. */
function isDenied(failure: unknown): boolean {
  return failure instanceof Error && (failure.name === "NotCapable" || failure.name === "PermissionDenied");
}

function join(images: File, labels: File, classes: number): Examples {
  const [count = 0] = images.array.dimensions;
  const [labelCount = 0] = labels.array.dimensions;
  if (labelCount !== count) {
    throw new SyntaxError(
      `Cannot use ${labels.name} with ${images.name}: at byte 4, it counts ${labelCount} labels for ${count} images`,
    );
  }
  checkLabels(labels.array, labels.name, classes);
  return { images: images.array.data, labels: labels.array.data, count };
}
