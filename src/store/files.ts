/**
 * Files that are whole or absent, and errors that say what to do about the disk.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { StorageError } from "./errors.ts";

/**
 * Writes a file so that a kill or power loss at any moment leaves the old one or the new one: a temporary file in the same
 * folder, written, synced, renamed, and the folder synced.
 *
 * @throws {StorageError} when the disk or a permission does not allow it
 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.new`);
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  try {
    using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
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
  const temporary = join(dirname(path), `.${basename(path)}.new`);
  try {
    (await Deno.open(temporary, { write: true, create: true })).close();
    await Deno.remove(temporary);
  } catch (cause) {
    throw explain(cause, "write", path);
  }
}

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
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw explain(cause, "read", path);
  }
}

/** Makes a rename in the folder durable. Where folders cannot be opened as files (Windows), the system sees to it itself. */
export async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
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
      } --allow-sys=hostname src/cli/winnow.ts\` ` +
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
