/**
 * The tar format, as far as archives of data sets need it: plain files, named and sized in headers of 512 bytes (POSIX.1-1988
 * ustar, and GNU's, which differs only in what is not used here). Everything else that an archive may hold is passed over.
 *
 * @module
 */

/** A plain file in an archive, before its contents. */
export interface TarFile {
  /** Its path in the archive, as it stands there but for "./" at the beginning. Nothing is to be opened by this name unseen. */
  readonly path: string;
  /** Its size in bytes. */
  readonly bytes: number;
}

/** Takes a piece of a file's contents. The piece is only lent: it is a view of what the decompression gave. */
export type TarSink = (piece: Uint8Array<ArrayBuffer>) => Promise<void>;

const blockBytes = 512;

/**
 * Reads an archive from its beginning to its end, without ever holding more than a piece of it.
 *
 * @param pieces the archive, decompressed, in pieces of any size
 * @param name the archive's name, for errors
 * @param open called for every plain file, in order; gives back where its contents go, or undefined to pass it over. Sizes are
 * the archive's claims: whoever allocates by them checks them first
 * @throws {SyntaxError} naming archive and offset: wrong checksum of a header, a size that is no number, truncated
 */
export async function readTar(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  name: string,
  open: (file: TarFile) => TarSink | undefined,
): Promise<void> {
  const header = new Uint8Array(blockBytes);
  let filled = 0; // bytes of the header so far
  let contents = 0; // bytes of contents to come
  let padding = 0; // bytes behind them, up to a whole block
  let sink: TarSink | undefined;
  let offset = 0;
  let ended = false;
  for await (const piece of pieces) {
    let at = 0;
    while (at < piece.length && !ended) {
      if (contents > 0) {
        const taken = Math.min(contents, piece.length - at);
        await sink?.(piece.subarray(at, at + taken));
        contents -= taken;
        at += taken;
      } else if (padding > 0) {
        const taken = Math.min(padding, piece.length - at);
        padding -= taken;
        at += taken;
      } else {
        const taken = Math.min(blockBytes - filled, piece.length - at);
        header.set(piece.subarray(at, at + taken), filled);
        filled += taken;
        at += taken;
        if (filled < blockBytes) continue;
        filled = 0;
        // The end is a block of zeros; what is behind it is padding.
        ended = header.every((byte) => byte === 0);
        if (ended) continue;
        const { file, bytes } = parseHeader(header, name, offset + at - blockBytes);
        contents = bytes;
        padding = (blockBytes - bytes % blockBytes) % blockBytes;
        sink = file && open(file);
      }
    }
    offset += piece.length;
  }
  if (!ended) throw unreadable(name, offset, "the archive ends early; fetch it again");
}

function parseHeader(
  header: Uint8Array<ArrayBuffer>,
  name: string,
  offset: number,
): { readonly file: TarFile | undefined; readonly bytes: number } {
  // The sum of all bytes, with the checksum's own eight taken as spaces.
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (octal(header, 148, 8) !== sum) {
    throw unreadable(name, offset, "there is no header with a right checksum; is it a tar archive?");
  }
  const bytes = octal(header, 124, 12);
  if (bytes === undefined) throw unreadable(name, offset + 124, "a file's size is not an octal number");
  const type = header[156] ?? 0;
  const isFile = type === 0 || type === 0x30; // NUL or "0"
  // GNU's headers end their magic with a space instead of NUL, and have other things where the prefix is.
  const prefix = text(header, 257, 6) === "ustar" && header[262] === 0 ? text(header, 345, 155) : "";
  const path = [prefix, text(header, 0, 100)].filter((part) => part !== "").join("/").replace(/^(?:\.\/)+/, "");
  return { file: isFile ? { path, bytes } : undefined, bytes };
}

function octal(header: Uint8Array<ArrayBuffer>, at: number, length: number): number | undefined {
  const digits = text(header, at, length).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** Up to the first NUL. */
function text(header: Uint8Array<ArrayBuffer>, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
}

function unreadable(name: string, offset: number, problem: string): SyntaxError {
  return new SyntaxError(`Cannot unpack ${name}: at byte ${offset} of its decompressed contents, ${problem}`);
}
