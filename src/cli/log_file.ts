/**
 * A file that keeps what a command says, for a process that has nobody listening: lines are appended, and what would make it too
 * long takes the place of lines in its middle, since a log is read for how it began and how it ended.
 *
 * Lines that begin with `# ` are not the command's: when it was started and as what, and how it ended.
 *
 * @module
 */
import type { Console } from "./console.ts";

/** A log holds at most this much. Twenty levels of five replicates come to some 10 kB. */
export const mostLogBytes: number = 256 * 1024;

/** Of a log that would become too long, its first bytes stay. */
const headBytes = 4 * 1024;

/**
 * Appends lines to a log.
 *
 * @param text without an end of line
 */
export function appendToLog(path: string, text: string, most: number = mostLogBytes): void {
  const added = new TextEncoder().encode(`${text}\n`);
  if ((sizeOf(path) ?? 0) + added.length <= most) {
    Deno.writeFileSync(path, added, { append: true });
    return;
  }
  const whole = `${Deno.readTextFileSync(path)}${text}\n`;
  Deno.writeTextFileSync(path, shortened(whole, most));
}

/** A console that writes to a log. A full disk, or a log that somebody took away, does not end the work that is told about. */
export function logConsole(path: string): Console {
  const write = (text: string): void => {
    try {
      appendToLog(path, text);
    } catch {
      // Whoever misses these lines finds the run's own files.
    }
  };
  return {
    out: write,
    err: write,
    raw: () => {},
    isTerminal: false,
    hasColour: false,
    columns: () => 100,
  };
}

/** The line that says how a command ended. */
export function endLine(code: number): string {
  return `# Ended with exit code ${code}.`;
}

/** The exit code that a log ends with; undefined while the command works, or when it was killed. */
export function exitCodeOf(log: string): number | undefined {
  const [, code] = /^# Ended with exit code (\d+)\.$/m.exec(log) ?? [];
  return code === undefined ? undefined : Number(code);
}

/** The beginning and half of what is allowed from the end, in whole lines. */
function shortened(text: string, most: number): string {
  const bytes = new TextEncoder().encode(text);
  const decode = (part: Uint8Array): string => new TextDecoder().decode(part);
  const kept = Math.min(headBytes, Math.floor(most / 8));
  const head = decode(bytes.subarray(0, kept));
  const tail = decode(bytes.subarray(bytes.length - Math.floor(most / 2)));
  const end = tail.slice(tail.indexOf("\n", 0) + 1);
  return `${head.slice(0, head.lastIndexOf("\n") + 1)}# Lines are left out here.\n${end}`;
}

function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
