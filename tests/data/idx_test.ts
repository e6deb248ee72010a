import assert from "node:assert/strict";
import { checkLabels, parseIdx } from "../../src/data/idx.ts";
import { gzip, idx } from "./idx_bytes.ts";

const pixels = Array.from({ length: 2 * 3 * 4 }, (_, at) => (at * 37) % 256);
const images = idx([2, 3, 4], pixels);
const labels = idx([5], [0, 9, 3, 3, 1]);

Deno.test("parseIdx() reads images and labels, plain or in gzip", async () => {
  for (const file of [images, await gzip(images)]) {
    const { dimensions, data, contents } = await parseIdx(file, "images", 3);
    assert.deepEqual(dimensions, [2, 3, 4]);
    assert.deepEqual([...data], pixels);
    assert.deepEqual(contents, images);
  }
  for (const file of [labels, await gzip(labels)]) {
    const { dimensions, data } = await parseIdx(file, "labels", 1);
    assert.deepEqual(dimensions, [5]);
    assert.deepEqual([...data], [0, 9, 3, 3, 1]);
  }
});

Deno.test("parseIdx() reads a file that lies in the middle of a buffer", async () => {
  const buffer = new Uint8Array(labels.length + 10);
  buffer.set(labels, 3);
  const { data } = await parseIdx(buffer.subarray(3, 3 + labels.length), "labels", 1);
  assert.deepEqual([...data], [0, 9, 3, 3, 1]);
});

Deno.test("parseIdx() refuses a file cut at any offset, and names the file and the offset", async () => {
  for (const [file, rank] of [[images, 3], [labels, 1]] as const) {
    for (let length = 0; length < file.length; length++) {
      const expected = {
        name: "SyntaxError",
        message: new RegExp(`^Cannot read cut: at byte ${length}, it ends before`),
      };
      await assert.rejects(parseIdx(file.slice(0, length), "cut", rank), expected);
      await assert.rejects(parseIdx(await gzip(file.slice(0, length)), "cut", rank), expected);
    }
  }
});

Deno.test("parseIdx() refuses a gzip file cut at any offset, or with a flipped bit, or followed by something", async () => {
  const compressed = await gzip(images);
  for (let length = 0; length < compressed.length; length++) {
    await assert.rejects(parseIdx(compressed.slice(0, length), "cut.gz", 3), {
      name: "SyntaxError",
      message: /^Cannot (read|decompress) cut\.gz: .*byte/,
    });
  }
  let accepted = 0;
  for (let bit = 0; bit < compressed.length * 8; bit++) {
    const flipped = compressed.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    try {
      // Some header bits (time, operating system) mean nothing; then the contents must be untouched.
      assert.deepEqual((await parseIdx(flipped, "flipped.gz", 3)).contents, images);
      accepted++;
    } catch (error) {
      assert.ok(error instanceof SyntaxError, `bit ${bit}: ${error}`);
      assert.match(error.message, /flipped\.gz.*byte/);
    }
  }
  assert.ok(accepted < 10 * 8, `${accepted} flipped bits went unnoticed`);
  const followed = new Uint8Array(compressed.length + 3);
  followed.set(compressed);
  followed.set([1, 2, 3], compressed.length);
  await assert.rejects(parseIdx(followed, "followed.gz", 3), SyntaxError);
});

Deno.test("parseIdx() refuses a wrong magic number at the byte that is wrong", async () => {
  for (const offset of [0, 1, 2, 3]) {
    for (let bit = 0; bit < 8; bit++) {
      const wrong = images.slice();
      wrong[offset]! ^= 1 << bit;
      await assert.rejects(parseIdx(wrong, "wrong", 3), {
        name: "SyntaxError",
        message: new RegExp(`^Cannot read wrong: at byte ${offset}, the magic number has ${wrong[offset]} where`),
      });
    }
  }
  await assert.rejects(parseIdx(labels, "labels", 3), { name: "SyntaxError", message: /at byte 3,.* of images\?$/ });
  await assert.rejects(parseIdx(images, "images", 1), { name: "SyntaxError", message: /at byte 3,.* of labels\?$/ });
});

Deno.test("parseIdx() refuses sizes that do not fit the file, however large, without allocating them", async () => {
  const cases: [number[], RegExp][] = [
    [[3, 3, 4], /at byte 40, it ends before the 52 bytes that its header announces \(3 × 3 × 4\)/],
    [[1, 3, 4], /at byte 28, there are bytes beyond the 28 that its header announces/],
    [[0, 3, 4], /at byte 4, a size is 0/],
    [[2, 0, 4], /at byte 8, a size is 0/],
    [[2, 3, 0], /at byte 12, a size is 0/],
    [[0xffffffff, 0xffffffff, 0xffffffff], /at byte (40|4), /],
    [[0x80000000, 3, 4], /at byte (40|4), /],
  ];
  for (const [dimensions, message] of cases) {
    const lying = idx(dimensions, pixels);
    await assert.rejects(parseIdx(lying, "lying", 3), { name: "SyntaxError", message });
    await assert.rejects(parseIdx(await gzip(lying), "lying.gz", 3), { name: "SyntaxError", message });
  }
});

Deno.test("parseIdx() stops decompressing where the header says the file ends", async () => {
  // Behind a header that announces one image come 64 MB of zeros, of which half is cut off: that the excess is reported, and not
  // the cut, shows that decompression did not go on to it.
  const bomb = new Uint8Array(2 ** 26);
  bomb.set(idx([1, 28, 28], []));
  const compressed = await gzip(bomb);
  await assert.rejects(parseIdx(compressed.slice(0, compressed.length / 2), "bomb.gz", 3), {
    name: "SyntaxError",
    message: /^Cannot read bomb.gz: at byte 800, there are bytes beyond/,
  });
});

Deno.test("parseIdx() refuses a compressed file that announces more than it may hold", async () => {
  const file = await gzip(idx([1_000_000, 28, 28], new Array(5000).fill(0)));
  await assert.rejects(parseIdx(file, "huge.gz", 3), {
    name: "SyntaxError",
    message: /huge\.gz: at byte 4,.* 784000016/,
  });
});

Deno.test("checkLabels() finds the first label that is no class", async () => {
  const parsed = await parseIdx(labels, "labels", 1);
  checkLabels(parsed, "labels", 10);
  assert.throws(() => checkLabels(parsed, "labels", 9), {
    name: "SyntaxError",
    message: "Cannot read labels: at byte 9, there is label 9; labels go from 0 to 8",
  });
});
