/**
 * A console that remembers.
 *
 * @module
 */
import type { Console } from "../../src/cli/console.ts";

/** What was written where. */
export interface Remembered extends Console {
  /** Results. */
  readonly output: () => string;
  /** Everything else. */
  readonly errors: () => string;
}

/** A console of 100 columns without colour. */
export function rememberingConsole(isTerminal = false): Remembered {
  const out: string[] = [];
  const err: string[] = [];
  return {
    out: (text) => void out.push(`${text}\n`),
    err: (text) => void err.push(`${text}\n`),
    raw: (text) => void err.push(text),
    isTerminal,
    hasColour: false,
    columns: () => 100,
    output: () => out.join(""),
    errors: () => err.join(""),
  };
}
