/**
 * Decompression that a hostile file cannot turn into unbounded memory.
 *
 * @module
 */

// A gzip byte grows to at most 1032, and the platform decompresses a piece at once: so a piece is at most 4 MB of output.
const pieceBytes = 4096;

/** Whether bytes begin as a gzip file does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Decompresses a gzip file piece by piece. Whoever stops listening stops the decompression: that is how a reader that knows
 * the length it wants bounds the memory.
 *
 * @param name the file's name, for errors
 * @throws {SyntaxError} when the file is damaged, truncated or followed by something else
 */
export async function* gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let at = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller): void {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + pieceBytes));
      at += pieceBytes;
    },
  }, { highWaterMark: 0 });
  const reader = source.pipeThrough(new DecompressionStream("gzip")).getReader();
  let produced = 0;
  try {
    for (;;) {
      let result: ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;
      try {
        result = await reader.read();
      } catch (cause) {
        throw new SyntaxError(
          `Cannot decompress ${name}: the gzip data is damaged or ends early after byte ${produced} of its decompressed ` +
            `contents (file of ${bytes.length} bytes); fetch the file again`,
          { cause },
        );
      }
      if (result.done) return;
      produced += result.value.length;
      yield result.value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // a broken stream cannot be cancelled, and need not be
  }
}
