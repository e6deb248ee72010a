/**
 * Temporary folders, and what is in them.
 *
 * @module
 */

/** A temporary folder that goes when its scope ends. */
export class TemporaryFolder implements Disposable {
  /** Its path. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "winnow-store-" });

  /** Removes it. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A symbolic link. `Deno.symlink()` wants to read and write everywhere. */
export async function link(target: string, path: string): Promise<void> {
  const { success } = await new Deno.Command("/bin/sh", { args: ["-c", 'ln -s "$0" "$1"', target, path] }).output();
  if (!success) throw new Error(`Cannot link ${path} to ${target}`);
}

/** Every file below a folder, by its path in it: a digest of its bytes would do, but bytes show what differs. */
export async function filesBelow(folder: string, prefix = ""): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) {
      for (const [name, bytes] of await filesBelow(path, `${prefix}${entry.name}/`)) files.set(name, bytes);
    } else files.set(prefix + entry.name, await Deno.readFile(path));
  }
  return new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
}
