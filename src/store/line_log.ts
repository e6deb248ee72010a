/**
 * JSON lines that grow at the end, and are replayed after a kill: a line that is already there must come out the same.
 *
 * @module
 */
import { CorruptRunError } from "./errors.ts";
import { explain, readOptional, writeAll } from "./files.ts";

/** One line: what it is about, and its text. */
export interface Line {
  /** What it is about; a second line of the same key is a replay. */
  readonly key: string;
  /** JSON, without the line's end. */
  readonly text: string;
}

/** A log of JSON lines. */
export class LineLog implements Disposable {
  readonly #path: string;
  readonly #lines: Map<string, string>;
  #wholeBytes: number;
  #file: Deno.FsFile | undefined;
  #unsynced = false;

  private constructor(path: string, lines: Map<string, string>, wholeBytes: number) {
    this.#path = path;
    this.#lines = lines;
    this.#wholeBytes = wholeBytes;
  }

  /**
   * Reads a log, without changing it. A last line that a kill tore is left out, and cut off before the next one is written.
   *
   * @param keyOf what a line is about; undefined when it is not a line of this log
   * @throws {CorruptRunError} when a line within is not JSON, or of another kind, or there twice
   */
  static async read(path: string, keyOf: (value: unknown) => string | undefined): Promise<LineLog> {
    const bytes = await readOptional(path) ?? new Uint8Array(0);
    const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
    const lines = new Map<string, string>();
    const text = new TextDecoder().decode(bytes.subarray(0, wholeBytes));
    for (const [index, line] of text.split("\n").slice(0, -1).entries()) {
      const key = keyOf(parse(line));
      if (key === undefined || lines.has(key)) {
        throw new CorruptRunError(
          `Cannot read ${path}: line ${index + 1} is ${key === undefined ? "damaged" : `there twice (${key})`}. ` +
            "Restore the file, or remove the run's folder and start again.",
        );
      }
      lines.set(key, line);
    }
    return new LineLog(path, lines, wholeBytes);
  }

  /** Whether a line of that key is there. */
  has(key: string): boolean {
    return this.#lines.has(key);
  }

  /**
   * Appends lines that are not there yet.
   *
   * @throws {CorruptRunError} when one is there with another text
   * @throws {StorageError} when it cannot be written
   */
  async append(lines: readonly Line[]): Promise<void> {
    const fresh: Line[] = [];
    for (const { key, text } of lines) {
      const recorded = this.#lines.get(key);
      if (recorded === undefined) fresh.push({ key, text });
      else if (recorded !== text) {
        throw new CorruptRunError(
          `Cannot go on with the run: ${key} came out as ${text} where ${this.#path} has ${recorded}. Another adapter, driver ` +
            "or version computes other numbers: go on where the run began, or start one elsewhere with --runs.",
        );
      }
    }
    if (fresh.length === 0) return;
    const bytes = new TextEncoder().encode(fresh.map(({ text }) => `${text}\n`).join(""));
    try {
      this.#file ??= await this.#open();
      await writeAll(this.#file, bytes);
    } catch (cause) {
      // A part may be written. Opened again, the file is cut to what was whole before.
      this.#file?.close();
      this.#file = undefined;
      throw explain(cause, "write", this.#path);
    }
    this.#wholeBytes += bytes.length;
    this.#unsynced = true;
    for (const { key, text } of fresh) this.#lines.set(key, text);
  }

  /** Makes what was appended survive a power loss. */
  async sync(): Promise<void> {
    if (!this.#unsynced) return;
    try {
      await this.#file?.sync();
    } catch (cause) {
      throw explain(cause, "write", this.#path);
    }
    this.#unsynced = false;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  async #open(): Promise<Deno.FsFile> {
    const file = await Deno.open(this.#path, { write: true, create: true });
    try {
      await file.truncate(this.#wholeBytes);
      await file.seek(0, Deno.SeekMode.End);
      return file;
    } catch (cause) {
      file.close();
      throw cause;
    }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
