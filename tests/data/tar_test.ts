import assert from "node:assert/strict";
import { readTar, type TarFile } from "../../src/data/tar.ts";
import { sumTarHeader, tar, tarFile } from "./tar_bytes.ts";

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

async function* pieces(bytes: Uint8Array<ArrayBuffer>, size: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** All files of an archive, read in pieces of some size. */
async function files(bytes: Uint8Array<ArrayBuffer>, size = bytes.length): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  await readTar(pieces(bytes, size), "test.tar", ({ path }) => {
    found.set(path, "");
    return (piece) => {
      found.set(path, (found.get(path) ?? "") + new TextDecoder().decode(piece));
      return Promise.resolve();
    };
  });
  return found;
}

const archive = tar(
  tarFile("folder/", new Uint8Array(0), { type: "5" }),
  tarFile("./folder/a", text("x".repeat(700))),
  tarFile("pax", text("27 path=somewhere/else/now\n"), { type: "x" }),
  tarFile("folder/empty", new Uint8Array(0)),
  tarFile("b", text("b".repeat(512)), { prefix: "folder" }),
  tarFile("folder/link", new Uint8Array(0), { type: "2" }),
  tarFile("folder/c", text("c"), { magic: "ustar  \0", prefix: "12345670123 not a prefix in GNU's form" }),
  tarFile("folder/d", text("d"), { type: "\0" }),
);
const wanted = [
  ["folder/a", "x".repeat(700)],
  ["folder/empty", ""],
  ["folder/b", "b".repeat(512)],
  ["folder/c", "c"],
  ["folder/d", "d"],
];

Deno.test("readTar() gives plain files with their contents and passes over everything else, in pieces of any size", async () => {
  for (const size of [archive.length, 1, 7, 511, 512, 513, 4096]) {
    assert.deepEqual([...await files(archive, size)], wanted, `pieces of ${size}`);
  }
});

Deno.test("readTar() tells sizes before contents, and passes over the files that nobody opens", async () => {
  const seen: TarFile[] = [];
  await readTar(pieces(archive, 100), "test.tar", (file) => void seen.push(file));
  assert.deepEqual(
    seen.map(({ path, bytes }) => [path, bytes]),
    wanted.map(([path, { length } = ""]) => [path, length]),
  );
});

Deno.test("an archive that is cut off anywhere before its end is refused", async () => {
  for (let length = 0; length < archive.length - 1023; length += 61) {
    await assert.rejects(files(archive.subarray(0, length)), {
      name: "SyntaxError",
      message:
        `Cannot unpack test.tar: at byte ${length} of its decompressed contents, the archive ends early; fetch it again`,
    });
  }
  await files(archive.subarray(0, archive.length - 512)); // one block of zeros is an end
});

Deno.test("a header with a flipped bit, or a size that is no number, is refused with its offset", async () => {
  const first = tarFile("first", text("1"));
  for (const at of [0, 60, 130, 156, 260, 511]) {
    const second = tarFile("second", text("2"));
    second[at]! ^= 4;
    await assert.rejects(files(tar(first, second)), {
      name: "SyntaxError",
      message: /^Cannot unpack test\.tar: at byte 1024 .* right checksum/,
    });
  }
  for (const size of ["", "-1", "12z", "\x80\0\0\0\0\0\0\0\0\0\0\x01"]) {
    const second = tarFile("second", text("2"));
    second.fill(0, 124, 136);
    second.set(Uint8Array.from(size, (letter) => letter.charCodeAt(0)), 124);
    await assert.rejects(files(tar(first, sumTarHeader(second))), {
      name: "SyntaxError",
      message: /at byte 1148 .*not an octal number/,
    });
  }
});

Deno.test("a lying size is met by the archive's end, not by memory", async () => {
  const huge = tarFile("huge", text("1"));
  new TextEncoder().encodeInto("77777777777\0", huge.subarray(124));
  await assert.rejects(files(tar(sumTarHeader(huge))), { name: "SyntaxError", message: /ends early/ });
});
