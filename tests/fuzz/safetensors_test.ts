/** Safetensors: whatever comes, tensors that cover the data exactly or a SyntaxError with file and offset. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import {
  type Dtype,
  formatSafetensors,
  parseSafetensors,
  type Safetensors,
  type StoredTensor,
} from "../../src/data/safetensors.ts";
import {
  allocated,
  assertRefusal,
  awkwardJson,
  awkwardNumber,
  awkwardText,
  damage,
  damaged,
  deeplyNested,
  holds,
  Outcomes,
} from "./support.ts";

const refusal = /^Cannot read f: at byte \d+, ./;
const dtypes: readonly (readonly [Dtype, number])[] = [
  ["BOOL", 1],
  ["U8", 1],
  ["I8", 1],
  ["F8_E5M2", 1],
  ["F8_E4M3", 1],
  ["U16", 2],
  ["I16", 2],
  ["F16", 2],
  ["BF16", 2],
  ["U32", 4],
  ["I32", 4],
  ["F32", 4],
  ["U64", 8],
  ["I64", 8],
  ["F64", 8],
];
const bytesOf = new Map(dtypes);
const dtype = fc.constantFrom(...dtypes.map(([own]) => own));

const tensor: fc.Arbitrary<StoredTensor> = fc.tuple(dtype, fc.array(fc.nat(4), { maxLength: 3 })).chain(
  ([type, shape]) => {
    const length = shape.reduce((product, size) => product * size, bytesOf.get(type) ?? NaN);
    return fc.uint8Array({ minLength: length, maxLength: length })
      .map((data) => ({ dtype: type, shape, data: Uint8Array.from(data) }));
  },
);
const name = awkwardText.filter((text) => text !== "__metadata__");
const entriesOf = <Value>(key: fc.Arbitrary<string>, value: fc.Arbitrary<Value>): fc.Arbitrary<[string, Value][]> =>
  fc.uniqueArray(fc.tuple(key, value), { maxLength: 5, selector: ([own]) => own });
const contents = fc.record({ tensors: entriesOf(name, tensor), metadata: entriesOf(awkwardText, awkwardText) });

/** A file of a header, as text, and so many bytes of data. */
function file(header: string, dataBytes: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function assertWhole({ tensors }: Safetensors, bytes: Uint8Array): void {
  const dataStart = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  let at = bytes.byteOffset + dataStart;
  for (const { dtype, shape, data } of tensors.values()) {
    assert.equal(data.length, shape.reduce((product, own) => product * own, bytesOf.get(dtype) ?? NaN));
    assert.equal(data.buffer, bytes.buffer, "tensors are views");
    assert.equal(data.byteOffset, at, "tensors follow each other");
    at += data.length;
  }
  assert.equal(at, bytes.byteOffset + bytes.length, "every byte belongs to one tensor");
}

/** Reads a file, or checks how it is refused. */
function outcomeOf(bytes: Uint8Array<ArrayBuffer>): "read" | "refused" {
  let parsed: Safetensors;
  try {
    parsed = parseSafetensors(bytes, "f");
  } catch (error) {
    assertRefusal(error, [SyntaxError], refusal);
    return "refused";
  }
  assertWhole(parsed, bytes);
  return "read";
}

Deno.test("any tensors and metadata come back from their file, whatever they are called", async () => {
  await holds(fc.property(contents, ({ tensors, metadata }) => {
    const bytes = formatSafetensors(new Map(tensors), Object.fromEntries(metadata));
    const parsed = parseSafetensors(bytes, "f");
    assertWhole(parsed, bytes);
    assert.deepEqual(new Map([...parsed.tensors].sort()), new Map(tensors.toSorted()));
    assert.deepEqual(new Map(Object.entries(parsed.metadata)), new Map(metadata.toSorted()));
    assert.deepEqual(formatSafetensors(parsed.tensors, parsed.metadata), bytes);
  }));
});

Deno.test("a damaged safetensors file is read whole or refused; so are other bytes", async () => {
  const outcomes = new Outcomes();
  const bytes = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(contents, damage).map(([{ tensors, metadata }, what]) =>
        damaged(formatSafetensors(new Map(tensors), Object.fromEntries(metadata)), what)
      ),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((own) => Uint8Array.from(own)) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.string({ unit: "binary", maxLength: 64 }), fc.nat(16)).map(([text, data]) =>
        file(`{${text}`, data)
      ),
    },
  );
  await holds(fc.property(bytes, (own) => outcomes.count(outcomeOf(own))));
  outcomes.assertSeen("read", "refused");
});

Deno.test("a header that says anything at all about its tensors is read whole or refused", async () => {
  const outcomes = new Outcomes();
  const offset = fc.oneof(fc.nat(16), awkwardNumber);
  const entry = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        dtype: fc.oneof({ weight: 4, arbitrary: dtype }, { weight: 1, arbitrary: awkwardJson }),
        shape: fc.oneof(
          { weight: 4, arbitrary: fc.array(fc.oneof(fc.nat(4), awkwardNumber), { maxLength: 3 }) },
          { weight: 1, arbitrary: awkwardJson },
        ),
        data_offsets: fc.oneof(
          { weight: 4, arbitrary: fc.array(offset, { minLength: 2, maxLength: 2 }) },
          { weight: 1, arbitrary: awkwardJson },
        ),
      }, { requiredKeys: ["shape", "data_offsets"] }),
    },
    { weight: 1, arbitrary: awkwardJson },
  );
  const header = fc.oneof(
    entriesOf(fc.oneof(fc.constantFrom("a", "b", "__metadata__"), awkwardText), entry),
    // Tensors of bytes that overlap, leave gaps or fit.
    fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 3 }).map((spans) =>
      spans.map(([begin, length], index): [string, unknown] => [
        String(index),
        { dtype: "U8", shape: [length], data_offsets: [begin, begin + length] },
      ])
    ),
  );
  await holds(fc.property(header, fc.nat(6), (entries, dataBytes) => {
    outcomes.count(outcomeOf(file(JSON.stringify(Object.fromEntries(entries)), dataBytes)));
  }));
  outcomes.assertSeen("read", "refused");
});

Deno.test("a safetensors file cut at any offset is refused with that offset", async () => {
  await holds(
    fc.property(contents, ({ tensors, metadata }) => {
      const bytes = formatSafetensors(new Map(tensors), Object.fromEntries(metadata));
      for (let length = 0; length < bytes.length; length += bytes.length > 2000 ? 97 : 1) {
        assert.throws(() => parseSafetensors(bytes.slice(0, length), "f"), (error) => {
          assertRefusal(error, [SyntaxError], new RegExp(`^Cannot read f: at byte ${length}, `));
          return true;
        });
      }
    }),
    { cases: 10, nightly: 100 }, // each is some 300 cuts
  );
});

Deno.test("sizes and lengths that no file has allocate nothing", async () => {
  const size = fc.oneof(fc.integer({ min: 2 ** 28, max: Number.MAX_SAFE_INTEGER }), fc.constantFrom(2 ** 40, 2 ** 52));
  await holds(
    fc.asyncProperty(size, fc.array(size, { maxLength: 4 }), fc.boolean(), async (first, others, lyingLength) => {
      const shape = [first, ...others];
      const bytes = file(JSON.stringify({ a: { dtype: "U8", shape, data_offsets: [0, first] } }), 8);
      if (lyingLength) new DataView(bytes.buffer).setBigUint64(0, BigInt(first), true);
      const { value: outcome, bytes: taken } = await allocated(() => Promise.resolve(outcomeOf(bytes)));
      assert.equal(outcome, "refused");
      assert.ok(taken < 2 ** 20, `${taken} bytes were allocated`);
    }),
  );
});

Deno.test("a header that is nested deeply, wherever, is refused like any other", () => {
  for (const around of ["[", "{"] as const) {
    const deep = deeplyNested(100_000, around);
    for (
      const header of [
        `{"a":${deep}}`,
        `{"a":{"dtype":${deep},"shape":[1],"data_offsets":[0,1]}}`,
        `{"a":{"dtype":"U8","shape":${deep},"data_offsets":[0,1]}}`,
        `{"a":{"dtype":"U8","shape":[1],"data_offsets":${deep}}}`,
        `{"__metadata__":${deep}}`,
        `{"__metadata__":{"a":${deep}}}`,
        deep.slice(0, deep.length / 2),
      ]
    ) {
      assert.equal(outcomeOf(file(header, 1)), "refused");
    }
  }
});

Deno.test("a key that stands twice, at whatever place and however it is written, is refused by its name", async () => {
  const tensorText = (offset: number): string => `{"dtype":"U8","shape":[1],"data_offsets":[${offset},${offset + 1}]}`;
  const escaped = (text: string): string =>
    Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
  await holds(fc.property(awkwardText, fc.boolean(), fc.constantFrom(0, 1), (own, isEscaped, offset) => {
    const again = isEscaped ? `"${escaped(own)}"` : JSON.stringify(own);
    for (
      const header of own === "__metadata__" ? [`{"__metadata__":{},${again}:{}}`] : [
        `{${JSON.stringify(own)}:${tensorText(0)},${again}:${tensorText(offset)}}`,
        `{"__metadata__":{${JSON.stringify(own)}:"1",${again}:"2"}}`,
      ]
    ) {
      assert.throws(() => parseSafetensors(file(header, header.includes("U8") ? 1 + offset : 0), "f"), (error) => {
        assertRefusal(error, [SyntaxError], /^Cannot read f: at byte 8, the header has the key ".*" twice/);
        return true;
      });
    }
    // The same text as key and value, and in two objects, is no repetition.
    if (own === "__metadata__") return;
    const apart = `{"__metadata__":{"k":${again},${JSON.stringify(own)}:"k"},${again}:${tensorText(0)}}`;
    if (own !== "k") assert.equal(parseSafetensors(file(apart, 1), "f").tensors.size, 1);
  }));
});

Deno.test("what cannot be written is a RangeError, and what is written can be read", async () => {
  const outcomes = new Outcomes();
  const loose = fc.record({
    dtype: dtype,
    shape: fc.array(fc.oneof(fc.nat(3), awkwardNumber), { maxLength: 3 }),
    data: fc.uint8Array({ maxLength: 12 }).map((own) => Uint8Array.from(own)),
  });
  await holds(fc.property(entriesOf(awkwardText, fc.oneof(loose, tensor)), (tensors) => {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = formatSafetensors(new Map(tensors));
    } catch (error) {
      assertRefusal(error, [RangeError], /^Cannot write (?:a )?tensor /);
      return outcomes.count("refused");
    }
    assert.equal(parseSafetensors(bytes, "f").tensors.size, tensors.length);
    outcomes.count("written");
  }));
  outcomes.assertSeen("written", "refused");
});
