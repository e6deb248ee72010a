/**
 * Values that came from outside, as an error's message may show them: short, on one line, and without characters that would move
 * a terminal's cursor or turn its text around.
 *
 * @module
 */

// Enough to recognise a value by; an error's message stays within a few lines of a terminal.
const mostCharacters = 80;
const mostEntries = 8;
const mostDepth = 2;

/**
 * A value as JSON would have it, shortened: long texts and lists are cut, and what is nested deeply is left out. Unlike
 * `JSON.stringify()` it never runs out of stack, and says `Infinity` and `undefined` as they are.
 */
export function quoted(value: unknown, depth: number = mostDepth): string {
  if (typeof value === "string") return printable(JSON.stringify(shortened(value, mostCharacters)));
  if (typeof value !== "object" || value === null) return legible(String(value));
  const isList = Array.isArray(value);
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  const entries = Object.entries(value);
  if (depth === 0 && entries.length > 0) return `${open}…${close}`;
  const parts = entries.slice(0, mostEntries).map(([key, own]) =>
    (isList ? "" : `${quoted(key)}:`) + quoted(own, depth - 1)
  );
  return open + [...parts, ...entries.length > mostEntries ? ["…"] : []].join(",") + close;
}

/** A text without quotation marks, shortened and made printable. */
export function legible(text: string, most: number = mostCharacters): string {
  return printable(shortened(text, most).toWellFormed());
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** Whether a text has nothing that {@linkcode legible} would have to replace, however long it is. */
export function isPrintable(text: string): boolean {
  return text.search(unprintable) === -1;
}

/** Control characters, line separators, those that reverse the direction of text, and halves of characters. */
const unprintable = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function printable(text: string): string {
  return text.replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
