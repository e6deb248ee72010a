/**
 * Files of a folder, through `fetch`: a `file:` URL under Deno, an `http:` one anywhere.
 *
 * @module
 */
import type { ReadFile } from "./dataset.ts";

/**
 * A reader of the files in a folder.
 *
 * Under Deno a `file:` URL needs `--allow-read` for the folder, an `http:` one `--allow-net` for the host.
 *
 * @param folder the folder's URL, with or without a slash at its end
 * @example
 * ```ts ignore
 * import { loadDataset } from "./load.ts";
 * import { readFolder } from "./read_folder.ts";
 *
 * const read = readFolder(new URL("file:///data/fashion-mnist/"));
 * const dataset = await loadDataset("fashion-mnist", { read });
 * ```
 */
export function readFolder(folder: URL): ReadFile {
  const base = new URL(folder);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return async (name) => {
    // Deno decodes %2F in a file's URL, so escaping alone would let a name leave the folder.
    if (/[/\\]/.test(name)) {
      throw new RangeError(`Cannot read "${name}" from ${base}: give a file's name without a path`);
    }
    const url = new URL(encodeURIComponent(name), base);
    const response = await fetch(url);
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`Cannot read ${url}: the server answered ${response.status} ${response.statusText}`);
    }
    return new Uint8Array(await response.arrayBuffer());
  };
}
