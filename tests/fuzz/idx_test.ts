/** IDX, plain and in gzip: whatever comes, the array that the header announces or a SyntaxError with file and offset. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { checkLabels, type IdxArray, parseIdx } from "../../src/data/idx.ts";
import { gzip, idx } from "../data/idx_bytes.ts";
import { allocated, assertRefusal, damage, damaged, holds, Outcomes } from "./support.ts";

const refusal =
  /^Cannot (?:read f: at byte \d+, .|decompress f: the gzip data is damaged or ends early after byte \d+ )/;

interface Sample {
  readonly rank: 1 | 3;
  readonly dimensions: readonly number[];
  readonly data: Uint8Array;
}

const sample: fc.Arbitrary<Sample> = fc.constantFrom(1 as const, 3 as const).chain((rank) =>
  fc.array(fc.integer({ min: 1, max: 6 }), { minLength: rank, maxLength: rank }).chain((dimensions) => {
    const length = dimensions.reduce((product, size) => product * size, 1);
    return fc.record({
      rank: fc.constant(rank),
      dimensions: fc.constant(dimensions),
      data: fc.uint8Array({ minLength: length, maxLength: length }),
    });
  })
);

function fileOf({ dimensions, data }: Sample): Uint8Array<ArrayBuffer> {
  return idx(dimensions, [...data]);
}

/** The format once more, in integers without bounds: whether these bytes are a file of that rank. */
function isIdx(bytes: Uint8Array, rank: number): boolean {
  if (bytes.length < 4 + 4 * rank || [0, 0, 8, rank].some((wanted, at) => bytes[at] !== wanted)) return false;
  let values = 1n;
  for (let at = 4; at < 4 + 4 * rank; at += 4) {
    values *= bytes.subarray(at, at + 4).reduce((number, byte) => number * 256n + BigInt(byte), 0n);
  }
  return values > 0n && BigInt(bytes.length) === values + BigInt(4 + 4 * rank);
}

function assertWhole({ dimensions, data, contents }: IdxArray, rank: number): void {
  assert.equal(dimensions.length, rank);
  assert.equal(data.length, dimensions.reduce((product, size) => product * size, 1));
  assert.equal(data.buffer, contents.buffer);
  assert.equal(data.byteOffset + data.length, contents.byteOffset + contents.length);
  assert.ok(isIdx(contents, rank));
}

Deno.test("any IDX array comes back from its file, plain and in gzip", async () => {
  await holds(fc.asyncProperty(sample, fc.boolean(), async (wanted, compressed) => {
    const file = fileOf(wanted);
    const { dimensions, data, contents } = await parseIdx(compressed ? await gzip(file) : file, "f", wanted.rank);
    assert.deepEqual(dimensions, wanted.dimensions);
    assert.deepEqual([...data], [...wanted.data]);
    assert.deepEqual([...contents], [...file]);
  }));
});

Deno.test("a damaged IDX file is what its header announces, or refused; so are other bytes", async () => {
  const outcomes = new Outcomes();
  const bytes = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(sample, damage).map(([own, what]) => damaged(fileOf(own), what)) },
    // As many values as are announced: none.
    {
      weight: 1,
      arbitrary: fc.tuple(sample, fc.nat(2)).map(([{ rank, dimensions }, at]) =>
        idx(dimensions.with(at % rank, 0), [])
      ),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((own) => Uint8Array.from(own)) },
  );
  await holds(fc.asyncProperty(bytes, fc.constantFrom(1 as const, 3 as const), async (file, rank) => {
    try {
      const array = await parseIdx(file, "f", rank);
      assert.ok(isIdx(file, rank));
      assertWhole(array, rank);
      outcomes.count("read");
    } catch (error) {
      assertRefusal(error, [SyntaxError], refusal);
      assert.ok(!isIdx(file, rank));
      outcomes.count("refused");
    }
  }));
  outcomes.assertSeen("read", "refused");
});

Deno.test("gzip that is damaged outside or inside is an array or refused", async () => {
  const outcomes = new Outcomes();
  await holds(fc.asyncProperty(sample, damage, fc.boolean(), async (own, what, inside) => {
    const file = inside ? await gzip(damaged(fileOf(own), what)) : damaged(await gzip(fileOf(own)), what);
    try {
      assertWhole(await parseIdx(file, "f", own.rank), own.rank);
      outcomes.count("read");
    } catch (error) {
      assertRefusal(error, [SyntaxError], refusal);
      outcomes.count("refused");
    }
  }));
  outcomes.assertSeen("read", "refused");
});

Deno.test("an IDX file cut at any offset is refused with that offset; in gzip, refused", async () => {
  await holds(
    fc.asyncProperty(sample, async (own) => {
      const file = fileOf(own);
      const compressed = await gzip(file);
      for (let length = 0; length < file.length; length++) {
        await assert.rejects(parseIdx(file.subarray(0, length), "f", own.rank), (error) => {
          assertRefusal(error, [SyntaxError], new RegExp(`^Cannot read f: at byte ${length}, it ends before`));
          return true;
        });
      }
      for (let length = 0; length < compressed.length; length++) {
        await assert.rejects(parseIdx(compressed.subarray(0, length), "f", own.rank), (error) => {
          assertRefusal(error, [SyntaxError], refusal);
          return true;
        });
      }
    }),
    { cases: 5, nightly: 250 }, // each is some 80 cuts
  );
});

Deno.test("sizes that no file has allocate nothing, plain or in gzip", async () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 2 ** 24, max: 2 ** 32 - 1 }), fc.constant(2 ** 32 - 1)), {
    minLength: 3,
    maxLength: 3,
  });
  await holds(fc.asyncProperty(sizes, fc.boolean(), fc.boolean(), async (dimensions, labels, compressed) => {
    const rank = labels ? 1 : 3;
    const file = idx(dimensions.slice(0, rank), [1, 2, 3]);
    const whole = compressed ? await gzip(file) : file;
    const { value: error, bytes } = await allocated(() => parseIdx(whole, "f", rank).catch((error: unknown) => error));
    assertRefusal(error, [SyntaxError], refusal);
    assert.ok(bytes < 2 ** 20, `${bytes} bytes were allocated`);
  }));
});

Deno.test("labels are checked against the classes, each and by its offset", async () => {
  await holds(fc.asyncProperty(
    fc.uint8Array({ minLength: 1, maxLength: 30, max: 12 }),
    fc.integer({ min: 1, max: 14 }),
    async (labels, classes) => {
      const array = await parseIdx(idx([labels.length], [...labels]), "f", 1);
      const wrong = labels.findIndex((label) => label >= classes);
      if (wrong < 0) return checkLabels(array, "f", classes);
      assert.throws(() => checkLabels(array, "f", classes), {
        name: "SyntaxError",
        message: new RegExp(`^Cannot read f: at byte ${8 + wrong}, there is label ${labels[wrong]};`),
      });
    },
  ));
});
