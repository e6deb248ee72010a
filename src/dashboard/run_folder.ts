/**
 * What lies in a run's folder, and the files of it that a page may give away whole.
 *
 * @module
 */
import { join } from "node:path";
import { readOptional } from "../store/files.ts";
import type { RunView } from "./types.ts";

/** Files that are given away as they are. Tickets are read and written again; logs are exported as tables. */
export const givenFiles = ["config.json", "manifest.json", "summary.json"] as const;

/** A file, or a folder in one line. */
export interface FolderEntry {
  /** Its path below the run's folder; a folder's ends in a slash. */
  readonly name: string;
  /** Its size, a folder's with all that is in it. */
  readonly bytes: number;
  /** Files in a folder; 1 for a file. */
  readonly files: number;
}

/** What is in a run's folder, folders last. Symbolic links are not followed; what goes away meanwhile is left out. */
export async function entriesOf({ folder }: Pick<RunView, "folder">): Promise<FolderEntry[]> {
  const entries: FolderEntry[] = [];
  for await (const { name, isFile, isDirectory } of readFolder(folder)) {
    if (isFile) entries.push({ name, bytes: await sizeOf(join(folder, name)), files: 1 });
    else if (isDirectory) entries.push({ name: `${name}/`, ...await contentOf(join(folder, name)) });
  }
  const isFolder = ({ name }: FolderEntry): number => Number(name.endsWith("/"));
  return entries.sort((a, b) => isFolder(a) - isFolder(b) || (a.name < b.name ? -1 : 1));
}

/** Names of the files of a run's tickets; none where that folder is missing. */
export async function ticketFiles({ folder }: Pick<RunView, "folder">): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const { name, isFile } of readFolder(join(folder, "tickets"))) if (isFile) names.add(name);
  return names;
}

/** One of {@linkcode givenFiles}, byte for byte; undefined where it is missing. */
export function readGiven(
  { folder }: Pick<RunView, "folder">,
  name: (typeof givenFiles)[number],
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return readOptional(join(folder, name));
}

async function contentOf(folder: string): Promise<{ readonly bytes: number; readonly files: number }> {
  let [bytes, files] = [0, 0];
  for await (const { name, isFile, isDirectory } of readFolder(folder)) {
    const path = join(folder, name);
    const own = isDirectory ? await contentOf(path) : isFile ? { bytes: await sizeOf(path), files: 1 } : undefined;
    bytes += own?.bytes ?? 0;
    files += own?.files ?? 0;
  }
  return { bytes, files };
}

async function* readFolder(folder: string): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.lstat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
