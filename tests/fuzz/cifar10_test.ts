/** CIFAR-10's records: six files of the right length and labels, or a SyntaxError with file and offset. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { cifar10FileNames, loadCifar10 } from "../../src/data/cifar10.ts";
import { cifar10File } from "../data/cifar10_bytes.ts";
import { allocated, assertRefusal, holds, Outcomes } from "./support.ts";

const recordBytes = 3073;
const whole = cifar10File();
const refusal = /^Cannot read data_batch_\d\.bin: at byte \d+, .*; is it a file of CIFAR-10's binary version\?$/;

/** What happens to a file: bytes that are overwritten (labels mostly), and where it ends. */
interface Change {
  readonly bytes: readonly { readonly record: number; readonly at: number; readonly value: number }[];
  readonly length: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  bytes: fc.array(
    fc.record({
      record: fc.nat(9_999),
      at: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(recordBytes - 1) }),
      value: fc.oneof(fc.nat(9), fc.nat(255)),
    }),
    { maxLength: 3 },
  ),
  length: fc.oneof(
    { weight: 3, arbitrary: fc.constant(whole.length) },
    { weight: 1, arbitrary: fc.nat(whole.length) },
    { weight: 1, arbitrary: fc.nat(9_999).map((records) => records * recordBytes) },
  ),
});

/** The labels that a change writes, by record: of two writes to one place the later stands. */
function labelsOf(bytes: Change["bytes"]): Map<number, number> {
  return new Map(bytes.filter(({ at }) => at === 0).map(({ record, value }) => [record, value]));
}

/** The file with its change, for as long as the work takes: thirty megabytes are not copied for every case. */
async function changed<Value>(
  { bytes, length }: Change,
  work: (file: Uint8Array<ArrayBuffer>) => Promise<Value>,
): Promise<Value> {
  const before = bytes.map(({ record, at }) => whole[record * recordBytes + at] ?? 0);
  for (const { record, at, value } of bytes) whole[record * recordBytes + at] = value;
  try {
    return await work(whole.subarray(0, length));
  } finally {
    for (const [index, { record, at }] of [...bytes.entries()].reverse()) {
      whole[record * recordBytes + at] = before[index] ?? 0;
    }
  }
}

/** Gives files up to the one that is changed; the one behind it is missing, so that accepting a file shows in the error. */
async function outcomeOf(file: Uint8Array<ArrayBuffer>, position: number): Promise<unknown> {
  return await loadCifar10((name) => {
    const index = cifar10FileNames.findIndex((own) => own === name);
    return index > position
      ? Promise.reject(new Error("accepted"))
      : Promise.resolve(index === position ? file : whole);
  }).catch((error: unknown) => error);
}

Deno.test("a damaged file of CIFAR-10 is refused at the right offset, before its images are copied", async () => {
  const outcomes = new Outcomes();
  // A file that is taken costs a tenth of a second for its digest, so those cases have a property of their own.
  const refused = change.filter(({ bytes, length }) =>
    length !== whole.length || [...labelsOf(bytes).values()].some((value) => value >= 10)
  );
  await holds(fc.asyncProperty(refused, async (what) => {
    const { value: error, bytes } = await allocated(() => changed(what, (file) => outcomeOf(file, 0)));
    assertRefusal(error, [SyntaxError], refusal);
    const offset = Number(/at byte (\d+)/.exec(error.message)?.[1]);
    if (what.length % recordBytes !== 0) {
      assert.equal(offset, Math.floor(what.length / recordBytes) * recordBytes);
      outcomes.count("torn");
    } else if (what.length < whole.length) {
      assert.equal(offset, what.length);
      outcomes.count("short");
    } else {
      const wrong = [...labelsOf(what.bytes)].filter(([, value]) => value >= 10).map(([record]) => record);
      if (wrong.length === 0) return;
      assert.equal(offset, Math.min(...wrong) * recordBytes);
      outcomes.count("label");
    }
    assert.ok(bytes < 2 ** 20, `${bytes} bytes were allocated`);
  }));
  outcomes.assertSeen("torn", "short", "label");
});

Deno.test("a file with other pixels, or with labels of other classes, is taken while no class has too many", async () => {
  const taken = change.map(({ bytes }) => ({
    bytes: bytes.map((own) => own.at === 0 ? { ...own, value: own.value % 10 } : own),
    length: whole.length,
  }));
  await holds(
    fc.asyncProperty(taken, async (what) => {
      const error = await changed(what, (file) => outcomeOf(file, 0));
      assert.ok(error instanceof Error);
      assert.match(error.message, /^Cannot load cifar10: data_batch_2\.bin could not be read \(accepted\)/);
    }),
    { cases: 3, nightly: 50 },
  );
});

Deno.test("a class with one image too many is refused where it appears, in the file of test images", async () => {
  await holds(
    fc.asyncProperty(fc.nat(9_999), fc.integer({ min: 1, max: 9 }), async (record, apart) => {
      // The file's labels are 0 to 9 in turn, 1,000 of each.
      const label = (record + apart) % 10;
      const test = { bytes: [{ record, at: 0, value: label }], length: whole.length };
      const counts: number[] = Array(10).fill(0);
      const expected = Array.from({ length: 10_000 }, (_, at) => at === record ? label : at % 10)
        .findIndex((own) => ++counts[own]! > 1000);
      const error = await changed(test, (file) => testFileOnly(file));
      assert.equal(error, expected * recordBytes);
    }),
    { cases: 1, nightly: 5 }, // each reads five whole files before it, for a second
  );
});

/** The offset at which the test file is refused when all that comes before it is right. */
async function testFileOnly(file: Uint8Array<ArrayBuffer>): Promise<number> {
  const original = cifar10File();
  const error = await loadCifar10((name) => Promise.resolve(name === "test_batch.bin" ? file : original))
    .catch((error: unknown) => error);
  assertRefusal(error, [SyntaxError], /^Cannot read test_batch\.bin: at byte \d+, there is image 1001 of class \d/);
  return Number(/at byte (\d+)/.exec(error.message)?.[1]);
}

Deno.test("bytes of any other length are refused by their length", async () => {
  await holds(fc.asyncProperty(fc.uint8Array({ maxLength: 7000 }), async (own) => {
    const error = await outcomeOf(Uint8Array.from(own), 0);
    assertRefusal(error, [SyntaxError], refusal);
  }));
});
