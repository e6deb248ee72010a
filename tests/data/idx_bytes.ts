/** IDX files made by hand, for tests. */

/** An IDX file of unsigned bytes. */
export function idx(dimensions: readonly number[], data: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + 4 * dimensions.length + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0800 + dimensions.length);
  for (const [axis, size] of dimensions.entries()) view.setUint32(4 + 4 * axis, size);
  bytes.set(data, 4 + 4 * dimensions.length);
  return bytes;
}

/** Compresses bytes with gzip. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
