/**
 * A log of JSON lines whose contents are a function of the configuration: after a kill the lines beyond the checkpoint stay,
 * and the replay must reproduce them byte for byte instead of writing them again.
 *
 * @module
 */
import { CorruptRunError } from "./errors.ts";

/** Appends lines, and recognises those that an earlier process has already written. */
export class ReplayLog implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #known: Map<string, string>;
  readonly #keyOf: (entry: unknown) => string;

  private constructor(path: string, file: Deno.FsFile, known: Map<string, string>, keyOf: (entry: unknown) => string) {
    this.#path = path;
    this.#file = file;
    this.#known = known;
    this.#keyOf = keyOf;
  }

  /**
   * Opens a log, new or existing. A torn last line, as a power loss leaves it, is dropped.
   *
   * @param keyOf what tells entries apart; equal keys must have equal lines
   * @throws {CorruptRunError} when a whole line is not JSON, or two lines have the same key
   */
  static async open(path: string, keyOf: (entry: unknown) => string): Promise<ReplayLog> {
    const text = await Deno.readTextFile(path).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    });
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    const known = new Map<string, string>();
    whole.split("\n").forEach((line, index) => {
      if (line === "") return;
      const key = keyOf(parse(line, path, index + 1));
      if (known.has(key)) {
        throw new CorruptRunError(`${path} has two lines for ${key}, the second at line ${index + 1}.`);
      }
      known.set(key, line);
    });
    const file = await Deno.open(path, { read: true, write: true, create: true });
    await file.truncate(new TextEncoder().encode(whole).length);
    await file.seek(0, Deno.SeekMode.End);
    return new ReplayLog(path, file, known, keyOf);
  }

  /**
   * Records an entry, unless an earlier process already has.
   *
   * @throws {CorruptRunError} when it has, with other numbers
   */
  record(entry: Readonly<Record<string, unknown>>): void {
    const line = JSON.stringify(entry);
    const key = this.#keyOf(entry);
    const earlier = this.#known.get(key);
    if (earlier === line) return;
    if (earlier !== undefined) {
      throw new CorruptRunError(
        `${this.#path} says ${earlier} where this process computes ${line}: the run was made by another version, driver or ` +
          "adapter, or the file was changed. Move the run folder away, or give another one with --runs.",
      );
    }
    this.#known.set(key, line);
    const bytes = new TextEncoder().encode(`${line}\n`);
    let written = 0;
    while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
  }

  /** Makes what was recorded survive a power loss. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function parse(line: string, path: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new CorruptRunError(`${path} is damaged at line ${number}: it is not JSON. Move the run folder away.`, {
      cause,
    });
  }
}
