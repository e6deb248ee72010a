/**
 * Where commands write to: results to one place, everything else to another, so that a pipe gets results alone. Commands take it
 * as an argument, and tests give them one that remembers.
 *
 * @module
 */
import { styleText } from "node:util";

/** Where a command writes. */
export interface Console {
  /** A result: standard output. */
  out(text: string): void;
  /** Progress, warnings and errors: standard error. */
  err(text: string): void;
  /** Text without an end of line, for the live line; only on a terminal. */
  raw(text: string): void;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  /** Whether results may be coloured. */
  readonly hasColour: boolean;
  /** Width of the terminal in columns. */
  columns(): number;
}

/** The process's own. */
export function systemConsole(): Console {
  const encoder = new TextEncoder();
  const write = (stream: { writeSync(bytes: Uint8Array): number }, text: string): void => {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  };
  return {
    out: (text) => write(Deno.stdout, `${text}\n`),
    err: (text) => write(Deno.stderr, `${text}\n`),
    raw: (text) => write(Deno.stderr, text),
    isTerminal: Deno.stderr.isTerminal(),
    // Deno.noColor is the environment's NO_COLOR, without the permission to read it.
    hasColour: Deno.stdout.isTerminal() && !Deno.noColor,
    columns: () => {
      try {
        const { columns } = Deno.consoleSize();
        // Some terminals without a window say 0.
        return columns >= 20 ? columns : 80;
      } catch {
        return 100;
      }
    },
  };
}

/** A console whose results go where everything else goes: for `--json`, which keeps standard output for one object. */
export function quietOutput(console: Console): Console {
  return {
    out: (text) => console.err(text),
    err: (text) => console.err(text),
    raw: (text) => console.raw(text),
    isTerminal: console.isTerminal,
    hasColour: console.isTerminal && console.hasColour,
    columns: () => console.columns(),
  };
}

/** Text in bold or dim where the console takes colour. */
export function styled(console: Pick<Console, "hasColour">, style: "bold" | "dim", text: string): string {
  return console.hasColour ? styleText(style, text, { validateStream: false }) : text;
}

/** Text broken into lines of at most so many columns, at spaces. */
export function wrap(text: string, columns: number, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, indent + line].join("\n");
}
