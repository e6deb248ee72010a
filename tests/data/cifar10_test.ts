import assert from "node:assert/strict";
import { cifar10FileNames } from "../../src/data/cifar10.ts";
import type { ReadFile } from "../../src/data/dataset.ts";
import { loadDataset } from "../../src/data/load.ts";
import { cifar10File } from "./cifar10_bytes.ts";

const whole = cifar10File();

/** All six files the same, but for those that are given. */
function reader(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {}): ReadFile {
  return (name) => Promise.resolve(files[name] ?? whole);
}

function changed(change: (bytes: Uint8Array<ArrayBuffer>) => void): Uint8Array<ArrayBuffer> {
  const bytes = whole.slice();
  change(bytes);
  return bytes;
}

Deno.test("CIFAR-10 loads from six files: 50,000 + 10,000 images of 3 × 32 × 32 behind their labels", async () => {
  const second = changed((bytes) => bytes[4 * 3073 + 1 + 2048 + 33] = 201);
  const asked: string[] = [];
  const read = reader({ "data_batch_2.bin": second });
  const dataset = await loadDataset("cifar10", {
    read: (name) => {
      asked.push(name);
      return read(name);
    },
  });
  const { train, test } = dataset;
  assert.deepEqual(asked, [...cifar10FileNames], "each file is read once");
  assert.deepEqual([dataset.channels, dataset.height, dataset.width, dataset.classes], [3, 32, 32, 10]);
  assert.deepEqual([train.count, train.labels.length, train.images.length], [50_000, 50_000, 50_000 * 3072]);
  assert.deepEqual([test.count, test.labels.length, test.images.length], [10_000, 10_000, 10_000 * 3072]);
  // Record 4 of the second file is example 10,004: label 4, then the planes of red, green and blue.
  assert.equal(train.labels[10_004], 4);
  const image = train.images.subarray(10_004 * 3072, 10_005 * 3072);
  assert.deepEqual(image.subarray(0, 2048), second.subarray(4 * 3073 + 1, 4 * 3073 + 1 + 2048));
  assert.equal(image[2 * 1024 + 33], 201);
  assert.equal(test.images[0], whole[1]);
  assert.deepEqual(test.images.subarray(-3072), whole.subarray(-3072));

  assert.equal(dataset.original, false, "other files of the same form are taken, and said to be others");
  const hex = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const digests = await Promise.all([hex(whole), hex(second)]);
  assert.deepEqual(
    dataset.files,
    cifar10FileNames.map((name, index) => ({ name, sha256: digests[index === 1 ? 1 : 0] })),
  );
  assert.equal(
    dataset.digest,
    await hex(new TextEncoder().encode(dataset.files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join(""))),
  );
});

Deno.test("a file that is cut off, too short, too long or mislabelled is refused with its name and the offset", async () => {
  const longer = new Uint8Array(whole.length + 3073);
  longer.set(whole);
  const cases: [string, Uint8Array<ArrayBuffer>, RegExp][] = [
    ["data_batch_1.bin", new Uint8Array(0), /^Cannot read data_batch_1\.bin: at byte 0, it ends with 0 records/],
    [
      "data_batch_1.bin",
      whole.subarray(0, -1),
      /at byte 30726927, a record is cut off after 3072 bytes; wanted are 10000 /,
    ],
    ["data_batch_1.bin", whole.subarray(0, 3073 * 2 + 5), /at byte 6146, a record is cut off after 5 bytes/],
    ["data_batch_1.bin", whole.subarray(0, -3073), /at byte 30726927, it ends with 9999 records/],
    ["data_batch_1.bin", longer, /at byte 30730000, it goes on with 10001 records/],
    [
      "data_batch_1.bin",
      changed((bytes) => bytes[3073 * 17] = 10),
      /at byte 52241, there is label 10; labels go from 0 to 9/,
    ],
    ["data_batch_1.bin", changed((bytes) => bytes[0] = 255), /at byte 0, there is label 255/],
  ];
  for (const [name, bytes, message] of cases) {
    await assert.rejects(loadDataset("cifar10", { read: reader({ [name]: bytes }) }), { name: "SyntaxError", message });
  }
});

Deno.test("classes that are not equally frequent are refused where the first has an image too many", async () => {
  // The fifth file has one image of class 3 more, in place of one of class 0.
  const uneven = changed((bytes) => bytes[0] = 3);
  await assert.rejects(loadDataset("cifar10", { read: reader({ "data_batch_5.bin": uneven }) }), {
    name: "SyntaxError",
    message:
      `Cannot read data_batch_5.bin: at byte ${
        9993 * 3073
      }, there is image 5001 of class 3, where each class has 5000; ` +
      "is it a file of CIFAR-10's binary version?",
  });
  await assert.rejects(loadDataset("cifar10", { read: reader({ "test_batch.bin": uneven }) }), {
    message: /test_batch\.bin: at byte 30708489, there is image 1001 of class 3/,
  });
  // Uneven files that come out even together are taken, as the authors' own are.
  const other = changed((bytes) => bytes[3 * 3073] = 0);
  await loadDataset("cifar10", { read: reader({ "data_batch_1.bin": uneven, "data_batch_5.bin": other }) });
});

Deno.test("without the files, the error says how to get them", async () => {
  await assert.rejects(loadDataset("cifar10", { read: () => Promise.reject(new Error("no such file")) }), {
    message:
      /^Cannot load cifar10: data_batch_1\.bin could not be read \(no such file\)\. Run `deno task data cifar10`.*--data-dir/,
  });
  await assert.rejects(loadDataset("cifar10"), { message: /no folder was given.*readFolder.*deno task data cifar10/ });
});
