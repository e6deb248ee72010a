/**
 * A folder of data that comes from an archive on the web: downloaded, checked, unpacked, and there as a whole or not at all.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import type { Archive } from "../data/cifar10.ts";
import { gunzip } from "../data/gzip.ts";
import { sha256 } from "../data/sha256.ts";
import { readTar } from "../data/tar.ts";
import { StorageError } from "./errors.ts";
import { syncFolder, writeAll } from "./files.ts";

/** How to fetch. */
export interface FetchOptions {
  /** Stops it; nothing is left behind. */
  readonly signal?: AbortSignal | undefined;
  /** Told as bytes arrive, and once more when the archive is checked and is being unpacked. */
  readonly onProgress?: (stage: "download" | "unpack", bytes: number, total: number) => void;
  /** How long the server may be silent, in seconds; 60 when left out. */
  readonly patienceSeconds?: number;
}

/** Longest way of redirections. The authors' server sends to another one of theirs. */
const mostRedirections = 5;

/**
 * Makes sure that a folder holds an archive's files, each of its right size. When they are all there, nothing is downloaded.
 *
 * The archive is downloaded into memory, and unpacked, its wanted files only, into a folder beside the one that is wanted, once
 * its SHA-256 is right; that folder is then renamed. So a kill, a full disk or a wrong archive leaves nothing where anybody
 * would read it.
 *
 * @returns whether anything was downloaded
 * @throws {Error} when the archive cannot be downloaded or is another than it should be
 * @throws {SyntaxError} when it cannot be unpacked
 * @throws {StorageError} when the folder holds something else, or disk or permissions do not allow to write it
 */
export async function fetchArchive(archive: Archive, folder: string, options: FetchOptions = {}): Promise<boolean> {
  const { onProgress } = options;
  if (await isThere(archive, folder)) return false;
  const parent = dirname(folder);
  const parentWasThere = await storing(folder, () => stat(parent)) !== undefined;
  let temporary: string | undefined;
  try {
    // Before the download, so that a folder where nothing can be written is said at once.
    temporary = await storing(folder, async () => {
      await Deno.mkdir(parent, { recursive: true });
      return await Deno.makeTempDir({ dir: parent, prefix: `.${basename(folder)}.` });
    });
    const bytes = await download(archive, options);
    const digest = await sha256(bytes);
    if (digest !== archive.sha256) {
      throw new Error(
        `Cannot use ${archive.url}: its SHA-256 is ${digest}, and the published one ${archive.sha256}. Nothing was unpacked. ` +
          "Try again later; or get the files another way and give their folder (--data-dir).",
      );
    }
    onProgress?.("unpack", 0, bytes.length);
    // A folder inside, because makeTempDir() makes one that is its maker's alone.
    const unpacked = join(temporary, basename(folder));
    await storing(folder, () => Deno.mkdir(unpacked));
    await unpack(archive, bytes, unpacked, options.signal);
    await storing(folder, async () => {
      await Deno.rename(unpacked, folder);
      await syncFolder(parent);
    });
    return true;
  } finally {
    if (temporary !== undefined) await Deno.remove(temporary, { recursive: true }).catch(() => {});
    if (!parentWasThere) await Deno.remove(parent).catch(() => {}); // goes only when it is empty
  }
}

/** Whether all files are there; takes an empty folder away, and refuses one with anything else. */
async function isThere({ files }: Archive, folder: string): Promise<boolean> {
  const missing: string[] = [];
  for (const [name, bytes] of files) {
    const found = await storing(folder, () => stat(join(folder, name)));
    if (!found?.isFile || found.size !== bytes) missing.push(found ? `${name} of ${bytes} bytes` : name);
  }
  if (missing.length === 0) return true;
  const found = await storing(folder, () => stat(folder));
  if (found === undefined) return false;
  if (found.isDirectory && await storing(folder, () => isEmpty(folder))) {
    await storing(folder, () => Deno.remove(folder));
    return false;
  }
  throw new StorageError(
    `Cannot download into ${folder}: it is there already, without ${missing.join(", ")}. ` +
      "Move it out of the way, or give another folder with the files (--data-dir).",
  );
}

async function isEmpty(folder: string): Promise<boolean> {
  for await (const _ of Deno.readDir(folder)) return false;
  return true;
}

async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return undefined;
    throw cause;
  }
}

async function download(archive: Archive, options: FetchOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { url, bytes: total } = archive;
  const { signal, onProgress, patienceSeconds = 60 } = options;
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waitAgain = (): void => {
    clearTimeout(timer);
    timer = setTimeout(
      () => silence.abort(new Error(`the server was silent for ${patienceSeconds} seconds`)),
      patienceSeconds * 1000,
    );
  };
  let filled = 0;
  try {
    onProgress?.("download", 0, total);
    waitAgain();
    const response = await follow(url, AbortSignal.any([silence.signal, ...signal ? [signal] : []]));
    const { headers } = response;
    const announced = headers.has("content-encoding") ? null : headers.get("content-length");
    if (announced !== null && Number(announced) !== total) {
      await response.body?.cancel();
      throw new Error(`the server announces ${announced} bytes, and the archive has ${total}: it is another file`);
    }
    const whole = new Uint8Array(total);
    for await (const piece of response.body ?? []) {
      waitAgain();
      if (filled + piece.length > total) {
        throw new Error(`the server sends more than the archive's ${total} bytes: it is another file`);
      }
      whole.set(piece, filled);
      filled += piece.length;
      onProgress?.("download", filled, total);
    }
    if (filled < total) throw new Error(`the server sent ${filled} of the archive's ${total} bytes`);
    return whole;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Error(`Cannot download ${url}: ${reasonOf(silence.signal.aborted ? silence.signal.reason : cause)}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Follows redirections by hand, because only then an error can name the host that would need a permission. */
async function follow(url: string, signal: AbortSignal): Promise<Response> {
  let at = url;
  for (let step = 0; step <= mostRedirections; step++) {
    let response: Response;
    try {
      response = await fetch(at, { signal, redirect: "manual", headers: { "accept-encoding": "identity" } });
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
      const { host } = new URL(at);
      throw new Error(
        `Deno was started without the permission for ${host}. Add --allow-net=${host}, or get the archive another way and give ` +
          "the folder of its files (--data-dir)",
        { cause },
      );
    }
    if (response.ok) return response;
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) {
      throw new Error(
        `the server answered ${response.status} ${response.statusText}`.trimEnd() +
          ". Try again later, or get the archive " +
          "another way and give the folder of its files (--data-dir)",
      );
    }
    at = new URL(location, at).href;
  }
  throw new Error(`the server sent to another place more than ${mostRedirections} times`);
}

function reasonOf(cause: unknown): string {
  // "fetch failed" alone says nothing; what is behind it names host and reason.
  const behind = cause instanceof TypeError && cause.cause instanceof Error ? ` (${cause.cause.message})` : "";
  const text = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "") + behind;
  if (text.includes("--data-dir")) return `${text}.`;
  return `${text}. Look at the connection and try again; or get the archive another way and give the folder of its files ` +
    "(--data-dir).";
}

async function unpack(
  { url, folder, files }: Archive,
  bytes: Uint8Array<ArrayBuffer>,
  into: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const name = basename(new URL(url).pathname);
  const missing = new Set(files.keys());
  await using opened = new AsyncDisposableStack();
  await readTar(gunzip(bytes, name), name, ({ path, bytes: size }) => {
    signal?.throwIfAborted();
    // Only names that are wanted, letter for letter, are ever opened: no path in the archive can lead out of the folder.
    const wanted = [...missing].find((file) => path === `${folder}/${file}`);
    if (wanted === undefined) return undefined;
    if (size !== files.get(wanted)) {
      throw new SyntaxError(`Cannot unpack ${name}: ${path} has ${size} bytes, and ${files.get(wanted)} are wanted`);
    }
    missing.delete(wanted);
    const target = join(into, wanted);
    let file: Deno.FsFile | undefined;
    let left = size;
    return async (piece) => {
      signal?.throwIfAborted();
      await storing(target, async () => {
        file ??= opened.use(await Deno.open(target, { write: true, createNew: true }));
        await writeAll(file, piece);
        left -= piece.length;
        if (left === 0) await file.sync();
      });
    };
  });
  if (missing.size > 0) {
    throw new SyntaxError(`Cannot unpack ${name}: there is no ${[...missing].join(", ")} in its folder ${folder}`);
  }
}

/** Does something on the disk, and says what to do when it cannot be done. */
async function storing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new StorageError(`Cannot write ${path}: ${diskReason(cause)}`, { cause });
  }
}

function diskReason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotCapable) {
    return "Deno was started without the permission. Start in a folder that may be written (`deno task data` may write below the " +
      "folder that it is started in).";
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "the system does not allow it. Change the folder's permissions, or start in another folder.";
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/os error (28|122)\b|no space left|quota/i.test(text)) {
    return "the disk is full. Make room and try again; nothing was left behind.";
  }
  if (/os error 30\b|read-only/i.test(text)) return "the file system is read-only. Start in another folder.";
  return `${text.replace(/\.$/, "")}. Look at the folder, or start in another one.`;
}
