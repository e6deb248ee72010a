/**
 * Files that are whole or absent, and errors that say what to do about the disk.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { StorageError } from "./errors.ts";

/**
 * Writes a file so that a kill or power loss at any moment leaves the old one or the new one: a temporary file in the same
 * folder, written, synced, renamed, and the folder synced. Of several writers at once, on whatever machines, the last one's file
 * stays whole.
 *
 * @throws {StorageError} when the disk or a permission does not allow it
 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = temporaryName(path);
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    await writeAll(file, bytes);
    await file.sync();
    await Deno.rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    // On a full disk the half of a file would take the room that the next attempt needs.
    await Deno.remove(temporary).catch(() => {});
    throw explain(cause, "write", path);
  }
}

/**
 * Makes sure, before work that ends with it, that {@linkcode writeWhole} will be allowed to write a file there.
 *
 * @throws {StorageError} when the disk or a permission does not allow it
 */
export async function assertWritable(path: string): Promise<void> {
  const temporary = temporaryName(path);
  try {
    (await Deno.open(temporary, { write: true, createNew: true })).close();
    await Deno.remove(temporary);
  } catch (cause) {
    throw explain(cause, "write", path);
  }
}

/** No two writers have the same, or one would rename what the other has half written. */
function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.new`);
}

/**
 * Removes what writers of files in a folder left behind when they were killed: temporary files of {@linkcode writeWhole}.
 *
 * @param isOurs whether a file of that name is written by nobody else, who may be just about it
 */
export async function removeTemporaries(folder: string, isOurs: (name: string) => boolean): Promise<void> {
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const written = isFile ? temporaryOf.exec(name)?.[1] : undefined;
      if (written !== undefined && isOurs(written)) await Deno.remove(join(folder, name)).catch(() => {});
    }
  } catch {
    // Without the folder there is nothing to remove; and what stays is in nobody's way.
  }
}

/** The name of a temporary file, with that of the file which it would have become; earlier versions had no number in it. */
const temporaryOf = /^\.(.+?)(?:\.[0-9a-f-]{36})?\.new$/;

/** Writes JSON, two spaces deep, with {@linkcode writeWhole}. */
export function writeJson(path: string, value: unknown): Promise<void> {
  return writeWhole(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Writes all of the bytes; a single `write()` may take fewer. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** As many bytes from where the file stands, or fewer where it ends; a single `read()` may bring fewer. */
export async function readUpTo(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  return bytes.subarray(0, at);
}

/** A folder, with those above it. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (cause) {
    throw explain(cause, "create", path);
  }
}

/** A file's bytes; undefined when there is none. */
export async function readOptional(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await readingAnew(() => Deno.readFile(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw explain(cause, "read", path);
  }
}

/** Opens and reads a file; once more, a few times, when another machine replaces it meanwhile ({@linkcode isReplaced}). */
export async function readingAnew<Value>(read: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1;; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (!isReplaced(error) || attempt === 5) throw error;
    }
  }
}

/** Over NFS: the file that was open has been replaced or removed on another machine. Opened again, it is the new one. */
export function isReplaced(error: unknown): boolean {
  return Deno.build.os === "linux" && error instanceof Error && /\(os error 116\)/.test(error.message);
}

/**
 * Makes a rename in the folder durable. Where folders cannot be opened as files (Windows) or synced (some file systems of the
 * network), the system or the file server sees to it itself.
 */
export async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  try {
    await folder.sync();
  } catch (error) {
    if (!(error instanceof Error) || !/\(os error 22\)/.test(error.message)) throw error;
  }
}

/** What went wrong with a file, with its remedy. */
export function explain(cause: unknown, verb: "write" | "read" | "create" | "lock", path: string): Error {
  if (cause instanceof StorageError) return cause;
  return new StorageError(`Cannot ${verb} ${path}: ${reasonOf(cause, verb, path)}`, { cause });
}

function reasonOf(cause: unknown, verb: string, path: string): string {
  if (cause instanceof Deno.errors.NotCapable) {
    const flag = verb === "read" ? "read" : "write";
    return `Deno was started without the permission. Choose a folder inside the one you are in, or run ` +
      `\`deno run --allow-env=INIT_CWD --allow-read --allow-${flag}=${
        dirname(path)
      } --allow-sys=hostname,statfs src/cli/winnow.ts\` ` +
      "with the same arguments.";
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "the system does not allow it. Change the folder's permissions, or choose another with --runs.";
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/os error (28|122)\b|no space left|quota/i.test(text)) {
    return "the disk is full. Make room and go on with --resume; what was recorded before is whole.";
  }
  if (/os error 30\b|read-only/i.test(text)) return "the file system is read-only. Choose another folder with --runs.";
  return `${text.replace(/\.$/, "")}. Look at the folder, or choose another with --runs.`;
}
