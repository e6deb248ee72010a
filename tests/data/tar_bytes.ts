/** Tar archives made by hand, for tests. */

/** What a header says that is not the usual. */
export interface TarOptions {
  /** The type flag: "0" for a plain file. */
  readonly type?: string;
  /** The magic and version: POSIX's when left out. */
  readonly magic?: string;
  /** POSIX's beginning of a long path. */
  readonly prefix?: string;
}

/** One file of an archive: its header of 512 bytes and its contents, padded to whole blocks. */
export function tarFile(path: string, contents: Uint8Array, options: TarOptions = {}): Uint8Array<ArrayBuffer> {
  const { type = "0", magic = "ustar\x0000", prefix = "" } = options;
  const bytes = new Uint8Array(512 + Math.ceil(contents.length / 512) * 512);
  const write = (at: number, text: string): void => void new TextEncoder().encodeInto(text, bytes.subarray(at));
  write(0, path);
  write(100, "0000644\0");
  write(124, `${contents.length.toString(8).padStart(11, "0")}\0`);
  write(136, "11253217200\0");
  write(148, "        ");
  write(156, type);
  write(257, magic);
  write(345, prefix);
  bytes.set(contents, 512);
  return sumTarHeader(bytes);
}

/** Puts the right checksum into a header. */
export function sumTarHeader(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  bytes.fill(0x20, 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  new TextEncoder().encodeInto(`${sum.toString(8).padStart(6, "0")}\0 `, bytes.subarray(148));
  return bytes;
}

/** An archive: files, one after the other, and the zeros of its end. */
export function tar(...files: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(files.reduce((sum, { length }) => sum + length, 1024));
  let at = 0;
  for (const file of files) {
    whole.set(file, at);
    at += file.length;
  }
  return whole;
}
