/**
 * The index over runs where no database can be: on a file system that several machines share, each reader keeps its own, a file
 * that is only ever replaced whole. Readers on the same machine share it, and the last one's stays; as it is checked against the
 * runs' files at every look, that costs time at worst.
 *
 * @module
 */
import { join } from "node:path";
import { isReplaced, writeWhole } from "./files.ts";

/** Of folders that cannot be written: what a process that goes on would otherwise read again. By path. */
const remembered = new Map<string, ReadonlyMap<string, Readonly<Record<string, unknown>>>>();

/** How rows are kept and checked. */
interface IndexFileOptions<Row> {
  /** The machine's name; undefined without the permission to ask for it. */
  readonly host: string | undefined;
  /** Of the form of rows; a file of another version counts for nothing. */
  readonly version: number;
  /** A row as the file has it, checked; undefined when it is none. */
  readonly parse: (row: Readonly<Record<string, unknown>>) => Row | undefined;
  /** A row as `parse` takes it, with its `id`. */
  readonly format: (row: Row) => Readonly<Record<string, unknown>>;
}

/** The index over the runs of a folder, in a file of its reader's. */
export class IndexFile<Row extends { readonly id: string }> implements Disposable {
  readonly #path: string;
  readonly #options: IndexFileOptions<Row>;

  /** @param runs the folder of runs */
  constructor(runs: string, options: IndexFileOptions<Row>) {
    this.#path = join(runs, indexFileName(options.host));
    this.#options = options;
  }

  /** All rows, by id. What is missing, damaged or of another version is read from the runs again. */
  read(): Map<string, Row> {
    const rows = remembered.get(this.#path)?.values() ?? this.#stored();
    return new Map([...rows].flatMap((stored) => {
      const row = this.#options.parse(stored);
      return row ? [[row.id, row]] : [];
    }));
  }

  /** Replaces the file by one with fresh rows, and without those that are gone. */
  async write(fresh: readonly Row[], gone: readonly string[], warn: (message: string) => void): Promise<void> {
    const rows = this.read();
    for (const id of gone) rows.delete(id);
    for (const row of fresh) rows.set(row.id, row);
    const { version, format } = this.#options;
    const stored = new Map([...rows].map(([id, row]) => [id, format(row)]));
    try {
      await writeWhole(this.#path, `${JSON.stringify({ version, rows: [...stored.values()] })}\n`);
      remembered.delete(this.#path);
    } catch (error) {
      remembered.set(this.#path, stored);
      const why = error instanceof Error ? error.message : String(error);
      warn(`The index of runs was not brought up to date. ${why} The list is complete all the same.`);
    }
  }

  [Symbol.dispose](): void {
    // Nothing stays open between looks.
  }

  #stored(): readonly Readonly<Record<string, unknown>>[] {
    try {
      const { version, rows } = objectOf(JSON.parse(textOf(this.#path)));
      return version === this.#options.version && Array.isArray(rows) ? rows.map(objectOf) : [];
    } catch {
      return [];
    }
  }
}

/** The name of a machine's index in the folder of runs. Names come from outside: what a file's name cannot have is left out. */
export function indexFileName(host: string | undefined): string {
  const name = host?.replaceAll(/[^A-Za-z0-9.-]/g, "_").slice(0, 100);
  return name ? `.index-${name}.json` : ".index.json";
}

function textOf(path: string): string {
  for (let attempt = 1;; attempt++) {
    try {
      return Deno.readTextFileSync(path);
    } catch (error) {
      if (!isReplaced(error) || attempt === 5) throw error;
    }
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
