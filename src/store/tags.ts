/**
 * A run's tags: words that a reader puts on it. `tags.json` in its folder, beside what was recorded and no part of it.
 *
 * @module
 */
import { join } from "node:path";
import { quoted } from "../data/quoted.ts";
import { readOptional, writeJson } from "./files.ts";

/** The file's name in a run's folder. */
export const tagsName = "tags.json";

/** How many tags a run may have, and how many characters one. */
export const mostTags = 20;
const mostCharacters = 40;

/** Letters of any script, digits, and what joins words: nothing that a page, a table or a file name could trip over. */
const tagPattern = new RegExp(
  `^[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N}_. -]{0,${mostCharacters - 2}}[\\p{L}\\p{M}\\p{N}_.-])?$`,
  "u",
);

/**
 * Tags as they are kept: without spaces around, each once.
 *
 * @throws {RangeError} naming the first that is not as wanted, or their number
 */
export function parseTags(value: unknown): string[] {
  if (!Array.isArray(value)) throw new RangeError(`Cannot take ${quoted(value)} as tags: give a list of words.`);
  const tags = value.map((tag: unknown) => {
    const text = typeof tag === "string" ? tag.normalize("NFC").trim() : "";
    if (tagPattern.test(text)) return text;
    throw new RangeError(
      `Cannot use the tag ${
        quoted(tag)
      }: it must have 1 to ${mostCharacters} letters, digits, spaces, or any of - _ . ` +
        "and begin with a letter or digit. Write it with those.",
    );
  });
  const distinct = [...new Set(tags)];
  if (distinct.length > mostTags) {
    throw new RangeError(`Cannot put ${distinct.length} tags on a run: at most ${mostTags} go. Leave some out.`);
  }
  return distinct;
}

/** A run's tags; none where the file is missing or is not what this version writes. */
export async function readTags(folder: string): Promise<string[]> {
  try {
    const bytes = await readOptional(join(folder, tagsName));
    if (!bytes) return [];
    const file: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof file !== "object" || file === null || !("schema" in file) || file.schema !== 1) return [];
    return "tags" in file ? parseTags(file.tags) : [];
  } catch {
    // Somebody else's words, which are worth no error.
    return [];
  }
}

/**
 * Puts tags on a run, in the place of those that it has.
 *
 * @throws {RangeError} as {@linkcode parseTags} does
 * @throws {StorageError} when the file cannot be written
 */
export async function writeTags(folder: string, tags: readonly string[]): Promise<void> {
  await writeJson(join(folder, tagsName), { schema: 1, tags: parseTags(tags) });
}
