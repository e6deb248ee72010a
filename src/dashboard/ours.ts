/**
 * What lies in the folder of runs, and what only seems to: nothing is shown that a link leads to.
 *
 * @module
 */
import { join } from "node:path";

/** Whether a file or folder is there and lies in the folder of runs, and not where a link leads. */
export async function liesIn(runs: string, path: string): Promise<boolean> {
  try {
    const [own, folder] = await Promise.all([Deno.realPath(path), Deno.realPath(runs)]);
    return own.startsWith(join(folder, "/"));
  } catch {
    return false;
  }
}
