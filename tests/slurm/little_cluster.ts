/**
 * The little cluster of `examples/slurm/little-cluster.sh` for a test, and the command line that a user of it gives.
 *
 * @module
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const project: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const script = join(project, "examples", "slurm", "little-cluster.sh");

/** What a program said. */
export interface Said {
  /** Its exit code. */
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly err: string;
}

/** Runs a line of shell, with arguments. */
async function shell(line: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", `PATH=$PATH:/usr/sbin:/sbin; ${line}`, "sh", ...args],
    cwd: project,
    env: { ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Whether Slurm and MUNGE are installed here. */
export async function isInstalled(): Promise<boolean> {
  return (await shell("command -v munged && command -v slurmctld && command -v slurmd", [])).code === 0;
}

/** A cluster with a folder of its own, stopped and removed when its scope ends. */
export class LittleCluster implements AsyncDisposable {
  /** Its folder. */
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, "cluster");
  }

  /** Starts one; it is idle when it comes back. */
  static async start(): Promise<LittleCluster> {
    const folder = await Deno.makeTempDir({ prefix: "winnow-slurm-" });
    const cluster = new LittleCluster(folder);
    const { code, err } = await shell('sh "$@"', [script, "start", cluster.path]);
    if (code !== 0) await Deno.remove(folder, { recursive: true });
    assert.equal(code, 0, err);
    return cluster;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { code, err } = await shell('sh "$@"', [script, "stop", this.path]);
    await Deno.remove(this.#folder, { recursive: true });
    assert.equal(code, 0, err);
  }

  /** A folder for runs, beside the cluster's. */
  async folder(name: string): Promise<string> {
    const path = join(this.#folder, name);
    await Deno.mkdir(path);
    return path;
  }

  /** A file beside the cluster's folder. */
  async file(name: string, value: unknown): Promise<string> {
    const path = join(this.#folder, name);
    await Deno.writeTextFile(path, JSON.stringify(value));
    return path;
  }

  /** What one of Slurm's programs says; it must not refuse. */
  async slurm(...command: readonly string[]): Promise<string> {
    const { code, out, err } = await shell('"$@"', command, this.#environment());
    assert.equal(code, 0, `${command.join(" ")}: ${err}`);
    return out;
  }

  /** `deno task sweep …`, given in a folder. */
  async sweep(folder: string, ...args: readonly string[]): Promise<Said> {
    const { code, stdout, stderr } = await new Deno.Command("deno", {
      args: ["task", "--quiet", "--config", join(project, "deno.json"), "sweep", ...args],
      cwd: folder,
      // A task keeps the folder of the task that it runs in.
      env: { ...this.#environment(), INIT_CWD: folder, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  }

  /** Sends a signal to a process that the cluster, or this test through it, has started. */
  async signal(signal: "KILL" | "STOP" | "CONT" | "TERM", pid: number): Promise<void> {
    const { code, err } = await shell('kill -s "$1" "$2"', [signal, String(pid)]);
    assert.equal(code, 0, err);
  }

  /** Ends a daemon and starts it again; what it had started goes on meanwhile. */
  async restart(daemon: "slurmd" | "slurmctld"): Promise<void> {
    const pid = Number(await Deno.readTextFile(join(this.path, `${daemon}.pid`)));
    await this.signal("TERM", pid);
    await this.until(`${daemon} has ended`, async () => (await processName(pid)) !== daemon);
    await this.slurm(daemon, "-f", join(this.path, "slurm.conf"));
  }

  /** Waits for what must come; else an error with what the cluster has to say. */
  async until(what: string, holds: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
    for (const end = performance.now() + seconds * 1000; !(await holds());) {
      if (performance.now() > end) {
        throw new Error(`After ${seconds} s it is not so that ${what}.\n${await this.logs()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The queue, the ends of the daemons' logs and those of all tasks. */
  async logs(): Promise<string> {
    const queue = await shell("squeue --array --states=all --format='%i %T %N %r' 2>&1", [], this.#environment());
    const tails = await shell(
      'for log in "$1"/cluster/log/slurm*.log "$1"/*/runs/sweeps/*/logs/*; do echo "== $log"; tail -n 15 "$log"; done',
      [
        this.#folder,
      ],
    );
    return `${queue.out}\n${tails.out}`;
  }

  #environment(): Record<string, string> {
    return { SLURM_CONF: join(this.path, "slurm.conf") };
  }
}

/** What the system calls a process; undefined when there is none, or only what is left of one. */
async function processName(pid: number): Promise<string | undefined> {
  const status = await processStatus(pid);
  return /^State:\s+Z/m.test(status) ? undefined : /^Name:\s+(.+)$/m.exec(status)?.[1];
}

/** Whether SIGUSR2, by which the script tells its task to stop, has been sent to a process that stands still. */
export async function hasPendingUsr2(pid: number): Promise<boolean> {
  const pending = /^ShdPnd:\s+([0-9a-f]+)$/m.exec(await processStatus(pid))?.[1] ?? "0";
  return (BigInt(`0x${pending}`) & (1n << 11n)) !== 0n;
}

/** What the system says of a process; nothing where there is none. Deno itself reads in /proc with all permissions alone. */
async function processStatus(pid: number): Promise<string> {
  return (await shell('cat "/proc/$1/status"', [String(pid)])).out;
}
