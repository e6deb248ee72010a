import assert from "node:assert/strict";
import type { ReadFile } from "../../src/data/dataset.ts";
import { loadDataset } from "../../src/data/load.ts";
import { readFolder } from "../../src/data/read_folder.ts";
import { gzip, idx } from "./idx_bytes.ts";

const folder: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "train-images-idx3-ubyte": idx([3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  "train-labels-idx1-ubyte": idx([3], [7, 0, 9]),
  "t10k-images-idx3-ubyte": idx([1, 2, 2], [255, 0, 255, 0]),
  "t10k-labels-idx1-ubyte": idx([1], [4]),
};

function reader(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): ReadFile {
  return (name) => {
    const bytes = files[name];
    return bytes === undefined ? Promise.reject(new Error(`no file ${name}`)) : Promise.resolve(bytes);
  };
}

Deno.test("MNIST loads: the four original files, 60,000 + 10,000 images, the published counts per digit", async () => {
  const { train, test, ...dataset } = await loadDataset("mnist");
  assert.deepEqual(
    [dataset.name, dataset.channels, dataset.height, dataset.width, dataset.classes, train.count, test.count],
    ["mnist", 1, 28, 28, 10, 60_000, 10_000],
  );
  assert.equal(dataset.original, true);
  assert.equal(dataset.files[0]?.sha256, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db");
  assert.equal(train.images.length, 60_000 * 784);
  assert.equal(test.images.length, 10_000 * 784);
  const perDigit = (labels: Uint8Array): number[] => {
    const counts = new Array<number>(10).fill(0);
    for (const label of labels) counts[label]! += 1;
    return counts;
  };
  assert.deepEqual(perDigit(train.labels), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
  assert.deepEqual(perDigit(test.labels), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
});

const debianFolder = "/usr/share/datasets/fashion-mnist";
Deno.test({
  name: "Fashion-MNIST loads from where Debian's package puts it: 6,000 + 1,000 images of each of ten classes",
  ignore: !await Deno.stat(debianFolder).then(() => true, () => false),
  async fn(): Promise<void> {
    const { train, test, original } = await loadDataset("fashion-mnist");
    assert.equal(original, true);
    for (const [{ labels, count }, each] of [[train, 6000], [test, 1000]] as const) {
      assert.equal(count, 10 * each);
      const counts = new Uint32Array(10);
      for (const label of labels) counts[label]! += 1;
      assert.ok(counts.every((seen) => seen === each));
    }
  },
});

Deno.test("a folder's files load under either name, with equal digests whether compressed or not", async () => {
  const compressed = Object.fromEntries(
    await Promise.all(Object.entries(folder).map(async ([name, bytes]) => [`${name}.gz`, await gzip(bytes)])),
  );
  for (const name of ["mnist", "fashion-mnist"] as const) {
    const plain = await loadDataset(name, { read: reader(folder) });
    assert.deepEqual(await loadDataset(name, { read: reader(compressed) }), plain);
    assert.equal(plain.name, name);
    assert.deepEqual([plain.height, plain.width, plain.train.count, plain.test.count], [2, 2, 3, 1]);
    assert.deepEqual([...plain.train.images.subarray(4, 8)], [5, 6, 7, 8]);
    assert.deepEqual([...plain.train.labels], [7, 0, 9]);
    assert.equal(plain.original, false, "files that are not the published ones are said to be others, not refused");
  }
});

Deno.test("a data set's digest is that of its files' digests as sha256sum prints them", async () => {
  const { files, digest } = await loadDataset("mnist", { read: reader(folder) });
  assert.deepEqual(files.map(({ name }) => name), Object.keys(folder));
  const hex = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const lines = await Promise.all(
    Object.entries(folder).map(async ([name, bytes]) => `${await hex(bytes)}  ${name}\n`),
  );
  assert.equal(digest, await hex(new TextEncoder().encode(lines.join(""))));
  const changed = { ...folder, "t10k-labels-idx1-ubyte": idx([1], [5]) };
  assert.notEqual((await loadDataset("mnist", { read: reader(changed) })).digest, digest);
});

Deno.test("files that do not belong together are refused, naming both", async () => {
  const cases: [string, Uint8Array<ArrayBuffer>, RegExp][] = [
    [
      "train-labels-idx1-ubyte",
      idx([2], [1, 2]),
      /train-labels-idx1-ubyte with train-images-idx3-ubyte: at byte 4, it counts 2 labels for 3 images/,
    ],
    ["t10k-images-idx3-ubyte", idx([1, 2, 3], [1, 2, 3, 4, 5, 6]), /t10k-images.* 2 × 3, the others 2 × 2/],
    ["t10k-images-idx3-ubyte", idx([1, 1, 4], [1, 2, 3, 4]), /t10k-images.* 1 × 4, the others 2 × 2/],
    ["t10k-labels-idx1-ubyte", idx([1], [10]), /^Cannot read t10k-labels-idx1-ubyte: at byte 8, there is label 10/],
    ["train-images-idx3-ubyte", idx([3, 2, 2], [1]), /^Cannot read train-images-idx3-ubyte: at byte 17/],
  ];
  for (const [name, bytes, message] of cases) {
    await assert.rejects(loadDataset("mnist", { read: reader({ ...folder, [name]: bytes }) }), {
      name: "SyntaxError",
      message,
    });
  }
});

Deno.test("a missing file is named, with the reason and the remedy", async () => {
  const { "t10k-labels-idx1-ubyte": _, ...files } = folder;
  await assert.rejects(loadDataset("fashion-mnist", { read: reader(files) }), {
    name: "Error",
    message:
      /^Cannot load fashion-mnist: neither t10k-labels-idx1-ubyte nor .*\.gz could be read \(no file .*four IDX files/,
  });
});

Deno.test({
  name: "without permission to read, the errors say what to permit or install",
  permissions: { read: false },
  async fn(): Promise<void> {
    await assert.rejects(loadDataset("fashion-mnist"), { message: /dataset-fashion-mnist.*--data-dir/ });
  },
});

Deno.test("loadDataset() refuses a name that it does not know", async () => {
  // @ts-expect-error: what a JavaScript caller may pass
  await assert.rejects(loadDataset("cifar"), {
    name: "RangeError",
    message: /"cifar".*mnist, fashion-mnist, cifar10, synthetic/,
  });
});

Deno.test("readFolder() reads a folder's files by URL, with or without a slash at its end", async () => {
  const text = new TextDecoder();
  for (const url of [import.meta.resolve("../fixtures"), import.meta.resolve("../fixtures/")]) {
    const read = readFolder(new URL(url));
    assert.match(text.decode(await read("README.md")), /^# Training steps/);
    await assert.rejects(read("nothing.here"));
    for (const name of ["../data/load_test.ts", "..\\data\\load_test.ts"]) {
      await assert.rejects(read(name), { name: "RangeError", message: /without a path/ });
    }
  }
});
