/** Tar archives: whatever comes, files with as many bytes as were announced or a SyntaxError with archive and offset. */
import assert from "node:assert/strict";
import fc from "npm:fast-check@4.10.2";
import { gunzip } from "../../src/data/gzip.ts";
import { readTar } from "../../src/data/tar.ts";
import { gzip } from "../data/idx_bytes.ts";
import { sumTarHeader, tar, tarFile } from "../data/tar_bytes.ts";
import { allocated, assertRefusal, awkwardText, damage, damaged, holds, Outcomes } from "./support.ts";

const refusal = /^Cannot unpack f: at byte \d+ of its decompressed contents, ./;

interface File {
  readonly path: string;
  readonly data: Uint8Array;
}

/** As far as a header of the form before pax can say it: a hundred bytes, no NUL, nothing that the reader takes off. */
const path = fc.oneof(awkwardText, fc.string({ minLength: 1, maxLength: 30 }))
  .map((text) => text.toWellFormed().replaceAll("\0", ""))
  .filter((text) =>
    new TextEncoder().encode(text).length <= 100 && !text.startsWith("./") && !text.startsWith("\ufeff")
  );
const file: fc.Arbitrary<File> = fc.record({ path, data: fc.uint8Array({ maxLength: 1100 }) });
const files = fc.array(file, { maxLength: 4 });
const archiveOf = (own: readonly File[]): Uint8Array<ArrayBuffer> =>
  tar(...own.map(({ path, data }) => tarFile(path, data)));

async function* pieces(bytes: Uint8Array<ArrayBuffer>, size: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** Reads an archive, and checks that each file that ends has the bytes that were announced. */
async function read(source: AsyncIterable<Uint8Array<ArrayBuffer>>, openEvery = 1): Promise<File[]> {
  const found: { path: string; bytes: number; parts: number[] }[] = [];
  let seen = 0;
  await readTar(source, "f", ({ path, bytes }) => {
    assert.ok(Number.isSafeInteger(bytes) && bytes >= 0);
    if (seen++ % openEvery !== 0) return undefined;
    const own = { path, bytes, parts: [] };
    found.push(own);
    return (piece) => {
      found.at(-1)?.parts.push(...piece);
      return Promise.resolve();
    };
  });
  for (const { bytes, parts } of found) assert.equal(parts.length, bytes);
  return found.map(({ path, parts }) => ({ path, data: Uint8Array.from(parts) }));
}

Deno.test("any files come back from their archive, in pieces of any size and through gzip", async () => {
  await holds(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 1500 }), fc.boolean(), async (own, size, compressed) => {
      const archive = archiveOf(own);
      const source = compressed ? gunzip(await gzip(archive), "f") : pieces(archive, size);
      assert.deepEqual(
        (await read(source)).map(({ path, data }) => [path, [...data]]),
        own.map(({ path, data }) => [path, [...data]]),
      );
    }),
  );
});

Deno.test("a damaged archive gives whole files or is refused; so are other bytes", async () => {
  const outcomes = new Outcomes();
  const header = fc.record({ at: fc.nat(511), bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }) });
  const bytes = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(files, damage).map(([own, what]) => damaged(archiveOf(own), what)) },
    // A header that says something else, under a right checksum.
    {
      weight: 4,
      arbitrary: fc.tuple(file, header).map(([{ path, data }, { at, bytes }]) => {
        const first = tarFile(path, data);
        first.set(bytes.subarray(0, 512 - at), at);
        return tar(sumTarHeader(first), tarFile("second", data));
      }),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(
        file,
        fc.constantFrom("77777777777", "00000002001", "7777777777777", "-1", "1 2", "0x10", " 12 ", ""),
      ).map(
        ([{ path, data }, size]) => {
          const first = tarFile(path, data);
          first.fill(0, 124, 136);
          new TextEncoder().encodeInto(size, first.subarray(124, 136));
          return tar(sumTarHeader(first));
        },
      ),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 1200 }).map((own) => Uint8Array.from(own)) },
  );
  await holds(
    fc.asyncProperty(
      bytes,
      fc.integer({ min: 1, max: 1500 }),
      fc.integer({ min: 1, max: 3 }),
      async (own, size, every) => {
        try {
          const found = await read(pieces(own, size), every);
          assert.ok(found.reduce((sum, { data }) => sum + data.length, 0) <= own.length);
          outcomes.count("read");
        } catch (error) {
          assertRefusal(error, [SyntaxError], refusal);
          outcomes.count("refused");
        }
      },
    ),
  );
  outcomes.assertSeen("read", "refused");
});

Deno.test("sizes that no archive has allocate nothing", async () => {
  await holds(fc.asyncProperty(fc.integer({ min: 2 ** 20, max: 8 ** 11 - 1 }), async (size) => {
    const lying = tarFile("large", Uint8Array.of(1));
    new TextEncoder().encodeInto(size.toString(8).padStart(11, "0"), lying.subarray(124));
    const archive = tar(sumTarHeader(lying));
    const { value: error, bytes } = await allocated(() => read(pieces(archive, 512)).catch((error: unknown) => error));
    assertRefusal(error, [SyntaxError], /^Cannot unpack f: at byte 2048 .* ends early/);
    assert.ok(bytes < 2 ** 20, `${bytes} bytes were allocated`);
  }));
});

Deno.test("gzip of any bytes comes back, and damaged gzip is refused or something else whole", async () => {
  const outcomes = new Outcomes();
  await holds(fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.option(damage), async (own, what) => {
    const whole = await gzip(Uint8Array.from(own));
    const inflated: number[] = [];
    try {
      for await (const piece of gunzip(what ? damaged(whole, what) : whole, "f")) inflated.push(...piece);
      if (!what) assert.deepEqual(inflated, [...own]);
      outcomes.count("read");
    } catch (error) {
      assertRefusal(error, [SyntaxError], /^Cannot decompress f: .* after byte \d+ of its decompressed contents/);
      assert.ok(what, "gzip that is whole was refused");
      outcomes.count("refused");
    }
  }));
  outcomes.assertSeen("read", "refused");
});
