/**
 * Whether a folder lies on a file system that several machines share. There a lock of the system's may hold on one machine only,
 * or not at all, and a memory-mapped file, which SQLite's write-ahead log takes, is not the same memory everywhere.
 *
 * @module
 */
import { statfsSync } from "node:fs";

/**
 * What `statfs()` of Linux calls file systems whose files other machines may write, after `linux/magic.h` and their own sources.
 * FUSE is among them: it may be anything, and sshfs and most file systems for clouds are.
 */
const shared: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x19830326, "BeeGFS"],
  [0x00c36400, "Ceph"],
  [0x65735546, "FUSE"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x73757245, "Coda"],
  [0x01021997, "9P"],
  [0xaad7aaea, "PanFS"],
  [0x20030528, "OrangeFS"],
  [0x7461636f, "OCFS2"],
  [0x01161970, "GFS2"],
  [0x786f4256, "VirtualBox"],
]);

/**
 * The name of the shared file system that a file or folder lies on, such as `NFS`; undefined for one of this machine alone, and
 * where nobody can say: other systems than Linux, and processes without `--allow-sys=statfs`.
 */
export function sharedFileSystem(path: string): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state !== "granted") return undefined;
  try {
    return nameOfFileSystem(statfsSync(path).type);
  } catch {
    return undefined;
  }
}

/** The name of a shared file system by its number in `statfs()`, whose sign depends on the machine. */
export function nameOfFileSystem(type: number): string | undefined {
  return shared.get(type >>> 0);
}
