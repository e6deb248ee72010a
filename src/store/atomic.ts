/**
 * Files that are whole or absent.
 *
 * @module
 */

/**
 * Replaces a file: writes a temporary one in the same folder, syncs it, renames it over the old one and syncs the folder. A
 * kill at any moment leaves the old file or the new one, never a part.
 */
export async function writeAtomically(path: string, contents: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  try {
    using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
    let written = 0;
    while (written < bytes.length) written += await file.write(bytes.subarray(written));
    await file.sync();
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await Deno.rename(temporary, path);
  await syncFolder(path.slice(0, path.lastIndexOf("/")) || ".");
}

/** Makes renames and new files in a folder survive a power loss; Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using handle = await Deno.open(folder, { read: true });
  await handle.sync();
}
