import assert from "node:assert/strict";
import { RandomStream } from "../../src/data/random.ts";
import {
  float32,
  float64,
  formatSafetensors,
  int32,
  parseSafetensors,
  type StoredTensor,
  storeTensor,
  uint32,
  uint8,
} from "../../src/data/safetensors.ts";

const fixtures = new URL("../fixtures/", import.meta.url);

/** A file from a header, as text, and data. */
function file(header: string, data: readonly number[] | number = []): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const dataBytes = typeof data === "number" ? new Uint8Array(data) : Uint8Array.from(data);
  const bytes = new Uint8Array(8 + text.length + dataBytes.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(dataBytes, 8 + text.length);
  return bytes;
}

function entry(dtype: string, shape: readonly number[], begin: number, end: number): unknown {
  return { dtype, shape, data_offsets: [begin, end] };
}

const sample = (): Record<string, StoredTensor> => ({
  weight: storeTensor([2, 3], Float32Array.of(1.5, -2, NaN, -0, Infinity, 2 ** -149)),
  mask: storeTensor([3], Uint8Array.of(1, 0, 1)),
  words: storeTensor([2], Uint32Array.of(0xffffffff, 1)),
  labels: storeTensor([1, 1], Int32Array.of(-7)),
  scalar: storeTensor([], Float64Array.of(Math.PI)),
  none: storeTensor([0, 4], new Float32Array(0)),
});

Deno.test("a file recorded from PyTorch parses, and formats to a file with the same tensors", async () => {
  for (const name of ["lenet-small-adam-dense.safetensors", "lenet-small-adam-sparse.safetensors"]) {
    const { tensors, metadata } = parseSafetensors(await Deno.readFile(new URL(name, fixtures)), name);
    assert.equal(tensors.size, 24);
    const [weight, labels] = [tensors.get("initial.dense1.weight"), tensors.get("labels")];
    assert.ok(weight !== undefined && labels !== undefined);
    assert.deepEqual(weight.shape, [37, 61]);
    assert.equal(float32(weight).length, 37 * 61);
    assert.ok(float32(weight).every((value) => value !== 0 && Math.abs(value) < 1));
    assert.deepEqual(labels.shape, [10, 20]);
    assert.ok(int32(labels).every((label) => label >= 0 && label < 10));
    const again = parseSafetensors(formatSafetensors(tensors, metadata), "again");
    assert.deepEqual(new Map([...again.tensors].sort()), new Map([...tensors].sort()));
  }
});

Deno.test("tensors and metadata survive a round trip bit for bit", () => {
  const metadata = { purpose: "test", "ключ": 'значение \u0000 " 🎟', __proto__x: "y" };
  const tensors = sample();
  const parsed = parseSafetensors(formatSafetensors(tensors, metadata), "round trip");
  assert.deepEqual({ ...parsed.metadata }, metadata);
  assert.deepEqual(Object.fromEntries(parsed.tensors), tensors);
  assert.deepEqual([...float32(parsed.tensors.get("weight")!)], [1.5, -2, NaN, -0, Infinity, 2 ** -149]);
  assert.deepEqual([...uint8(parsed.tensors.get("mask")!)], [1, 0, 1]);
  assert.deepEqual([...uint32(parsed.tensors.get("words")!)], [0xffffffff, 1]);
  assert.deepEqual([...int32(parsed.tensors.get("labels")!)], [-7]);
  assert.deepEqual([...float64(parsed.tensors.get("scalar")!)], [Math.PI]);
});

Deno.test("names that objects treat specially are names like others", () => {
  const tensors = new Map([["__proto__", storeTensor([1], Uint8Array.of(5))], [
    "constructor",
    storeTensor([1], Uint8Array.of(6)),
  ]]);
  const parsed = parseSafetensors(formatSafetensors(tensors), "names");
  assert.deepEqual(parsed.tensors, tensors);
});

Deno.test("equal tensors make equal files in whatever order they come, aligned for their types", () => {
  const entries = Object.entries(sample());
  const bytes = formatSafetensors(Object.fromEntries(entries), { b: "2", a: "1" });
  assert.deepEqual(formatSafetensors(Object.fromEntries(entries.reverse()), { a: "1", b: "2" }), bytes);
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assert.equal(headerBytes % 8, 0);
  assert.match(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)), /^\{"__metadata__":.*\} *$/);
  const { tensors } = parseSafetensors(bytes, "aligned");
  const weight = tensors.get("weight");
  assert.ok(weight !== undefined);
  assert.equal(float32(weight).buffer, bytes.buffer, "an aligned tensor is a view, not a copy");
});

Deno.test("a tensor that is not aligned is copied", () => {
  const whole = formatSafetensors({ weight: storeTensor([2], Float32Array.of(3, 4)) });
  const shifted = new Uint8Array(whole.length + 1);
  shifted.set(whole, 1);
  const weight = parseSafetensors(shifted.subarray(1), "shifted").tensors.get("weight");
  assert.ok(weight !== undefined);
  assert.deepEqual([...float32(weight)], [3, 4]);
});

Deno.test("a tensor is not taken as another type", () => {
  assert.throws(() => float32(storeTensor([1], Uint32Array.of(1))), { name: "TypeError", message: /U32 as F32/ });
  assert.throws(() => uint32(storeTensor([1], Float32Array.of(1))), { name: "TypeError", message: /F32 as U32/ });
});

Deno.test("a file cut at any offset is refused, naming the file and the offset", () => {
  const bytes = formatSafetensors(sample(), { some: "text" });
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => parseSafetensors(bytes.slice(0, length), "cut"), {
      name: "SyntaxError",
      message: new RegExp(`^Cannot read cut: at byte ${length}, `),
    });
  }
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  assert.throws(() => parseSafetensors(longer, "long"), {
    name: "SyntaxError",
    message: new RegExp(`^Cannot read long: at byte ${bytes.length}, 1 bytes follow`),
  });
});

Deno.test("a flipped bit gives other contents or a SyntaxError, and nothing else", () => {
  const bytes = formatSafetensors(sample(), { some: "text" });
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    try {
      const { tensors } = parseSafetensors(flipped, "flipped");
      const total = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
      assert.ok(total <= bytes.length);
    } catch (error) {
      assert.ok(error instanceof SyntaxError, `bit ${bit}: ${error}`);
    }
  }
});

Deno.test("random bytes behind a plausible header length are refused", () => {
  const random = new RandomStream(1, "synthetic");
  for (let round = 0; round < 200; round++) {
    const bytes = Uint8Array.from({ length: 8 + random.below(200) }, () => random.below(256));
    new DataView(bytes.buffer).setBigUint64(0, BigInt(random.below(bytes.length)), true);
    if (round % 2 === 0) bytes[8] = 0x7b;
    assert.throws(() => parseSafetensors(bytes, "random"), SyntaxError);
  }
});

Deno.test("malformed headers are refused with the reason", () => {
  const header = (tensors: Record<string, unknown>): string => JSON.stringify(tensors);
  const cases: [Uint8Array<ArrayBuffer>, RegExp][] = [
    [Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), /at byte 0, the header claims 18446744073709551615 bytes/],
    [Uint8Array.of(1, 0xe1, 0xf5, 5, 0, 0, 0, 0), /at byte 0, the header claims 100000001 bytes; at most 100000000/],
    [file(""), /does not begin with \{/],
    [file("[]"), /does not begin with \{/],
    [file(" {}"), /does not begin with \{/],
    [file("{"), /not JSON/],
    [file("{}x"), /not JSON/],
    [Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d), /not JSON in UTF-8/],
    [file(`{"__metadata__":[]}`), /__metadata__ is not an object of strings/],
    [file(`{"__metadata__":{"a":1}}`), /__metadata__ has "a" that is not a string/],
    [file(`{"a":null}`), /entry for tensor "a" is not an object/],
    [file(`{"a":[1]}`), /entry for tensor "a" is not an object/],
    [file(header({ a: entry("F31", [1], 0, 4) }), 4), /has dtype "F31"; known are BOOL, U8/],
    [file(header({ a: entry("toString", [1], 0, 4) }), 4), /has dtype "toString"/],
    [file(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, 4), /has dtype undefined/],
    [file(header({ a: entry("F32", [-1], 0, 4) }), 4), /no shape of whole numbers/],
    [file(header({ a: entry("F32", [1.5], 0, 6) }), 6), /no shape of whole numbers/],
    [file(`{"a":{"dtype":"F32","shape":4,"data_offsets":[0,4]}}`, 4), /no shape of whole numbers/],
    [file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4), /no data_offsets of two/],
    [file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 8), /no data_offsets of two/],
    [file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":["0","4"]}}`, 4), /no data_offsets of two/],
    [file(header({ a: entry("F32", [2], 0, 4) }), 4), /spans bytes 0 to 4, where F32 of shape \[2\] needs 8/],
    [file(header({ a: entry("F32", [1], 4, 0) }), 4), /spans bytes 4 to 0/],
    [file(header({ a: entry("U8", [2 ** 32, 2 ** 32, 2 ** 32], 0, 8) }), 8), /needs 7\.9/],
    [file(header({ a: entry("U8", [2 ** 40], 0, 2 ** 40) }), 8), /ends before tensor "a" does/],
    [file(header({ a: entry("U8", [4], 4, 8) }), 8), /"a" begins at byte 4 of the data where the one before ends at 0/],
    [file(header({ a: entry("U8", [4], 0, 4), b: entry("U8", [4], 5, 9) }), 9), /"b" begins at byte 5 .* ends at 4/],
    [file(header({ a: entry("U8", [4], 0, 4), b: entry("U8", [4], 3, 7) }), 7), /"b" begins at byte 3 .* ends at 4/],
    [file(header({ a: entry("U8", [4], 0, 4), b: entry("U8", [4], 0, 4) }), 4), /"b" begins at byte 0 .* ends at 4/],
    [file(header({ a: entry("U8", [4], 0, 4) }), 5), /1 bytes follow that belong to no tensor/],
    [file("{}", 1), /1 bytes follow that belong to no tensor/],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => parseSafetensors(bytes, "bad"), (error) => {
      assert.ok(error instanceof SyntaxError, String(error));
      assert.match(error.message, /^Cannot read bad: at byte \d+, /);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("a file without tensors, and tensors without bytes, are files like others", () => {
  assert.equal(parseSafetensors(file("{}"), "empty").tensors.size, 0);
  const nothing = file(
    JSON.stringify({ b: entry("F32", [0], 4, 4), a: entry("F32", [1], 0, 4), c: entry("F32", [3, 0], 0, 0) }),
    4,
  );
  assert.deepEqual([...parseSafetensors(nothing, "empty tensors").tensors.keys()], ["c", "a", "b"]);
});

Deno.test("formatSafetensors() and storeTensor() refuse what could not be read back", () => {
  const data = new Uint8Array(4);
  assert.throws(() => formatSafetensors({ a: { dtype: "F32", shape: [2], data } }), {
    name: "RangeError",
    message: /"a": it has 4 bytes where F32 of shape \[2\] needs 8/,
  });
  assert.throws(() => formatSafetensors({ __metadata__: { dtype: "U8", shape: [4], data } }), RangeError);
  assert.throws(() => formatSafetensors({ a: { dtype: "U8", shape: [-2, -2], data } }), RangeError);
  assert.throws(() => storeTensor([3], new Float32Array(4)), RangeError);
});
