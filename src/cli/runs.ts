/**
 * `runs`: what to do with runs that are there. Each of its commands is a file of its own; here one is chosen.
 *
 * @module
 */
import { quoted } from "../data/quoted.ts";
import { suggestion, UsageError } from "./arguments.ts";
import type { Console } from "./console.ts";

/** What the commands work with; tests put their own here. */
export interface RunsTools {
  /** Where to write. */
  readonly console: Console;
  /** Asks for a yes or a no; undefined where nobody can be asked. The process's own terminal when left out. */
  readonly confirm?: (question: string) => boolean | undefined;
}

type Run = (args: readonly string[], tools: RunsTools) => Promise<number>;

const commands: Readonly<Record<string, { readonly usage: string; readonly description: string; readonly run: Run }>> =
  {
    list: {
      usage: "list",
      description: "the runs that are there, newest first; filters, sorts",
      run: async (args, tools) => (await import("./runs_list.ts")).listCommand(args, tools),
    },
    show: {
      usage: "show ID",
      description: "what a run came to, what it was made with, and the command that makes it again",
      run: async (args, tools) => (await import("./runs_show.ts")).showCommand(args, tools),
    },
    compare: {
      usage: "compare A B",
      description: "where two runs' settings differ, and their results side by side",
      run: async (args, tools) => (await import("./runs_compare.ts")).compareCommand(args, tools),
    },
    export: {
      usage: "export ID",
      description: "metrics and levels as CSV or JSON, of one run or all; a ticket as safetensors",
      run: async (args, tools) => (await import("./runs_export.ts")).exportCommand(args, tools),
    },
    verify: {
      usage: "verify ID",
      description: "checksums, counts and completeness of one run or all",
      run: async (args, tools) => (await import("./runs_verify.ts")).verifyCommand(args, tools),
    },
    remove: {
      usage: "remove ID",
      description: "deletes a run, after asking",
      run: async (args, tools) => (await import("./runs_remove.ts")).removeCommand(args, tools),
    },
  };

/**
 * Runs the command.
 *
 * @returns the exit code: 0, or 1 when `verify` found something wrong
 * @throws {UsageError} for wrong arguments, and for a run that is not there
 */
export async function runsCommand(args: readonly string[], tools: RunsTools): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "help" || name === undefined) {
    tools.console.out(help());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    const known = Object.keys(commands);
    throw new UsageError(
      `There is no command ${quoted(`runs ${name}`)}.${suggestion(name, known)} Choose one of ${known.join(", ")}.`,
    );
  }
  return await command.run(rest, tools);
}

function help(): string {
  return [
    "Lists, shows, compares, exports, verifies and removes runs.",
    "",
    "Usage  deno task runs COMMAND [flags]",
    "",
    ...Object.values(commands).map(({ usage, description }) => `  ${usage.padEnd(14)}${description}`),
    "",
    "An ID may be cut short as long as only one run begins like it. Each command has --help.",
    "",
    "Example  deno task runs list --state finished --sort accuracy",
  ].join("\n");
}
