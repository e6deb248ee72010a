/**
 * Arguments: `node:util`'s parser splits them, and this says which flags there are, with the nearest one for a misspelt name.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { isAbsolute, resolve } from "node:path";
import { closestMatch } from "npm:leven@4.1.0";
import { legible, quoted } from "../data/quoted.ts";

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  /** The class's name. */
  override readonly name = "UsageError";
}

/** A flag. */
export interface Flag {
  /** `--train-size`. */
  readonly flag: string;
  /** What stands for its value in help, such as `N`; undefined when it takes none. */
  readonly value?: string;
  /** What it does. */
  readonly description: string;
}

/** Arguments, taken apart. */
export interface Arguments {
  /** What is no flag, in order. */
  readonly positionals: readonly string[];
  /** Values by flag; the empty text for flags that take none. */
  readonly values: ReadonlyMap<string, string>;
}

/**
 * Takes arguments apart.
 *
 * @param most how many positional arguments there may be
 * @throws {UsageError} for an unknown flag, a missing or surplus value, a flag given twice, or a surplus argument
 */
export function parseArguments(args: readonly string[], flags: readonly Flag[], most: number): Arguments {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(flags.map(({ flag, value }) => [
      flag.slice(2),
      { type: value === undefined ? "boolean" : "string" },
    ])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const positionals: string[] = [];
  const values = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (positionals.length === most) {
        throw new UsageError(`Cannot take ${quoted(token.value)}: ${surplus(most)} See --help.`);
      }
      positionals.push(token.value);
    } else if (token.kind === "option") {
      const flag = flags.find((candidate) => candidate.flag === `--${token.name}`);
      if (!flag) throw new UsageError(unknownFlag(token.rawName, flags));
      if (
        flag.value !== undefined && (token.value === undefined || flags.some((other) => other.flag === token.value))
      ) {
        throw new UsageError(`Cannot take ${flag.flag} without a value: give ${flag.flag} ${flag.value}.`);
      }
      if (flag.value === undefined && token.value !== undefined) {
        throw new UsageError(
          `Cannot take ${flag.flag}=${legible(token.value)}: ${flag.flag} has no value. Leave ${
            quoted(`=${token.value}`)
          } out.`,
        );
      }
      if (values.has(flag.flag)) throw new UsageError(`Cannot take ${flag.flag} twice: leave one out.`);
      values.set(flag.flag, token.value ?? "");
    }
  }
  return { positionals, values };
}

/** Lines of help for flags: name and value, then what they do. */
export function describeFlags(flags: readonly Flag[], columns: number, describe: (text: string) => string): string {
  const names = flags.map(({ flag, value }) => value === undefined ? flag : `${flag} ${value}`);
  const width = Math.max(...names.map((name) => name.length)) + 4;
  return flags.map(({ description }, index) => {
    const name = `  ${names[index] ?? ""}`.padEnd(width);
    return name + hang(description, Math.max(30, columns - width), width).split("\n").map(describe).join("\n");
  }).join("\n");
}

/**
 * A path that a user gave. Tasks run in the project's folder, so it is meant relative to INIT_CWD, where Deno keeps the folder
 * that the user is in.
 */
export function userPath(path: string): string {
  if (isAbsolute(path)) return path;
  const { state } = Deno.permissions.querySync({ name: "env", variable: "INIT_CWD" });
  return resolve((state === "granted" ? Deno.env.get("INIT_CWD") : undefined) ?? Deno.cwd(), path);
}

/** What a name that is none of the known ones was probably meant to be, as a sentence to append; empty when nothing is near. */
export function suggestion(name: string, known: readonly string[]): string {
  if (name.length > 100) return ""; // no slip of a finger, and the search takes time with the length
  const nearest = closestMatch(name, [...known], { maxDistance: Math.max(2, Math.floor(name.length / 3)) });
  return nearest === undefined ? "" : ` Did you mean ${nearest}?`;
}

function unknownFlag(name: string, flags: readonly Flag[]): string {
  return `There is no flag ${legible(name)}.${suggestion(name, flags.map(({ flag }) => flag))} See --help.`;
}

function surplus(most: number): string {
  return most === 0
    ? "nothing but flags goes here."
    : `at most ${most === 1 ? "one argument goes" : `${most} arguments go`} here.`;
}

function hang(text: string, columns: number, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}
